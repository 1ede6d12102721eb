"""Encoders and decoders, every layer size derived from the image's shape.

``build`` returns a matched pair for any image: 8×8, 28×28 or 32×32×3. Three kinds:
``"dense"`` layers over the flattened pixels; ``"conv"``, strided 3×3 convolutions that
halve the picture until it is about 8 pixels wide; and ``"patch"``, which cuts the picture
into a grid of about 7×7 patches that pass through residual blocks of 3×3 convolutions.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit._validation import check_count, check_counts
from ae_toolkit.networks._kinds import HALVES, Specification
from ae_toolkit.networks.layers import TiedDense
from ae_toolkit.networks.linear_path import add_linear_path

#: The names of the kinds of network that `build` makes.
KINDS = ("auto", *HALVES)
#: The number formats that layers may compute in, each with Keras's name for it.
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def resolve(network: str, image_shape: Sequence[int]) -> str:
    """Return the kind of network that ``"auto"`` stands for, or `network` itself, which has to suit the images.

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


def resolve_decoder(network: str, image_shape: Sequence[int], target_shape: Sequence[int]) -> str:
    """Return the kind of network that decodes to a target, which need not have the images' shape.

    Parameters
    ----------
    network : {"auto", "dense", "conv", "patch"}
        That of the encoder.
    image_shape, target_shape : tuple of int
        Of what is encoded, and of what is decoded.

    Returns
    -------
    str
        The encoder's kind if the target is a picture that suits it, otherwise ``"dense"``.

    Examples
    --------
    >>> from ae_toolkit.networks import resolve_decoder
    >>> resolve_decoder("patch", (28, 28, 1), (28, 28, 1)), resolve_decoder("patch", (28, 28, 1), (324,))
    ('patch', 'dense')
    """
    kind = resolve(network, image_shape)
    return kind if len(target_shape) > 1 and min(target_shape[:2]) >= 4 else "dense"


def build(
    image_shape: Sequence[int],
    code_dim: int,
    network: str = "auto",
    hidden_units: Iterable[int] | None = None,
    activation: str = "relu",
    output_activation: str = "linear",
    seed: int = 0,
    precision: str = "float32",
    *,
    tied: bool = False,
    code_activation: str = "linear",
    n_statistics: int = 1,
    linear_path: bool = False,
    clip: bool = False,
    target_shape: Sequence[int] | None = None,
) -> tuple[Any, Any]:
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
        Numbers that the encoder returns per number of the code: 2 for a mean and a variance.
    linear_path : bool, default=False
        Whether a linear layer stands beside the encoder and another beside the decoder, whose
        results are added; see `ae_toolkit.networks.linear_path`. It needs a linear code and a
        linear output.
    clip : bool, default=False
        Whether a decoder with a linear path cuts pixels off at 0 and 1 outside of training.
    target_shape : tuple of int, optional
        Shape of what the decoder returns; by default that of an image. A target that is no picture
        of at least 4×4 gets dense layers, of `hidden_units` if the encoder's are dense as well.

    Returns
    -------
    encoder : keras.Model, (n, *image_shape) -> (n, code_dim * n_statistics)
    decoder : keras.Model, (n, code_dim) -> (n, *target_shape)

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
    image_shape = check_counts(image_shape, "image_shape")
    code_dim, n_statistics = check_count(code_dim, "code_dim"), check_count(n_statistics, "n_statistics")
    widths = None if hidden_units is None else check_counts(hidden_units, "hidden_units")
    _check_activation("activation", activation)
    _check_activation("code_activation", code_activation)
    _check_activation("output_activation", output_activation)
    kind = resolve(network, image_shape)
    if precision not in PRECISIONS:
        raise ValueError(f"expected precision to be one of {tuple(PRECISIONS)}, got {precision!r}")
    if tied and (kind != "dense" or n_statistics != 1):
        why = f"network={kind!r}" if kind != "dense" else "an encoder with more outputs than the code has numbers"
        raise ValueError(f"expected a dense network for tied=True, got {why}")
    if linear_path and (tied or n_statistics != 1 or {code_activation, output_activation} != {"linear"}):
        raise ValueError(
            "expected a linear code, a linear output and untied weights for linear_path=True, got "
            f"code_activation={code_activation!r}, output_activation={output_activation!r}, tied={tied!r} and "
            f"n_statistics={n_statistics}"
        )
    target_shape = image_shape if target_shape is None else check_counts(target_shape, "target_shape")
    if (linear_path or tied) and target_shape != image_shape:
        raise ValueError(
            f"expected a target of the images' shape, {image_shape}, with {'tied' if tied else 'linear_path'}=True, "
            f"got one of shape {target_shape}"
        )
    spec = Specification(image_shape, widths, activation, output_activation, PRECISIONS[precision], tied)
    initializers = initializers_from(seed)
    code = keras.layers.Dense(
        code_dim * n_statistics, code_activation, kernel_initializer=next(initializers), name="code"
    )
    down, up = HALVES[kind](spec, initializers)
    if target_shape != image_shape:
        up = _decoder_to(target_shape, resolve_decoder(kind, image_shape, target_shape), kind, spec, initializers)
    encoder = keras.Sequential([keras.layers.Input(image_shape), *down, code], name="encoder")
    decoder = keras.Sequential([keras.layers.Input((code_dim,)), *up], name="decoder")
    tie(encoder, decoder)
    return add_linear_path(encoder, decoder, image_shape, code_dim, clip) if linear_path else (encoder, decoder)


def _decoder_to(target_shape, kind, encoder_kind, spec, initializers):
    """Return the layers of a decoder to something else than the images."""
    # Filters of convolutions and widths of blocks say nothing about dense layers.
    widths = spec.hidden_units if kind == encoder_kind else None
    _, up = HALVES[kind](dataclasses.replace(spec, image_shape=target_shape, hidden_units=widths), initializers)
    return up


def copy_networks(
    encoder: Any,
    decoder: Any,
    image_shape: Sequence[int],
    code_dim: int,
    n_statistics: int = 1,
    target_shape: Sequence[int] | None = None,
) -> tuple[Any, Any] | None:
    """Return copies of a user's own encoder and decoder, or None if there are none.

    Parameters
    ----------
    encoder, decoder : keras.Model or None
    image_shape : tuple of int
    code_dim, n_statistics : int
        What the networks have to fit.
    target_shape : tuple of int, optional
        Shape of what the decoder returns; by default that of an image.

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
    image, code, statistics = tuple(image_shape), (code_dim,), (code_dim * n_statistics,)
    target = image if target_shape is None else tuple(target_shape)
    copies = (
        _copy_network("encoder", encoder, image, statistics, code_dim),
        _copy_network("decoder", decoder, code, target, code_dim),
    )
    tie(*copies)
    return copies


def _copy_network(name, network, wanted_input, wanted_output, code_dim):
    if not network.built:
        raise ValueError(f"expected {name} to be built, with an Input of shape {wanted_input}, got {network!r}")
    found_input, found_output = tuple(network.input_shape[1:]), tuple(network.output_shape[1:])
    if (found_input, found_output) != (wanted_input, wanted_output):
        raise ValueError(
            f"expected {name} to turn shape {wanted_input} into {wanted_output} for these images and "
            f"code_dim={code_dim}, got a network from {found_input} to {found_output}"
        )
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
    copy.set_weights(network.get_weights())
    return copy


def tie(encoder: Any, decoder: Any) -> None:
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


def _check_activation(name, value):
    try:
        keras.activations.get(value)
    except ValueError as error:
        raise ValueError(
            f"expected {name} to be Keras's name of an activation, such as 'relu', 'tanh', 'sigmoid' or 'linear', "
            f"got {value!r}"
        ) from error


def initializers_from(seed: int) -> Iterator[Any]:
    """Yield Glorot initialisers, each of which has a seed of its own, derived from `seed`.

    Keras would otherwise draw the seed from Python's global generator.

    Parameters
    ----------
    seed : int

    Yields
    ------
    keras.initializers.Initializer

    Examples
    --------
    >>> from ae_toolkit.networks.builder import initializers_from
    >>> tuple(next(initializers_from(0))((2, 3)).shape)
    (2, 3)
    """
    for word in np.random.SeedSequence(seed).generate_state(4096):
        yield keras.initializers.GlorotUniform(seed=int(word) % 2**31)
