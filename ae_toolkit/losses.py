"""Training objectives, as functions of Keras tensors on any backend.

Each returns one number for a batch: a sum over pixels and a mean over images, the
units in which the whole package reports.
"""

from ae_toolkit._keras import keras


def squared_error(images, reconstructions):
    """Return the summed squared error per image, averaged over the batch.

    This is the article's loss, (1/n) times the sum of ``||x_i - x̂_i||²``.

    Parameters
    ----------
    images, reconstructions : tensors of equal shape (n, ...)
        Pixel values in any unit; the loss is in that unit squared, per image.

    Returns
    -------
    scalar tensor

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.losses import squared_error
    >>> float(squared_error(np.ones((3, 2, 2, 1)), np.zeros((3, 2, 2, 1))))
    4.0
    """
    difference = keras.ops.square(images - reconstructions)
    return keras.ops.mean(keras.ops.sum(difference, axis=tuple(range(1, len(difference.shape)))))
