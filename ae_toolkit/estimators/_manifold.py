"""The steps of `ManifoldClustering` that know neither images nor clusters: embed points, and interpolate between them.

The embedding is UMAP's (McInnes, Healy and Melville, 2018), put together from the functions
of umap-learn rather than by its class, which would read NumPy's global random state wherever
it computes in parallel.
"""

import contextlib
import importlib
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

#: Up to so many points the neighbours are found exactly, which is quicker there than to compile the search.
EXACT = 16_384
#: Below so many different points there is no manifold to speak of: their principal components are the embedding.
FEWEST = 5
#: How many queries are interpolated at once.
BATCH = 1024
#: How many candidates beyond the neighbours wanted are compared in full precision.
SPARE = 6


class Umap(NamedTuple):
    """The modules that an embedding is computed with."""

    umap: Any
    numba: Any


def import_umap() -> Umap:
    """Return umap-learn's functions, or say which extra installs them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about optional parts of umap-learn that are not used here
            return Umap(importlib.import_module("umap.umap_"), importlib.import_module("numba"))
    except ImportError as error:
        raise ImportError(
            f"ManifoldClustering embeds codes with umap-learn, but importing it failed: {error}. "
            "Install it with: pip install 'ae-toolkit[clustering]'"
        ) from error


def embed(
    points: NDArray[np.float32],
    *,
    n_neighbors: int,
    n_dims: int,
    min_dist: float,
    epochs: int,
    seed: int,
    n_jobs: int = 1,
    verbose: bool = False,
) -> tuple[NDArray[np.float32], int]:
    """Return where UMAP puts points, and into how many parts the graph of their neighbours falls.

    Parameters
    ----------
    points : ndarray of float32, shape (n, d)
        All different.
    n_neighbors : int
        With the point itself; fewer if there are not as many points.
    n_dims : int
        Of the embedding; fewer if there are not more points, or a point has fewer numbers.
    min_dist : float
    epochs : int
    seed : int
    n_jobs : int, default=1
        Threads; -1 for all. With one, equal seeds give equal bits.
    verbose : bool, default=False
        Show a progress bar.

    Returns
    -------
    embedding : ndarray of float32, shape (n, at most n_dims)
    n_parts : int
    """
    n_dims = max(1, min(n_dims, points.shape[1], len(points) - 1))
    start = _principal_components(points, n_dims, seed)
    if len(points) < FEWEST:
        return start, 1
    from scipy.sparse.csgraph import connected_components

    umap, numba = import_umap()
    random = np.random.RandomState(seed)
    k = min(n_neighbors, len(points))
    with _threads(numba, n_jobs), _quiet():
        indices, distances = _neighbours(umap, points, k, random, n_jobs)
        graph, *_ = umap.fuzzy_simplicial_set(
            points, k, random, "euclidean", knn_indices=indices, knn_dists=distances, verbose=False
        )
        n_parts = int(connected_components(graph)[0])
        a, b = umap.find_ab_params(1.0, min_dist)
        embedding, _ = umap.simplicial_set_embedding(
            points, graph, n_dims, 1.0, a, b, 1.0, 5, epochs, start, random, "euclidean", {}, False, {}, False,
            parallel=n_jobs != 1, verbose=verbose,
        )  # fmt: skip
    return np.asarray(embedding, np.float32), n_parts


def _principal_components(points, n_dims, seed):
    """Return where the layout starts: principal components, the widest from -5 to 5, with a little noise.

    Without the noise, a component in which the points do not differ would be divided by zero.
    """
    pca = PCA(n_dims, svd_solver="full" if len(points) < 500 else "covariance_eigh")
    found = pca.fit_transform(points.astype(np.float64))
    found *= 5 / max(np.abs(found).max(), 1e-12)
    if len(points) >= FEWEST:
        found += np.random.RandomState(seed).normal(scale=1e-4, size=found.shape)
    return found.astype(np.float32)


def _neighbours(umap, points, k, random, n_jobs):
    """Return the k nearest neighbours of each point, itself the first of them, and their distances."""
    if len(points) > EXACT:
        indices, distances, _ = umap.nearest_neighbors(
            points, k, "euclidean", {}, False, random, n_jobs=n_jobs, verbose=False
        )
        return indices, distances
    distances, indices = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points).kneighbors(points)
    return indices.astype(np.int32), distances.astype(np.float32)


@contextlib.contextmanager
def _threads(numba: Any, n_jobs: int) -> Iterator[None]:
    """Let numba compute in so many threads, and afterwards in as many as before."""
    before, largest = numba.get_num_threads(), numba.config.NUMBA_NUM_THREADS
    numba.set_num_threads(largest if n_jobs == -1 else min(n_jobs, largest))
    try:
        yield
    finally:
        numba.set_num_threads(before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what umap-learn and numba say about themselves."""
    with warnings.catch_warnings():
        for module in ("umap", "numba", "pynndescent"):
            warnings.filterwarnings("ignore", module=module)
        yield


class Interpolation:
    """Values at known points, and between them: a mean of those of the nearest, weighted by 1 / distance².

    At a known point it is exactly that point's value. A query alone gives the same bits as
    among others: the nearest points are found in bulk, with some to spare, and their
    distances then computed again, each query by itself.

    Parameters
    ----------
    points : ndarray of float32, shape (n, d)
        All different.
    n_neighbors : int
    """

    def __init__(self, points: NDArray[np.float32], n_neighbors: int) -> None:
        self.points, self.n_neighbors = points, min(n_neighbors, len(points))
        self._search = NearestNeighbors(n_neighbors=min(self.n_neighbors + SPARE, len(points)), algorithm="brute").fit(
            points
        )

    def __call__(self, queries: NDArray[np.float32], *values: NDArray) -> tuple[NDArray[np.float64], ...]:
        """Return values at queries.

        Parameters
        ----------
        queries : ndarray of float32, shape (m, d)
        *values : ndarray of shape (n, ...)

        Returns
        -------
        tuple of ndarray of float64, shape (m, ...)
        """
        parts = [self._batch(queries[start : start + BATCH], values) for start in range(0, len(queries), BATCH)]
        return tuple(np.concatenate(found) for found in zip(*parts, strict=True))

    def _batch(self, queries, values):
        indices = np.sort(self._search.kneighbors(queries, return_distance=False), axis=1)
        squares = np.square(self.points[indices].astype(np.float64) - queries[:, None].astype(np.float64)).sum(axis=2)
        nearest = np.argsort(squares, axis=1, kind="stable")[:, : self.n_neighbors]
        indices, squares = (np.take_along_axis(found, nearest, axis=1) for found in (indices, squares))
        weights = _weights(squares)
        found = []
        for table in values:
            total = np.zeros((len(queries), *table.shape[1:]))
            for j in range(self.n_neighbors):  # one after the other, so that no sum depends on the number of queries
                total += weights[:, j, None] * table[indices[:, j]]
            found.append(total)
        return found


def _weights(squares):
    """Return weights that add up to 1; where a distance is zero, it has all the weight."""
    with np.errstate(divide="ignore"):
        weights = 1 / squares
    exact = np.isinf(weights[:, 0])
    weights[exact] = 0
    weights[exact, 0] = 1
    total = np.zeros(len(weights))
    for j in range(weights.shape[1]):
        total += weights[:, j]
    return weights / total[:, None]
