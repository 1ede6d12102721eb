"""Prove the book: lint, execute, replay every notebook, test the package, the site and the gate.

    python book/check.py
    KERAS_BACKEND=jax python book/check.py

Everything that ``make test`` does, a line with seconds for each step; exits with 1 if any
step failed, after all have run. What ``make book`` has executed already is reused. With
another backend than TensorFlow, which the book is computed with, the whole package is
tested on that one, and not the book.
"""

import os
import subprocess
import sys
import time

import build

PYTEST = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
REPLAY = ["-p", "nbval_history", "--nbval", "--nbval-current-env"]
# What every model computes; the whole suite on JAX takes a quarter of an hour.
ON_JAX = [
    "tests/ae_toolkit/estimators/test_variants.py",
    "tests/ae_toolkit/estimators/test_generation.py",
    "tests/ae_toolkit/estimators/test_anomaly.py",
    "tests/ae_toolkit/networks/test_losses.py",
]
TWO_WORKERS = ["--numprocesses", "2", "--dist"]  # the two cores


def steps():
    """Return the name, the command and the further environment of each step."""
    ruff = [sys.executable, "-m", "ruff"]
    lint = [
        ("lint", [*ruff, "check", "--quiet", "."], {}),
        ("format", [*ruff, "format", "--check", "--quiet", "."], {}),
    ]
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend != "tensorflow":
        package = [*PYTEST, *TWO_WORKERS, "worksteal", "tests/ae_toolkit", "ae_toolkit"]
        return [*lint, (f"unit tests and doctests on {backend}", package, {"KERAS_BACKEND": backend})]
    notebooks = [str(build.executed("quick") / path.name) for path in build.chapters()]
    return [
        *lint,
        ("book", [sys.executable, "book/build.py"], {}),
        ("unit tests, doctests, site, gate", [*PYTEST, *TWO_WORKERS, "worksteal", "tests", "ae_toolkit"], {}),
        ("the models on JAX", [*PYTEST, *TWO_WORKERS, "worksteal", *ON_JAX], {"KERAS_BACKEND": "jax"}),
        # nbval compares the outputs; a cell whose output may change is tagged nbval-ignore-output.
        # A notebook's cells share a kernel, so a file stays on one worker.
        ("replay of every notebook", [*PYTEST, *TWO_WORKERS, "loadfile", *REPLAY, *notebooks], {}),
    ]


def main():
    """Run all steps and return the exit status."""
    build.set_kernel_environment()
    start, failed = time.perf_counter(), []
    for name, command, environment in steps():
        begin = time.perf_counter()
        status = subprocess.call(command, cwd=build.ROOT, env={**os.environ, **environment})
        print(f"test: {name}: {'FAILED' if status else 'passed'} in {time.perf_counter() - begin:.0f} s", flush=True)
        failed += [name] if status else []
    print(
        f"test: {time.perf_counter() - start:.0f} s in total; "
        + (f"FAILED: {', '.join(failed)}" if failed else "all passed")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
