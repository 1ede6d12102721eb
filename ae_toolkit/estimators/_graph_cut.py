"""Clusters of codes that need not be round: where a graph of nearest neighbours is cut."""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import KMeans
from sklearn.manifold import spectral_embedding
from sklearn.preprocessing import normalize

from ae_toolkit._validation import as_random_state
from ae_toolkit.estimators._clusters import find_distinct
from ae_toolkit.estimators._neighbours import nearest

#: Each code is joined to so many, itself included, as by default in the graph of `ManifoldClustering`.
JOINED = 20
#: Parts of the graph with a smaller fraction of a cluster's average size are islands.
ISLAND = 0.1


def cut(codes: NDArray, n_clusters: int, random_state: int | np.random.RandomState | None = None) -> NDArray[np.int_]:
    """Return a cluster for each code: where the graph of their nearest neighbours is cut.

    Each code is joined to its 20 nearest, and the graph is divided where it is thin: the
    normalised cuts of Shi and Malik (2000), found as Ng, Jordan and Weiss (2002) find them.
    Clusters need not be round then, as k-means' own have to be. k-means' clusters are returned
    where fewer than 80 codes differ, or fewer than two per cluster, and where the graph falls
    into more parts than there are clusters, islands left aside.

    Parameters
    ----------
    codes : ndarray of shape (n, d)
    n_clusters : int
        At most as many as codes that differ.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    ndarray of int, shape (n,)
        From 0 to ``n_clusters - 1``, each at least once. Codes on an island, a part of the
        graph with less than a tenth of a cluster's average size, have -1.

    References
    ----------
    Shi, J. and Malik, J. (2000). Normalized cuts and image segmentation. IEEE Transactions on
    Pattern Analysis and Machine Intelligence 22, 888-905.

    Ng, A. Y., Jordan, M. I. and Weiss, Y. (2002). On spectral clustering: analysis and an
    algorithm. NeurIPS 14, 849-856.
    """
    seed = as_random_state(random_state).randint(2**31 - 1)
    first, place = find_distinct(codes)
    if n_clusters > 1 and len(first) >= max(4 * JOINED, 2 * n_clusters):
        graph = join_neighbours(np.asarray(codes, np.float32)[first], JOINED, seed)
        labels = _cut_graph(graph, n_clusters, seed)[place]
        if len(np.unique(labels[labels >= 0])) == n_clusters:
            return labels
    return KMeans(n_clusters, n_init=20, random_state=seed).fit(codes).labels_


def join_neighbours(points: NDArray[np.float32], n_neighbours: int, seed: int) -> csr_array:
    """Return the matrix of which points are joined: 1 where each is among the other's nearest, ½ where only one is.

    Parameters
    ----------
    points : ndarray of float32, shape (n, d)
    n_neighbours : int
        At most n; each point is one of its own.
    seed : int
        Of the search, which is approximate for many points.

    Returns
    -------
    csr_array of shape (n, n)
        Symmetric.
    """
    indices, _ = nearest(points, n_neighbours, seed)
    rows = np.repeat(np.arange(len(points)), n_neighbours)
    joined = csr_array((np.ones(rows.size), (rows, indices.reshape(-1))), shape=(len(points), len(points)))
    return 0.5 * (joined + joined.T)


def _cut_graph(graph, n_clusters, seed):
    """Return the normalised cuts of a graph's parts, -1 for islands."""
    _, part = connected_components(graph)
    sizes = np.bincount(part)
    inside = np.flatnonzero(sizes[part] >= ISLAND * len(part) / n_clusters)
    labels = np.full(len(part), -1)
    if len(inside) <= n_clusters or len(np.unique(part[inside])) > n_clusters:
        return labels  # a cut would be arbitrary
    with warnings.catch_warnings():
        # About parts that nothing connects, which are clusters then; and about the solver's last digits.
        warnings.simplefilter("ignore")
        places = spectral_embedding(
            graph[inside][:, inside], n_components=n_clusters, eigen_solver="lobpcg", random_state=seed,
            drop_first=False,
        )  # fmt: skip
    labels[inside] = KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(normalize(places))
    return labels
