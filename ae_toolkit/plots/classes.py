"""Classes: how many images of each were taken for which."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike

from ae_toolkit._validation import check_class_indices, check_label_pair
from ae_toolkit.plots import _labels
from ae_toolkit.plots._axes import axes_or_new
from ae_toolkit.plots._colours import INK, PALETTE


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
