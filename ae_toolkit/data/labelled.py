"""Images together with what is known of their classes.

An image and one number per class become one row of numbers, as an image and its target do in
`ae_toolkit.data.targets`: so orders, batches and weights of images are those of the rows, and a
model takes the rows apart again.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ae_toolkit._keras import keras
from ae_toolkit.data._derived import OrderedByImages
from ae_toolkit.data._reading import images_of
from ae_toolkit.data._sources import Folder
from ae_toolkit.data.streams import Stream, length_free, open_stream
from ae_toolkit.data.targets import PairedStream


def labels_of(batch: Any) -> NDArray:
    """Return the labels that stand behind the images of a batch.

    Parameters
    ----------
    batch : tuple or list of images and labels

    Returns
    -------
    ndarray of shape (b, ...)

    Raises
    ------
    ValueError
        If there are none, or not one for each image.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.data.labelled import labels_of
    >>> labels_of((np.zeros((2, 8, 8, 1)), [3, 4]))
    array([3, 4])
    """
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise ValueError("expected batches of (images, labels), got images without labels")
    labels = batch[1]
    labels = keras.ops.convert_to_numpy(labels) if keras.ops.is_tensor(labels) else np.asarray(labels)
    if labels.dtype.kind == "S" or (labels.dtype.kind == "O" and all(isinstance(item, bytes) for item in labels.flat)):
        labels = np.array([item.decode() for item in labels.flat]).reshape(labels.shape)  # TensorFlow's texts
    if labels.shape[:1] != (len(batch[0]),):
        raise ValueError(f"expected one label for each of {len(batch[0])} images, got labels of shape {labels.shape}")
    return labels


def in_order(source: Any, batch_size: int = 1024) -> Iterator[tuple[NDArray[np.float32], NDArray]]:
    """Return all images of a source with their labels, batch by batch and in the source's own order.

    Parameters
    ----------
    source : str, path, tf.data.Dataset or keras.utils.PyDataset
        Of a folder, a label is the name of the first subfolder on the way to an image file; files
        in the folder itself have -1. A data set yields tuples that begin with images and labels.
    batch_size : int, default=1024
        For folders.

    Yields
    ------
    images : ndarray of float32, shape (b, *image_shape)
    labels : ndarray of shape (b,)

    Raises
    ------
    ValueError
        If a data set has no labels, or no end.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from ae_toolkit.data.labelled import in_order
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for place in ("cats", "dogs"):
    ...         (Path(folder) / place).mkdir()
    ...         Image.new("L", (3, 2)).save(f"{folder}/{place}/1.png")
    ...     [labels.tolist() for _, labels in in_order(folder, batch_size=1)]
    [['cats'], ['dogs']]
    """
    stream, seen = length_free(source, batch_size), []

    def batches():
        for batch in stream._in_order(batch_size):
            seen.append(labels_of(batch))
            yield batch

    for images in stream._checked_in_order(batches()):
        yield images, seen.pop()


def read_labels(source: Any) -> NDArray:
    """Return the label of every image of a source, in its own order; see `in_order`.

    Parameters
    ----------
    source : str, path, tf.data.Dataset or keras.utils.PyDataset

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        If a data set has no labels, several for an image, or no end.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from ae_toolkit.data.labelled import read_labels
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "cats").mkdir()
    ...     Image.new("L", (3, 2)).save(f"{folder}/cats/1.png")
    ...     Image.new("L", (3, 2)).save(f"{folder}/unknown.png")
    ...     read_labels(folder).tolist()
    ['cats', -1]
    """
    stream = length_free(source, batch_size=1024)
    if isinstance(stream, Folder):
        return stream.class_names
    labels = np.concatenate([labels_of(batch) for batch in stream._in_order(1024)])
    if labels.ndim != 1:
        raise ValueError(f"expected one label for each image, got labels of shape {labels.shape}")
    return labels


def with_class_rows(images: Stream, class_rows: NDArray[np.float32], resident_bytes: int) -> Stream:
    """Return a stream of the images of an array, together with some numbers for each.

    Parameters
    ----------
    images : Stream
        Over an array, perhaps with targets beside the images.
    class_rows : ndarray of float32, shape (n, K)
    resident_bytes : int
        If all rows take no more memory than this, they are made at once.

    Returns
    -------
    Stream
        Of rows: the numbers of an image, those of its target if it has one, and its K numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.data.labelled import with_class_rows
    >>> from ae_toolkit.data.streams import open_stream
    >>> images = open_stream(np.zeros((10, 8, 8, 1), "float32"), batch_size=5, seed=0)
    >>> with_class_rows(images, np.eye(10, dtype="float32"), 2**20).array.shape
    (10, 74)
    """
    if images.array is not None:
        flat = images.array.reshape(len(images.array), -1)
        if len(flat) * (flat.shape[1] + class_rows.shape[1]) * 4 <= resident_bytes:
            table = np.concatenate([flat, class_rows], axis=1, dtype=np.float32)
            return open_stream(
                table, images.batch_size or len(table), images.seed, images.steps_per_epoch, images.weights
            )
    (images.images if isinstance(images, PairedStream) else images).labels = class_rows
    return LabelledStream(images, lambda rows: rows)


class LabelledStream(OrderedByImages, Stream):
    """A stream of images whose batches carry labels, which become some numbers behind those of the image.

    Parameters
    ----------
    images : Stream
        Whose batches carry labels; perhaps with targets beside the images.
    rows_of : callable
        Returns for the labels of a batch, (b,) or (b, K), the numbers of each image, (b, K).

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.data.labelled import LabelledStream
    >>> from ae_toolkit.data.streams import open_stream
    >>> images = open_stream(np.zeros((10, 8, 8, 1), "float32"), batch_size=5, seed=0)
    >>> images.labels = np.arange(10)
    >>> rows = LabelledStream(images, lambda labels: np.eye(10, dtype="float32")[labels])
    >>> [batch.shape for batch in rows.epoch(0)]
    [(5, 74), (5, 74)]
    """

    def __init__(self, images: Stream, rows_of: Callable[[NDArray], NDArray[np.float32]]):
        self.images, self.rows_of = images, rows_of
        self.source = images.images if isinstance(images, PairedStream) else images
        self.steps_per_epoch = images.steps_per_epoch
        self.image_shape = self._rows(next(iter(self.source._unread_batches()))).shape[1:]

    def _rows(self, batch):
        images = keras.ops.convert_to_numpy(self.source._check(images_of(batch), "a batch"))
        front = self.images.rows(images) if isinstance(self.images, PairedStream) else images
        return np.concatenate(
            [front.reshape(len(images), -1), self.rows_of(labels_of(batch))], axis=1, dtype=np.float32
        )

    def _batches(self, number):
        return (self._rows(batch) for batch in self.source._batches(number))

    def _unread_batches(self):
        return (self._rows(batch) for batch in self.source._unread_batches())

    def peek(self):
        return next(iter(self._unread_batches()))

    def weighted_epoch(self, number):
        if self.source.weights is None:
            return super().weighted_epoch(number)
        return zip(self.epoch(number), self.source.weights_of(number), strict=False)

    def description(self):
        return {**super().description(), "images": self.images.description()}
