"""Randomly transformed images, drawn anew for each batch inside the compiled training step."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from ae_toolkit._keras import keras

ops = keras.ops


@keras.saving.register_keras_serializable(package="ae_toolkit")
class RandomAffine(keras.layers.Layer):
    """Rotate, scale, shear and shift a fraction of each batch by random amounts.

    Parameters
    ----------
    rotation : float, default=0
        Largest angle, in degrees, either way.
    scale : float, default=0
        Largest change of size: 0.1 draws factors between 0.9 and 1.1.
    shear : float, default=0
        Largest angle of the shear, in degrees, either way.
    shift : float, default=0
        Largest shift as a fraction of the image's side, along each axis.
    fraction : float, default=0.5
        The fraction of each batch that is transformed; the other images stay as they are.
    seed : int, optional
        Seeds the random amounts.

    Raises
    ------
    ValueError
        If an amount is negative or too large to leave an image.

    Notes
    -----
    Pixels between grid points are interpolated linearly; pixels from outside the image are 0.
    In inference the layer does nothing.

    References
    ----------
    Simard, P. Y., Steinkraus, D. and Platt, J. C. (2003). Best practices for
    convolutional neural networks applied to visual document analysis. ICDAR, 958-963.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.data.augmentation import RandomAffine
    >>> layer = RandomAffine(rotation=10, shift=0.1, seed=0)
    >>> images = np.random.default_rng(0).random((4, 8, 8, 1))
    >>> transformed = np.asarray(layer(images, training=True))
    >>> [bool(np.allclose(a, b)) for a, b in zip(images, transformed)]
    [False, False, True, True]
    """

    #: The largest value of each amount; beyond it little of an image would be left.
    LIMITS = {"rotation": 180, "scale": 0.9, "shear": 60, "shift": 1, "fraction": 1}

    def __init__(
        self,
        rotation: float = 0.0,
        scale: float = 0.0,
        shear: float = 0.0,
        shift: float = 0.0,
        fraction: float = 0.5,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.amounts = {"rotation": rotation, "scale": scale, "shear": shear, "shift": shift, "fraction": fraction}
        for name, value in self.amounts.items():
            if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value <= self.LIMITS[name]:
                raise ValueError(f"expected {name} to be a number from 0 to {self.LIMITS[name]}, got {value!r}")
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, images: Any, training: bool = False) -> Any:
        if not training:
            return images
        if len(images.shape) == 3:  # grey images without a channel axis
            return self.call(images[..., None], training=True)[..., 0]
        if self.amounts["fraction"] == 1:
            transforms = self._transforms(images, ops.shape(images)[0])
            return ops.image.affine_transform(images, transforms, fill_mode="constant")
        n = self._n_transformed(ops.shape(images)[0])
        transformed = ops.image.affine_transform(images[:n], self._transforms(images, n), fill_mode="constant")
        return ops.concatenate([transformed, images[n:]])

    def _n_transformed(self, n: Any) -> Any:
        """Return how many of n images are transformed; n is a tensor where a batch has no fixed size."""
        if isinstance(n, int):
            return round(n * self.amounts["fraction"])
        return ops.cast(ops.round(ops.cast(n, "float32") * self.amounts["fraction"]), "int32")

    def _transforms(self, images: Any, count: Any) -> Any:
        """Return for each of `count` images the eight numbers that take a point of the result to its source."""
        return self._transforms_by(keras.random.uniform((5, count), -1, 1, seed=self.generator), images)

    def _transforms_by(self, u: Any, images: Any) -> Any:
        """Return these numbers for parts from -1 to 1 of the largest rotation, shear, scale and shifts, (5, count)."""
        height, width = images.shape[1:3]
        angle, shear = (u[i] * math.radians(self.amounts[name]) for i, name in enumerate(("rotation", "shear")))
        size = 1 / (1 + u[2] * self.amounts["scale"])
        right, down = u[3] * self.amounts["shift"] * width, u[4] * self.amounts["shift"] * height
        a, b = size * ops.cos(angle), size * (ops.sin(angle) + ops.tan(shear) * ops.cos(angle))
        c, d = -size * ops.sin(angle), size * (ops.cos(angle) - ops.tan(shear) * ops.sin(angle))
        # About the centre of the image, not about its corner.
        x, y = (width - 1) / 2, (height - 1) / 2
        zero = ops.zeros_like(a)
        columns = [a, b, x - a * (x + right) - b * (y + down), c, d, y - c * (x + right) - d * (y + down), zero, zero]
        return ops.stack(columns, axis=1)

    def transform_alike(self, images: Any, parts: Sequence[float]) -> Any:
        """Return all images transformed in one and the same way.

        Parameters
        ----------
        images : tensor of float32, shape (n, height, width[, channels])
            Others are made float32.
        parts : sequence of five floats from -1 to 1
            Which part of the largest rotation, shear, change of size, shift to the right and shift down.

        Returns
        -------
        tensor of the shape of `images`

        Examples
        --------
        >>> import numpy as np
        >>> from ae_toolkit.data.augmentation import RandomAffine
        >>> images = np.eye(4, dtype="float32")[None, ..., None]
        >>> down = RandomAffine(shift=0.25).transform_alike(images, (0, 0, 0, 0, 1))
        >>> bool(np.allclose(down[0, 1:, :, 0], images[0, :3, :, 0]))
        True
        """
        if len(images.shape) == 3:  # grey images without a channel axis
            return self.transform_alike(images[..., None], parts)[..., 0]
        images = ops.convert_to_tensor(images, "float32")
        # One transformation is a fixed choice of pixels, which an ONNX file can hold; `affine_transform` it cannot.
        height, width, channels = images.shape[1:]
        u = ops.reshape(ops.convert_to_tensor(parts, "float32"), (5, 1))
        a, b, right, c, d, down, *_ = ops.unstack(self._transforms_by(u, images)[0])
        x, y = ops.meshgrid(ops.arange(width, dtype="float32"), ops.arange(height, dtype="float32"))
        column, row = a * x + b * y + right, c * x + d * y + down
        pixels, result = ops.reshape(images, (-1, height * width, channels)), 0.0
        for near_row in (ops.floor(row), ops.floor(row) + 1):
            for near_column in (ops.floor(column), ops.floor(column) + 1):
                is_inside = (near_row >= 0) & (near_row < height) & (near_column >= 0) & (near_column < width)
                place = ops.clip(near_row, 0, height - 1) * width + ops.clip(near_column, 0, width - 1)
                share = (1 - ops.abs(row - near_row)) * (1 - ops.abs(column - near_column))
                share = ops.reshape(ops.where(is_inside, share, 0.0), (-1, 1))
                result += share * ops.take(pixels, ops.cast(ops.reshape(place, (-1,)), "int32"), axis=1)
        return ops.reshape(result, (-1, height, width, channels))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.amounts, "seed": self.seed}


@keras.saving.register_keras_serializable(package="ae_toolkit")
class Binarize(keras.layers.Layer):
    """Draw each pixel black or white, with its grey value as the probability of white; in training only.

    Parameters
    ----------
    seed : int, optional
        Seeds the draws.

    References
    ----------
    Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). Importance weighted autoencoders. ICLR.

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit.data.augmentation import Binarize
    >>> grey = ops.full((1, 1000), 0.25)
    >>> drawn = Binarize(seed=0)(grey, training=True)
    >>> 0.2 < float(ops.mean(drawn)) < 0.3, float(ops.max(drawn))
    (True, 1.0)
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed, self.generator = seed, keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, images: Any, training: bool = False) -> Any:
        if not training:
            return images
        drawn = keras.random.uniform(ops.shape(images), dtype=images.dtype, seed=self.generator)
        return ops.cast(drawn < images, images.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
