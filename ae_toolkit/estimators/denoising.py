"""An autoencoder that is shown corrupted images and has to give back the clean ones, or what a target makes of them."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import clone

from ae_toolkit._keras import keras
from ae_toolkit._sklearn import HasMethods, Interval, StrOptions
from ae_toolkit.data import targets
from ae_toolkit.estimators._settings import PCA_NUMBERS
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.networks.layers import Corruption
from ae_toolkit.training import plans

#: The amounts of ``corruption="affine"``: what leaves a handwritten digit the digit that it is.
AFFINE = {"rotation": 15, "shear": 15, "scale": 0.15, "shift": 0.08}


@keras.saving.register_keras_serializable(package="ae_toolkit")
class DenoisingModel(AutoencoderModel):
    """The Keras model of `DenoisingAutoencoder`: images are corrupted before they are encoded, the target stays clean.

    Its loss term is ``"reconstruction"``, the squared error per image.

    Parameters
    ----------
    encoder, decoder : keras.Model
    corruption : keras.Layer
    target_shape : tuple of int, optional
        Shape of what is decoded where that is not the image itself. Training and validation then
        take rows of numbers, those of an image followed by those of its target, as
        `ae_toolkit.data.targets.pair` makes them; `encode`, `decode` and inference take images
        and codes as ever.

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

    def __init__(
        self, encoder: Any, decoder: Any, corruption: Any, target_shape: Sequence[int] | None = None, **kwargs: Any
    ):
        super().__init__(encoder, decoder, **kwargs)
        self.corruption = corruption
        self.target_shape = None if target_shape is None else tuple(target_shape)

    def split(self, batch: Any) -> tuple[Any, Any]:
        if self.target_shape is None:
            return batch, batch
        image_shape = tuple(self.encoder.input_shape[1:])
        n_pixels = math.prod(image_shape)
        images = keras.ops.reshape(batch[:, :n_pixels], (-1, *image_shape))
        return images, keras.ops.reshape(batch[:, n_pixels:], (-1, *self.target_shape))

    def corrupt(self, images: Any, training: bool | None = None) -> Any:
        return self.corruption(images, training=training)

    def propagate(self, images: Any, training: bool | None = None) -> dict[str, Any]:
        images, _ = self.split(images)
        return super().propagate(images, training)

    def loss_terms(self, images: Any, outputs: dict[str, Any]) -> dict[str, Any]:
        _, targets = self.split(images)
        return super().loss_terms(targets, outputs)

    def get_config(self):
        own = {
            "corruption": keras.saving.serialize_keras_object(self.corruption),
            "target_shape": self.target_shape and list(self.target_shape),
        }
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config):
        return super().from_config(
            {**config, "corruption": keras.saving.deserialize_keras_object(config["corruption"])}
        )


class DenoisingAutoencoder(Autoencoder):
    """Learn codes from which clean images can be decoded although corrupted ones were encoded.

    What is decoded may also be a target that is made of the clean image, such as the image
    deskewed. The code then need not keep how the corrupted image differs from it.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. A code longer than an image is allowed, with a warning.
    corruption : {"gaussian", "masking", "salt_and_pepper", "affine"} or dict, default="gaussian"
        Adds normal noise; sets pixels to 0; or sets them to 0 or 1. ``"affine"`` rotates, shears,
        scales and shifts every image by random amounts, up to 15°, 15°, 15% and 8% of its side;
        a dict has amounts of your own, as
        `ae_toolkit.data.augmentation.RandomAffine` takes them, of which ``"fraction"`` is 1
        unless it is given. Only training corrupts images: ``transform`` and ``reconstruct`` take
        them as they are.
    corruption_level : float, default=0.3
        The standard deviation of the normal noise, in pixel units; for pixels that are set their
        fraction, at most 1. It has no meaning for affine transformations.
    target : transformer of images, optional
        What is to be decoded is what a copy of it, fitted on the images, makes of each clean
        image: a picture or a row of numbers. ``inverse_transform`` and ``reconstruct`` return
        such targets, ``score`` and validation losses compare with them, and
        ``output_activation="auto"`` looks at their values. Wrapped in scikit-learn's
        ``FrozenEstimator``, a fitted one stays as it is. By default the clean image itself. Of a
        data set or a folder the first images, up to 2**24 numbers, fit it.
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
    linear_path : bool or "auto", default="auto"
        Whether codes and reconstructions are those of principal component analysis, to which
        the network adds what it has learned. Reconstructions are then cut off at 0 and 1 if
        all training pixels are between. ``"auto"`` is True where `network`, `hidden_units`,
        `output_activation` and `code_activation` are left as they are. It takes ``2 * code_dim
        * pixels`` weights, which are not trained.
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
    model_ : DenoisingModel
        The fitted Keras model, with ``.encoder`` and ``.decoder``.
    history_ : dict of list of float
        The training curve, with one value per epoch: ``"loss"`` and, under its own name,
        each term of which the loss is made, averaged over the epoch's images while the
        weights change. With validation images also ``"val_loss"`` and the terms' ``"val_"``
        twins, taken at the epoch's end. There is one term here: ``"reconstruction"``, the
        squared error per image between the target, customarily the clean image, and what is decoded. In training the
        corrupted image was encoded, in validation the clean one.
    settings_ : dict
        The values that parameters with a default of ``"auto"`` had in training, and
        ``"in_unit_range"``: whether all pixels were in [0, 1].
    target_ : fitted transformer or None
        What makes the targets.
    target_shape_ : tuple of int
        Shape of what is decoded of one image.
    image_shape_ : tuple of int
        Shape of one image as it came: (height, width, channels), (height, width) or
        (pixels,).
    n_features_in_ : int
        How many numbers an image has.

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

    What is decoded may be the image without its slant.

    >>> upright = ae.DenoisingAutoencoder(
    ...     code_dim=8, corruption="affine", target=ae.Deskew(), epochs=2, random_state=0
    ... )
    >>> upright.fit(data.x_train).reconstruct(data.x_test).shape
    (360, 8, 8, 1)
    """

    _parameter_constraints = {
        **Autoencoder._parameter_constraints,
        "corruption": [StrOptions({*Corruption.KINDS, "affine"}), dict],
        "corruption_level": [Interval(Real, 0, None, closed="left")],
        "target": [HasMethods(["fit", "transform"]), None],
    }

    def __init__(
        self,
        code_dim: int = 32,
        *,
        corruption: str | dict[str, float] = "gaussian",
        corruption_level: float = 0.3,
        target: Any = None,
        network: str = "auto",
        hidden_units: Sequence[int] | None = None,
        tied: bool = False,
        encoder: Any = None,
        decoder: Any = None,
        activation: str = "auto",
        code_activation: str = "linear",
        output_activation: str = "auto",
        linear_path: bool | str = "auto",
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
            linear_path=linear_path,
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
        self.corruption = corruption
        self.corruption_level = corruption_level
        self.target = target

    def _open_training_images(self, X, sample_weight, seed, steps_per_epoch, first):
        images = super()._open_training_images(X, sample_weight, seed, steps_per_epoch, first)
        if self.target is None:
            self.target_, self.target_shape_ = None, self.image_shape_
            return images
        if self.linear_path not in ("auto", False):
            raise ValueError(
                "expected linear_path='auto' or False with a target, which principal component analysis of the images "
                "does not decode, got True"
            )
        if self.augmentation is not None:
            raise ValueError(
                "expected no augmentation with a target, which is made of the images as they are; "
                f"corruption={self.augmentation!r} transforms what is encoded and leaves the target as it is"
            )
        resident = images.array is not None and images.array.nbytes <= plans.RESIDENT_BYTES
        self.target_ = clone(self.target).fit(images.array if resident else images.look(PCA_NUMBERS), None)
        self.target_shape_ = targets.targets_of(self.target_, images.look(1)).shape[1:]
        return self._with_targets(images)

    def _open_validation_images(self, X):
        images = super()._open_validation_images(X)
        if self.target_ is not None and images.image_shape != self.image_shape_:
            raise ValueError(
                f"expected validation images of shape {self.image_shape_}, as the others have, got {images.image_shape}"
            )
        return self._with_targets(images)

    def _with_targets(self, stream):
        target = getattr(self, "target_", None)
        return stream if target is None else targets.pair(stream, target, plans.RESIDENT_BYTES)

    def _decoded_of(self, batch):
        return batch if self.target_ is None else batch[:, math.prod(self.image_shape_) :]

    # A fit from before there were targets, which was saved and loaded, has none.

    def _target_shape(self):
        return getattr(self, "target_shape_", self.image_shape_)

    def _targets(self, X):
        target = getattr(self, "target_", None)
        return X if target is None else targets.targets_of(target, X)

    def _resolved_from_images(self):
        return () if self.target_ is None else (self.image_shape_, self.target_shape_)

    def _build_model(self, seed):
        target_shape = None if getattr(self, "target_", None) is None else self.target_shape_
        return DenoisingModel(*self._networks(seed), self._corruption_layer(seed), target_shape)

    def _corruption_layer(self, seed):
        if self.corruption == "affine" or isinstance(self.corruption, dict):
            amounts = AFFINE if self.corruption == "affine" else self.corruption
            return self._random_affine("corruption", {"fraction": 1.0, **amounts}, seed)
        if self.corruption != "gaussian" and self.corruption_level > 1:
            raise ValueError(
                "expected corruption_level to be a fraction of the pixels, from 0 to 1, "
                f"for corruption={self.corruption!r}, got {self.corruption_level}"
            )
        return Corruption(self.corruption, self.corruption_level, seed)
