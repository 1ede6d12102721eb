"""Bins of confidence: the arithmetic that the measure of a calibration and its figure share."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ae_toolkit._validation import check_class_probabilities, check_count


def confidence_bins(
    labels_true: ArrayLike, probabilities: ArrayLike, classes: ArrayLike | None, n_bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Return mean confidence, accuracy and number of images of each bin that is not empty.

    A bin holds its upper end and not its lower one: of four bins the second is (0.25, 0.5].

    Parameters
    ----------
    labels_true : array-like of shape (n,)
    probabilities : array-like of shape (n, n_classes)
    classes : array-like of shape (n_classes,) or None
    n_bins : int

    Returns
    -------
    confidence, accuracy : ndarray of float64, shape (n_filled,)
    n_images : ndarray of int, shape (n_filled,)

    Raises
    ------
    ValueError
        If `n_bins` is no positive integer, or as `check_class_probabilities`.

    Examples
    --------
    >>> confidence_bins([0, 1, 0], [[0.75, 0.25], [0.75, 0.25], [1, 0]], None, n_bins=4)
    (array([0.75, 1.  ]), array([0.5, 1. ]), array([2, 1]))
    """
    n_bins = check_count(n_bins, "n_bins")
    columns, shares = check_class_probabilities(labels_true, probabilities, classes)
    confidence = np.minimum(shares.max(axis=1), 1.0)  # rounding may have made it a little larger
    is_right = shares.argmax(axis=1) == columns
    # The ends of bins are divided, not added up, so that a confidence of 0.7 is the end of a tenth.
    _, bins, n_images = np.unique(
        np.digitize(confidence, np.arange(1, n_bins) / n_bins, right=True), return_inverse=True, return_counts=True
    )
    return np.bincount(bins, confidence) / n_images, np.bincount(bins, is_right) / n_images, n_images
