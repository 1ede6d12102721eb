"""The autoencoder: a registered Keras model, and the scikit-learn transformer around it.

``Autoencoder`` is what a reader touches. The model inside, ``model_``, has ``.encoder``
and ``.decoder`` and is trained to give back its input.
"""

import math
import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ae_toolkit import losses, metrics, networks, training
from ae_toolkit._keras import keras
from ae_toolkit._validation import check_images, n_axes


@keras.saving.register_keras_serializable(package="ae_toolkit")
class AutoencoderModel(training.TrainableModel):
    """An encoder and a decoder in a row, with the article's loss.

    Parameters
    ----------
    encoder : keras.Model, (n, *image_shape) -> (n, code_dim)
    decoder : keras.Model, (n, code_dim) -> (n, *image_shape)

    Examples
    --------
    >>> from ae_toolkit import networks
    >>> model = AutoencoderModel(*networks.build((8, 8, 1), code_dim=4))
    >>> model(np.zeros((2, 8, 8, 1))).shape
    TensorShape([2, 8, 8, 1])
    """

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder

    def call(self, images, training=None):
        return self.decoder(self.encoder(images, training=training), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return losses.squared_error(x, y_pred) + sum(self.losses)

    def get_config(self):
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("encoder", "decoder")}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config):
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("encoder", "decoder")}
        return cls(**{**config, **parts})


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Compress images to short codes and decode codes to images.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. More than an image has is allowed, with a warning.
    network : {"auto", "dense", "conv"}, default="auto"
        ``"auto"`` takes convolutions for pictures of more than 1,024 numbers.
    hidden_units : sequence of int, optional
        Widths (``"conv"``: filters) of the encoder's hidden layers; the decoder mirrors
        them. By default derived from the image's shape. ``()`` has none.
    activation : str, default="relu"
        Keras activation of the hidden layers. The code itself is linear.
    output_activation : str, default="linear"
        Keras activation of the reconstruction. ``"sigmoid"`` suits pixels in [0, 1].
    optimizer : str, default="adam"
        Keras's name of the optimiser.
    learning_rate : float, default=2e-3
        The rate at the start of the training.
    schedule : {"cosine", "constant"}, default="cosine"
        Whether the learning rate falls to zero over the training or stays.
    epochs : int, default=30
        How often each image is seen.
    batch_size : int or "auto", default="auto"
        Images a step. ``"auto"`` gives about 50 steps an epoch, within 16 to 256 images.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights and the order of the images.
    verbose : int, default=0
        0 is silent, 1 shows a progress bar, 2 prints a line an epoch.

    Attributes
    ----------
    model_ : AutoencoderModel
        The fitted Keras model, with ``.encoder`` and ``.decoder``.
    history_ : dict of list of float
        ``loss``, and ``val_loss`` if validation images were given, an entry an epoch:
        squared error per image.
    image_shape_ : tuple of int
        Shape of one image as it came: (height, width, channels) or (pixels,).
    n_features_in_ : int
        Numbers in an image.

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
        "activation": [str],
        "output_activation": [str],
        "optimizer": [str],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions({"cosine", "constant"})],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(self, code_dim=32, *, network="auto", hidden_units=None, activation="relu",
                 output_activation="linear", optimizer="adam", learning_rate=2e-3, schedule="cosine",
                 epochs=30, batch_size="auto", random_state=None, verbose=0):  # fmt: skip
        self.code_dim = code_dim
        self.network = network
        self.hidden_units = hidden_units
        self.activation = activation
        self.output_activation = output_activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None, *, validation_data=None, callbacks=()):
        """Train encoder and decoder to give back the images.

        Parameters
        ----------
        X : array-like of shape (n, height, width, channels) or (n, pixels)
            Floating-point images, customarily in [0, 1].
        y : ignored
        validation_data : array-like, optional
            Images of the same shape whose error is recorded after each epoch.
        callbacks : sequence of keras.callbacks.Callback

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the images or a parameter are not as described.
        FloatingPointError
            If the loss does not stay finite.

        Notes
        -----
        A fit that fails or is interrupted leaves the estimator as it was before.
        """
        self._validate_params()
        before = vars(self).copy()
        try:
            return self._fit(X, validation_data, callbacks)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _fit(self, X, validation_data, callbacks):
        X = self._check(X, reset=True)
        n_pixels = math.prod(self.image_shape_)
        if self.code_dim > n_pixels:
            warnings.warn(
                f"code_dim={self.code_dim} is more than the {n_pixels} numbers of an image: "
                "the code need not compress anything",
                stacklevel=3,
            )
        if validation_data is not None:
            validation_data = self._check(validation_data)
        # Without a seed scikit-learn draws from NumPy's global generator; here that is left alone.
        generator = np.random.RandomState() if self.random_state is None else check_random_state(self.random_state)
        weights_seed, order_seed = generator.randint(2**31 - 1, size=2)
        model = self._build_model(int(weights_seed))
        batch_size = _batch_size(len(X)) if self.batch_size == "auto" else self.batch_size
        self.history_ = training.fit(
            model, X, epochs=self.epochs, batch_size=batch_size, seed=int(order_seed),
            optimizer=training.optimizer(
                self.optimizer, self.learning_rate, self.schedule, len(X), batch_size, self.epochs
            ),
            validation=validation_data, callbacks=callbacks, verbose=int(self.verbose),
        )  # fmt: skip
        self.model_ = model
        self._n_features_out = self.code_dim
        return self

    def transform(self, X):
        """Encode images.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit

        Returns
        -------
        ndarray of float32, shape (n, code_dim)
        """
        check_is_fitted(self)
        return training.in_batches(self.model_.encoder, self._check(X))

    def inverse_transform(self, codes):
        """Decode codes to images.

        Parameters
        ----------
        codes : array-like of shape (n, code_dim)

        Returns
        -------
        ndarray of float32, shape (n, *image_shape_)
        """
        check_is_fitted(self)
        codes = check_array(codes, dtype=np.float32, input_name="codes")
        if codes.shape[1] != self._n_features_out:
            raise ValueError(f"expected codes of shape (n, {self._n_features_out}), got {codes.shape}")
        return training.in_batches(self.model_.decoder, codes)

    def reconstruct(self, X):
        """Encode images and decode them again.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit

        Returns
        -------
        ndarray of float32 of the shape of `X`
        """
        check_is_fitted(self)
        return training.in_batches(self.model_, self._check(X))

    def score(self, X, y=None):
        """Return the negative reconstruction error: higher is better.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit
        y : ignored

        Returns
        -------
        float
            Minus the squared error, summed over an image and averaged over images.
        """
        check_is_fitted(self)
        X = self._check(X)
        return -metrics.reconstruction_error(X, self.reconstruct(X))

    def _build_model(self, seed):
        """Return the Keras model to train; the hook by which a variant differs."""
        return AutoencoderModel(
            *networks.build(
                self.image_shape_, self.code_dim, self.network, self.hidden_units,
                self.activation, self.output_activation, seed,
            )
        )  # fmt: skip

    def _check(self, X, reset=False):
        if n_axes(X) <= 2:  # a table, in scikit-learn's own words
            X = validate_data(self, X, reset=reset, dtype=np.float32, ensure_min_features=2 if reset else 1)
        else:
            X = check_images(X)
        if reset:
            self.image_shape_ = X.shape[1:]
            self.n_features_in_ = math.prod(self.image_shape_)
        elif X.shape[1:] != self.image_shape_:
            raise ValueError(
                f"expected images of shape {self.image_shape_}, as {type(self).__name__} was fitted on, "
                f"got {X.shape[1:]}"
            )
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _batch_size(n_images):
    """Return a power of two that makes about 50 steps an epoch, within 16 to 256 images."""
    return min(256, max(16, 2 ** round(math.log2(max(n_images / 50, 1)))))
