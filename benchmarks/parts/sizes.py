"""`ManifoldClustering` of few images and of very many, and of images that come later."""

import sys

import numpy as np
from measure import Row

import ae_toolkit as ae
from ae_toolkit.data.augmentation import RandomAffine
from parts.clusters import SEEDS, Race, images_to_cluster

METHOD = "ManifoldClustering"
SIZES = (35_000, 70_000, 140_000, 280_000)


def few(setting):
    """Measure the 5,000 images of mnist5k, with nothing but the defaults."""
    data = ae.datasets.load("mnist5k")
    n = 400 if setting.quick else None
    images = np.concatenate([data.x_train, data.x_test])[:n]
    race = Race(setting, images, np.concatenate([data.y_train, data.y_test])[:n])
    found = [race.run(f"{METHOD}, defaults alone", seed) for seed in seeds_of(setting)]
    accuracy, seconds = (None, None) if setting.quick else (0.88, 40)
    return [
        Row(f"{METHOD}, mnist5k: accuracy", "of 1", [run["accuracy"] for run in found], target=accuracy),
        Row(
            f"{METHOD}, mnist5k: seconds", "s", [run["seconds"] for run in found], target=seconds,
            smaller_is_better=True,
        ),
    ]  # fmt: skip


def later(setting):
    """Compare the clusters that images get as new ones with those that they get when they are clustered, too.

    Those are the last seventh of the images: MNIST's 10,000 test images.
    """
    images, labels = images_to_cluster(setting)
    race, new = Race(setting), slice(len(images) * 6 // 7, None)
    assigned, clustered = [], []
    for seed in seeds_of(setting):
        for method, accuracies in ((f"{METHOD} of six sevenths", assigned), (METHOD, clustered)):
            race.run(method, seed)
            accuracies.append(ae.metrics.clustering_accuracy(labels[new], race.clusters[new]))
        print(f"bench:   seed {seed}: {assigned[-1]:.4f}, clustered {clustered[-1]:.4f}", file=sys.stderr, flush=True)
    lost = [with_them - without for with_them, without in zip(clustered, assigned, strict=True)]
    return [
        Row(f"{METHOD}, images that come later: accuracy", "of 1", assigned),
        Row(f"{METHOD}, the same images, clustered: accuracy", "of 1", clustered),
        Row(
            f"{METHOD}, images that come later: accuracy lost", "of 1", lost, target=None if setting.quick else 0.005,
            smaller_is_better=True,
        ),
    ]  # fmt: skip


def growth(setting):
    """Measure how seconds and memory grow with the number of images, all of which are transformed ones.

    MNIST's own among them would be another kind of image, and form clusters of their own.
    """
    images, labels = images_to_cluster(setting)
    sizes = (len(images) // 2, len(images)) if setting.quick else SIZES
    seconds, megabytes = [], []
    for n in sizes:
        copies = -(-n // len(images))
        race = Race(setting, transformed(images[:n], copies)[:n], np.tile(labels[:n], copies)[:n])
        found = race.run(METHOD, seed=0)
        seconds.append(found["seconds"])
        megabytes.append(found["megabytes"])
        print(f"bench:   {n:,} images: {found}", file=sys.stderr, flush=True)
    rows = []
    for n, s, mb in zip(sizes, seconds, megabytes, strict=True):
        rows.append(Row(f"{METHOD}, {n:,} images: seconds", "s", [s], smaller_is_better=True))
        rows.append(Row(f"{METHOD}, {n:,} images: memory", "MB", [mb], target=12 * 1024, smaller_is_better=True))
    for name, values in (("seconds", seconds), ("memory", megabytes)):
        exponent = np.polyfit(np.log(sizes), np.log(values), 1)[0]
        rows.append(
            Row(
                f"{METHOD}: exponent of {name}", "power", [float(exponent)], target=None if setting.quick else 1.2,
                smaller_is_better=True,
            )
        )  # fmt: skip
    return rows


def transformed(images, copies):
    """Return copies of the images that are turned, sheared, scaled and shifted, each copy otherwise."""
    all_of_them = []
    for seed in range(copies):
        layer = RandomAffine(rotation=15, shear=15, scale=0.15, shift=0.08, fraction=1, seed=seed)
        pieces = [np.asarray(layer(images[i : i + 5000], training=True)) for i in range(0, len(images), 5000)]
        all_of_them.append(np.concatenate(pieces))
    return np.concatenate(all_of_them)


def seeds_of(setting):
    """Return the seeds: three, or as many as the repeats that were asked for."""
    return range(1 if setting.quick else min(SEEDS, setting.repeats))
