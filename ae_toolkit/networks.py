"""Encoders and decoders, every layer size derived from the image's shape.

``build`` returns a matched pair for any image: 8×8, 28×28 or 32×32×3. Two kinds:
``"dense"`` layers over the flattened pixels, and ``"conv"``, strided 3×3 convolutions
that halve the picture until it is about 8 pixels wide.
"""

import math
from numbers import Integral

import numpy as np

from ae_toolkit._keras import keras

#: What a network may be called.
KINDS = ("auto", "dense", "conv")
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
    >>> default_hidden_units(28 * 28), default_hidden_units(8 * 8)
    ((512, 256), (256, 128))
    """
    width = min(1024, max(256, 2 ** int(math.log2(max(n_pixels, 2)))))
    return width, width // 2


def resolve(network, image_shape):
    """Return ``"dense"`` or ``"conv"`` for ``"auto"``, else `network`.

    ``"auto"`` takes convolutions for pictures of more than 1,024 numbers (32×32×3 and
    up); below, a dense network is both faster and at least as good on a CPU.

    Parameters
    ----------
    network : {"auto", "dense", "conv"}
    image_shape : tuple of int
        (height, width, channels), or (pixels,) for flat images.

    Returns
    -------
    str
        ``"dense"`` or ``"conv"``.

    Raises
    ------
    ValueError
        If there is no such network, or it cannot take such images.

    Examples
    --------
    >>> resolve("auto", (28, 28, 1)), resolve("auto", (32, 32, 3))
    ('dense', 'conv')
    """
    if network not in KINDS:
        raise ValueError(f"expected network to be one of {KINDS}, got {network!r}")
    if network == "auto":
        large = len(image_shape) == 3 and math.prod(image_shape) > 1024 and min(image_shape[:2]) >= 4
        return "conv" if large else "dense"
    if network == "conv" and (len(image_shape) != 3 or min(image_shape[:2]) < 4):
        raise ValueError(
            "expected images of shape (height, width, channels), at least 4×4, for network='conv', "
            f"got images of shape {image_shape}; use network='dense'"
        )
    return network


def build(image_shape, code_dim, network="auto", hidden_units=None, activation="relu",
          output_activation="linear", seed=0, precision="float32"):  # fmt: skip
    """Return an encoder and its mirror image, a decoder.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels), or (pixels,) for flat images.
    code_dim : int
        Length of the code.
    network : {"auto", "dense", "conv"}, default="auto"
    hidden_units : sequence of int, optional
        Widths of the encoder's hidden layers, from the image to the code; the decoder
        has them in reverse. ``()`` gives a network without hidden layers. For
        ``"conv"`` they are the filters of the strided stages.
    activation, output_activation : str
        Keras activation of the hidden layers and of the reconstruction. The code is linear.
    seed : int
        Seeds the initial weights; no global random state is read or changed.
    precision : {"float32", "bfloat16"}, default="float32"
        What layers compute in. Weights, codes and images are float32 either way.

    Returns
    -------
    encoder : keras.Model, (n, *image_shape) -> (n, code_dim)
    decoder : keras.Model, (n, code_dim) -> (n, *image_shape)

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    Hinton, G. E. and Salakhutdinov, R. R. (2006). Reducing the dimensionality of data
    with neural networks. Science 313, 504-507.

    Examples
    --------
    >>> encoder, decoder = build((8, 8, 1), code_dim=4)
    >>> encoder.output_shape, decoder.output_shape
    ((None, 4), (None, 8, 8, 1))
    """
    image_shape, code_dim = tuple(map(int, image_shape)), int(code_dim)
    if hidden_units is not None:
        hidden_units = _sizes(hidden_units)
    for name, value in (("activation", activation), ("output_activation", output_activation)):
        _check_activation(name, value)
    builder = {"dense": _dense, "conv": _conv}[resolve(network, image_shape)]
    if precision not in PRECISIONS:
        raise ValueError(f"expected precision to be one of {tuple(PRECISIONS)}, got {precision!r}")
    return builder(
        image_shape, code_dim, hidden_units, activation, output_activation, _initializers(seed), PRECISIONS[precision]
    )


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


def _dense(image_shape, code_dim, hidden_units, activation, output_activation, init, dtype):
    layers, n_pixels = keras.layers, math.prod(image_shape)
    widths = default_hidden_units(n_pixels) if hidden_units is None else hidden_units
    flatten = [layers.Flatten()] if len(image_shape) > 1 else []
    shape_back = [layers.Reshape(image_shape, dtype="float32")] if len(image_shape) > 1 else _to_float32(dtype)

    def hidden(sizes):
        return [layers.Dense(size, activation, kernel_initializer=next(init), dtype=dtype) for size in sizes]

    code = layers.Dense(code_dim, kernel_initializer=next(init), name="code")
    image = layers.Dense(n_pixels, output_activation, kernel_initializer=next(init), dtype=dtype)
    encoder = keras.Sequential([layers.Input(image_shape), *flatten, *hidden(widths), code], name="encoder")
    decoder = keras.Sequential([layers.Input((code_dim,)), *hidden(widths[::-1]), image, *shape_back], name="decoder")
    return encoder, decoder


def _conv(image_shape, code_dim, hidden_units, activation, output_activation, init, dtype):
    layers, (height, width, channels) = keras.layers, image_shape
    if hidden_units is None:
        stages = max(1, math.ceil(math.log2(min(height, width) / 8)))
        filters = [32 * 2 ** min(stage, 2) for stage in range(stages)]
    else:
        filters = hidden_units
    sizes = [(height, width)]  # of the picture after each stage, rounding up as "same" padding does
    for _ in filters:
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    grid = (*sizes[-1], filters[-1] if filters else channels)

    def conv(kind, count, act):
        return kind(count, 3, strides=2, padding="same", activation=act, kernel_initializer=next(init), dtype=dtype)

    down = [conv(layers.Conv2D, count, activation) for count in filters]
    code = layers.Dense(code_dim, kernel_initializer=next(init), name="code")
    encoder = keras.Sequential([layers.Input(image_shape), *down, layers.Flatten(), code], name="encoder")

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
    decoder = keras.Sequential([layers.Input((code_dim,)), *up, *_to_float32(dtype)], name="decoder")
    return encoder, decoder


def _to_float32(dtype):
    return [] if dtype == "float32" else [keras.layers.Activation("linear", dtype="float32")]
