"""The adversarial autoencoder: a discriminator makes the codes as a whole look like N(0, 1)."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from ae_toolkit import networks
from ae_toolkit._keras import keras
from ae_toolkit._sklearn import Interval
from ae_toolkit.estimators.autoencoder import CONSTRAINTS_WITHOUT_LINEAR_PATH, Autoencoder
from ae_toolkit.estimators.generation import PriorSampling
from ae_toolkit.estimators.models import AutoencoderModel

ops = keras.ops


def reverse_gradient(values: Any, factor: Any = 1.0) -> Any:
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
    """The Keras model of `AdversarialAutoencoder`: a discriminator, trained beside it, tells codes from draws.

    Its loss terms are ``"reconstruction"``, the squared error per image, and
    ``"discriminator"``, its cross-entropy in nats per pair of a drawn and an encoded code.

    Parameters
    ----------
    encoder, decoder : keras.Model
    discriminator : keras.Model, (n, code_dim) -> (n, 1)
        Returns the logit of a code being drawn from N(0, 1).
    weight : float
        Of the gradient that the encoder receives from the discriminator.
    seed : int, optional

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

    def __init__(
        self, encoder: Any, decoder: Any, discriminator: Any, weight: float, seed: int | None = None, **kwargs: Any
    ):
        # The discriminator learns at full strength; its weight for the encoder is in the reversed gradient.
        super().__init__(encoder, decoder, loss_weights={"reconstruction": 1.0, "discriminator": 1.0}, **kwargs)
        self.discriminator, self.weight, self.seed = discriminator, weight, seed
        self.generator = keras.random.SeedGenerator(seed)

    def propagate(self, images: Any, training: bool | None = None) -> dict[str, Any]:
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

    def loss_terms(self, images: Any, outputs: dict[str, Any]) -> dict[str, Any]:
        # The discriminator's cross-entropy: drawn codes are 1, the encoder's 0. The encoder maximises it.
        entropy = ops.softplus(-outputs["logits_prior"]) + ops.softplus(outputs["logits_encoded"])
        return {**super().loss_terms(images, outputs), "discriminator": entropy}

    def get_config(self):
        own = {"discriminator": keras.saving.serialize_keras_object(self.discriminator)}
        return {**super().get_config(), **own, "weight": self.weight, "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        part = keras.saving.deserialize_keras_object(config["discriminator"])
        return super().from_config({**config, "discriminator": part})


class AdversarialAutoencoder(PriorSampling, Autoencoder):
    """Learn codes that are distributed like N(0, 1), and generate new images from such codes.

    A third network, the discriminator, learns to tell the encoder's codes from codes that
    are drawn; the encoder learns to be mistaken for the drawing. Both learn in the same
    step: the gradient is reversed between them.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. A code longer than an image is allowed, with a warning.
    adversarial_weight : float, default=1.0
        Weight of what the encoder learns from the discriminator, beside the squared error
        per image. The discriminator's own learning does not depend on it.
    discriminator_units : sequence of int, default=(64, 64)
        Widths of the discriminator's hidden layers.
    network : {"auto", "dense", "conv", "patch"}, default="auto"
        ``"auto"`` takes convolutions for pictures of more than 1,024 numbers.
    hidden_units : sequence of int, optional
        Widths (``"conv"``: filters) of the encoder's hidden layers; the decoder mirrors
        them. By default derived from the image's shape. ``()`` has none, which makes a
        linear autoencoder.
    tied : bool, default=False
        Whether the decoder's weights are the encoder's, transposed. Dense networks only.
    encoder, decoder : keras.Model, optional
        A network of your own, from (n, *image_shape) to (n, code_dim) and back. Training
        starts from its weights; the given models themselves stay as they are.
    activation : str, default="auto"
        Keras activation of the hidden layers. ``"auto"`` is ``"silu"`` for ``"patch"``,
        otherwise ``"relu"``.
    code_activation : str, default="linear"
        Keras activation of the code.
    output_activation : str, default="auto"
        Keras activation of the reconstruction. ``"auto"`` is ``"linear"``, except for
        ``"patch"`` and pixels in [0, 1]: ``"sigmoid"``.
    optimizer : str, default="adam"
        Keras's name of the optimiser.
    learning_rate : float or "auto", default="auto"
        The highest rate of the training. ``"auto"`` is 3e-3 for ``"patch"``, otherwise 2e-3.
    schedule : {"cosine", "constant"}, default="cosine"
        Whether the learning rate falls to zero over the training or stays.
    warmup : float or "auto", default="auto"
        Fraction of the training, from 0 to 1, in which the learning rate rises to its
        highest. ``"auto"`` is 0.1 for ``"patch"`` with a falling rate, otherwise 0.
    clip_norm : float, optional
        A gradient whose norm over all weights is larger is scaled down to this norm.
    precision : {"float32", "bfloat16"}, default="float32"
        What hidden layers compute in. Weights, codes and reconstructions are float32 either
        way. bfloat16 is faster for large networks on processors that support it.
    augmentation : dict, optional
        Transforms a fraction of each training batch by random amounts, for example
        ``{"rotation": 10, "scale": 0.1, "shear": 5, "shift": 0.05, "fraction": 0.5}``; see
        `ae_toolkit.data.augmentation.RandomAffine`. For pictures, not for flat images.
    epochs : int, default=30
        How often each image is seen.
    batch_size : int or "auto", default="auto"
        Images per step. ``"auto"`` gives about 50 steps per epoch, with batches of 16 to
        256 images (``"patch"``: 100 steps, 16 to 64 images), and the largest for a folder. A
        data set brings its own batches.
    random_state : int, RandomState instance or None, default=None
        Seeds everything random in ``fit``: the initial weights, the order of the images and
        what is drawn for each batch. None makes each fit another one.
    warm_start : bool, default=False
        Whether a further ``fit`` starts from the weights of the one before.
    verbose : int, default=0
        0 is silent, 1 shows a progress bar, 2 prints a line per epoch.

    Attributes
    ----------
    model_ : AdversarialModel
        The fitted Keras model, with ``.encoder`` and ``.decoder``.
    history_ : dict of list of float
        The training curve, with one value per epoch: ``"loss"`` and, under its own name,
        each term of which the loss is made, averaged over the epoch's images while the
        weights change. With validation images also ``"val_loss"`` and the terms' ``"val_"``
        twins, taken at the epoch's end. The terms here: ``"reconstruction"``, the squared
        error per image, and ``"discriminator"``, its cross-entropy per pair of a drawn and
        an encoded code, in nats: about 1.39 (twice log 2) if it cannot tell them apart.
        ``loss`` is their sum; `adversarial_weight` acts on the gradient that reaches the
        encoder, not on the loss.
    settings_ : dict
        The values that parameters with a default of ``"auto"`` had in training, and
        ``"in_unit_range"``: whether all pixels were in [0, 1].
    image_shape_ : tuple of int
        Shape of one image as it came: (height, width, channels), (height, width) or
        (pixels,).
    n_features_in_ : int
        How many numbers an image has.

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
        **CONSTRAINTS_WITHOUT_LINEAR_PATH,
        "adversarial_weight": [Interval(Real, 0, None, closed="left")],
        "discriminator_units": ["array-like"],
    }

    def __init__(
        self,
        code_dim: int = 32,
        *,
        adversarial_weight: float = 1.0,
        discriminator_units: Sequence[int] = (64, 64),
        network: str = "auto",
        hidden_units: Sequence[int] | None = None,
        tied: bool = False,
        encoder: Any = None,
        decoder: Any = None,
        activation: str = "auto",
        code_activation: str = "linear",
        output_activation: str = "auto",
        optimizer: str = "adam",
        learning_rate: float | str = "auto",
        schedule: str = "cosine",
        warmup: float | str = "auto",
        clip_norm: float | None = None,
        precision: str = "float32",
        augmentation: dict[str, float] | None = None,
        epochs: int = 30,
        batch_size: int | str = "auto",
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            code_dim,
            network=network,
            hidden_units=hidden_units,
            tied=tied,
            encoder=encoder,
            decoder=decoder,
            activation=activation,
            code_activation=code_activation,
            output_activation=output_activation,
            linear_path=False,
            optimizer=optimizer,
            learning_rate=learning_rate,
            schedule=schedule,
            warmup=warmup,
            clip_norm=clip_norm,
            precision=precision,
            augmentation=augmentation,
            epochs=epochs,
            batch_size=batch_size,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.adversarial_weight = adversarial_weight
        self.discriminator_units = discriminator_units

    def _build_model(self, seed):
        # A network from the code to one number: the encoder of an autoencoder of codes.
        discriminator, _ = networks.build((self.code_dim,), 1, "dense", self.discriminator_units, seed=seed + 1)
        return AdversarialModel(*self._networks(seed), discriminator, self.adversarial_weight, seed)
