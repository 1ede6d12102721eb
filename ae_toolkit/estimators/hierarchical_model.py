"""The Keras model of a variational autoencoder whose code has several levels."""

from typing import Any

from ae_toolkit import networks
from ae_toolkit._keras import keras
from ae_toolkit.estimators.variational_model import LOG_VARIANCE_LIMIT, VariationalModel, log_mean
from ae_toolkit.networks import losses

ops = keras.ops


@keras.saving.register_keras_serializable(package="ae_toolkit")
class HierarchicalModel(VariationalModel):
    """A variational model whose distribution of one part of the code depends on the parts before.

    Before an image is seen, every number of the code is drawn from N(0, 1), so that the
    decoder is that of any variational autoencoder. Given an image, the first part is drawn
    from a normal distribution; the second from one that the first decides, too; and so on.
    All parts together can so be distributed in far more ways than independent numbers can.

    Parameters
    ----------
    levels : networks.Levels
    likelihood : {"bernoulli", "gaussian"}
    beta : float, default=1.0
        Of the divergence in the loss.
    importance_samples : int, default=1
        Codes drawn per image.
    seed : int, optional

    References
    ----------
    Sønderby, C. K. et al. (2016). Ladder variational autoencoders. NeurIPS.

    Child, R. (2021). Very deep VAEs generalize autoregressive models and can outperform them
    on images. ICLR.

    Examples
    --------
    `VariationalAutoencoder` makes one if it has several levels, and trains it.

    >>> from keras import ops
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.hierarchical_model import HierarchicalModel
    >>> model = HierarchicalModel(networks.build_levels((8, 8, 1), code_dim=4, n_levels=2), "bernoulli")
    >>> outputs = model.propagate(ops.zeros((3, 8, 8, 1)))
    >>> tuple(outputs["pixels"].shape), tuple(outputs["kl"].shape)
    ((1, 3, 8, 8, 1), (1, 3))
    """

    def __init__(
        self,
        levels: networks.Levels,
        likelihood: str,
        beta: float = 1.0,
        importance_samples: int = 1,
        seed: int | None = None,
        **kwargs: Any,
    ):
        encoder, decoder = networks.join_levels(levels)
        super().__init__(encoder, decoder, likelihood, beta, importance_samples, seed, **kwargs)
        self.levels = levels

    def propagate(self, images: Any, training: bool | None = None) -> dict[str, Any]:
        shape = (self.importance_samples, ops.shape(images)[0], sum(self.levels.sizes))
        return self._descend(images, keras.random.normal(shape, seed=self.generator), training)

    def _descend(self, images, noise, training=None):
        """Follow the levels from the first to the last, for k codes per image.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)
        noise : tensor of shape (k, n, code_dim), drawn from N(0, 1)
        training : bool, optional

        Returns
        -------
        dict of tensors
            ``"pixels"``, (k, n, *image_shape); ``"kl"``, the divergence of the codes from
            N(0, 1), and ``"log_ratio"``, log p(z) - log q(z | x) of the drawn code, both (k, n).
        """
        k, n = ops.shape(noise)[:2]
        decoded, begin, divergence, log_ratio = None, 0, 0.0, 0.0
        features = self.levels.features(images, training=training)
        for size, posterior, stage, seen in zip(
            self.levels.sizes, self.levels.posteriors, self.levels.stages, features, strict=True
        ):
            part, begin = noise[..., begin : begin + size], begin + size
            # An image's features are the same for each of its codes; what was decoded before is not.
            repeated = ops.reshape(ops.broadcast_to(seen, (k, *ops.shape(seen))), (-1, *seen.shape[1:]))
            statistics = posterior(repeated if decoded is None else [decoded, repeated], training=training)
            means, log_variances = ops.split(statistics, 2, axis=-1)
            log_variances = ops.clip(log_variances, -LOG_VARIANCE_LIMIT, LOG_VARIANCE_LIMIT)
            codes = means + ops.exp(0.5 * log_variances) * ops.reshape(part, (-1, size))  # (k * n, size)
            divergence += losses.gaussian_kl(means, log_variances)
            log_ratio += losses.gaussian_log_density(codes, ops.zeros_like(codes), ops.zeros_like(codes))
            log_ratio -= losses.gaussian_log_density(codes, means, log_variances)
            decoded = stage(codes if decoded is None else [decoded, codes], training=training)
        return {
            "pixels": ops.reshape(decoded, (k, n, *decoded.shape[1:])),
            "kl": ops.reshape(divergence, (k, n)),
            "log_ratio": ops.reshape(log_ratio, (k, n)),
        }

    def loss_terms(self, images: Any, outputs: dict[str, Any]) -> dict[str, Any]:
        errors = self.negative_log_likelihood(images, outputs["pixels"])
        if self.importance_samples == 1:
            return {"reconstruction": errors[0], "kl": outputs["kl"][0]}
        return {"bound": -log_mean(outputs["log_ratio"] - errors)}

    def log_likelihood(self, images: Any, noise: Any) -> Any:
        outputs = self._descend(images, noise)
        return log_mean(outputs["log_ratio"] - self.negative_log_likelihood(images, outputs["pixels"]))

    def get_config(self):
        config = super().get_config()
        del config["encoder"], config["decoder"]  # made of the levels again
        return {**config, "levels": self.levels.get_config()}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "levels": networks.Levels.from_config(config["levels"])})
