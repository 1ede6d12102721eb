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
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit._validation import check_count
from ae_toolkit.data._reading import IMAGE_FILES as IMAGE_FILES
from ae_toolkit.data._reading import find_images, read_ahead, read_image


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
    if _is_tf_data(source):
        return _TFData(source, steps_per_epoch)
    if isinstance(source, keras.utils.PyDataset):
        return _PyData(source, steps_per_epoch)
    if isinstance(source, str | os.PathLike):
        return _Folder(source, batch_size, seed, steps_per_epoch)
    return _Array(source, batch_size, seed, steps_per_epoch, weights)


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
    array : ndarray or None
        All images, if they are in memory.
    weights : ndarray of float32, shape (n,), or None
        A factor for each image's loss, if they were given with an array.

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
    array: np.ndarray | None = None
    weights: np.ndarray | None = None

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
            yield self._check(_images(batch), place)

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

    def description(self) -> dict[str, Any]:
        """Return what tells this source from another.

        Returns
        -------
        dict
            Plain JSON values.
        """
        return {
            "kind": type(self).__name__.strip("_"),
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


class _Array(Stream):
    """An array in memory or mapped from a file; only a batch of it is copied at a time."""

    def __init__(self, images, batch_size, seed, steps_per_epoch=None, weights=None):
        self.array, self.seed, self.batch_size, self.weights = images, seed, min(batch_size, len(images)), weights
        self.image_shape = images.shape[1:]
        self.steps_per_epoch = _at_most(math.ceil(len(images) / self.batch_size), steps_per_epoch)

    def peek(self):
        return self.array

    def look(self, n_numbers):
        wanted = max(1, n_numbers // math.prod(self.image_shape))
        return np.asarray(self.array[:: math.ceil(len(self.array) / wanted)], np.float32)

    def epoch_indices(self, number):
        """Return the indices of an epoch's full batches, (steps, batch size), and of the smaller last one."""
        order = shuffled(len(self.array), self.seed, number)[: self.steps_per_epoch * self.batch_size]
        full = len(order) // self.batch_size * self.batch_size
        return order[:full].reshape(-1, self.batch_size), order[full:]

    def _indices(self, number):
        full, last = self.epoch_indices(number)
        return (*full, *([last] if len(last) else []))

    def _batches(self, number):
        return (self.array[indices] for indices in self._indices(number))

    def weighted_epoch(self, number):
        if self.weights is None:
            return super().weighted_epoch(number)
        return zip(self.epoch(number), (self.weights[indices] for indices in self._indices(number)), strict=False)

    def description(self):
        checksum = zlib.crc32(np.ascontiguousarray(self.array))
        if self.weights is not None:
            checksum = zlib.crc32(self.weights, checksum)
        shape = list(self.array.shape)
        return {**super().description(), "shape": shape, "batch_size": self.batch_size, "checksum": checksum}


class _Folder(Stream):
    """Image files, decoded a few batches ahead in threads."""

    def __init__(self, folder, batch_size, seed, steps_per_epoch=None):
        self.files = find_images(folder)
        self.seed, self.batch_size = seed, min(batch_size, len(self.files))
        self.image_shape = self._read(self.files[0]).shape
        self.steps_per_epoch = _at_most(math.ceil(len(self.files) / self.batch_size), steps_per_epoch)

    def _batches(self, number):
        order = shuffled(len(self.files), self.seed, number)

        def batch(step):
            chosen = order[step * self.batch_size : (step + 1) * self.batch_size]
            return np.stack([self._read(self.files[index]) for index in chosen])

        return read_ahead(batch, self.steps_per_epoch, workers=2)

    def description(self):
        names = repr([(file.name, file.stat().st_size) for file in self.files])
        found = {"files": len(self.files), "batch_size": self.batch_size, "checksum": zlib.crc32(names.encode())}
        return {**super().description(), **found}

    def _read(self, file):
        array = read_image(file)
        if self.image_shape and array.shape != self.image_shape:
            first = self.files[0].name
            raise ValueError(f"expected images of shape {self.image_shape} as in {first}, got {array.shape} in {file}")
        return array


class _PyData(Stream):
    """A Keras PyDataset, its batches asked for ahead of time in its own number of threads."""

    def __init__(self, source, steps_per_epoch):
        length = source.num_batches
        if length is None and steps_per_epoch is None:
            raise ValueError("expected steps_per_epoch, since the PyDataset does not say how many batches it has")
        self.source, self.steps_per_epoch = source, _at_most(length, steps_per_epoch)
        if not self.steps_per_epoch:
            raise ValueError("expected a PyDataset with at least one batch, got an empty one")
        self._first = _images(source[0])
        self.image_shape = tuple(self._first.shape[1:])

    def peek(self):
        return self._check(self._first, "the first batch")

    def _unread_batches(self):
        yield self._first
        yield from map(self.source.__getitem__, range(1, self.steps_per_epoch))

    def _batches(self, number):
        self.source.on_epoch_begin()
        for step, batch in enumerate(read_ahead(self.source.__getitem__, self.steps_per_epoch, self.source.workers)):
            if step + 1 == self.steps_per_epoch:  # nobody asks for more than the last batch
                self.source.on_epoch_end()
            yield batch


class _TFData(Stream):
    """A tf.data.Dataset: an endless one continues from epoch to epoch, others begin anew."""

    def __init__(self, source, steps_per_epoch):
        length = int(source.cardinality())
        if length < 0 and steps_per_epoch is None:
            kind = "endless" if length == -1 else "of unknown length"
            raise ValueError(f"expected steps_per_epoch, since the tf.data.Dataset is {kind}")
        self.source, self.steps_per_epoch = source, _at_most(length if length >= 0 else None, steps_per_epoch)
        if not self.steps_per_epoch:
            raise ValueError("expected a tf.data.Dataset with at least one batch, got an empty one")
        self._endless = iter(source) if length == -1 else None
        shape = getattr(_images(source.element_spec), "shape", None)
        if shape is None or shape.rank is None or not shape[1:].is_fully_defined():
            shape = _images(self._next_unread()).shape
        self.image_shape = tuple(shape[1:])

    def peek(self):
        return self._check(_images(self._next_unread()), "the first batch")

    def _next_unread(self):
        """Return the next batch; of an endless data set it is put back."""
        if self._endless is None:
            return next(iter(self.source))
        batch = next(self._endless)
        self._endless = itertools.chain([batch], self._endless)
        return batch

    def _unread_batches(self):
        if self._endless is None:
            yield from self.source
            return
        taken = []
        try:
            for batch in self._endless:
                taken.append(batch)
                yield batch
        finally:
            self._endless = itertools.chain(taken, self._endless)

    def _batches(self, number):
        return self._endless or iter(self.source)


def _is_tf_data(source):
    return hasattr(source, "element_spec") and hasattr(source, "cardinality")


def _images(batch):
    """Return the images of a batch that may carry labels behind them."""
    return batch[0] if isinstance(batch, tuple | list) else batch


def _at_most(steps, wanted):
    """Return how many batches make an epoch: all there are, or fewer if fewer are wanted."""
    if wanted is None:
        return steps
    wanted = check_count(wanted, "steps_per_epoch", whole_floats=False)
    if steps is not None and wanted > steps:
        raise ValueError(f"expected steps_per_epoch to be at most the {steps} batches there are, got {wanted}")
    return wanted
