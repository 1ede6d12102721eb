"""The book's figures: each function draws on axes, given or its own, and returns them.

Colours come from a palette made for colour-blind readers (Petroff, 2021) and are never
the only mark: classes carry their names, curves their line styles. Axes say their units.
"""

import math
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler

#: Ten colours that colour-blind readers can tell apart.
#: Petroff, M. A. (2021). Accessible color sequences for data visualization. arXiv:2107.02270.
PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
_LINES = cycler(marker=["o", "s", "^"]) * cycler(linestyle=["-", "--", "-.", ":"])  # the line style changes first
#: The book's unit of error, on an axis.
ERROR_LABEL = "squared error per image"


def image_grid(images, titles=None, n_columns=10, ax=None):
    """Draw images in rows, as one picture.

    Parameters
    ----------
    images : array-like of shape (n, height, width, channels)
        One channel is drawn in grey, three in colour; pixels beyond [0, 1] are clipped.
    titles : sequence of str, optional
        One label an image, drawn above it.
    n_columns : int, default=10
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the images have another shape, or there is not one title an image.

    Examples
    --------
    >>> ax = image_grid(np.zeros((12, 8, 8, 1)))
    >>> ax.images[0].get_array().shape
    (17, 89)
    """
    images = _as_images(images)
    n, height, width, channels = images.shape
    if titles is not None and len(titles) != n:
        raise ValueError(f"expected one title for each of {n} images, got {len(titles)}")
    n_columns = min(n_columns, n)
    n_rows = math.ceil(n / n_columns)
    step = (height + 1, width + 1)
    # NaN leaves the one-pixel gaps between images, and missing images, blank.
    canvas = np.full((n_rows * step[0] - 1, n_columns * step[1] - 1, channels), np.nan)
    for index, image in enumerate(images):
        top, left = (index // n_columns) * step[0], (index % n_columns) * step[1]
        canvas[top : top + height, left : left + width] = image
    ax = _axes(ax, figsize=(0.75 * n_columns, 0.75 * n_rows * height / width + 0.25))
    ax.imshow(_paintable(canvas), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    for index, title in enumerate(() if titles is None else titles):
        centre = ((index % n_columns) * step[1] + width / 2 - 0.5, (index // n_columns) * step[0] - 0.7)
        ax.text(*centre, title, ha="center", va="bottom", fontsize="small")
    return ax


def reconstructions(originals, *reconstructed, labels=None, n=10, ax=None):
    """Draw originals above one or more rows of reconstructions.

    Parameters
    ----------
    originals : array-like of shape (m, height, width, channels)
    *reconstructed : array-like of the same shape
        A row each.
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
        If the shapes differ or there is not one label a row.

    Examples
    --------
    >>> ax = reconstructions(np.zeros((5, 8, 8, 1)), np.ones((5, 8, 8, 1)))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['original', 'reconstruction']
    """
    rows = [_as_images(images)[:n] for images in (originals, *reconstructed)]
    if len({row.shape for row in rows}) != 1 or len(rows) < 2:
        raise ValueError(f"expected originals and reconstructions of one shape, got {[row.shape for row in rows]}")
    if labels is None:
        labels = ["original", "reconstruction"] if len(rows) == 2 else ["original", *map(str, range(1, len(rows)))]
    if len(labels) != len(rows):
        raise ValueError(f"expected a label for each of {len(rows)} rows, got {len(labels)}")
    height = rows[0].shape[1]
    ax = image_grid(np.concatenate(rows), n_columns=len(rows[0]), ax=ax)
    ax.set_axis_on()
    ax.set_frame_on(False)
    ax.set_xticks([])
    ax.set_yticks([(height - 1) / 2 + row * (height + 1) for row in range(len(rows))], labels)
    ax.tick_params(length=0)
    return ax


def code_scatter(codes, labels, class_names=None, ax=None):
    """Draw two-dimensional codes, coloured and named by class.

    Parameters
    ----------
    codes : array-like of shape (n, 2)
    labels : array-like of int, shape (n,)
    class_names : sequence of str, optional
        By default the class numbers.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the codes are not two numbers each, or not one a label.

    Examples
    --------
    >>> ax = code_scatter([[0.0, 0.0], [1.0, 1.0]], [0, 1])
    >>> ax.get_xlabel()
    'code, 1st number'
    """
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.ndim != 2 or codes.shape[1] != 2 or labels.shape != codes.shape[:1]:
        raise ValueError(f"expected codes of shape (n, 2) and n labels, got {codes.shape} and {labels.shape}")
    ax = _axes(ax, figsize=(5, 5))
    for index, label in enumerate(np.unique(labels)):
        own = codes[labels == label]
        ax.scatter(*own.T, s=6, alpha=0.5, color=PALETTE[index % len(PALETTE)], linewidths=0)
        name = str(label) if class_names is None else class_names[label]
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.8, "linewidth": 0}
        ax.text(*np.median(own, axis=0), name, ha="center", va="center", weight="bold", bbox=box)
    ax.set(xlabel="code, 1st number", ylabel="code, 2nd number")
    return ax


def training_curve(history, ax=None):
    """Draw a training curve: error over epochs, on a logarithmic scale.

    Parameters
    ----------
    history : dict of sequence of float
        An estimator's ``history_``: ``loss`` and perhaps ``val_loss``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = training_curve({"loss": [4.0, 2.0], "val_loss": [4.1, 2.5]})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('epoch', 'squared error per image')
    """
    ax = _axes(ax, figsize=(5, 3.2))
    names = {"loss": "training", "val_loss": "validation"}
    for style, colour, (key, values) in zip(_LINES(), cycle(PALETTE), history.items(), strict=False):
        epochs = range(1, len(values) + 1)
        ax.plot(epochs, values, color=colour, linestyle=style["linestyle"], label=names.get(key, key))
    ax.set(xlabel="epoch", ylabel=ERROR_LABEL, yscale="log")
    ax.legend()
    return ax


def sweep(x, curves, xlabel, ylabel=ERROR_LABEL, ax=None):
    """Draw a measure against a swept parameter, with its spread over seeds.

    Parameters
    ----------
    x : sequence of float, length k
        The parameter's values.
    curves : dict of str to array-like of shape (k,) or (k, n_seeds)
        Named measurements; with seeds, their mean is the line and one standard
        deviation the band.
    xlabel, ylabel : str
        With their units.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If a curve has another length than `x`.

    Examples
    --------
    >>> ax = sweep([2, 4], {"PCA": [3.0, 2.0], "autoencoder": [[2.0, 2.2], [1.0, 1.1]]}, "numbers in the code")
    >>> [line.get_label() for line in ax.lines]
    ['PCA', 'autoencoder']
    """
    curves = {name: np.asarray(values, dtype=float) for name, values in curves.items()}
    for name, values in curves.items():
        if values.ndim not in (1, 2) or len(values) != len(x):
            raise ValueError(f"expected {len(x)} values of {name!r}, one for each x, got shape {values.shape}")
    ax = _axes(ax, figsize=(5.5, 3.6))
    for style, colour, (name, values) in zip(_LINES(), cycle(PALETTE), curves.items(), strict=False):
        mean = values.reshape(len(x), -1).mean(axis=1)
        ax.plot(x, mean, color=colour, label=name, markersize=4, **style)
        if values.ndim == 2 and values.shape[1] > 1:
            spread = values.std(axis=1, ddof=1)
            ax.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def _axes(ax, figsize):
    if ax is not None:
        return ax
    _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def _as_images(images):
    images = np.asarray(images, dtype=float)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or len(images) == 0:
        raise ValueError(
            f"expected at least one image, as (n, height, width, channels) with 1 or 3 channels, got {images.shape}"
        )
    return images


def _paintable(canvas):
    canvas = np.clip(canvas, 0, 1)
    if canvas.shape[-1] == 1:
        return np.ma.masked_invalid(canvas[..., 0])
    return np.nan_to_num(canvas, nan=1.0)
