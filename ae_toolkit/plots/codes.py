"""Codes: where those of images lie, and what a decoder makes of those in between."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from ae_toolkit._validation import check_class_indices, check_count, check_pictures
from ae_toolkit.plots import _labels
from ae_toolkit.plots._axes import axes_or_new, centres, mark_rows_and_columns
from ae_toolkit.plots._colours import PALETTE, PAPER
from ae_toolkit.plots.images import image_grid


def code_scatter(
    codes: ArrayLike, labels: ArrayLike, class_names: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw two-dimensional codes, coloured and named by class.

    Parameters
    ----------
    codes : array-like of shape (n, 2)
    labels : array-like of shape (n,)
    class_names : sequence of str, optional
        By default the labels stand for themselves; with it, they are indices into the names.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If a code does not have two numbers, there is not one label per code, or a label is no
        index into the names.

    Examples
    --------
    >>> from ae_toolkit.plots import code_scatter
    >>> ax = code_scatter([[0.0, 0.0], [1.0, 1.0]], [0, 1])
    >>> ax.get_xlabel()
    'code, 1st number'
    """
    points, classes = np.asarray(codes), np.asarray(labels)
    if points.ndim != 2 or points.shape[1] != 2 or classes.shape != points.shape[:1]:
        raise ValueError(f"expected codes of shape (n, 2) and n labels, got {points.shape} and {classes.shape}")
    if class_names is not None and classes.size:
        check_class_indices(classes, class_names)
    ax = axes_or_new(ax, figsize=(5, 5))
    for index, label in enumerate(np.unique(classes)):
        own = points[classes == label]
        ax.scatter(own[:, 0], own[:, 1], s=6, alpha=0.5, color=PALETTE[index % len(PALETTE)], linewidths=0)
        name = str(label) if class_names is None else class_names[label]
        box = {"boxstyle": "round,pad=0.15", "facecolor": PAPER, "alpha": 0.8, "linewidth": 0}
        x, y = np.median(own, axis=0)
        ax.text(x, y, name, ha="center", va="center", weight="bold", bbox=box)
    ax.set(**_labels.CODE_LABELS)
    return ax


def code_map(
    codes: ArrayLike,
    images: ArrayLike,
    labels: ArrayLike | None = None,
    n: int = 24,
    ax: Axes | None = None,
) -> Axes:
    """Draw images where their two-dimensional codes lie: a map made of thumbnails.

    Parameters
    ----------
    codes : array-like of shape (m, 2)
    images : array-like of shape (m, height, width, channels)
        The images of the codes. Of grey ones only the bright pixels are drawn, as ink on
        the page; those in colour are drawn as they are.
    labels : array-like of shape (m,), optional
        With it, grey images are drawn in a colour per class.
    n : int, default=24
        Thumbnails along each side, at most; at least 2.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The plane is cut into n × n cells. Each cell shows, of the images whose codes lie in
        it, the one closest to its middle. The outermost hundredth of the codes along each
        axis may lie outside.

    Raises
    ------
    ValueError
        If a code does not have two finite numbers, there is not one image, or label, per
        code, or `n` is no integer of at least 2.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.plots import code_map
    >>> codes = np.random.default_rng(0).normal(size=(50, 2))
    >>> ax = code_map(codes, np.ones((50, 8, 8, 1)), n=10)
    >>> ax.images[0].get_array().shape
    (80, 80, 4)
    """
    points, pixels = np.asarray(codes, dtype=float), check_pictures(images)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(pixels):
        raise ValueError(f"expected codes of shape (m, 2) and m images, got {points.shape} and {pixels.shape}")
    if not np.isfinite(points).all():
        raise ValueError("expected finite codes, got NaN or infinity")
    classes = None if labels is None else np.asarray(labels)
    if classes is not None and classes.shape != points.shape[:1]:
        raise ValueError(f"expected one label for each of {len(points)} codes, got {classes.shape}")
    n = check_count(n, "n", minimum=2, whole_floats=False)
    low, high = np.quantile(points, [0.005, 0.995], axis=0)
    high = np.where(high > low, high, low + 1)  # codes that are all equal
    thumbnails = _in_ink(pixels, classes)
    height, width = pixels.shape[1:3]
    canvas = np.zeros((n * height, n * width, 4))
    for (row, column), index in _closest_to_each_middle(points, low, high, n).items():
        top, left = (n - 1 - row) * height, column * width  # the second number grows upwards
        canvas[top : top + height, left : left + width] = thumbnails[index]
    ax = axes_or_new(ax, figsize=(6, 6))
    ax.imshow(canvas, extent=(low[0], high[0], low[1], high[1]), aspect="auto", interpolation="none")
    ax.grid(False)
    ax.set(**_labels.CODE_LABELS)
    return ax


def _closest_to_each_middle(points, low, high, n):
    """Return (row, column) -> index of the code that is closest to the middle of that cell, for cells with codes."""
    place = (points - low) / (high - low) * n
    cells = np.minimum(np.floor(place), n - 1).astype(int)
    distance = np.square(place - cells - 0.5).sum(axis=1)
    inside = ((place >= 0) & (place <= n)).all(axis=1)
    closest = {}
    for index in np.argsort(distance, kind="stable"):
        if inside[index]:
            column, row = cells[index]
            closest.setdefault((int(row), int(column)), int(index))
    return closest


def _in_ink(pixels, classes):
    """Return images as colours with transparency, (m, height, width, 4): grey ones as ink on nothing."""
    pixels = np.clip(pixels, 0, 1)
    if pixels.shape[-1] == 3:
        return np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)
    index = np.zeros(len(pixels), dtype=int) if classes is None else np.unique(classes, return_inverse=True)[1]
    colours = np.array([to_rgb(colour) for colour in PALETTE])[index % len(PALETTE)]
    return np.concatenate([np.broadcast_to(colours[:, None, None], (*pixels.shape[:3], 3)), pixels], axis=-1)


def latent_grid(
    decode: Callable[[NDArray[np.float32]], ArrayLike],
    code_dim: int = 2,
    n: int = 15,
    limits: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what a decoder makes of a grid of codes: a map of the first two numbers.

    Parameters
    ----------
    decode : callable
        Takes codes of shape (n², code_dim), float32, and returns images of shape
        (n², height, width, channels): a fitted ``Autoencoder``'s ``inverse_transform``.
    code_dim : int, default=2
        Length of a code. The first two numbers vary, any others stay 0.
    n : int, default=15
        Images along each side, at least 2.
    limits : (low, high) or pair of (low, high), optional
        Where the grid begins and ends, for both numbers or for each. By default it
        passes through the quantiles ½/n, 1½/n, ... of the standard normal distribution,
        so that each image stands for an equal share of a variational autoencoder's prior.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The first number grows to the right, the second upwards; ticks are in the codes'
        own unit.

    Raises
    ------
    ValueError
        If `code_dim` or `n` is no integer of at least 2, a limit is not finite or not
        below its partner, or `decode` does not return one finite image for each code.

    References
    ----------
    Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. ICLR. (Figure 4.)

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.plots import latent_grid
    >>> ax = latent_grid(lambda codes: np.ones((len(codes), 8, 8, 1)), n=5)
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['−1.28', '−0.52', '0.00', '0.52', '1.28']
    """
    code_dim = check_count(code_dim, "code_dim", minimum=2, whole_floats=False)
    n = check_count(n, "n", minimum=2, whole_floats=False)
    first, second = _grid_values(n, limits)
    codes = np.zeros((n * n, code_dim), dtype=np.float32)
    codes[:, 0] = np.tile(first, n)
    codes[:, 1] = np.repeat(second[::-1], n)  # images are laid from the top, and the number grows upwards
    images = check_pictures(decode(codes), "the decoded images")
    if len(images) != n * n:
        raise ValueError(f"expected decode to return an image for each of {n * n} codes, got {len(images)}")
    height, width = images.shape[1:3]
    ax = image_grid(images, n_columns=n, ax=ax)
    shown = np.unique(np.linspace(0, n - 1, min(n, 5)).round().astype(int))
    mark_rows_and_columns(
        ax,
        rows=(centres(n, height)[::-1][shown], _numbers(second[shown])),
        columns=(centres(n, width)[shown], _numbers(first[shown])),
    )
    ax.set(**_labels.CODE_LABELS)
    return ax


def _grid_values(n: int, limits: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the n values that each of the first two numbers takes."""
    if limits is None:
        quantiles = ndtri((np.arange(n) + 0.5) / n)
        return quantiles, quantiles
    try:
        pairs = np.broadcast_to(np.asarray(limits, dtype=float), (2, 2))
    except ValueError:
        raise ValueError(f"expected limits as (low, high) or a pair of them, got {limits!r}") from None
    if not np.isfinite(pairs).all() or not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError(f"expected finite limits with low < high, got {limits!r}")
    (first_low, first_high), (second_low, second_high) = pairs
    return np.linspace(first_low, first_high, n), np.linspace(second_low, second_high, n)


def _numbers(values: NDArray[np.float64]) -> list[str]:
    """Return ticks as text with as many decimals as tell them apart."""
    decimals = max(0, 2 - math.floor(math.log10(np.ptp(values))))
    rounded = np.round(values, decimals) + 0.0  # no minus before a zero
    return [f"{value:.{decimals}f}".replace("-", "−") for value in rounded]
