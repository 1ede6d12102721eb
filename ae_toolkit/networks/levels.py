"""Networks whose code has several levels: each part of it is added to what the parts before were decoded to.

The decoder makes a small picture of the code's first part; then it adds the second part to
that picture, lets residual blocks work on it, adds the third part, and so on. The encoder
looks at an image once, and then follows the decoder: what it says about a part depends on
the image *and* on what the parts before were decoded to. Both halves of the ladder
(Sønderby et al., 2016; Child, 2021) are made of the ``"patch"`` network's layers.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit._validation import check_count, check_counts
from ae_toolkit.networks.builder import PRECISIONS, initializers_from, resolve
from ae_toolkit.networks.layers import FromPatches, ResidualBlock, ToPatches

layers, ops = keras.layers, keras.ops

#: Channels of the small pictures, if no widths are given.
DEFAULT_WIDTH = 32


@dataclass(frozen=True)
class Levels:
    """The parts of an encoder and a decoder that share a ladder; first come those of the code's first part.

    Parameters
    ----------
    features : keras.Model, (n, *image_shape) -> list of (n, rows, columns, width)
        What the encoder sees in images, one small picture for each level.
    posteriors : list of keras.Model
        From a level's features, and for all but the first also what the levels before were
        decoded to, to the means and log-variances of its part of the code, (n, 2 * size).
    stages : list of keras.Model
        From a level's part of the code, (n, size), and for all but the first also what the
        levels before were decoded to, to a small picture; the last one to the image.

    Examples
    --------
    >>> from ae_toolkit.networks import Levels, build_levels
    >>> levels = build_levels((8, 8, 1), code_dim=4, n_levels=2)
    >>> Levels.from_config(levels.get_config()).sizes
    [2, 2]
    """

    features: Any
    posteriors: list[Any]
    stages: list[Any]

    @property
    def sizes(self) -> list[int]:
        """How many numbers each part of the code has."""
        return [posterior.output_shape[-1] // 2 for posterior in self.posteriors]

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` makes them of, as Keras's objects do.

        Returns
        -------
        dict
        """
        serialize = keras.saving.serialize_keras_object
        return {
            "features": serialize(self.features),
            "posteriors": [serialize(part) for part in self.posteriors],
            "stages": [serialize(part) for part in self.stages],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Levels":
        """Return such parts, with new weights.

        Parameters
        ----------
        config : dict
            As `get_config` returns it.

        Returns
        -------
        Levels
        """
        deserialize = keras.saving.deserialize_keras_object
        return cls(
            deserialize(config["features"]),
            [deserialize(part) for part in config["posteriors"]],
            [deserialize(part) for part in config["stages"]],
        )


def build_levels(
    image_shape: Sequence[int],
    code_dim: int,
    n_levels: int,
    hidden_units: Iterable[int] | None = None,
    activation: str = "silu",
    output_activation: str = "linear",
    seed: int = 0,
    precision: str = "float32",
) -> Levels:
    """Return the parts of an encoder and a decoder whose code has several levels.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels) or (height, width), of pictures.
    code_dim : int
        Length of the code: of all its parts, which are of equal size, or differ by one number.
    n_levels : int
        How many parts the code has, at least 2.
    hidden_units : sequence of int, optional
        Widths of the residual blocks, all equal and at least one per level. By default one
        block of 32 per level.
    activation, output_activation : str
        Keras activation of the hidden layers and of the image.
    seed : int
        Seeds the initial weights; no global random state is read or changed.
    precision : {"float32", "bfloat16"}, default="float32"
        What layers compute in. Weights, codes and images are float32 either way.

    Returns
    -------
    Levels

    Raises
    ------
    ValueError
        If a parameter is not as described, or there are fewer numbers or blocks than levels.

    References
    ----------
    Sønderby, C. K. et al. (2016). Ladder variational autoencoders. NeurIPS.

    Child, R. (2021). Very deep VAEs generalize autoregressive models and can outperform them
    on images. ICLR.

    Examples
    --------
    >>> from ae_toolkit.networks import build_levels, join_levels
    >>> levels = build_levels((8, 8, 1), code_dim=5, n_levels=2)
    >>> levels.sizes
    [3, 2]
    >>> encoder, decoder = join_levels(levels)
    >>> encoder.output_shape, decoder.output_shape
    ((None, 10), (None, 8, 8, 1))
    """
    image_shape = check_counts(image_shape, "image_shape")
    resolve("patch", image_shape)
    code_dim, n_levels = check_count(code_dim, "code_dim"), check_count(n_levels, "n_levels", minimum=2)
    widths = (DEFAULT_WIDTH,) * n_levels if hidden_units is None else check_counts(hidden_units, "hidden_units")
    if code_dim < n_levels:
        raise ValueError(f"expected at least one number for each of n_levels={n_levels}, got code_dim={code_dim}")
    if len(widths) < n_levels or len(set(widths)) != 1:
        raise ValueError(
            f"expected hidden_units to be equal widths, at least one residual block for each of n_levels={n_levels}, "
            f"got {widths}"
        )
    make = _Maker(image_shape, widths[0], activation, output_activation, PRECISIONS[precision], seed)
    blocks, sizes = _shares(len(widths), n_levels), _shares(code_dim, n_levels)
    return Levels(
        make.features(blocks),
        [make.posterior(size, first=level == 0) for level, size in enumerate(sizes)],
        [
            make.stage(level, *part, last=level == n_levels - 1)
            for level, part in enumerate(zip(sizes, blocks, strict=True))
        ],
    )


def _shares(total, parts):
    """Return whole numbers that add up to a total, as equal as can be, the larger ones first."""
    return [len(share) for share in np.array_split(np.arange(total), parts)]


class _Maker:
    """Makes the parts of `Levels`, all for the same images."""

    def __init__(self, image_shape, width, activation, output_activation, dtype, seed):
        self.image_shape, self.width, self.dtype = image_shape, width, dtype
        self.activation, self.output_activation = activation, output_activation
        self.picture_shape = image_shape if len(image_shape) == 3 else (*image_shape, 1)
        height, width, _ = self.picture_shape
        self.side = max(2, round(max(height, width) / 7))
        self.grid = (-(-height // self.side), -(-width // self.side), self.width)
        self.initializers = initializers_from(seed)

    def features(self, blocks):
        images = layers.Input(self.image_shape)
        pictures = layers.Reshape(self.picture_shape)(images)
        pictures = self._dense(self.width)(ToPatches(self.side, dtype=self.dtype)(pictures))
        found = []
        for n_blocks in reversed(blocks):  # the last level is nearest to the image
            pictures = self._blocks(n_blocks)(pictures)
            found.append(pictures)
        return keras.Model(images, found[::-1], name="features")

    def posterior(self, size, first):
        seen = layers.Input(self.grid)
        if first:
            inputs, pictures = seen, seen
        else:
            decoded = layers.Input(self.grid)
            inputs = [decoded, seen]
            pictures = self._dense(self.width)(layers.Concatenate(dtype=self.dtype)(inputs))
        pictures = layers.Activation(self.activation, dtype=self.dtype)(pictures)
        return keras.Model(inputs, self._dense(2 * size, "float32")(layers.Flatten()(pictures)))

    def stage(self, level, size, n_blocks, last):
        part = layers.Input((size,))
        pictures = layers.Reshape(self.grid, dtype=self.dtype)(self._dense(math.prod(self.grid))(part))
        if level == 0:
            inputs = part
        else:
            decoded = layers.Input(self.grid)
            inputs = [decoded, part]
            pictures = layers.Add(dtype=self.dtype)([decoded, pictures])
        pictures = self._blocks(n_blocks)(pictures)
        return keras.Model(inputs, self._image(pictures) if last else pictures)

    def _image(self, pictures):
        pictures = layers.Activation(self.activation, dtype=self.dtype)(pictures)
        pixels = self._dense(self.side**2 * self.picture_shape[-1], activation=self.output_activation)(pictures)
        images = FromPatches(self.picture_shape, self.side, dtype=self.dtype)(pixels)
        return layers.Reshape(self.image_shape, dtype="float32")(images)

    def _blocks(self, count):
        return keras.Sequential([ResidualBlock(self.activation, dtype=self.dtype) for _ in range(count)])

    def _dense(self, units, dtype=None, activation=None):
        return layers.Dense(
            units, activation, kernel_initializer=next(self.initializers), dtype=self.dtype if dtype is None else dtype
        )


def join_levels(levels: Levels) -> tuple[Any, Any]:
    """Return the encoder and the decoder that are made of the parts, and share their weights.

    Parameters
    ----------
    levels : Levels

    Returns
    -------
    encoder : keras.Model, (n, *image_shape) -> (n, 2 * code_dim)
        Returns all means, and then all log-variances; those of each part for the case that
        the parts before are at their means.
    decoder : keras.Model, (n, code_dim) -> (n, *image_shape)

    Examples
    --------
    >>> from ae_toolkit.networks import build_levels, join_levels
    >>> encoder, decoder = join_levels(build_levels((8, 8, 1), code_dim=4, n_levels=2))
    >>> shared = {id(weight) for weight in encoder.weights} & {id(weight) for weight in decoder.weights}
    >>> len(shared) > 0  # the encoder decodes the parts before
    True
    """
    images = layers.Input(levels.features.input_shape[1:])
    features, decoded, means, log_variances = levels.features(images), None, [], []
    for posterior, stage, seen in zip(levels.posteriors, levels.stages, features, strict=True):
        statistics = posterior(seen if decoded is None else [decoded, seen])
        size = statistics.shape[-1] // 2
        means.append(statistics[:, :size])
        log_variances.append(statistics[:, size:])
        if stage is not levels.stages[-1]:
            decoded = stage(means[-1] if decoded is None else [decoded, means[-1]])
    encoder = keras.Model(images, layers.Concatenate()([*means, *log_variances]), name="encoder")

    codes = layers.Input((sum(levels.sizes),))
    decoded, begin = None, 0
    for size, stage in zip(levels.sizes, levels.stages, strict=True):
        part, begin = codes[:, begin : begin + size], begin + size
        decoded = stage(part if decoded is None else [decoded, part])
    return encoder, keras.Model(codes, decoded, name="decoder")
