"""Losses have names: the curve holds every term in its own unit, and the loss is their weighted sum."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import ae_toolkit as ae
from ae_toolkit import networks
from ae_toolkit._keras import keras
from ae_toolkit.estimators.adversarial import AdversarialModel
from ae_toolkit.estimators.contractive import ContractiveModel
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.estimators.sparse import SparseModel
from ae_toolkit.estimators.variational_model import VariationalModel

ops = keras.ops
numpy = ops.convert_to_numpy
IMAGES = np.random.default_rng(0).random((20, 6), dtype=np.float32)
QUICK = {"code_dim": 2, "hidden_units": (4,), "epochs": 3, "batch_size": 8, "random_state": 0}

#: name -> (estimator, the weights of its terms)
VARIANTS = {
    "plain": (ae.Autoencoder, {}, {"reconstruction": 1}),
    "denoising": (ae.DenoisingAutoencoder, {}, {"reconstruction": 1}),
    "sparse, l1": (ae.SparseAutoencoder, {"sparsity_weight": 0.3}, {"reconstruction": 1, "sparsity": 0.3}),
    "sparse, kl": (
        ae.SparseAutoencoder, {"penalty": "kl", "sparsity_weight": 2}, {"reconstruction": 1, "sparsity": 2},
    ),
    "contractive": (
        ae.ContractiveAutoencoder, {"contraction_weight": 0.5}, {"reconstruction": 1, "contraction": 0.5},
    ),
    "variational, bernoulli": (ae.VariationalAutoencoder, {"beta": 4}, {"reconstruction": 1, "kl": 4}),
    "variational, gaussian": (ae.VariationalAutoencoder, {"likelihood": "gaussian"}, {"reconstruction": 1, "kl": 1}),
    "variational, beta 0": (ae.VariationalAutoencoder, {"beta": 0}, {"reconstruction": 1, "kl": 0}),
    "importance-weighted": (ae.VariationalAutoencoder, {"importance_samples": 3}, {"bound": 1}),
    "adversarial": (ae.AdversarialAutoencoder, {"adversarial_weight": 0.5}, {"reconstruction": 1, "discriminator": 1}),
}  # fmt: skip


def pair(hidden=(4,), **options):
    return networks.build((6,), 2, "dense", hidden, "tanh", seed=1, **options)


def terms_of(model, images=IMAGES):
    """Return what a model's terms are for some images, and what ``propagate`` found about them."""
    outputs = model.propagate(images)
    terms = model.loss_terms(images, outputs)
    assert {name: tuple(term.shape) for name, term in terms.items()} == dict.fromkeys(terms, (len(images),))
    return {name: numpy(term) for name, term in terms.items()}, outputs


# ------------------------------------------------------------------------------ the curve


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_the_loss_is_the_weighted_sum_of_the_terms_in_the_curve(name):
    check_the_curve(*VARIANTS[name])


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
def test_so_it_is_along_each_way_of_training():
    check_the_curve(*VARIANTS["sparse, l1"])


def check_the_curve(cls, options, weights):
    history = cls(**QUICK, **options).fit(IMAGES, validation_data=IMAGES[:7]).history_
    assert set(history) == {kind + term for kind in ("", "val_") for term in ("loss", *weights)}
    for kind in ("", "val_"):
        expected = sum(weight * np.array(history[kind + term]) for term, weight in weights.items())
        np.testing.assert_allclose(history[kind + "loss"], expected, rtol=1e-5)
        assert all(len(history[kind + term]) == 3 for term in weights)


@pytest.mark.slow
def test_without_validation_there_are_no_twins():
    assert set(ae.SparseAutoencoder(**QUICK).fit(IMAGES).history_) == {"loss", "reconstruction", "sparsity"}


def test_the_last_reconstruction_term_in_validation_is_minus_the_score():
    fitted = ae.SparseAutoencoder(**QUICK).fit(IMAGES, validation_data=IMAGES[:7])
    assert fitted.history_["val_reconstruction"][-1] == pytest.approx(-fitted.score(IMAGES[:7]), rel=1e-5)


@pytest.mark.slow
def test_weights_of_images_weight_the_terms():
    """Of two images with weights 1 and 0 only the first is in the terms."""
    weights = np.eye(20)[0]
    options = {**QUICK, "epochs": 1, "learning_rate": 1e-9, "batch_size": 32}
    found = ae.SparseAutoencoder(**options).fit(IMAGES, sample_weight=weights)
    alone = ae.SparseAutoencoder(**options).fit(IMAGES[:1])
    for term in ("reconstruction", "sparsity"):
        assert found.history_[term] == pytest.approx(alone.history_[term], rel=1e-4)


def test_a_regulariser_is_in_the_loss_and_in_no_term():
    penalised = keras.layers.Dense(2, kernel_regularizer="l2")
    own = {
        "encoder": keras.Sequential([keras.Input((6,)), penalised]),
        "decoder": keras.Sequential([keras.Input((2,)), keras.layers.Dense(6)]),
    }
    history = ae.Autoencoder(**{**QUICK, "hidden_units": None}, **own).fit(IMAGES).history_
    assert (np.array(history["loss"]) > 1.001 * np.array(history["reconstruction"])).all()


@pytest.mark.parametrize("name", VARIANTS)
def test_the_curve_s_description_names_each_term(name):
    cls, _, weights = VARIANTS[name]
    described = cls.__doc__.partition("history_ : ")[2].partition("image_shape_ : ")[0]
    assert [term for term in weights if f'``"{term}"``' not in described] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_the_objective_is_the_weighted_sum_per_image(name):
    cls, options, weights = VARIANTS[name]
    model = cls(**{**QUICK, "epochs": 1}, **options).fit(IMAGES).model_
    terms, outputs = terms_of(model)
    expected = sum(weight * terms[term] for term, weight in weights.items())
    np.testing.assert_allclose(numpy(model.objective(IMAGES, outputs)), expected, rtol=1e-5)
    loss = float(model.compute_loss(x=IMAGES, y_pred=outputs, training=False))
    assert loss == pytest.approx(expected.mean(), rel=1e-5)


# ------------------------------------------------------------------------ terms that fail


@pytest.mark.slow
@pytest.mark.parametrize(("name", "term"), [(name, term) for name, (_, _, terms) in VARIANTS.items() for term in terms])
def test_a_term_that_is_not_finite_is_named(name, term):
    cls, options, weights = VARIANTS[name]

    class Overflowing(cls):
        def _build_model(self, seed):
            model = super()._build_model(seed)
            sound = model.loss_terms
            model.loss_terms = lambda images, outputs: {**(terms := sound(images, outputs)), term: terms[term] + np.inf}
            return model

    estimator = Overflowing(**QUICK, **options)
    with pytest.raises(FloatingPointError) as caught:
        estimator.fit(IMAGES)
    assert term in str(caught.value)
    assert not [other for other in weights if other != term and other in str(caught.value)]
    assert not hasattr(estimator, "model_")


# ------------------------------------------------------------------------- units, by hand


def test_a_reconstruction_is_in_squared_pixel_units():
    model = AutoencoderModel(*pair())
    model.decoder.set_weights([np.zeros_like(weight) for weight in model.decoder.get_weights()])  # decodes black
    terms, _ = terms_of(model)
    assert set(terms) == {"reconstruction"}
    np.testing.assert_allclose(terms["reconstruction"], np.square(IMAGES).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_a_sparsity_is_a_sum_of_absolute_values_and_unweighted(weight):
    model = SparseModel(*pair(code_activation="tanh"), "l1", weight, 0.1)
    terms, outputs = terms_of(model)
    np.testing.assert_allclose(terms["sparsity"], np.abs(numpy(outputs["codes"])).sum(axis=1), rtol=1e-5)


def test_a_sparsity_is_a_divergence_in_nats_that_a_batch_shares():
    terms, outputs = terms_of(SparseModel(*pair(code_activation="sigmoid"), "kl", 0.7, 0.1))
    rho = numpy(outputs["codes"]).mean(axis=0)
    expected = (0.1 * np.log(0.1 / rho) + 0.9 * np.log(0.9 / (1 - rho))).sum()
    np.testing.assert_allclose(terms["sparsity"], np.full(20, expected), rtol=1e-4)


def test_a_contraction_is_a_sum_of_squared_derivatives():
    """Of a linear encoder it is the sum of its squared weights."""
    model = ContractiveModel(*pair(()), 0.3, 1)
    kernel = model.encoder.get_weights()[0]
    np.testing.assert_allclose(terms_of(model)[0]["contraction"], np.full(20, np.square(kernel).sum()), rtol=1e-5)


def test_the_terms_of_a_bernoulli_likelihood_are_in_nats():
    """An encoder and a decoder of zeros: codes are N(0, 1), pixels black or white with equal probability."""
    model = VariationalModel(*pair(n_statistics=2), "bernoulli", beta=3.0)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    terms, _ = terms_of(model)
    np.testing.assert_allclose(terms["reconstruction"], np.full(20, 6 * math.log(2)), rtol=1e-5)
    np.testing.assert_allclose(terms["kl"], np.zeros(20), atol=1e-6)


def test_the_terms_of_a_gaussian_likelihood_are_in_nats():
    """A constant encoder and decoder, whose bias alone counts: the densities are SciPy's."""
    model = VariationalModel(*pair((), n_statistics=2), "gaussian")
    model.encoder.set_weights([np.zeros((6, 4)), np.array([1.0, -2.0, 0.0, 0.0])])
    model.decoder.set_weights([np.zeros((2, 6)), np.full(6, 0.25)])
    model.log_scale.assign(math.log(0.5))
    terms, _ = terms_of(model)
    np.testing.assert_allclose(terms["reconstruction"], -norm(0.25, 0.5).logpdf(IMAGES).sum(axis=1), rtol=1e-4)
    np.testing.assert_allclose(terms["kl"], np.full(20, (1.0 + 4.0) / 2), rtol=1e-5)


def test_a_bound_is_in_nats():
    """Where the posterior is exact, the bound is log p(x) whatever codes are drawn."""
    model = VariationalModel(*pair((), n_statistics=2), "gaussian", importance_samples=5)
    model.encoder.set_weights([np.zeros((6, 4)), np.zeros(4)])
    model.decoder.set_weights([np.zeros((2, 6)), np.zeros(6)])  # the image says nothing about the code
    terms, _ = terms_of(model)
    assert set(terms) == {"bound"}
    np.testing.assert_allclose(terms["bound"], -multivariate_normal(np.zeros(6)).logpdf(IMAGES), rtol=1e-5)


def test_a_discriminator_that_cannot_tell_has_twice_the_logarithm_of_two():
    discriminator, _ = networks.build((2,), 1, "dense", (3,), "tanh", seed=9)
    discriminator.set_weights([np.zeros_like(weight) for weight in discriminator.get_weights()])
    terms, _ = terms_of(AdversarialModel(*pair(), discriminator, 0.3))
    np.testing.assert_allclose(terms["discriminator"], np.full(20, 2 * math.log(2)), rtol=1e-6)
