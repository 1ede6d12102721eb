"""The Keras model that `fit` can train: its input is its target, and its loss is a sum of named terms."""

from typing import Any

from ae_toolkit._keras import keras
from ae_toolkit.networks import losses


class TrainableModel(keras.Model):
    """A Keras model that `fit` can train: its input is its target.

    A subclass defines ``call`` and says what is minimised. Either it names its loss terms:
    ``track_terms`` in its constructor, and ``loss_terms``, which computes them. The loss is
    then the weighted sum of their means, and the training curve records every term. Or it
    overrides ``compute_loss`` as for any Keras model, and only the loss is recorded.

    Attributes
    ----------
    augmentation : keras.Layer or None
        Applied to training batches inside the compiled step; the target is what it returns.
    loss_weights : dict of str to float
        The factor of each loss term.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from ae_toolkit.training import TrainableModel, fit, optimizer
    >>> class Scaled(TrainableModel):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = self.add_weight(shape=(), initializer="zeros")
    ...         self.track_terms(reconstruction=1.0, size=0.01)
    ...
    ...     def call(self, images, training=None):
    ...         return self.factor * images
    ...
    ...     def loss_terms(self, images, outputs):
    ...         error = keras.ops.mean(keras.ops.square(images - outputs), axis=(1, 2, 3))
    ...         return {"reconstruction": error, "size": self.factor * keras.ops.ones_like(error)}
    >>> model, images = Scaled(), np.ones((32, 8, 8, 1), "float32")
    >>> history = fit(model, images, epochs=20, optimizer=optimizer("sgd", 0.5, "constant", 20), seed=0)
    >>> round(float(model.factor), 3), sorted(history)
    (0.995, ['loss', 'reconstruction', 'size'])
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        # Not in the class, where it would hide the layer that PyTorch keeps elsewhere.
        self.augmentation = None
        self.loss_weights: dict[str, float] = {}
        self.term_trackers: list[Any] = []

    def track_terms(self, **weights: float) -> None:
        """Name the loss terms; called once, in the constructor.

        Parameters
        ----------
        **weights : float
            The factor of each term in the loss.
        """
        self.loss_weights = weights
        self.term_trackers = [keras.metrics.Mean(name) for name in weights]

    def loss_terms(self, images: Any, outputs: Any) -> dict[str, Any]:
        """Return each loss term of a batch, unweighted and in its own unit; a hook.

        Parameters
        ----------
        images : tensor of shape (n, ...)
            The target.
        outputs : object
            What ``call`` returned for the batch.

        Returns
        -------
        dict of str to tensor of shape (n,)
            One value per image, for each name that was given to `track_terms`.
        """
        raise NotImplementedError(f"expected {type(self).__name__} to define loss_terms, since it names loss terms")

    def term_means(self, images: Any, outputs: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Return the mean of each loss term over a batch.

        Parameters
        ----------
        images : tensor of shape (n, ...)
        outputs : object
            As `loss_terms` takes them.
        sample_weight : tensor of shape (n,), optional

        Returns
        -------
        dict of str to scalar tensor
            Empty for a model that names no terms.

        Raises
        ------
        ValueError
            If `loss_terms` returns others than `track_terms` named.
        """
        if not self.loss_weights:
            return {}
        terms = self.loss_terms(images, outputs)
        if terms.keys() != self.loss_weights.keys():
            raise ValueError(
                f"expected loss_terms of {type(self).__name__} to return the terms that track_terms named, "
                f"{sorted(self.loss_weights)}, got {sorted(terms)}"
            )
        return {name: losses.weighted_mean(term, sample_weight) for name, term in terms.items()}

    def validation_outputs(self, images: Any) -> Any:
        """Return what the loss of a batch is made of in inference.

        Parameters
        ----------
        images : tensor of shape (n, ...)

        Returns
        -------
        object
            As `loss_terms` takes it.
        """
        return self(images, training=False)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        if not self.loss_weights:
            raise NotImplementedError(
                f"expected {type(self).__name__} to name its loss terms by track_terms or to define compute_loss, "
                "got neither"
            )
        means = self.term_means(x, y_pred, sample_weight)
        for tracker in self.term_trackers:
            tracker.update_state(means[tracker.name], sample_weight=keras.ops.shape(x)[0])
        return sum(self.loss_weights[name] * mean for name, mean in means.items()) + sum(self.losses)
