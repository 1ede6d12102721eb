"""Measures of images: reconstructions beside their originals, generated ones beside real ones.

Users find them in ``ae.metrics``. The first three compare image by image, the Fréchet
distance compares two sets whose images are not paired, and bits per pixel is the unit in
which likelihoods of images are reported.
"""

import math
from dataclasses import dataclass
from numbers import Integral

import numpy as np


def reconstruction_error(images, reconstructions, sample_weight=None):
    """Return the article's loss: squared error summed over an image, averaged over images.

    Parameters
    ----------
    images, reconstructions : array-like of equal shape (n, ...)
        The originals and what was made of them.
    sample_weight : array-like of shape (n,), optional
        How much each image counts in the average; by default all count the same.

    Returns
    -------
    float
        ``(1/n) * sum_i ||x_i - x̂_i||²``, in squared pixel units per image; with weights
        ``sum_i w_i ||x_i - x̂_i||² / sum_i w_i``.

    Raises
    ------
    ValueError
        If the shapes differ, nothing is given, or a value is NaN or infinite; if there is
        not one weight an image, a weight is negative, or all are zero.

    References
    ----------
    Hinton, G. E. and Salakhutdinov, R. R. (2006). Reducing the dimensionality of data
    with neural networks. Science 313, 504-507. (The figures there are in this unit.)

    Examples
    --------
    >>> from ae_toolkit.metrics import reconstruction_error
    >>> reconstruction_error([[0.0, 1.0]], [[0.0, 0.5]])
    0.25
    >>> reconstruction_error([[0.0], [0.0]], [[1.0], [2.0]], sample_weight=[3, 1])
    1.75
    """
    images, reconstructions = _pairs(images, reconstructions)
    errors = np.square(images - reconstructions).reshape(len(images), -1).sum(axis=1)
    if sample_weight is None:
        return float(errors.mean())
    return float(np.average(errors, weights=_weights(sample_weight, len(images))))


def psnr(images, reconstructions, data_range=1.0):
    """Return the peak signal-to-noise ratio, averaged over images.

    Parameters
    ----------
    images, reconstructions : array-like of equal shape (n, ...)
        The originals and what was made of them; flat tables are welcome.
    data_range : float, default=1.0
        The distance from the darkest possible pixel to the brightest: 255 for 8-bit images.

    Returns
    -------
    float
        The mean over images of ``10 * log10(data_range² / MSE_i)``, in decibels, where
        ``MSE_i`` is an image's mean squared error per pixel. Higher is better. An image
        that is reproduced exactly has infinitely many decibels, and then so has the mean.

    Raises
    ------
    ValueError
        If the shapes differ, nothing is given, a value is NaN or infinite, or `data_range`
        is not positive.

    References
    ----------
    Huynh-Thu, Q. and Ghanbari, M. (2008). Scope of validity of PSNR in image/video quality
    assessment. Electronics Letters 44, 800-801.

    Examples
    --------
    >>> from ae_toolkit.metrics import psnr
    >>> psnr([[0.0, 1.0]], [[0.1, 0.9]])  # one tenth of the range off everywhere
    20.0
    """
    images, reconstructions = _pairs(images, reconstructions)
    data_range = _positive("data_range", data_range)
    errors = np.square((images - reconstructions) / data_range).reshape(len(images), -1).mean(axis=1)
    with np.errstate(divide="ignore"):  # an exact image is meant to give infinity
        return float(np.mean(-10 * np.log10(errors)))


def ssim(images, reconstructions, data_range=1.0):
    """Return the structural similarity, averaged over images, as scikit-image computes it.

    It compares brightness, contrast and pattern within a small window that moves over the
    picture. Colour channels are compared one by one and averaged.

    Parameters
    ----------
    images, reconstructions : array-like of equal shape (n, h, w) or (n, h, w, channels)
        Pictures of at least 3×3 pixels. A flat table has lost what is beside what.
    data_range : float, default=1.0
        The distance from the darkest possible pixel to the brightest: 255 for 8-bit images.

    Returns
    -------
    float
        At most 1, which only equal pictures reach. No unit.

    Raises
    ------
    ValueError
        If the shapes differ, are not those of pictures or smaller than 3×3, nothing is
        given, a value is NaN or infinite, or `data_range` is not positive.

    Notes
    -----
    The window is a square of 7×7 equal weights, scikit-image's default, or the largest odd
    square that fits a smaller picture. An 8×8 picture has only four places for it, so its
    figure is coarse, and figures for pictures of different sizes do not compare.

    References
    ----------
    Wang, Z., Bovik, A. C., Sheikh, H. R. and Simoncelli, E. P. (2004). Image quality
    assessment: from error visibility to structural similarity. IEEE Transactions on Image
    Processing 13, 600-612. (Theirs is an 11×11 Gaussian window, too wide for small images.)

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.metrics import ssim
    >>> pictures = np.random.default_rng(0).random((2, 8, 8, 1))
    >>> ssim(pictures, pictures)
    1.0
    >>> round(ssim(pictures, 1 - pictures), 1)  # light and dark exchanged
    -0.9
    """
    images, reconstructions = _pairs(images, reconstructions)
    data_range = _positive("data_range", data_range)
    if images.ndim not in (3, 4):
        raise ValueError(
            "expected pictures of shape (n, height, width) or (n, height, width, channels), "
            f"got {images.shape}; give flat images their height and width back with reshape"
        )
    side = min(images.shape[1:3])
    if side < 3:
        raise ValueError(f"expected pictures of at least 3×3 pixels, got shape {images.shape}")
    # Loaded here, since only this measure needs it and most users of this module do not.
    from skimage.metrics import structural_similarity

    settings = {
        "win_size": min(7, side - (side + 1) % 2),
        "data_range": data_range,
        "channel_axis": -1 if images.ndim == 4 else None,
    }
    found = [structural_similarity(*pair, **settings) for pair in zip(images, reconstructions, strict=True)]
    return float(np.mean(found))


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

    def __str__(self):
        return (
            f"{self.value:.2f} (features: {self.features}, "
            f"{self.n_real} real, {self.n_generated} generated images)"
        )  # fmt: skip


def frechet_distance(real, generated, features, name):
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
    real, generated = _image_set("real", real), _image_set("generated", generated)
    if real.shape[1:] != generated.shape[1:]:
        raise ValueError(f"expected real and generated images of one shape, got {real.shape} and {generated.shape}")
    found = [_features(features, "real", real), _features(features, "generated", generated)]
    sizes = [each.shape[1] for each in found]
    if sizes[0] != sizes[1]:
        raise ValueError(f"expected as many features of real as of generated images, got {sizes[0]} and {sizes[1]}")
    if min(len(real), len(generated)) <= sizes[0]:
        raise ValueError(
            f"expected more images than features in both sets, since fewer leave the covariance singular, "
            f"got {len(real)} real and {len(generated)} generated images with {sizes[0]} features each"
        )
    means = [each.mean(axis=0) for each in found]
    roots = [_covariance_root(each - mean) for each, mean in zip(found, means, strict=True)]
    # With C_r = R'R and C_g = G'G, the product C_r C_g has the eigenvalues of the symmetric
    # matrix (R G')(R G')'. Their roots are the singular values of R G': real and never
    # negative, where a root of C_r C_g itself drifts into complex numbers.
    shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    spread = sum(np.square(root).sum() for root in roots)  # the traces of both covariances
    value = np.square(means[0] - means[1]).sum() + spread - 2 * shared
    return FrechetDistance(max(0.0, float(value)), name, len(real), len(generated))  # rounding can end below zero


def bits_per_pixel(nats, image_shape):
    """Return a negative log-likelihood in bits per pixel instead of nats per image.

    Parameters
    ----------
    nats : float or array-like of float
        Negative log-likelihood, or a bound on it, in nats per image.
    image_shape : tuple of int
        Shape of an image, without the number of images. Every number of an image counts
        as a pixel: 32×32×3 are 3,072.

    Returns
    -------
    float or ndarray of the shape of `nats`
        ``nats / (ln 2 * numbers in an image)``, in bits per pixel.

    Raises
    ------
    ValueError
        If `nats` is empty, NaN or infinite, or the shape is not of positive integers.

    References
    ----------
    van den Oord, A., Kalchbrenner, N. and Kavukcuoglu, K. (2016). Pixel recurrent neural
    networks. ICML. (Section 5.1, where it is called bits per dimension.)

    Examples
    --------
    >>> from ae_toolkit.metrics import bits_per_pixel
    >>> round(bits_per_pixel(543.4, (28, 28, 1)), 3)
    1.0
    """
    image_shape = tuple(np.atleast_1d(np.asarray(image_shape, dtype=object)))
    if not image_shape or not all(_is_count(side) for side in image_shape):
        raise ValueError(f"expected image_shape as positive integers, for example (28, 28, 1), got {image_shape}")
    nats = np.asarray(nats, dtype=np.float64)
    if nats.size == 0 or not np.isfinite(nats).all():
        raise ValueError(f"expected a finite number of nats per image, got {nats}")
    bits = nats / (math.log(2) * math.prod(image_shape))
    return float(bits) if bits.ndim == 0 else bits


def _pairs(images, reconstructions):
    images, reconstructions = np.asarray(images, dtype=np.float64), np.asarray(reconstructions, dtype=np.float64)
    if images.shape != reconstructions.shape:
        raise ValueError(
            f"expected images and reconstructions of one shape, got {images.shape} and {reconstructions.shape}"
        )
    _check_images(images, "the images")
    _check_images(reconstructions, "the reconstructions")
    return images, reconstructions


def _check_images(images, name):
    if images.ndim < 2 or images.size == 0:
        raise ValueError(f"expected at least one image, as an array of shape (n, ...), got shape {images.shape}")
    if not np.isfinite(images).all():
        raise ValueError(f"expected finite pixels, got NaN or infinity in {name}")


def _image_set(name, images):
    images = np.asarray(images)  # keeps its type: the features may ask for float32
    if images.dtype.kind not in "fiub":
        raise ValueError(f"expected numbers as pixels, got {images.dtype} in the {name} images")
    _check_images(images, f"the {name} images")
    return images


def _features(features, name, images):
    found = np.asarray(features(images), dtype=np.float64)
    if found.ndim != 2 or len(found) != len(images) or found.shape[1] == 0:
        raise ValueError(f"expected features of shape ({len(images)}, d) from the {name} images, got {found.shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"expected finite features, got NaN or infinity from the {name} images")
    return found


def _covariance_root(centred):
    """Return R with R'R the covariance, without squaring the features, which would cost half of the digits."""
    return np.linalg.qr(centred, mode="r") / math.sqrt(len(centred) - 1)


def _weights(weights, n):
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (n,):
        raise ValueError(f"expected one weight for each of {n} images, got shape {weights.shape}")
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.sum() == 0:
        raise ValueError(
            "expected finite weights, none negative and not all zero, "
            f"got {weights.min()} to {weights.max()}"
        )  # fmt: skip
    return weights


def _positive(name, value):
    value = float(value)
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"expected {name} to be a positive number, got {value}")
    return value


def _is_count(value):
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_) and value > 0
