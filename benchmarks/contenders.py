"""Who takes part: plain Keras, the toolkit, PyTorch loops and pythae, and the matrix product as the limit."""

import contextlib
import itertools
import json
import subprocess
import time
from pathlib import Path

import numpy as np

import ae_toolkit as ae
from ae_toolkit import networks
from ae_toolkit._keras import keras

RATE, BATCH = 1e-3, 256


class Clock(keras.callbacks.Callback):
    """Notes the seconds of each epoch, and the error on held-out images after it."""

    def on_train_begin(self, logs=None):
        self.seconds, self.errors = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.begin)
        self.errors.append((logs or {}).get("val_loss"))


def summed_squares(images, found):
    """Return the squared error of each image: the toolkit's loss, for Keras's own fit."""
    return keras.ops.sum(keras.ops.square(images - found), axis=tuple(range(1, len(images.shape))))


class PlainKeras:
    """The same layers in a Keras model, fitted as a tutorial does."""

    def __init__(self, images, hidden, code, conv, seed=0):
        halves = networks.build(images.shape[1:], code, "conv" if conv else "dense", hidden, seed=seed)
        self.images, self.model = images, keras.Sequential(halves)
        self.model.compile(keras.optimizers.Adam(RATE), summed_squares)

    def train(self, epochs=1, held_out=None, batch_size=BATCH):
        clock = Clock()
        held_out = None if held_out is None else (held_out, held_out)
        self.model.fit(self.images, self.images, batch_size=batch_size, epochs=epochs, validation_data=held_out,
                       callbacks=[clock], verbose=0)  # fmt: skip
        return clock

    def images_per_second(self):
        return len(self.images) / self.train().seconds[-1]


class Toolkit:
    """``ae.Autoencoder``; a training is long enough for the engine to choose as it would in earnest."""

    def __init__(self, images, hidden, code, conv, epochs=4, **options):
        self.images, self.epochs = images, epochs
        network = "conv" if conv else "dense"
        self.options = {"code_dim": code, "network": network, "hidden_units": hidden, "learning_rate": RATE,
                        "schedule": "constant", "batch_size": BATCH, **options}  # fmt: skip

    def train(self, epochs, held_out=None, seed=0, **options):
        clock = Clock()
        autoencoder = ae.Autoencoder(**{**self.options, **options}, epochs=epochs, random_state=seed)
        autoencoder.fit(self.images, validation_data=held_out, callbacks=[clock])
        return autoencoder, clock

    def images_per_second(self):
        _, clock = self.train(self.epochs)
        return len(self.images) / float(np.median(clock.seconds[1:]))


class Peers:
    """A process in the peers' environment that trains when asked; or the reason why there is none."""

    def __init__(self, python, reason, images, folder):
        self.reason, self.process = reason, None
        self.path = str(Path(folder) / "images.npy")
        np.save(self.path, images)
        if python is None:
            return
        worker = Path(__file__).with_name("peer_worker.py")
        self.process = subprocess.Popen([python, str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.versions = json.loads(self.process.stdout.readline())
        except json.JSONDecodeError:
            self.reason = "the peers' process did not start"

    def train(self, loop, n, hidden, code, conv, epochs, held_out=0, batch_size=BATCH):
        if self.reason:
            return {"error": self.reason}
        task = {"loop": loop, "n": n, "hidden": list(hidden), "code": code, "conv": conv, "epochs": epochs,
                "held_out": held_out, "batch_size": batch_size, "images": self.path}  # fmt: skip
        print(json.dumps(task), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else {"error": "the peers' process ended"}

    def close(self):
        if self.process is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            self.process.wait()


def matrix_peak(dtype, size=2048, repeats=8):
    """Return the most operations a second that a matrix product reaches here."""
    import tensorflow as tf

    matrix = tf.cast(tf.random.stateless_normal((size, size), (0, 0)), dtype)
    product = tf.function(lambda a: tf.reduce_sum(tf.matmul(a, a)))
    product(matrix)
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        product(matrix).numpy()
        seconds.append(time.perf_counter() - begin)
    return 2 * size**3 / min(seconds)


def operations(hidden, code, pixels=784):
    """Return the operations of a training step per image: 6 a weight, 4 in the first layer.

    Examples
    --------
    >>> operations((128,), 32)
    1052672
    """
    sizes = [pixels, *hidden, code]
    weights = 2 * sum(a * b for a, b in itertools.pairwise(sizes))
    return 6 * weights - 2 * sizes[0] * sizes[1]
