"""Measures of a representation: plain functions of arrays, no model needed.

They are the book's units of account. A reconstruction is judged by the article's own
loss, decibels or structural similarity; generated images by their distance from real
ones; a clustering by the best one-to-one renaming of its clusters and by two indices that
need no names; a code by the neighbours that it keeps and by what a simple classifier
reads from it.
"""

from numbers import Integral

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn import manifold
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


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
        If the lengths differ, nothing is given, or a label is NaN.

    References
    ----------
    Xie, J., Girshick, R. and Farhadi, A. (2016). Unsupervised deep embedding for
    clustering analysis. ICML. (Equation 10.)

    Examples
    --------
    >>> from ae_toolkit.metrics import clustering_accuracy
    >>> clustering_accuracy([0, 0, 1, 1], ["b", "b", "a", "b"])
    0.75
    """
    labels_true, labels_pred = _label_pair(labels_true, labels_pred)
    table = contingency_matrix(labels_true, labels_pred)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / labels_true.size)


def nmi(labels_true, labels_pred):
    """Return the normalised mutual information of classes and clusters.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)
        The classes and the clusters, named in any way.

    Returns
    -------
    float
        From 0, clusters that say nothing about the classes, to 1, the same division: the
        mutual information over the mean of both entropies. It is not corrected for
        chance: many small clusters score above 0 by chance alone.

    Raises
    ------
    ValueError
        If the lengths differ, nothing is given, or a label is NaN.

    References
    ----------
    Vinh, N. X., Epps, J. and Bailey, J. (2010). Information theoretic measures for
    clusterings comparison. Journal of Machine Learning Research 11, 2837-2854. (NMI_sum.)

    Examples
    --------
    >>> from ae_toolkit.metrics import nmi
    >>> round(nmi([0, 0, 1, 1], ["b", "b", "a", "b"]), 3)
    0.344
    """
    return float(normalized_mutual_info_score(*_label_pair(labels_true, labels_pred)))


def ari(labels_true, labels_pred):
    """Return the adjusted Rand index of classes and clusters.

    It counts the pairs of images on whose being together both divisions agree, and is
    scaled so that clusters drawn by chance have 0 on average.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)
        The classes and the clusters, named in any way.

    Returns
    -------
    float
        1 for the same division, about 0 for chance, below 0 for less agreement than that.

    Raises
    ------
    ValueError
        If the lengths differ, nothing is given, or a label is NaN.

    References
    ----------
    Hubert, L. and Arabie, P. (1985). Comparing partitions. Journal of Classification 2,
    193-218.

    Examples
    --------
    >>> from ae_toolkit.metrics import ari
    >>> ari([0, 0, 1, 1], [1, 1, 0, 0])
    1.0
    """
    return float(adjusted_rand_score(*_label_pair(labels_true, labels_pred)))


def clustering_scores(labels_true, labels_pred):
    """Return the three measures of a clustering together.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)
        The classes and the clusters, named in any way.

    Returns
    -------
    dict of str to float
        ``accuracy`` (`clustering_accuracy`), ``nmi`` and ``ari``. Each is 1 for the same
        division.

    Raises
    ------
    ValueError
        If the lengths differ, nothing is given, or a label is NaN.

    Examples
    --------
    >>> from ae_toolkit.metrics import clustering_scores
    >>> clustering_scores([0, 0, 1, 1], ["b", "b", "a", "a"])
    {'accuracy': 1.0, 'nmi': 1.0, 'ari': 1.0}
    """
    measures = {"accuracy": clustering_accuracy, "nmi": nmi, "ari": ari}
    return {name: measure(labels_true, labels_pred) for name, measure in measures.items()}


def trustworthiness(images, codes, n_neighbors=5):
    """Return how far the neighbours of a code can be trusted to be neighbours as images.

    Each code's nearest neighbours that are not among the image's nearest neighbours count
    against it, by how far down the image's list they stand. Distances are Euclidean. Takes
    time and memory in the square of the number of images: a few thousand are enough.

    Parameters
    ----------
    images : array-like of shape (n, ...)
        Pictures or tables; compared pixel by pixel.
    codes : array-like of shape (n, d)
    n_neighbors : int, default=5
        Size of the neighbourhoods, less than n / 2.

    Returns
    -------
    float
        Between 0 and 1, which is reached where no code has a false neighbour.

    Raises
    ------
    ValueError
        If the numbers of images and codes differ, a value is NaN or infinite, or
        `n_neighbors` is not an integer from 1 to less than n / 2.

    References
    ----------
    Venna, J. and Kaski, S. (2001). Neighborhood preservation in nonlinear projection
    methods: an experimental study. ICANN, 485-491.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.metrics import trustworthiness
    >>> images = np.arange(8.0).reshape(8, 1, 1, 1)  # eight pictures of one pixel
    >>> trustworthiness(images, [[0], [1], [2], [3], [4], [5], [6], [7]], n_neighbors=2)
    1.0
    """
    images, codes = np.asarray(images, dtype=np.float64), np.asarray(codes, dtype=np.float64)
    if images.ndim < 2 or images.size == 0:
        raise ValueError(f"expected images as an array of shape (n, ...), got shape {images.shape}")
    if codes.ndim != 2 or len(codes) != len(images) or codes.size == 0:
        raise ValueError(f"expected a code for each of {len(images)} images, as (n, d), got shape {codes.shape}")
    for name, values in (("images", images), ("codes", codes)):
        if not np.isfinite(values).all():
            raise ValueError(f"expected finite {name}, got NaN or infinity in them")
    largest = (len(images) - 1) // 2  # the measure is defined for less than half of the images
    if largest < 1:
        raise ValueError(f"expected at least 3 images, since neighbours are compared, got {len(images)}")
    whole = isinstance(n_neighbors, Integral) and not isinstance(n_neighbors, bool)
    if not whole or not 1 <= n_neighbors <= largest:
        raise ValueError(
            f"expected n_neighbors from 1 to {largest}, less than half of {len(images)} images, got {n_neighbors!r}"
        )
    return float(manifold.trustworthiness(images.reshape(len(images), -1), codes, n_neighbors=int(n_neighbors)))


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
    >>> from ae_toolkit.metrics import linear_probe
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
    >>> from ae_toolkit.metrics import knn_probe
    >>> knn_probe([[0.0], [0.1], [0.9], [1.0]], [0, 0, 1, 1], [[0.2], [0.8]], [0, 1], n_neighbors=1)
    1.0
    """
    probe = KNeighborsClassifier(n_neighbors=n_neighbors)
    return float(probe.fit(codes_train, y_train).score(codes_test, y_test))


def _label_pair(labels_true, labels_pred):
    labels_true, labels_pred = np.asarray(labels_true), np.asarray(labels_pred)
    if labels_true.ndim != 1 or labels_true.shape != labels_pred.shape or labels_true.size == 0:
        raise ValueError(
            "expected two label vectors of one length, at least 1, "
            f"got shapes {labels_true.shape} and {labels_pred.shape}"
        )
    for name, labels in (("labels_true", labels_true), ("labels_pred", labels_pred)):
        if np.any(labels != labels):  # only NaN differs from itself; NumPy's isnan refuses text
            raise ValueError(f"expected a name for each image's group, got NaN in {name}")
    return labels_true, labels_pred
