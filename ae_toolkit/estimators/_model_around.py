"""What the Keras models around an autoencoder share: which variables their loss reaches, and their configuration."""

from typing import Any

from ae_toolkit import training
from ae_toolkit._keras import keras
from ae_toolkit.networks import losses


class ModelAroundAutoencoder(training.TrainableModel):
    """The base of Keras models that train an autoencoder by a term of its codes.

    Beside that term, their loss may have another one, ``"reconstruction"``, the squared error per
    image. Without a weight for it the decoder takes no part.

    A subclass sets in its constructor what `_PARTS` and `_NUMBERS` name, and makes the variables
    that `_own_variables` returns.

    Parameters
    ----------
    term : str
        The name of the term of the codes, whose weight in the loss is 1.
    reconstruction_weight : float
        Of the squared error per image in the loss.

    Examples
    --------
    >>> from ae_toolkit.estimators._model_around import ModelAroundAutoencoder
    >>> from ae_toolkit.estimators.classification_model import ClassificationModel
    >>> issubclass(ClassificationModel, ModelAroundAutoencoder)
    True
    """

    #: The constructor's parameters that are layers, or None; ``"autoencoder"`` and ``"transformation"`` are among them.
    _PARTS: tuple[str, ...] = ()
    #: The constructor's other parameters.
    _NUMBERS: tuple[str, ...] = ()

    def __init__(self, term: str, reconstruction_weight: float, **kwargs: Any):
        super().__init__(**kwargs)
        terms = {"reconstruction": reconstruction_weight} if reconstruction_weight else {}
        self.track_terms(**{term: 1.0}, **terms)
        self.reconstruction_weight = reconstruction_weight

    def _own_variables(self):
        """Return the variables beside the autoencoder's that are trained; a hook."""
        raise NotImplementedError

    def _transformed(self, images, training):
        """Return what the transformation makes of images, or, without one, the images themselves."""
        return images if self.transformation is None else self.transformation(images, training=training)

    def _reconstruction(self, outputs):
        """Return the term of the squared error, if it has a weight, of what ``call`` has returned."""
        if not self.reconstruction_weight:
            return {}
        return {"reconstruction": losses.squared_error(outputs["wanted"], outputs["decoded"])}

    @property
    def trainable_variables(self):
        return self._reached(super().trainable_variables)

    @property
    def trainable_weights(self):
        return self._reached(super().trainable_weights)

    def _reached(self, variables):
        """Return the variables on which the loss depends: others, as a discriminator's, would get no gradient."""
        parts = [self.autoencoder.encoder, *([self.autoencoder.decoder] if self.reconstruction_weight else [])]
        reached = {id(variable) for part in parts for variable in part.variables}
        reached |= {id(variable) for variable in self._own_variables()}
        return [variable for variable in variables if id(variable) in reached]

    def get_config(self):
        numbers = {name: getattr(self, name) for name in self._NUMBERS}
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self._PARTS}
        return {**super().get_config(), **numbers, **parts}

    @classmethod
    def from_config(cls, config):
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in cls._PARTS}
        return cls(**{**config, **parts})
