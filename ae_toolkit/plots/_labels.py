"""The words on the figures: every axis label, the names of rows and of curves, and the units of losses.

An edition in another language replaces this one module. It knows nothing of the book.
"""

from collections.abc import Collection, Iterable

#: What an axis calls the book's unit of error.
ERROR_LABEL = "squared error per image"
NATS_LABEL = "nats per image"
LOSS_IN_NATS_LABEL = "loss in nats per image"
MIXED_LABEL = "per image, each in its own unit"

EPOCH_LABEL = "epoch"
CODE_LABELS = {"xlabel": "code, 1st number", "ylabel": "code, 2nd number"}
CONFUSION_LABELS = {"xlabel": "predicted class", "ylabel": "true class", "title": "number of images"}
RELIABILITY_LABELS = {
    "xlabel": "confidence, mean of a bin",
    "ylabel": "accuracy, share of a bin's images",
    "title": "area: number of images",
}
CALIBRATED = "accuracy = confidence"
WAY_LABEL = "share of the way from the first image to the last"

ORIGINAL, RECONSTRUCTION = "original", "reconstruction"
TRAINING, VALIDATION = "training", "validation"

#: What a history calls the loss and its terms, and the same of the validation images.
LOSS, VALIDATION_PREFIX = "loss", "val_"

# A history with one of these terms is of a model whose loss is a likelihood or a bound on it, in nats.
_LIKELIHOOD_TERMS = {"kl", "bound"}
# Terms whose unit is the same in every history. `loss` and `reconstruction` depend on the other terms.
_TERM_LABELS = {
    "kl": NATS_LABEL,
    "bound": NATS_LABEL,
    "discriminator": NATS_LABEL,  # a cross-entropy
    "sparsity": "sparsity, unweighted",
    "contraction": "squared norm of the Jacobian per image",
}
_TERMS = {"reconstruction", *_TERM_LABELS}
# What is added to the squared error, in the order in which an axis names it.
_ADDED = {
    "sparsity": "weighted sparsity",
    "contraction": "weighted contraction",
    "discriminator": "discriminator's cross-entropy",
}


def curve_name(key: str, drawn: Collection[str]) -> str:
    """Return what a legend calls a curve of a history.

    Parameters
    ----------
    key : str
        The curve's name in the history.
    drawn : collection of str
        Names of all the curves that are drawn.

    Examples
    --------
    >>> drawn = ["loss", "val_loss"]
    >>> [curve_name(key, drawn) for key in drawn]
    ['training', 'validation']
    >>> drawn = ["loss", "kl", "val_kl"]
    >>> [curve_name(key, drawn) for key in drawn]
    ['loss, training', 'kl, training', 'kl, validation']
    """
    term = key.removeprefix(VALIDATION_PREFIX)
    of = VALIDATION if key != term else TRAINING
    if {other.removeprefix(VALIDATION_PREFIX) for other in drawn} == {LOSS}:
        return of
    is_known = term == LOSS or term in _TERMS
    has_twin = VALIDATION_PREFIX + term in drawn
    return f"{term}, {of}" if is_known or has_twin else key


def value_label(key: str, history: Iterable[str]) -> str:
    """Return what stands, with its unit, on the axis of a curve of a history.

    Parameters
    ----------
    key : str
        The curve's name in the history. One that is no term of a loss is taken for an error.
    history : iterable of str
        Names of all the history's curves: a likelihood or a penalty among them changes the
        unit of the loss.

    Examples
    --------
    >>> value_label("loss", ["loss", "val_loss"])
    'squared error per image'
    >>> value_label("val_loss", ["loss", "reconstruction", "kl", "val_loss"])
    'loss in nats per image'
    >>> print(value_label("loss", ["loss", "reconstruction", "sparsity"]))
    squared error per image
    + weighted sparsity
    """
    term = key.removeprefix(VALIDATION_PREFIX)
    terms = {name.removeprefix(VALIDATION_PREFIX) for name in history}
    if term in _TERM_LABELS:
        return _TERM_LABELS[term]
    if not terms.isdisjoint(_LIKELIHOOD_TERMS):
        return LOSS_IN_NATS_LABEL if term == LOSS else NATS_LABEL
    added = [words for name, words in _ADDED.items() if name in terms]
    # One line each, since a figure is not high enough for all in one.
    return "\n+ ".join([ERROR_LABEL, *added]) if term == LOSS else ERROR_LABEL


def common_label(labels: Iterable[str]) -> str:
    """Return what stands on an axis that several curves share.

    Parameters
    ----------
    labels : iterable of str
        Each curve's own, from `value_label`; at least one.

    Examples
    --------
    >>> common_label(["loss in nats per image", "nats per image"])
    'nats per image'
    >>> common_label(["squared error per image", "nats per image"])
    'per image, each in its own unit'
    """
    different = set(labels)
    if len(different) == 1:
        return different.pop()
    return NATS_LABEL if different == {NATS_LABEL, LOSS_IN_NATS_LABEL} else MIXED_LABEL
