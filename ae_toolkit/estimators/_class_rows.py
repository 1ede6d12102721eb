"""What a training with classes sees: images or codes, each with a row of numbers, the weight of each class in the loss.

Of an image without a label all are 0.
"""

import numpy as np
from numpy.typing import NDArray

from ae_toolkit._validation import check_weights, have_label
from ae_toolkit.data import labelled, streams
from ae_toolkit.estimators._inner import encode
from ae_toolkit.estimators._labels import GivenLabels, places_among
from ae_toolkit.estimators._settings import resolve_batch_size
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.training import plans


def open_with_rows(
    autoencoder: Autoencoder,
    given: GivenLabels,
    rows: NDArray[np.float64],
    class_weights: NDArray[np.float64],
    decodes: bool,
    batch_size: int | str,
    seed: int | None,
) -> streams.Stream:
    """Return the images that a training sees as a stream of rows: of an image's numbers, and of its classes' weights.

    Parameters
    ----------
    autoencoder : Autoencoder
    given : GivenLabels
    rows : ndarray of shape (n, n_classes)
        For an array of images; what images of a source have follows from their labels.
    class_weights : ndarray of shape (n_classes,)
        For a source.
    decodes : bool
        Whether images are to be decoded, too: then those without a label are also seen, and what is
        to be decoded stands in the rows where it is not the image itself.
    batch_size : int or "auto"
    seed : int or None
        Orders the images.

    Returns
    -------
    Stream
    """
    if given.is_source:
        stream = streams.open_stream(given.images, resolve_batch_size(batch_size, autoencoder.network, None), seed)
        stream = autoencoder._with_targets(stream) if decodes else stream
        factors = np.vstack([class_weights * np.eye(len(given.classes)), np.zeros(len(given.classes))])
        factors *= len(given.labelled) / max(1, given.labelled.sum())
        return labelled.LabelledStream(stream, lambda labels: factors[places_among(labels, given.classes)])
    chosen = np.arange(len(rows)) if decodes else np.flatnonzero(rows.any(axis=1))
    images = given.images if len(chosen) == len(rows) else given.images[chosen]
    weights = None if given.weights is None else check_weights(given.weights[chosen], images)
    batch_size = resolve_batch_size(batch_size, autoencoder.network, len(images))
    stream = streams.open_stream(images, batch_size, seed, weights=weights)
    stream = autoencoder._with_targets(stream) if decodes else stream
    # The mean over all images is then that over those that have a label.
    rows = rows[chosen] * (len(chosen) / np.count_nonzero(rows.any(axis=1)))
    return labelled.with_class_rows(stream, rows.astype(np.float32), plans.RESIDENT_BYTES)


def codes_with_rows(
    autoencoder: Autoencoder, given: GivenLabels, rows: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray | None]:
    """Return the codes of the images that have a label, and their rows and weights.

    Parameters
    ----------
    autoencoder : fitted Autoencoder
    given : GivenLabels
    rows : ndarray of shape (n, n_classes)
        Of all images.

    Returns
    -------
    codes : ndarray of float32, shape (m, code_dim)
    rows : ndarray of shape (m, n_classes)
    weights : ndarray of shape (m,) or None
        How much each image counts, if that was given.
    """
    if not given.is_source:
        chosen = np.flatnonzero(rows.any(axis=1))
        weights = None if given.weights is None else given.weights[chosen]
        return encode(autoencoder, given.images[chosen]), rows[chosen], weights
    codes, found = [], []
    scale = rows.max(axis=0)  # a source has no weights but those of the classes
    for images, labels in labelled.in_order(given.images):
        known = have_label(labels)
        if known.any():
            codes.append(encode(autoencoder, images[known]))
            found.append(np.diag(scale)[places_among(labels[known], given.classes)])
    return np.concatenate(codes), np.concatenate(found), None
