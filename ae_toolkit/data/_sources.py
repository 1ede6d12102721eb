"""The kinds of streams: an array, a folder of image files, a Keras PyDataset, a tf.data.Dataset.

`ae_toolkit.data.streams` has what they share, and chooses among them.
"""

import itertools
import math
import zlib

import numpy as np

from ae_toolkit._validation import check_count
from ae_toolkit.data._reading import find_images, images_of, read_ahead, read_image
from ae_toolkit.data.streams import Stream, shuffled


class Array(Stream):
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
        for indices in self._indices(number):
            yield self.array[indices] if self.labels is None else (self.array[indices], self.labels[indices])

    def weighted_epoch(self, number):
        if self.weights is None:
            return super().weighted_epoch(number)
        return zip(self.epoch(number), self.weights_of(number), strict=False)

    def weights_of(self, number):
        """Return the weights of an epoch's batches, one by one."""
        return (self.weights[indices] for indices in self._indices(number))

    def _in_order(self, batch_size):
        return (self.array[start : start + batch_size] for start in range(0, len(self.array), batch_size))

    def description(self):
        checksum = zlib.crc32(np.ascontiguousarray(self.array))
        if self.weights is not None:
            checksum = zlib.crc32(self.weights, checksum)
        shape = list(self.array.shape)
        return {**super().description(), "shape": shape, "batch_size": self.batch_size, "checksum": checksum}


class Folder(Stream):
    """Image files, decoded a few batches ahead in threads; each with the name of its subfolder, or -1 without one."""

    def __init__(self, folder, batch_size, seed, steps_per_epoch=None):
        self.files = find_images(folder)
        places = [file.relative_to(folder).parts[:-1] for file in self.files]
        self.class_names = np.array([place[0] if place else -1 for place in places], dtype=object)
        self.seed, self.batch_size = seed, min(batch_size, len(self.files))
        self.image_shape = self._read(self.files[0]).shape
        self.steps_per_epoch = _at_most(math.ceil(len(self.files) / self.batch_size), steps_per_epoch)

    def _batches(self, number):
        order = shuffled(len(self.files), self.seed, number)

        def batch(step):
            chosen = order[step * self.batch_size : (step + 1) * self.batch_size]
            return np.stack([self._read(self.files[index]) for index in chosen]), self.class_names[chosen]

        return read_ahead(batch, self.steps_per_epoch, workers=2)

    def _in_order(self, batch_size):
        def batch(step):
            chosen = slice(step * batch_size, (step + 1) * batch_size)
            return np.stack([self._read(file) for file in self.files[chosen]]), self.class_names[chosen]

        return read_ahead(batch, math.ceil(len(self.files) / batch_size), workers=2)

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


class PyData(Stream):
    """A Keras PyDataset, its batches asked for ahead of time in its own number of threads."""

    def __init__(self, source, steps_per_epoch):
        length = source.num_batches
        if length is None and steps_per_epoch is None:
            raise ValueError("expected steps_per_epoch, since the PyDataset does not say how many batches it has")
        self.source, self.steps_per_epoch = source, _at_most(length, steps_per_epoch)
        if not self.steps_per_epoch:
            raise ValueError("expected a PyDataset with at least one batch, got an empty one")
        self._first = source[0]
        self.image_shape = tuple(images_of(self._first).shape[1:])

    def peek(self):
        return self._check(images_of(self._first), "the first batch")

    def _unread_batches(self):
        yield self._first
        yield from map(self.source.__getitem__, range(1, self.steps_per_epoch))

    def _batches(self, number):
        self.source.on_epoch_begin()
        for step, batch in enumerate(read_ahead(self.source.__getitem__, self.steps_per_epoch, self.source.workers)):
            if step + 1 == self.steps_per_epoch:  # nobody asks for more than the last batch
                self.source.on_epoch_end()
            yield batch

    def _in_order(self, batch_size):
        if self.source.num_batches is None:
            raise ValueError("expected a PyDataset that says how many batches it has, to read each image once")
        return read_ahead(self.source.__getitem__, self.source.num_batches, self.source.workers)


class TFData(Stream):
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
        shape = getattr(images_of(source.element_spec), "shape", None)
        if shape is None or shape.rank is None or not shape[1:].is_fully_defined():
            shape = images_of(self._next_unread()).shape
        self.image_shape = tuple(shape[1:])

    def peek(self):
        return self._check(images_of(self._next_unread()), "the first batch")

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

    def _in_order(self, batch_size):
        if self._endless is not None:
            raise ValueError("expected a tf.data.Dataset with an end, to read each image once, got an endless one")
        return iter(self.source)


def _at_most(steps, wanted):
    """Return how many batches make an epoch: all there are, or fewer if fewer are wanted."""
    if wanted is None:
        return steps
    wanted = check_count(wanted, "steps_per_epoch", whole_floats=False)
    if steps is not None and wanted > steps:
        raise ValueError(f"expected steps_per_epoch to be at most the {steps} batches there are, got {wanted}")
    return wanted
