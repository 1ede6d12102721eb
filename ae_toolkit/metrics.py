"""Measures of a representation: plain functions of arrays, no model needed.

They are the book's units of account. A reconstruction is judged by the article's own
loss; a clustering by the best one-to-one renaming of its clusters; a code by what a
simple classifier reads from it.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.cluster import contingency_matrix
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def reconstruction_error(images, reconstructions):
    """Return the article's loss: squared error summed over an image, averaged over images.

    Parameters
    ----------
    images, reconstructions : array-like of equal shape (n, ...)
        The originals and what was made of them.

    Returns
    -------
    float
        ``(1/n) * sum_i ||x_i - x̂_i||²``, in squared pixel units per image.

    Raises
    ------
    ValueError
        If the shapes differ, nothing is given, or a value is NaN or infinite.

    References
    ----------
    Hinton, G. E. and Salakhutdinov, R. R. (2006). Reducing the dimensionality of data
    with neural networks. Science 313, 504-507. (The figures there are in this unit.)

    Examples
    --------
    >>> reconstruction_error([[0.0, 1.0]], [[0.0, 0.5]])
    0.25
    """
    images, reconstructions = np.asarray(images, dtype=np.float64), np.asarray(reconstructions, dtype=np.float64)
    if images.shape != reconstructions.shape:
        raise ValueError(
            f"expected images and reconstructions of one shape, got {images.shape} and {reconstructions.shape}"
        )
    if images.ndim < 2 or images.size == 0:
        raise ValueError(f"expected at least one image, as an array of shape (n, ...), got shape {images.shape}")
    error = np.square(images - reconstructions).reshape(len(images), -1).sum(axis=1).mean()
    if not np.isfinite(error):
        raise ValueError("expected finite pixels, got NaN or infinity in the images or their reconstructions")
    return float(error)


def clustering_accuracy(labels_true, labels_pred):
    """Return the share of images whose cluster is the one matched to their class.

    Clusters carry no names, so each is matched to at most one class, in the way that
    makes the share largest (the Hungarian algorithm).

    Parameters
    ----------
    labels_true : array-like of shape (n,)
        The classes.
    labels_pred : array-like of shape (n,)
        The clusters, named in any way.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the lengths differ or nothing is given.

    References
    ----------
    Xie, J., Girshick, R. and Farhadi, A. (2016). Unsupervised deep embedding for
    clustering analysis. ICML. (Equation 10.)

    Examples
    --------
    >>> clustering_accuracy([0, 0, 1, 1], ["b", "b", "a", "b"])
    0.75
    """
    labels_true, labels_pred = np.asarray(labels_true), np.asarray(labels_pred)
    if labels_true.ndim != 1 or labels_true.shape != labels_pred.shape or labels_true.size == 0:
        raise ValueError(
            "expected two label vectors of one length, at least 1, "
            f"got shapes {labels_true.shape} and {labels_pred.shape}"
        )
    table = contingency_matrix(labels_true, labels_pred)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / labels_true.size)


def linear_probe(codes_train, y_train, codes_test, y_test):
    """Return the test accuracy of a logistic regression on standardised codes.

    Parameters
    ----------
    codes_train, codes_test : array-like of shape (n, d)
    y_train, y_test : array-like of shape (n,)

    Returns
    -------
    float
        Between 0 and 1.

    References
    ----------
    Alain, G. and Bengio, Y. (2017). Understanding intermediate layers using linear
    classifier probes. ICLR workshop.

    Examples
    --------
    >>> linear_probe([[0.0], [0.1], [0.9], [1.0]], [0, 0, 1, 1], [[0.2], [0.8]], [0, 1])
    1.0
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(probe.fit(codes_train, y_train).score(codes_test, y_test))


def knn_probe(codes_train, y_train, codes_test, y_test, n_neighbors=5):
    """Return the test accuracy of a vote among each code's nearest neighbours.

    Parameters
    ----------
    codes_train, codes_test : array-like of shape (n, d)
    y_train, y_test : array-like of shape (n,)
    n_neighbors : int, default=5
        How many training codes vote, by Euclidean distance.

    Returns
    -------
    float
        Between 0 and 1.

    References
    ----------
    Cover, T. and Hart, P. (1967). Nearest neighbor pattern classification. IEEE
    Transactions on Information Theory 13, 21-27.

    Examples
    --------
    >>> knn_probe([[0.0], [0.1], [0.9], [1.0]], [0, 0, 1, 1], [[0.2], [0.8]], [0, 1], n_neighbors=1)
    1.0
    """
    probe = KNeighborsClassifier(n_neighbors=n_neighbors)
    return float(probe.fit(codes_train, y_train).score(codes_test, y_test))
