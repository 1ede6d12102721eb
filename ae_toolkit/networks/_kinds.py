"""The kinds of networks: each function returns the hidden layers of an encoder, and a decoder's layers.

A new kind is a function here and a line in `HALVES`. The order in which a function takes
initializers decides which weights a seed gives: keep it, and equal seeds go on giving equal
networks.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ae_toolkit._keras import keras
from ae_toolkit.networks.layers import FromPatches, ResidualBlock, TiedDense, ToPatches

layers = keras.layers


@dataclass(frozen=True)
class Specification:
    """What an encoder and its decoder are to be like, whatever the kind of network.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels), (height, width), or (pixels,) for flat images.
    hidden_units : tuple of int or None
        As in `ae_toolkit.networks.build`; None leaves the choice to the kind of network.
    activation, output_activation : str
        Of the hidden layers, and of the reconstruction.
    dtype : str
        Keras's name of what layers compute in, such as ``"mixed_bfloat16"``.
    tied : bool
        Whether the decoder's kernels are the encoder's, transposed. Dense networks only.
    """

    image_shape: tuple[int, ...]
    hidden_units: tuple[int, ...] | None
    activation: str
    output_activation: str
    dtype: str
    tied: bool

    @property
    def picture_shape(self) -> tuple[int, ...]:
        """Height, width and channels of an image that is not flat."""
        return self.image_shape if len(self.image_shape) == 3 else (*self.image_shape, 1)


def default_hidden_units(n_pixels: int) -> tuple[int, int]:
    """Return two layer widths for an image of `n_pixels` numbers.

    The first is the largest power of two that does not exceed the image, within 256 to
    1,024; the second is half of it.

    Parameters
    ----------
    n_pixels : int
        Height × width × channels.

    Returns
    -------
    tuple of int
        The widths, from the image to the code.

    Examples
    --------
    >>> from ae_toolkit.networks import default_hidden_units
    >>> default_hidden_units(28 * 28), default_hidden_units(8 * 8)
    ((512, 256), (256, 128))
    """
    width = min(1024, max(256, 2 ** int(math.log2(max(n_pixels, 2)))))
    return width, width // 2


def dense(spec: Specification, initializers: Iterator[Any]) -> tuple[list[Any], list[Any]]:
    """Return dense layers over the flattened pixels, and their mirror image."""
    n_pixels = math.prod(spec.image_shape)
    widths = default_hidden_units(n_pixels) if spec.hidden_units is None else spec.hidden_units

    def plain(size, activation):
        return layers.Dense(size, activation, kernel_initializer=next(initializers), dtype=spec.dtype)

    def mirrored(size, activation):
        return TiedDense(size, activation, dtype=spec.dtype) if spec.tied else plain(size, activation)

    image = mirrored(n_pixels, spec.output_activation)
    down = [plain(size, spec.activation) for size in widths]
    up = [mirrored(size, spec.activation) for size in widths[::-1]]
    if len(spec.image_shape) == 1:
        return down, [*up, image, *_to_float32(spec.dtype)]
    return [layers.Flatten(), *down], [*up, image, layers.Reshape(spec.image_shape, dtype="float32")]


def conv(spec: Specification, initializers: Iterator[Any]) -> tuple[list[Any], list[Any]]:
    """Return 3×3 convolutions, each of which halves the picture, and transposed ones, each of which doubles it."""
    height, width, channels = spec.picture_shape
    filters = _default_filters(height, width) if spec.hidden_units is None else spec.hidden_units

    def convolution(kind, count, activation):
        return kind(
            count,
            3,
            strides=2,
            padding="same",
            activation=activation,
            kernel_initializer=next(initializers),
            dtype=spec.dtype,
        )

    down = [convolution(layers.Conv2D, count, spec.activation) for count in filters]
    up = [*_to_grid(spec, filters, initializers)]
    sizes = _halved(height, width, len(filters))
    for stage in range(len(filters), 0, -1):  # from the smallest picture to the image itself
        last = stage == 1
        count, activation = (channels, spec.output_activation) if last else (filters[stage - 2], spec.activation)
        up.append(convolution(layers.Conv2DTranspose, count, activation))
        (rows, columns), (wanted_rows, wanted_columns) = sizes[stage], sizes[stage - 1]
        beyond = (2 * rows - wanted_rows, 2 * columns - wanted_columns)  # an odd side comes out one pixel too long
        if any(beyond):
            up.append(layers.Cropping2D(((0, beyond[0]), (0, beyond[1]))))
    return _for_pictures(spec, [*down, layers.Flatten()], up)


def _default_filters(height, width):
    """Return 32, 64, 128, 128, ... filters: as many stages as make the shorter side about 8 pixels."""
    stages = max(1, math.ceil(math.log2(min(height, width) / 8)))
    return tuple(32 * 2 ** min(stage, 2) for stage in range(stages))


def _halved(height, width, times):
    """Return the sizes of a picture before and after each stage, rounded up as "same" padding does."""
    sizes = [(height, width)]
    for _ in range(times):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def _to_grid(spec, filters, initializers):
    """Return the layers that make a code the smallest picture; without convolutions it is the image."""
    height, width, channels = spec.picture_shape
    grid = (*_halved(height, width, len(filters))[-1], filters[-1] if filters else channels)
    activation = spec.activation if filters else spec.output_activation
    enlarge = layers.Dense(math.prod(grid), activation, kernel_initializer=next(initializers), dtype=spec.dtype)
    return enlarge, layers.Reshape(grid, dtype=spec.dtype)


def patch(spec: Specification, initializers: Iterator[Any]) -> tuple[list[Any], list[Any]]:
    """Return residual blocks of 3×3 convolutions on a grid of about 7×7 patches, for either direction."""
    height, width, channels = spec.picture_shape
    widths = (32, 32) if spec.hidden_units is None else spec.hidden_units
    if len(set(widths)) != 1:
        raise ValueError(f"expected hidden_units to be equal widths, one per residual block, got {widths}")
    side = max(2, round(max(height, width) / 7))
    grid = (-(-height // side), -(-width // side), widths[0])

    def linear(size, activation=None):
        return layers.Dense(size, activation, kernel_initializer=next(initializers), dtype=spec.dtype)

    def blocks():
        return [
            *(ResidualBlock(spec.activation, dtype=spec.dtype) for _ in widths),
            layers.Activation(spec.activation, dtype=spec.dtype),
        ]

    down = [ToPatches(side, dtype=spec.dtype), linear(widths[0]), *blocks(), layers.Flatten()]
    up = [
        linear(math.prod(grid)),
        layers.Reshape(grid, dtype=spec.dtype),
        *blocks(),
        linear(side * side * channels, spec.output_activation),
        FromPatches(spec.picture_shape, side, dtype=spec.dtype),
    ]
    return _for_pictures(spec, down, up)


def _for_pictures(spec, down, up):
    """Return the layers between others that add a grey picture's axis of channels and take it away again."""
    up = [*up, *_to_float32(spec.dtype)]
    if len(spec.image_shape) == 3:
        return down, up
    return [layers.Reshape(spec.picture_shape), *down], [*up, layers.Reshape(spec.image_shape)]


def _to_float32(dtype):
    return [] if dtype == "float32" else [layers.Activation("linear", dtype="float32")]


#: The function of each kind of network.
HALVES = {"dense": dense, "conv": conv, "patch": patch}
