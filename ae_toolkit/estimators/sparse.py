"""An autoencoder whose code is mostly silent: few of its numbers are active for an image."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from ae_toolkit._keras import keras
from ae_toolkit._sklearn import Interval, StrOptions
from ae_toolkit.estimators.autoencoder import CONSTRAINTS_WITHOUT_LINEAR_PATH, Autoencoder
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.networks import losses

ops = keras.ops


@keras.saving.register_keras_serializable(package="ae_toolkit")
class SparseModel(AutoencoderModel):
    """The Keras model of `SparseAutoencoder`: the squared error and a penalty on the codes.

    Its loss terms are ``"reconstruction"``, the squared error per image, and ``"sparsity"``:
    for ``"l1"`` the sum of a code's absolute values, for ``"kl"`` the divergence of the
    target from the batch's mean activities in nats, the same for all images of a batch.

    Parameters
    ----------
    encoder, decoder : keras.Model
    penalty : {"l1", "kl"}
    weight : float
        Of the penalty in the loss.
    target_activity : float
        For ``"kl"``.

    Examples
    --------
    `SparseAutoencoder` makes one, and trains it.

    >>> from keras import ops
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.sparse import SparseModel
    >>> model = SparseModel(*networks.build((8, 8, 1), 4, code_activation="relu"), "l1", 0.1, 0.05)
    >>> images = ops.ones((2, 8, 8, 1))
    >>> tuple(model.objective(images, model.propagate(images)).shape)
    (2,)
    """

    def __init__(self, encoder: Any, decoder: Any, penalty: str, weight: float, target_activity: float, **kwargs: Any):
        super().__init__(encoder, decoder, loss_weights={"reconstruction": 1.0, "sparsity": weight}, **kwargs)
        self.penalty, self.weight, self.target_activity = penalty, weight, target_activity

    def loss_terms(self, images: Any, outputs: dict[str, Any]) -> dict[str, Any]:
        terms, codes = super().loss_terms(images, outputs), outputs["codes"]
        if self.penalty == "l1":
            penalty = ops.sum(ops.abs(codes), axis=-1)
        else:  # one value for the whole batch, which counts for each of its images
            of_batch = losses.bernoulli_kl(self.target_activity, ops.mean(codes, axis=0))
            penalty = ops.broadcast_to(of_batch, ops.shape(codes)[:1])
        return {**terms, "sparsity": penalty}

    def get_config(self):
        own = {"penalty": self.penalty, "weight": self.weight, "target_activity": self.target_activity}
        return {**super().get_config(), **own}


class SparseAutoencoder(Autoencoder):
    """Learn codes of which only few numbers are active at a time.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. A code longer than an image is allowed, with a warning.
    penalty : {"l1", "kl"}, default="l1"
        ``"l1"`` adds the sum of the code's absolute values, and the code is rectified, so
        that it can be exactly 0. ``"kl"`` keeps each number's mean over the batch near
        `target_activity`, and the code is a logistic unit between 0 and 1.
    sparsity_weight : float, default=0.1
        Weight of the penalty in the loss, beside the squared error per image.
    target_activity : float, default=0.05
        The mean of a code's number that ``"kl"`` aims at, between 0 and 1. ``"l1"`` does
        not use it.
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
    code_activation : str, optional
        Keras activation of the code. By default ``"relu"`` for ``penalty="l1"`` and
        ``"sigmoid"`` for ``penalty="kl"``.
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
    model_ : SparseModel
        The fitted Keras model, with ``.encoder`` and ``.decoder``.
    history_ : dict of list of float
        The training curve, with one value per epoch: ``"loss"`` and, under its own name,
        each term of which the loss is made, averaged over the epoch's images while the
        weights change. With validation images also ``"val_loss"`` and the terms' ``"val_"``
        twins, taken at the epoch's end. The terms here: ``"reconstruction"``, the squared
        error per image, and ``"sparsity"``: for ``"l1"`` the sum of a code's absolute
        values per image, for ``"kl"`` the divergence of the target from the batch's mean
        activities, in nats, summed over the code's numbers. ``loss`` is ``reconstruction +
        sparsity_weight * sparsity``.
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
    Ng, A. (2011). Sparse autoencoder. CS294A lecture notes, Stanford University.

    Olshausen, B. A. and Field, D. J. (1996). Emergence of simple-cell receptive field
    properties by learning a sparse code for natural images. Nature 381, 607-609.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> sparse = ae.SparseAutoencoder(code_dim=32, sparsity_weight=1.0, epochs=5, random_state=0)
    >>> codes = sparse.fit(data.x_train).transform(data.x_test)
    >>> bool((codes == 0).mean() > 0.2)
    True
    """

    _parameter_constraints = {
        **CONSTRAINTS_WITHOUT_LINEAR_PATH,
        "penalty": [StrOptions({"l1", "kl"})],
        "sparsity_weight": [Interval(Real, 0, None, closed="left")],
        "target_activity": [Interval(Real, 0, 1, closed="neither")],
        "code_activation": [str, None],
    }

    def __init__(
        self,
        code_dim: int = 32,
        *,
        penalty: str = "l1",
        sparsity_weight: float = 0.1,
        target_activity: float = 0.05,
        network: str = "auto",
        hidden_units: Sequence[int] | None = None,
        tied: bool = False,
        encoder: Any = None,
        decoder: Any = None,
        activation: str = "auto",
        code_activation: str | None = None,
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
        self.code_activation = code_activation
        self.penalty = penalty
        self.sparsity_weight = sparsity_weight
        self.target_activity = target_activity

    def _code_activation(self):
        return self.code_activation or {"l1": "relu", "kl": "sigmoid"}[self.penalty]

    def _build_model(self, seed):
        return SparseModel(*self._networks(seed), self.penalty, self.sparsity_weight, self.target_activity)
