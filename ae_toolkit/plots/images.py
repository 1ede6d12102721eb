"""The book's figures that are made of images.

Users find them in ``ae.plots``. All put their images into one picture with a pixel of
paper between them, so that a figure of hundreds of images is drawn as fast as one.
"""

import math
from numbers import Integral

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import ndtri

CODE_LABELS = {"xlabel": "code, 1st number", "ylabel": "code, 2nd number"}


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
    >>> import numpy as np
    >>> from ae_toolkit.plots import image_grid
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
    ax = axes_or_new(ax, figsize=(0.75 * n_columns, 0.75 * n_rows * height / width + 0.25))
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
    >>> import numpy as np
    >>> from ae_toolkit.plots import reconstructions
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
    _mark_rows_and_columns(ax, rows=(_centres(len(rows), height), labels))
    return ax


def latent_grid(decode, code_dim=2, n=15, limits=None, ax=None):
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
    for name, value in (("code_dim", code_dim), ("n", n)):
        if not isinstance(value, Integral) or value < 2:
            raise ValueError(f"expected {name} to be an integer of at least 2, got {value!r}")
    first, second = _grid_values(n, limits)
    codes = np.zeros((n * n, code_dim), dtype=np.float32)
    codes[:, 0] = np.tile(first, n)
    codes[:, 1] = np.repeat(second[::-1], n)  # images are laid from the top, and the number grows upwards
    images = _as_images(decode(codes), "the decoded images")
    if len(images) != n * n:
        raise ValueError(f"expected decode to return an image for each of {n * n} codes, got {len(images)}")
    height, width = images.shape[1:3]
    ax = image_grid(images, n_columns=n, ax=ax)
    shown = np.unique(np.linspace(0, n - 1, min(n, 5)).round().astype(int))
    _mark_rows_and_columns(
        ax,
        rows=(_centres(n, height)[::-1][shown], _numbers(second[shown])),
        columns=(_centres(n, width)[shown], _numbers(first[shown])),
    )
    ax.set(**CODE_LABELS)
    return ax


def interpolation(images, labels=None, ax=None):
    """Draw walks from one image to another, one a row.

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
        If the shape is another, a pixel is NaN or infinite, or there is not one label a row.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.plots import interpolation
    >>> ax = interpolation(np.zeros((2, 5, 8, 8, 1)), labels=["pixels", "codes"])
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['0', '0.5', '1']
    """
    images = np.asarray(images, dtype=float)
    if images.ndim != 5 or len(images) == 0 or images.shape[1] < 2:
        raise ValueError(
            "expected at least one row of at least two steps, as (rows, steps, height, width, channels), "
            f"got {images.shape}"
        )
    n_rows, n_steps, height, width = images.shape[:4]
    if labels is not None and len(labels) != n_rows:
        raise ValueError(f"expected a label for each of {n_rows} rows, got {len(labels)}")
    ax = image_grid(_as_images(images.reshape(-1, *images.shape[2:]), "the images"), n_columns=n_steps, ax=ax)
    ends = _centres(n_steps, width)[[0, -1]]
    _mark_rows_and_columns(
        ax,
        rows=([], []) if labels is None else (_centres(n_rows, height), labels),
        columns=([ends[0], ends.mean(), ends[1]], ["0", "0.5", "1"]),
    )
    ax.set_xlabel("share of the way from the first image to the last")
    return ax


def axes_or_new(ax, figsize):
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


def _as_images(images, finite=None):
    """Return images as floats; `finite` names them where a blank would be taken for an image."""
    images = np.asarray(images, dtype=float)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or len(images) == 0:
        raise ValueError(
            f"expected at least one image, as (n, height, width, channels) with 1 or 3 channels, got {images.shape}"
        )
    if finite and not np.isfinite(images).all():
        raise ValueError(f"expected finite pixels, got NaN or infinity in {finite}")
    return images


def _paintable(canvas):
    canvas = np.clip(canvas, 0, 1)
    if canvas.shape[-1] == 1:
        return np.ma.masked_invalid(canvas[..., 0])
    return np.nan_to_num(canvas, nan=1.0)


def _centres(count, size):
    """Return where the middles of `count` images of `size` pixels lie along a side of the picture."""
    return (size - 1) / 2 + np.arange(count) * (size + 1)


def _mark_rows_and_columns(ax, rows, columns=([], [])):
    ax.set_axis_on()
    ax.set_frame_on(False)
    ax.set_xticks(*columns)
    ax.set_yticks(*rows)
    ax.tick_params(length=0)


def _grid_values(n, limits):
    if limits is None:
        return (ndtri((np.arange(n) + 0.5) / n),) * 2
    try:
        pairs = np.broadcast_to(np.asarray(limits, dtype=float), (2, 2))
    except ValueError:
        raise ValueError(f"expected limits as (low, high) or a pair of them, got {limits!r}") from None
    if not np.isfinite(pairs).all() or not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError(f"expected finite limits with low < high, got {limits!r}")
    return tuple(np.linspace(*pair, n) for pair in pairs)


def _numbers(values):
    """Return ticks as text with as many decimals as tell them apart."""
    decimals = max(0, 2 - math.floor(math.log10(np.ptp(values))))
    rounded = np.round(values, decimals) + 0.0  # no minus before a zero
    return [f"{value:.{decimals}f}".replace("-", "−") for value in rounded]
