"""The compiled loops of earlier trainings, kept for equal ones to come.

Two trainings are equal if they have the same key. The key is made by whoever knows what
decides the computation: an estimator passes down its class, its structural parameters and
the shape of the images. A training without a key, as of networks or classes of a user's
own, gets a loop of its own, which goes with it.

A loop is borrowed for the time of a training and given back after it. Where two equal
trainings run at once, in two threads, each has a loop of its own.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from ae_toolkit._keras import keras
from ae_toolkit.training.backend import backend
from ae_toolkit.training.loop import CompiledLoop

#: How many loops are kept; the one that was used least recently goes first.
MOST_KEPT = 8

_kept: OrderedDict = OrderedDict()
_lock = threading.Lock()


def borrow(
    model: Any, optimizer: Any, image_shape: tuple[int, ...], xla: bool = False, key: Hashable = None
) -> CompiledLoop:
    """Return a compiled loop for a training, that of an earlier equal training if there was one.

    Parameters
    ----------
    model : TrainableModel
        Compiled with the optimiser.
    optimizer : keras.optimizers.Optimizer
        Built for the model's weights.
    image_shape : tuple of int
    xla : bool, default=False
    key : hashable, optional
        Equal for trainings that compute alike, whatever their weights, seeds and number of
        images. None makes a new loop that is not kept.

    Returns
    -------
    CompiledLoop

    Examples
    --------
    >>> import keras
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.models import AutoencoderModel
    >>> from ae_toolkit.training import kept_loops
    >>> def loop():
    ...     model, optimizer = AutoencoderModel(*networks.build((6,), code_dim=2)), keras.optimizers.SGD()
    ...     optimizer.build(model.trainable_variables)
    ...     model.compile(optimizer=optimizer)
    ...     return kept_loops.borrow(model, optimizer, (6,), key="dense, 6 to 2, SGD")
    >>> first = loop()
    >>> kept_loops.give_back(first)
    >>> loop() is first
    True
    """
    if key is None:
        return CompiledLoop(model, optimizer, image_shape, xla)
    # What Keras itself is set to decides a computation, too.
    whole = key, tuple(image_shape), xla, keras.config.floatx(), keras.config.dtype_policy().name
    with _lock:
        found = _kept.pop(whole, None)
    if found is None:
        twin, other = backend.template(model, optimizer)
        found = CompiledLoop(twin, other, image_shape, xla)
        found.key = whole
    return found


def give_back(loop: CompiledLoop) -> None:
    """Keep a loop for the next equal training; one that was made without a key is let go.

    Parameters
    ----------
    loop : CompiledLoop
        From `borrow`.

    Examples
    --------
    See `borrow`.

    >>> from ae_toolkit.training import kept_loops
    >>> kept_loops.MOST_KEPT
    8
    """
    if loop.key is None:
        return
    with _lock:
        _kept[loop.key] = loop
        _kept.move_to_end(loop.key)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)


def forget() -> None:
    """Let go of all kept loops, and of the memory that they hold.

    Examples
    --------
    >>> from ae_toolkit.training import kept_loops
    >>> kept_loops.forget()
    >>> kept_loops.count()
    0
    """
    with _lock:
        _kept.clear()


def count() -> int:
    """Return how many loops are kept.

    Returns
    -------
    int

    Examples
    --------
    >>> from ae_toolkit.training import kept_loops
    >>> 0 <= kept_loops.count() <= kept_loops.MOST_KEPT
    True
    """
    return len(_kept)
