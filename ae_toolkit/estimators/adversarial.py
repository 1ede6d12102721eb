"""The adversarial autoencoder: a discriminator makes the codes as a whole look like N(0, 1)."""

from numbers import Real

from sklearn.utils.validation import check_is_fitted

from ae_toolkit import networks
from ae_toolkit._keras import keras
from ae_toolkit._sklearn import Interval
from ae_toolkit._validation import as_random_state, check_count
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.estimators.models import AutoencoderModel

ops = keras.ops


def reverse_gradient(values, factor=1.0):
    """Return the values as they are, and in the backward pass the gradient times -factor.

    Parameters
    ----------
    values : tensor
    factor : float, or tensor of a shape that goes with `values`

    Returns
    -------
    tensor of the shape of `values`

    References
    ----------
    Ganin, Y. and Lempitsky, V. (2015). Unsupervised domain adaptation by backpropagation. ICML.

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit.estimators.adversarial import reverse_gradient
    >>> float(reverse_gradient(ops.ones(())))
    1.0
    """
    return ops.stop_gradient(values) - factor * (values - ops.stop_gradient(values))


@keras.saving.register_keras_serializable(package="ae_toolkit")
class AdversarialModel(AutoencoderModel):
    """Trains a discriminator beside encoder and decoder; its gradient reaches the encoder reversed.

    Parameters
    ----------
    encoder, decoder : keras.Model
    discriminator : keras.Model, (n, code_dim) -> (n, 1)
        Returns the logit of a code being drawn from N(0, 1).
    weight : float
    seed : int

    Examples
    --------
    `AdversarialAutoencoder` makes one, and trains it.

    >>> from keras import ops
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.adversarial import AdversarialModel
    >>> discriminator, _ = networks.build((4,), 1)
    >>> model = AdversarialModel(*networks.build((8, 8, 1), code_dim=4), discriminator, 1.0)
    >>> sorted(model.propagate(ops.ones((2, 8, 8, 1))))
    ['codes', 'logits_encoded', 'logits_prior', 'reconstructions']
    """

    def __init__(self, encoder, decoder, discriminator, weight, seed=None, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.discriminator, self.weight, self.seed = discriminator, weight, seed
        self.generator = keras.random.SeedGenerator(seed)

    def propagate(self, images, training=None):
        outputs = super().propagate(images, training)
        codes = outputs["codes"]
        drawn = keras.random.normal(ops.shape(codes), seed=self.generator)
        # Reversed, the gradient of -log(1 - D) fades just where the discriminator is sure. The factor makes it that
        # of log D, the form that Goodfellow et al. (2014) recommend: (1 - D) / D, from the logit.
        sure = ops.stop_gradient(self.discriminator(ops.stop_gradient(codes)))
        factor = self.weight * ops.exp(ops.clip(-sure, -10, 10))
        logits_encoded = self.discriminator(reverse_gradient(codes, factor), training=training)
        return {
            **outputs,
            "logits_encoded": logits_encoded[:, 0],
            "logits_prior": self.discriminator(drawn, training=training)[:, 0],
        }

    def objective(self, images, outputs):
        # The discriminator's cross-entropy: drawn codes are 1, the encoder's 0. The encoder maximises it.
        entropy = ops.softplus(-outputs["logits_prior"]) + ops.softplus(outputs["logits_encoded"])
        return super().objective(images, outputs) + entropy

    def get_config(self):
        own = {"discriminator": keras.saving.serialize_keras_object(self.discriminator)}
        return {**super().get_config(), **own, "weight": self.weight, "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        part = keras.saving.deserialize_keras_object(config["discriminator"])
        return super().from_config({**config, "discriminator": part})


class AdversarialAutoencoder(Autoencoder):
    """Learn codes that are distributed like N(0, 1), and generate new images from such codes.

    A third network, the discriminator, learns to tell the encoder's codes from codes that
    are drawn; the encoder learns to be mistaken for the drawing. Both learn in the same
    step: the gradient is reversed between them.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. More than an image has is allowed, with a warning.
    adversarial_weight : float, default=1.0
        Factor of what the encoder learns from the discriminator, beside the squared error
        per image.
    discriminator_units : sequence of int, default=(64, 64)
        Widths of the discriminator's hidden layers.

    References
    ----------
    Makhzani, A., Shlens, J., Jaitly, N., Goodfellow, I. and Frey, B. (2016). Adversarial
    autoencoders. ICLR workshop.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> adversarial = ae.AdversarialAutoencoder(code_dim=4, epochs=2, random_state=0).fit(data.x_train)
    >>> adversarial.sample(5, random_state=0).shape
    (5, 8, 8, 1)
    """

    _parameter_constraints = {
        **Autoencoder._parameter_constraints,
        "adversarial_weight": [Interval(Real, 0, None, closed="left")],
        "discriminator_units": ["array-like"],
    }

    def __init__(self, code_dim=32, *, adversarial_weight=1.0, discriminator_units=(64, 64), **settings):
        super().__init__(code_dim, **settings)
        self.adversarial_weight = adversarial_weight
        self.discriminator_units = discriminator_units

    def sample(self, n_samples=1, random_state=None):
        """Draw new images: codes from N(0, 1), decoded.

        Parameters
        ----------
        n_samples : int, default=1
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        ndarray of float32, shape (n_samples, *image_shape_)
        """
        check_is_fitted(self)
        shape = (check_count(n_samples, "n_samples"), self.code_dim)
        return self.inverse_transform(as_random_state(random_state).normal(size=shape))

    def _build_model(self, seed):
        # A network from the code to one number: the encoder of an autoencoder of codes.
        discriminator, _ = networks.build((self.code_dim,), 1, "dense", self.discriminator_units, seed=seed + 1)
        return AdversarialModel(*self._networks(seed), discriminator, self.adversarial_weight, seed)
