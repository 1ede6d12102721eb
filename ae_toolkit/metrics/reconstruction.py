"""Measures of reconstructions beside their originals, image by image, and the unit of likelihoods of images."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ae_toolkit._validation import check_counts, check_finite, check_image_pair, check_mean_weights, check_positive


def reconstruction_error(
    images: ArrayLike, reconstructions: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
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
        not one weight per image, a weight is negative, or all are zero.

    References
    ----------
    Hinton, G. E. and Salakhutdinov, R. R. (2006). Reducing the dimensionality of data
    with neural networks. Science 313, 504-507. (The errors there are in this unit.)

    Examples
    --------
    >>> from ae_toolkit.metrics import reconstruction_error
    >>> reconstruction_error([[0.0, 1.0]], [[0.0, 0.5]])
    0.25
    >>> reconstruction_error([[0.0], [0.0]], [[1.0], [2.0]], sample_weight=[3, 1])
    1.75
    """
    errors = squared_errors(images, reconstructions)
    if sample_weight is None:
        return float(errors.mean())
    return float(np.average(errors, weights=check_mean_weights(sample_weight, len(errors))))


def squared_errors(images: ArrayLike, reconstructions: ArrayLike) -> NDArray[np.float64]:
    """Return the squared error of each image, of which `reconstruction_error` is the mean.

    Parameters
    ----------
    images, reconstructions : array-like of equal shape (n, ...)
        The originals and what was made of them.

    Returns
    -------
    ndarray of float64, shape (n,)
        ``||x_i - x̂_i||²``, in squared pixel units.

    Raises
    ------
    ValueError
        If the shapes differ, nothing is given, or a value is NaN or infinite.

    Examples
    --------
    >>> from ae_toolkit.metrics import squared_errors
    >>> squared_errors([[0.0, 1.0], [1.0, 1.0]], [[0.0, 0.5], [0.0, 0.0]])
    array([0.25, 2.  ])
    """
    originals, found = check_image_pair(images, reconstructions)
    return np.square(originals - found).reshape(len(originals), -1).sum(axis=1)


def psnr(images: ArrayLike, reconstructions: ArrayLike, data_range: float = 1.0) -> float:
    """Return the peak signal-to-noise ratio, averaged over images.

    Parameters
    ----------
    images, reconstructions : array-like of equal shape (n, ...)
        The originals and what was made of them; flat ones, too.
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
    originals, found = check_image_pair(images, reconstructions)
    data_range = check_positive(data_range, "data_range")
    errors = np.square((originals - found) / data_range).reshape(len(originals), -1).mean(axis=1)
    with np.errstate(divide="ignore"):  # an exact image is meant to give infinity
        return float(np.mean(-10 * np.log10(errors)))


def ssim(images: ArrayLike, reconstructions: ArrayLike, data_range: float = 1.0) -> float:
    """Return the structural similarity, averaged over images, as scikit-image computes it.

    It compares brightness, contrast and pattern within a small window that moves over the
    image. Colour channels are compared one by one and averaged.

    Parameters
    ----------
    images, reconstructions : array-like of equal shape (n, h, w) or (n, h, w, channels)
        Images of at least 3×3 pixels. A flat table has lost which pixels are neighbours.
    data_range : float, default=1.0
        The distance from the darkest possible pixel to the brightest: 255 for 8-bit images.

    Returns
    -------
    float
        At most 1, which only equal images reach. No unit.

    Raises
    ------
    ValueError
        If the shapes differ, lack height and width or are smaller than 3×3, nothing is
        given, a value is NaN or infinite, or `data_range` is not positive.

    Notes
    -----
    The window is a square of 7×7 equal weights, scikit-image's default, or the largest odd
    square that fits a smaller image. An 8×8 image has only four places for it, so its
    value is coarse, and values for images of different sizes cannot be compared.

    References
    ----------
    Wang, Z., Bovik, A. C., Sheikh, H. R. and Simoncelli, E. P. (2004). Image quality
    assessment: from error visibility to structural similarity. IEEE Transactions on Image
    Processing 13, 600-612. (Theirs is an 11×11 Gaussian window, too wide for small images.)

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.metrics import ssim
    >>> images = np.random.default_rng(0).random((2, 8, 8, 1))
    >>> ssim(images, images)
    1.0
    >>> round(ssim(images, 1 - images), 1)  # light and dark exchanged
    -0.9
    """
    originals, found = check_image_pair(images, reconstructions)
    data_range = check_positive(data_range, "data_range")
    if originals.ndim not in (3, 4):
        raise ValueError(
            "expected images of shape (n, height, width) or (n, height, width, channels), "
            f"got {originals.shape}; give flat images their height and width back with reshape"
        )
    side = min(originals.shape[1:3])
    if side < 3:
        raise ValueError(f"expected images of at least 3×3 pixels, got shape {originals.shape}")
    # Loaded here, since only this measure needs it and most users of this module do not.
    from skimage.metrics import structural_similarity

    window = min(7, side - (side + 1) % 2)
    channel_axis = -1 if originals.ndim == 4 else None
    similarities = [
        structural_similarity(*pair, win_size=window, data_range=data_range, channel_axis=channel_axis)
        for pair in zip(originals, found, strict=True)
    ]
    return float(np.mean(similarities))


def bits_per_pixel(nats: ArrayLike, image_shape: ArrayLike) -> float | NDArray[np.float64]:
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
    sides = check_counts(np.atleast_1d(np.asarray(image_shape, dtype=object)), "image_shape")
    if not sides:
        raise ValueError("expected image_shape to be positive integers, for example (28, 28, 1), got none")
    values = np.asarray(nats, dtype=np.float64)
    if values.size == 0:
        raise ValueError("expected at least one number of nats per image, got none")
    check_finite(values, "nats per image", "nats")
    bits = values / (math.log(2) * math.prod(sides))
    return float(bits) if bits.ndim == 0 else bits
