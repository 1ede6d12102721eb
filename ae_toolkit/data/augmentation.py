"""Slightly moved copies of images, made anew for each batch inside the compiled training step."""

import math
from numbers import Real

from ae_toolkit._keras import keras

ops = keras.ops


@keras.saving.register_keras_serializable(package="ae_toolkit")
class RandomAffine(keras.layers.Layer):
    """Rotate, scale, shear and shift a part of each batch by random amounts.

    Parameters
    ----------
    rotation : float, default=0
        Largest angle, in degrees, either way.
    scale : float, default=0
        Largest change of size: 0.1 draws factors between 0.9 and 1.1.
    shear : float, default=0
        Largest angle of the shear, in degrees, either way.
    shift : float, default=0
        Largest move as a fraction of the image's side, along each axis.
    fraction : float, default=0.5
        The part of each batch that is moved; the rest stays as it is.
    seed : int, optional
        Seeds the amounts.

    Raises
    ------
    ValueError
        If an amount is negative or too large to leave an image.

    Notes
    -----
    Pixels between grid points are interpolated linearly; what comes in from outside is 0.
    In inference the layer does nothing.

    References
    ----------
    Simard, P. Y., Steinkraus, D. and Platt, J. C. (2003). Best practices for
    convolutional neural networks applied to visual document analysis. ICDAR, 958-963.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.data.augmentation import RandomAffine
    >>> move = RandomAffine(rotation=10, shift=0.1, seed=0)
    >>> images = np.random.default_rng(0).random((4, 8, 8, 1))
    >>> moved = np.asarray(move(images, training=True))
    >>> [bool(np.allclose(a, b)) for a, b in zip(images, moved)]
    [False, False, True, True]
    """

    LIMITS = {"rotation": 180, "scale": 0.9, "shear": 60, "shift": 1, "fraction": 1}

    def __init__(self, rotation=0.0, scale=0.0, shear=0.0, shift=0.0, fraction=0.5, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.amounts = {"rotation": rotation, "scale": scale, "shear": shear, "shift": shift, "fraction": fraction}
        for name, value in self.amounts.items():
            if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value <= self.LIMITS[name]:
                raise ValueError(f"expected {name} to be a number from 0 to {self.LIMITS[name]}, got {value!r}")
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, images, training=False):
        if not training:
            return images
        if len(images.shape) == 3:  # grey pictures without a channel axis
            return self.call(images[..., None], training=True)[..., 0]
        count = self._count(ops.shape(images)[0])
        moved = ops.image.affine_transform(images[:count], self._transforms(images, count), fill_mode="constant")
        return ops.concatenate([moved, images[count:]])

    def _count(self, n):
        """Return how many of n images are moved; n is a number, or a tensor where a batch has no fixed size."""
        if isinstance(n, int):
            return round(n * self.amounts["fraction"])
        return ops.cast(ops.round(ops.cast(n, "float32") * self.amounts["fraction"]), "int32")

    def _transforms(self, images, count):
        """Return for each image the eight numbers that take a point of the result to its source."""
        height, width = images.shape[1:3]
        u = keras.random.uniform((5, count), -1, 1, seed=self.generator)
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

    def get_config(self):
        return {**super().get_config(), **self.amounts, "seed": self.seed}


@keras.saving.register_keras_serializable(package="ae_toolkit")
class Binarize(keras.layers.Layer):
    """Draw each pixel black or white, with its grey value as the probability of white; in training only.

    Parameters
    ----------
    seed : int, optional

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

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed, self.generator = seed, keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, images, training=False):
        if not training:
            return images
        drawn = keras.random.uniform(ops.shape(images), dtype=images.dtype, seed=self.generator)
        return ops.cast(drawn < images, images.dtype)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
