"""What the figures share: axes to draw on, and labels beside images that stand in rows and columns."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
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


def plain_numbers(*axes: Axis) -> None:
    """Label logarithmic axes with plain numbers such as 20 and 0.5, in place of powers of ten.

    Parameters
    ----------
    *axes : matplotlib.axis.Axis
        Such as ``ax.xaxis``. One that is not logarithmic stays as it is.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from ae_toolkit import plots
    >>> ax = plt.figure().subplots()
    >>> _ = ax.semilogy([1, 2, 3], [12.0, 20.0, 90.0])
    >>> plots.plain_numbers(ax.yaxis)
    >>> ax.yaxis.get_major_formatter()(20.0)
    '20'
    """
    for axis in axes:
        if axis.get_scale() == "log":
            # At 1, 2 and 5 of each decade: few enough to be read, and at least one in any plot.
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())


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
    ax.grid(False)
    ax.set_xticks(*columns)
    ax.set_yticks(*rows)
    ax.tick_params(length=0)
