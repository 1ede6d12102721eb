"""What an `AutoencoderClassifier` has learned so far, and the probabilities of classes that follow from it.

They may be averaged over several views of an image: the image itself, and transformed ones, the
same transformations for every image.
"""

import math
from collections.abc import Callable
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

#: How many views an image has where `n_views` is "auto" and the autoencoder transforms images in training.
AUTO_VIEWS = 4
#: Where the views of an image are taken from: a fraction of what training transforms images by.
VIEWED = 0.5


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
    autoencoder: Autoencoder, head: Head, images: NDArray[np.float32], n_views: int | str
) -> NDArray[np.float64]:
    """Return the classes' probabilities, averaged over the views of each image.

    Parameters
    ----------
    autoencoder : fitted Autoencoder
    head : Head
    images : ndarray of shape (n, *image_shape)
    n_views : int or "auto"
        The image itself is one of them.

    Returns
    -------
    ndarray of shape (n, n_classes)

    Raises
    ------
    ValueError
        As `further_views`.
    """
    views = further_views(autoencoder, n_views)
    total = np.exp(log_probabilities(encode(autoencoder, images), head))
    for view in views:
        total += np.exp(log_probabilities(encode(autoencoder, training.in_batches(view, images)), head))
    return total / (1 + len(views))


def further_views(autoencoder: Autoencoder, n_views: int | str) -> list[Callable[[Any], Any]]:
    """Return the functions that make the further views of images, as many as are asked for or make sense.

    Parameters
    ----------
    autoencoder : fitted Autoencoder
    n_views : int or "auto"
        How many views there are, the images themselves among them.

    Returns
    -------
    list of callable
        Each takes a tensor of images and returns one of the same shape. Of ``"auto"`` there are
        none if the autoencoder does not transform images in training.

    Raises
    ------
    ValueError
        If further views are asked for, and the autoencoder does not transform images in training.
    """
    layers = [autoencoder._augmentation(0), getattr(autoencoder.model_, "corruption", None)]
    able = [layer for layer in layers if isinstance(layer, RandomAffine)]
    by_default = AUTO_VIEWS if able else 1
    number = by_default if n_views == "auto" else int(n_views)
    if number > 1 and not able:
        raise ValueError(
            "expected an autoencoder that transforms images in training, by augmentation or by corruption='affine', "
            f"for n_views={n_views}, got {autoencoder!r}"
        )
    return [partial(able[0].transform_alike, parts=parts) for parts in view_parts(number - 1)]


def view_parts(count: int, largest: float = VIEWED) -> NDArray[np.float64]:
    """Return which parts of the largest transformation each further view is made by.

    Parameters
    ----------
    count : int
        How many further views there are.
    largest : float, default=VIEWED
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
