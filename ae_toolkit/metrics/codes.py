"""Measures of codes: the neighbours that they keep, and what a simple classifier reads from them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import manifold
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ae_toolkit._validation import check_count, check_finite, check_image_set


def trustworthiness(images: ArrayLike, codes: ArrayLike, n_neighbors: int = 5) -> float:
    """Return how far the neighbours of a code can be trusted to be neighbours as images.

    Each code's nearest neighbours that are not among the image's nearest neighbours count
    against it, by how far down the image's list they stand. Distances are Euclidean. Takes
    time and memory in the square of the number of images: a few thousand are enough.

    Parameters
    ----------
    images : array-like of shape (n, ...)
        Compared pixel by pixel.
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
    >>> images = np.arange(8.0).reshape(8, 1, 1, 1)  # eight images of one pixel
    >>> trustworthiness(images, [[0], [1], [2], [3], [4], [5], [6], [7]], n_neighbors=2)
    1.0
    """
    pixels = check_image_set(images, "the images")
    n = len(pixels)
    numbers = np.asarray(codes, dtype=np.float64)
    if numbers.ndim != 2 or len(numbers) != n or numbers.size == 0:
        raise ValueError(f"expected a code for each of {n} images, as (n, d), got shape {numbers.shape}")
    check_finite(numbers, "numbers", "the codes")
    largest = (n - 1) // 2  # the measure is defined for less than half of the images
    if largest < 1:
        raise ValueError(f"expected at least 3 images, since neighbours are compared, got {n}")
    reason = f", less than half of {n} images"
    n_neighbors = check_count(n_neighbors, "n_neighbors", maximum=largest, whole_floats=False, reason=reason)
    return float(manifold.trustworthiness(pixels.reshape(n, -1), numbers, n_neighbors=n_neighbors))


def linear_probe(codes_train: ArrayLike, y_train: ArrayLike, codes_test: ArrayLike, y_test: ArrayLike) -> float:
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
    return float(linear_probe_hits(codes_train, y_train, codes_test, y_test).mean())


def linear_probe_hits(
    codes_train: ArrayLike, y_train: ArrayLike, codes_test: ArrayLike, y_test: ArrayLike
) -> NDArray[np.bool_]:
    """Return for each test image whether `linear_probe` finds its class.

    Parameters
    ----------
    codes_train, codes_test : array-like of shape (n, d)
    y_train, y_test : array-like of shape (n,)

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> from ae_toolkit.metrics import linear_probe_hits
    >>> linear_probe_hits([[0.0], [0.1], [0.9], [1.0]], [0, 0, 1, 1], [[0.2], [0.8]], [0, 0])
    array([ True, False])
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return _hits(probe, codes_train, y_train, codes_test, y_test)


def knn_probe(
    codes_train: ArrayLike, y_train: ArrayLike, codes_test: ArrayLike, y_test: ArrayLike, n_neighbors: int = 5
) -> float:
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
    return float(knn_probe_hits(codes_train, y_train, codes_test, y_test, n_neighbors).mean())


def knn_probe_hits(
    codes_train: ArrayLike, y_train: ArrayLike, codes_test: ArrayLike, y_test: ArrayLike, n_neighbors: int = 5
) -> NDArray[np.bool_]:
    """Return for each test image whether `knn_probe` finds its class.

    Parameters
    ----------
    codes_train, codes_test : array-like of shape (n, d)
    y_train, y_test : array-like of shape (n,)
    n_neighbors : int, default=5
        How many training codes vote, by Euclidean distance.

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> from ae_toolkit.metrics import knn_probe_hits
    >>> knn_probe_hits([[0.0], [0.1], [0.9], [1.0]], [0, 0, 1, 1], [[0.2], [0.8]], [0, 0], n_neighbors=1)
    array([ True, False])
    """
    return _hits(KNeighborsClassifier(n_neighbors=n_neighbors), codes_train, y_train, codes_test, y_test)


def _hits(probe, codes_train, y_train, codes_test, y_test):
    found, labels = probe.fit(codes_train, y_train).predict(codes_test), np.asarray(y_test)
    if labels.shape != found.shape:
        raise ValueError(f"expected a label for each of {len(found)} test codes, got shape {labels.shape}")
    return found == labels
