"""The compiled loop: many training steps in one call, on TensorFlow and on JAX.

A training step is written once, in Keras's own terms: forward pass, gradients, the
optimiser's ``apply``, the running metrics. ``CompiledLoop`` compiles it in two forms, over
all images, which stay on the device and are addressed by indices, and over one batch that
is handed in. Both work on values that are loaded into the loop, so that it belongs to no
single model: models of equal structure can use it one after the other, and the second of
two equal trainings is not traced again (see `kept_loops`).
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

from ae_toolkit._keras import keras
from ae_toolkit.training.backend import backend

ops = keras.ops
#: The number of the failing step while none has failed.
NO_FAILURE = -1


class Outcome(NamedTuple):
    """What a call of a compiled loop reports.

    Parameters
    ----------
    logs : dict of str to scalar tensor
        The running means of the epoch so far: ``loss`` and each loss term.
    failed_step : int tensor
        The step, counted from 0, whose loss is not finite or left weights that are not;
        `NO_FAILURE` if there is none. A loop ends with a failing step.

    Examples
    --------
    >>> outcome = Outcome({"loss": 2.0}, NO_FAILURE)
    >>> outcome.failed_step == NO_FAILURE
    True
    """

    logs: dict
    failed_step: Any


class CompiledLoop:
    """The training steps of one kind of model and optimiser, compiled.

    Parameters
    ----------
    model : TrainableModel
        Compiled with the optimiser.
    optimizer : keras.optimizers.Optimizer
        Built for the model's weights.
    image_shape : tuple of int
    xla : bool
        Whether XLA compiles the loop over resident images, where the backend leaves a choice.

    Notes
    -----
    The model and the optimiser are templates: what the loop does to values loaded into it
    does not change theirs, unless it was made for them alone. One training uses it at a time.
    """

    def __init__(self, model: Any, optimizer: Any, image_shape: tuple[int, ...], xla: bool):
        self.model, self.optimizer = model, optimizer
        self.key: Hashable = None  # by which `kept_loops` keeps it
        self.metrics = {metric.name: metric for metric in model.metrics}
        groups = variables_of(model, optimizer)
        self.trainable, self.others = groups.trainable, [*groups.non_trainable, *groups.metrics]
        everything = [*groups.trainable, *groups.non_trainable, *groups.optimizer, *groups.metrics]
        self.variables, self.first_metric = everything, len(everything) - len(groups.metrics)
        self.state = backend.ProgramState(everything)
        batch = [((None, *image_shape), "float32"), ((None,), "float32")]
        block = [*batch, ((None, None), "int32"), ((), "int32")]
        self._resident = backend.compile_program(self.train_on_resident_images, self.state, block, xla)
        self._single = backend.compile_program(self.train_on_batch, self.state, batch, False)

    def load(self, values: list) -> None:
        """Load the values of all variables of a training.

        Parameters
        ----------
        values : list of tensor
            In the order of `variables_of`.
        """
        self.state.set(values)

    def load_metrics(self, values: list) -> None:
        """Load the values of the running means alone.

        Parameters
        ----------
        values : list of tensor
        """
        self.state.set(values, first=self.first_metric)

    def values(self) -> list:
        """Return the values of all variables as they are now.

        Returns
        -------
        list of tensor
            In the order of `variables_of`.
        """
        return self.state.get()

    def run_resident(self, images: Any, weights: Any, indices: Any, count: Any) -> Outcome:
        """Take `count` steps on images[indices[0]], images[indices[1]], ...

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
        weights : tensor of shape (n,)
            A factor for each image's loss.
        indices : int32 array of shape (at least count, batch size)
        count : int32

        Returns
        -------
        Outcome
        """
        return self._resident(images, weights, indices, count)

    def run_single(self, batch: Any, weights: Any) -> Outcome:
        """Take one step on a batch.

        Parameters
        ----------
        batch : tensor of shape (b, *image_shape)
        weights : tensor of shape (b,)

        Returns
        -------
        Outcome
        """
        return self._single(batch, weights)

    # The functions that are compiled: they read and assign the model's and the optimiser's variables.

    def train_on_resident_images(self, images: Any, weights: Any, indices: Any, count: Any) -> Outcome:
        """Step through the batches that the indices name, until one fails."""

        def step(i, failed):
            batch, factors = (ops.take(array, indices[i], axis=0) for array in (images, weights))
            loss = self.train_step(batch, factors)
            return i + 1, ops.where(ops.isfinite(loss), failed, i)

        def goes_on(i, failed):
            return ops.logical_and(i < count, failed == NO_FAILURE)

        start = ops.convert_to_tensor(0, "int32"), ops.convert_to_tensor(NO_FAILURE, "int32")
        _, failed = backend.repeat(step, goes_on, start, self.variables)
        return self.outcome(failed, last_step=count - 1)

    def train_on_batch(self, batch: Any, weights: Any) -> Outcome:
        """Take a single step."""
        loss = self.train_step(batch, weights)
        return self.outcome(ops.where(ops.isfinite(loss), NO_FAILURE, 0), last_step=0)

    def train_step(self, batch: Any, weights: Any) -> Any:
        """Take a gradient step on one batch and return its loss."""

        def scaled_and_plain_loss():
            loss = training_losses(self.model, batch, weights)["loss"]
            return self.optimizer.scale_loss(loss), loss

        loss, gradients = backend.value_and_grad(scaled_and_plain_loss, self.trainable, self.others)
        backend.apply_gradients(self.optimizer, gradients, self.trainable)
        self.metrics["loss"].update_state(loss, sample_weight=ops.shape(batch)[0])
        return loss

    def outcome(self, failed: Any, last_step: Any) -> Outcome:
        """Report the logs, and which step failed."""
        # The last update may have ruined the weights without any loss having shown it yet.
        finite = ops.all(ops.stack([ops.all(ops.isfinite(weight)) for weight in self.trainable]))
        failed = ops.where(ops.logical_and(failed == NO_FAILURE, ops.logical_not(finite)), last_step, failed)
        logs = {name: metric.result() for name, metric in self.metrics.items()}
        return Outcome(logs, failed)


class TrainingVariables(NamedTuple):
    """The variables that a training changes, in four lists of keras.Variable.

    Parameters
    ----------
    trainable, non_trainable, optimizer, metrics : list of keras.Variable
        The model's weights; its other variables, such as moving averages and the state of
        random numbers; the optimiser's; the running means.
    """

    trainable: list
    non_trainable: list
    optimizer: list
    metrics: list


def variables_of(model: Any, optimizer: Any) -> TrainingVariables:
    """Return the variables that a training changes.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.optimizers.Optimizer

    Returns
    -------
    TrainingVariables

    Examples
    --------
    >>> import keras
    >>> from ae_toolkit.training.loop import variables_of
    >>> model, optimizer = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), keras.optimizers.SGD()
    >>> optimizer.build(model.trainable_variables)
    >>> model.compile(optimizer=optimizer)
    >>> [variable.name for variable in variables_of(model, optimizer).trainable]
    ['kernel', 'bias']
    """
    return TrainingVariables(
        list(model.trainable_variables), list(model.non_trainable_variables),
        list(optimizer.variables), list(model.metrics_variables),
    )  # fmt: skip


def training_losses(model: Any, images: Any, weights: Any) -> dict[str, Any]:
    """Return the loss of a batch, and its terms, as training sees them: after augmentation, which the target shares.

    Parameters
    ----------
    model : TrainableModel
    images : tensor of shape (b, *image_shape)
    weights : tensor of shape (b,)
        A factor for each image's loss.

    Returns
    -------
    dict of str to scalar tensor
        ``loss`` and each term that the model tracks.

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.models import AutoencoderModel
    >>> from ae_toolkit.training.loop import training_losses
    >>> model = AutoencoderModel(*networks.build((6,), code_dim=2))
    >>> float(training_losses(model, ops.zeros((3, 6)), ops.ones(3))["loss"])
    0.0
    """
    if model.augmentation is not None:
        images = model.augmentation(images, training=True)
    outputs = model(images, training=True)
    loss = model.compute_loss(x=images, y_pred=outputs, sample_weight=weights, training=True)
    return {"loss": loss, **model.term_means(images, outputs, weights)}
