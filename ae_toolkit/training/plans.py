"""What Keras's ``fit`` calls for a block of training steps, and the callbacks that go with it.

``choose`` takes the fastest way that a backend, a source of images and a strategy allow:
images resident on the device, a stream of batches, replicas, or Keras's own steps.
"""

import itertools
import math
import signal
import threading

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit.data import streams
from ae_toolkit.training import loop

RESIDENT_BYTES = 4 * 2**30  # arrays up to this size are held by the device as a whole
BLOCK = 64  # steps in one compiled call, about; the progress bar moves once a block


def choose(model, source, optimizer, epochs, strategy):
    """Return the training for this case."""
    if loop.BACKEND not in ("tensorflow", "jax"):
        return KerasTraining(model, source)
    if strategy is not None and loop.BACKEND == "tensorflow":
        return ReplicatedTraining(model, source, optimizer, strategy)
    if not loop.supports_optimizer(optimizer):
        return KerasTraining(model, source)
    if strategy is None and source.array is not None and source.array.nbytes <= RESIDENT_BYTES:
        return ResidentTraining(model, source, optimizer, epochs)
    return StreamedTraining(model, source, optimizer, strategy)


def _counted(source, strategy):
    """Return data for Keras to count; it divides a batch, so there is a row for each device."""

    def rows():
        # Endless, which spares Keras a new iterator in each epoch.
        while True:
            yield (np.zeros((loop.n_devices(strategy), *source.image_shape), "float32"),)

    return {"x": rows(), "steps_per_epoch": source.steps}


class KerasTraining(keras.callbacks.Callback):
    """Keras's own steps, fed by a stream; and what the faster ways below have in common.

    As a callback it learns which epoch begins, and it stops a training whose loss is
    not finite.
    """

    block = 1  # steps in one call
    steps = None  # the function that Keras calls, if not its own

    def __init__(self, trained, source):
        super().__init__()
        self.trained, self.source, self.epoch = trained, source, 0

    def feed(self):
        """Return the arguments that give Keras's ``fit`` its data."""

        def batches():
            for number in itertools.count(self.epoch):
                for batch, factors in self.source.weighted_epoch(number):
                    yield (batch,) if self.source.weights is None else (batch, batch, factors)

        return {"x": batches(), "steps_per_epoch": self.source.steps}

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.first = epoch, 0
        self.good = self.trained.get_weights()

    def on_train_batch_end(self, batch, logs=None):
        last = batch + 1 == self.source.steps  # its update may have ruined weights that no loss will show
        if not math.isfinite(float(logs["loss"])) or (last and not all(map(_finite, self.model.get_weights()))):
            self.model.set_weights(self.good)
            self.fail(batch, "epoch")

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(float(logs.get("val_loss", 0))):
            raise FloatingPointError(_not_finite("val_loss", f"after epoch {epoch + 1}"))

    def fail(self, step, kept):
        place = f"in batch {step + 1} of {self.source.steps} in epoch {self.epoch + 1}"
        raise FloatingPointError(_not_finite("loss", place) + f" The weights from before this {kept} are kept.")


def _finite(array):
    return bool(np.isfinite(array).all())


def _not_finite(name, place):
    return (
        f"expected a finite {name}, got NaN or infinity {place}. Likely causes: a learning rate that is too large for "
        "the optimiser (try a tenth, or clip_norm=1), pixels far from [0, 1], or pixels that are themselves not finite."
    )


class CompiledTraining(KerasTraining):
    """Steps through an engine's loop. Keras counts the steps; the images come from here."""

    strategy = None

    def __init__(self, model, source, optimizer, xla=False):
        super().__init__(model, source)
        self.optimizer, self.loop = optimizer, loop.loop(model, optimizer, source.image_shape, xla)
        self.steps = self._on_jax if loop.BACKEND == "jax" else self._on_tensorflow

    def feed(self):
        return _counted(self.source, self.strategy)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.first = epoch, 0
        self.begin(epoch)

    def on_train_batch_end(self, batch, logs=None):
        pass  # the loop has looked at every step

    def _variables(self):
        model = self.trained
        groups = model.trainable_variables, model.non_trainable_variables, self.optimizer.variables
        return (*groups, model.metrics_variables)

    def _on_tensorflow(self, _):
        variables = self._variables()
        state = tuple([keras.ops.convert_to_tensor(v) for v in group] for group in variables)
        logs, state = self._block(state)
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return logs

    def _on_jax(self, state, _):
        try:
            return self._block(tuple(map(list, state)))
        except BaseException:
            # Keras has emptied the variables for the time of the epoch.
            for group, values in zip(self._variables(), state, strict=True):
                for variable, value in zip(group, values, strict=True):
                    variable.assign(value)
            raise

    def _checked(self, state, logs, failed, first):
        if (step := int(failed)) != loop.NO_FAILURE:
            self.fail(first + step, "call" if self.block > 1 else "batch")
        return logs, state


class ResidentTraining(CompiledTraining):
    """Images in one tensor on the device, many steps in one call."""

    def __init__(self, model, source, optimizer, epochs):
        xla = loop.wants_xla(model, source.steps * epochs)
        super().__init__(model, source, optimizer, xla)
        factors = np.ones(len(source.array), "float32") if source.weights is None else source.weights
        self.images, self.factors = map(keras.ops.convert_to_tensor, (source.array, factors))
        self.block = math.ceil(source.steps / math.ceil(source.steps / BLOCK))

    def begin(self, epoch):
        self.full, self.last = self.source.epoch_indices(epoch)

    def _block(self, state):
        first, self.first = self.first, self.first + self.block
        indices, logs = self.full[first : self.first], None
        if count := len(indices):
            # Padded to one shape, so that a shorter last block is not compiled anew.
            padded = np.resize(indices, (self.block, indices.shape[1]))
            results = self.loop.resident(state, self.images, self.factors, padded, np.int32(count))
            logs, state = self._checked(*results, first)
        if len(self.last) and self.first > len(self.full):
            results = self.loop.resident(state, self.images, self.factors, self.last[None], np.int32(1))
            logs, state = self._checked(*results, len(self.full))
        return logs, state


class StreamedTraining(CompiledTraining):
    """One batch at a time, from any source; on JAX also divided among devices."""

    def __init__(self, model, source, optimizer, strategy=None):
        super().__init__(model, source, optimizer)
        self.strategy = strategy

    def begin(self, epoch):
        self.batches = self.source.weighted_epoch(epoch)

    def _block(self, state):
        step, self.first = self.first, self.first + 1
        batch = (loop.shard_batch(part, self.strategy) for part in next(self.batches))
        return self._checked(*self.loop.single(state, *batch), step)


class ReplicatedTraining(KerasTraining):
    """TensorFlow's strategies: each replica takes its part of every batch, gradients are added up."""

    def __init__(self, model, source, optimizer, strategy):
        super().__init__(model, source)
        self.strategy = strategy
        self.step = loop.replicated_step(model, optimizer, strategy)
        self.steps = lambda _: {"loss": self.step(*next(self.batches))}

    def feed(self):
        return _counted(self.source, self.strategy)

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self.batches = self.source.weighted_epoch(epoch)


class Validation(keras.callbacks.Callback):
    """Adds ``val_loss`` to an epoch's logs; first in the list, so that the others see it.

    Keras's own validation would run its loop over steps_per_execution batches at once
    and drop the figures of a shorter data set.
    """

    def __init__(self, images, batch_size, image_shape):
        super().__init__()
        self.source = streams.open_stream(images, 1024 if isinstance(images, np.ndarray) else batch_size, seed=0)
        if tuple(self.source.image_shape) != tuple(image_shape):
            raise ValueError(
                f"expected validation images of shape {tuple(image_shape)}, as the others have, "
                f"got {tuple(self.source.image_shape)}"
            )

    def on_epoch_end(self, epoch, logs=None):
        total = count = 0
        for batch in self.source.epoch(0):
            batch = keras.ops.convert_to_tensor(batch)
            output = self.model(batch, training=False)
            loss = self.model.compute_loss(x=batch, y_pred=output, training=False)
            total += float(keras.ops.convert_to_numpy(loss)) * len(batch)
            count += len(batch)
        logs["val_loss"] = total / count


class Interruption(keras.callbacks.Callback):
    """Lets an interrupted training finish its epoch; as a context, listens for the interruption."""

    def __init__(self):
        super().__init__()
        self.asked = self.listening = False

    def __enter__(self):
        main = threading.current_thread() is threading.main_thread()
        self.listening = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self.listening:
            signal.signal(signal.SIGINT, self._note)

    def _note(self, *_):
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_):
        if self.listening:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def on_epoch_end(self, epoch, logs=None):
        if self.asked:
            self.model.stop_training = True
