"""PyTorch and pythae: the process that trains when asked; and the environments that peers live in."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

WANTED = Path(__file__).with_name("peers.txt")
LOOPS = {"loader": "PyTorch, DataLoader", "index": "PyTorch, indexing", "pythae": "pythae"}


def peers_environment(folder, wanted=None):
    """Make an environment for peers, once; return its Python and an empty text, or None and the reason.

    Parameters
    ----------
    folder : str or path
        Made, or taken as it is if it was made from the same list.
    wanted : path, optional
        The list of what to install; by default `WANTED`.

    Returns
    -------
    python : str or None
    reason : str
    """
    folder, wanted = Path(folder), WANTED if wanted is None else wanted
    python, record = folder / "bin" / "python", folder / "installed.txt"
    if record.exists() and record.read_text() == wanted.read_text():
        return str(python), ""
    print(f"bench: installing the peers into {folder} (some minutes the first time)", file=sys.stderr, flush=True)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
            return None, f"installing the peers failed: {said[-1]}"
    record.write_text(wanted.read_text())
    return str(python), ""


class Peers:
    """A process in the peers' environment that trains when asked; or the reason why there is none.

    Parameters
    ----------
    python : str or None
        The environment's interpreter.
    reason : str
        Why there is none.
    images : ndarray of shape (n, 28, 28, 1)
        Written to `folder`, from which the process reads them.
    """

    def __init__(self, python, reason, images, folder):
        self.reason, self.process, self.versions = reason, None, {}
        if python is None:
            return
        self.path = str(Path(folder) / "images.npy")
        np.save(self.path, images)
        worker = Path(__file__).with_name("peer_worker.py")
        self.process = subprocess.Popen([python, str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.versions = json.loads(self.process.stdout.readline())
        except json.JSONDecodeError:
            self.reason = "the peers' process did not start"

    def train(self, loop, n, network, epochs, held_out=0, batch_size=256):
        """Return the seconds and held-out errors of each epoch on the first n images, or the error."""
        if self.reason:
            return {"error": self.reason}
        task = {"loop": loop, "n": n, "hidden": list(network.hidden), "code": network.code, "conv": network.conv,
                "epochs": epochs, "held_out": held_out, "batch_size": batch_size, "images": self.path}  # fmt: skip
        print(json.dumps(task), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else {"error": "the peers' process ended"}

    def close(self):
        """End the process."""
        if self.process is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            self.process.wait()


class PeerTraining:
    """One loop of the peers, on the first n images."""

    def __init__(self, peers, loop, n, network):
        self.peers, self.loop, self.n, self.network = peers, loop, n, network

    def images_per_second(self):
        """Return the speed of the second epoch, or the reason why there is none."""
        answer = self.peers.train(self.loop, self.n, self.network, epochs=2)
        return self.n / answer["seconds"][-1] if "seconds" in answer else answer["error"]
