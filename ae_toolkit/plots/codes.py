"""Codes: where those of images lie, and what a decoder makes of those in between."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from ae_toolkit._validation import check_class_indices, check_count, check_pictures
from ae_toolkit.plots import _labels
from ae_toolkit.plots._axes import axes_or_new, centres, mark_rows_and_columns
from ae_toolkit.plots._colours import PALETTE
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
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.8, "linewidth": 0}
        x, y = np.median(own, axis=0)
        ax.text(x, y, name, ha="center", va="center", weight="bold", bbox=box)
    ax.set(**_labels.CODE_LABELS)
    return ax


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
