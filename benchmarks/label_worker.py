"""Classifies images by one method in a process of its own, and prints what it reached.

    python label_worker.py METHOD --images mnist --per-class 10 --seed 0

Of the training images ``--per-class`` per class keep their label, drawn by the seed; without it
all do. The process prints one line of JSON: the percentage of wrong labels of test images and of
the training images that had no label, the expected calibration error in percent, and the
seconds of the training, with all tracing and compiling. ``--small`` takes few images and an epoch.

Labels do not matter to the autoencoder, so several draws can begin with the same one. With
``--shared FOLDER`` the first keeps it there: its seconds are counted in each.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cluster_worker import Run, flat
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import LabelSpreading

import ae_toolkit as ae


@dataclass
class Task:
    """The images, what is known of their labels, and what a method is run with.

    Attributes
    ----------
    train, test : ndarray of float32, shape (n, height, width, channels)
    known : ndarray of int
        The labels of the training images, -1 where there is none.
    run : Run
    """

    train: np.ndarray
    test: np.ndarray
    known: np.ndarray
    run: Run


@dataclass
class Answer:
    """What a method says.

    Attributes
    ----------
    of_train, of_test : ndarray
        Labels.
    of_train_by_one_view : ndarray, optional
        Labels by each image alone, where a method averages over several views of it.
    probabilities : dict of str to ndarray, shape (n_test, n_classes)
        Of the test images, for each way to predict them; empty where a method has none.
    """

    of_train: np.ndarray
    of_test: np.ndarray
    probabilities: dict
    of_train_by_one_view: np.ndarray | None = None


def classifier(task):
    """Train the toolkit's classifier with its defaults."""
    options = {"epochs": 1} if task.run.small else {}
    everything_known = np.all(task.known >= 0)
    autoencoder = None if everything_known else shared_autoencoder(task)
    model = ae.AutoencoderClassifier(autoencoder, random_state=task.run.seed, **options)
    begin = time.perf_counter()
    model.fit(task.train, task.known)
    task.run.seconds += time.perf_counter() - begin
    probabilities = {"": model.predict_proba(task.test)}
    probabilities[", one view"] = model.set_params(n_views=1).predict_proba(task.test)
    by_one_view = None if everything_known else model.predict(task.train)
    return Answer(model.transduction_, probabilities[""].argmax(axis=1), probabilities, by_one_view)


def shared_autoencoder(task):
    """Return the autoencoder that the classifier would train by default, trained now or by an earlier process."""
    from ae_toolkit.estimators._clusters import default_autoencoder

    folder = task.run.shared and task.run.shared / f"labels-{len(task.train)}-{task.run.seed}"
    if folder and folder.exists():
        task.run.seconds += json.loads(folder.with_suffix(".json").read_text())
        return FrozenEstimator(ae.load(folder))
    begin = time.perf_counter()
    autoencoder = default_autoencoder(task.train, 30, task.run.seed)
    autoencoder.set_params(**({"epochs": 1} if task.run.small else {})).fit(task.train)
    seconds = time.perf_counter() - begin
    if folder:
        folder.with_suffix(".json").write_text(json.dumps(seconds))
        ae.save(autoencoder, folder)
    task.run.seconds += seconds
    return FrozenEstimator(autoencoder)


def logistic_regression(task):
    """Train scikit-learn's logistic regression on the pixels of the labelled images."""
    begin, labelled = time.perf_counter(), task.known >= 0
    model = LogisticRegression(max_iter=1000).fit(flat(task.train[labelled]), task.known[labelled])
    task.run.seconds += time.perf_counter() - begin
    probabilities = model.predict_proba(flat(task.test))
    return Answer(model.predict(flat(task.train)), probabilities.argmax(axis=1), {"": probabilities})


def label_spreading(task):
    """Spread labels over the nearest neighbours of PCA's 50 numbers, as scikit-learn does it."""
    return spread_over(task, PCA(50, random_state=task.run.seed), flat)


def label_spreading_of_hog(task):
    """Spread labels over hand-crafted features: HOG of the deskewed image, 64 principal components."""
    return spread_over(task, make_pipeline(ae.Deskew(), ae.HOG(), PCA(64, random_state=task.run.seed)), np.asarray)


def spread_over(task, features, prepare):
    """Spread labels over the nearest neighbours of some features."""
    begin = time.perf_counter()
    model = LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.99, max_iter=100)
    model.fit(features.fit_transform(prepare(task.train)), task.known)
    task.run.seconds += time.perf_counter() - begin
    return Answer(model.transduction_, model.predict(features.transform(prepare(task.test))), {})


def convolutional(task):
    """Train the convolutional network of Keras's own example on the labelled images, which are turned and shifted."""
    from ae_toolkit._keras import keras

    labelled = task.known >= 0
    keras.utils.set_random_seed(task.run.seed)
    layers = keras.layers
    model = keras.Sequential([
        layers.Input(task.train.shape[1:]),
        layers.RandomRotation(0.04, fill_mode="constant"), layers.RandomTranslation(0.08, 0.08, fill_mode="constant"),
        layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dropout(0.5), layers.Dense(1 + task.known.max(), activation="softmax"),
    ])  # fmt: skip
    begin = time.perf_counter()
    model.compile("adam", "sparse_categorical_crossentropy", steps_per_execution=16)
    epochs = 1 if task.run.small else 15
    model.fit(task.train[labelled], task.known[labelled], batch_size=128, epochs=epochs, verbose=0)
    task.run.seconds += time.perf_counter() - begin
    probabilities = model.predict(task.test, batch_size=1000, verbose=0)
    of_train = model.predict(task.train, batch_size=1000, verbose=0).argmax(axis=1)
    return Answer(of_train, probabilities.argmax(axis=1), {"": probabilities})


METHODS = {
    "AutoencoderClassifier": classifier,
    "logistic regression on pixels": logistic_regression,
    "label spreading on PCA": label_spreading,
    "label spreading on HOG": label_spreading_of_hog,
    "convolutional network in Keras": convolutional,
}


def reveal(labels, per_class, seed):
    """Return the labels with -1 for all but so many of each class, drawn by the seed; all without a number."""
    if per_class is None:
        return labels
    random, known = np.random.default_rng(seed), np.full_like(labels, -1)
    for k in np.unique(labels):
        known[random.choice(np.flatnonzero(labels == k), per_class, replace=False)] = k
    return known


def classified(method, images, data_dir, per_class, draw, run):
    """Return what a method reaches on the images of that name: errors in percent, and seconds."""
    data = ae.datasets.load(images, data_dir=data_dir)
    n = 400 if run.small else None
    train, labels, test, wanted = data.x_train[:n], data.y_train[:n], data.x_test[:n], data.y_test[:n]
    task = Task(train, test, reveal(labels, per_class, draw), run)
    answer = METHODS[method](task)
    unknown = task.known < 0
    found = {"test": percent(answer.of_test != wanted), "seconds": run.seconds}
    if unknown.any():
        found["unlabelled"] = percent(answer.of_train[unknown] != labels[unknown])
        if answer.of_train_by_one_view is not None:
            found["unlabelled, one view"] = percent(answer.of_train_by_one_view[unknown] != labels[unknown])
    for kind, probabilities in answer.probabilities.items():
        found[f"test{kind}"] = percent(probabilities.argmax(axis=1) != wanted)
        found[f"calibration{kind}"] = 100 * ae.metrics.expected_calibration_error(wanted, probabilities)
    return found


def main():
    """Run one method and say what it reached."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--images", default="mnist", help="name of a data set")
    parser.add_argument("--data-dir", help="folder with mnist.npz")
    parser.add_argument("--per-class", type=int, help="so many labels per class; all if left out")
    parser.add_argument("--draw", type=int, default=0, help="which draw of the labels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="few images and an epoch")
    parser.add_argument("--shared", type=Path, help="folder of the autoencoders that several draws begin with")
    options = parser.parse_args()
    run = Run(options.seed, options.small, options.shared)
    print(json.dumps(classified(
        options.method, options.images, options.data_dir, options.per_class, options.draw, run
    )))  # fmt: skip


def percent(wrong):
    """Return a mean in percent."""
    return 100 * float(np.mean(wrong))


if __name__ == "__main__":
    main()
