"""How every Keras model here is fitted: fast, from any source, resumable, on one device or many."""

from ae_toolkit.training import checkpoints
from ae_toolkit.training.fitting import (
    SMALLEST_BATCH,
    VALIDATION_BATCH,
    curve,
    fit,
    in_batches,
    optimizer,
    scope,
)
from ae_toolkit.training.trainable import TrainableModel

__all__ = [
    "SMALLEST_BATCH",
    "VALIDATION_BATCH",
    "TrainableModel",
    "checkpoints",
    "curve",
    "fit",
    "in_batches",
    "optimizer",
    "scope",
]
