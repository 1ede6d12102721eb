"""Two launch notebooks as Colab opens them: where Jupyter and TensorFlow are, and nothing of this project."""

import functools
import http.server
import os
import platform
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import build
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXECUTED = sorted(build.executed("quick").glob("*.ipynb"))


def offline(folder):
    """Whether pip cannot get even a very small package."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), "six"]
    impatient = os.environ | {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "15"}
    return subprocess.run(command, capture_output=True, check=False, env=impatient).returncode != 0


@pytest.fixture
def served(tmp_path):
    """A folder, its address, and the list of what was asked for there."""
    folder, asked = tmp_path / "site", []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, form, *values):
            asked.append(form % values)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def fastest(n_notebooks):
    """Return the file names of the chapters that took the fewest seconds."""
    seconds = {path.name: nbformat.read(path, as_version=4).metadata["ae_toolkit"]["seconds"] for path in EXECUTED}
    return sorted(seconds, key=seconds.get)[:n_notebooks]


@pytest.mark.slow
@pytest.mark.skipif(not EXECUTED, reason="nothing executed yet: run `make book` first")
def test_launch_notebooks_install_what_they_need_and_run(tmp_path, served):
    if offline(tmp_path):
        pytest.skip("no package index within reach: a clean environment cannot be filled")
    site, address, asked = served
    clean, launch = tmp_path / "clean", tmp_path / "launch"
    python = str(clean / "bin" / "python")
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "JUPYTER", "MPL"))
    }
    environment |= {
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"), "JUPYTER_PREFER_ENV_PATH": "1",
        "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip

    def run(*command, **variables):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment | variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(site), str(ROOT))
    (wheel,) = site.glob("ae_toolkit-*.whl")
    assert set(zipfile.ZipFile(wheel).namelist()) >= {
        "ae_toolkit/py.typed", "ae_toolkit/__init__.pyi", "ae_toolkit/data/__init__.pyi", "ae_toolkit/book/chapter.py",
        "ae_toolkit/book/__init__.pyi", "ae_toolkit/book/claims.json", "ae_toolkit/book/words.py",
    }  # fmt: skip
    run(
        sys.executable, str(ROOT / "book" / "launch.py"), "--wheel", str(wheel), "--output", str(launch),
        BOOK_WHEEL_URL=f"{address}/{wheel.name}",
    )  # fmt: skip

    small = sys.platform == "linux" and platform.machine() == "x86_64"
    run(sys.executable, "-m", "venv", str(clean))
    run(python, "-m", "pip", "install", "--quiet", "nbclient", "ipykernel", "tensorflow-cpu" if small else "tensorflow")
    installed = run(python, "-m", "pip", "list").lower()
    assert "ae-toolkit" not in installed
    assert "ae_toolkit" not in installed
    assert "mlxtend" not in installed

    for name in fastest(2):
        run(
            python, "-c",
            "import nbformat, nbclient, sys; notebook = nbformat.read(sys.argv[1], 4); "
            "nbclient.NotebookClient(notebook, timeout=600).execute(); nbformat.write(notebook, sys.argv[2])",
            str(launch / name), str(tmp_path / name),
        )  # fmt: skip
        cells = nbformat.read(tmp_path / name, as_version=4).cells
        assert cells[0].outputs == []  # installing says nothing if all is well
        (colophon,) = [cell for cell in cells if cell.source == "run.colophon()"]
        assert colophon.outputs[0].data["text/plain"].startswith("Produced with profile quick")
    assert len(asked) == 1  # the second notebook found everything installed
    where = run(python, "-c", "import ae_toolkit; print(ae_toolkit.__file__)")
    assert Path(where.strip()).is_relative_to(clean)
    assert "mlxtend" in run(python, "-m", "pip", "list")
