"""The ways to train for an epoch, and which of them a backend, a source of images and a strategy allow.

``choose`` takes the fastest: images resident on the device, a stream of batches, replicas,
or Keras's own steps. `ae_toolkit.training.fitting` asks a plan for its blocks, the steps that one
call takes together, and runs them one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit.data.streams import Stream
from ae_toolkit.training import kept_loops
from ae_toolkit.training.backend import backend
from ae_toolkit.training.loop import NO_FAILURE, CompiledLoop, Outcome, training_losses, variables_of

#: Arrays of up to this many bytes are held by the device as a whole.
RESIDENT_BYTES = 4 * 2**30
#: Steps in one compiled call, about; the progress bar moves once per block.
BLOCK_STEPS = 64
#: Steps of a training from which XLA pays on a CPU: it saves a millisecond per step, and compiles for seconds.
XLA_STEPS = 2000


def choose(
    model: Any,
    stream: Stream,
    optimizer: Any,
    epochs: int,
    strategy: Any = None,
    loop_key: Hashable = None,
    observed: bool = True,
) -> Plan:
    """Return the plan for a training.

    Parameters
    ----------
    model : TrainableModel
        Compiled with the optimiser.
    stream : Stream
    optimizer : keras.optimizers.Optimizer
        Built for the model's weights.
    epochs : int
    strategy : tf.distribute.Strategy or keras.distribution.Distribution, optional
    loop_key : hashable, optional
        As `kept_loops.borrow` takes it.
    observed : bool, default=True
        Whether callbacks may look at the model, or change it, during the training.

    Returns
    -------
    Plan
    """
    if not backend.COMPILES_LOOPS:
        return KerasPlan(model, stream)
    if strategy is not None and backend.REPLICATES_STEPS:
        return ReplicatedPlan(model, stream, optimizer, strategy)
    if strategy is None and stream.array is not None and stream.array.nbytes <= RESIDENT_BYTES:
        return ResidentPlan(model, stream, optimizer, epochs, loop_key, observed)
    return StreamedPlan(model, stream, optimizer, strategy, loop_key, observed)


def xla_pays(model: Any, n_steps: int) -> bool:
    """Return whether XLA wins on TensorFlow.

    On a CPU it does for long trainings of dense networks. It slows convolutions and the
    drawing of random numbers down, knows no image transformation, and multiplies in
    bfloat16 without the processor's help.

    Parameters
    ----------
    model : TrainableModel
    n_steps : int
        Of the whole training.

    Returns
    -------
    bool
    """
    dense = all(len(weight.shape) <= 2 for weight in model.trainable_variables)
    full = all(layer.compute_dtype == "float32" for layer in _innermost(model))
    draws = any(variable.name == "seed_generator_state" for variable in model.non_trainable_variables)
    return dense and full and not draws and model.augmentation is None and n_steps >= XLA_STEPS


def _innermost(model):
    """Yield the layers of a model, and those of the models in it, but not these models themselves."""
    for part in model.layers:
        if hasattr(part, "layers"):
            yield from _innermost(part)
        else:
            yield part


class Plan:
    """A way to train for an epoch, block by block.

    Parameters
    ----------
    model : TrainableModel
    stream : Stream
    block_steps : int
        Steps that one call takes together.
    """

    def __init__(self, model: Any, stream: Stream, block_steps: int = 1):
        self.model, self.stream, self.block_steps = model, stream, block_steps
        self.epoch = 0

    def begin_epoch(self, epoch: int) -> None:
        """Get ready for an epoch.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        """
        self.epoch = epoch
        self.batches = self.stream.weighted_epoch(epoch)

    def blocks(self) -> list[range]:
        """Return the blocks of an epoch.

        Returns
        -------
        list of range
            The numbers of each block's steps, counted from 0 in the epoch.
        """
        steps = range(self.stream.steps_per_epoch)
        return [steps[first : first + self.block_steps] for first in steps[:: self.block_steps]]

    def run(self, block: range) -> dict[str, float]:
        """Train for a block.

        Parameters
        ----------
        block : range

        Returns
        -------
        dict of str to float
            The running means of the epoch so far.

        Raises
        ------
        FloatingPointError
            If a loss term or a weight is not finite. The model's weights are then those
            from before the block.
        """
        raise NotImplementedError

    def finish(self) -> None:
        """Leave the model as the training has made it; called once, also after an error."""

    def fail(self, step: int, names: Sequence[str], kept: str) -> NoReturn:
        """Raise the error for a training whose loss or weights are not finite.

        Parameters
        ----------
        step : int
        names : list of str
            The logs that are not finite; none if a weight is not.
        kept : str
            From before what the weights are that the model has now.

        Raises
        ------
        FloatingPointError
        """
        place = f"in batch {step + 1} of {self.stream.steps_per_epoch} in epoch {self.epoch + 1}"
        raise FloatingPointError(not_finite(names, place) + f" The weights from before this {kept} are kept.")


def not_finite(names: Sequence[str], place: str) -> str:
    """Return the message for values that are not finite.

    Parameters
    ----------
    names : list of str
        Of the loss and of its terms; empty for weights.
    place : str

    Returns
    -------
    str

    Examples
    --------
    >>> from ae_toolkit.training.plans import not_finite
    >>> print(not_finite(["loss", "kl"], "in batch 3")[:67])
    expected a finite loss, got NaN or infinity in its term kl in batch
    """
    terms = [name for name in names if name not in ("loss", "val_loss")]
    whole = next((name for name in names if name in ("loss", "val_loss")), "loss") if names else "weight"
    culprits = f"in its term {' and its term '.join(terms)} " if terms else ""
    return (
        f"expected a finite {whole}, got NaN or infinity {culprits}{place}. Likely causes: a learning rate that is "
        "too large for the optimiser (try a tenth, or clip_norm=1), pixels far from [0, 1], or pixels that are "
        "themselves not finite."
    )


class CompiledPlan(Plan):
    """Steps through a compiled loop, into which the values of the model's variables are loaded.

    Where nobody looks at the model during the training, its variables get their values at
    the end; else after each block, and they are loaded again before the next.
    """

    def __init__(self, model: Any, stream: Stream, loop: CompiledLoop, block_steps: int = 1, observed: bool = True):
        super().__init__(model, stream, block_steps)
        self.loop, self.observed = loop, observed
        groups = variables_of(model, model.optimizer)
        self.variables, self.metrics = [variable for group in groups for variable in group], groups.metrics
        self.loop.load(backend.values_of(self.variables))

    def begin_epoch(self, epoch):
        super().begin_epoch(epoch)
        self.loop.load_metrics(backend.values_of(self.metrics))  # which were reset

    def run(self, block):
        if self.observed:
            self.loop.load(backend.values_of(self.variables))
        before = self.loop.values()
        try:
            for call in self.calls(block):
                outcome = call.function(*call.arguments)
                self.check(outcome, call.first_step)
        except BaseException:
            self.loop.load(before)
            self.assign()
            raise
        if self.observed:
            self.assign()
        return {name: float(outcome.logs[name]) for name in self.loop.metrics}

    def finish(self):
        if not self.observed:
            self.assign()
        kept_loops.give_back(self.loop)

    def assign(self) -> None:
        """Give the model's variables the loop's values."""
        for variable, value in zip(self.variables, self.loop.values(), strict=True):
            variable.assign(value)

    def calls(self, block: range) -> list[Call]:
        """Return the calls of the loop that make a block, one or two.

        Parameters
        ----------
        block : range

        Returns
        -------
        list of Call
        """
        raise NotImplementedError

    def check(self, outcome: Outcome, first_step: int) -> None:
        """Raise an error if a step failed.

        Parameters
        ----------
        outcome : Outcome
        first_step : int
            The number of the call's first step.
        """
        if (failed := int(outcome.failed_step)) != NO_FAILURE:
            # In the metrics' order: JAX returns a compiled function's dict in that of its keys.
            names = [name for name in self.loop.metrics if not math.isfinite(float(outcome.logs[name]))]
            self.fail(first_step + failed, names, "call" if self.block_steps > 1 else "batch")


class Call(NamedTuple):
    """A call of a compiled loop: the function, its arguments, and the number of its first step."""

    function: Callable
    arguments: tuple
    first_step: int


class ResidentPlan(CompiledPlan):
    """Images in one tensor on the device, many steps in one call."""

    def __init__(
        self, model: Any, stream: Stream, optimizer: Any, epochs: int, loop_key: Hashable = None, observed: bool = True
    ):
        steps = stream.steps_per_epoch
        xla = xla_pays(model, steps * epochs)
        loop = kept_loops.borrow(model, optimizer, stream.image_shape, xla, loop_key)
        super().__init__(model, stream, loop, math.ceil(steps / math.ceil(steps / BLOCK_STEPS)), observed)
        images = stream.peek()  # all of an array
        weights = np.ones(len(images), "float32") if stream.weights is None else stream.weights
        self.images, self.weights = map(keras.ops.convert_to_tensor, (images, weights))

    def begin_epoch(self, epoch):
        super().begin_epoch(epoch)
        self.full_batches, self.last_batch = self.stream.epoch_indices(epoch)

    def calls(self, block):
        indices, found = self.full_batches[block.start : block.stop], []
        if count := len(indices):
            # Padded to one shape, so that a shorter last block is not compiled anew.
            found.append(self.call(np.resize(indices, (self.block_steps, indices.shape[1])), count, block.start))
        if len(self.last_batch) and block.stop > len(self.full_batches):
            found.append(self.call(self.last_batch[None], 1, len(self.full_batches)))
        return found

    def call(self, indices: np.ndarray, count: int, first_step: int) -> Call:
        """Return a call that takes steps on the images that the indices name.

        Parameters
        ----------
        indices : ndarray of int32, shape (at least count, batch size)
        count, first_step : int

        Returns
        -------
        Call
        """
        return Call(self.loop.run_resident, (self.images, self.weights, indices, np.int32(count)), first_step)


class StreamedPlan(CompiledPlan):
    """One batch at a time, from any source; on JAX also divided among devices."""

    def __init__(
        self,
        model: Any,
        stream: Stream,
        optimizer: Any,
        strategy: Any = None,
        loop_key: Hashable = None,
        observed: bool = True,
    ):
        key = loop_key if strategy is None else None
        loop = kept_loops.borrow(model, optimizer, stream.image_shape, key=key)
        super().__init__(model, stream, loop, observed=observed)
        self.strategy = strategy

    def calls(self, block):
        batch = tuple(backend.shard_batch(part, self.strategy) for part in next(self.batches))
        return [Call(self.loop.run_single, batch, block.start)]


class EagerPlan(Plan):
    """One batch per call, whose step writes to the model itself; good weights are set aside once per epoch."""

    def begin_epoch(self, epoch):
        super().begin_epoch(epoch)
        self.good_weights = self.model.get_weights()
        self.totals, self.n_images = {}, 0

    def check(self, step, logs):
        """Raise an error, and put the good weights back, if a log or, after the last step, a weight is not finite."""
        names = [name for name, value in logs.items() if not math.isfinite(value)]
        last = step + 1 == self.stream.steps_per_epoch  # its update may have ruined weights that no loss will show
        ruined = last and not all(np.isfinite(weight).all() for weight in self.model.get_weights())
        if names or ruined:
            self.model.set_weights(self.good_weights)
            self.fail(step, names, "epoch")

    def running_means(self, logs, n_images):
        """Return the means over the epoch so far, with a batch's logs added."""
        self.n_images += n_images
        for name, value in logs.items():
            self.totals[name] = self.totals.get(name, 0.0) + value * n_images
        return {name: total / self.n_images for name, total in self.totals.items()}


class KerasPlan(EagerPlan):
    """Keras's own steps, fed by a stream; where nothing else is offered."""

    def run(self, block):
        batch, weights = next(self.batches)
        if self.model.augmentation is not None:
            batch = self.model.augmentation(keras.ops.convert_to_tensor(batch), training=True)
        weights = None if self.stream.weights is None else keras.ops.convert_to_tensor(weights)
        self.model.reset_metrics()  # some backends do so by themselves, others do not
        logs = self.model.train_on_batch(batch, None, weights, return_dict=True)
        logs = {name: float(value) for name, value in logs.items()}
        self.check(block.start, logs)
        return self.running_means(logs, len(batch))


class ReplicatedPlan(EagerPlan):
    """TensorFlow's strategies: each replica takes its fraction of every batch, gradients are added up."""

    def __init__(self, model, stream, optimizer, strategy):
        super().__init__(model, stream)
        self.step = backend.replicated_step(model, optimizer, strategy, training_losses)

    def run(self, block):
        batch, weights = next(self.batches)
        logs = {name: float(value) for name, value in self.step(batch, weights).items()}
        self.check(block.start, logs)
        return self.running_means(logs, len(batch))
