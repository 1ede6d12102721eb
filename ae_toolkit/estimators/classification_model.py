"""The Keras model of `AutoencoderClassifier`: an encoder, one neuron per class behind it, and perhaps the decoder."""

import math
from typing import Any

from ae_toolkit._keras import keras
from ae_toolkit.estimators._model_around import ModelAroundAutoencoder

ops = keras.ops


@keras.saving.register_keras_serializable(package="ae_toolkit")
class ClassificationModel(ModelAroundAutoencoder):
    """An autoencoder whose codes also have to tell the classes apart.

    It takes rows of numbers: those of an image, those of what is to be decoded of it where
    that is a target of its own, and for each class its weight in the loss, which is zero for
    all classes of an image without a label. Its loss terms are ``"classification"``, the cross-entropy
    in nats, and, if it has a weight, ``"reconstruction"``, the squared error per image.

    Parameters
    ----------
    autoencoder : AutoencoderModel
        Trained in place. It changes images in training as it does in its own training.
    n_classes, code_dim : int
    reconstruction_weight : float
        Of the squared error per image in the loss. Without it the decoder takes no part.
    transformation : keras.Layer, optional
        Changes images in training before they are corrupted and encoded, as an
        autoencoder's augmentation does; what is decoded is compared to what it returns.

    Attributes
    ----------
    kernel : keras.Variable of shape (code_dim, n_classes)
    bias : keras.Variable of shape (n_classes,)

    Examples
    --------
    `AutoencoderClassifier` makes one, and trains it.

    >>> from keras import ops
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.classification_model import ClassificationModel
    >>> from ae_toolkit.estimators.models import AutoencoderModel
    >>> autoencoder = AutoencoderModel(*networks.build((8, 8, 1), 4))
    >>> model = ClassificationModel(autoencoder, n_classes=3, code_dim=4, reconstruction_weight=0.0)
    >>> rows = ops.concatenate([ops.ones((2, 64)), ops.eye(3)[:2]], axis=1)
    >>> nats = model.loss_terms(rows, model(rows))["classification"]
    >>> [round(float(value), 4) for value in nats]  # log 3, as nothing is learned yet
    [1.0986, 1.0986]
    """

    _PARTS = "autoencoder", "transformation"
    _NUMBERS = "n_classes", "code_dim", "reconstruction_weight"

    def __init__(
        self,
        autoencoder: Any,
        n_classes: int,
        code_dim: int,
        reconstruction_weight: float,
        transformation: Any = None,
        **kwargs: Any,
    ):
        super().__init__("classification", reconstruction_weight, **kwargs)
        self.autoencoder, self.transformation = autoencoder, transformation
        self.n_classes, self.code_dim = n_classes, code_dim
        self.kernel = self.add_weight((code_dim, n_classes), "zeros", name="kernel")
        self.bias = self.add_weight((n_classes,), "zeros", name="bias")
        self.built = True

    def call(self, rows: Any, training: bool | None = None) -> dict[str, Any]:
        front, class_weights = rows[:, : -self.n_classes], rows[:, -self.n_classes :]
        images, target = self._split(front)
        shown = self._transformed(images, training)
        codes = self.autoencoder.encode(self.autoencoder.corrupt(shown, training), training)
        logits = ops.matmul(codes, ops.convert_to_tensor(self.kernel)) + ops.convert_to_tensor(self.bias)
        outputs = {"class_weights": class_weights, "log_probabilities": ops.log_softmax(logits, axis=-1)}
        if self.reconstruction_weight:
            outputs["decoded"] = self.autoencoder.decode(codes, training)
            outputs["wanted"] = shown if target is None else target
        return outputs

    def _split(self, front):
        """Return the images in the front of rows, and what is to be decoded of them if that is something else."""
        shape = tuple(self.autoencoder.encoder.input_shape[1:])
        if front.shape[1] == math.prod(shape):
            return ops.reshape(front, (-1, *shape)), None
        return self.autoencoder.split(front)

    def loss_terms(self, rows: Any, outputs: dict[str, Any]) -> dict[str, Any]:
        cross_entropy = -ops.sum(outputs["class_weights"] * outputs["log_probabilities"], axis=-1)
        return {"classification": cross_entropy, **self._reconstruction(outputs)}

    def _own_variables(self):
        return [self.kernel, self.bias]
