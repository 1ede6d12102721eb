"""The one place where input is checked: images, counts, seeds, weights, labels, finiteness.

Each function returns its input in the form that the package works with, or raises an error
that says what was expected and what came. There are three kinds of images:

- `check_images`: what an estimator takes, after scikit-learn's own rules;
- `check_image_set` and `check_image_pair`: what a measure takes, of any shape (n, ...);
- `check_pictures`: what can be drawn, with height, width and 1 or 3 channels.
"""

import math
from collections.abc import Iterable, Sized
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.utils import check_array, check_random_state

from ae_toolkit._sklearn import check_sample_weight

IMAGE_FORM = "(n_images, height, width, channels), grey (n_images, height, width) or flat (n_images, pixels)"


# ------------------------------------------------------------------------------ images


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


# ----------------------------------------------------------------------------- numbers


def check_finite(values: NDArray, what: str, place: str) -> NDArray:
    """Return an array of numbers as it is, or say that some are NaN or infinite.

    Parameters
    ----------
    values : ndarray of numbers
    what : str
        What they are in an error: "pixels".
    place : str
        Where they are in an error: "the images".

    Returns
    -------
    ndarray, the one given

    Raises
    ------
    ValueError
        If a value is NaN or infinite.

    Examples
    --------
    >>> check_finite(np.array([1.0, np.nan]), "pixels", "the images")
    Traceback (most recent call last):
    ValueError: expected finite pixels, got NaN or infinity in the images
    """
    if not np.isfinite(values).all():
        raise ValueError(f"expected finite {what}, got NaN or infinity in {place}")
    return values


def check_positive(value: Any, name: str) -> float:
    """Return a finite number above 0, or say what came instead.

    Parameters
    ----------
    value : float
    name : str
        What to call it in an error.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is zero, negative, NaN or infinite.

    Examples
    --------
    >>> check_positive(255, "data_range")
    255.0
    """
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"expected {name} to be a positive number, got {value!r}")
    return number


def check_count(
    value: Any, name: str, minimum: int = 1, maximum: int | None = None, *, whole_floats: bool = True, reason: str = ""
) -> int:
    """Return how many of something were asked for, or say what came instead.

    Parameters
    ----------
    value : int
        Python's or NumPy's.
    name : str
        What to call it in an error.
    minimum : int, default=1
        The smallest count allowed.
    maximum : int, optional
        The largest one.
    whole_floats : bool, default=True
        Whether 3.0 is a count as well.
    reason : str, default=""
        Follows the bounds in an error, to say where they come from.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is no whole number, such as 2.5, NaN, infinity, text or a bool, or out of bounds.

    Examples
    --------
    >>> check_count(3.0, "n_samples")
    3
    >>> check_count(1, "n_steps", minimum=2)
    Traceback (most recent call last):
    ValueError: expected n_steps to be an integer of at least 2, got 1
    """
    if _is_whole(value, whole_floats) and value >= minimum and (maximum is None or value <= maximum):
        return int(value)
    if maximum is not None:
        expected = f"an integer from {minimum} to {maximum}"
    else:
        expected = "a positive integer" if minimum == 1 else f"an integer of at least {minimum}"
    raise ValueError(f"expected {name} to be {expected}{reason}, got {value!r}")


def check_counts(values: Iterable[Any], name: str) -> tuple[int, ...]:
    """Return sizes, such as those of an image or of layers, or say what is wrong with them.

    Parameters
    ----------
    values : iterable of int
        Python's or NumPy's; there may be none.
    name : str
        What to call them in an error.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If one is no positive integer: 0, 3.0 and True are none.

    Examples
    --------
    >>> check_counts([28, 28, 1], "image_shape")
    (28, 28, 1)
    """
    sizes = tuple(values)
    if not all(_is_whole(size, whole_floats=False) and size > 0 for size in sizes):
        raise ValueError(f"expected {name} to be positive integers, got {sizes}")
    return tuple(map(int, sizes))


def _is_whole(value: Any, whole_floats: bool) -> bool:
    if isinstance(value, bool):  # an integer to Python, but hardly meant as a count
        return False
    if isinstance(value, Integral):
        return True
    return whole_floats and isinstance(value, float | np.floating) and float(value).is_integer()


def as_random_state(random_state: int | np.random.RandomState | None) -> np.random.RandomState:
    """Return a generator for a `random_state`; for None a new one, where scikit-learn takes NumPy's global one.

    Examples
    --------
    >>> as_random_state(None) is np.random.mtrand._rand
    False
    """
    return np.random.RandomState() if random_state is None else check_random_state(random_state)


# ----------------------------------------------------------------------------- weights


def check_weights(sample_weight: ArrayLike, images: NDArray) -> NDArray[np.float32]:
    """Return one factor per image for a training, 1 on average, or say what is wrong with them.

    Parameters
    ----------
    sample_weight : array-like of shape (n,)
    images : ndarray of shape (n, ...)

    Returns
    -------
    ndarray of float32, shape (n,)

    Raises
    ------
    ValueError
        If there is not one weight per image, or one is NaN, infinite or negative; the words
        are scikit-learn's.

    Examples
    --------
    >>> check_weights([1, 3], np.zeros((2, 4))).tolist()
    [0.5, 1.5]
    """
    weights = check_sample_weight(sample_weight, images, dtype=np.float64, ensure_non_negative=True)
    return (weights / weights.mean()).astype(np.float32)


def check_mean_weights(weights: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return the weights of a mean over n images, or say what is wrong with them.

    Parameters
    ----------
    weights : array-like of shape (n,)
    n : int

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        If there is not one weight per image, one is NaN, infinite or negative, or all are 0.

    Examples
    --------
    >>> check_mean_weights([1, 3], 2)
    array([1., 3.])
    """
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (n,):
        raise ValueError(f"expected one weight for each of {n} images, got shape {array.shape}")
    if not np.isfinite(array).all() or array.min() < 0 or array.sum() == 0:
        raise ValueError(f"expected finite weights, none negative and not all zero, got {array.min()} to {array.max()}")
    return array


# ------------------------------------------------------------------------------ labels


def check_label_pair(labels_true: ArrayLike, labels_pred: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return two labels per image as arrays, or say what is wrong with them.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)
        Names or numbers.

    Returns
    -------
    pair of ndarray of shape (n,)

    Raises
    ------
    ValueError
        If the lengths differ, nothing is given, or a label is NaN.

    Examples
    --------
    >>> check_label_pair([0, 1], ["a", "b"])
    (array([0, 1]), array(['a', 'b'], dtype='<U1'))
    """
    true, predicted = np.asarray(labels_true), np.asarray(labels_pred)
    if true.ndim != 1 or true.shape != predicted.shape or true.size == 0:
        raise ValueError(
            f"expected two label vectors of one length, at least 1, got shapes {true.shape} and {predicted.shape}"
        )
    for name, labels in (("labels_true", true), ("labels_pred", predicted)):
        if np.any(labels != labels):  # only NaN differs from itself; NumPy's isnan refuses text
            raise ValueError(f"expected a label for each image, got NaN in {name}")
    return true, predicted


def check_class_indices(labels: NDArray, class_names: Sized) -> NDArray:
    """Return labels that are indices into the names of classes, or say what came instead.

    Parameters
    ----------
    labels : ndarray of at least one label
    class_names : sequence of str

    Returns
    -------
    ndarray of int, the one given

    Raises
    ------
    ValueError
        If a label is no integer, or no index into the names.

    Examples
    --------
    >>> check_class_indices(np.array([0, 2]), ["a", "b"])
    Traceback (most recent call last):
    ValueError: expected labels that are integers from 0 to 1, one for each class name, got int64 from 0 to 2
    """
    if labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < len(class_names):
        return labels
    came = f"{labels.dtype} from {labels.min()} to {labels.max()}" if labels.dtype.kind in "iuf" else f"{labels.dtype}"
    raise ValueError(
        f"expected labels that are integers from 0 to {len(class_names) - 1}, one for each class name, got {came}"
    )
