"""Where training images come from: an array, a data set, or a folder of image files.

A stream knows the shape of an image and how many batches make an epoch, and hands them
out one by one, so that memory does not grow with the number of images. What comes out
is checked: a batch of another shape, an early end or an exception becomes an error that
says in which epoch and batch it happened.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit._validation import check_count, check_finite
from ae_toolkit.data._reading import IMAGE_FILES as IMAGE_FILES
from ae_toolkit.data._reading import images_of


def is_stream(source: Any) -> bool:
    """Return whether `source` is read in batches rather than held as one array.

    Parameters
    ----------
    source : object
        Anything that was given as images.

    Returns
    -------
    bool

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.data.streams import is_stream
    >>> is_stream(np.zeros((2, 8, 8, 1))), is_stream("folder/with/images")
    (False, True)
    """
    return isinstance(source, str | os.PathLike | keras.utils.PyDataset | Stream) or _is_tf_data(source)


def open_stream(
    source: Any,
    batch_size: int,
    seed: int | None,
    steps_per_epoch: int | None = None,
    weights: np.ndarray | None = None,
) -> Stream:
    """Return a `Stream` over any source.

    Parameters
    ----------
    source : ndarray, tf.data.Dataset, keras.utils.PyDataset, str or path
        A data set yields batches of floating-point images, or tuples that begin with
        one. A path names a folder whose image files, in it and below it, have one size.
    batch_size : int
        For arrays and folders; a data set brings its own batches.
    seed : int or None
        Orders the images of arrays and folders, anew in each epoch; None takes any.
    steps_per_epoch : int, optional
        Batches that make an epoch. Needed for a data set that does not know its length.
    weights : ndarray of float32, shape (n,), optional
        A factor for each image's loss, for an array.

    Returns
    -------
    Stream

    Raises
    ------
    ValueError
        If the source is empty, or of unknown length without `steps_per_epoch`.
    FileNotFoundError
        If a folder does not exist or holds no image files.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.data.streams import open_stream
    >>> stream = open_stream(np.zeros((10, 8, 8, 1), "float32"), batch_size=4, seed=0)
    >>> stream.image_shape, stream.steps_per_epoch, [len(batch) for batch in stream.epoch(0)]
    ((8, 8, 1), 3, [4, 4, 2])
    """
    if isinstance(source, Stream):
        return source
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    from ae_toolkit.data import _sources  # whose classes derive from `Stream`

    if _is_tf_data(source):
        return _sources.TFData(source, steps_per_epoch)
    if isinstance(source, keras.utils.PyDataset):
        return _sources.PyData(source, steps_per_epoch)
    if isinstance(source, str | os.PathLike):
        return _sources.Folder(source, batch_size, seed, steps_per_epoch)
    return _sources.Array(source, batch_size, seed, steps_per_epoch, weights)


def in_order(source: Any, batch_size: int = 1024) -> Iterator[np.ndarray]:
    """Return all images of a source, each once, batch by batch and in the source's own order.

    So results, such as codes, can be told apart by the number of a row or the place of a file.

    Parameters
    ----------
    source : ndarray, tf.data.Dataset, keras.utils.PyDataset, str, path or Stream
        As `open_stream` takes it. An array gives its rows, a folder its sorted files, a
        PyDataset its batches by their index, and a ``tf.data.Dataset`` what it yields when it is
        iterated; one that shuffles does so here as well.
    batch_size : int, default=1024
        For arrays and folders; a data set brings its own batches.

    Returns
    -------
    iterator of ndarray of float32, shape (b, *image_shape)

    Raises
    ------
    ValueError
        If the source is empty or endless, or, while it is read, if a batch has images of
        another shape, pixels that are no floating-point numbers, or NaN or infinite ones.
    FileNotFoundError
        If a folder does not exist or holds no image files.
    RuntimeError
        While it is read, if the source raises an error; it says in which batch.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.data.streams import in_order
    >>> [len(batch) for batch in in_order(np.zeros((10, 8, 8, 1), "float32"), batch_size=4)]
    [4, 4, 2]
    """
    batch_size = check_count(batch_size, "batch_size")
    if isinstance(source, Stream):
        return source.in_order(batch_size)
    if not is_stream(source):
        source = np.asarray(source)
        if source.ndim < 2 or len(source) == 0:
            raise ValueError(f"expected at least one image, as an array of shape (n, ...), got shape {source.shape}")
        if source.ndim == 2 and source.dtype.kind in "iub":  # in tables scikit-learn takes whole numbers
            source = source.astype(np.float32)
    return length_free(source, batch_size).in_order(batch_size)


def length_free(source: Any, batch_size: int) -> Stream:
    """Return a stream to be read in order, of which nobody asks how long an epoch is.

    Parameters
    ----------
    source : object
        As `open_stream` takes it; also a data set that does not know its length.
    batch_size : int

    Returns
    -------
    Stream

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.data.streams import length_free
    >>> length_free(np.zeros((10, 8, 8, 1), "float32"), batch_size=4).image_shape
    (8, 8, 1)
    """
    unknown = (_is_tf_data(source) and int(source.cardinality()) < 0) or (
        isinstance(source, keras.utils.PyDataset) and source.num_batches is None
    )
    return open_stream(source, batch_size, seed=0, steps_per_epoch=1 if unknown else None)


def shuffled(n: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order in which an epoch takes n images; the same for the same seed and epoch.

    Parameters
    ----------
    n, seed, epoch : int

    Returns
    -------
    ndarray of int32, shape (n,)

    Examples
    --------
    >>> from ae_toolkit.data.streams import shuffled
    >>> sorted(shuffled(4, seed=0, epoch=2).tolist())
    [0, 1, 2, 3]
    """
    return np.random.default_rng([seed, epoch]).permutation(n).astype(np.int32)


class Stream:
    """Batches of equal images, epoch after epoch.

    Attributes
    ----------
    image_shape : tuple of int
    steps_per_epoch : int
        Batches in an epoch.
    seed : int
        Orders the images, where this is ours to do.
    batch_size : int or None
        Images in a batch, where this is ours to say; an array's last batch may have fewer.
    array : ndarray or None
        All images, if they are in memory.
    weights : ndarray of float32, shape (n,), or None
        A factor for each image's loss, if they were given with an array.
    labels : ndarray of shape (n, ...) or None
        What is known of each image of an array, if it is to be handed out with the images.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.data.streams import Stream, open_stream
    >>> stream = open_stream(np.zeros((10, 8, 8, 1), "float32"), batch_size=5, seed=0)
    >>> isinstance(stream, Stream), stream.steps_per_epoch, len(stream.array)
    (True, 2, 10)
    """

    image_shape: tuple[int, ...] = ()
    steps_per_epoch: int = 0
    seed: int = 0
    batch_size: int | None = None
    array: np.ndarray | None = None
    weights: np.ndarray | None = None
    labels: np.ndarray | None = None

    @property
    def steps(self) -> int:
        """The old name of `steps_per_epoch`.

        Returns
        -------
        int
        """
        warnings.warn("Stream.steps is now called Stream.steps_per_epoch", FutureWarning, stacklevel=2)
        return self.steps_per_epoch

    def peek(self) -> Any:
        """Return images that a training would see, without consuming any.

        Returns
        -------
        array or tensor of float32, shape (m, *image_shape)
            All images of an array; the first batch of anything else.

        Examples
        --------
        >>> import numpy as np
        >>> from ae_toolkit.data.streams import open_stream
        >>> stream = open_stream(np.zeros((10, 8, 8, 1), "float32"), batch_size=5, seed=0)
        >>> stream.peek().shape
        (10, 8, 8, 1)
        """
        return next(self.epoch(0))

    def look(self, n_numbers: int) -> np.ndarray:
        """Return a sample of the images in memory, without consuming any.

        Parameters
        ----------
        n_numbers : int
            How many numbers the sample has at most, except that it is at least one image.

        Returns
        -------
        ndarray of float32, shape (m, *image_shape)
            Every k-th image of an array; the first images of anything else.

        Examples
        --------
        >>> import numpy as np
        >>> from ae_toolkit.data.streams import open_stream
        >>> stream = open_stream(np.zeros((10, 8, 8, 1), "float32"), batch_size=5, seed=0)
        >>> stream.look(300).shape
        (4, 8, 8, 1)
        """
        wanted, found, count = max(1, n_numbers // math.prod(self.image_shape)), [], 0
        with contextlib.closing(self._unread_batches()) as unread:
            for batch in self._checked(unread, 0):
                found.append(keras.ops.convert_to_numpy(batch))
                count += len(batch)
                if count >= wanted:
                    break
        return np.concatenate(found)[:wanted]

    def _unread_batches(self):
        """Yield the batches of the first epoch; those that were taken stay unread."""
        yield from self._batches(0)

    def epoch(self, number: int) -> Iterator[Any]:
        """Return the batches of an epoch, one by one.

        Parameters
        ----------
        number : int
            The epoch, counted from 0; it decides the order.

        Returns
        -------
        iterator of arrays or tensors of float32, shape (b, *image_shape)

        Raises
        ------
        ValueError
            If the images end too early or a batch is not as expected.
        RuntimeError
            If the source raises an error; it says in which epoch and batch.
        """
        return self._checked(self._batches(number), number)

    def _checked(self, batches, number):
        for step in range(self.steps_per_epoch):
            place = f"batch {step + 1} of {self.steps_per_epoch} in epoch {number + 1}"
            try:
                batch = next(batches)
            except StopIteration:
                raise ValueError(
                    f"expected {self.steps_per_epoch} batches per epoch, but the images ended before {place}"
                ) from None
            except Exception as error:
                raise RuntimeError(f"reading {place} failed: {type(error).__name__}: {error}") from error
            yield self._check(images_of(batch), place)

    def weighted_epoch(self, number: int) -> Iterator[tuple[Any, np.ndarray]]:
        """Return the batches of an epoch, each with the weights of its images in the loss.

        Parameters
        ----------
        number : int
            The epoch, counted from 0.

        Returns
        -------
        iterator of pairs
            A batch, as from `epoch`, and its weights: an array of float32, shape (b,), of
            ones where no `sample_weight` was given.
        """
        return ((batch, np.ones(len(batch), "float32")) for batch in self.epoch(number))

    def _batches(self, number):
        raise NotImplementedError

    def in_order(self, batch_size: int = 1024) -> Iterator[np.ndarray]:
        """Return all images, each once, batch by batch and in the source's own order; see `in_order`.

        Parameters
        ----------
        batch_size : int, default=1024
            For arrays and folders; a data set brings its own batches.

        Returns
        -------
        iterator of ndarray of float32, shape (b, *image_shape)

        Raises
        ------
        ValueError
            If the source is endless, or a batch is not as expected.
        RuntimeError
            If the source raises an error; it says in which batch.
        """
        return self._checked_in_order(self._in_order(batch_size))

    def _checked_in_order(self, batches):
        for number in itertools.count(1):
            place = f"batch {number} of the images in order"
            try:
                batch = next(batches)
            except StopIteration:
                return
            except Exception as error:
                raise RuntimeError(f"reading {place} failed: {type(error).__name__}: {error}") from error
            images = keras.ops.convert_to_numpy(self._check(images_of(batch), place))
            yield check_finite(images, "pixels", place)

    def _in_order(self, batch_size):
        raise NotImplementedError

    def description(self) -> dict[str, Any]:
        """Return what tells this source from another.

        Returns
        -------
        dict
            Plain JSON values.
        """
        return {
            "kind": type(self).__name__,
            "image_shape": list(self.image_shape),
            "steps": self.steps_per_epoch,
        }

    def _check(self, batch, place):
        if self.image_shape and tuple(batch.shape[1:]) != self.image_shape:
            raise ValueError(f"expected images of shape {self.image_shape} in {place}, got {tuple(batch.shape[1:])}")
        if len(batch) == 0:
            raise ValueError(f"expected at least one image in {place}, got none")
        if "float" not in str(batch.dtype):
            raise ValueError(
                f"expected floating-point pixels, customarily in [0, 1], in {place}, got {batch.dtype}. "
                "Scale them first, 8-bit images by 1 / 255."
            )
        return keras.ops.cast(batch, "float32") if keras.ops.is_tensor(batch) else np.asarray(batch, np.float32)


def _is_tf_data(source):
    return hasattr(source, "element_spec") and hasattr(source, "cardinality")
