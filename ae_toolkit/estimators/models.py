"""The Keras model behind every estimator: an encoder, a decoder and an objective.

A variant overrides ``propagate``, what happens to a batch on its way through, or
``objective``, what is minimised about it. Both are written with ``keras.ops`` and run on
any backend.
"""

from ae_toolkit import networks, training
from ae_toolkit._keras import keras
from ae_toolkit.networks import losses


@keras.saving.register_keras_serializable(package="ae_toolkit")
class AutoencoderModel(training.TrainableModel):
    """An encoder, followed by a decoder, that minimise the article's loss.

    Called in inference it returns the reconstructions. In training it returns all that
    ``propagate`` found, of which the loss is made.

    Parameters
    ----------
    encoder : keras.Model, (n, *image_shape) -> (n, code_dim)
    decoder : keras.Model, (n, code_dim) -> (n, *image_shape)

    Examples
    --------
    >>> import keras
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.models import AutoencoderModel
    >>> model = AutoencoderModel(*networks.build((8, 8, 1), code_dim=4))
    >>> tuple(model(keras.ops.zeros((2, 8, 8, 1))).shape)
    (2, 8, 8, 1)
    """

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        networks.tie(encoder, decoder)
        self.encoder, self.decoder = encoder, decoder
        self.built = encoder.built and decoder.built

    def encode(self, images, training=None):
        """Return the codes of images.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
        training : bool, optional
            Whether random parts, such as dropout, act.

        Returns
        -------
        tensor of shape (n, code_dim)
        """
        return self.encoder(images, training=training)

    def decode(self, codes, training=None):
        """Return the images of codes.

        Parameters
        ----------
        codes : tensor of shape (n, code_dim)
        training : bool, optional
            Whether random parts, such as dropout, act.

        Returns
        -------
        tensor of shape (n, *image_shape)
        """
        return self.decoder(codes, training=training)

    def propagate(self, images, training=None):
        """Return what the objective needs to know about a batch, by name.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
        training : bool
            Whether random parts, such as dropout, act.

        Returns
        -------
        dict of tensors
            At least ``"codes"`` and ``"reconstructions"``.
        """
        codes = self.encode(images, training)
        return {"codes": codes, "reconstructions": self.decode(codes, training)}

    def objective(self, images, outputs):
        """Return what is minimised, a number for each image.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
            The target: clean images.
        outputs : dict of tensors
            As from ``propagate``.

        Returns
        -------
        tensor of shape (n,)
        """
        return losses.squared_error(images, outputs["reconstructions"])

    def call(self, images, training=None):
        return self.propagate(images, training) if training else self.decode(self.encode(images))

    def validation_outputs(self, images):
        return self.propagate(images, training=False)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        outputs = y_pred if isinstance(y_pred, dict) else self.propagate(x, training=False)
        return losses.weighted_mean(self.objective(x, outputs), sample_weight) + sum(self.losses)

    def get_config(self):
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("encoder", "decoder")}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config):
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("encoder", "decoder")}
        return cls(**{**config, **parts})
