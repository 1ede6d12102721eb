"""Measures of class probabilities: how far the confidence of a prediction is the share of right ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ae_toolkit._calibration import confidence_bins


@dataclass(frozen=True, eq=False)
class ReliabilityBins:
    """Confidence and accuracy of the predictions in each bin of confidence that is not empty.

    Parameters
    ----------
    confidence : ndarray of float64, shape (n_filled,)
        Mean confidence of the bin's images, between 0 and 1, in ascending order.
    accuracy : ndarray of float64, shape (n_filled,)
        The share of the bin's images whose most probable class is the true one.
    n_images : ndarray of int, shape (n_filled,)
        How many images are in the bin, at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.metrics import ReliabilityBins
    >>> bins = ReliabilityBins(np.array([0.6, 0.9]), np.array([0.5, 1.0]), np.array([2, 3]))
    >>> (bins.accuracy - bins.confidence).round(2).tolist()
    [-0.1, 0.1]
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    n_images: NDArray[np.intp]


def reliability(
    labels_true: ArrayLike, probabilities: ArrayLike, *, classes: ArrayLike | None = None, n_bins: int = 15
) -> ReliabilityBins:
    """Return how often predictions are right, for each bin of their confidence.

    The prediction for an image is its most probable class, of equal ones the first. The
    confidence is the probability of this class. A bin holds its upper end and not its
    lower one.

    Parameters
    ----------
    labels_true : array-like of shape (n,)
        The classes of the images.
    probabilities : array-like of shape (n, n_classes)
        For each image, the probability of each class, as a classifier's ``predict_proba``
        returns them.
    classes : array-like of shape (n_classes,), optional
        The classes of the columns, such as a classifier's ``classes_``; by default
        0, 1, and so on.
    n_bins : int, default=15
        Bins of equal width between 0 and 1.

    Returns
    -------
    ReliabilityBins
        One value for each bin that is not empty.

    Raises
    ------
    ValueError
        If `probabilities` does not have one row per label and one column per class, there
        is no image, a probability is NaN, infinite or negative, a row does not add up to 1
        within 0.001, a class has two columns, a label is NaN or not among the classes, or
        `n_bins` is no positive integer.

    References
    ----------
    Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On calibration of modern
    neural networks. ICML, 1321-1330.

    Examples
    --------
    >>> from ae_toolkit.metrics import reliability
    >>> probabilities = [[0.75, 0.25], [0.75, 0.25], [0.0, 1.0]]
    >>> bins = reliability(["cat", "dog", "dog"], probabilities, classes=["cat", "dog"])
    >>> bins.confidence, bins.accuracy, bins.n_images
    (array([0.75, 1.  ]), array([0.5, 1. ]), array([2, 1]))
    """
    return ReliabilityBins(*confidence_bins(labels_true, probabilities, classes, n_bins))


def expected_calibration_error(
    labels_true: ArrayLike, probabilities: ArrayLike, *, classes: ArrayLike | None = None, n_bins: int = 15
) -> float:
    """Return how far the confidence of predictions is from the share of right ones.

    The images are put into bins by their confidence, as `reliability` says. The error is
    the mean over bins of ``|accuracy - confidence|``, each weighted by its share of the
    images. With few images per bin it is above 0 by chance alone.

    Parameters
    ----------
    labels_true : array-like of shape (n,)
        The classes of the images.
    probabilities : array-like of shape (n, n_classes)
        For each image, the probability of each class, as a classifier's ``predict_proba``
        returns them.
    classes : array-like of shape (n_classes,), optional
        The classes of the columns, such as a classifier's ``classes_``; by default
        0, 1, and so on.
    n_bins : int, default=15
        Bins of equal width between 0 and 1.

    Returns
    -------
    float
        Between 0 and 1. It is 0 where in each bin the confidence is on average the share
        of right predictions.

    Raises
    ------
    ValueError
        If `probabilities` does not have one row per label and one column per class, there
        is no image, a probability is NaN, infinite or negative, a row does not add up to 1
        within 0.001, a class has two columns, a label is NaN or not among the classes, or
        `n_bins` is no positive integer.

    References
    ----------
    Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On calibration of modern
    neural networks. ICML, 1321-1330.

    Examples
    --------
    >>> from ae_toolkit.metrics import expected_calibration_error
    >>> probabilities = [[0.75, 0.25], [0.75, 0.25], [0.0, 1.0], [0.0, 1.0]]
    >>> expected_calibration_error([0, 1, 1, 1], probabilities)  # half of the images, and 0.75 - 0.5
    0.125
    """
    bins = reliability(labels_true, probabilities, classes=classes, n_bins=n_bins)
    return float(np.average(np.abs(bins.accuracy - bins.confidence), weights=bins.n_images))
