"""Encoders and decoders for a shape of image, the layers that they are made of, and what a training minimises."""

from ae_toolkit.networks import layers, losses
from ae_toolkit.networks._kinds import default_hidden_units
from ae_toolkit.networks.builder import (
    KINDS,
    PRECISIONS,
    build,
    copy_networks,
    resolve,
    resolve_decoder,
    tie,
)
from ae_toolkit.networks.levels import Levels, build_levels, join_levels
from ae_toolkit.networks.linear_path import begin_at_pca

__all__ = [
    "KINDS",
    "PRECISIONS",
    "Levels",
    "begin_at_pca",
    "build",
    "build_levels",
    "copy_networks",
    "default_hidden_units",
    "join_levels",
    "layers",
    "losses",
    "resolve",
    "resolve_decoder",
    "tie",
]


def __getattr__(name):
    if name == "own":
        import warnings

        warnings.warn("networks.own is now called networks.copy_networks", FutureWarning, stacklevel=2)
        return copy_networks
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
