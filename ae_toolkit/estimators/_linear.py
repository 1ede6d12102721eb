"""A linear classifier of codes: its fit, its weights as one matrix, and its probabilities."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

#: Weights and biases: codes of shape (n, d) times the first, (d, K), plus the second, (K,), are logits.
Head = tuple[NDArray[np.float64], NDArray[np.float64]]


def times(rows: ArrayLike, matrix: ArrayLike) -> NDArray[np.float64]:
    """Return the product in double precision, each row with the same bits as if it were alone.

    Parameters
    ----------
    rows : array-like of shape (n, d)
    matrix : array-like of shape (d, m)

    Returns
    -------
    ndarray of shape (n, m)

    Examples
    --------
    >>> from ae_toolkit.estimators._linear import times
    >>> times([[1, 2]], [[1, 0], [0, 3]])
    array([[1., 6.]])
    """
    rows, matrix = np.asarray(rows, float), np.asarray(matrix, float)
    product = np.zeros((len(rows), matrix.shape[1]))
    for column, weights in zip(rows.T, matrix, strict=True):
        product += column[:, None] * weights
    return product


def linear_map(*steps: Any) -> Head:
    """Return the weights and biases by which a scaler, if there is one, and a classifier turn codes into logits.

    Parameters
    ----------
    *steps : fitted StandardScaler or none, fitted LogisticRegression

    Returns
    -------
    weights : ndarray of shape (code_dim, n_classes)
    biases : ndarray of shape (n_classes,)

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ae_toolkit.estimators._linear import linear_map
    >>> weights, biases = linear_map(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    >>> weights.shape, biases.shape
    ((1, 2), (2,))
    """
    check_is_fitted(steps[-1])
    weights, biases = steps[-1].coef_.T, steps[-1].intercept_
    if len(steps) == 2:
        scale = steps[0].scale_ if steps[0].with_std else 1.0
        mean = steps[0].mean_ if steps[0].with_mean else 0.0
        weights = weights / np.reshape(scale, (-1, 1))
        biases = biases - (mean * np.ones(len(weights))) @ weights
    if weights.shape[1] == 1:  # of two classes, the first has the logit 0
        weights, biases = (np.concatenate([np.zeros_like(item), item], axis=-1) for item in (weights, biases))
    return weights, biases


def logistic_regression(codes: NDArray, rows: NDArray[np.float64], weights: NDArray | None = None) -> Head:
    """Return the logistic regression of codes, which are standardised for it.

    Parameters
    ----------
    codes : ndarray of shape (n, d)
    rows : ndarray of shape (n, K)
        The weight of an image's class, and zeros. Each class has to occur.
    weights : ndarray of shape (n,), optional
        How much each image counts.

    Returns
    -------
    Head

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.estimators._linear import log_probabilities, logistic_regression
    >>> codes = np.array([[0.0], [1.0], [2.0]])
    >>> head = logistic_regression(codes, np.eye(3))
    >>> log_probabilities(codes, head).argmax(axis=1)
    array([0, 1, 2])
    """
    scaler = StandardScaler().fit(np.asarray(codes, float))
    counted = rows.sum(axis=1) * (1 if weights is None else weights / weights.mean())
    regression = LogisticRegression(max_iter=1000)
    regression.fit(scaler.transform(np.asarray(codes, float)), rows.argmax(axis=1), sample_weight=counted)
    return linear_map(scaler, regression)


def log_probabilities(codes: NDArray, head: Head) -> NDArray[np.float64]:
    """Return the logarithm of the probability of each class for each code.

    Parameters
    ----------
    codes : ndarray of shape (n, d)
    head : Head

    Returns
    -------
    ndarray of shape (n, K)
    """
    logits = times(codes, head[0]) + head[1]
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def cross_entropy(codes: NDArray, head: Head, rows: NDArray[np.float64], weights: NDArray | None = None) -> float:
    """Return the cross-entropy of a classifier's probabilities, in nats per image.

    Parameters
    ----------
    codes : ndarray of shape (n, d)
    head : Head
    rows : ndarray of shape (n, K)
        The weight of an image's class, and zeros.
    weights : ndarray of shape (n,), optional

    Returns
    -------
    float
    """
    return float(np.average(-(rows * log_probabilities(codes, head)).sum(axis=1), weights=weights))
