"""The benchmark: what the training engine reaches, beside what people would use instead.

``make bench DATA_DIR=folder`` runs it on MNIST and prints one table; every value stands
beside its peer, measured in turn in the same run, since such machines are noisy. "Best
Keras" is the fastest of six ways to call Keras's ``fit``: as a tutorial does, with 64
steps per execution, and with tf.data as well, each with and without ``jit_compile``.
``make bench ONLY=part`` measures one part and adds its rows to those of earlier runs.
``--quick`` takes small random images and few repeats.
"""

import argparse
import datetime
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from parts import clusters, labels, outliers, reached, robust, sizes, small, speed
from peers import Peers, peers_environment
from report import as_markdown, clusters_as_markdown, merged, read, save, table

import ae_toolkit as ae
from ae_toolkit._keras import keras

# name: what measures it, and how many minutes it took on two cores with MNIST and the peers
PARTS = {
    "throughput": (speed.throughput, 15),
    "time": (speed.time_to_error, 6),
    "quality": (reached.quality, 2),
    "digits": (small.digits, 1),
    "search": (small.search, 4),
    "memory": (robust.memory, 4),
    "repeatability": (robust.repeatability, 7),
    "codes": (reached.codes, 14),
    "likelihood": (reached.likelihood, 30),
    "k-means": (clusters.k_means, "not known"),
    "deep-clusters": (clusters.deep, "not known"),
    "manifold": (clusters.manifold, "not known"),
    "manifold-few": (sizes.few, 2),
    "manifold-later": (sizes.later, "not known"),
    "manifold-growth": (sizes.growth, 30),
    "labels": (labels.labels, "not known"),
    "outliers": (outliers.outliers, "not known"),
}
CLUSTERING = {"k-means", "deep-clusters", "manifold"}
OTHER_TABLES = {  # what the table of speeds leaves out
    *CLUSTERING, "manifold-few", "manifold-later", "manifold-growth", "labels", "outliers",
}  # fmt: skip
WITH_PEERS = {"throughput", "time"}  # parts that need PyTorch's environment; "deep-clusters" has one of its own
RESULTS = {False: "_build/bench/results.json", True: "_build/bench/quick.json"}


def main(argv=None):
    """Run the parts that were asked for, keep their rows, print the table of all."""
    options = parse(argv)
    out = options.out or RESULTS[options.quick]
    rows = read(out)
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(options, folder)
        about = {**describe(setting), "remark": options.remark}
        for name in options.only or PARTS:
            begin = time.time()
            print(f"bench: {name} ...", file=sys.stderr, flush=True)
            rows = merged(rows, marked(PARTS[name][0](setting), name, about), PARTS)
            # After each part, so that an interrupted run keeps what it has measured.
            save(out, {"about": about, "rows": [row.as_dict() for row in rows]})
            print(f"bench: {name} took {(time.time() - begin) / 60:.1f} minutes", file=sys.stderr, flush=True)
        setting.peers.close()
    if options.record:
        save(options.record, as_markdown([row for row in rows if row.part not in OTHER_TABLES], about))
    if options.record_clusters:
        save(options.record_clusters, clusters_as_markdown([row for row in rows if row.part in CLUSTERING], about))
    print("  ".join(f"{key}: {value}" for key, value in about.items() if value))
    print(table(rows))
    print(f"written to {out}")


def parse(argv=None):
    """Return the command line's options."""
    minutes = ", ".join(f"{name} {minutes}" for name, (_, minutes) in PARTS.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"Minutes on two cores with MNIST: {minutes}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--data-dir", help="folder with mnist.npz; downloaded if left out")
    parser.add_argument("--out", help=f"the results' file; {RESULTS[False]}, or {RESULTS[True]} with --quick")
    parser.add_argument("--peers", help="folder of the environment for PyTorch and pythae; none if left out")
    parser.add_argument("--record", help="also write the table for the book, to this file")
    parser.add_argument("--record-clusters", help="also write the table of what clusters, to this file")
    parser.add_argument("--remark", default="", help="a sentence for that table, such as what else the machine did")
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be given several times")
    parser.add_argument("--repeats", type=int, default=5, help="how often each contender is measured")
    parser.add_argument("--images", type=int, help="take only so many images, to try a part out")
    parser.add_argument("--quick", action="store_true", help="small random images, two repeats")
    return parser.parse_args(argv)


class Setting:
    """What all parts of the benchmark share.

    Attributes
    ----------
    quick : bool
    repeats : int
        How often each contender is measured.
    train, test : ndarray of float32, shape (n, 28, 28, 1)
    source : str
        Which images these are.
    all_images, all_labels : ndarray
        Those of both sets together, and their labels, which only scores see. Not in a quick run.
    data_dir : str or None
        Where MNIST's file is.
    images_wanted : int or None
        How many images to take of each set; None is all.
    peers : Peers
    peers_folder : str or None
        Where the peers' environment is.
    folder : str
        For files that nobody needs afterwards.
    """

    def __init__(self, options, folder):
        self.quick, self.repeats = options.quick, 2 if options.quick else options.repeats
        self.folder, self.peers_folder, self.data_dir = folder, options.peers, options.data_dir
        self.images_wanted = options.images
        if options.quick:
            pixels = np.random.default_rng(0).random((1100, 28, 28, 1), dtype=np.float32)
            self.train, self.test = pixels[:1000], pixels[1000:]
        else:
            data = ae.datasets.load("mnist", data_dir=options.data_dir or None)
            self.train, self.test = data.x_train[: options.images], data.x_test[: options.images]
            self.all_images = np.concatenate([data.x_train, data.x_test])[: options.images]
            self.all_labels = np.concatenate([data.y_train, data.y_test])[: options.images]
        self.source = "a few images" if options.quick else "MNIST"
        self.source += f" ({options.images:,} images)" if options.images else ""
        python, reason = None, "no peers were asked for"
        if options.peers and not WITH_PEERS.isdisjoint(options.only or PARTS):
            python, reason = peers_environment(options.peers)
        self.peers = Peers(python, reason, np.concatenate([self.train, self.test[:2000]]), folder)

    def images(self, n, conv):
        """Return the first n images, flat unless they are for convolutions."""
        images = self.train[:n]
        return images if conv else images.reshape(len(images), -1)


def marked(rows, part, about):
    """Return the rows with where and when they were measured."""
    for row in rows:
        row.part, row.date, row.machine, row.images = part, about["date"], about["machine"], about["images"]
    return rows


def describe(setting):
    """Return when, where and with what the values are measured."""
    return {
        "date": datetime.datetime.now().astimezone().date().isoformat(),
        "machine": f"{processor()}, {os.cpu_count()} cores",
        "images": setting.source,
        "backend": keras.backend.backend(),
        "keras": keras.version(),
        "torch": setting.peers.versions.get("torch", "none"),
    }


def processor():
    """Return the processor's name as well as it can be found."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
