"""`fit`, which trains every Keras model here: fast, from any source, resumable, on one device or many.

The epochs are run here and the callbacks are Keras's, its history and progress bar among
them. How the steps of an epoch are taken is a plan's concern (`plans`): images that fit in
memory stay in one tensor, and a compiled loop over many batches addresses them by indices;
anything else streams through the same compiled step.
"""

import os
import warnings
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit.data import streams
from ae_toolkit.training import checkpoints, plans
from ae_toolkit.training.backend import backend
from ae_toolkit.training.callbacks import Interruption, Validation
from ae_toolkit.training.trainable import TrainableModel

#: Images are computed in multiples of so many: blank images fill up a smaller batch, so that an image alone gives the
#: same bits as among others, the last of them too.
SMALLEST_BATCH = 32
#: How many images of an array are validated at once.
VALIDATION_BATCH = 1024


def fit(
    model: TrainableModel,
    images: Any,
    *,
    epochs: int,
    optimizer: Any,
    batch_size: int = 256,
    seed: int | None = None,
    validation: Any = None,
    callbacks: Sequence[Any] = (),
    checkpoint_dir: str | os.PathLike | None = None,
    steps_per_epoch: int | None = None,
    strategy: Any = None,
    verbose: int = 0,
    loop_key: Hashable = None,
) -> dict[str, list[float]]:
    """Fit a model to images and return its training curve.

    Parameters
    ----------
    model : TrainableModel
        Trained in place. With a strategy, made within ``scope(strategy)``.
    images : ndarray of float32, shape (n, ...), or anything `streams.open_stream` takes
        Arrays of up to 4 GiB stay in the device's memory.
    epochs : int
        How often each image is seen.
    batch_size : int
        Images per step. One above n is reduced to n. A data set brings its own batches.
    optimizer : keras.optimizers.Optimizer
        One that was not used before.
    seed : int, optional
        Orders the images in each epoch.
    validation : ndarray, or a source like `images`, optional
        Images whose loss and loss terms are added to the curve as ``val_loss`` and so on.
    callbacks : sequence of keras.callbacks.Callback
    checkpoint_dir : str or path, optional
        Where the training is saved after each epoch, and from where an equal training
        that was stopped resumes.
    steps_per_epoch : int, optional
        Batches in an epoch, for data sets that do not know it.
    strategy : tf.distribute.Strategy or keras.distribution.Distribution, optional
        Trains on several devices or machines. Each batch is divided among them.
    verbose : {0, 1, 2}
        Keras's: silent, progress bar, a line per epoch.
    loop_key : hashable, optional
        Equal for trainings that compute alike, whatever their weights, seeds and number of
        images: the compiled loop of the first then serves them all. An estimator makes one
        of what it knows; without one the loop is compiled for this training alone.

    Returns
    -------
    dict of list of float
        ``loss`` and each loss term that the model names, and, with `validation`, the same
        with ``val_`` before them: one number per epoch, in the model's own units. ``loss``
        and its terms are averaged while the weights change during the epoch; ``val_loss``
        and its terms are taken at its end.

    Raises
    ------
    FloatingPointError
        If the loss or a weight is NaN or infinite; the error names the loss terms that are.
        The model keeps the last good weights.
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
    stream = streams.open_stream(images, batch_size, seed, steps_per_epoch)
    if validation is not None:
        validation = Validation(streams.open_stream(validation, VALIDATION_BATCH, seed=0), stream.image_shape)
    if seed is None and backend.n_processes(strategy) > 1:
        raise ValueError(
            "expected a seed (an estimator's random_state) that is the same in every process, since each of them "
            f"must take the images in the same order; got None and {backend.n_processes(strategy)} processes"
        )
    with scope(strategy):
        optimizer.build(model.trainable_variables)
    checkpoint = None
    if checkpoint_dir is not None:
        description = checkpoints.describe(model, optimizer, stream, epochs, seed)
        checkpoint = checkpoints.Checkpoint(checkpoint_dir, description, stream.seed, callbacks)
        stream.seed = checkpoint.seed
        if checkpoint.arrays is not None:
            checkpoint.restore(model, optimizer)
        if checkpoint.finished:
            return checkpoint.curve

    model.compile(optimizer=optimizer, jit_compile=False)
    observed = bool(callbacks) or validation is not None or checkpoint is not None
    plan = plans.choose(model, stream, optimizer, epochs, strategy, loop_key, observed)
    interruption = Interruption()
    # Validation first, so that the others see its losses; the checkpoint after those whose progress it saves.
    every = [validation, *callbacks, checkpoint, interruption]
    callback_list = keras.callbacks.CallbackList(
        [callback for callback in every if callback is not None], add_history=True, add_progbar=verbose != 0,
        model=model, verbose=verbose, epochs=epochs, steps=stream.steps_per_epoch,
    )  # fmt: skip
    with scope(strategy), interruption:
        try:
            run_epochs(model, plan, callback_list, checkpoint.epochs_done if checkpoint else 0, epochs)
        finally:
            plan.finish()
    optimizer.finalize_variable_values(model.trainable_variables)  # averaged weights, if it keeps them
    if interruption.asked:
        warnings.warn(
            f"interrupted: the training stopped after epoch {plan.epoch + 1} of {epochs}, and the model is "
            "usable as it is. A second interruption within an epoch would have stopped it at once.",
            stacklevel=2,
        )
    elif checkpoint is not None:
        checkpoint.write(model, finished=True)
    return curve(model) if checkpoint is None else checkpoint.curve


def run_epochs(model: TrainableModel, plan: plans.Plan, callbacks: Any, first_epoch: int, epochs: int) -> None:
    """Run a plan's blocks, epoch after epoch, and tell the callbacks, in the order in which Keras's ``fit`` does.

    Parameters
    ----------
    model : TrainableModel
        Compiled.
    plan : plans.Plan
    callbacks : keras.callbacks.CallbackList
    first_epoch, epochs : int
        Counted from 0; where to begin and before which to end.
    """
    model.stop_training = False
    logs = {}
    callbacks.on_train_begin()
    # Where Keras's own BackupAndRestore says that its training stopped, in lack of a public name for it:
    # https://github.com/keras-team/keras/blob/master/keras/src/callbacks/backup_and_restore.py
    first_epoch = model._initial_epoch or first_epoch
    for epoch in range(first_epoch, epochs):
        model.reset_metrics()
        plan.begin_epoch(epoch)
        callbacks.on_epoch_begin(epoch)
        for block in plan.blocks():
            callbacks.on_train_batch_begin(block[0])
            logs = plan.run(block)
            callbacks.on_train_batch_end(block[-1], logs)
            if model.stop_training:
                break
        logs = dict(logs)
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callbacks.on_train_end(logs)


def curve(model: Any) -> dict[str, list[float]]:
    """Return what Keras recorded of a model's last training, one entry per epoch.

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


def optimizer(
    name: str, learning_rate: float, schedule: str, steps: int, warmup: float = 0.0, clip_norm: float | None = None
) -> Any:
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
        Fraction of the training, from 0 to 1, in which the rate rises to its highest
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
    >>> import keras
    >>> from ae_toolkit.training import optimizer
    >>> round(float(optimizer("adam", 1e-3, "constant", steps=10).learning_rate), 6)
    0.001
    >>> config = optimizer("adam", 1e-3, "cosine", steps=100, warmup=0.1).get_config()
    >>> rate = keras.optimizers.schedules.deserialize(config["learning_rate"])
    >>> [round(1e3 * float(rate(step)), 2) for step in (0, 10, 55, 100)]
    [0.1, 1.0, 0.5, 0.0]
    """
    warm = round(warmup * steps)
    rate, kind = float(learning_rate), keras.optimizers.schedules.CosineDecay  # Keras refuses a whole number
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


def scope(strategy: Any) -> AbstractContextManager:
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
    backend.check_strategy(strategy)
    return strategy.scope()


def in_batches(function: Callable[[Any], Any], array: np.ndarray, batch_size: int = 1024) -> np.ndarray:
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
    blank = -(n % batch_size) % min(SMALLEST_BATCH, batch_size)
    if blank > 0:
        array = np.concatenate([array, np.zeros((blank, *array.shape[1:]), array.dtype)])
    parts = [function(array[start : start + batch_size]) for start in range(0, len(array), batch_size)]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])[:n]
