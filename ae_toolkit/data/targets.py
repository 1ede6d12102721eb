"""Images together with what is to be decoded of them, where that is not the images themselves.

An image and its target become one row of numbers, first those of the image and then those of
the target. So whatever hands out, orders, weighs and counts images does the same for pairs; a
model takes the rows apart again.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ae_toolkit._keras import keras
from ae_toolkit._validation import check_finite
from ae_toolkit.data._derived import OrderedByImages
from ae_toolkit.data.streams import Stream, open_stream

#: How many images of an array are given to a target's ``transform`` at once.
AT_ONCE = 1024


def targets_of(target: Any, images: NDArray) -> NDArray[np.float32]:
    """Return what is to be decoded of images.

    Parameters
    ----------
    target : fitted transformer
        Of images, which returns one array of numbers per image.
    images : ndarray of float32, shape (n, *image_shape)

    Returns
    -------
    ndarray of float32, shape (n, *target_shape)

    Raises
    ------
    ValueError
        If the transformer returns anything else, or numbers that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import ae_toolkit as ae
    >>> from ae_toolkit.data.targets import targets_of
    >>> images = np.zeros((3, 8, 8, 1), "float32")
    >>> targets_of(ae.HOG().fit(images), images).shape
    (3, 324)
    """
    found: NDArray | None = None
    for start in range(0, len(images), AT_ONCE):
        part = _transformed(target, images[start : start + AT_ONCE])
        if found is None:
            found = np.empty((len(images), *part.shape[1:]), np.float32)
        found[start : start + AT_ONCE] = part
    return found if found is not None else _transformed(target, images)


def _transformed(target, images):
    returned = target.transform(images)
    try:
        array = np.asarray(returned, dtype=np.float32)
    except (TypeError, ValueError):  # a sparse matrix, texts, lists of several lengths
        array = np.empty(0)
    if not 2 <= array.ndim <= 4 or len(array) != len(images) or array.size == 0:
        got = f"an array of shape {array.shape}" if array.ndim > 1 else f"{type(returned).__name__}"
        raise ValueError(
            f"expected target to turn {len(images)} images into as many pictures or rows of numbers, got {got} from "
            f"{type(target).__name__}"
        )
    return check_finite(array, "numbers", f"the targets, which {type(target).__name__} has made")


def pair(images: Stream, target: Any, resident_bytes: int) -> Stream:
    """Return a stream of images together with their targets.

    Parameters
    ----------
    images : Stream
    target : fitted transformer
    resident_bytes : int
        Of an array, all targets are made at once, if images and targets together take no more
        memory than this; otherwise, and of other sources, each batch's targets are made when it
        is read.

    Returns
    -------
    Stream
        Of rows, the numbers of an image followed by those of its target. It has the order, the
        weights and the batches of `images`.

    Examples
    --------
    >>> import numpy as np
    >>> import ae_toolkit as ae
    >>> from ae_toolkit.data.streams import open_stream
    >>> from ae_toolkit.data.targets import pair
    >>> images = np.random.default_rng(0).random((10, 8, 8), dtype="float32")
    >>> pairs = pair(open_stream(images, batch_size=5, seed=0), ae.Deskew().fit(images), 2**20)
    >>> pairs.image_shape, pairs.steps_per_epoch, pairs.array.shape
    ((128,), 2, (10, 128))
    """
    paired = PairedStream(images, target)
    array = images.array
    if array is None or len(array) * paired.image_shape[0] * 4 > resident_bytes:
        return paired
    table = np.empty((len(array), *paired.image_shape), np.float32)
    for start in range(0, len(array), AT_ONCE):
        table[start : start + AT_ONCE] = paired.rows(array[start : start + AT_ONCE])
    batch_size = images.batch_size or len(array)
    return open_stream(table, batch_size, images.seed, images.steps_per_epoch, images.weights)


class PairedStream(OrderedByImages, Stream):
    """A stream of images whose targets are made batch by batch, as they are read.

    Parameters
    ----------
    images : Stream
    target : fitted transformer

    Examples
    --------
    >>> import numpy as np
    >>> import ae_toolkit as ae
    >>> from ae_toolkit.data.streams import open_stream
    >>> from ae_toolkit.data.targets import PairedStream
    >>> images = np.random.default_rng(0).random((10, 8, 8), dtype="float32")
    >>> pairs = PairedStream(open_stream(images, batch_size=5, seed=0), ae.Deskew().fit(images))
    >>> [batch.shape for batch in pairs.epoch(0)]
    [(5, 128), (5, 128)]
    """

    def __init__(self, images: Stream, target: Any):
        self.images, self.target = images, target
        self.steps_per_epoch = images.steps_per_epoch
        self.target_shape = targets_of(target, images.look(1)).shape[1:]
        self.image_shape = (math.prod(images.image_shape) + math.prod(self.target_shape),)

    def rows(self, images: Any) -> NDArray[np.float32]:
        """Return images together with their targets.

        Parameters
        ----------
        images : array or tensor of float32, shape (n, *image_shape)

        Returns
        -------
        ndarray of float32, shape (n, numbers of an image and of its target)

        Raises
        ------
        ValueError
            If the targets are not what they were for the first image.
        """
        array = keras.ops.convert_to_numpy(images)
        targets = targets_of(self.target, array)
        if targets.shape[1:] != self.target_shape:
            raise ValueError(f"expected targets of shape {self.target_shape} as before, got {targets.shape[1:]}")
        return np.concatenate([array.reshape(len(array), -1), targets.reshape(len(array), -1)], axis=1)

    def peek(self):
        return self.rows(self.images.peek() if self.images.array is None else self.images.look(2**20))

    def look(self, n_numbers):
        n_pixels = math.prod(self.images.image_shape)
        return self.rows(self.images.look(n_numbers * n_pixels // self.image_shape[0]))

    def epoch(self, number):
        return (self.rows(batch) for batch in self.images.epoch(number))

    def weighted_epoch(self, number):
        return ((self.rows(batch), weights) for batch, weights in self.images.weighted_epoch(number))

    def in_order(self, batch_size: int = 1024) -> Iterator[np.ndarray]:
        return (self.rows(batch) for batch in self.images.in_order(batch_size))

    def description(self):
        parameters = getattr(self.target, "get_params", dict)()
        name = f"{type(self.target).__module__}.{type(self.target).__qualname__}"
        # A function is shown with its address, which is another one in the next process.
        shown = {key: re.sub(" at 0x[0-9a-f]+", "", repr(value)) for key, value in sorted(parameters.items())}
        target = {"class": name, "parameters": shown}
        return {**super().description(), "images": self.images.description(), "target": target}
