"""Measures of clusters against classes: the best renaming of clusters, and two indices that need no names."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from ae_toolkit._validation import check_label_pair


def clustering_accuracy(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
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
    return float(clustering_hits(labels_true, labels_pred).mean())


def clustering_hits(labels_true: ArrayLike, labels_pred: ArrayLike) -> NDArray[np.bool_]:
    """Return for each image whether its cluster is the one matched to its class.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)
        As for `clustering_accuracy`, which is the mean of the result.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    ValueError
        If the lengths differ, nothing is given, or a label is NaN.

    Examples
    --------
    >>> from ae_toolkit.metrics import clustering_hits
    >>> clustering_hits([0, 0, 1, 1], ["b", "b", "a", "b"])
    array([ True,  True,  True, False])
    """
    classes, clusters = (
        np.unique(labels, return_inverse=True)[1] for labels in check_label_pair(labels_true, labels_pred)
    )
    table = contingency_matrix(classes, clusters)
    matched_class = np.full(table.shape[1], -1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    matched_class[columns] = rows
    return matched_class[clusters] == classes


def nmi(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
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
    return float(normalized_mutual_info_score(*check_label_pair(labels_true, labels_pred)))


def ari(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
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
    return float(adjusted_rand_score(*check_label_pair(labels_true, labels_pred)))


def clustering_scores(labels_true: ArrayLike, labels_pred: ArrayLike) -> dict[str, float]:
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
