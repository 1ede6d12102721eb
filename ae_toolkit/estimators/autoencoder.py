"""The autoencoder as a scikit-learn transformer, and the base of every other estimator here.

``transform`` encodes images, ``inverse_transform`` decodes codes, ``score`` is minus the
article's loss.

The hooks of an estimator: a variant overrides one or more of these methods of
`Autoencoder`, most often ``_build_model`` alone. All of them find the parameters and
``image_shape_``, the shape of one image, on the estimator.

``_resolve_from_images(stream, first)``
    Receives the training images as a `Stream`, whose ``peek`` shows some and consumes none,
    and whether this is a first fit rather than one that a warm start continues. Sets fitted
    attributes that depend on the images, such as ``likelihood_``. Returns nothing.
``_resolved_from_images()``
    Receives nothing. Returns, as a tuple, those of these attributes on which the model's
    structure depends: trainings that differ in them do not share a compiled loop.
``_build_model(seed)``
    Receives an int that seeds weights and everything drawn in training. Returns the model
    to train, an `AutoencoderModel`, customarily around the pair from ``_networks``.
``_networks(seed, n_statistics=1)``
    Receives the same seed, and how many numbers the encoder has for each number of a code.
    Returns the encoder and the decoder: copies of the user's own, or new ones.
``_code_activation()``
    Receives nothing. Returns the name of the Keras activation of the code, for a network
    that is built here.
``_target_shape()``
    Receives nothing. Returns the shape of what is decoded of an image: ``image_shape_``, except
    where a training has a target.
``_targets(X)``
    Receives images, (n, *image_shape). Returns what is to be decoded of them, with which
    ``score`` compares reconstructions: the images themselves, or their targets.
``_decoded_of(batch)``
    Receives a batch of the training's stream. Returns what is to be decoded in it: the batch
    itself, or its part with the targets.
``_with_targets(stream)``
    Receives a `Stream` of images. Returns it, or one with what is to be decoded beside each
    image, as a batch of the training has it.
``_augmentation(seed)``
    Receives another int. Returns the layer that transforms training batches, which are then
    their own target, or None.

The hooks of a model are listed in ``ae_toolkit.estimators.models``.
"""

import math
import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from os import PathLike
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from ae_toolkit import metrics, networks, training
from ae_toolkit._keras import keras
from ae_toolkit._sklearn import Interval, StrOptions
from ae_toolkit._validation import as_random_state, check_fitted_shape, check_images, check_weights, n_axes
from ae_toolkit.data import augmentation, streams
from ae_toolkit.estimators._loop_keys import key_of_training
from ae_toolkit.estimators._settings import PCA_NUMBERS, are_in_unit_range, choose_settings, resolve_batch_size
from ae_toolkit.estimators.models import AutoencoderModel


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Compress images to short codes and decode codes to images.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. A code longer than an image is allowed, with a warning.
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
    model_ : AutoencoderModel
        The fitted Keras model, with ``.encoder`` and ``.decoder``.
    history_ : dict of list of float
        The training curve, with one value per epoch: ``"loss"`` and, under its own name,
        each term of which the loss is made, averaged over the epoch's images while the
        weights change. With validation images also ``"val_loss"`` and the terms' ``"val_"``
        twins, taken at the epoch's end. There is one term here: ``"reconstruction"``, the
        squared error per image.
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
    Hinton, G. E. and Salakhutdinov, R. R. (2006). Reducing the dimensionality of data
    with neural networks. Science 313, 504-507.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> autoencoder = ae.Autoencoder(code_dim=8, epochs=2, random_state=0).fit(data.x_train)
    >>> codes = autoencoder.transform(data.x_test)
    >>> codes.shape, autoencoder.inverse_transform(codes).shape
    ((360, 8), (360, 8, 8, 1))
    """

    _parameter_constraints = {
        "code_dim": [Interval(Integral, 1, None, closed="left")],
        "network": [StrOptions(set(networks.KINDS))],
        "hidden_units": ["array-like", None],
        "tied": ["boolean"],
        "encoder": [keras.Model, None],
        "decoder": [keras.Model, None],
        "activation": [str],
        "code_activation": [str],
        "output_activation": [str],
        "linear_path": ["boolean", StrOptions({"auto"})],
        "optimizer": [str],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "schedule": [StrOptions({"cosine", "constant"})],
        "warmup": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "precision": [StrOptions(set(networks.PRECISIONS))],
        "augmentation": [dict, None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        code_dim: int = 32,
        *,
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
        self.code_dim = code_dim
        self.network = network
        self.hidden_units = hidden_units
        self.tied = tied
        self.encoder = encoder
        self.decoder = decoder
        self.activation = activation
        self.code_activation: str | None = code_activation  # None in a variant that chooses one
        self.output_activation = output_activation
        self.linear_path = linear_path
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.clip_norm = clip_norm
        self.precision = precision
        self.augmentation = augmentation
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        validation_data: Any = None,
        callbacks: Sequence[Any] = (),
        checkpoint_dir: str | PathLike[str] | None = None,
        steps_per_epoch: int | None = None,
        strategy: Any = None,
    ) -> Self:
        """Train encoder and decoder to give back the images.

        Parameters
        ----------
        X : array-like of shape (n, height, width[, channels]) or (n, pixels), or a source of batches
            Floating-point images, customarily in [0, 1]. A ``tf.data.Dataset`` or a
            ``keras.utils.PyDataset`` of such batches, or the path of a folder of image
            files of one size, is read batch by batch and never held as a whole.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How much each image counts, for arrays only. Only the proportions matter.
        validation_data : array-like or source, optional
            Images of the same shape whose loss is recorded after each epoch.
        callbacks : sequence of keras.callbacks.Callback
        checkpoint_dir : str or path, optional
            A folder in which the training is saved after each epoch. The same call with
            the same folder resumes a training that was stopped.
        steps_per_epoch : int, optional
            Batches in an epoch, for a source that does not know its length.
        strategy : tf.distribute.Strategy or keras.distribution.Distribution, optional
            Trains on several devices or machines, which share each batch.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the images or a parameter are not as described, or if the checkpoint is of
            another training.
        FloatingPointError
            If the loss does not stay finite. The message names the terms that did not.

        Warns
        -----
        UserWarning
            If it was interrupted (Ctrl-C): the training ends with the current epoch, and
            the estimator is usable.

        Notes
        -----
        A fit that fails leaves the estimator as it was before. There is one exception: if
        the loss is no longer finite after at least one good epoch, the estimator keeps
        the last good weights, so that they can be looked at.
        """
        self._validate_params()
        before = self.__dict__.copy()
        try:
            return self._fit(
                X, sample_weight, validation_data, callbacks=callbacks, checkpoint_dir=checkpoint_dir,
                steps_per_epoch=steps_per_epoch, strategy=strategy,
            )  # fmt: skip
        except BaseException as error:
            if not (isinstance(error, FloatingPointError) and getattr(self, "history_", None)):
                self.__dict__.clear()
                self.__dict__.update(before)
            raise

    def _fit(self, X, sample_weight, validation_data, *, steps_per_epoch, strategy, **options):
        seeds = _draw_seeds(self.random_state)
        earlier = getattr(self, "model_", None) if self.warm_start else None
        stream = self._open_training_images(X, sample_weight, seeds.order, steps_per_epoch, first=earlier is None)
        validation = None if validation_data is None else self._open_validation_images(validation_data)
        self._resolve_settings(stream, first=earlier is None)
        self._resolve_from_images(stream, first=earlier is None)
        self._warn_unless_code_compresses()
        with training.scope(strategy):
            model = self._make_model(seeds, earlier, stream)
            optimizer = training.optimizer(
                self.optimizer, self.settings_["learning_rate"], self.schedule, stream.steps_per_epoch * self.epochs,
                self.settings_["warmup"], self.clip_norm,
            )  # fmt: skip
        before = getattr(self, "history_", None) if earlier is not None else None
        self._train(
            model, stream, epochs=self.epochs, optimizer=optimizer, seed=seeds.order, validation=validation,
            strategy=strategy, verbose=int(self.verbose), loop_key=key_of_training(self, stream), **options,
        )  # fmt: skip
        if before:
            self.history_ = {name: before.get(name, []) + values for name, values in self.history_.items()}
        return self

    def _begin(self, X):
        """Take the images' shape and the first weights, as `fit` does, without a training."""
        self._validate_params()
        seeds = _draw_seeds(self.random_state)
        stream = self._open_training_images(X, None, seeds.order, None, first=True)
        self._resolve_settings(stream, first=True)
        self._resolve_from_images(stream, first=True)
        self.model_, self._n_features_out = self._make_model(seeds, None, stream), self.code_dim
        self.history_ = {}
        return self

    def _open_training_images(self, X, sample_weight, seed, steps_per_epoch, first):
        """Return the images as a stream; note their shape in a first fit, compare it in a further one."""
        if streams.is_stream(X):
            if sample_weight is not None:
                raise ValueError(f"expected sample_weight with an array of images only, got it with {type(X).__name__}")
            stream = streams.open_stream(X, self._batch_size(None), seed, steps_per_epoch)
            if first:
                self.image_shape_, self.n_features_in_ = stream.image_shape, math.prod(stream.image_shape)
            elif stream.image_shape != self.image_shape_:
                raise ValueError(f"expected images of shape {self.image_shape_} as before, got {stream.image_shape}")
            return stream
        X = self._check(X, reset=first)
        weights = None if sample_weight is None else check_weights(sample_weight, X)
        return streams.open_stream(X, self._batch_size(len(X)), seed, steps_per_epoch, weights)

    def _open_validation_images(self, X):
        """Return validation images as a stream; their order and batches do not matter, only the memory they take."""
        if streams.is_stream(X):
            return streams.open_stream(X, self._batch_size(None), seed=0)
        return streams.open_stream(self._check(X), training.VALIDATION_BATCH, seed=0)

    def _with_targets(self, stream):
        """Return a stream of images together with what is to be decoded of them: here the images themselves."""
        return stream

    def _batch_size(self, n_images):
        """Return the images per step, for an array of so many or, where that is None, for a folder."""
        return resolve_batch_size(self.batch_size, self.network, n_images)

    def _resolve_settings(self, stream, first):
        """Set ``settings_``; a fit that a warm start continues keeps to the range of pixels of the first."""
        known = None if first else getattr(self, "settings_", {}).get("in_unit_range")
        in_unit_range = are_in_unit_range(self._decoded_of(stream.peek())) if known is None else known
        self.settings_ = choose_settings(self, in_unit_range)

    def _decoded_of(self, batch):
        """Return what is to be decoded of the images of a batch that the training's stream hands out; a hook."""
        return batch

    def _target_shape(self):
        """Return the shape of what is decoded of an image; a hook."""
        return self.image_shape_

    def _targets(self, X):
        """Return what is to be decoded of images; a hook."""
        return X

    def _resolve_from_images(self, stream, first):
        """Set fitted attributes that depend on the images, before the model is built; a hook.

        Parameters
        ----------
        stream : Stream
            The training images, of which ``stream.peek()`` shows some and consumes none.
        first : bool
            Whether this is a first fit, or a further one that a warm start continues.
        """

    def _warn_unless_code_compresses(self):
        n_pixels = math.prod(self.image_shape_)
        if self.code_dim > n_pixels:
            warnings.warn(
                f"code_dim={self.code_dim} is more than the {n_pixels} numbers of an image: "
                "the code need not compress anything",
                stacklevel=4,  # the line that calls fit
            )

    def _make_model(self, seeds, earlier, stream):
        """Return the model to train, with the earlier one's weights if there is one, and its augmentation."""
        model = self._build_model(seeds.weights)
        if earlier is not None:
            _copy_weights(earlier, model)
        elif self.settings_["linear_path"]:
            networks.begin_at_pca(model.encoder, model.decoder, stream.look(PCA_NUMBERS))
        model.augmentation = self._augmentation(seeds.augmentation)
        return model

    def _train(self, model, stream, **options):
        """Train the model; keep it, and what was recorded, even if the training fails."""
        self.history_ = None
        try:
            self.history_ = training.fit(model, stream, **options)
        except FloatingPointError:
            self.history_ = training.curve(model)
            raise
        finally:
            self.model_, self._n_features_out = model, self.code_dim

    def _resolved_from_images(self):
        """Return what `_resolve_from_images` has set, if the model's structure depends on it; a hook."""
        return ()

    def _augmentation(self, seed):
        """Return the layer that changes training batches, or None; a hook."""
        if self.augmentation is None:
            return None
        return self._random_affine("augmentation", self.augmentation, seed)

    def _random_affine(self, name, amounts, seed):
        """Return the layer that transforms images by the amounts that a parameter names."""
        try:
            if len(self.image_shape_) not in (2, 3):
                raise ValueError(f"images of shape (height, width, channels), got {self.image_shape_}")
            return augmentation.RandomAffine(**amounts, seed=seed)
        except (TypeError, ValueError) as error:
            raise ValueError(f"expected {name} to be a dict of RandomAffine's amounts: {error}") from error

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Encode images.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit

        Returns
        -------
        ndarray of float32, shape (n, code_dim)
        """
        check_is_fitted(self)
        return training.in_batches(self.model_.encode, self._check(X))

    def inverse_transform(self, codes: ArrayLike) -> NDArray[np.float32]:
        """Decode codes to images.

        Parameters
        ----------
        codes : array-like of shape (n, code_dim)

        Returns
        -------
        ndarray of float32, shape (n, *image_shape_)
            Or, of an autoencoder that was trained with a target, such targets.
        """
        check_is_fitted(self)
        table = check_array(codes, dtype=np.float32, input_name="codes")
        if table.shape[1] != self._n_features_out:
            raise ValueError(f"expected codes of shape (n, {self._n_features_out}), got {table.shape}")
        return training.in_batches(self.model_.decode, table)

    def reconstruct(self, X: ArrayLike) -> NDArray[np.float32]:
        """Encode images and decode them again.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit

        Returns
        -------
        ndarray of float32 of the shape of `X`
            Or, of an autoencoder that was trained with a target, such targets.
        """
        check_is_fitted(self)
        return training.in_batches(self.model_, self._check(X))

    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the negative reconstruction error: higher is better.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit
        y : ignored
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
            Minus the squared error, summed over an image and averaged over images.
        """
        check_is_fitted(self)
        X = self._check(X)
        return -metrics.reconstruction_error(self._targets(X), self.reconstruct(X), sample_weight)

    def _build_model(self, seed):
        """Return the Keras model to train; a hook."""
        return AutoencoderModel(*self._networks(seed))

    def _code_activation(self):
        """Return the name of the Keras activation that a built encoder's last layer has; a hook.

        The parameter of that name, unless a variant derives it from another parameter.
        """
        return self.code_activation

    def _networks(self, seed, n_statistics=1):
        """Return encoder and decoder: the user's own, or built for the images' shape; a hook."""
        own = networks.copy_networks(
            self.encoder, self.decoder, self.image_shape_, self.code_dim, n_statistics, self._target_shape()
        )
        if own:
            if self.settings_["linear_path"]:
                raise ValueError("expected no linear_path=True with an encoder and a decoder of your own, got both")
            return own
        settings = self.settings_
        return networks.build(
            self.image_shape_, self.code_dim, self.network, self.hidden_units, settings["activation"],
            settings["output_activation"], seed, self.precision, tied=self.tied,
            code_activation=self._code_activation(), n_statistics=n_statistics, linear_path=settings["linear_path"],
            clip=settings["in_unit_range"], target_shape=self._target_shape(),
        )  # fmt: skip

    def _check(self, X, reset=False):
        if n_axes(X) <= 2:  # a table, in scikit-learn's own words
            X = validate_data(self, X, reset=reset, dtype=np.float32, ensure_min_features=2 if reset else 1)
        else:
            X = check_images(X)
        if reset:
            self.image_shape_ = X.shape[1:]
            self.n_features_in_ = math.prod(self.image_shape_)
        else:
            check_fitted_shape(X.shape[1:], self.image_shape_, self)
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


#: The parameters' constraints for variants without `linear_path`: it would bypass what they ask of the codes.
CONSTRAINTS_WITHOUT_LINEAR_PATH = {
    name: constraint for name, constraint in Autoencoder._parameter_constraints.items() if name != "linear_path"
}


class _Seeds(NamedTuple):
    """What a fit's random parts begin with; the order of the images is None where any will do."""

    weights: int
    order: int | None
    augmentation: int


def _draw_seeds(random_state):
    weights, order, augmentation = map(int, as_random_state(random_state).randint(2**31 - 1, size=3))
    return _Seeds(weights, None if random_state is None else order, augmentation)


def _copy_weights(source, target):
    """Give a model the weights of another of the same structure."""
    shapes = [[tuple(weight.shape) for weight in model.weights] for model in (source, target)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "expected the parameters of the network to be those of the fit before, since warm_start=True starts from "
            f"its weights of shapes {shapes[0]}, got parameters that make {shapes[1]}"
        )
    target.set_weights(source.get_weights())
