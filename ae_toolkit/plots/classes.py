"""Classes: how many images of each were taken for which, and how often the confidence in a class is right."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from numpy.typing import ArrayLike

from ae_toolkit._calibration import confidence_bins
from ae_toolkit._validation import check_class_indices, check_label_pair
from ae_toolkit.plots import _labels
from ae_toolkit.plots._axes import axes_or_new
from ae_toolkit.plots._colours import INK, MUTED, PALETTE

_LARGEST_AREA, _SMALLEST_AREA = 300.0, 4.0  # of a marker, in square points; a smaller one could not be seen


def confusion(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    class_names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
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
    true, predicted = check_label_pair(labels_true, labels_pred)
    if (true.dtype.kind in "US") != (predicted.dtype.kind in "US"):
        raise ValueError(f"expected labels of one kind, got {true.dtype} and {predicted.dtype}")
    both = np.concatenate([true, predicted])
    if class_names is None:
        classes, both = np.unique(both, return_inverse=True)
        class_names = [str(label) for label in classes]
    else:
        check_class_indices(both, class_names)
    n = len(class_names)
    counts = np.zeros((n, n), dtype=int)
    np.add.at(counts, (both[: len(true)], both[len(true) :]), 1)
    ax = axes_or_new(ax, figsize=(1.5 + 0.45 * n, 1.5 + 0.45 * n))
    # From nothing to a colour so thin that ink can be read on it, on a white page and on a dark one.
    shades = LinearSegmentedColormap.from_list("counts", [(PALETTE[0], 0.0), (PALETTE[0], 0.45)])
    ax.imshow(counts, cmap=shades, vmin=0, vmax=max(1, counts.max()), interpolation="none")
    for (row, column), count in np.ndenumerate(counts):
        ax.text(column, row, str(count), ha="center", va="center", fontsize="small", color=INK)
    ax.set_xticks(range(n), class_names, rotation=90 if max(map(len, class_names)) > 3 else 0)
    ax.set_yticks(range(n), class_names)
    ax.set(**_labels.CONFUSION_LABELS)
    ax.grid(False)
    return ax


def reliability(
    labels_true: ArrayLike,
    probabilities: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    n_bins: int = 15,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often predictions are right against their confidence: a reliability diagram.

    The prediction for an image is its most probable class. The confidence is the
    probability of this class. `ae_toolkit.metrics.reliability` returns the numbers drawn.

    Parameters
    ----------
    labels_true : array-like of shape (n,)
        The classes of the images.
    probabilities : array-like of shape (n, n_classes)
        For each image, the probability of each class, as a classifier's ``predict_proba``
        returns them.
    classes : array-like of shape (n_classes,), optional
        The classes of the columns, such as a classifier's ``classes_``; by default
        0, 1, and so on.
    n_bins : int, default=15
        Bins of equal width between 0 and 1.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A marker for each bin that is not empty, at its mean confidence and its share of
        right predictions. The marker's area is proportional to the number of images; the
        smallest are drawn larger, so that they can be seen. On the dotted diagonal
        confidence and accuracy are equal. A marker below it is of predictions that are too
        confident.

    Raises
    ------
    ValueError
        If `probabilities` does not have one row per label and one column per class, there
        is no image, a probability is NaN, infinite or negative, a row does not add up to 1
        within 0.001, a class has two columns, a label is NaN or not among the classes, or
        `n_bins` is no positive integer.

    References
    ----------
    Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On calibration of modern
    neural networks. ICML, 1321-1330.

    Examples
    --------
    >>> from ae_toolkit.plots import reliability
    >>> ax = reliability([0, 1, 1], [[0.75, 0.25], [0.75, 0.25], [0.0, 1.0]])
    >>> ax.collections[0].get_offsets().tolist()
    [[0.75, 0.5], [1.0, 1.0]]
    """
    confidence, accuracy, n_images = confidence_bins(labels_true, probabilities, classes, n_bins)
    ax = axes_or_new(ax, figsize=(4.2, 4.2))
    ax.plot([0, 1], [0, 1], color=MUTED, linestyle=":", label=_labels.CALIBRATED)
    areas = np.maximum(_LARGEST_AREA * n_images / n_images.max(), _SMALLEST_AREA)
    # In front of the diagonal, which is seen through them.
    ax.scatter(confidence, accuracy, s=areas, facecolor=to_rgba(PALETTE[0], 0.45), edgecolor=PALETTE[0], zorder=2.5)
    ax.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), aspect="equal", **_labels.RELIABILITY_LABELS)
    ax.legend(loc="upper left")
    return ax
