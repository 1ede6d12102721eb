"""What the trained models reach: errors and likelihoods, beside Keras's own and PCA's."""

import time

import numpy as np
from contenders import PLAIN_KERAS, SMALL_DENSE, KerasTraining, ToolkitTraining
from measure import Row
from sklearn.decomposition import PCA

import ae_toolkit as ae
from ae_toolkit import metrics

PER_IMAGE = "squared error per image"
SHORT, LONG = 12, 32  # epochs that fit the time limits on two cores
TRANSFORMATIONS = {"rotation": 10, "scale": 0.1, "shift": 0.05, "fraction": 0.25}
# name, with every parameter that is not the default: seeds, epochs, most seconds, largest error, these parameters
CODES = {
    "12 epochs, defaults": (3, SHORT, 100, 2.8, {}),
    "32 epochs, rate 4e-3, bfloat16, augmented": (
        1, LONG, 480, 2.2, {"learning_rate": 4e-3, "precision": "bfloat16", "augmentation": TRANSFORMATIONS},
    ),
}  # fmt: skip
# name: epochs, most nats, most seconds, every parameter beside those of all kinds that is not the default
VARIATIONAL = {
    "IWAE": (
        35, 87.5, 600,
        {
            "hidden_units": (32, 32), "activation": "relu", "importance_samples": 3, "learning_rate": 2e-3,
            "warmup": 0.05,
        },
    ),
    "four levels": (30, 85.5, 720, {"n_levels": 4}),
}  # fmt: skip


def quality(setting):
    """Compare the test error after equal epochs from equal weights, over seeds."""
    images, test = setting.images(60_000, conv=False), setting.test.reshape(-1, 784)
    ours, theirs = [], []
    for seed in range(2 if setting.quick else 3):
        autoencoder, _ = ToolkitTraining(images, SMALL_DENSE).train(10, seed=seed)
        ours.append(-autoencoder.score(test))
        plain = KerasTraining(images, SMALL_DENSE, seed=seed)
        plain.train(10)
        theirs.append(metrics.reconstruction_error(test, plain.model.predict(test, batch_size=1000, verbose=0)))
    return [Row("test error after 10 epochs", PER_IMAGE, ours, PLAIN_KERAS, theirs, 0.99, smaller_is_better=True)]


def codes(setting):
    """Test error of 30-number codes, as of Hinton and Salakhutdinov (2006), after 100 seconds and after 8 minutes."""
    flat, flat_test = (images.reshape(len(images), -1) for images in (setting.train, setting.test))
    pca = PCA(30, random_state=0).fit(flat)
    by_pca = metrics.reconstruction_error(flat_test, pca.inverse_transform(pca.transform(flat_test)))
    rows = []
    for kind, (seeds, epochs, limit, target, more) in CODES.items():
        if setting.quick:
            seeds, epochs = 1, 1
        seconds, errors = train_codes(setting, seeds, epochs=epochs, **more)
        name = f"30-number code, {kind}"
        rows += [
            Row(f"{name}: test error", PER_IMAGE, errors, target=target, smaller_is_better=True),
            Row(f"{name}: test error", PER_IMAGE, errors, "PCA", [by_pca] * len(errors), 1.0, smaller_is_better=True),
            Row(f"{name}: seconds", "s", seconds, target=limit, smaller_is_better=True),
        ]
    return rows


def train_codes(setting, seeds, **options):
    """Return the seconds and the test error of each seed."""
    seconds, errors = [], []
    for seed in range(seeds):
        begin = time.perf_counter()
        autoencoder = ae.Autoencoder(30, network="patch", **options, random_state=seed).fit(setting.train)
        seconds.append(time.perf_counter() - begin)
        errors.append(-autoencoder.score(setting.test))
    return seconds, errors


def likelihood(setting):
    """Negative log-likelihood of binarised test images, by importance sampling with 500 codes per image."""
    test = setting.test
    black_and_white = (np.random.default_rng(0).random(test.shape) < test).astype("float32")
    rows = []
    for kind, (epochs, most_nats, most_seconds, more) in VARIATIONAL.items():
        variational = ae.VariationalAutoencoder(
            40, network="patch", binarize=True, epochs=1 if setting.quick else epochs, random_state=0, **more,
        )  # fmt: skip
        begin = time.perf_counter()
        variational.fit(setting.train)
        seconds = time.perf_counter() - begin
        nats = -variational.log_likelihood(black_and_white, 10 if setting.quick else 500, random_state=0).mean()
        name = f"40-number code, {kind}"
        rows += [
            Row(f"{name}, {len(test):,} test images", "nats", [float(nats)], target=most_nats, smaller_is_better=True),
            Row(f"{name}: seconds", "s", [seconds], target=most_seconds, smaller_is_better=True),
        ]
    return rows
