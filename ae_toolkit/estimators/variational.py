"""The variational autoencoder: an image has a distribution of codes, and new images can be drawn."""

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from ae_toolkit import networks
from ae_toolkit._keras import keras
from ae_toolkit._sklearn import Interval, StrOptions
from ae_toolkit._validation import as_random_state, check_count
from ae_toolkit.data.augmentation import Binarize
from ae_toolkit.estimators.autoencoder import CONSTRAINTS_WITHOUT_LINEAR_PATH, Autoencoder
from ae_toolkit.estimators.generation import PriorSampling
from ae_toolkit.estimators.hierarchical_model import HierarchicalModel
from ae_toolkit.estimators.variational_model import (
    LOG_VARIANCE_LIMIT,
    VariationalModel,
    log_mean_importance_weight,
)
from ae_toolkit.training.backend import backend

ops = keras.ops

#: The highest learning rate of a training with several levels, by likelihoods of images that were split off mnist5k's
#: and MNIST's training images.
RATE_WITH_LEVELS = 6e-3

# The model's module was once a part of this one: its names can still be imported from here.
__all__ = ["LOG_VARIANCE_LIMIT", "VariationalAutoencoder", "VariationalModel", "log_mean_importance_weight"]


class VariationalAutoencoder(PriorSampling, Autoencoder):
    """Learn a distribution of codes for each image, near N(0, 1), and generate new images.

    ``transform`` returns the means of the codes, so that equal images have equal codes; with
    several levels, those of each part where the parts before are at their means.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. A code longer than an image is allowed, with a warning.
    likelihood : {"auto", "bernoulli", "gaussian"}, default="auto"
        What a pixel is: black or white with a decoded probability, for pixels in [0, 1]; or
        normally distributed about a decoded mean, with one learned standard deviation.
        ``"auto"`` takes the first if all pixels are in [0, 1].
    beta : float, default=1.0
        Weight of the divergence of the codes from N(0, 1), in training and validation alike
        (Higgins et al., 2017). 1 gives the evidence lower bound.
    importance_samples : int, default=1
        Codes drawn per image. With more than one, training maximises the
        importance-weighted bound, which is closer to the likelihood and needs ``beta=1``.
    n_levels : int, default=1
        In how many parts the code comes. With more than one, the distribution of each part
        given an image depends on the parts before, and residual blocks work on what they
        were decoded to before the next part is added: a ladder (Sønderby et al., 2016; Child,
        2021), with a higher likelihood for the same code and depth. It needs
        ``network="patch"``, and at least one number and one residual block per level. A
        learning rate of ``"auto"`` is then 6e-3.
    binarize : bool, default=False
        Draw each pixel of a training batch black or white, with its grey value as
        probability, anew each time. Validation images are taken as they are.
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
        Keras activation of the decoder's output. ``"auto"`` is ``"linear"``, of which the
        likelihood makes what it needs.
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
    model_ : VariationalModel or, with several levels, HierarchicalModel
        The fitted Keras model, with ``.encoder`` and ``.decoder``.
    history_ : dict of list of float
        The training curve, with one value per epoch: ``"loss"`` and, under its own name,
        each term of which the loss is made, averaged over the epoch's images while the
        weights change. With validation images also ``"val_loss"`` and the terms' ``"val_"``
        twins, taken at the epoch's end. The terms here: ``"reconstruction"``, minus the
        log-likelihood of the image given a drawn code, and ``"kl"``, the divergence of the
        image's codes from N(0, 1); ``loss`` is ``reconstruction + beta * kl``. With
        ``importance_samples`` above 1 there is one term, ``"bound"``: minus the
        importance-weighted bound. All are in nats per image.
    likelihood_ : str
        The one that was taken.
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
    Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. ICLR.

    Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). Importance weighted autoencoders. ICLR.

    Higgins, I. et al. (2017). beta-VAE: learning basic visual concepts with a constrained
    variational framework. ICLR.

    Sønderby, C. K. et al. (2016). Ladder variational autoencoders. NeurIPS.

    Child, R. (2021). Very deep VAEs generalize autoregressive models and can outperform them
    on images. ICLR.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> variational = ae.VariationalAutoencoder(code_dim=8, epochs=2, random_state=0).fit(data.x_train)
    >>> variational.sample(5, random_state=0).shape, variational.log_likelihood(data.x_test[:3], n_samples=10).shape
    ((5, 8, 8, 1), (3,))
    """

    _parameter_constraints = {
        **CONSTRAINTS_WITHOUT_LINEAR_PATH,
        "likelihood": [StrOptions({"auto", "bernoulli", "gaussian"})],
        "beta": [Interval(Real, 0, None, closed="left")],
        "importance_samples": [Interval(Integral, 1, None, closed="left")],
        "n_levels": [Interval(Integral, 1, None, closed="left")],
        "binarize": ["boolean"],
    }

    def __init__(
        self,
        code_dim: int = 32,
        *,
        likelihood: str = "auto",
        beta: float = 1.0,
        importance_samples: int = 1,
        n_levels: int = 1,
        binarize: bool = False,
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
        self.likelihood = likelihood
        self.beta = beta
        self.importance_samples = importance_samples
        self.n_levels = n_levels
        self.binarize = binarize

    def log_likelihood(
        self, X: ArrayLike, n_samples: int = 500, random_state: int | np.random.RandomState | None = None
    ) -> NDArray[np.float64]:
        """Estimate log p(x) of each image by importance sampling.

        The estimate is a lower bound on average, and closer the more samples are drawn.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit
            For ``"bernoulli"`` with pixels in [0, 1]; usual are black-and-white ones.
        n_samples : int, default=500
            Codes per image.
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        ndarray of float64, shape (n,)
            In nats per image.
        """
        check_is_fitted(self)
        images, n_samples = self._check(X), check_count(n_samples, "n_samples")
        self._check_pixels(images)
        seeds = keras.random.SeedGenerator(int(as_random_state(random_state).randint(2**31 - 1)))
        step = backend.jit(self.model_.log_likelihood)
        at_once = 50  # samples, so that memory stays small

        def estimate(batch):
            parts = []
            for first in range(0, n_samples, at_once):
                count = min(at_once, n_samples - first)
                noise = keras.random.normal((count, len(batch), self.code_dim), seed=seeds)
                parts.append(ops.convert_to_numpy(step(batch, noise)).astype(float) + math.log(count / n_samples))
            return np.logaddexp.reduce(parts, axis=0)

        return np.concatenate([estimate(images[start : start + 100]) for start in range(0, len(images), 100)])

    def _resolve_from_images(self, stream, first):
        seen = ops.convert_to_numpy(stream.peek())
        if first:
            auto = "bernoulli" if self.settings_["in_unit_range"] else "gaussian"
            self.likelihood_ = auto if self.likelihood == "auto" else self.likelihood
        if self.output_activation == "auto":  # the likelihood makes of a linear output what it needs
            self.settings_["output_activation"] = "linear"
        if self.learning_rate == "auto" and self.n_levels > 1:
            self.settings_["learning_rate"] = RATE_WITH_LEVELS
        self._check_pixels(seen)

    def _resolved_from_images(self):
        return (self.likelihood_,)

    def _check_pixels(self, X):
        if self.likelihood_ == "bernoulli" and not 0 <= X.min() <= X.max() <= 1:
            raise ValueError(
                "expected pixels in [0, 1] for the likelihood 'bernoulli', which are probabilities, "
                f"got values from {X.min():g} to {X.max():g}"
            )

    def _build_model(self, seed):
        if self.importance_samples > 1 and self.beta != 1:
            raise ValueError(
                f"expected beta=1 with importance_samples={self.importance_samples}, since the importance-weighted "
                f"bound has no divergence to weigh, got beta={self.beta}"
            )
        if self.likelihood_ == "bernoulli" and self.settings_["output_activation"] != "linear":
            raise ValueError(
                "expected output_activation='linear' for the likelihood 'bernoulli', which makes probabilities of the "
                f"decoder's outputs by a sigmoid, got {self.output_activation!r}"
            )
        options = self.likelihood_, self.beta, self.importance_samples, seed
        if self.n_levels == 1:
            return VariationalModel(*self._networks(seed, n_statistics=2), *options)
        return HierarchicalModel(self._levels(seed), *options)

    def _levels(self, seed):
        """Return the parts of a network whose code has several levels."""
        only = {"network": "patch", "tied": False, "encoder": None, "decoder": None, "code_activation": "linear"}
        for name, wanted in only.items():
            if (given := getattr(self, name)) != wanted:
                raise ValueError(f"expected {name}={wanted!r} with n_levels={self.n_levels}, got {given!r}")
        settings = self.settings_
        return networks.build_levels(
            self.image_shape_, self.code_dim, self.n_levels, self.hidden_units, settings["activation"],
            settings["output_activation"], seed, self.precision,
        )  # fmt: skip

    def _augmentation(self, seed):
        transformation = super()._augmentation(seed)
        if not self.binarize:
            return transformation
        if self.likelihood_ != "bernoulli":
            raise ValueError(f"expected binarize=False for the likelihood {self.likelihood_!r}, got True")
        binarize = Binarize(seed)
        return binarize if transformation is None else keras.Sequential([transformation, binarize])
