"""What a classifier's fit was given: images, and the classes of those that have a label."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array, check_consistent_length

from ae_toolkit._sklearn import check_sample_weight, safe_indexing
from ae_toolkit._validation import check_images, have_label, n_axes, split_labels
from ae_toolkit.data import labelled, streams


@dataclass
class GivenLabels:
    """What a fit was given.

    Attributes
    ----------
    X : array-like of images, or a source of batches
        As it came, but for images of weight 0.
    images : ndarray of float32, or that source
        `X` as this package works with it.
    classes : ndarray of shape (n_classes,)
    indices : ndarray of int, shape (n,)
        The place of each image's label among the classes; -1 without one.
    weights : ndarray of shape (n,) or None
        Of arrays, how much each image counts.
    kept : ndarray of bool or None
        Which of all images these are, where some have weight 0.
    left_out : ndarray of float32 or None
        The images of weight 0.
    """

    X: Any
    images: Any
    classes: NDArray
    indices: NDArray[np.int_]
    weights: NDArray | None = None
    kept: NDArray[np.bool_] | None = None
    left_out: NDArray[np.float32] | None = None

    @property
    def is_source(self) -> bool:
        """Whether the images come in batches, rather than as an array.

        Returns
        -------
        bool
        """
        return streams.is_stream(self.images)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of one image.

        Returns
        -------
        tuple of int
        """
        source = self.images
        return streams.length_free(source, batch_size=1).image_shape if self.is_source else source.shape[1:]

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which images have a label.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        return self.indices >= 0

    def one_hot(self) -> NDArray[np.float64]:
        """Return 1 at the class of each image, and zeros for images without a label.

        Returns
        -------
        ndarray of shape (n, n_classes)
        """
        rows = np.zeros((len(self.indices), len(self.classes)))
        known = np.flatnonzero(self.labelled)
        rows[known, self.indices[known]] = 1
        return rows

    def filled_in(self, probabilities: Callable[[NDArray[np.float32]], NDArray[np.float64]]) -> NDArray:
        """Return a label for each image, its own where it has one; those of weight 0 are among them.

        Parameters
        ----------
        probabilities : callable
            Returns for images, (b, *image_shape), the probabilities of the classes, (b, n_classes): the
            most probable one is the label of an image without one.

        Returns
        -------
        ndarray of shape (n,)
        """

        def most_probable(images):
            return self.classes[probabilities(images).argmax(axis=1)]

        if self.is_source:
            found = []
            for images, labels in labelled.in_order(self.images):
                indices = places_among(labels, self.classes)
                own = self.classes[np.maximum(indices, 0)]
                found.append(np.where(indices < 0, most_probable(images), own))
            return np.concatenate(found)
        labels = self.classes[np.maximum(self.indices, 0)]
        unknown = np.flatnonzero(self.indices < 0)
        if len(unknown):
            labels[unknown] = most_probable(self.images[unknown])
        if self.kept is None or self.left_out is None:
            return labels
        everyone = np.empty(len(self.kept), labels.dtype)
        everyone[self.kept] = labels
        everyone[~self.kept] = most_probable(self.left_out)
        return everyone


def read_labels(X: Any, y: Any, sample_weight: ArrayLike | None, owner: str) -> GivenLabels:
    """Return images with the places of their labels among the classes.

    Parameters
    ----------
    X : array-like of images, or a source of batches, which brings its own labels
    y : array-like of shape (n,), or None with a source
    sample_weight : array-like of shape (n,), optional
        For arrays. Images of weight 0 are left out.
    owner : str
        The estimator that asks, in an error.

    Returns
    -------
    GivenLabels

    Raises
    ------
    ValueError
        If images, labels or weights are not as described, do not belong together, or are of
        fewer than two classes.
    """
    if streams.is_stream(X):
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"expected y and sample_weight with an array of images only, got them with {type(X).__name__}: a data "
                "set yields images with labels, and the subfolders of a folder are classes"
            )
        classes, indices = _with_classes(labelled.read_labels(X), owner)
        return GivenLabels(X, X, classes, indices)
    if n_axes(X) <= 2:  # a table, in scikit-learn's own words
        images = check_array(X, dtype=np.float32, ensure_min_features=2, input_name="X", estimator=owner)
    else:
        images = check_images(X)
    if y is not None:
        check_consistent_length(images, y)
    if sample_weight is None:
        classes, indices = _with_classes(y, owner)
        return GivenLabels(X, images, classes, indices)
    weights = check_sample_weight(sample_weight, images, dtype=np.float64, ensure_non_negative=True)
    kept = weights > 0
    if kept.all():
        classes, indices = _with_classes(y, owner)
        return GivenLabels(X, images, classes, indices, weights)
    classes, indices = _with_classes(None if y is None else np.asarray(y)[kept], owner)
    return GivenLabels(safe_indexing(X, kept), images[kept], classes, indices, weights[kept], kept, images[~kept])


def _with_classes(y, owner):
    """Return the classes, and for each image the place of its label among them, or -1."""
    labels, known = split_labels(y, owner)
    classes, places = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"expected labels of at least two classes, got only one class, {classes[0]!r}")
    indices = np.full(len(known), -1)
    indices[known] = places
    return classes, indices


def places_among(labels: NDArray, classes: NDArray) -> NDArray[np.int_]:
    """Return the place of each label among the classes, or -1 for an image without one.

    Parameters
    ----------
    labels : ndarray of shape (n,)
    classes : ndarray of shape (n_classes,)
        Sorted.

    Returns
    -------
    ndarray of int, shape (n,)

    Raises
    ------
    ValueError
        If a label is none of the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.estimators._labels import places_among
    >>> places_among(np.array([7, -1, 3]), np.array([3, 7])).tolist()
    [1, -1, 0]
    """
    known = have_label(labels)
    found = np.full(len(labels), -1)
    wanted = np.array(labels[known].tolist(), dtype=None if known.any() else classes.dtype)
    places = np.minimum(np.searchsorted(classes, wanted), len(classes) - 1)
    strange = wanted[classes[places] != wanted]
    if len(strange):
        raise ValueError(f"expected the labels that the source had when it was first read, got {strange[0]!r} as well")
    found[known] = places
    return found
