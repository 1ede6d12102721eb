"""Labels for images that have none: from their neighbours in the graph of all codes, or from a classifier that is sure.

What is returned has one number per class for each image: the weight of that class in the loss.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags_array, eye_array
from scipy.sparse.linalg import cg

from ae_toolkit.estimators._clusters import find_distinct
from ae_toolkit.estimators._graph_cut import JOINED, join_neighbours

#: How much of a label comes from the neighbours and how much is the image's own: alpha of Zhou et al. (2004).
ALPHA = 0.99
#: The equations are solved to this fraction of the right side.
TOLERANCE = 1e-6


def propagate(codes: NDArray, one_hot: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return how much each image belongs to each class, by the labelled images that its neighbours lead to.

    Each code is joined to its 20 nearest, itself included, or to a quarter of all where there
    are fewer than 80. The labels spread along the graph: every image has the mean of what its
    neighbours have, and labelled ones keep a part of their own (Zhou et al., 2004). All classes
    begin with the same mass, however many labels each has (Zhu et al., 2003).

    Parameters
    ----------
    codes : ndarray of shape (n, d)
    one_hot : ndarray of shape (n, K)
        1 for the class of a labelled image; zeros for the others.
    seed : int
        Of the search for neighbours.

    Returns
    -------
    ndarray of shape (n, K)
        Rows add up to 1; or to 0, where no neighbours lead to a labelled image.

    References
    ----------
    Zhou, D., Bousquet, O., Lal, T. N., Weston, J. and Scholkopf, B. (2004). Learning with local
    and global consistency. NeurIPS 16, 321-328.

    Zhu, X., Ghahramani, Z. and Lafferty, J. (2003). Semi-supervised learning using Gaussian
    fields and harmonic functions. ICML, 912-919.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.estimators._pseudo_labels import propagate
    >>> codes = np.array([[0.0], [0.1], [0.2], [9.0], [9.1]])
    >>> labels = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    >>> propagate(codes, labels, seed=0).argmax(axis=1)
    array([0, 0, 0, 1, 1])
    """
    first, place = find_distinct(codes)
    sums = np.zeros((len(first), one_hot.shape[1]))
    np.add.at(sums, place, one_hot)  # equal images count once, with the labels of all
    # Far from all labels every class has a share in proportion to its mass: a class with many labels would win there,
    # and with ninety times as many even beside the labels of others.
    masses = sums.sum(axis=0)
    sums *= np.divide(masses[masses > 0].mean(), masses, where=masses > 0, out=np.zeros_like(masses))
    # Among few codes, 20 would be nearly all of them, and neighbours would tell nothing.
    n_neighbours = min(len(first), JOINED, max(2, len(first) // 4))
    graph = join_neighbours(np.asarray(codes, np.float32)[first], n_neighbours, seed)
    graph = (graph - diags_array(graph.diagonal())).tocsr()  # nobody is a neighbour of his own
    degrees = np.maximum(graph.sum(axis=1), np.finfo(float).tiny) ** -0.5
    smooth = diags_array(degrees) @ graph @ diags_array(degrees)
    equations = eye_array(len(first)) - ALPHA * smooth
    found = np.zeros_like(sums)
    for k, known in enumerate(sums.T):
        found[:, k] = np.maximum(cg(equations, known, rtol=TOLERANCE)[0], 0) if known.any() else 0
    totals = found.sum(axis=1, keepdims=True)
    # What is left of a solution's error where no label leads to is no label.
    found = np.where(totals > TOLERANCE, found / np.maximum(totals, TOLERANCE), 0)
    return found[place]


def weigh_by_certainty(belongs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a weight for the most probable class of each image: 1 where it is certain, 0 where all are as probable.

    The weight is 1 minus the entropy over its largest possible value (Iscen et al., 2019).

    Parameters
    ----------
    belongs : ndarray of shape (n, K)
        Rows that add up to 1, or to 0.

    Returns
    -------
    ndarray of shape (n, K)
        At most one number of a row is not 0.

    References
    ----------
    Iscen, A., Tolias, G., Avrithis, Y. and Chum, O. (2019). Label propagation for deep
    semi-supervised learning. CVPR, 5070-5079.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.estimators._pseudo_labels import weigh_by_certainty
    >>> weigh_by_certainty(np.array([[0.0, 1.0], [0.5, 0.5], [0.0, 0.0]])).tolist()
    [[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    """
    entropy = -np.sum(belongs * np.log(np.maximum(belongs, np.finfo(float).tiny)), axis=1)
    certainty = np.where(belongs.any(axis=1), 1 - entropy / np.log(belongs.shape[1]), 0)
    return _at_most_probable(belongs, np.maximum(certainty, 0))


def keep_the_sure(probabilities: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Return a weight of 1 for the most probable class of each image whose probability reaches a threshold.

    Parameters
    ----------
    probabilities : ndarray of shape (n, K)
    threshold : float

    Returns
    -------
    ndarray of shape (n, K)
        Zeros for the other images.

    References
    ----------
    Lee, D.-H. (2013). Pseudo-label: the simple and efficient semi-supervised learning method
    for deep neural networks. ICML workshop on challenges in representation learning.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.estimators._pseudo_labels import keep_the_sure
    >>> keep_the_sure(np.array([[0.02, 0.98], [0.5, 0.5]]), threshold=0.95).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    return _at_most_probable(probabilities, (probabilities.max(axis=1) >= threshold).astype(float))


def _at_most_probable(probabilities, weights):
    found = np.zeros(probabilities.shape)
    found[np.arange(len(found)), probabilities.argmax(axis=1)] = weights
    return found
