"""What counts as a batch of images, checked in one place and early.

Images are float arrays of shape (n, height, width, channels) or, if they are grey,
(n, height, width). A flat table of shape (n, pixels) is accepted as well, since that is
what scikit-learn's tools hand on.
"""

from numbers import Real

import numpy as np
from sklearn.utils import check_array, check_random_state

from ae_toolkit._sklearn import check_sample_weight

IMAGE_FORM = "(n_images, height, width, channels), grey (n_images, height, width) or flat (n_images, pixels)"


def check_images(images, name="X"):
    """Return `images` as a float32 array, or say what is wrong with them.

    Parameters
    ----------
    images : array-like of shape (n, height, width[, channels]) or (n, pixels)
        Images whose pixels are floating-point numbers, customarily in [0, 1].
        Integers are accepted in the flat form only, as scikit-learn does.
    name : str, default="X"
        What to call the array in an error.

    Returns
    -------
    ndarray of float32, in the shape that came in

    Raises
    ------
    ValueError
        If a pixel is NaN or infinite, if there is no image, if the number of axes is
        another one, if an image has a single pixel, or if pixels are integers.

    Examples
    --------
    >>> import numpy as np
    >>> check_images(np.zeros((5, 8, 8, 1))).dtype
    dtype('float32')
    """
    if n_axes(images) > 2:
        _check_image_form(np.asarray(images), name)
    return check_array(images, dtype=np.float32, allow_nd=True, ensure_min_features=2, input_name=name)


def n_axes(images):
    """Return the number of axes of an array, a table, a sparse matrix or nested lists."""
    return images.ndim if hasattr(images, "ndim") else np.asarray(images).ndim


def _check_image_form(images, name):
    shape = images.shape
    if images.ndim not in (3, 4):
        raise ValueError(f"expected {name} of shape {IMAGE_FORM}, got {shape}")
    if images.dtype.kind in "iub" and images.size:
        raise ValueError(
            f"expected {name} with floating-point pixels, customarily in [0, 1], got {images.dtype} from "
            f"{images.min()} to {images.max()}. Scale them first, for 8-bit images with {name} / 255.0."
        )
    if np.prod(shape[1:]) < 2:
        raise ValueError(f"expected images of at least 2 numbers each, got {name} of shape {shape}")


def check_weights(sample_weight, images):
    """Return one factor per image as float32, 1 on average, or say what is wrong with them.

    Examples
    --------
    >>> check_weights([1, 3], np.zeros((2, 4))).tolist()
    [0.5, 1.5]
    """
    weights = check_sample_weight(sample_weight, images, dtype=np.float64, ensure_non_negative=True)
    return (weights / weights.mean()).astype(np.float32)


def as_random_state(random_state):
    """Return a generator for a `random_state`; for None one of its own, where scikit-learn takes NumPy's global one.

    Examples
    --------
    >>> as_random_state(None) is np.random.mtrand._rand
    False
    """
    return np.random.RandomState() if random_state is None else check_random_state(random_state)


def check_count(value, name):
    """Return a positive integer, or say what is wrong with it.

    Examples
    --------
    >>> check_count(3.0, "n_samples")
    3
    """
    if not isinstance(value, Real) or value != int(value) or value < 1:
        raise ValueError(f"expected {name} to be a positive integer, got {value!r}")
    return int(value)
