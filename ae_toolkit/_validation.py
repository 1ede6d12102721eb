"""What counts as a batch of images, checked in one place and early.

Images are float arrays of shape (n, height, width, channels). A flat table of shape
(n, pixels) is accepted as well, since that is what scikit-learn's tools hand on.
"""

import numpy as np
from sklearn.utils import check_array

IMAGE_FORM = "(n_images, height, width, channels)"


def check_images(images, name="X"):
    """Return `images` as a float32 array, or say what is wrong with them.

    Parameters
    ----------
    images : array-like of shape (n, height, width, channels) or (n, pixels)
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
        If a pixel is NaN or infinite, if there is no image, if the channel axis is
        missing, if an image has a single pixel, or if pixels are integers.

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
    if images.ndim == 3:
        raise ValueError(
            f"expected {name} of shape {IMAGE_FORM} or flat (n_images, pixels), got {shape}: the channel "
            f"axis is missing. Add it with {name}[..., None] if these are {shape[0]} grey images."
        )
    if images.ndim != 4:
        raise ValueError(f"expected {name} of shape {IMAGE_FORM}, got {shape}")
    if images.dtype.kind in "iub" and images.size:
        raise ValueError(
            f"expected {name} with floating-point pixels, customarily in [0, 1], got {images.dtype} from "
            f"{images.min()} to {images.max()}. Scale them first, for 8-bit images with {name} / 255.0."
        )
    if np.prod(shape[1:]) < 2:
        raise ValueError(f"expected images of at least 2 numbers each, got {name} of shape {shape}")
