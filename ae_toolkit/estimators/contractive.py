"""An autoencoder whose code hardly changes when the image changes a little."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval

from ae_toolkit._keras import keras
from ae_toolkit.estimators.autoencoder import Autoencoder
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
    """Adds the squared Frobenius norm of the encoder's Jacobian to the error.

    Parameters
    ----------
    encoder, decoder : keras.Model
    weight : float
    n_projections : int
    seed : int

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

    def __init__(self, encoder, decoder, weight, n_projections, seed=None, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.weight, self.n_projections, self.seed = weight, n_projections, seed
        self.generator = keras.random.SeedGenerator(seed)

    def propagate(self, images, training=None):
        return {**super().propagate(images, training), "jacobian": self.jacobian_norm(images)}

    def objective(self, images, outputs):
        return super().objective(images, outputs) + self.weight * outputs["jacobian"]

    def jacobian_norm(self, images):
        """Return ``||J||²``, the sum of all squared derivatives of a code by its image, for each image.

        For an encoder of a single dense layer whose activation treats each number by
        itself the sum is exact: ``J`` is its kernel times the activation's derivatives.
        For any other it is estimated without bias by ``||Jᵀv||²``, where ``v`` is drawn
        from N(0, 1), averaged over the projections.

        Parameters
        ----------
        images : tensor of shape (n, *image_shape)

        Returns
        -------
        tensor of shape (n,)
        """
        images = ops.convert_to_tensor(images)
        layers = [layer for layer in self.encoder.layers if not isinstance(layer, _RESHAPING)]
        if len(layers) == 1 and type(layers[0]) is keras.layers.Dense and layers[0].activation.__name__ in ELEMENTWISE:
            kernel = ops.convert_to_tensor(layers[0].kernel)
            before = ops.matmul(ops.reshape(images, (-1, kernel.shape[0])), kernel)
            before = before + ops.convert_to_tensor(layers[0].bias) if layers[0].use_bias else before
            slopes = backend.vjp(layers[0].activation, before, ops.ones_like(before))
            return ops.matmul(ops.square(slopes), ops.sum(ops.square(kernel), axis=0))
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
    """Learn codes that hardly move when an image changes a little, except along what images have in common.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. More than an image has is allowed, with a warning.
    contraction_weight : float, default=0.1
        Factor of the Jacobian's squared norm beside the squared error per image. Without
        ``tied=True`` a network can evade it: it shrinks the code and enlarges the decoder.
    n_projections : int, default=1
        Random projections of a batch by which the norm is estimated. An encoder without
        hidden layers needs none: its norm is computed exactly.
    code_activation : str, default="sigmoid"
        Keras activation of the code.

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
        **Autoencoder._parameter_constraints,
        "contraction_weight": [Interval(Real, 0, None, closed="left")],
        "n_projections": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, code_dim=32, *, contraction_weight=0.1, n_projections=1, code_activation="sigmoid", **settings):
        super().__init__(code_dim, code_activation=code_activation, **settings)
        self.contraction_weight = contraction_weight
        self.n_projections = n_projections

    def _build_model(self, seed):
        return ContractiveModel(*self._networks(seed), self.contraction_weight, self.n_projections, seed)
