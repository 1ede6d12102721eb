"""Encoders and decoders, every layer size derived from the image's shape.

``build`` returns a matched pair for any image: 8×8, 28×28 or 32×32×3. Three kinds:
``"dense"`` layers over the flattened pixels; ``"conv"``, strided 3×3 convolutions that
halve the picture until it is about 8 pixels wide; and ``"patch"``, which cuts the picture
into a grid of about 7×7 patches and goes through residual blocks of 3×3 convolutions.
"""

import math
from numbers import Integral

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit.networks.layers import FromPatches, ResidualBlock, TiedDense, ToPatches

#: What a network may be called.
KINDS = ("auto", "dense", "conv", "patch")
#: What layers may compute in, and Keras's name for each.
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def default_hidden_units(n_pixels):
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


def resolve(network, image_shape):
    """Return ``"dense"`` or ``"conv"`` for ``"auto"``, else `network`, which has to suit the images.

    ``"auto"`` takes convolutions for pictures of more than 1,024 numbers (32×32×3 and
    up); below, a dense network is both faster and at least as good on a CPU.

    Parameters
    ----------
    network : {"auto", "dense", "conv", "patch"}
    image_shape : tuple of int
        (height, width, channels), or (pixels,) for flat images.

    Returns
    -------
    str
        ``"dense"``, ``"conv"`` or ``"patch"``.

    Raises
    ------
    ValueError
        If there is no such network, or it cannot take such images.

    Examples
    --------
    >>> from ae_toolkit.networks import resolve
    >>> resolve("auto", (28, 28, 1)), resolve("auto", (32, 32, 3))
    ('dense', 'conv')
    """
    if network not in KINDS:
        raise ValueError(f"expected network to be one of {KINDS}, got {network!r}")
    if network == "auto":
        large = len(image_shape) > 1 and math.prod(image_shape) > 1024 and min(image_shape[:2]) >= 4
        return "conv" if large else "dense"
    if network != "dense" and (len(image_shape) == 1 or min(image_shape[:2]) < 4):
        raise ValueError(
            f"expected images of shape (height, width, channels), at least 4×4, for network={network!r}, "
            f"got images of shape {image_shape}; use network='dense'"
        )
    return network


def build(image_shape, code_dim, network="auto", hidden_units=None, activation="relu", output_activation="linear",
          seed=0, precision="float32", *, tied=False, code_activation="linear", n_statistics=1):  # fmt: skip
    """Return an encoder and its mirror image, a decoder.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels), (height, width), or (pixels,) for flat images.
    code_dim : int
        Length of the code.
    network : {"auto", "dense", "conv", "patch"}, default="auto"
    hidden_units : sequence of int, optional
        Widths of the encoder's hidden layers, from the image to the code; the decoder
        has them in reverse. ``()`` gives a network without hidden layers. For ``"conv"``
        they are the filters of the strided stages, for ``"patch"`` the widths of the
        residual blocks, all equal.
    activation, output_activation : str
        Keras activation of the hidden layers and of the reconstruction.
    seed : int
        Seeds the initial weights; no global random state is read or changed.
    precision : {"float32", "bfloat16"}, default="float32"
        What layers compute in. Weights, codes and images are float32 either way.
    tied : bool, default=False
        Whether the decoder's kernels are the encoder's, transposed. Dense networks only.
    code_activation : str, default="linear"
    n_statistics : int, default=1
        Numbers that the encoder returns for each number of the code, such as a mean and a
        variance.

    Returns
    -------
    encoder : keras.Model, (n, *image_shape) -> (n, code_dim * n_statistics)
    decoder : keras.Model, (n, code_dim) -> (n, *image_shape)

    Raises
    ------
    ValueError
        If a parameter is not as described, or the network does not suit the images.

    References
    ----------
    Hinton, G. E. and Salakhutdinov, R. R. (2006). Reducing the dimensionality of data
    with neural networks. Science 313, 504-507.

    Examples
    --------
    >>> from ae_toolkit.networks import build
    >>> encoder, decoder = build((8, 8, 1), code_dim=4)
    >>> encoder.output_shape, decoder.output_shape
    ((None, 4), (None, 8, 8, 1))
    """
    image_shape, code_dim = tuple(map(int, image_shape)), int(code_dim)
    if hidden_units is not None:
        hidden_units = _sizes(hidden_units)
    given = {"activation": activation, "code_activation": code_activation, "output_activation": output_activation}
    for name, value in given.items():
        _check_activation(name, value)
    kind = resolve(network, image_shape)
    if precision not in PRECISIONS:
        raise ValueError(f"expected precision to be one of {tuple(PRECISIONS)}, got {precision!r}")
    if tied and (kind != "dense" or n_statistics != 1):
        why = f"network={kind!r}" if kind != "dense" else "an encoder with more outputs than the code has numbers"
        raise ValueError(f"expected a dense network for tied=True, got {why}")
    dtype, init = PRECISIONS[precision], _initializers(seed)
    code = keras.layers.Dense(code_dim * n_statistics, code_activation, kernel_initializer=next(init), name="code")
    halves = {"dense": _dense, "conv": _conv, "patch": _patch}[kind]
    down, up = halves(image_shape, hidden_units, activation, output_activation, init, dtype, tied)
    encoder = keras.Sequential([keras.layers.Input(image_shape), *down, code], name="encoder")
    decoder = keras.Sequential([keras.layers.Input((code_dim,)), *up], name="decoder")
    tie(encoder, decoder)
    return encoder, decoder


def copy_networks(encoder, decoder, image_shape, code_dim, n_statistics=1):
    """Return copies of a user's own encoder and decoder, or None if there are none.

    Parameters
    ----------
    encoder, decoder : keras.Model or None
    image_shape : tuple of int
    code_dim, n_statistics : int
        What the networks have to fit.

    Returns
    -------
    pair of keras.Model, with the weights of the given ones; or None

    Raises
    ------
    ValueError
        If only one is given, or a shape does not fit.

    Examples
    --------
    >>> from ae_toolkit.networks import build, copy_networks
    >>> encoder, decoder = copy_networks(*build((6,), 2), image_shape=(6,), code_dim=2)
    >>> encoder.output_shape
    (None, 2)
    """
    if encoder is None and decoder is None:
        return None
    if encoder is None or decoder is None:
        raise ValueError(f"expected both encoder and decoder, got encoder={encoder!r} and decoder={decoder!r}")
    code = (code_dim,)
    wanted = {"encoder": (tuple(image_shape), (code_dim * n_statistics,)), "decoder": (code, tuple(image_shape))}
    copies = []
    for name, network in (("encoder", encoder), ("decoder", decoder)):
        if not network.built:
            raise ValueError(f"expected {name} to be built, with an Input of shape {wanted[name][0]}, got {network!r}")
        shapes = tuple(network.input_shape[1:]), tuple(network.output_shape[1:])
        if shapes != wanted[name]:
            raise ValueError(
                f"expected {name} to turn shape {wanted[name][0]} into {wanted[name][1]} for these images and "
                f"code_dim={code_dim}, got a network from {shapes[0]} to {shapes[1]}"
            )
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
        copy.set_weights(network.get_weights())
        copies.append(copy)
    tie(*copies)
    return tuple(copies)


def tie(encoder, decoder):
    """Let each `TiedDense` layer of a decoder use the kernel of the encoder's dense layer that it mirrors.

    Parameters
    ----------
    encoder, decoder : keras.Model

    Examples
    --------
    >>> from ae_toolkit.networks import build
    >>> encoder, decoder = build((6,), 2, hidden_units=(4,), tied=True)
    >>> [tuple(weight.shape) for weight in decoder.weights]  # biases only
    [(4,), (6,)]
    """
    mirrored = [layer for layer in _layers(decoder) if isinstance(layer, TiedDense)]
    dense = [layer for layer in _layers(encoder) if isinstance(layer, keras.layers.Dense)]
    for layer, source in zip(mirrored, dense[::-1], strict=False):
        layer.tie(source)


def _layers(network):
    return getattr(network, "layers", [])


def _sizes(hidden_units):
    hidden_units = tuple(hidden_units)
    if not all(isinstance(n, Integral) and not isinstance(n, bool) and n > 0 for n in hidden_units):
        raise ValueError(f"expected hidden_units to be positive integers, got {hidden_units}")
    return tuple(map(int, hidden_units))  # Keras refuses NumPy's integers


def _check_activation(name, value):
    try:
        keras.activations.get(value)
    except ValueError as error:
        raise ValueError(
            f"expected {name} to be Keras's name of an activation, such as 'relu', 'tanh', 'sigmoid' or 'linear', "
            f"got {value!r}"
        ) from error


def _initializers(seed):
    """Yield Glorot initialisers, each with a seed of its own derived from `seed`.

    Keras would otherwise draw the seed from Python's global generator.
    """
    for word in np.random.SeedSequence(seed).generate_state(256):
        yield keras.initializers.GlorotUniform(seed=int(word) % 2**31)


def _dense(image_shape, widths, activation, output_activation, init, dtype, tied):
    layers, n_pixels = keras.layers, math.prod(image_shape)
    widths = default_hidden_units(n_pixels) if widths is None else widths
    flatten = [layers.Flatten()] if len(image_shape) > 1 else []
    shape_back = [layers.Reshape(image_shape, dtype="float32")] if len(image_shape) > 1 else _to_float32(dtype)

    def dense(size, act):
        return layers.Dense(size, act, kernel_initializer=next(init), dtype=dtype)

    def mirrored(size, act):
        return TiedDense(size, act, dtype=dtype) if tied else dense(size, act)

    image = mirrored(n_pixels, output_activation)
    down = [dense(size, activation) for size in widths]
    return [*flatten, *down], [*(mirrored(size, activation) for size in widths[::-1]), image, *shape_back]


def _conv(image_shape, filters, activation, output_activation, init, dtype, _):
    layers, (height, width, channels) = keras.layers, _picture(image_shape)
    if filters is None:
        stages = max(1, math.ceil(math.log2(min(height, width) / 8)))
        filters = [32 * 2 ** min(stage, 2) for stage in range(stages)]
    sizes = [(height, width)]  # of the picture after each stage, rounding up as "same" padding does
    for _ in filters:
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    grid = (*sizes[-1], filters[-1] if filters else channels)

    def conv(kind, count, act):
        return kind(count, 3, strides=2, padding="same", activation=act, kernel_initializer=next(init), dtype=dtype)

    down = [conv(layers.Conv2D, count, activation) for count in filters]
    first_activation = activation if filters else output_activation
    first = layers.Dense(math.prod(grid), first_activation, kernel_initializer=next(init), dtype=dtype)
    up = [first, layers.Reshape(grid, dtype=dtype)]
    targets = [*filters[:-1][::-1], channels]
    for stage, count in enumerate(targets if filters else []):
        last = stage == len(targets) - 1
        up.append(conv(layers.Conv2DTranspose, count, output_activation if last else activation))
        (full_h, full_w), (want_h, want_w) = sizes[-1 - stage], sizes[-2 - stage]
        if (2 * full_h, 2 * full_w) != (want_h, want_w):  # an odd side came out one pixel too long
            up.append(layers.Cropping2D(((0, 2 * full_h - want_h), (0, 2 * full_w - want_w))))
    first, last = _without_channels(image_shape)
    return [*first, *down, layers.Flatten()], [*up, *_to_float32(dtype), *last]


def _patch(image_shape, widths, activation, output_activation, init, dtype, _):
    layers, (height, width, channels) = keras.layers, _picture(image_shape)
    widths = (32, 32) if widths is None else widths
    if len(set(widths)) != 1:
        raise ValueError(f"expected hidden_units to be equal widths, one for each residual block, got {widths}")
    side = max(2, round(max(height, width) / 7))
    grid = (-(-height // side), -(-width // side), widths[0])

    def dense(size, act=None):
        return layers.Dense(size, act, kernel_initializer=next(init), dtype=dtype)

    def blocks():
        return [*(ResidualBlock(activation, dtype=dtype) for _ in widths), layers.Activation(activation, dtype=dtype)]

    down = [ToPatches(side, dtype=dtype), dense(widths[0]), *blocks(), layers.Flatten()]
    up = [dense(math.prod(grid)), layers.Reshape(grid, dtype=dtype), *blocks()]
    up += [dense(side * side * channels, output_activation), FromPatches((height, width, channels), side, dtype=dtype)]
    first, last = _without_channels(image_shape)
    return [*first, *down], [*up, *_to_float32(dtype), *last]


def _picture(image_shape):
    return image_shape if len(image_shape) == 3 else (*image_shape, 1)


def _without_channels(image_shape):
    """Return the layers that add a grey picture's channel axis and take it away again."""
    if len(image_shape) == 3:
        return [], []
    return [keras.layers.Reshape((*image_shape, 1))], [keras.layers.Reshape(image_shape)]


def _to_float32(dtype):
    return [] if dtype == "float32" else [keras.layers.Activation("linear", dtype="float32")]
