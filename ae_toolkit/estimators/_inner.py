"""What estimators share that hold an autoencoder and may train it further."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from ae_toolkit import training
from ae_toolkit._sklearn import is_fitted
from ae_toolkit.estimators.autoencoder import Autoencoder


class HoldsAutoencoder:
    """A mixin for estimators with an ``autoencoder_``: what it knows of the images' columns is theirs, too.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> from ae_toolkit.estimators._inner import HoldsAutoencoder
    >>> issubclass(ae.MixtureSampler, HoldsAutoencoder)
    True
    """

    autoencoder_: Any

    @property
    def n_features_in_(self) -> int:
        """Return how many numbers an image has.

        Returns
        -------
        int
        """
        return self.autoencoder_.n_features_in_

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Return the names of the columns, if the images came as a data frame.

        Returns
        -------
        ndarray of str
        """
        return self.autoencoder_.feature_names_in_


def take_over(
    given: Any,
    make_default: Callable[[], Autoencoder],
    X: Any,
    seed: int,
    *,
    sample_weight: NDArray | None = None,
    checkpoint_dir: Path | None = None,
    train: bool = True,
) -> Autoencoder:
    """Return an autoencoder whose model may be trained further; what was given stays as it is.

    Parameters
    ----------
    given : Autoencoder, FrozenEstimator or None
        A copy of an autoencoder is fitted. One that is fitted and wrapped is started from.
    make_default : callable
        Without arguments; returns an autoencoder, not yet fitted, where none was given.
    X : array of images or source of batches
    seed : int
        Where the autoencoder has none of its own.
    sample_weight : ndarray of shape (n,), optional
    checkpoint_dir : path, optional
        Of the autoencoder's training.
    train : bool, default=True
        Whether it is fitted at all: otherwise it gets the images' shape and its first weights.

    Returns
    -------
    Autoencoder
        Fitted, or begun.

    Raises
    ------
    ValueError
        If a `FrozenEstimator` holds no fitted autoencoder.
    """
    if isinstance(given, FrozenEstimator):
        if not isinstance(given.estimator, Autoencoder) or not is_fitted(given.estimator):
            raise ValueError(f"expected FrozenEstimator around a fitted autoencoder, got {given!r}")
        return with_fresh_model(given.estimator, seed)
    autoencoder = make_default() if given is None else clone(given)
    if autoencoder.random_state is None:
        autoencoder.random_state = seed
    if train:
        autoencoder.fit(X, sample_weight=sample_weight, checkpoint_dir=checkpoint_dir)
    else:
        autoencoder._begin(X)
    return with_fresh_model(autoencoder, seed)


def with_fresh_model(autoencoder: Autoencoder, seed: int) -> Autoencoder:
    """Return a fitted autoencoder whose model has the same weights, but none of what a training left on it.

    Parameters
    ----------
    autoencoder : fitted Autoencoder
    seed : int
        Of whatever is random in the model.

    Returns
    -------
    Autoencoder
    """
    twin = copy.copy(autoencoder)
    twin.model_ = twin._build_model(seed)
    twin.model_.set_weights(autoencoder.model_.get_weights())
    return twin


def encode(autoencoder: Autoencoder, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the codes of images that are checked already.

    Parameters
    ----------
    autoencoder : fitted Autoencoder
    images : ndarray of float32, shape (n, *image_shape)

    Returns
    -------
    ndarray of float32, shape (n, code_dim)
    """
    return training.in_batches(autoencoder.model_.encode, images)
