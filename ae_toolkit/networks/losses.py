"""Training objectives, as functions of Keras tensors on any backend.

Each sums over an image's pixels, or over a code's numbers, and returns one number per
image; ``weighted_mean`` makes a batch's loss of them. Errors are in squared pixel units,
likelihoods and divergences in nats: the units in which the whole package reports.
"""

import math
from typing import Any

from ae_toolkit._keras import keras

ops = keras.ops


def squared_error(images: Any, reconstructions: Any) -> Any:
    """Return the squared error of each image, summed over its pixels.

    Averaged over images this is the article's loss, (1/n) times the sum of ``||x_i - x̂_i||²``.

    Parameters
    ----------
    images, reconstructions : tensors of equal shape (n, ...)
        Pixel values in any unit; the error is in that unit squared.

    Returns
    -------
    tensor of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.networks.losses import squared_error, weighted_mean
    >>> float(weighted_mean(squared_error(np.ones((3, 2, 2, 1)), np.zeros((3, 2, 2, 1)))))
    4.0
    """
    return sum_per_image(ops.square(ops.subtract(images, reconstructions)))


def bernoulli_nll(images: Any, logits: Any) -> Any:
    """Return the negative log-likelihood of each image under independent black-and-white pixels, in nats.

    For grey pixels it is the cross-entropy, whose smallest value is not 0.

    Parameters
    ----------
    images : tensor of shape (n, ...)
        Pixels in [0, 1].
    logits : tensor of a shape that `images` is broadcast to
        The logit of each pixel's probability to be 1. Axes in front, such as one for several
        samples per image, are kept.

    Returns
    -------
    tensor of shape (n,), or (k, n) for logits of shape (k, n, ...)

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.networks.losses import bernoulli_nll
    >>> [round(float(nats), 4) for nats in bernoulli_nll(np.ones((1, 4)), np.zeros((1, 4)))]
    [2.7726]
    """
    # softplus(-l) for a white pixel and softplus(l) for a black one, in a form that does not overflow.
    return sum_per_image(
        ops.softplus(logits) - ops.multiply(images, logits), keep=len(logits.shape) - len(images.shape) + 1
    )


def gaussian_nll(images: Any, means: Any, log_scale: Any) -> Any:
    """Return the negative log-likelihood of each image under normally distributed pixels, in nats.

    Parameters
    ----------
    images : tensor of shape (n, ...)
    means : tensor of a shape that `images` is broadcast to
    log_scale : scalar tensor
        Logarithm of the standard deviation that all pixels share.

    Returns
    -------
    tensor of shape (n,), or (k, n) for means of shape (k, n, ...)

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit.networks.losses import gaussian_nll
    >>> [round(float(nats), 4) for nats in gaussian_nll(ops.ones((1, 4)), ops.ones((1, 4)), 0.0)]
    [3.6758]
    """
    nats = 0.5 * ops.square(ops.subtract(images, means) * ops.exp(-log_scale)) + log_scale + 0.5 * math.log(2 * math.pi)
    return sum_per_image(nats, keep=len(means.shape) - len(images.shape) + 1)


def gaussian_kl(means: Any, log_variances: Any) -> Any:
    """Return the divergence of N(mean, variance) from N(0, 1) for each code, summed over its numbers, in nats.

    The closed form of Kingma and Welling (2014), appendix B.

    Parameters
    ----------
    means, log_variances : tensors of shape (n, code_dim)

    Returns
    -------
    tensor of shape (n,)

    References
    ----------
    Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.networks.losses import gaussian_kl
    >>> [float(nats) for nats in gaussian_kl(np.array([[1.0, 2.0]]), np.zeros((1, 2)))]
    [2.5]
    """
    return 0.5 * ops.sum(ops.subtract(ops.square(means) + ops.exp(log_variances) - 1, log_variances), axis=-1)


def gaussian_log_density(codes: Any, means: Any, log_variances: Any) -> Any:
    """Return the logarithm of a normal density, summed over a code's numbers, in nats.

    Parameters
    ----------
    codes, means, log_variances : tensors of shape (..., code_dim), or broadcast to it

    Returns
    -------
    tensor without the last axis

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.networks.losses import gaussian_log_density
    >>> round(float(gaussian_log_density(np.zeros(2), np.zeros(2), np.zeros(2))), 4)
    -1.8379
    """
    nats = ops.add(ops.square(ops.subtract(codes, means)) * ops.exp(-log_variances), log_variances) + math.log(
        2 * math.pi
    )
    return -0.5 * ops.sum(nats, axis=-1)


def bernoulli_kl(target: float, activities: Any) -> Any:
    """Return the divergence of a target activity from the mean activities of units, summed over units, in nats.

    Parameters
    ----------
    target : float
        Between 0 and 1.
    activities : tensor of shape (units,)
        Between 0 and 1: the mean activity of each unit over a batch.

    Returns
    -------
    scalar tensor

    References
    ----------
    Ng, A. (2011). Sparse autoencoder. CS294A lecture notes, Stanford University.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.networks.losses import bernoulli_kl
    >>> round(float(bernoulli_kl(0.5, np.array([0.5, 0.25]))), 4)
    0.1438
    """
    activities = ops.clip(activities, 1e-6, 1 - 1e-6)
    on, off = target * ops.log(target / activities), (1 - target) * ops.log((1 - target) / (1 - activities))
    return ops.sum(on + off)


def weighted_mean(per_image: Any, sample_weight: Any = None) -> Any:
    """Return the mean over images of one value per image, weighted if there are weights.

    Parameters
    ----------
    per_image : tensor of shape (n,)
    sample_weight : tensor of shape (n,), optional
        Factors, 1 on average over all images.

    Returns
    -------
    scalar tensor

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.networks.losses import weighted_mean
    >>> float(weighted_mean(np.array([1.0, 2.0]), np.array([0.5, 1.5])))
    1.75
    """
    return ops.mean(per_image if sample_weight is None else per_image * sample_weight)


def sum_per_image(values: Any, keep: int = 1) -> Any:
    """Return the sum of each image's values: over all axes but the first, or but the first few.

    Parameters
    ----------
    values : tensor
    keep : int, default=1
        How many axes are not summed over.

    Returns
    -------
    tensor with `keep` axes

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.networks.losses import sum_per_image
    >>> tuple(sum_per_image(np.ones((2, 3, 4))).shape)
    (2,)
    """
    axes = tuple(range(keep, len(values.shape)))
    return ops.sum(values, axis=axes) if axes else values
