"""Curves: a loss over the epochs of a training, and a measure against a swept parameter."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from ae_toolkit._validation import check_finite
from ae_toolkit.plots import _labels
from ae_toolkit.plots._axes import axes_or_new, plain_numbers
from ae_toolkit.plots._colours import PALETTE
from ae_toolkit.plots._labels import ERROR_LABEL

_LINES = cycler(marker=["o", "s", "^"]) * cycler(linestyle=["-", "--", "-.", ":"])  # the line style changes first

_History = Mapping[str, ArrayLike]
_Keys = str | Sequence[str] | None


def training_curve(
    history: _History,
    keys: _Keys = None,
    ylabel: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a training curve: the loss over epochs, that of validation images beside it.

    Parameters
    ----------
    history : dict of sequence of float
        An estimator's ``history_``: ``loss``, perhaps the terms that it is made of, and
        perhaps each of them for validation images (``val_loss``); one number per epoch.
    keys : str or sequence of str, optional
        Which curves to draw, for example ``["kl", "val_kl"]``. By default ``loss`` and
        ``val_loss``, or all curves of a history that has neither.
    ylabel : str, optional
        With its unit. By default it follows from the curves' names: a loss with a term
        ``kl`` or ``bound`` is in nats per image, one without in squared error per image,
        with the penalties that are added to it; and so is a curve of another name.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The scale is logarithmic if every value drawn is positive.

    Raises
    ------
    ValueError
        If the history lacks a curve, or there is none to draw.

    Examples
    --------
    >>> from ae_toolkit.plots import training_curve
    >>> ax = training_curve({"loss": [4.0, 2.0], "val_loss": [4.1, 2.5]})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('epoch', 'squared error per image')
    >>> history = {"loss": [9.0, 7.0], "reconstruction": [8.0, 5.0], "kl": [1.0, 2.0]}
    >>> ax = training_curve(history, keys=["reconstruction", "kl"])
    >>> ax.get_ylabel(), [line.get_label() for line in ax.lines]
    ('nats per image', ['reconstruction, training', 'kl, training'])
    """
    keys = _keys_to_draw(history, keys)
    lacking = [key for key in keys if key not in history]
    if lacking:
        raise ValueError(f"expected {lacking[0]!r} in the history, got one with {sorted(history)}")
    if not keys:
        raise ValueError("expected at least one curve to draw, got none")
    curves = {key: np.asarray(history[key], dtype=float) for key in keys}
    for key, values in curves.items():
        if values.ndim != 1:
            raise ValueError(f"expected one number per epoch of {key!r}, got shape {values.shape}")
    ax = axes_or_new(ax, figsize=(5, 3.2))
    for style, colour, (key, values) in zip(_LINES(), cycle(PALETTE), curves.items(), strict=False):
        name = _labels.curve_name(key, keys)
        ax.plot(range(1, len(values) + 1), values, color=colour, linestyle=style["linestyle"], label=name)
    if ylabel is None:
        ylabel = _labels.common_label(_labels.value_label(key, history) for key in keys)
    ax.set(xlabel=_labels.EPOCH_LABEL, ylabel=ylabel, yscale=_scale(curves.values()))
    _finish(ax)
    return ax


def learning_curves(
    histories: Sequence[_History] | Sequence[Sequence[_History]],
    labels: Sequence[str] | None = None,
    keys: _Keys = None,
    ylabel: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw training curves of several seeds: their mean, within one standard deviation.

    Parameters
    ----------
    histories : sequence of dict, or sequence of sequences of dict
        Histories of one setting, one per seed, or several such groups. A history is an
        estimator's ``history_``: named curves, one number per epoch.
    labels : sequence of str, optional
        Names of the groups; by default their numbers, where there are several.
    keys : str or sequence of str, optional
        Which curves to draw, for example ``["val_loss"]``. By default ``loss`` and
        ``val_loss``, or all curves of histories that have neither.
    ylabel : str, optional
        With its unit. By default it follows from the curves' names, as `training_curve` says.
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
        not one label per group.

    Examples
    --------
    >>> from ae_toolkit.plots import learning_curves
    >>> seeds = [{"loss": [4.0, 2.0]}, {"loss": [5.0, 2.5]}]
    >>> ax = learning_curves([seeds, [{"loss": [3.0, 1.0]}]], labels=["dense", "conv"])
    >>> [line.get_label() for line in ax.lines], ax.lines[0].get_ydata().tolist()
    (['dense, training', 'conv, training'], [4.5, 2.25])
    """
    groups = _groups(histories)
    labels = _group_labels(labels, len(groups))
    curves = [
        curve
        for label, colour, group in zip(labels, cycle(PALETTE), groups, strict=False)
        for curve in _curves_of_group(group, label, colour, keys)
    ]
    if not curves:
        raise ValueError("expected at least one curve to draw, got none")
    ax = axes_or_new(ax, figsize=(5.5, 3.6))
    for style, curve in zip(_LINES(), curves, strict=False):
        epochs = np.arange(1, curve.values.shape[1] + 1)
        # Ten markers per curve at most: more would hide the line.
        ax.plot(epochs, curve.values.mean(axis=0), color=curve.colour, label=curve.name, markersize=4,
                markevery=max(1, len(epochs) // 10), **style)  # fmt: skip
        _band(ax, epochs, curve.values.T, curve.colour)
    if ylabel is None:
        ylabel = _labels.common_label(curve.ylabel for curve in curves)
    ax.set(xlabel=_labels.EPOCH_LABEL, ylabel=ylabel, yscale=_scale(curve.values for curve in curves))
    _finish(ax)
    return ax


def sweep(
    x: Sequence[float],
    curves: Mapping[str, ArrayLike],
    xlabel: str,
    ylabel: str = ERROR_LABEL,
    ax: Axes | None = None,
) -> Axes:
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
    measured = {name: np.asarray(values, dtype=float) for name, values in curves.items()}
    for name, values in measured.items():
        if values.ndim not in (1, 2) or len(values) != len(x):
            raise ValueError(f"expected {len(x)} values of {name!r}, one for each x, got shape {values.shape}")
    ax = axes_or_new(ax, figsize=(5.5, 3.6))
    for style, colour, (name, values) in zip(_LINES(), cycle(PALETTE), measured.items(), strict=False):
        mean = values.reshape(len(x), -1).mean(axis=1)
        ax.plot(x, mean, color=colour, label=name, markersize=4, **style)
        _band(ax, x, values, colour)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


class _Curve(NamedTuple):
    """A curve of several seeds: what the legend and the axis call it, its colour, and values (n_seeds, n_epochs)."""

    name: str
    ylabel: str
    colour: str
    values: NDArray[np.float64]


def _groups(histories: Any) -> list[list[_History]]:
    """Return the histories in groups, each a list of at least one."""
    if _is_history(histories):
        raise TypeError(
            "expected a sequence of histories, one per seed, got a single history; training_curve draws one"
        )
    groups = list(histories)
    if groups and all(_is_history(group) for group in groups):
        groups = [groups]
    groups = [list(group) for group in groups]
    if not groups or not all(groups):
        raise ValueError(f"expected at least one history in each group, got {[len(group) for group in groups]}")
    return groups


def _is_history(value: Any) -> bool:
    return hasattr(value, "keys")


def _group_labels(labels: Sequence[str] | None, n_groups: int) -> Sequence[str]:
    if labels is None:
        return [""] if n_groups == 1 else [str(number) for number in range(1, n_groups + 1)]
    if len(labels) != n_groups:
        raise ValueError(f"expected a label for each of {n_groups} groups of histories, got {len(labels)}")
    return labels


def _curves_of_group(group: Sequence[_History], label: str, colour: str, keys: _Keys) -> list[_Curve]:
    drawn = _keys_to_draw(group[0], keys)
    curves = []
    for key in drawn:
        name = ", ".join(part for part in (label, _labels.curve_name(key, drawn)) if part)
        curves.append(_Curve(name, _labels.value_label(key, group[0]), colour, _over_seeds(group, key, name)))
    return curves


def _keys_to_draw(history: _History, keys: _Keys) -> list[str]:
    if keys is None:
        losses = (_labels.LOSS, _labels.VALIDATION_PREFIX + _labels.LOSS)
        return [key for key in losses if key in history] or list(history)
    return [keys] if isinstance(keys, str) else list(keys)


def _over_seeds(group: Sequence[_History], key: str, name: str) -> NDArray[np.float64]:
    """Return a curve of every history as an array of shape (n_seeds, n_epochs)."""
    lacking = [sorted(history) for history in group if key not in history]
    if lacking:
        raise ValueError(f"expected {key!r} in every history of {name!r}, got one with {lacking[0]}")
    curves = [np.asarray(history[key], dtype=float) for history in group]
    if any(curve.ndim != 1 or curve.size == 0 for curve in curves):
        raise ValueError(f"expected one number per epoch of {name!r}, got shapes {[curve.shape for curve in curves]}")
    shortest = min(map(len, curves))
    values = np.stack([curve[:shortest] for curve in curves])
    return check_finite(values, "values", f"{name!r}: a training diverged")


def _scale(curves: Iterable[NDArray[np.float64]]) -> str:
    """Return a scale on which every finite value can be drawn; zero and what is below it have no logarithm."""
    lowest = min((values[np.isfinite(values)].min(initial=np.inf) for values in curves), default=np.inf)
    return "log" if lowest > 0 else "linear"


def _finish(ax: Axes) -> None:
    """Write numbers that can be read, epochs as whole ones, and the legend."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    plain_numbers(ax.xaxis, ax.yaxis)
    ax.legend()


def _band(ax: Axes, x: ArrayLike, values: NDArray[np.float64], colour: str) -> None:
    """Shade one standard deviation around the mean over seeds, where there are seeds: values (k, n_seeds)."""
    if values.ndim == 2 and values.shape[1] > 1:
        mean, spread = values.mean(axis=1), values.std(axis=1, ddof=1)
        ax.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)
