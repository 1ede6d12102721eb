"""An autoencoder whose code is mostly silent: few of its numbers are active for an image."""

from numbers import Real

from ae_toolkit._keras import keras
from ae_toolkit._sklearn import Interval, StrOptions
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.networks import losses

ops = keras.ops


@keras.saving.register_keras_serializable(package="ae_toolkit")
class SparseModel(AutoencoderModel):
    """Adds a penalty on the codes to the error.

    Parameters
    ----------
    encoder, decoder : keras.Model
    penalty : {"l1", "kl"}
    weight, target_activity : float

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

    def __init__(self, encoder, decoder, penalty, weight, target_activity, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.penalty, self.weight, self.target_activity = penalty, weight, target_activity

    def objective(self, images, outputs):
        codes = outputs["codes"]
        if self.penalty == "l1":
            penalty = ops.sum(ops.abs(codes), axis=-1)
        else:
            penalty = losses.bernoulli_kl(self.target_activity, ops.mean(codes, axis=0))
        return super().objective(images, outputs) + self.weight * penalty

    def get_config(self):
        own = {"penalty": self.penalty, "weight": self.weight, "target_activity": self.target_activity}
        return {**super().get_config(), **own}


class SparseAutoencoder(Autoencoder):
    """Learn codes of which only few numbers are active at a time.

    Parameters
    ----------
    code_dim : int, default=32
        How many numbers a code has. More than an image has is allowed, with a warning.
    penalty : {"l1", "kl"}, default="l1"
        ``"l1"`` adds the sum of the code's absolute values, and the code is rectified, so
        that it can be exactly 0. ``"kl"`` keeps each number's mean over the batch near
        `target_activity`, and the code is a logistic unit between 0 and 1.
    sparsity_weight : float, default=0.1
        Factor of the penalty beside the squared error per image.
    target_activity : float, default=0.05
        For ``"kl"``.
    code_activation : str, optional
        Keras activation of the code. By default ``"relu"`` or ``"sigmoid"``, as above.

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
        **Autoencoder._parameter_constraints,
        "penalty": [StrOptions({"l1", "kl"})],
        "sparsity_weight": [Interval(Real, 0, None, closed="left")],
        "target_activity": [Interval(Real, 0, 1, closed="neither")],
        "code_activation": [str, None],
    }

    def __init__(self, code_dim=32, *, penalty="l1", sparsity_weight=0.1, target_activity=0.05, code_activation=None,
                 **settings):  # fmt: skip
        super().__init__(code_dim, code_activation=code_activation, **settings)
        self.penalty = penalty
        self.sparsity_weight = sparsity_weight
        self.target_activity = target_activity

    def _code_activation(self):
        return self.code_activation or {"l1": "relu", "kl": "sigmoid"}[self.penalty]

    def _build_model(self, seed):
        return SparseModel(*self._networks(seed), self.penalty, self.sparsity_weight, self.target_activity)
