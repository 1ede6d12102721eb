"""A notebook as Colab opens it: in an environment with only Jupyter, from the wheel the project builds."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "06_faq.ipynb"


def offline(folder):
    """Whether pip cannot get even a very small package."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), "six"]
    impatient = os.environ | {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "15"}
    return subprocess.run(command, capture_output=True, check=False, env=impatient).returncode != 0


@pytest.mark.slow
def test_a_notebook_installs_what_it_needs_and_runs(tmp_path):
    if offline(tmp_path):
        pytest.skip("no package index within reach: a clean environment cannot be filled")
    wheels, clean = tmp_path / "wheels", tmp_path / "clean"
    python = str(clean / "bin" / "python")
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "JUPYTER"))
    }
    environment |= {
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
        "PIP_FIND_LINKS": f"{wheels} {os.environ.get('PIP_FIND_LINKS', '')}".strip(),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }

    def run(*command):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT))
    (wheel,) = wheels.glob("ae_toolkit-*.whl")
    assert set(zipfile.ZipFile(wheel).namelist()) >= {
        "ae_toolkit/py.typed", "ae_toolkit/__init__.pyi", "ae_toolkit/data/__init__.pyi", "ae_toolkit/book/chapter.py",
        "ae_toolkit/book/__init__.pyi", "ae_toolkit/book/claims.json", "ae_toolkit/book/words.py",
    }  # fmt: skip
    run(sys.executable, "-m", "venv", str(clean))
    run(python, "-m", "pip", "install", "--quiet", "nbclient", "ipykernel")
    assert (
        "Version"
        not in subprocess.run([python, "-m", "pip", "show", "ae-toolkit"], capture_output=True, text=True).stdout
    )

    executed = tmp_path / "executed.ipynb"
    run(
        python, "-c",
        "import nbformat, nbclient, sys; notebook = nbformat.read(sys.argv[1], 4); "
        "nbclient.NotebookClient(notebook, timeout=600).execute(); nbformat.write(notebook, sys.argv[2])",
        str(NOTEBOOK), str(executed),
    )  # fmt: skip
    last = nbformat.read(executed, as_version=4).cells[-1].outputs[0].data["text/plain"]
    assert last.startswith("Produced with profile quick")
    where = run(python, "-c", "import ae_toolkit; print(ae_toolkit.__file__)")
    assert Path(where.strip()).is_relative_to(clean)


@pytest.mark.parametrize(
    ("missing", "asked_for"),
    [((), None), (("ae_toolkit",), "ae-toolkit[data]"), (("ae_toolkit", "tensorflow"), "ae-toolkit[tensorflow,data]")],
)
def test_the_first_cell_asks_pip_for_what_is_missing_only(monkeypatch, missing, asked_for):
    import importlib.util

    found, calls = importlib.util.find_spec, []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else found("json"))
    monkeypatch.setattr(subprocess, "run", lambda command, **options: calls.append(command))
    exec(nbformat.read(NOTEBOOK, as_version=4).cells[0].source, {})
    assert [command[-1] for command in calls] == ([asked_for] if asked_for else [])
    assert all(command[:4] == [sys.executable, "-m", "pip", "install"] for command in calls)
