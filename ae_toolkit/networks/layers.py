"""Layers that Keras does not have: tied weights, patches, a residual block, clipping, corruption."""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

from ae_toolkit._keras import keras
from ae_toolkit._validation import check_count, check_counts

ops = keras.ops


@keras.saving.register_keras_serializable(package="ae_toolkit")
class TiedDense(keras.layers.Layer):
    """A dense layer whose kernel is another's, transposed; it has a bias of its own.

    Parameters
    ----------
    units : int
        How many numbers it returns per image.
    activation : str, optional
        Keras's name of an activation; linear by default.

    Raises
    ------
    ValueError
        If `units` is not a positive integer, or there is no such activation.
    RuntimeError
        If it is called before `tie`.

    References
    ----------
    Vincent, P. et al. (2008). Extracting and composing robust features with denoising
    autoencoders. ICML, 1096-1103.

    Examples
    --------
    >>> import keras
    >>> from keras import ops
    >>> from ae_toolkit.networks.layers import TiedDense
    >>> dense = keras.layers.Dense(2, kernel_initializer="ones")
    >>> dense.build((None, 3))
    >>> layer = TiedDense(3)
    >>> layer.tie(dense)
    >>> float(ops.sum(layer(ops.ones((1, 2)))))
    6.0
    """

    def __init__(self, units: int, activation: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.units, self.activation = check_count(units, "units"), keras.activations.get(activation)
        self._kernel: Callable[[], Any] | None = None

    def build(self, input_shape):
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        self.built = True

    def tie(self, dense: Any) -> None:
        """Use the kernel of a dense layer from now on.

        Parameters
        ----------
        dense : keras.layers.Dense
            Its input has as many numbers as this layer has units.
        """
        # In a function, so that Keras does not take the other layer's weights for this one's as well.
        self._kernel = lambda: dense.kernel

    def call(self, codes):
        if self._kernel is None:
            raise RuntimeError("expected TiedDense to be tied to a dense layer before it is called")
        kernel = ops.cast(ops.convert_to_tensor(self._kernel()), self.compute_dtype)
        return self.activation(ops.matmul(codes, ops.transpose(kernel)) + ops.cast(self.bias, self.compute_dtype))

    def compute_output_spec(self, codes):
        return keras.KerasTensor((*codes.shape[:-1], self.units), dtype=self.compute_dtype)

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "units": self.units, "activation": activation}


@keras.saving.register_keras_serializable(package="ae_toolkit")
class ToPatches(keras.layers.Layer):
    """Cut pictures into a grid of square patches; what is missing at the far edges is 0.

    Pictures of shape (n, height, width, channels) become patches of shape
    (n, rows, columns, side² × channels).

    Parameters
    ----------
    side : int
        Of a patch, in pixels.

    Raises
    ------
    ValueError
        If `side` is not a positive integer.

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit.networks.layers import ToPatches
    >>> tuple(ToPatches(4)(ops.zeros((2, 10, 8, 3))).shape)
    (2, 3, 2, 48)
    """

    def __init__(self, side: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.side = check_count(side, "side")

    def call(self, images):
        _, height, width, channels = images.shape
        rows, columns = -(-height // self.side), -(-width // self.side)
        if (rows * self.side, columns * self.side) != (height, width):
            images = ops.pad(images, ((0, 0), (0, rows * self.side - height), (0, columns * self.side - width), (0, 0)))
        grid = ops.reshape(images, (-1, rows, self.side, columns, self.side, channels))
        return ops.reshape(ops.transpose(grid, (0, 1, 3, 2, 4, 5)), (-1, rows, columns, self.side**2 * channels))

    def get_config(self):
        return {**super().get_config(), "side": self.side}


@keras.saving.register_keras_serializable(package="ae_toolkit")
class FromPatches(keras.layers.Layer):
    """Put patches together again, the inverse of `ToPatches`.

    Parameters
    ----------
    image_shape : tuple of int
        Height, width and channels.
    side : int
        Of a patch, in pixels.

    Raises
    ------
    ValueError
        If `image_shape` is not three positive integers, or `side` is not one.

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit.networks.layers import FromPatches
    >>> tuple(FromPatches((10, 8, 3), 4)(ops.zeros((2, 3, 2, 48))).shape)
    (2, 10, 8, 3)
    """

    def __init__(self, image_shape: Sequence[int], side: int, **kwargs: Any):
        super().__init__(**kwargs)
        if len(image_shape) != 3:
            raise ValueError(f"expected image_shape to be (height, width, channels), got {tuple(image_shape)}")
        self.image_shape = check_counts(image_shape, "image_shape")
        self.side = check_count(side, "side")

    def call(self, patches):
        height, width, channels = self.image_shape
        rows, columns = -(-height // self.side), -(-width // self.side)
        grid = ops.reshape(patches, (-1, rows, columns, self.side, self.side, channels))
        pictures = ops.transpose(grid, (0, 1, 3, 2, 4, 5))
        return ops.reshape(pictures, (-1, rows * self.side, columns * self.side, channels))[:, :height, :width]

    def get_config(self):
        return {**super().get_config(), "image_shape": self.image_shape, "side": self.side}


@keras.saving.register_keras_serializable(package="ae_toolkit")
class ResidualBlock(keras.layers.Layer):
    """Add to a picture a 3×3 convolution of its activations, whose weights are 0 at first.

    Parameters
    ----------
    activation : str
        Keras's name of an activation.

    Raises
    ------
    ValueError
        If there is no such activation.

    References
    ----------
    He, K., Zhang, X., Ren, S. and Sun, J. (2016). Identity mappings in deep residual
    networks. ECCV.

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit.networks.layers import ResidualBlock
    >>> block, pictures = ResidualBlock("relu"), ops.ones((2, 7, 7, 4))
    >>> bool(ops.all(block(pictures) == pictures))  # until it has learned something
    True
    """

    def __init__(self, activation: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        options = {
            "padding": "same",
            "kernel_initializer": "zeros",
            "dtype": self.dtype_policy,
            # Of a block that its configuration says is frozen, a model around it would train what is not: Keras asks
            # each variable.
            "trainable": self.trainable,
        }
        self.convolution = keras.layers.Conv2D(input_shape[-1], 3, **options)
        self.convolution.build(input_shape)
        self.built = True

    def call(self, pictures):
        return pictures + self.convolution(self.activation(pictures))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "activation": keras.activations.serialize(self.activation)}


@keras.saving.register_keras_serializable(package="ae_toolkit")
class ClipInInference(keras.layers.Layer):
    """Cut values off at 0 and 1, but not in training, where a pixel beyond would get no gradient.

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit.networks.layers import ClipInInference
    >>> values = ops.convert_to_tensor([-0.5, 0.5, 1.5])
    >>> [float(ClipInInference()(values, training=training)[0]) for training in (False, True)]
    [0.0, -0.5]
    """

    def call(self, values, training=None):
        return values if training else ops.clip(values, 0.0, 1.0)

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="ae_toolkit")
class Corruption(keras.layers.Layer):
    """Corrupt images at random, in training only.

    Parameters
    ----------
    kind : {"gaussian", "masking", "salt_and_pepper"}
        Adds normal noise; sets pixels to 0; or sets them to 0 or 1, either with the same
        probability.
    amount : float
        The standard deviation of the noise, in pixel units; for the other kinds the fraction
        of the pixels that is set, at most 1.
    seed : int, optional

    Raises
    ------
    ValueError
        If there is no such kind, or `amount` is not a finite number in its range.

    References
    ----------
    Vincent, P., Larochelle, H., Bengio, Y. and Manzagol, P.-A. (2008). Extracting and
    composing robust features with denoising autoencoders. ICML, 1096-1103.

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit.networks.layers import Corruption
    >>> corrupt = Corruption("masking", 0.5, seed=0)
    >>> images = ops.ones((1, 1000))
    >>> 0.4 < float(ops.mean(corrupt(images, training=True))) < 0.6, float(ops.mean(corrupt(images)))
    (True, 1.0)
    """

    KINDS = ("gaussian", "masking", "salt_and_pepper")

    def __init__(self, kind: str, amount: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if kind not in self.KINDS:
            raise ValueError(f"expected kind to be one of {self.KINDS}, got {kind!r}")
        if not isinstance(amount, Real) or isinstance(amount, bool) or not 0 <= amount < math.inf:
            raise ValueError(f"expected amount to be a finite number of at least 0, got {amount!r}")
        if kind != "gaussian" and amount > 1:
            raise ValueError(
                f"expected amount to be a fraction of the pixels, from 0 to 1, for kind={kind!r}, got {amount!r}"
            )
        self.kind, self.amount, self.seed = kind, float(amount), seed
        self.generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, images, training=False):
        if not training:
            return images
        shape = ops.shape(images)
        if self.kind == "gaussian":
            return images + self.amount * keras.random.normal(shape, dtype=images.dtype, seed=self.generator)
        drawn = keras.random.uniform(shape, dtype=images.dtype, seed=self.generator)
        corrupted = ops.zeros_like(images)
        if self.kind == "salt_and_pepper":  # of the draws that corrupt a pixel, the lower half makes it white
            corrupted = ops.cast(drawn < self.amount / 2, images.dtype)
        return ops.where(drawn < self.amount, corrupted, images)

    def get_config(self):
        return {**super().get_config(), "kind": self.kind, "amount": self.amount, "seed": self.seed}
