"""UMAP (McInnes, Healy and Melville, 2018), put together from the functions of umap-learn.

Its class is not used, because it reads NumPy's global random state wherever it computes in
parallel, and because its search for neighbours takes a minute to compile in each process.
"""

import contextlib
import importlib
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances_argmin

from ae_toolkit.estimators._neighbours import nearest

#: Below so many different points there is no manifold to speak of: their principal components are the embedding.
FEWEST = 5
#: The fraction of all points from which on an unconnected part of them is large, no mere island.
LARGE = 0.05


class Umap(NamedTuple):
    """The modules that an embedding is computed with."""

    umap: Any
    numba: Any


def import_umap() -> Umap:
    """Return umap-learn's functions, or say which extra installs them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about optional parts of umap-learn that are not used here
            modules = [importlib.import_module(name) for name in ("umap.umap_", "umap.layouts", "numba")]
    except ImportError as error:
        raise ImportError(
            f"ManifoldClustering embeds codes with umap-learn, but importing it failed: {error}. "
            "Install it with: pip install 'ae-toolkit[clustering]'"
        ) from error
    for function in [*vars(modules[0]).values(), *vars(modules[1]).values()]:
        if hasattr(function, "enable_caching"):  # numba keeps what it compiles, which saves 13 s in the next process
            with contextlib.suppress(RuntimeError):  # there is no folder to keep it in
                function.enable_caching()
    return Umap(modules[0], modules[2])


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
    """Return where UMAP puts points, and into how many large parts the graph of their neighbours falls.

    The layout starts at the points' principal components, which takes less time than UMAP's
    customary eigenvectors of the graph; embeddings of 8,000 digits agreed as well over seeds. Large
    parts of the graph that nothing connects start apart from each other, even where one
    surrounds the other; islands start by the large part that is nearest to them.

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
        Of at least 5% of the points each.
    """
    n_dims = max(1, min(n_dims, points.shape[1], len(points) - 1))
    start = _principal_components(points, n_dims, seed)
    if len(points) < FEWEST:
        return start, 1
    umap, numba = import_umap()
    random = np.random.RandomState(seed)
    k = min(n_neighbors, len(points))
    indices, distances = nearest(points, k, seed)
    with _threads(numba, n_jobs), _quiet():
        graph, *_ = umap.fuzzy_simplicial_set(
            points, k, random, "euclidean", knn_indices=indices, knn_dists=distances, verbose=False
        )
        start, n_parts = _set_parts_apart(start, connected_components(graph)[1])
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
    if len(points) == 1:
        return np.zeros((1, n_dims), np.float32)
    pca = PCA(n_dims, svd_solver="full" if len(points) < 500 else "covariance_eigh")
    found = pca.fit_transform(points.astype(np.float64))
    found *= 5 / max(np.abs(found).max(), 1e-12)
    if len(points) >= FEWEST:
        found += np.random.RandomState(seed).normal(scale=1e-4, size=found.shape)
    return found.astype(np.float32)


def _set_parts_apart(start, part):
    """Return where the layout starts if each large part is shifted along an axis, and how many there are."""
    sizes = np.bincount(part)
    large = np.flatnonzero(sizes >= LARGE * len(part))
    n_dims = start.shape[1]
    if 2 <= len(large) <= 2 * n_dims:
        centres = np.stack([np.bincount(part, column) / sizes for column in start.T], axis=1)
        belongs = pairwise_distances_argmin(centres, centres[large])
        axes = np.concatenate([np.eye(n_dims), -np.eye(n_dims)])
        start = start + 10 * axes[belongs[part]].astype(np.float32)
    return start, len(large)


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
