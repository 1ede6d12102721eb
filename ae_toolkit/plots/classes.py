"""The book's figures: each function draws on axes, given or its own, and returns them.

Colours come from a palette made for colour-blind readers (Petroff, 2021) and are never
the only mark: classes carry their names, cells their counts, curves their line styles.
Axes say their units.
"""

from itertools import cycle

import numpy as np
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap

from ae_toolkit.plots import images

#: Ten colours that colour-blind readers can tell apart.
#: Petroff, M. A. (2021). Accessible color sequences for data visualization. arXiv:2107.02270.
PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
_LINES = cycler(marker=["o", "s", "^"]) * cycler(linestyle=["-", "--", "-.", ":"])  # the line style changes first
_CURVE_NAMES = {"loss": "training", "val_loss": "validation"}
#: The book's unit of error, on an axis.
ERROR_LABEL = "squared error per image"


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
    >>> from ae_toolkit.plots import code_scatter
    >>> ax = code_scatter([[0.0, 0.0], [1.0, 1.0]], [0, 1])
    >>> ax.get_xlabel()
    'code, 1st number'
    """
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.ndim != 2 or codes.shape[1] != 2 or labels.shape != codes.shape[:1]:
        raise ValueError(f"expected codes of shape (n, 2) and n labels, got {codes.shape} and {labels.shape}")
    ax = images.axes_or_new(ax, figsize=(5, 5))
    for index, label in enumerate(np.unique(labels)):
        own = codes[labels == label]
        ax.scatter(*own.T, s=6, alpha=0.5, color=PALETTE[index % len(PALETTE)], linewidths=0)
        name = str(label) if class_names is None else class_names[label]
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.8, "linewidth": 0}
        ax.text(*np.median(own, axis=0), name, ha="center", va="center", weight="bold", bbox=box)
    ax.set(**images.CODE_LABELS)
    return ax


def confusion(labels_true, labels_pred, class_names=None, ax=None):
    """Draw how many images of each class were taken for which: a confusion matrix.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)
        The classes and what was predicted.
    class_names : sequence of str, optional
        With it, labels are indices into the names, and each name has its row and column.
        Without it, the labels that occur stand for themselves, in order.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Rows are true classes, columns predicted ones. Each cell's number of images is
        written in it; its shade goes from none to the largest number.

    Raises
    ------
    ValueError
        If the lengths differ, nothing is given, one vector is text and the other is not,
        or a label is NaN or no index into the names.

    Examples
    --------
    >>> from ae_toolkit.plots import confusion
    >>> ax = confusion([0, 0, 1], [0, 1, 1], class_names=["shirt", "shoe"])
    >>> [text.get_text() for text in ax.texts]
    ['1', '1', '0', '1']
    """
    labels_true, labels_pred = np.asarray(labels_true), np.asarray(labels_pred)
    if labels_true.ndim != 1 or labels_true.shape != labels_pred.shape or labels_true.size == 0:
        raise ValueError(
            "expected two label vectors of one length, at least 1, "
            f"got shapes {labels_true.shape} and {labels_pred.shape}"
        )
    if (labels_true.dtype.kind in "US") != (labels_pred.dtype.kind in "US"):
        raise ValueError(f"expected labels of one kind, got {labels_true.dtype} and {labels_pred.dtype}")
    both = np.concatenate([labels_true, labels_pred])
    if np.any(both != both):  # only NaN differs from itself; NumPy's isnan refuses text
        raise ValueError("expected a label for each image, got NaN")
    if class_names is None:
        classes, both = np.unique(both, return_inverse=True)
        class_names = [str(label) for label in classes]
    elif both.dtype.kind not in "iu" or both.min() < 0 or both.max() >= len(class_names):
        raise ValueError(
            f"expected labels that are integers from 0 to {len(class_names) - 1}, one for each class name, "
            f"got {both.dtype} from {both.min()} to {both.max()}"
        )
    n = len(class_names)
    counts = np.zeros((n, n), dtype=int)
    np.add.at(counts, (both[: len(labels_true)], both[len(labels_true) :]), 1)
    ax = images.axes_or_new(ax, figsize=(1.5 + 0.45 * n, 1.5 + 0.45 * n))
    # From white to a colour light enough for black figures: every cell can be read, in grey too.
    shades = LinearSegmentedColormap.from_list("counts", ["white", PALETTE[0]])
    ax.imshow(counts, cmap=shades, vmin=0, vmax=max(1, counts.max()), interpolation="nearest")
    for (row, column), count in np.ndenumerate(counts):
        ax.text(column, row, str(count), ha="center", va="center", fontsize="small", color="black")
    ax.set_xticks(range(n), class_names, rotation=90 if max(map(len, class_names)) > 3 else 0)
    ax.set_yticks(range(n), class_names)
    ax.set(xlabel="predicted class", ylabel="true class", title="number of images")
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
    >>> from ae_toolkit.plots import training_curve
    >>> ax = training_curve({"loss": [4.0, 2.0], "val_loss": [4.1, 2.5]})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('epoch', 'squared error per image')
    """
    ax = images.axes_or_new(ax, figsize=(5, 3.2))
    for style, colour, (key, values) in zip(_LINES(), cycle(PALETTE), history.items(), strict=False):
        epochs = range(1, len(values) + 1)
        ax.plot(epochs, values, color=colour, linestyle=style["linestyle"], label=_CURVE_NAMES.get(key, key))
    ax.set(xlabel="epoch", ylabel=ERROR_LABEL, yscale="log")
    ax.legend()
    return ax


def learning_curves(histories, labels=None, keys=None, ylabel=ERROR_LABEL, ax=None):
    """Draw training curves of several seeds: their mean, within one standard deviation.

    Parameters
    ----------
    histories : sequence of dict, or sequence of sequences of dict
        Histories of one setting, one a seed, or several such groups. A history is an
        estimator's ``history_``: named curves, one number an epoch.
    labels : sequence of str, optional
        Names of the groups; by default their numbers, where there are several.
    keys : sequence of str, optional
        Which curves to draw, for example ``["val_loss"]``; by default all.
    ylabel : str
        With its unit.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A group's curves end where its shortest history does: a mean that loses a seed on
        the way would jump. The scale is logarithmic if every value drawn is positive.

    Raises
    ------
    TypeError
        If `histories` is a single history.
    ValueError
        If there is no history, one lacks a curve, a value is NaN or infinite, or there is
        not one label a group.

    Examples
    --------
    >>> from ae_toolkit.plots import learning_curves
    >>> seeds = [{"loss": [4.0, 2.0]}, {"loss": [5.0, 2.5]}]
    >>> ax = learning_curves([seeds, [{"loss": [3.0, 1.0]}]], labels=["dense", "conv"])
    >>> [line.get_label() for line in ax.lines], ax.lines[0].get_ydata().tolist()
    (['dense, training', 'conv, training'], [4.5, 2.25])
    """
    if hasattr(histories, "keys"):
        raise TypeError("expected a sequence of histories, one a seed, got a single history; training_curve draws one")
    groups = list(histories)
    if groups and all(hasattr(group, "keys") for group in groups):
        groups = [groups]
    groups = [list(group) for group in groups]
    if not groups or not all(groups):
        raise ValueError(f"expected at least one history in each group, got {[len(group) for group in groups]}")
    if labels is None:
        labels = [""] if len(groups) == 1 else [str(number) for number in range(1, len(groups) + 1)]
    if len(labels) != len(groups):
        raise ValueError(f"expected a label for each of {len(groups)} groups of histories, got {len(labels)}")
    curves = []
    for label, colour, group in zip(labels, cycle(PALETTE), groups, strict=False):
        for key in group[0] if keys is None else keys:
            name = ", ".join(part for part in (label, _CURVE_NAMES.get(key, key)) if part)
            curves.append((name, colour, _over_seeds(group, key, name)))
    if not curves:
        raise ValueError("expected at least one curve to draw, got none")
    ax = images.axes_or_new(ax, figsize=(5.5, 3.6))
    for style, (name, colour, values) in zip(_LINES(), curves, strict=False):
        epochs = np.arange(1, values.shape[1] + 1)
        # A marker on every tenth of the way at most: more would hide the line.
        ax.plot(epochs, values.mean(axis=0), color=colour, label=name, markersize=4,
                markevery=max(1, len(epochs) // 10), **style)  # fmt: skip
        _band(ax, epochs, values.T, colour)
    scale = "log" if min(values.min() for _, _, values in curves) > 0 else "linear"
    ax.set(xlabel="epoch", ylabel=ylabel, yscale=scale)
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
    >>> from ae_toolkit.plots import sweep
    >>> ax = sweep([2, 4], {"PCA": [3.0, 2.0], "autoencoder": [[2.0, 2.2], [1.0, 1.1]]}, "numbers in the code")
    >>> [line.get_label() for line in ax.lines]
    ['PCA', 'autoencoder']
    """
    curves = {name: np.asarray(values, dtype=float) for name, values in curves.items()}
    for name, values in curves.items():
        if values.ndim not in (1, 2) or len(values) != len(x):
            raise ValueError(f"expected {len(x)} values of {name!r}, one for each x, got shape {values.shape}")
    ax = images.axes_or_new(ax, figsize=(5.5, 3.6))
    for style, colour, (name, values) in zip(_LINES(), cycle(PALETTE), curves.items(), strict=False):
        mean = values.reshape(len(x), -1).mean(axis=1)
        ax.plot(x, mean, color=colour, label=name, markersize=4, **style)
        _band(ax, x, values, colour)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def _over_seeds(group, key, name):
    """Return a curve of every history as an array of shape (n_seeds, n_epochs)."""
    lacking = [sorted(history) for history in group if key not in history]
    if lacking:
        raise ValueError(f"expected {key!r} in every history of {name!r}, got one with {lacking[0]}")
    curves = [np.asarray(history[key], dtype=float) for history in group]
    if any(curve.ndim != 1 or curve.size == 0 for curve in curves):
        raise ValueError(f"expected one number an epoch of {name!r}, got shapes {[curve.shape for curve in curves]}")
    shortest = min(map(len, curves))
    values = np.stack([curve[:shortest] for curve in curves])
    if not np.isfinite(values).all():
        raise ValueError(f"expected finite values of {name!r}, got NaN or infinity: a training diverged")
    return values


def _band(ax, x, values, colour):
    """Shade one standard deviation around the mean over seeds, where there are seeds: values (k, n_seeds)."""
    if values.ndim == 2 and values.shape[1] > 1:
        mean, spread = values.mean(axis=1), values.std(axis=1, ddof=1)
        ax.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)
