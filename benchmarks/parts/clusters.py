"""How well and how fast images are clustered, without a label: accuracy, NMI, ARI, seconds and memory, over seeds.

Each method runs in a process of its own, so that its memory is its own and nothing is
compiled before it begins (a quick run, which measures nothing, does without); the autoencoder
that several begin with is trained once per seed, and its seconds are counted in each. All take
the same images: those for training and those for testing together, as the papers do.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cluster_worker import Run, clustered
from measure import Row
from peers import peers_environment

import ae_toolkit as ae

HERE = Path(__file__).parents[1]
WORKER = HERE / "cluster_worker.py"
WANTED = HERE / "peers_clustering.txt"
SEEDS = 3
SCORES = ("accuracy", "nmi", "ari")


@dataclass(frozen=True)
class Contender:
    """A method of the toolkit, what it has to reach, and beside which method it stands.

    Attributes
    ----------
    method : str
        As the worker calls it.
    peer : str
        Another method.
    accuracy, seconds : float or None
        Smallest accuracy and most seconds.
    """

    method: str
    peer: str = ""
    accuracy: float | None = None
    seconds: float | None = None


K_MEANS = [
    Contender("k-means on codes, 10 numbers", "k-means on PCA, 10 numbers"),
    Contender("k-means on deskewing codes, 10 numbers", "k-means on pixels", 0.89, 180),
]
DEEP = [
    Contender("DEC", "", 0.95, 360),
    Contender("IDEC", "ClustPy's IDEC, 5 + 5 epochs", 0.95, 360),
    Contender("DEC, 5 + 5 epochs", "ClustPy's DEC, 5 + 5 epochs", 0.90),
]
MANIFOLD = [
    Contender("ManifoldClustering", "n2d's recipe", 0.982, 300),
    Contender("ManifoldClustering, n_jobs=-1", "", 0.982, 300),
    Contender("ManifoldClustering, two codes", "ManifoldClustering, HOG", 0.986, 300),
]


def k_means(setting):
    """Measure k-means on pixels, on PCA's numbers and on codes."""
    return measured(setting, K_MEANS[:1] if setting.quick else K_MEANS)


def deep(setting):
    """Measure codes that are trained for clustering, beside ClustPy's at an equal number of epochs."""
    return measured(setting, DEEP[-1:] if setting.quick else DEEP)


def manifold(setting):
    """Measure clusters of a manifold embedding of codes, beside the recipe of McConville et al. (2021)."""
    return measured(setting, MANIFOLD[:1] if setting.quick else MANIFOLD)


def measured(setting, contenders):
    """Return the rows of some contenders; each seed's methods take turns."""
    race = Race(setting)
    methods = list(dict.fromkeys(name for each in contenders for name in (each.method, each.peer) if name))
    found = {name: [] for name in methods}
    for seed in range(1 if setting.quick else min(SEEDS, setting.repeats)):
        for name in methods:
            found[name].append(race.run(name, seed))
            print(f"bench:   {name}, seed {seed}: {found[name][-1]}", file=sys.stderr, flush=True)
    return [row for each in contenders for row in rows_of(each, found, setting.quick)]


def rows_of(contender, found, quick):
    """Return a contender's rows: three scores, seconds, memory."""
    ours, theirs = found[contender.method], found.get(contender.peer, [])
    reason = next((run["reason"] for run in theirs if "reason" in run), "")
    rows = []
    for key, unit, target in (
        ("accuracy", "of 1", contender.accuracy), ("nmi", "of 1", None), ("ari", "of 1", None),
        ("seconds", "s", contender.seconds), ("megabytes", "MB", None),
    ):  # fmt: skip
        name, less = f"{contender.method}: {key}", key not in SCORES
        values = [run[key] for run in ours]
        # Random labels of few images reach nothing, so that a quick run has nothing to reach.
        rows.append(Row(name, unit, values, target=None if quick else target, smaller_is_better=less))
        if reason:
            rows.append(Row(name, unit, peer=contender.peer, reason=reason))
        elif theirs:
            rows.append(Row(name, unit, values, contender.peer, [run[key] for run in theirs], smaller_is_better=less))
    return rows


class Race:
    """The images, their labels, and the processes that cluster them.

    Parameters
    ----------
    setting : Setting
    images, labels : ndarray, optional
        Others than the setting's.

    Attributes
    ----------
    clusters : ndarray of int
        What the last process found, one per image.
    """

    def __init__(self, setting, images=None, labels=None):
        self.small, self.folder, self.clusters = setting.quick, Path(setting.folder), None
        if images is None:
            images, labels = images_to_cluster(setting)
        self.labels, self.path = labels, self.folder / "clustered.npy"
        np.save(self.path, images)
        self.peers_folder = setting.peers_folder
        self.peer_python, self.reason = None, "no peers were asked for"

    def run(self, method, seed):
        """Return a method's scores, seconds and megabytes, or the reason why there are none."""
        if self.small and not method.startswith("ClustPy"):
            self.clusters, answer = clustered(method, np.load(self.path), Run(seed, True, self.folder))
            return {**ae.metrics.clustering_scores(self.labels, self.clusters), **answer}
        python = sys.executable
        if method.startswith("ClustPy"):
            if self.peer_python is None and self.peers_folder:
                self.peer_python, self.reason = peers_environment(f"{self.peers_folder}-clustering", WANTED)
            if self.peer_python is None:
                return {"reason": self.reason}
            python = self.peer_python
        labels = self.folder / "labels.npy"
        command = [python, str(WORKER), method, "--images", str(self.path), "--labels", str(labels)]
        command += ["--seed", str(seed), "--shared", str(self.folder), *(["--small"] if self.small else [])]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["no message"]
            if python == self.peer_python:
                return {"reason": said[-1]}
            raise RuntimeError(f"{method} failed: {done.stderr[-2000:]}")
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        self.clusters = np.load(labels)
        return {**ae.metrics.clustering_scores(self.labels, self.clusters), **answer}


def images_to_cluster(setting):
    """Return all images of the setting, training and test images together, and their labels; few in a quick run."""
    if setting.quick:
        data = ae.datasets.load("mnist5k")
        return data.x_train[:400], data.y_train[:400]
    return setting.all_images, setting.all_labels
