"""Prove the book: lint, execute, replay every notebook, test the package, the site and the gate.

    python book/check.py
    python book/check.py --fast
    python book/check.py --coverage
    python book/check.py --replay full
    KERAS_BACKEND=jax python book/check.py

Everything that ``make test`` does, a line with seconds for each step; exits with 1 if any
step failed, after all have run. What ``make book`` has executed already is reused. With
another backend than TensorFlow, which the book is computed with, the whole package is
tested on that one, and not the book. ``--fast`` is for the time between two edits: it
leaves out the tests that are marked ``slow``, the models on JAX and the replay.
``--coverage`` runs only the package's tests and reports which lines none of them reached.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import build

PYTEST = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
REPLAY = ["-p", "nbval_history", "--nbval", "--nbval-current-env"]
# What every model computes; the whole suite on JAX takes a quarter of an hour, and a CI job of its own runs it.
ON_JAX = [
    "tests/ae_toolkit/estimators/test_variants.py",
    "tests/ae_toolkit/estimators/test_generation.py",
    "tests/ae_toolkit/estimators/test_anomaly.py",
    "tests/ae_toolkit/networks/test_losses.py",
]
TWO_WORKERS = ["--numprocesses", "2", "--dist"]  # the two cores
# So that the log says where the time goes, and which test ought to be marked as slow.
SLOWEST = {False: ["--durations", "40", "--durations-min", "5"], True: ["--durations", "10", "--durations-min", "2"]}


def steps(fast=False):
    """Return the name, the command and the further environment of each step."""
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    chosen = ["-m", "not slow"] if fast else []
    workers = [*PYTEST, *chosen, *TWO_WORKERS, "worksteal"]
    if backend != "tensorflow":
        package = [*workers, "tests/ae_toolkit", "ae_toolkit"]
        return [*lint(), (f"unit tests and doctests on {backend}", package, {"KERAS_BACKEND": backend})]
    tests = [
        *lint(),
        ("book", [sys.executable, "book/build.py"], {}),
        ("unit tests, doctests, site, gate", [*workers, *SLOWEST[fast], "tests", "ae_toolkit"], {}),
    ]
    if fast:
        return tests
    return [
        *tests,
        ("the models on JAX", [*workers, *ON_JAX], {"KERAS_BACKEND": "jax"}),
        replay("quick"),
    ]


def replay(profile):
    """Return the step that executes every executed notebook again and compares the outputs.

    A cell whose output may change is tagged nbval-ignore-output. A notebook's cells share a kernel, so a file
    stays on one worker; there are as many as the build had, since the last digits depend on the threads of each.
    """
    notebooks = [str(build.executed(profile) / path.name) for path in build.chapters()]
    workers = ["--numprocesses", str(build.workers(profile)), "--dist", "loadfile"]
    return "replay of every notebook", [*PYTEST, *workers, *REPLAY, *notebooks], {}


def coverage_steps():
    """Return the steps that measure how much of the package its tests reach, on the backends that are installed."""
    measured = [*PYTEST, *TWO_WORKERS, "worksteal", "--cov", "--cov-report=", "--cov-fail-under=0"]
    loops = ["tests/ae_toolkit/training/test_loop.py", "tests/ae_toolkit/training/test_fitting.py"]
    return [
        ("unit tests and doctests", [*measured, "tests/ae_toolkit", "ae_toolkit"], {"KERAS_BACKEND": "tensorflow"}),
        ("the models on JAX", [*measured, "--cov-append", *loops, *ON_JAX], {"KERAS_BACKEND": "jax"}),
        (
            "coverage",
            [sys.executable, "-m", "coverage", "report"],
            {},
        ),  # pyproject.toml says how much has to be reached
    ]


def lint():
    """Return the steps that read the code and the text without running them."""
    python = [sys.executable, "-m"]
    # Its module cannot be run with -m; the program lies beside the interpreter.
    floors = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return [
        ("lint", [*python, "ruff", "check", "--quiet", "."], {}),
        ("format", [*python, "ruff", "format", "--check", "--quiet", "."], {}),
        ("types", [*python, "mypy", "--no-error-summary"], {}),
        ("spelling", [*python, "codespell_lib"], {}),
        ("prose", [sys.executable, "book/prose.py"], {}),
        ("typed numbers", [sys.executable, "book/typed_numbers.py"], {}),
        ("floors", floors, {}),
    ]


def main():
    """Run all steps and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fast", action="store_true", help="without slow tests, the models on JAX and the replay")
    parser.add_argument("--coverage", action="store_true", help="only the package's tests, with their coverage")
    parser.add_argument("--replay", metavar="PROFILE", help="only the replay of that profile's executed notebooks")
    parser.add_argument("--data-dir", default="", help="folder that holds mnist.npz, for the full profile's replay")
    arguments = parser.parse_args()
    profile = arguments.replay or "quick"
    if profile not in build.PROFILES:
        parser.error(f"expected PROFILE to be one of {sorted(build.PROFILES)}, got {profile!r}")
    if arguments.replay:
        todo = [replay(profile)]
    else:
        todo = coverage_steps() if arguments.coverage else steps(arguments.fast)
    if arguments.data_dir:
        os.environ[build.datasets.DATA_VARIABLE] = str(Path(arguments.data_dir).resolve())
    build.set_kernel_environment(build.workers(profile))
    start, failed = time.perf_counter(), []
    for name, command, environment in todo:
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
