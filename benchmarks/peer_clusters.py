"""Clusters images with ClustPy, in the environment of that peer.

python peer_clusters.py METHOD --images x.npy --labels labels.npy --seed 0
"""

import argparse
import json
import resource
import time

import numpy as np

N_CLUSTERS = 10


def clustpy(name, epochs):
    """Return a function that clusters with ClustPy's defaults but for the epochs of both phases."""

    def cluster(images, seed):
        from clustpy.deep import DEC, IDEC

        method = {"DEC": DEC, "IDEC": IDEC}[name]
        model = method(N_CLUSTERS, pretrain_epochs=epochs, clustering_epochs=epochs, random_state=seed)
        return model.fit(images.reshape(len(images), -1)).labels_

    return cluster


METHODS = {"ClustPy's DEC, 5 + 5 epochs": clustpy("DEC", 5), "ClustPy's IDEC, 5 + 5 epochs": clustpy("IDEC", 5)}


def main():
    """Run one method and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--images", required=True, help="file of an array of images")
    parser.add_argument("--labels", required=True, help="file to write the labels to")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--small", action="store_true", help="accepted, and without effect: there is no such run")
    options = parser.parse_args()
    images = np.load(options.images)
    begin = time.perf_counter()
    labels = METHODS[options.method](images, options.seed)
    seconds = time.perf_counter() - begin
    np.save(options.labels, np.asarray(labels))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": megabytes}))


if __name__ == "__main__":
    main()
