"""Who takes part: the toolkit, Keras's own ``fit`` as called by a tutorial and by an expert, and the matrix product."""

import itertools
import time
from dataclasses import dataclass

import numpy as np

import ae_toolkit as ae
from ae_toolkit import networks
from ae_toolkit._keras import keras

RATE, BATCH = 1e-3, 256
EARNEST = 30  # epochs for which a training is planned, so that the engine chooses as it would in earnest


@dataclass(frozen=True)
class Network:
    """An autoencoder's sizes: hidden units or filters, length of the code, convolutional or dense."""

    hidden: tuple
    code: int
    conv: bool = False

    @property
    def kind(self):
        """Return the name by which the toolkit builds it."""
        return "conv" if self.conv else "dense"


SMALL_DENSE = Network((128,), 32)


@dataclass(frozen=True)
class Variant:
    """A way to call Keras's ``fit``.

    Attributes
    ----------
    steps : int
        ``steps_per_execution``.
    pipeline : bool
        Whether images come from ``tf.data`` (cached, shuffled, prefetched) or as an array.
    jit : bool or "auto"
        ``jit_compile``; "auto" is Keras's default.
    """

    steps: int = 1
    pipeline: bool = False
    jit: bool | str = "auto"

    @property
    def label(self):
        """Return what a row calls it, after the word "Keras"."""
        words = ["tf.data"] if self.pipeline else ["fit"]
        words += [f"{self.steps} steps per execution"] if self.steps > 1 else []
        words += {"auto": [], True: ["jit_compile"], False: ["no jit_compile"]}[self.jit]
        return ", ".join(words)


PLAIN = Variant()  # what a tutorial shows
PLAIN_KERAS = "Keras fit"


def informed_variants(quick=False):
    """Return the variants of which the best one is "best Keras": three ways to feed it, each with and without XLA.

    Keras's default for ``jit_compile`` is one of the two, so `PLAIN` stands for it. A quick
    run takes two of the six.
    """
    if quick:
        return [PLAIN, Variant(64, True)]
    probe = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    probe.compile("adam", "mse")
    compiled = (True, False) if keras.backend.backend() != "torch" else (False,)
    return [
        Variant(steps, pipeline, "auto" if jit == bool(probe.jit_compile) else jit)
        for steps, pipeline in ((1, False), (64, False), (64, True))
        for jit in compiled
    ]


class Clock(keras.callbacks.Callback):
    """Notes the seconds of each epoch, and the error on held-out images after it; may end the training early."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.stop_after = stop_after

    def on_train_begin(self, logs=None):
        self.seconds, self.errors = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.begin)
        self.errors.append((logs or {}).get("val_loss"))
        if len(self.seconds) == self.stop_after:
            self.model.stop_training = True


def squared_error_per_image(images, found):
    """Return the toolkit's loss, for Keras's own ``fit``."""
    return keras.ops.sum(keras.ops.square(images - found), axis=tuple(range(1, len(images.shape))))


def shuffled_pipeline(images, batch_size):
    """Return images as TensorFlow's guide to performance feeds them: cached, shuffled, batched, prefetched."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(images).cache().shuffle(len(images)).batch(batch_size)
    return data.map(_as_target, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _as_target(batch):
    return batch, batch


class KerasTraining:
    """The toolkit's layers in a Keras model, trained by Keras's own ``fit``.

    With precision "bfloat16" the hidden layers have Keras's policy "mixed_bfloat16", and
    codes and reconstructions are float32, as Keras's guide to mixed precision says.
    """

    def __init__(self, images, network, variant=PLAIN, *, precision="float32", rate=RATE, batch_size=BATCH, seed=0):
        halves = networks.build(
            images.shape[1:], network.code, network.kind, network.hidden, seed=seed, precision=precision
        )
        self.images, self.batch_size, self.compiled = images, batch_size, False
        self.data = shuffled_pipeline(images, batch_size) if variant.pipeline else None
        self.model = keras.Sequential(halves)
        self.model.compile(
            keras.optimizers.Adam(rate), squared_error_per_image, steps_per_execution=variant.steps,
            jit_compile=variant.jit,
        )  # fmt: skip

    def train(self, epochs=1, held_out=None):
        """Train for some epochs and return the clock."""
        clock = Clock()
        options = {"epochs": epochs, "callbacks": [clock], "verbose": 0,
                   "validation_data": None if held_out is None else (held_out, held_out)}  # fmt: skip
        if self.data is None:
            self.model.fit(self.images, self.images, batch_size=self.batch_size, **options)
        else:
            self.model.fit(self.data, shuffle=False, **options)  # the pipeline shuffles
        return clock

    def images_per_second(self):
        """Return the speed of one epoch; of the second one where the first has to be compiled."""
        epochs = 1 if self.compiled else 2
        self.compiled = True
        return len(self.images) / self.train(epochs).seconds[-1]


class ToolkitTraining:
    """``ae.Autoencoder`` with the same network, batches and learning rate."""

    def __init__(self, images, network, **options):
        self.images = images
        self.options = {"code_dim": network.code, "network": network.kind, "hidden_units": network.hidden,
                        "learning_rate": RATE, "schedule": "constant", "batch_size": BATCH, **options}  # fmt: skip

    def train(self, epochs, held_out=None, stop_after=None, seed=0, **options):
        """Return the fitted autoencoder and the clock."""
        clock = Clock(stop_after)
        autoencoder = ae.Autoencoder(**{**self.options, **options}, epochs=epochs, random_state=seed)
        autoencoder.fit(self.images, validation_data=held_out, callbacks=[clock])
        return autoencoder, clock

    def images_per_second(self):
        """Return the speed of the second to fourth epoch of a training planned for thirty."""
        _, clock = self.train(EARNEST, stop_after=4)
        return len(self.images) / float(np.median(clock.seconds[1:]))


def matrix_peak(dtype="float32", size=2048, repeats=8):
    """Return the most operations per second that a matrix product reaches here."""
    import tensorflow as tf

    matrix = tf.cast(tf.random.stateless_normal((size, size), (0, 0)), dtype)
    product = tf.function(_sum_of_product)
    product(matrix)
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        product(matrix).numpy()
        seconds.append(time.perf_counter() - begin)
    return 2 * size**3 / min(seconds)


def _sum_of_product(matrix):
    import tensorflow as tf

    return tf.reduce_sum(tf.matmul(matrix, matrix))


def operations(hidden, code, pixels=784):
    """Return the operations of a training step per image: 6 per weight, 4 per weight of the first layer.

    Examples
    --------
    >>> operations((128,), 32)
    1052672
    """
    sizes = [pixels, *hidden, code]
    weights = 2 * sum(a * b for a, b in itertools.pairwise(sizes))
    return 6 * weights - 2 * sizes[0] * sizes[1]
