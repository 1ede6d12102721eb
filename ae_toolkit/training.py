"""How every Keras model here is fitted: seeded batches, resident data, one call an epoch.

Keras's own ``fit`` does the work, so that callbacks, history and the progress bar are
Keras's. Two things differ from handing it an array. The order of the images comes from
a seed of its own, so the global random state is neither read nor changed. And on
TensorFlow the images stay in one tensor: the loop over an epoch's batches runs inside
the compiled function and gathers each batch by its indices.
"""

import logging
import math
from contextlib import contextmanager

import numpy as np

from ae_toolkit._keras import keras


class TrainableModel(keras.Model):
    """A Keras model whose training batches may be indices into a resident tensor.

    A subclass defines ``call`` and ``compute_loss``; the input is the target.
    """

    _resident = None

    if keras.backend.backend() == "tensorflow":

        def train_step(self, data):
            if self._resident is not None:
                data = (keras.ops.take(self._resident[0], data, axis=0),)
            return super().train_step(data)


def fit(model, images, *, epochs, batch_size, optimizer, seed, validation=None, callbacks=(), verbose=0):
    """Fit a model to images held in memory and return its training curve.

    Parameters
    ----------
    model : TrainableModel
        Trained in place.
    images : ndarray of float32, shape (n, ...)
    epochs, batch_size : int
        A batch size above n is reduced to n.
    optimizer : keras.optimizers.Optimizer
        One that was not used before.
    seed : int
        Orders the images in each epoch.
    validation : ndarray, optional
        Images whose loss is added to the curve as ``val_loss``.
    callbacks : sequence of keras.callbacks.Callback
    verbose : {0, 1, 2}
        Keras's: silent, progress bar, a line an epoch.

    Returns
    -------
    dict of list of float
        ``loss`` and, with `validation`, ``val_loss``: one number an epoch, in the
        model's own unit. ``loss`` is averaged while the weights change during the
        epoch, ``val_loss`` is taken at its end.

    Raises
    ------
    FloatingPointError
        If the loss is NaN or infinite after an epoch.

    Examples
    --------
    Estimators call it; see `ae_toolkit.Autoencoder`.
    """
    batch_size = min(batch_size, len(images))
    steps = math.ceil(len(images) / batch_size)
    checks = [_StopWhenNotFinite()] if validation is None else [_Validation(validation), _StopWhenNotFinite()]
    # XLA is off: on a CPU its compilation costs more than a short training, and it slows convolutions.
    options = {"jit_compile": False} if keras.backend.backend() == "tensorflow" else {}
    # Variables that are created while TensorFlow traces the step make it trace a second time.
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer, steps_per_execution=steps, **options)
    try:
        with _no_retracing_advice():
            history = model.fit(
                _batches(model, images, batch_size, seed),
                epochs=epochs,
                steps_per_epoch=steps,
                # Keras would reorder the batches of a data set by Python's global generator.
                shuffle=False,
                callbacks=[*checks, *callbacks],
                verbose=verbose,
            )
    finally:
        model._resident = None
    return {name: [float(value) for value in values] for name, values in history.history.items()}


def optimizer(name, learning_rate, schedule, n_images, batch_size, epochs):
    """Return a Keras optimiser whose learning rate follows `schedule` over the training.

    Parameters
    ----------
    name : str
        Keras's name: ``"adam"``, ``"sgd"``, ...
    learning_rate : float
        The rate at the start.
    schedule : {"cosine", "constant"}
        ``"cosine"`` lets it fall to zero at the last step (Loshchilov and Hutter, 2017).
    n_images, batch_size, epochs : int
        Length of the training.

    Returns
    -------
    keras.optimizers.Optimizer

    References
    ----------
    Loshchilov, I. and Hutter, F. (2017). SGDR: stochastic gradient descent with warm
    restarts. ICLR.

    Examples
    --------
    >>> round(float(optimizer("adam", 1e-3, "constant", 100, 10, 1).learning_rate), 6)
    0.001
    """
    rate = learning_rate
    if schedule == "cosine":
        steps = epochs * math.ceil(n_images / min(batch_size, n_images))
        rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    try:
        return keras.optimizers.get({"class_name": name, "config": {"learning_rate": rate}})
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"expected optimizer to be Keras's name of an optimiser, such as 'adam', 'sgd' or 'rmsprop', got {name!r}"
        ) from error


@contextmanager
def _no_retracing_advice():
    """Each model compiles a training step of its own, which TensorFlow takes for a mistake from the fifth on."""

    def other(record):
        return "tf.function retracing" not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(other)
    try:
        yield
    finally:
        logger.removeFilter(other)


def in_batches(function, array, batch_size=1024):
    """Apply a Keras model to an array in batches and return one NumPy array.

    Examples
    --------
    >>> import numpy as np
    >>> in_batches(lambda batch: batch + 1, np.zeros((3, 2), "float32"), batch_size=2).shape
    (3, 2)
    """
    parts = [function(array[start : start + batch_size]) for start in range(0, len(array), batch_size)]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])


def _batches(model, images, batch_size, seed):
    if keras.backend.backend() != "tensorflow":
        return _ShuffledBatches(images, batch_size, seed)
    from tensorflow import data, random  # the resident path exists on TensorFlow only
    from tensorflow import range as tf_range

    # In a tuple, so that Keras does not take the data for a weight of the model.
    model._resident = (keras.ops.convert_to_tensor(images),)

    def epoch(number):
        order = random.experimental.stateless_shuffle(tf_range(len(images)), seed=[seed, number])
        return data.Dataset.from_tensor_slices(order).batch(batch_size)

    return data.Dataset.counter(dtype="int32").flat_map(epoch).prefetch(2)


class _ShuffledBatches(keras.utils.PyDataset):
    """The same for the other backends: NumPy batches in a seeded order, new each epoch."""

    def __init__(self, images, batch_size, seed):
        super().__init__()
        self.images, self.batch_size = images, batch_size
        self.generator = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return math.ceil(len(self.images) / self.batch_size)

    def __getitem__(self, index):
        return (self.images[self.order[index * self.batch_size : (index + 1) * self.batch_size]],)

    def on_epoch_end(self):
        self.order = self.generator.permutation(len(self.images))


class _Validation(keras.callbacks.Callback):
    """Adds ``val_loss`` to an epoch's logs; first in the list, so that the others see it.

    Keras's own validation would run its loop over steps_per_execution batches at once
    and drop the figures of a shorter data set.
    """

    def __init__(self, images, batch_size=1024):
        super().__init__()
        self.images, self.batch_size = images, batch_size

    def on_epoch_end(self, epoch, logs=None):
        total = 0.0
        for start in range(0, len(self.images), self.batch_size):
            batch = keras.ops.convert_to_tensor(self.images[start : start + self.batch_size])
            output = self.model(batch, training=False)
            total += float(self.model.compute_loss(x=batch, y_pred=output, training=False)) * len(batch)
        logs["val_loss"] = total / len(self.images)


class _StopWhenNotFinite(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        for name in ("loss", "val_loss"):
            if not math.isfinite(value := float(logs.get(name, 0))):
                raise FloatingPointError(
                    f"expected a finite {name}, got {value} in epoch {epoch + 1}. Likely causes: a learning rate that "
                    "is too large for the optimiser, or images on a scale far from [0, 1]."
                )
