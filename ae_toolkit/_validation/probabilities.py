"""Probabilities of classes: one row for each image, one column for each class."""

from collections import Counter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ae_toolkit._validation.numbers import check_finite

_TOLERANCE = 1e-3  # what rounding may do to a row's sum, in half precision too


def check_class_probabilities(
    labels_true: ArrayLike, probabilities: ArrayLike, classes: ArrayLike | None = None
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the column of each image's class, and the probabilities as float64, or say what is wrong with them.

    Parameters
    ----------
    labels_true : array-like of shape (n,)
        The classes of the images.
    probabilities : array-like of shape (n, n_classes)
        Each row adds up to 1.
    classes : array-like of shape (n_classes,), optional
        The classes of the columns, names or numbers; by default 0, 1, and so on.

    Returns
    -------
    columns : ndarray of int, shape (n,)
    probabilities : ndarray of float64, shape (n, n_classes)

    Raises
    ------
    ValueError
        If the shapes do not match, there is no image or no class, a probability is NaN,
        infinite or negative, a row does not add up to 1 within 0.001, a class has two
        columns, or a label is NaN or not among the classes.

    Examples
    --------
    >>> columns, shares = check_class_probabilities(["b", "a"], [[0.25, 0.75], [1, 0]], classes=["a", "b"])
    >>> columns, shares.dtype
    (array([1, 0]), dtype('float64'))
    """
    shares = np.asarray(probabilities, dtype=np.float64)
    if shares.ndim != 2 or shares.size == 0:
        raise ValueError(
            f"expected probabilities of shape (n, n_classes), with at least one of each, got shape {shares.shape}"
        )
    labels = np.asarray(labels_true)
    if labels.shape != shares.shape[:1]:
        raise ValueError(
            f"expected a label for each of {len(shares)} rows of probabilities, got labels_true of shape {labels.shape}"
        )
    check_finite(shares, "numbers", "probabilities")
    if shares.min() < 0:
        row = int(shares.min(axis=1).argmin())
        raise ValueError(f"expected probabilities of at least 0, got {shares.min():g} in row {row}")
    totals = shares.sum(axis=1)
    worst = int(np.abs(totals - 1).argmax())
    if abs(totals[worst] - 1) > _TOLERANCE:
        raise ValueError(
            f"expected rows of probabilities that add up to 1 within {_TOLERANCE:g}, "
            f"got {totals[worst]:g} in row {worst}"
        )
    return _columns(labels, _names(classes, shares.shape[1])), shares


def _names(classes: ArrayLike | None, n_classes: int) -> list:
    """Return the classes of the columns, of which none may have two."""
    if classes is None:
        return list(range(n_classes))
    array = np.asarray(classes)
    if array.shape != (n_classes,):
        raise ValueError(
            f"expected a class for each of {n_classes} columns of probabilities, got classes of shape {array.shape}"
        )
    names = array.tolist()
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise ValueError(f"expected classes that differ from each other, got {name!r} {times} times")
    return names


def _columns(labels: NDArray, names: list) -> NDArray[np.intp]:
    """Return where each label stands among the classes."""
    if np.any(labels != labels):  # only NaN differs from itself; NumPy's isnan refuses text
        raise ValueError("expected a label for each image, got NaN in labels_true")
    column_of = {name: column for column, name in enumerate(names)}
    columns = [column_of.get(label, -1) for label in labels.tolist()]
    if -1 in columns:
        came = labels.tolist()[columns.index(-1)]
        shown = ", ".join(map(repr, names[:10])) + (", ..." if len(names) > 10 else "")
        raise ValueError(f"expected labels_true to be among the {len(names)} classes ({shown}), got {came!r}")
    return np.array(columns, dtype=np.intp)
