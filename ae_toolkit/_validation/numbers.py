"""Numbers: finite ones, positive ones, counts, seeds, and the weights of images."""

import math
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from ae_toolkit._sklearn import check_sample_weight


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
