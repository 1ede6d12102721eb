"""What the figures share: axes to draw on, and labels beside images that stand in rows and columns."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

#: Where labels stand along a side of a picture, in pixels, and what they say.
Marks = tuple[ArrayLike, Sequence[str]]


def axes_or_new(ax: Axes | None, figsize: tuple[float, float]) -> Axes:
    """Return `ax`, or the axes of a new figure of `figsize` inches.

    Examples
    --------
    >>> ax = axes_or_new(None, figsize=(5, 3))
    >>> axes_or_new(ax, figsize=(9, 9)) is ax
    True
    """
    if ax is not None:
        return ax
    _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def centres(count: int, size: int) -> NDArray:
    """Return where the middles of `count` images of `size` pixels lie along a side of a picture of images.

    Examples
    --------
    >>> centres(3, size=5)  # with a blank pixel between them
    array([ 2.,  8., 14.])
    """
    return (size - 1) / 2 + np.arange(count) * (size + 1)


def mark_rows_and_columns(ax: Axes, rows: Marks = ((), ()), columns: Marks = ((), ())) -> None:
    """Write labels beside the rows of a picture and below its columns, without frame and tick lines.

    Examples
    --------
    >>> ax = axes_or_new(None, figsize=(5, 3))
    >>> mark_rows_and_columns(ax, rows=(centres(2, size=5), ["original", "reconstruction"]))
    >>> ax.get_yticks()
    array([2., 8.])
    """
    ax.set_axis_on()
    ax.set_frame_on(False)
    ax.set_xticks(*columns)
    ax.set_yticks(*rows)
    ax.tick_params(length=0)
