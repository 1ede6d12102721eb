"""How well images are classified, from all labels and from few: errors, calibration and seconds, over draws and seeds.

Each run is a process of its own, so that nothing is compiled before it begins. The settings are
the toolkit's defaults; test labels are seen by the scores only.
How many draws there are is each race's own number, whatever ``--repeats`` says.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cluster_worker import Run
from label_worker import classified
from measure import Row

HERE = Path(__file__).parents[1]
WORKER = HERE / "label_worker.py"
OURS = "AutoencoderClassifier"
PERCENT = "% of images"
SEEDS = 3  # of the autoencoders that the draws take turns in beginning with


@dataclass(frozen=True)
class Race:
    """What is classified, how often, beside whom, and what has to be reached.

    Attributes
    ----------
    name : str
    images : str
        The data set.
    per_class : int or None
        Labels per class; None is all.
    draws : int
        How often labels are drawn, or with all labels how many seeds there are.
    peers : tuple of str
    targets : dict of str to float
        The largest value of a measure.
    """

    name: str
    images: str
    per_class: int | None
    draws: int
    peers: tuple[str, ...]
    targets: dict[str, float]


MNIST = [
    Race(
        "all labels", "mnist", None, 3, ("logistic regression on pixels", "convolutional network in Keras"),
        {"test": 0.45, "seconds": 300, "calibration": 0.5},
    ),
    Race(
        "10 labels per class", "mnist", 10, 5, ("label spreading on PCA", "label spreading on HOG"),
        {"test": 1.5, "unlabelled": 1.5, "seconds": 360},
    ),
    Race("1 label per class", "mnist", 1, 10, ("label spreading on PCA",), {"test": 3.0, "unlabelled": 2.0}),
]  # fmt: skip
OTHERS = [
    Race(f"all labels, {images}", images, None, 3, ("logistic regression on pixels",), {})
    for images in ("mnist5k", "digits", "patches")
]


def labels(setting):
    """Measure the classifier on MNIST with all labels, ten and one per class, and on the other data sets."""
    if setting.quick:
        return measured(setting, Race("10 labels per class", "mnist5k", 10, 1, ("label spreading on PCA",), {}))
    return [row for race in (*OTHERS, *MNIST) for row in measured(setting, race)]


def measured(setting, race):
    """Return the rows of a race; each draw's methods take turns."""
    found = {method: [] for method in (OURS, *race.peers)}
    for draw in range(race.draws):
        for method, of_draws in found.items():
            of_draws.append(run(setting, race, method, draw))
            print(f"bench:   {race.name}: {method}, draw {draw}: {of_draws[-1]}", file=sys.stderr, flush=True)
    return rows_of(race, found)


def run(setting, race, method, draw):
    """Return what a method reached in a process of its own; a quick run, which measures nothing, does without."""
    if setting.quick:
        shared = Run(draw % SEEDS, small=True, shared=Path(setting.folder))
        return classified(method, race.images, setting.data_dir, race.per_class, draw, shared)
    command = [sys.executable, str(WORKER), method, "--images", race.images, "--draw", str(draw)]
    command += ["--seed", str(draw % SEEDS), "--shared", setting.folder]
    command += ["--per-class", str(race.per_class)] if race.per_class else []
    command += ["--data-dir", setting.data_dir] if setting.data_dir else []
    command += ["--small"] if setting.quick else []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{method} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def rows_of(race, found):
    """Return a row for each measure of the classifier, and one beside each peer that has the measure."""
    rows = []
    for key in found[OURS][0]:
        unit = "s" if key == "seconds" else PERCENT
        name = f"{race.name}: {MEASURES.get(key, key)}"
        values = [each[key] for each in found[OURS]]
        rows.append(Row(name, unit, values, target=race.targets.get(key), smaller_is_better=True))
        for peer in race.peers:
            if key in found[peer][0]:
                theirs = [each[key] for each in found[peer]]
                rows.append(Row(name, unit, values, peer, theirs, smaller_is_better=True))
    return rows


#: How the table calls the worker's measures.
MEASURES = {
    "test": "wrong of test images", "unlabelled": "wrong of training images without a label",
    "unlabelled, one view": "wrong of training images without a label, one view of each",
    "calibration": "expected calibration error", "test, one view": "wrong of test images, one view of each",
    "calibration, one view": "expected calibration error, one view of each",
}  # fmt: skip
