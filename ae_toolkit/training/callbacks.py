"""The callbacks that every training here has: validation losses, and an interruption that ends with its epoch."""

import math
import signal
import threading
from typing import Any

from ae_toolkit._keras import keras
from ae_toolkit.data.streams import Stream
from ae_toolkit.training import plans


class Validation(keras.callbacks.Callback):
    """Adds ``val_loss`` and each loss term to an epoch's logs; first in the list, so that the others see them.

    Parameters
    ----------
    stream : Stream
        The validation images.
    image_shape : tuple of int
        Of the images trained on.

    Raises
    ------
    ValueError
        If the images have another shape.
    """

    def __init__(self, stream: Stream, image_shape: tuple[int, ...]):
        super().__init__()
        self.stream = stream
        if tuple(stream.image_shape) != tuple(image_shape):
            raise ValueError(
                f"expected validation images of shape {tuple(image_shape)}, as the others have, "
                f"got {tuple(stream.image_shape)}"
            )

    def on_epoch_end(self, epoch, logs=None):
        totals, count = {}, 0
        for batch in self.stream.epoch(0):
            for name, value in validation_losses(self.model, keras.ops.convert_to_tensor(batch)).items():
                totals[name] = totals.get(name, 0.0) + value * len(batch)
            count += len(batch)
        found = {f"val_{name}": total / count for name, total in totals.items()}
        bad = [name for name, value in found.items() if not math.isfinite(value)]
        logs.update(found)
        if bad:
            raise FloatingPointError(plans.not_finite(bad, f"after epoch {epoch + 1}"))


def validation_losses(model: Any, batch: Any) -> dict[str, float]:
    """Return the loss of a batch and each of its terms, in inference.

    Parameters
    ----------
    model : TrainableModel
    batch : tensor of shape (b, *image_shape)

    Returns
    -------
    dict of str to float
    """
    outputs = model.validation_outputs(batch)
    found = {"loss": model.compute_loss(x=batch, y_pred=outputs, training=False), **model.term_means(batch, outputs)}
    return {name: float(keras.ops.convert_to_numpy(value)) for name, value in found.items()}


class Interruption(keras.callbacks.Callback):
    """Lets an interrupted training finish its epoch; as a context, listens for the interruption."""

    def __init__(self):
        super().__init__()
        self.asked = self.listening = False

    def __enter__(self):
        main = threading.current_thread() is threading.main_thread()
        self.listening = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self.listening:
            signal.signal(signal.SIGINT, self.note)
        return self

    def note(self, *_: Any) -> None:
        """Remember the interruption; a second one stops the program as usual."""
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_):
        if self.listening:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def on_epoch_end(self, epoch, logs=None):
        if self.asked:
            self.model.stop_training = True
