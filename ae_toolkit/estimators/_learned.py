"""What an `AutoencoderClassifier` has learned so far, and the probabilities of classes that follow from it.

They may be averaged over several views of an image: the image itself, and transformed ones, the
same transformations for every image.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ae_toolkit import training
from ae_toolkit.data.augmentation import RandomAffine
from ae_toolkit.estimators._inner import encode
from ae_toolkit.estimators._linear import Head, log_probabilities
from ae_toolkit.estimators.autoencoder import Autoencoder


@dataclass
class Learned:
    """What has been learned so far.

    Parameters
    ----------
    autoencoder : Autoencoder
    head : Head or None
        The weights and biases behind the codes.
    is_trained : bool
        Whether the autoencoder has learned anything.
    history : dict of list of float
    """

    autoencoder: Autoencoder
    head: Any
    is_trained: bool
    history: dict[str, list[float]]

    def followed_by(self, autoencoder: Autoencoder, head: Head, history: dict[str, list[float]]) -> "Learned":
        """Return what has been learned after a further training.

        Parameters
        ----------
        autoencoder : Autoencoder
        head : Head
        history : dict of list of float
            Of the further training alone.

        Returns
        -------
        Learned
        """
        whole = {name: self.history.get(name, []) + values for name, values in history.items()}
        return Learned(autoencoder, head, True, whole)


def class_probabilities(
    autoencoder: Autoencoder, head: Head, images: NDArray[np.float32], n_views: int, largest: float
) -> NDArray[np.float64]:
    """Return the classes' probabilities, averaged over the views of each image.

    Parameters
    ----------
    autoencoder : fitted Autoencoder
    head : Head
    images : ndarray of shape (n, *image_shape)
    n_views : int
        The image itself is one of them.
    largest : float
        As `view_parts` takes it.

    Returns
    -------
    ndarray of shape (n, n_classes)
    """
    layer = view_layer(autoencoder, n_views)
    total = np.exp(log_probabilities(encode(autoencoder, images), head))
    for parts in view_parts(n_views - 1, largest):
        view = training.in_batches(partial(layer.transform_alike, parts=parts), images)
        total += np.exp(log_probabilities(encode(autoencoder, view), head))
    return total / n_views


def view_layer(autoencoder: Autoencoder, n_views: int) -> Any:
    """Return the layer that transforms images for further views, or None where there are none.

    Parameters
    ----------
    autoencoder : fitted Autoencoder
    n_views : int

    Returns
    -------
    RandomAffine or None

    Raises
    ------
    ValueError
        If there are to be further views, and the autoencoder does not transform images in training.
    """
    if n_views == 1:
        return None
    for layer in (autoencoder._augmentation(0), getattr(autoencoder.model_, "corruption", None)):
        if isinstance(layer, RandomAffine):
            return layer
    raise ValueError(
        "expected an autoencoder that transforms images in training, by augmentation or by corruption='affine', "
        f"for n_views={n_views}, got {autoencoder!r}"
    )


def view_parts(count: int, largest: float) -> NDArray[np.float64]:
    """Return which parts of the largest transformation each further view is made by.

    Parameters
    ----------
    count : int
        How many further views there are.
    largest : float
        The largest part.

    Returns
    -------
    ndarray of shape (count, 5)
        Always the same numbers, in opposite pairs.

    Examples
    --------
    >>> from ae_toolkit.estimators._learned import view_parts
    >>> parts = view_parts(3, largest=0.5)
    >>> parts.shape, bool((parts[0] == -parts[1]).all())
    ((3, 5), True)
    """
    drawn = np.random.default_rng(0).uniform(-largest, largest, size=(math.ceil(count / 2), 5))
    return np.stack([drawn, -drawn], axis=1).reshape(-1, 5)[:count]
