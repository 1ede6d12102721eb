"""An autoencoder that is shown spoilt images and has to give back the clean ones."""

from numbers import Real

from ae_toolkit._keras import keras
from ae_toolkit._sklearn import Interval, StrOptions
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.networks.layers import Corruption


@keras.saving.register_keras_serializable(package="ae_toolkit")
class DenoisingModel(AutoencoderModel):
    """Spoils a batch on its way to the encoder; the target stays clean.

    Parameters
    ----------
    encoder, decoder : keras.Model
    corruption : keras.Layer

    Examples
    --------
    `DenoisingAutoencoder` makes one, and trains it.

    >>> import keras
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.denoising import DenoisingModel
    >>> from ae_toolkit.networks.layers import Corruption
    >>> model = DenoisingModel(*networks.build((8, 8, 1), code_dim=4), Corruption("masking", 0.5))
    >>> tuple(model.propagate(keras.ops.ones((2, 8, 8, 1)), training=True)["reconstructions"].shape)
    (2, 8, 8, 1)
    """

    def __init__(self, encoder, decoder, corruption, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.corruption = corruption

    def propagate(self, images, training=None):
        return super().propagate(self.corruption(images, training=training), training)

    def get_config(self):
        return {**super().get_config(), "corruption": keras.saving.serialize_keras_object(self.corruption)}

    @classmethod
    def from_config(cls, config):
        return super().from_config(
            {**config, "corruption": keras.saving.deserialize_keras_object(config["corruption"])}
        )


class DenoisingAutoencoder(Autoencoder):
    """Learn codes from which clean images can be decoded although spoilt ones were encoded.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. More than an image has is allowed, with a warning.
    corruption : {"gaussian", "masking", "salt_and_pepper"}, default="gaussian"
        Adds normal noise; sets pixels to 0; or sets them to 0 or 1. Only training spoils
        images: ``transform`` and ``reconstruct`` take them as they are.
    corruption_level : float, default=0.3
        The standard deviation of the normal noise, in pixel units; else the part of the
        pixels that is set, at most 1.

    References
    ----------
    Vincent, P., Larochelle, H., Bengio, Y. and Manzagol, P.-A. (2008). Extracting and
    composing robust features with denoising autoencoders. ICML, 1096-1103.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> denoiser = ae.DenoisingAutoencoder(code_dim=8, corruption="masking", epochs=2, random_state=0)
    >>> denoiser.fit(data.x_train).reconstruct(data.x_test).shape
    (360, 8, 8, 1)
    """

    _parameter_constraints = {
        **Autoencoder._parameter_constraints,
        "corruption": [StrOptions(set(Corruption.KINDS))],
        "corruption_level": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, code_dim=32, *, corruption="gaussian", corruption_level=0.3, **settings):
        super().__init__(code_dim, **settings)
        self.corruption = corruption
        self.corruption_level = corruption_level

    def _build_model(self, seed):
        if self.corruption != "gaussian" and self.corruption_level > 1:
            raise ValueError(
                "expected corruption_level to be a part of the pixels, from 0 to 1, "
                f"for corruption={self.corruption!r}, "
                f"got {self.corruption_level}"
            )
        return DenoisingModel(*self._networks(seed), Corruption(self.corruption, self.corruption_level, seed))
