"""How every Keras model here is fitted: fast, from any source, resumable, on one device or many.

Keras's own ``fit`` runs the training, so that callbacks, history, early stopping and the
progress bar are Keras's. What is replaced is the function that it calls for a block of
steps. Images that fit in memory stay in one tensor, and a compiled loop over many
batches addresses them by indices; anything else streams through the same compiled step.
"""

import logging
import warnings
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit.data import streams
from ae_toolkit.networks import losses
from ae_toolkit.training import checkpoints, loop, plans

#: A smaller batch is computed with blank images beside it: an image alone then gives the same bits as among others.
SMALLEST_BATCH = 32


class TrainableModel(keras.Model):
    """A Keras model that `fit` can train: its input is its target.

    A subclass defines ``call`` and says what is minimised. Either it names its loss terms:
    ``track_terms`` in its constructor, and ``loss_terms``, which computes them. The loss is
    then the weighted sum of their means, and the training curve records every term. Or it
    overrides ``compute_loss`` as for any Keras model, and only the loss is recorded.

    Attributes
    ----------
    augmentation : keras.Layer or None
        Applied to training batches inside the compiled step; the target is what it returns.
    loss_weights : dict of str to float
        The factor of each loss term.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from ae_toolkit.training import TrainableModel, fit, optimizer
    >>> class Scaled(TrainableModel):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = self.add_weight(shape=(), initializer="zeros")
    ...         self.track_terms(reconstruction=1.0, size=0.01)
    ...
    ...     def call(self, images, training=None):
    ...         return self.factor * images
    ...
    ...     def loss_terms(self, images, outputs):
    ...         error = keras.ops.mean(keras.ops.square(images - outputs), axis=(1, 2, 3))
    ...         return {"reconstruction": error, "size": self.factor * keras.ops.ones_like(error)}
    >>> model, images = Scaled(), np.ones((32, 8, 8, 1), "float32")
    >>> history = fit(model, images, epochs=20, optimizer=optimizer("sgd", 0.5, "constant", 20), seed=0)
    >>> round(float(model.factor), 3), sorted(history)
    (0.995, ['loss', 'reconstruction', 'size'])
    """

    _steps = None  # replaces Keras's training function while `fit` runs

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        # Not in the class, where it would hide the layer that PyTorch keeps elsewhere.
        self.augmentation = None
        self.loss_weights: dict[str, float] = {}
        self.term_trackers: list[Any] = []

    def track_terms(self, **weights: float) -> None:
        """Name the loss terms; called once, in the constructor.

        Parameters
        ----------
        **weights : float
            The factor of each term in the loss.
        """
        self.loss_weights = weights
        self.term_trackers = [keras.metrics.Mean(name) for name in weights]

    def loss_terms(self, images: Any, outputs: Any) -> dict[str, Any]:
        """Return each loss term of a batch, unweighted and in its own unit; a hook.

        Parameters
        ----------
        images : tensor of shape (n, ...)
            The target.
        outputs : object
            What ``call`` returned for the batch.

        Returns
        -------
        dict of str to tensor of shape (n,)
            One value per image, for each name that was given to `track_terms`.
        """
        raise NotImplementedError(f"expected {type(self).__name__} to define loss_terms or compute_loss, got neither")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        terms = self.loss_terms(x, y_pred)
        if terms.keys() != self.loss_weights.keys():
            raise ValueError(
                f"expected loss_terms of {type(self).__name__} to return the terms that track_terms named, "
                f"{sorted(self.loss_weights)}, got {sorted(terms)}"
            )
        means = {name: losses.weighted_mean(term, sample_weight) for name, term in terms.items()}
        if training:
            for tracker in self.term_trackers:
                tracker.update_state(means[tracker.name], sample_weight=keras.ops.shape(x)[0])
        return sum(self.loss_weights[name] * mean for name, mean in means.items()) + sum(self.losses)

    def make_train_function(self, force=False):
        if self._steps is None:
            return super().make_train_function(force)
        self.train_function = self._steps
        return self.train_function

    def _maybe_symbolic_build(self, *arguments, **options):
        # Keras would build the model from a batch, which fails for batches on several machines.
        if self._steps is None:
            super()._maybe_symbolic_build(*arguments, **options)

    if loop.BACKEND != "jax":

        def train_step(self, data):
            images, _, factors = keras.utils.unpack_x_y_sample_weight(data)
            if self.augmentation is not None:
                images = self.augmentation(images, training=True)
            return super().train_step((images, None, factors))


def fit(model, images, *, epochs, optimizer, batch_size=256, seed=None, validation=None, callbacks=(),
        checkpoint_dir=None, steps_per_epoch=None, strategy=None, verbose=0):  # fmt: skip
    """Fit a model to images and return its training curve.

    Parameters
    ----------
    model : TrainableModel
        Trained in place. With a strategy, made within ``scope(strategy)``.
    images : ndarray of float32, shape (n, ...), or anything `streams.open_stream` takes
        Arrays of up to 4 GiB stay in the device's memory.
    epochs, batch_size : int
        A batch size above n is reduced to n. A data set brings its own batches.
    optimizer : keras.optimizers.Optimizer
        One that was not used before.
    seed : int, optional
        Orders the images in each epoch.
    validation : ndarray, or a source like `images`, optional
        Images whose loss is added to the curve as ``val_loss``.
    callbacks : sequence of keras.callbacks.Callback
    checkpoint_dir : str or path, optional
        Where the training is saved after each epoch, and from where an equal training
        that was stopped goes on.
    steps_per_epoch : int, optional
        Batches in an epoch, for data sets that do not know it.
    strategy : tf.distribute.Strategy or keras.distribution.Distribution, optional
        Trains on several devices or machines. Each batch is divided among them.
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
        If the loss or a weight is NaN or infinite. The model keeps the last good weights.
    ValueError
        If the checkpoint is of another training, or a batch is not as expected.

    Warns
    -----
    UserWarning
        If the training was interrupted (Ctrl-C): it stops after the current epoch. A
        second interruption stops it at once.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.estimators.models import AutoencoderModel
    >>> from ae_toolkit.networks import build
    >>> from ae_toolkit.training import fit, optimizer
    >>> model, images = AutoencoderModel(*build((8, 8, 1), code_dim=4)), np.zeros((64, 8, 8, 1), "float32")
    >>> history = fit(model, images, epochs=3, optimizer=optimizer("adam", 1e-3, "constant", steps=3), seed=0)
    >>> len(history["loss"])
    3
    """
    source = streams.open_stream(images, batch_size, seed, steps_per_epoch)
    if seed is None and loop.n_processes(strategy) > 1:
        raise ValueError(
            "expected a seed (an estimator's random_state) that is the same in every process, since each of them "
            f"must take the images in the same order; got None and {loop.n_processes(strategy)} processes"
        )
    with scope(strategy):
        optimizer.build(model.trainable_variables)
    checkpoint = None
    if checkpoint_dir is not None:
        checkpoint = _opened(checkpoint_dir, model, source, optimizer, epochs, seed, callbacks)
        if checkpoint.finished:
            return checkpoint.curve

    model.compile(optimizer=optimizer, jit_compile=False)
    training = plans.choose(model, source, optimizer, epochs, strategy)
    training.epoch = checkpoint.epochs_done if checkpoint else 0
    interruption = plans.Interruption()
    first = [training]
    if validation is not None:
        first.insert(0, plans.Validation(validation, batch_size, source.image_shape))
    last = [interruption] if checkpoint is None else [checkpoint, interruption]
    with scope(strategy), interruption, _replaced_steps(model, training), _no_retracing_advice():
        model.fit(
            **training.feed(), epochs=epochs, initial_epoch=training.epoch,
            # Keras would reorder the batches by Python's global generator.
            shuffle=False, callbacks=[*first, *callbacks, *last], verbose=verbose,
        )  # fmt: skip
    if interruption.asked:
        warnings.warn(
            f"interrupted: the training stopped after epoch {training.epoch + 1} of {epochs}, and the model is "
            "usable as it is. A second interruption within an epoch would have stopped it at once.",
            stacklevel=2,
        )
    elif checkpoint is not None:
        checkpoint.write(model, finished=True)
    return curve(model) if checkpoint is None else checkpoint.curve


def curve(model):
    """Return what Keras recorded of a model's last training, an entry an epoch.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    dict of list of float
        As `fit` returns it; empty if the model was never trained.

    Examples
    --------
    >>> import keras
    >>> from ae_toolkit.training import curve
    >>> curve(keras.Sequential([keras.layers.Dense(1)]))
    {}
    """
    recorded = getattr(model, "history", None)
    return {name: [float(value) for value in values] for name, values in recorded.history.items()} if recorded else {}


def optimizer(name, learning_rate, schedule, steps, warmup=0.0, clip_norm=None):
    """Return a Keras optimiser whose learning rate follows `schedule` over the training.

    Parameters
    ----------
    name : str
        Keras's name: ``"adam"``, ``"sgd"``, ...
    learning_rate : float
        The highest rate.
    schedule : {"cosine", "constant"}
        ``"cosine"`` lets it fall to zero at the last step (Loshchilov and Hutter, 2017).
    steps : int
        Length of the training in updates.
    warmup : float, default=0
        Part of the training, from 0 to 1, in which the rate rises to its highest
        (Goyal et al., 2017).
    clip_norm : float, optional
        A gradient whose norm over all weights is larger is shortened to it (Pascanu et
        al., 2013).

    Returns
    -------
    keras.optimizers.Optimizer

    Raises
    ------
    ValueError
        If Keras knows no optimiser of that name.

    References
    ----------
    Goyal, P. et al. (2017). Accurate, large minibatch SGD: training ImageNet in 1 hour.
    arXiv:1706.02677.

    Loshchilov, I. and Hutter, F. (2017). SGDR: stochastic gradient descent with warm
    restarts. ICLR.

    Pascanu, R., Mikolov, T. and Bengio, Y. (2013). On the difficulty of training
    recurrent neural networks. ICML.

    Examples
    --------
    >>> from ae_toolkit.training import optimizer
    >>> round(float(optimizer("adam", 1e-3, "constant", steps=10).learning_rate), 6)
    0.001
    >>> rate = optimizer("adam", 1e-3, "cosine", steps=100, warmup=0.1)._learning_rate
    >>> [round(1e3 * float(rate(step)), 2) for step in (0, 10, 55, 100)]
    [0.1, 1.0, 0.5, 0.0]
    """
    warm = round(warmup * steps)
    rate, kind = learning_rate, keras.optimizers.schedules.CosineDecay
    if warm:
        lowest = {"cosine": 0.0, "constant": 1.0}[schedule]
        rate = kind(rate / warm, max(1, steps - warm), alpha=lowest, warmup_target=rate, warmup_steps=warm)
    elif schedule == "cosine":
        rate = kind(rate, steps)
    config = {"learning_rate": rate} if clip_norm is None else {"learning_rate": rate, "global_clipnorm": clip_norm}
    try:
        return keras.optimizers.get({"class_name": name, "config": config})
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"expected optimizer to be Keras's name of an optimiser, such as 'adam', 'sgd' or 'rmsprop', got {name!r}"
        ) from error


def scope(strategy):
    """Return the context in which a model and an optimiser for `strategy` are made.

    Parameters
    ----------
    strategy : tf.distribute.Strategy, keras.distribution.Distribution or None

    Returns
    -------
    context manager

    Raises
    ------
    TypeError
        If the strategy is not one of this backend's.
    ValueError
        If it names devices that this machine does not have.

    Examples
    --------
    >>> from ae_toolkit.training import scope
    >>> with scope(None):
    ...     pass
    """
    if strategy is None:
        return nullcontext()
    loop.check_strategy(strategy)
    return strategy.scope()


def in_batches(function, array, batch_size=1024):
    """Apply a Keras model to an array in batches and return one NumPy array.

    Parameters
    ----------
    function : callable
        A model or a part of one, (b, ...) -> (b, ...).
    array : ndarray of float32, shape (n, ...)
    batch_size : int, default=1024
        What memory it takes at a time, in entries of the array.

    Returns
    -------
    ndarray of shape (n, ...)

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.training import in_batches
    >>> in_batches(lambda batch: batch + 1, np.zeros((3, 2), "float32"), batch_size=2).shape
    (3, 2)
    """
    n = len(array)
    blank = min(SMALLEST_BATCH, batch_size) - (n % batch_size or batch_size)
    if blank > 0:
        array = np.concatenate([array, np.zeros((blank, *array.shape[1:]), array.dtype)])
    parts = [function(array[start : start + batch_size]) for start in range(0, len(array), batch_size)]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])[:n]


def _opened(folder, model, source, optimizer, epochs, seed, callbacks):
    """Return the checkpoint in a folder, after giving its values to the model, the optimiser and the stream."""
    description = {
        "backend": loop.BACKEND,
        "model": _model_description(model),
        "optimizer": loop.plain_config(optimizer),
        "augmentation": loop.plain_config(model.augmentation),
        "images": source.description(),
        "epochs": epochs,
        "random_state": seed,
    }
    checkpoint = checkpoints.Checkpoint(folder, description, source.seed, callbacks)
    source.seed = checkpoint.seed
    if checkpoint.arrays is not None:
        checkpoint.restore(model, optimizer)
    return checkpoint


def _model_description(model):
    try:
        return loop.plain_config(model)
    except (NotImplementedError, TypeError, ValueError):  # a model of the user's own that cannot describe itself
        return [list(variable.shape) for variable in model.variables]


@contextmanager
def _replaced_steps(model, training):
    """Let Keras's ``fit`` call the training's steps."""
    model.steps_per_execution, model._steps = training.block, training.steps
    try:
        yield
    finally:
        model._steps = model.train_function = None


@contextmanager
def _no_retracing_advice():
    """Each kind of model is compiled by itself, which TensorFlow takes for a mistake from the fifth on."""

    def other(record):
        return "tf.function retracing" not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(other)
    try:
        yield
    finally:
        logger.removeFilter(other)
