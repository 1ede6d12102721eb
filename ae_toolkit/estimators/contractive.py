"""An autoencoder whose code hardly changes when the image changes a little."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit._sklearn import Interval
from ae_toolkit.estimators.autoencoder import CONSTRAINTS_WITHOUT_LINEAR_PATH, Autoencoder
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.training.backend import backend

ops = keras.ops

#: Keras's activations of which each output depends on its own input only.
ELEMENTWISE = (
    "linear", "relu", "sigmoid", "tanh", "softplus", "softsign", "elu", "selu", "gelu", "silu", "leaky_relu",
)  # fmt: skip
_RESHAPING = keras.layers.InputLayer, keras.layers.Flatten, keras.layers.Reshape


@keras.saving.register_keras_serializable(package="ae_toolkit")
class ContractiveModel(AutoencoderModel):
    """The Keras model of `ContractiveAutoencoder`: the squared error and a penalty on the encoder's derivatives.

    Its loss terms are ``"reconstruction"``, the squared error per image, and
    ``"contraction"``, the norm per image in squared code units per squared pixel unit.

    Parameters
    ----------
    encoder, decoder : keras.Model
    weight : float
        Of the norm in the loss.
    n_projections : int
    seed : int, optional

    Examples
    --------
    `ContractiveAutoencoder` makes one, and trains it.

    >>> from keras import ops
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.contractive import ContractiveModel
    >>> model = ContractiveModel(*networks.build((8, 8, 1), code_dim=4), 0.1, 1)
    >>> tuple(model.jacobian_norm(ops.ones((2, 8, 8, 1))).shape)
    (2,)
    """

    def __init__(
        self, encoder: Any, decoder: Any, weight: float, n_projections: int, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(encoder, decoder, loss_weights={"reconstruction": 1.0, "contraction": weight}, **kwargs)
        self.weight, self.n_projections, self.seed = weight, n_projections, seed
        self.generator = keras.random.SeedGenerator(seed)

    def propagate(self, images: Any, training: bool | None = None) -> dict[str, Any]:
        return {**super().propagate(images, training), "jacobian": self.jacobian_norm(images)}

    def loss_terms(self, images: Any, outputs: dict[str, Any]) -> dict[str, Any]:
        return {**super().loss_terms(images, outputs), "contraction": outputs["jacobian"]}

    def jacobian_norm(self, images: Any) -> Any:
        """Return ``||J||²``, the sum of all squared derivatives of a code by its image, for each image.

        For an encoder of a single dense layer whose activation treats each number by
        itself the sum is computed exactly. For any other it is estimated without bias, by
        random projections.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)

        Returns
        -------
        tensor of shape (n,)
        """
        images = ops.convert_to_tensor(images)
        dense = self._only_dense_layer()
        return self._estimated_norm(images) if dense is None else self._exact_norm(dense, images)

    def _only_dense_layer(self):
        """Return the encoder's dense layer if it is all that computes, with an elementwise activation; else None."""
        layers = [layer for layer in self.encoder.layers if not isinstance(layer, _RESHAPING)]
        if len(layers) == 1 and type(layers[0]) is keras.layers.Dense and layers[0].activation.__name__ in ELEMENTWISE:
            return layers[0]
        return None

    def _exact_norm(self, dense, images):
        """Return the norm for codes ``s(x W + b)``, whose Jacobian is ``W`` times the derivatives of ``s``."""
        kernel = ops.convert_to_tensor(dense.kernel)
        before = ops.matmul(ops.reshape(images, (-1, kernel.shape[0])), kernel)
        before = before + ops.convert_to_tensor(dense.bias) if dense.use_bias else before
        slopes = backend.vjp(dense.activation, before, ops.ones_like(before))
        return ops.matmul(ops.square(slopes), ops.sum(ops.square(kernel), axis=0))

    def _estimated_norm(self, images):
        """Return the mean of ``||Jᵀv||²`` over projections ``v`` from N(0, 1), whose expectation is ``||J||²``."""
        norms = 0.0
        for _ in range(self.n_projections):
            shape = (ops.shape(images)[0], self.encoder.output_shape[-1])
            vector = keras.random.normal(shape, seed=self.generator)
            pulled = ops.reshape(backend.vjp(self.encode, images, vector), (shape[0], -1))
            norms += ops.sum(ops.square(pulled), axis=-1) / self.n_projections
        return norms

    def get_config(self):
        own = {"weight": self.weight, "n_projections": self.n_projections, "seed": self.seed}
        return {**super().get_config(), **own}


class ContractiveAutoencoder(Autoencoder):
    """Learn codes that hardly change when an image changes a little, except along what images have in common.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. A code longer than an image is allowed, with a warning.
    contraction_weight : float, default=0.1
        Weight of the Jacobian's squared norm in the loss, beside the squared error per
        image. Without ``tied=True`` a network can evade it: it shrinks the code and
        enlarges the decoder.
    n_projections : int, default=1
        Random projections per batch by which the norm is estimated. An encoder without
        hidden layers needs none: its norm is computed exactly.
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
    code_activation : str, default="sigmoid"
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
    model_ : ContractiveModel
        The fitted Keras model, with ``.encoder`` and ``.decoder``.
    history_ : dict of list of float
        The training curve, with one value per epoch: ``"loss"`` and, under its own name,
        each term of which the loss is made, averaged over the epoch's images while the
        weights change. With validation images also ``"val_loss"`` and the terms' ``"val_"``
        twins, taken at the epoch's end. The terms here: ``"reconstruction"``, the squared
        error per image, and ``"contraction"``, the squared Frobenius norm of the encoder's
        Jacobian per image, in squared code units per squared pixel unit. ``loss`` is
        ``reconstruction + contraction_weight * contraction``.
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
    Rifai, S., Vincent, P., Muller, X., Glorot, X. and Bengio, Y. (2011). Contractive
    auto-encoders: explicit invariance during feature extraction. ICML, 833-840.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> contractive = ae.ContractiveAutoencoder(code_dim=8, epochs=2, random_state=0)
    >>> contractive.fit(data.x_train).transform(data.x_test).shape
    (360, 8)
    """

    _parameter_constraints = {
        **CONSTRAINTS_WITHOUT_LINEAR_PATH,
        "contraction_weight": [Interval(Real, 0, None, closed="left")],
        "n_projections": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        code_dim: int = 32,
        *,
        contraction_weight: float = 0.1,
        n_projections: int = 1,
        network: str = "auto",
        hidden_units: Sequence[int] | None = None,
        tied: bool = False,
        encoder: Any = None,
        decoder: Any = None,
        activation: str = "auto",
        code_activation: str = "sigmoid",
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
        self.contraction_weight = contraction_weight
        self.n_projections = n_projections

    def _build_model(self, seed):
        return ContractiveModel(*self._networks(seed), self.contraction_weight, self.n_projections, seed)
