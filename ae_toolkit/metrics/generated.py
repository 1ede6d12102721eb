"""Measures of generated images beside real ones, as two sets whose images are not paired."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ae_toolkit._validation import check_finite, check_image_set


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
    n_r, n_g, d_r, d_g = len(images_r), len(images_g), features_r.shape[1], features_g.shape[1]
    if d_r != d_g:
        raise ValueError(f"expected as many features of real as of generated images, got {d_r} and {d_g}")
    if min(n_r, n_g) <= d_r:
        raise ValueError(
            f"expected more images than features in both sets, since fewer leave the covariance singular, "
            f"got {n_r} real and {n_g} generated images with {d_r} features each"
        )
    return FrechetDistance(_between_gaussians(features_r, features_g), name, n_r, n_g)


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
