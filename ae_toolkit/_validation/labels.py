"""Labels: of classes or clusters, as names or as indices."""

from collections.abc import Sized
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets


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


def split_labels(y: Any, owner: str) -> tuple[NDArray, NDArray[np.bool_]]:
    """Return the labels of images, some of which may have none, and which images have one.

    Parameters
    ----------
    y : array-like of shape (n,)
        Names or whole numbers; -1 says that an image has no label, among names as a number in an
        array of objects.
    owner : str
        The estimator that asks, in an error.

    Returns
    -------
    labels : ndarray of shape (m,)
        Of those images that have one.
    labelled : ndarray of bool, shape (n,)

    Raises
    ------
    ValueError
        If there are no labels, one is NaN or no whole number, or all are -1; many words are scikit-learn's.

    Examples
    --------
    >>> split_labels(["cat", -1, "dog"], "Classifier")  # doctest: +ELLIPSIS
    (array(['cat', 'dog'], dtype='<U3'), array([ True, False,  True]))
    """
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None")
    if isinstance(y, list | tuple) and any(isinstance(item, str) for item in y):
        y = np.array(y, dtype=object)  # where NumPy would make a text of -1
    y = column_or_1d(check_array(y, ensure_2d=False, dtype=None, input_name="y", ensure_min_samples=0), warn=True)
    labelled = have_label(y)
    labels = np.array(y[labelled].tolist()) if y.dtype.kind == "O" else y[labelled]
    if len(labels) == 0:
        raise ValueError(f"expected a class label for at least one image, got {len(y)} labels that are all -1")
    check_classification_targets(labels)
    return labels, labelled


def have_label(y: NDArray) -> NDArray[np.bool_]:
    """Return which images have a label: those whose label is not the number -1.

    Parameters
    ----------
    y : ndarray of shape (n,)

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> have_label(np.array(["cat", -1, "-1"], dtype=object)).tolist()
    [True, False, True]
    """
    if y.dtype.kind == "O":
        return np.array([not (isinstance(item, Integral) and item == -1) for item in y], dtype=bool)
    return np.ones(len(y), bool) if y.dtype.kind in "US" else y != -1
