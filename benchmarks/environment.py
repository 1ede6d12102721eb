"""The environment in which the peers live, so that PyTorch need not be installed beside TensorFlow."""

import subprocess
import sys
from pathlib import Path

WANTED = Path(__file__).with_name("peers.txt")


def peers_environment(folder):
    """Make the peers' environment, once; return its Python and an empty text, or None and the reason.

    Parameters
    ----------
    folder : str or path
        Made, or taken as it is if it was made from the same ``peers.txt``.

    Returns
    -------
    python : str or None
    reason : str
    """
    folder = Path(folder)
    python, record = folder / "bin" / "python", folder / "installed.txt"
    if record.exists() and record.read_text() == WANTED.read_text():
        return str(python), ""
    print(f"bench: installing the peers into {folder} (some minutes the first time)", file=sys.stderr, flush=True)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(WANTED)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
            return None, f"installing the peers failed: {said[-1]}"
    record.write_text(WANTED.read_text())
    return str(python), ""
