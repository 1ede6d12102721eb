"""The Keras model behind every estimator: an encoder, a decoder and named loss terms.

The hooks of a model: a variant overrides one or more of these methods of
`AutoencoderModel`. They are written with ``keras.ops``, so that they run on any backend,
and without Python conditions on a tensor's values, since they are compiled. Below, n is
the number of images in a batch.

``encode(images, training=None)``
    Receives images, (n, *image_shape). Returns their codes, (n, code_dim), which
    ``transform`` hands out.
``decode(codes, training=None)``
    Receives codes, (n, code_dim). Returns images, (n, *image_shape), which
    ``inverse_transform`` and ``reconstruct`` hand out.
``corrupt(images, training=None)``
    Receives images, (n, *image_shape). Returns what is encoded in their place in training,
    of the same shape.
``split(batch)``
    Receives a batch of the training's stream. Returns the images in it, and what is to be
    decoded of them: the same, except where there is a target.
``propagate(images, training=None)``
    Receives images, (n, *image_shape). Returns a dict of whatever tensors the loss terms
    need, customarily ``"codes"`` and ``"reconstructions"``.
``loss_terms(images, outputs)``
    Receives the clean images, (n, *image_shape), and what ``propagate`` returned. Returns a
    dict with a tensor of shape (n,) for each term that is named in the constructor by
    ``loss_weights``: unweighted and in the term's own unit.

A model with parameters of its own also extends ``get_config``, so that it can be saved.
The weights in ``loss_weights`` are no part of the configuration: the constructor makes
them from those parameters again.
"""

from typing import Any

from ae_toolkit import networks, training
from ae_toolkit._keras import keras
from ae_toolkit.networks import losses


@keras.saving.register_keras_serializable(package="ae_toolkit")
class AutoencoderModel(training.TrainableModel):
    """An encoder, followed by a decoder, that minimise the article's loss.

    Called in inference it returns the reconstructions. In training it returns all that
    ``propagate`` found, of which the loss terms are made. There is one term here,
    ``"reconstruction"``: the squared error per image.

    Parameters
    ----------
    encoder : keras.Model, (n, *image_shape) -> (n, code_dim)
    decoder : keras.Model, (n, code_dim) -> (n, *image_shape)
    loss_weights : dict of str to float, optional
        The names of the loss terms and their weights in the loss, which a variant with
        terms of its own passes on from its constructor. By default
        ``{"reconstruction": 1.0}``.

    Examples
    --------
    >>> import keras
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.models import AutoencoderModel
    >>> model = AutoencoderModel(*networks.build((8, 8, 1), code_dim=4))
    >>> tuple(model(keras.ops.zeros((2, 8, 8, 1))).shape)
    (2, 8, 8, 1)
    """

    def __init__(self, encoder: Any, decoder: Any, *, loss_weights: dict[str, float] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.track_terms(**({"reconstruction": 1.0} if loss_weights is None else loss_weights))
        networks.tie(encoder, decoder)
        self.encoder, self.decoder = encoder, decoder
        self.built = encoder.built and decoder.built

    def encode(self, images: Any, training: bool | None = None) -> Any:
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

    def decode(self, codes: Any, training: bool | None = None) -> Any:
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

    def corrupt(self, images: Any, training: bool | None = None) -> Any:
        """Return what is encoded in the images' place in training: here the images themselves.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
        training : bool, optional
            Whether random parts act; otherwise the images stay as they are.

        Returns
        -------
        tensor of shape (n, *image_shape)
        """
        return images

    def split(self, batch: Any) -> tuple[Any, Any]:
        """Return the images of a batch, and what is to be decoded of them: here the images themselves.

        Parameters
        ----------
        batch : tensor of shape (n, *image_shape)
            Where a target stands beside each image, (n, numbers of an image and of its target).

        Returns
        -------
        images : tensor of shape (n, *image_shape)
        targets : tensor of shape (n, ...)
            Of the shape of what `decode` returns.
        """
        return batch, batch

    def propagate(self, images: Any, training: bool | None = None) -> dict[str, Any]:
        """Return what the loss terms need to know about a batch, by name.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
        training : bool, optional
            Whether random parts, such as dropout, act.

        Returns
        -------
        dict of tensors
            Here ``"codes"`` and ``"reconstructions"``.
        """
        codes = self.encode(self.corrupt(images, training), training)
        return {"codes": codes, "reconstructions": self.decode(codes, training)}

    def loss_terms(self, images: Any, outputs: dict[str, Any]) -> dict[str, Any]:
        """Return each term of the loss, one value per image, unweighted and in its own unit.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
            The target: clean images.
        outputs : dict of tensors
            As from ``propagate``.

        Returns
        -------
        dict of tensors of shape (n,)
            Here ``"reconstruction"``, the squared error.
        """
        return {"reconstruction": losses.squared_error(images, outputs["reconstructions"])}

    def objective(self, images: Any, outputs: dict[str, Any]) -> Any:
        """Return what is minimised, one value per image: the weighted sum of the loss terms.

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
        return sum(self.loss_weights[name] * term for name, term in self.loss_terms(images, outputs).items())

    def call(self, images: Any, training: bool | None = None) -> Any:
        return self.propagate(images, training) if training else self.decode(self.encode(images))

    def validation_outputs(self, images):
        return self.propagate(images, training=False)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        # In inference the model returns the reconstructions alone; the terms need all that `propagate` finds.
        outputs = y_pred if isinstance(y_pred, dict) else self.propagate(x, training=False)
        return super().compute_loss(x, y, outputs, sample_weight, training)

    def get_config(self):
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("encoder", "decoder")}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config):
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("encoder", "decoder")}
        return cls(**{**config, **parts})
