"""Images: three kinds, each with a check of its own.

- `check_images`: what an estimator takes, after scikit-learn's own rules, and `check_fitted_shape`: what one takes
  that was fitted on others;
- `check_image_set` and `check_image_pair`: what a measure takes, of any shape (n, ...);
- `check_pictures`: what can be drawn, with height, width and 1 or 3 channels.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.utils import check_array

from ae_toolkit._validation.numbers import check_finite

IMAGE_FORM = "(n_images, height, width, channels), grey (n_images, height, width) or flat (n_images, pixels)"


def check_images(images: Any, name: str = "X") -> NDArray[np.float32]:
    """Return the images that an estimator was given as float32, or say what is wrong with them.

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


def n_axes(images: Any) -> int:
    """Return the number of axes of an array, a table, a sparse matrix or nested lists.

    Examples
    --------
    >>> n_axes([[0.0, 1.0]])
    2
    """
    return images.ndim if hasattr(images, "ndim") else np.asarray(images).ndim


def _check_image_form(images: NDArray, name: str) -> None:
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


def check_fitted_shape(image_shape: tuple[int, ...], fitted_shape: tuple[int, ...], owner: Any) -> None:
    """Refuse images of another shape than those that an estimator was fitted on.

    Parameters
    ----------
    image_shape, fitted_shape : tuple of int
        Of one image that came, and of one that the estimator was fitted on.
    owner : estimator
        Whose class is named in an error.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> check_fitted_shape((8, 8), (8, 8, 1), owner=object())
    Traceback (most recent call last):
    ValueError: expected images of shape (8, 8, 1), as object was fitted on, got (8, 8)
    """
    if image_shape != fitted_shape:
        raise ValueError(
            f"expected images of shape {fitted_shape}, as {type(owner).__name__} was fitted on, got {image_shape}"
        )


def check_image_set(images: ArrayLike, name: str, dtype: DTypeLike | None = np.float64) -> NDArray:
    """Return the images that a measure was given, of any shape (n, ...), or say what is wrong with them.

    Parameters
    ----------
    images : array-like of shape (n, ...)
        Numbers of any type, 8-bit integers too.
    name : str
        What to call them in an error, with its article: "the reconstructions".
    dtype : data type or None, default=float64
        What the result is of; None keeps the type of the images.

    Returns
    -------
    ndarray of shape (n, ...)

    Raises
    ------
    ValueError
        If pixels are no numbers, NaN or infinite, or if there is no image.

    Examples
    --------
    >>> check_image_set([[0, 255]], "the images")
    array([[  0., 255.]])
    """
    array = np.asarray(images, dtype=dtype)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"expected numbers as pixels, got {array.dtype} in {name}")
    if array.ndim < 2 or array.size == 0:
        raise ValueError(f"expected at least one image, as an array of shape (n, ...), got shape {array.shape}")
    return check_finite(array, "pixels", name)


def check_image_pair(images: ArrayLike, reconstructions: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return images and their reconstructions as float64, or say what is wrong with them.

    Parameters
    ----------
    images, reconstructions : array-like of equal shape (n, ...)

    Returns
    -------
    pair of ndarray of float64, shape (n, ...)

    Raises
    ------
    ValueError
        If the shapes differ, also where NumPy would broadcast them, or as `check_image_set`.

    Examples
    --------
    >>> check_image_pair([[0, 1]], [[0, 2]])
    (array([[0., 1.]]), array([[0., 2.]]))
    """
    first, second = np.asarray(images, dtype=np.float64), np.asarray(reconstructions, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"expected images and reconstructions of one shape, got {first.shape} and {second.shape}")
    return check_image_set(first, "the images"), check_image_set(second, "the reconstructions")


def check_pictures(images: ArrayLike, name: str = "the images", finite: bool = True) -> NDArray[np.float64]:
    """Return images that are to be drawn as float64, or say what is wrong with them.

    Parameters
    ----------
    images : array-like of shape (n, height, width, channels)
        One channel for grey, three for colour.
    name : str, default="the images"
        What to call them in an error, with its article.
    finite : bool, default=True
        Refuse NaN and infinity, for images of which none may stay blank.

    Returns
    -------
    ndarray of float64, shape (n, height, width, channels)

    Raises
    ------
    ValueError
        If the shape is another, there is no image, or a pixel is not finite.

    Examples
    --------
    >>> check_pictures([[[[0], [1]]]]).shape
    (1, 1, 2, 1)
    """
    array = np.asarray(images, dtype=np.float64)
    if array.ndim != 4 or array.shape[-1] not in (1, 3) or len(array) == 0:
        raise ValueError(
            f"expected at least one image, as (n, height, width, channels) with 1 or 3 channels, got {array.shape}"
        )
    return check_finite(array, "pixels", name) if finite else array
