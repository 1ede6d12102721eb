"""What a parameter that is left at ``"auto"`` comes to.

The values for dense and patch networks were chosen by errors on images split off the
training images of the digits, of mnist5k, of the colour patches and of MNIST.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ae_toolkit import networks
from ae_toolkit._keras import keras

#: How many numbers of pixels PCA sees at most, where it makes a linear path: 64 MiB.
PCA_NUMBERS = 2**24


@dataclass(frozen=True)
class Choice:
    """What suits a kind of network.

    Parameters
    ----------
    activation : str
        Of the hidden layers.
    output_activation : str
        Of a reconstruction whose pixels are in [0, 1]; for others it is linear.
    learning_rate, warmup : float
    steps_per_epoch : int
        About so many, of 16 images or more.
    largest_batch : int
    """

    activation: str
    output_activation: str
    learning_rate: float
    warmup: float
    steps_per_epoch: int
    largest_batch: int


CHOICES = {
    "dense": Choice("relu", "linear", 2e-3, 0.0, 50, 256),
    "conv": Choice("relu", "linear", 2e-3, 0.0, 50, 256),
    "patch": Choice("silu", "sigmoid", 3e-3, 0.1, 100, 64),
}


def choose_batch_size(network: str, n_images: int | None) -> int:
    """Return how many images make a step: a power of two, from 16 on.

    Parameters
    ----------
    network : {"auto", "dense", "conv", "patch"}
    n_images : int or None
        None for a source that is read batch by batch, which gets the largest batches.

    Returns
    -------
    int
    """
    choice = CHOICES["dense" if network == "auto" else network]
    if n_images is None:
        return choice.largest_batch
    about = max(n_images / choice.steps_per_epoch, 1)
    return min(choice.largest_batch, max(16, 2 ** round(math.log2(about))))


def resolve_batch_size(batch_size: int | str, network: str, n_images: int | None) -> int:
    """Return how many images make a step: as asked for, or, for ``"auto"``, as `choose_batch_size` says.

    Parameters
    ----------
    batch_size : int or "auto"
    network : {"auto", "dense", "conv", "patch"}
    n_images : int or None

    Returns
    -------
    int
    """
    # "auto" is the only word.
    return choose_batch_size(network, n_images) if isinstance(batch_size, str) else batch_size


def choose_settings(estimator: Any, in_unit_range: bool) -> dict[str, Any]:
    """Return the values that an autoencoder's parameters have in training, for those that can be ``"auto"``.

    Parameters
    ----------
    estimator : Autoencoder
        With ``image_shape_``.
    in_unit_range : bool
        Whether all pixels of what is decoded are in [0, 1].

    Returns
    -------
    dict
        Parameter -> value; and ``"in_unit_range"``.
    """
    choice = CHOICES[networks.resolve(estimator.network, estimator.image_shape_)]
    decoder = networks.resolve_decoder(estimator.network, estimator.image_shape_, estimator._target_shape())
    chosen = {
        "activation": choice.activation,
        "output_activation": CHOICES[decoder].output_activation if in_unit_range else "linear",
        "learning_rate": choice.learning_rate,
        "warmup": choice.warmup if estimator.schedule == "cosine" else 0.0,
        "linear_path": _linear_path_suits(estimator),
    }
    given = {name: getattr(estimator, name) for name in chosen}
    return {
        **{name: chosen[name] if value == "auto" else value for name, value in given.items()},
        "in_unit_range": in_unit_range,
    }


def _linear_path_suits(estimator):
    """Return whether nothing was asked for that a linear path would change."""
    unset = (estimator.network, estimator.output_activation) == ("auto", "auto")
    unset = unset and estimator.hidden_units is None and estimator.encoder is None and estimator.decoder is None
    unset = unset and getattr(estimator, "target", None) is None
    return unset and not estimator.tied and estimator.code_activation == "linear"


def are_in_unit_range(images: Any) -> bool:
    """Return whether all pixels are in [0, 1].

    Parameters
    ----------
    images : array or tensor of shape (n, ...)

    Returns
    -------
    bool
    """
    pixels = images if isinstance(images, np.ndarray) else keras.ops.convert_to_numpy(images)
    return bool(0 <= pixels.min() and pixels.max() <= 1)


def complete_settings(estimator: Any) -> None:
    """Give an estimator that was saved before there was a choice the ``settings_`` that it was trained with.

    Parameters
    ----------
    estimator : Autoencoder
        With the parameters and the fitted attributes that its folder holds.
    """
    if hasattr(estimator, "settings_"):
        return
    estimator.linear_path = False
    estimator.settings_ = choose_settings(estimator, in_unit_range=False)
