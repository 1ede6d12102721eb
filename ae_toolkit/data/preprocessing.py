"""What is done to images before they are learned from, or instead of it: deskewing, and a hand-crafted feature.

Both are scikit-learn transformers of pictures, and learn nothing from them: `fit` only notes
their shape. They go into a pipeline in front of an estimator, or are the target of a
`ae_toolkit.DenoisingAutoencoder`.
"""

import math
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ae_toolkit._sklearn import Interval
from ae_toolkit._validation import check_counts, check_fitted_shape, check_images, n_axes

#: How many numbers of pixels are worked on at once, so that the memory beside the result stays below about 64 MiB.
AT_ONCE = 2**20
#: The variance of an image's height, in pixels², up to which it is a line and has no slant that could be measured.
FLAT = 1e-6


class _PictureTransformer(TransformerMixin, BaseEstimator):
    """A transformer of pictures that learns nothing from them but their shape."""

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Note the shape of the images, and check them and the parameters.

        Parameters
        ----------
        X : array-like of shape (n, height, width[, channels])
            Floating-point images.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the images are no pictures, or a parameter is not as described.
        """
        self._validate_params()
        images = self._check(X)
        self._resolve(images.shape[1:])
        self.image_shape_, self.n_features_in_ = images.shape[1:], math.prod(images.shape[1:])
        return self

    def _resolve(self, image_shape):
        """Set what depends on the shape of the images."""

    def _check_like_fitted(self, X):
        check_is_fitted(self)
        images = self._check(X)
        check_fitted_shape(images.shape[1:], self.image_shape_, self)
        return images

    def _check(self, X):
        if n_axes(X) <= 2:
            raise ValueError(
                f"expected pictures for {type(self).__name__}, (n, height, width) or (n, height, width, channels), "
                f"got an array of shape {np.shape(X)}; flat images have to get their height and width back by reshape"
            )
        return check_images(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = False, True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class Deskew(_PictureTransformer):
    """Shear each picture so that what it shows stands upright: handwriting loses its slant.

    The pixels are taken for masses, so this is for a bright object on a dark ground, as a digit
    is. Each row is shifted in proportion to its distance from the centre of mass, by as much as
    makes the second cross moment zero: then height says nothing about the way to left or right.
    Mass and centre of mass stay as they are; an object is not moved to the middle.

    Parameters
    ----------
    max_shear : float, default=45
        The largest angle, in degrees, by which an image is sheared; larger ones are cut off
        there. Of MNIST's digits one in 700 slants more; flat shapes do, such as a minus sign that was drawn
        a little uphill and would be torn to pieces.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of one image: (height, width, channels) or (height, width).
    n_features_in_ : int
        How many numbers an image has.

    Notes
    -----
    Between pixels it is interpolated linearly along the row, which keeps a row's mass and, but
    for the shift, its centre exactly. What is shifted out of the picture is lost, and what comes
    in is 0. Channels are sheared alike, by the moments of their sum. Pixels below 0 weigh nothing.
    An image that is blank, or as flat as a single row, comes back unchanged.

    References
    ----------
    LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998). Gradient-based learning applied to
    document recognition. Proceedings of the IEEE 86, 2278-2324.

    Examples
    --------
    >>> import numpy as np
    >>> import ae_toolkit as ae
    >>> slanted = np.eye(5, dtype=np.float32)[None]
    >>> ae.Deskew().fit_transform(slanted)[0].round(3)
    array([[0., 0., 1., 0., 0.],
           [0., 0., 1., 0., 0.],
           [0., 0., 1., 0., 0.],
           [0., 0., 1., 0., 0.],
           [0., 0., 1., 0., 0.]], dtype=float32)
    """

    _parameter_constraints = {"max_shear": [Interval(Real, 0, 90, closed="neither")]}

    def __init__(self, *, max_shear: float = 45.0) -> None:
        self.max_shear = max_shear

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the images upright.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit

        Returns
        -------
        ndarray of float32, of the shape of `X`
        """
        images = self._check_like_fitted(X)
        upright = np.empty_like(images)
        pictures, results = (array if array.ndim == 4 else array[..., None] for array in (images, upright))
        limit = math.tan(math.radians(self.max_shear))
        for chunk in _chunks(pictures):
            slants, heights = _slants(pictures[chunk])
            results[chunk] = _shear_rows(pictures[chunk], np.clip(slants, -limit, limit), heights)
        return upright


def _chunks(images: NDArray) -> Iterator[slice]:
    """Yield the places of so many images as are worked on at once."""
    step = max(1, AT_ONCE // math.prod(images.shape[1:]))
    return (slice(start, start + step) for start in range(0, len(images), step))


def _slants(pictures: NDArray) -> tuple[NDArray, NDArray]:
    """Return pixels to the right per pixel downwards of each picture, and the height of its centre of mass.

    0 where there is nothing to measure.
    """
    masses = np.maximum(pictures.sum(axis=3, dtype=np.float64), 0)
    rows, columns = (np.arange(n, dtype=np.float64) for n in masses.shape[1:])
    row_masses, row_moments = masses.sum(axis=2), masses @ columns
    whole = row_masses.sum(axis=1)
    safe = np.where(whole > 0, whole, 1)
    heights = row_masses @ rows / safe
    from_centre = rows - heights[:, None]
    centred = row_moments - (row_moments.sum(axis=1) / safe)[:, None] * row_masses
    cross = (from_centre * centred).sum(axis=1) / safe
    spread = (from_centre**2 * row_masses).sum(axis=1) / safe
    return np.where(spread > FLAT, cross / np.maximum(spread, FLAT), 0), heights


def _shear_rows(pictures: NDArray, slants: NDArray, heights: NDArray) -> NDArray:
    """Shift each row to the left by its distance below the height, times the slant."""
    height, width = pictures.shape[1:3]
    shifts = slants[:, None] * (np.arange(height) - heights[:, None])
    whole = np.floor(shifts)
    fraction = (shifts - whole).astype(np.float32)[..., None, None]
    framed = np.pad(pictures, ((0, 0), (0, 0), (1, 1), (0, 0)))  # zeros for what comes in from outside
    sources = np.arange(1, width + 1) + whole.astype(np.intp)[..., None]
    left, right = (
        np.take_along_axis(framed, np.clip(sources + step, 0, width + 1)[..., None], axis=2) for step in (0, 1)
    )
    return left + fraction * (right - left)


class HOG(ClassNamePrefixFeaturesOutMixin, _PictureTransformer):
    """Histograms of oriented gradients, a hand-crafted feature: which edges there are, and about where.

    Nothing is learned. The picture is cut into cells; in each the gradients of the pixels are
    counted by their direction; and each block of neighbouring cells is scaled to one length. The
    computation is scikit-image's.

    Parameters
    ----------
    orientations : int, default=9
        How many directions, from 0 to 180 degrees, are told apart.
    pixels_per_cell : pair of int, optional
        Height and width of a cell. By default a quarter of the image's, rounded down.
    cells_per_block : pair of int, default=(2, 2)
        How many cells, downwards and to the right, are scaled together. Blocks overlap.

    Attributes
    ----------
    pixels_per_cell_ : tuple of int
        Height and width of a cell.
    image_shape_ : tuple of int
        Shape of one image: (height, width, channels) or (height, width).
    n_features_in_ : int
        How many numbers an image has.

    References
    ----------
    Dalal, N. and Triggs, B. (2005). Histograms of oriented gradients for human detection. CVPR,
    886-893.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> ae.HOG().fit_transform(data.x_test).shape  # 3 by 3 blocks of 4 cells with 9 directions each
    (360, 324)
    """

    _parameter_constraints = {
        "orientations": [Interval(Integral, 1, None, closed="left")],
        "pixels_per_cell": ["array-like", None],
        "cells_per_block": ["array-like"],
    }

    def __init__(
        self,
        *,
        orientations: int = 9,
        pixels_per_cell: Sequence[int] | None = None,
        cells_per_block: Sequence[int] = (2, 2),
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block

    def _resolve(self, image_shape):
        height, width = image_shape[:2]
        quarter = (max(1, height // 4), max(1, width // 4))
        cell = quarter if self.pixels_per_cell is None else _pair(self.pixels_per_cell, "pixels_per_cell")
        block = _pair(self.cells_per_block, "cells_per_block")
        blocks = [side // size - count + 1 for side, size, count in zip((height, width), cell, block, strict=True)]
        if min(blocks) < 1:
            raise ValueError(
                f"expected at least one block of {block[0]}×{block[1]} cells of {cell[0]}×{cell[1]} pixels in an "
                f"image, got images of {height}×{width} pixels"
            )
        self.pixels_per_cell_ = cell
        self._n_features_out = math.prod(blocks) * math.prod(block) * self.orientations

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the features of images.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit

        Returns
        -------
        ndarray of float32, shape (n, n_features)
            From 0 to 1.
        """
        from skimage.feature import hog

        images = self._check_like_fitted(X)
        features = np.empty((len(images), self._n_features_out), np.float32)
        for place, image in zip(features, images, strict=True):
            place[:] = hog(
                image, self.orientations, self.pixels_per_cell_, tuple(self.cells_per_block),
                channel_axis=2 if image.ndim == 3 else None,
            )  # fmt: skip
        return features


def _pair(values, name):
    pair = check_counts(values, name)
    if len(pair) != 2:
        raise ValueError(f"expected {name} to be two positive integers, got {pair}")
    return pair
