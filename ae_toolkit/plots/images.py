"""Images in rows and columns: a grid, reconstructions below their originals, walks between images.

All put their images into one picture with a blank pixel between them, so that a figure of
hundreds of images is drawn as fast as one.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from ae_toolkit._validation import check_count, check_pictures
from ae_toolkit.plots import _labels
from ae_toolkit.plots._axes import axes_or_new, centres, mark_rows_and_columns


def image_grid(
    images: ArrayLike,
    titles: Sequence[str] | None = None,
    n_columns: int = 10,
    row_labels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw images in rows, as one picture.

    Parameters
    ----------
    images : array-like of shape (n, height, width, channels)
        One channel is drawn in grey, three in colour; pixels beyond [0, 1] are clipped.
    titles : sequence of str, optional
        One per image, drawn above it.
    n_columns : int, default=10
        Images in a row.
    row_labels : sequence of str, optional
        One per row, drawn to its left.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the images have another shape, `n_columns` is no positive integer, or there is not
        one title per image or one label per row.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.plots import image_grid
    >>> ax = image_grid(np.zeros((12, 8, 8, 1)))
    >>> ax.images[0].get_array().shape
    (17, 89)
    """
    pixels = check_pictures(images, finite=False)
    n, height, width, channels = pixels.shape
    if titles is not None and len(titles) != n:
        raise ValueError(f"expected one title for each of {n} images, got {len(titles)}")
    n_columns = min(check_count(n_columns, "n_columns"), n)
    n_rows = math.ceil(n / n_columns)
    if row_labels is not None and len(row_labels) != n_rows:
        raise ValueError(f"expected a label for each of {n_rows} rows, got {len(row_labels)}")
    step = (height + 1, width + 1)
    # NaN leaves the one-pixel gaps between images, and missing images, blank.
    canvas = np.full((n_rows * step[0] - 1, n_columns * step[1] - 1, channels), np.nan)
    for index, image in enumerate(pixels):
        top, left = (index // n_columns) * step[0], (index % n_columns) * step[1]
        canvas[top : top + height, left : left + width] = image
    side = min(0.75, 5.6 / n_columns)  # as wide as a page, and larger only where images are few
    ax = axes_or_new(ax, figsize=(side * n_columns, side * n_rows * height / width + 0.25))
    ax.imshow(_paintable(canvas), cmap="gray", vmin=0, vmax=1, interpolation="none")
    ax.set_axis_off()
    if row_labels is not None:
        mark_rows_and_columns(ax, rows=(centres(n_rows, height), row_labels))
    for index, title in enumerate(() if titles is None else titles):
        centre = ((index % n_columns) * step[1] + width / 2 - 0.5, (index // n_columns) * step[0] - 0.7)
        ax.text(*centre, title, ha="center", va="bottom", fontsize="small")
    return ax


def reconstructions(
    originals: ArrayLike,
    *reconstructed: ArrayLike,
    labels: Sequence[str] | None = None,
    n: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Draw originals above one or more rows of reconstructions.

    Parameters
    ----------
    originals : array-like of shape (m, height, width, channels)
    *reconstructed : array-like of the same shape
        One row per array.
    labels : sequence of str, optional
        Names of the rows, the originals' first.
    n : int, default=10
        How many images to draw, from the first.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the shapes differ, `n` is no positive integer, or there is not one label per row.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.plots import reconstructions
    >>> ax = reconstructions(np.zeros((5, 8, 8, 1)), np.ones((5, 8, 8, 1)))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['original', 'reconstruction']
    """
    n = check_count(n, "n")
    rows = [check_pictures(images, finite=False)[:n] for images in (originals, *reconstructed)]
    if len({row.shape for row in rows}) != 1 or len(rows) < 2:
        raise ValueError(f"expected originals and reconstructions of one shape, got {[row.shape for row in rows]}")
    if labels is None:
        names = [_labels.RECONSTRUCTION] if len(rows) == 2 else [str(number) for number in range(1, len(rows))]
        labels = [_labels.ORIGINAL, *names]
    if len(labels) != len(rows):
        raise ValueError(f"expected a label for each of {len(rows)} rows, got {len(labels)}")
    return image_grid(np.concatenate(rows), n_columns=len(rows[0]), row_labels=labels, ax=ax)


def interpolation(images: ArrayLike, labels: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw walks from one image to another, one per row.

    Parameters
    ----------
    images : array-like of shape (rows, steps, height, width, channels)
        At least two steps, evenly spaced from the first image to the last.
    labels : sequence of str, optional
        Names of the rows.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The horizontal axis is the share of the way, from 0 to 1, without unit.

    Raises
    ------
    ValueError
        If the shape is another, a pixel is NaN or infinite, or there is not one label per row.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.plots import interpolation
    >>> ax = interpolation(np.zeros((2, 5, 8, 8, 1)), labels=["pixels", "codes"])
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['0', '0.5', '1']
    """
    walks = np.asarray(images, dtype=float)
    if walks.ndim != 5 or len(walks) == 0 or walks.shape[1] < 2:
        raise ValueError(
            "expected at least one row of at least two steps, as (rows, steps, height, width, channels), "
            f"got {walks.shape}"
        )
    n_rows, n_steps, height, width = walks.shape[:4]
    if labels is not None and len(labels) != n_rows:
        raise ValueError(f"expected a label for each of {n_rows} rows, got {len(labels)}")
    ax = image_grid(check_pictures(walks.reshape(-1, *walks.shape[2:])), n_columns=n_steps, ax=ax)
    first, last = centres(n_steps, width)[[0, -1]]
    mark_rows_and_columns(
        ax,
        rows=((), ()) if labels is None else (centres(n_rows, height), labels),
        columns=([first, (first + last) / 2, last], ["0", "0.5", "1"]),
    )
    ax.set_xlabel(_labels.WAY_LABEL)
    return ax


def _paintable(canvas: NDArray[np.float64]) -> NDArray[np.float64]:
    canvas = np.clip(canvas, 0, 1)
    if canvas.shape[-1] == 1:
        return np.ma.masked_invalid(canvas[..., 0])
    # Transparent where nothing is, so that the page shows through.
    there = np.isfinite(canvas).all(axis=-1, keepdims=True)
    return np.concatenate([np.nan_to_num(canvas), there], axis=-1)
