"""The Keras model of a variational autoencoder, and the importance-weighted bound that it may maximise."""

from typing import Any

from ae_toolkit._keras import keras
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.networks import losses

ops = keras.ops

#: The largest absolute value of a code's log-variance: standard deviations stay between 5e-5 and 2e4.
LOG_VARIANCE_LIMIT = 20.0


@keras.saving.register_keras_serializable(package="ae_toolkit")
class VariationalModel(AutoencoderModel):
    """The Keras model of `VariationalAutoencoder`: it minimises the negative evidence lower bound, or a tighter one.

    Its loss terms are ``"reconstruction"``, minus the log-likelihood of an image given a
    drawn code, and ``"kl"``, the divergence of its codes from N(0, 1); with several
    importance samples ``"bound"``, minus the importance-weighted bound. All are in nats per
    image.

    Parameters
    ----------
    encoder : keras.Model, (n, *image_shape) -> (n, 2 * code_dim)
        Returns means and log-variances.
    decoder : keras.Model, (n, code_dim) -> (n, *image_shape)
        Returns logits for ``"bernoulli"``, means for ``"gaussian"``.
    likelihood : {"bernoulli", "gaussian"}
    beta : float, default=1.0
        Of the divergence in the loss.
    importance_samples : int, default=1
        Codes drawn per image.
    seed : int, optional

    Examples
    --------
    `VariationalAutoencoder` makes one, and trains it.

    >>> from keras import ops
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.variational_model import VariationalModel
    >>> model = VariationalModel(*networks.build((8, 8, 1), code_dim=4, n_statistics=2), "bernoulli")
    >>> means, log_variances = model.posterior(ops.zeros((2, 8, 8, 1)))
    >>> tuple(means.shape), tuple(log_variances.shape)
    ((2, 4), (2, 4))
    """

    def __init__(
        self,
        encoder: Any,
        decoder: Any,
        likelihood: str,
        beta: float = 1.0,
        importance_samples: int = 1,
        seed: int | None = None,
        **kwargs: Any,
    ):
        loss_weights = {"reconstruction": 1.0, "kl": beta} if importance_samples == 1 else {"bound": 1.0}
        super().__init__(encoder, decoder, loss_weights=loss_weights, **kwargs)
        self.likelihood, self.beta, self.importance_samples, self.seed = likelihood, beta, importance_samples, seed
        self.generator = keras.random.SeedGenerator(seed)
        # The pixels' standard deviation is learned (Rybkin, Daniilidis and Levine, 2021).
        self.log_scale = None if likelihood == "bernoulli" else self.add_weight((), "zeros", name="log_scale")

    def posterior(self, images: Any, training: bool | None = None) -> tuple[Any, Any]:
        """Return the distribution of the codes of each image.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
        training : bool, optional
            Whether random parts, such as dropout, act.

        Returns
        -------
        means : tensor of shape (n, code_dim)
        log_variances : tensor of shape (n, code_dim)
        """
        means, log_variances = ops.split(self.encoder(images, training=training), 2, axis=-1)
        # Where an untrained network is far off, the exponential would overflow.
        return means, ops.clip(log_variances, -LOG_VARIANCE_LIMIT, LOG_VARIANCE_LIMIT)

    def encode(self, images: Any, training: bool | None = None) -> Any:
        return self.posterior(images, training)[0]

    def decode(self, codes: Any, training: bool | None = None) -> Any:
        pixels = self.decoder(codes, training=training)
        return ops.sigmoid(pixels) if self.likelihood == "bernoulli" else pixels

    def propagate(self, images: Any, training: bool | None = None) -> dict[str, Any]:
        means, log_variances = self.posterior(images, training)
        shape = (self.importance_samples, *ops.shape(means))
        noise = keras.random.normal(shape, seed=self.generator)
        codes = means + ops.exp(0.5 * log_variances) * noise  # (k, n, code_dim)
        pixels = self._pixels(codes, training)
        return {"means": means, "log_variances": log_variances, "codes": codes, "pixels": pixels}

    def _pixels(self, codes, training=None):
        """Return the decoder's outputs for several codes per image, (k, n, code_dim) -> (k, n, *image_shape)."""
        k, n = ops.shape(codes)[:2]
        pixels = self.decoder(ops.reshape(codes, (-1, codes.shape[-1])), training=training)
        return ops.reshape(pixels, (k, n, *pixels.shape[1:]))

    def negative_log_likelihood(self, images: Any, pixels: Any) -> Any:
        """Return -log p(x | z) of each image for each of its codes.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
        pixels : tensor of shape (k, n, *image_shape)
            What the decoder returned for k codes per image.

        Returns
        -------
        tensor of shape (k, n)
            In nats.
        """
        if self.likelihood == "bernoulli":
            return losses.bernoulli_nll(images, pixels)
        return losses.gaussian_nll(images, pixels, ops.convert_to_tensor(self.log_scale))

    def loss_terms(self, images: Any, outputs: dict[str, Any]) -> dict[str, Any]:
        means, log_variances = outputs["means"], outputs["log_variances"]
        errors = self.negative_log_likelihood(images, outputs["pixels"])  # (k, n)
        if self.importance_samples == 1:
            return {"reconstruction": errors[0], "kl": losses.gaussian_kl(means, log_variances)}
        return {"bound": -log_mean_importance_weight(errors, outputs["codes"], means, log_variances)}

    def log_likelihood(self, images: Any, noise: Any) -> Any:
        """Return an estimate of log p(x) from below, by importance sampling.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
        noise : tensor of shape (k, n, code_dim), drawn from N(0, 1)

        Returns
        -------
        tensor of shape (n,)
            In nats.
        """
        means, log_variances = self.posterior(images)
        codes = means + ops.exp(0.5 * log_variances) * noise
        errors = self.negative_log_likelihood(images, self._pixels(codes))
        return log_mean_importance_weight(errors, codes, means, log_variances)

    def get_config(self):
        names = "likelihood", "beta", "importance_samples", "seed"
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def log_mean_importance_weight(errors: Any, codes: Any, means: Any, log_variances: Any) -> Any:
    """Return the logarithm of the mean of p(x, z) / q(z | x) over the samples: log p(x), from below.

    Parameters
    ----------
    errors : tensor of shape (k, n)
        -log p(x | z) of each sample, in nats.
    codes : tensor of shape (k, n, code_dim)
    means, log_variances : tensors of shape (n, code_dim)

    Returns
    -------
    tensor of shape (n,)
        In nats.

    References
    ----------
    Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). Importance weighted autoencoders. ICLR.

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit.estimators.variational_model import log_mean_importance_weight
    >>> zeros = ops.zeros((1, 1, 2))
    >>> [float(value) for value in log_mean_importance_weight(ops.ones((1, 1)), zeros, zeros[0], zeros[0])]
    [-1.0]
    """
    prior = losses.gaussian_log_density(codes, ops.zeros_like(means), ops.zeros_like(means))
    weights = prior - losses.gaussian_log_density(codes, means, log_variances) - errors
    return log_mean(weights)


def log_mean(log_weights: Any) -> Any:
    """Return the logarithm of the mean of weights whose logarithms are given.

    Parameters
    ----------
    log_weights : tensor of shape (k, n)

    Returns
    -------
    tensor of shape (n,)

    Examples
    --------
    >>> from keras import ops
    >>> from ae_toolkit.estimators.variational_model import log_mean
    >>> [round(float(value), 4) for value in log_mean(ops.log(ops.convert_to_tensor([[1.0], [3.0]])))]
    [0.6931]
    """
    return ops.logsumexp(log_weights, axis=0) - ops.log(ops.cast(ops.shape(log_weights)[0], log_weights.dtype))
