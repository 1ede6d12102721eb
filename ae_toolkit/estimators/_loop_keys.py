"""What decides the computation of a training step, as keys: trainings with equal ones share a compiled loop.

What is left out of a key belongs to the training's state (weights, seeds, a constant learning
rate) or to how it is fed. `ae_toolkit.training.kept_loops` keeps the loops.
"""

from collections.abc import Hashable
from typing import Any

import numpy as np

from ae_toolkit.data.streams import Stream


def key_of_training(autoencoder: Any, stream: Stream) -> tuple[Hashable, ...] | None:
    """Return the key of an autoencoder's own training, or None where a user's own code may decide the computation.

    Parameters
    ----------
    autoencoder : Autoencoder
        With ``settings_``.
    stream : Stream
        Of which an epoch's steps are asked.

    Returns
    -------
    tuple or None
        The class, its parameters, the steps of the whole training where the rate depends on them, and
        what else `Autoencoder._resolved_from_images` returns.

    Examples
    --------
    >>> import numpy as np
    >>> import ae_toolkit as ae
    >>> from ae_toolkit.data.streams import open_stream
    >>> from ae_toolkit.estimators._loop_keys import key_of_training
    >>> images = np.random.default_rng(0).random((10, 8, 8, 1), dtype="float32")
    >>> autoencoder = ae.Autoencoder(4, epochs=3).fit(images)
    >>> key = key_of_training(autoencoder, open_stream(images, batch_size=5, seed=0))
    >>> key[0].__name__, key[2]
    ('Autoencoder', 6)
    """
    if not _is_ours(autoencoder) or autoencoder.encoder is not None or autoencoder.decoder is not None:
        return None
    left_out = {"epochs", "batch_size", "random_state", "warm_start", "verbose", "target"}
    scheduled = autoencoder.schedule != "constant" or autoencoder.settings_["warmup"] > 0
    steps = None
    if scheduled:
        steps = stream.steps_per_epoch * autoencoder.epochs
    else:
        left_out.add("learning_rate")
    resolved = {**autoencoder.get_params(deep=False), **autoencoder.settings_}
    parameters = {name: value for name, value in resolved.items() if name not in left_out}
    return type(autoencoder), _hashable(parameters), steps, *autoencoder._resolved_from_images()


def key_of_further_training(
    estimator: Any, autoencoder: Any, stream: Stream, n_groups: int, steps: int, rate: float
) -> tuple[Hashable, ...] | None:
    """Return the key of a training of an autoencoder that follows its own, or None as `key_of_training`.

    Parameters
    ----------
    estimator : AutoencoderClassifier or DeepEmbeddedClustering
        Which trains it, with its own ``reconstruction_weight``, ``optimizer`` and ``schedule``.
    autoencoder : fitted Autoencoder
    stream : Stream
    n_groups : int
        How many classes or clusters there are.
    steps : int
        Of the whole training.
    rate : float
        The highest learning rate.

    Returns
    -------
    tuple or None
    """
    key = key_of_training(autoencoder, stream)
    if key is None or not _is_ours(estimator):
        return None
    kind, parameters, _, *resolved = key  # without the steps of the autoencoder's own training
    # Rows of equal length may hold images of several shapes, of which the stream does not know.
    images = autoencoder.image_shape_
    own = n_groups, float(estimator.reconstruction_weight), estimator.optimizer, estimator.schedule
    # With either schedule the rate depends on the steps, over the first of which it rises.
    return type(estimator), kind, parameters, *resolved, images, *own, steps, rate


def _is_ours(estimator):
    return type(estimator).__module__.startswith("ae_toolkit.")


def _hashable(value):
    """Return a parameter's value in a form that can be part of a key."""
    if isinstance(value, dict):
        return tuple(sorted((key, _hashable(item)) for key, item in value.items()))
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(_hashable(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value
