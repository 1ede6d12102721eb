"""Measures of generated images beside real ones, as two sets whose images are not paired."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from ae_toolkit._validation import check_count, check_finite, check_image_set

# How many distances are in memory at once, 8 bytes each.
_DISTANCES_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class FrechetDistance:
    """A Fréchet distance with what one must know to compare it with another.

    Parameters
    ----------
    value : float
        The distance, in squared units of the features.
    features : str
        Name of the features in which it was measured.
    n_real, n_generated : int
        How many images stood on either side; with fewer the distance comes out larger.

    Examples
    --------
    >>> from ae_toolkit.metrics import FrechetDistance
    >>> print(FrechetDistance(4.2, "PCA-32", 2000, 2000))
    4.20 (features: PCA-32, 2000 real, 2000 generated images)
    """

    value: float
    features: str
    n_real: int
    n_generated: int

    def __str__(self) -> str:
        return (
            f"{self.value:.2f} (features: {self.features}, "
            f"{self.n_real} real, {self.n_generated} generated images)"
        )  # fmt: skip


def frechet_distance(
    real: ArrayLike, generated: ArrayLike, features: Callable[[NDArray], ArrayLike], name: str
) -> FrechetDistance:
    """Return how far generated images are from real ones, as two Gaussians in feature space.

    With means m and covariances C of the features of either set, the distance is
    ``||m_r - m_g||² + trace(C_r + C_g - 2 (C_r C_g)^(1/2))``. With the features of the
    Inception network it is known as FID; here the features are yours, hence the name.

    Parameters
    ----------
    real, generated : array-like of shape (n, ...) and (m, ...), images of one shape
    features : callable
        Takes either set and returns an array of shape (n, d), d numbers for each image: an
        estimator's ``transform``, fitted on neither set if the comparison is to be fair.
    name : str
        Says which features these are, for example ``"PCA-32"``.

    Returns
    -------
    FrechetDistance
        ``value``, with the name of the features and both counts; 0 for equal sets.

    Raises
    ------
    ValueError
        If images or features are NaN or infinite or of other shapes than above, if either
        set has no more images than features, or if the name is empty.
    TypeError
        If `features` cannot be called or `name` is no text.

    Notes
    -----
    A finite sample makes the distance too large, the more so the fewer images there are:
    compare only distances with equal features and equal counts.

    References
    ----------
    Heusel, M., Ramsauer, H., Unterthiner, T., Nessler, B. and Hochreiter, S. (2017). GANs
    trained by a two time-scale update rule converge to a local Nash equilibrium. NeurIPS.
    (Equation 6.)

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.metrics import frechet_distance
    >>> images = np.random.default_rng(0).random((50, 4))
    >>> print(frechet_distance(images, images + 0.5, features=lambda x: x[:, :2], name="first two pixels"))
    0.50 (features: first two pixels, 50 real, 50 generated images)
    """
    features_r, features_g = _features_of_both(real, generated, features, name)
    n_r, n_g, d = len(features_r), len(features_g), features_r.shape[1]
    if min(n_r, n_g) <= d:
        raise ValueError(
            f"expected more images than features in both sets, since fewer leave the covariance singular, "
            f"got {n_r} real and {n_g} generated images with {d} features each"
        )
    return FrechetDistance(_between_gaussians(features_r, features_g), name, n_r, n_g)


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall of generated images, with what one must know to compare them with others.

    Parameters
    ----------
    precision : float
        Share of the generated images that lie among real ones, from 0 to 1.
    recall : float
        Share of the real images that lie among generated ones, from 0 to 1.
    features : str
        Name of the features in which neighbours were sought.
    n_neighbors : int
        Up to which neighbour an image's surroundings reach.
    n_real, n_generated : int
        How many images stood on either side.

    Examples
    --------
    >>> from ae_toolkit.metrics import PrecisionRecall
    >>> print(PrecisionRecall(0.93, 0.4, "PCA-32", 3, 2000, 2000))
    precision 0.93, recall 0.40 (features: PCA-32, 3 neighbours, 2000 real, 2000 generated images)
    """

    precision: float
    recall: float
    features: str
    n_neighbors: int
    n_real: int
    n_generated: int

    def __str__(self) -> str:
        return (
            f"precision {self.precision:.2f}, recall {self.recall:.2f} (features: {self.features}, "
            f"{self.n_neighbors} neighbours, {self.n_real} real, {self.n_generated} generated images)"
        )  # fmt: skip


def precision_recall(
    real: ArrayLike,
    generated: ArrayLike,
    features: Callable[[NDArray], ArrayLike],
    name: str,
    n_neighbors: int = 3,
) -> PrecisionRecall:
    """Return which share of generated images could be real ones, and which share of real ones could be generated.

    Around each image of a set, draw a ball in feature space that reaches to its third
    nearest neighbour within the set. Together the balls show where the set lies. *Precision*
    is the share of generated images within a ball of the real ones: are they good?
    *Recall* is the share of real images within a ball of the generated ones: are
    there all kinds? These are no measures of a classifier, which go by the same names.

    Parameters
    ----------
    real, generated : array-like of shape (n, ...) and (m, ...), images of one shape
    features : callable
        Takes either set and returns an array of shape (n, d), d numbers for each image: an
        estimator's ``transform``, fitted on neither set if the comparison is to be fair.
    name : str
        Says which features these are, for example ``"PCA-32"``.
    n_neighbors : int, default=3
        Up to which neighbour a ball reaches, the image itself not counted. With more, both
        measures come out larger.

    Returns
    -------
    PrecisionRecall
        ``precision`` and ``recall``, shares of images from 0 to 1, with the name of the
        features, the number of neighbours and both counts. Equal sets have 1 and 1.

    Raises
    ------
    ValueError
        If images or features are NaN or infinite or of other shapes than above, if
        `n_neighbors` is no positive integer or either set has no more images than that, or if the
        name is empty.
    TypeError
        If `features` cannot be called or `name` is no text.

    Notes
    -----
    Both depend on the features, the counts and `n_neighbors`: compare only where these are
    equal. Real images that were held out do not reach 1; give their values beside those
    of generated ones. An unusual real image has a large ball, into which bad images may
    fall. The time grows with the number of distances, (n + m)², and that of features; the
    memory does not, since distances are computed some millions at a time.

    References
    ----------
    Kynkäänniemi, T., Karras, T., Laine, S., Lehtinen, J. and Aila, T. (2019). Improved
    precision and recall metric for assessing generative models. NeurIPS 32.

    Examples
    --------
    A generator whose images are good and much alike: nearly all lie among the real ones, but
    most real ones are out of its reach.

    >>> import numpy as np
    >>> from ae_toolkit.metrics import precision_recall
    >>> images = np.random.default_rng(0).random((200, 4))
    >>> print(precision_recall(images, 0.5 * images + 0.25, features=lambda x: x, name="pixels"))
    precision 0.99, recall 0.14 (features: pixels, 3 neighbours, 200 real, 200 generated images)
    """
    n_neighbors = check_count(n_neighbors, "n_neighbors")
    features_r, features_g = _features_of_both(real, generated, features, name)
    n_r, n_g = len(features_r), len(features_g)
    if min(n_r, n_g) <= n_neighbors:
        raise ValueError(
            f"expected more images than n_neighbors={n_neighbors} in both sets, since an image is no neighbour of "
            f"itself, got {n_r} real and {n_g} generated images"
        )
    precision = _share_within(features_g, features_r, n_neighbors)
    recall = _share_within(features_r, features_g, n_neighbors)
    return PrecisionRecall(precision, recall, name, n_neighbors, n_r, n_g)


def _features_of_both(
    real: ArrayLike, generated: ArrayLike, features: Callable[[NDArray], ArrayLike], name: str
) -> tuple[NDArray, NDArray]:
    """Return the features of both sets, (n, d) and (m, d), or say what is wrong with what was given."""
    if not callable(features):
        raise TypeError(f"expected features to be a function from images to an (n, d) array, got {features!r}")
    if not isinstance(name, str):
        raise TypeError(f"expected the name of the features as text, got {name!r}")
    if not name.strip():
        raise ValueError("expected the name of the features, for example 'PCA-32', got an empty one")
    # The type of the pixels is kept: the features may ask for float32.
    images_r = check_image_set(real, "the real images", dtype=None)
    images_g = check_image_set(generated, "the generated images", dtype=None)
    if images_r.shape[1:] != images_g.shape[1:]:
        raise ValueError(f"expected real and generated images of one shape, got {images_r.shape} and {images_g.shape}")
    features_r = _features_of(images_r, features, "the real images")
    features_g = _features_of(images_g, features, "the generated images")
    d_r, d_g = features_r.shape[1], features_g.shape[1]
    if d_r != d_g:
        raise ValueError(f"expected as many features of real as of generated images, got {d_r} and {d_g}")
    return features_r, features_g


def _features_of(images: NDArray, features: Callable[[NDArray], ArrayLike], name: str) -> NDArray:
    found = np.asarray(features(images), dtype=np.float64)
    if found.ndim != 2 or len(found) != len(images) or found.shape[1] == 0:
        raise ValueError(f"expected features of shape ({len(images)}, d) from {name}, got {found.shape}")
    return check_finite(found, "features", f"those of {name}")


def _between_gaussians(first: NDArray, second: NDArray) -> float:
    """Return the Fréchet distance of two Gaussians with the means and covariances of points, (n, d) and (m, d)."""
    mean_1, mean_2 = first.mean(axis=0), second.mean(axis=0)
    root_1, root_2 = _covariance_root(first - mean_1), _covariance_root(second - mean_2)
    # With covariances C = R'R and D = S'S, the product C D has the eigenvalues of the symmetric
    # matrix (R S')(R S')'. Their roots are the singular values of R S': real and never
    # negative, where a root of C D itself drifts into complex numbers.
    shared = np.linalg.svd(root_1 @ root_2.T, compute_uv=False).sum()
    traces = np.square(root_1).sum() + np.square(root_2).sum()
    value = np.square(mean_1 - mean_2).sum() + traces - 2 * shared
    return max(0.0, float(value))  # rounding can end below zero


def _covariance_root(centred: NDArray) -> NDArray:
    """Return R with R'R the covariance, without squaring the features, which would cost half of the digits."""
    return np.asarray(np.linalg.qr(centred, mode="r")) / math.sqrt(len(centred) - 1)


def _share_within(points: NDArray, others: NDArray, n_neighbors: int) -> float:
    """Return the share of points, (n, d), that lie within a ball of the others, (m, d)."""
    radii = _squared_radii(others, n_neighbors)
    within = [(cdist(chunk, others, "sqeuclidean") <= radii).any(axis=1) for chunk in _chunks(points, len(others))]
    return float(np.concatenate(within).mean())


def _squared_radii(points: NDArray, n_neighbors: int) -> NDArray:
    """Return each point's squared distance to its n-th nearest neighbour among the others of its set."""
    # The smallest distance of a row is that to the point itself, 0, and is passed over by counting from 0. Differences
    # are squared one by one: by way of products of points, equal points would be at a small distance, or none.
    return np.concatenate([
        np.partition(cdist(chunk, points, "sqeuclidean"), n_neighbors, axis=1)[:, n_neighbors]
        for chunk in _chunks(points, len(points))
    ])  # fmt: skip


def _chunks(points: NDArray, n_others: int) -> list[NDArray]:
    """Cut points such that the distances of a part from that many others fit into the memory allowed."""
    size = max(1, _DISTANCES_AT_ONCE // n_others)
    return [points[start : start + size] for start in range(0, len(points), size)]
