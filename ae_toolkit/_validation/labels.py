"""Labels: of classes or clusters, as names or as indices."""

from collections.abc import Sized

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_label_pair(labels_true: ArrayLike, labels_pred: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return two labels per image as arrays, or say what is wrong with them.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)
        Names or numbers.

    Returns
    -------
    pair of ndarray of shape (n,)

    Raises
    ------
    ValueError
        If the lengths differ, nothing is given, or a label is NaN.

    Examples
    --------
    >>> check_label_pair([0, 1], ["a", "b"])
    (array([0, 1]), array(['a', 'b'], dtype='<U1'))
    """
    true, predicted = np.asarray(labels_true), np.asarray(labels_pred)
    if true.ndim != 1 or true.shape != predicted.shape or true.size == 0:
        raise ValueError(
            f"expected two label vectors of one length, at least 1, got shapes {true.shape} and {predicted.shape}"
        )
    for name, labels in (("labels_true", true), ("labels_pred", predicted)):
        if np.any(labels != labels):  # only NaN differs from itself; NumPy's isnan refuses text
            raise ValueError(f"expected a label for each image, got NaN in {name}")
    return true, predicted


def check_class_indices(labels: NDArray, class_names: Sized) -> NDArray:
    """Return labels that are indices into the names of classes, or say what came instead.

    Parameters
    ----------
    labels : ndarray of at least one label
    class_names : sequence of str

    Returns
    -------
    ndarray of int, the one given

    Raises
    ------
    ValueError
        If a label is no integer, or no index into the names.

    Examples
    --------
    >>> check_class_indices(np.array([0, 2]), ["a", "b"])
    Traceback (most recent call last):
    ValueError: expected labels that are integers from 0 to 1, one for each class name, got int64 from 0 to 2
    """
    if labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < len(class_names):
        return labels
    came = f"{labels.dtype} from {labels.min()} to {labels.max()}" if labels.dtype.kind in "iuf" else f"{labels.dtype}"
    raise ValueError(
        f"expected labels that are integers from 0 to {len(class_names) - 1}, one for each class name, got {came}"
    )
