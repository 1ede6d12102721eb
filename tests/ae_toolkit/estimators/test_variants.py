"""Each variant does what its paper says: closed forms, finite differences, and the mistakes that peers have made."""

import math

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA

import ae_toolkit as ae
from ae_toolkit import networks
from ae_toolkit._keras import keras
from ae_toolkit.data.augmentation import Binarize
from ae_toolkit.estimators.adversarial import AdversarialModel, reverse_gradient
from ae_toolkit.estimators.contractive import ContractiveModel
from ae_toolkit.estimators.denoising import DenoisingModel
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.estimators.sparse import SparseModel
from ae_toolkit.estimators.variational_model import VariationalModel, log_mean_importance_weight
from ae_toolkit.networks import losses
from ae_toolkit.networks.layers import Corruption
from ae_toolkit.training.backend import backend
from ae_toolkit.training.loop import training_losses

ops = keras.ops
numpy = ops.convert_to_numpy
differentiates = pytest.mark.skipif(
    not backend.COMPILES_LOOPS, reason="differentiates through the engine, which PyTorch does without"
)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((5, 6), dtype=np.float32)


@pytest.fixture
def fixed_noise(monkeypatch):
    """Let every normal draw of one shape be the same."""

    def normal(shape, *_, seed=None, **__):
        sizes = tuple(int(size) for size in shape)
        return ops.convert_to_tensor(np.random.default_rng(len(sizes)).normal(size=sizes).astype("float32"))

    monkeypatch.setattr(keras.random, "normal", normal)


def pair(hidden=(4,), activation="tanh", n_statistics=1, **options):
    return networks.build((6,), 2, "dense", hidden, activation, seed=1, n_statistics=n_statistics, **options)


def loss_of(model, images, training=True):
    return float(model.compute_loss(x=images, y_pred=model.propagate(images, training=training), training=training))


def gradients_of(loss, model):
    """Return the gradients of a loss by the model's weights, as the engine computes them."""
    others = [*model.non_trainable_variables, *model.metrics_variables]
    _, gradients = backend.value_and_grad(lambda: (loss(), 0.0), model.trainable_variables, others)
    return [numpy(gradient) for gradient in gradients]


MODELS = {
    "plain": lambda: AutoencoderModel(*pair()),
    "tied": lambda: AutoencoderModel(*pair(tied=True)),
    "patch": lambda: AutoencoderModel(*networks.build((6, 5), 2, "patch", (3, 3), "tanh", seed=1)),
    "sparse, l1": lambda: SparseModel(*pair(code_activation="tanh"), "l1", 0.5, 0.05),
    "sparse, kl": lambda: SparseModel(*pair(code_activation="sigmoid"), "kl", 0.5, 0.05),
    "contractive, one layer": lambda: ContractiveModel(*pair((), code_activation="sigmoid"), 0.5, 1),
    "contractive, deep": lambda: ContractiveModel(*pair(), 0.5, 2),
    "variational, bernoulli": lambda: VariationalModel(*pair(n_statistics=2), "bernoulli", beta=2.0),
    "variational, gaussian": lambda: VariationalModel(*pair(n_statistics=2), "gaussian"),
    "importance-weighted": lambda: VariationalModel(*pair(n_statistics=2), "bernoulli", importance_samples=3),
}


@differentiates
@pytest.mark.usefixtures("fixed_noise")
@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_finite_differences(name, images):
    model = MODELS[name]()
    if name == "patch":
        images = np.random.default_rng(0).random((5, 6, 5), dtype=np.float32)
    weights, batch = model.trainable_variables, ops.convert_to_tensor(images)
    start = [numpy(weight) for weight in weights]

    def loss():
        return training_losses(model, batch, ops.ones(5))["loss"]

    def loss_at(values):
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)
        return float(loss())

    gradients = gradients_of(loss, model)
    rng, step = np.random.default_rng(1), 3e-3
    for _ in range(3):
        direction = [rng.normal(size=weight.shape).astype("float32") for weight in weights]
        ends = [loss_at([w + sign * step * d for w, d in zip(start, direction, strict=True)]) for sign in (1, -1)]
        slope = sum(float((g * d).sum()) for g, d in zip(gradients, direction, strict=True))
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=2e-2, abs=2e-2)


# ------------------------------------------------------------------------------------ linear


@pytest.mark.slow
def test_a_linear_autoencoder_spans_the_principal_subspace():
    """Baldi and Hornik (1989): the largest principal angle is below 5 degrees."""
    data = ae.datasets.load("digits")
    flat = data.x_train.reshape(len(data.x_train), -1)
    options = {"hidden_units": (), "batch_size": 16, "learning_rate": 5e-3, "epochs": 150, "random_state": 0}
    linear = ae.Autoencoder(4, **options).fit(flat)
    pca = PCA(4).fit(flat)
    span = linear.model_.decoder.layers[-1].get_weights()[0]
    assert math.degrees(subspace_angles(span.T, pca.components_.T).max()) < 5


def test_tied_weights_stay_tied(images):
    tied = ae.Autoencoder(2, hidden_units=(4,), tied=True, epochs=3, random_state=0).fit(images)
    encoder, decoder = tied.model_.encoder, tied.model_.decoder
    kernels = [weight for weight in encoder.get_weights() if weight.ndim == 2]
    by_hand = tied.transform(images)
    biases = decoder.get_weights()
    assert [bias.ndim for bias in biases] == [1, 1]
    hidden = np.maximum(by_hand @ kernels[1].T + biases[0], 0)
    np.testing.assert_allclose(tied.inverse_transform(by_hand), hidden @ kernels[0].T + biases[1], rtol=1e-4, atol=1e-5)
    assert len(tied.model_.trainable_variables) == 6


@pytest.mark.parametrize("options", [{"network": "conv"}, {"network": "patch"}])
def test_only_dense_networks_can_be_tied(options):
    with pytest.raises(ValueError, match="expected a dense network for tied=True, got network="):
        ae.Autoencoder(2, tied=True, epochs=1, **options).fit(np.zeros((4, 8, 8, 1), "float32"))


# --------------------------------------------------------------------------------- denoising


def test_the_target_is_the_clean_image(images):
    """With every pixel masked the encoder sees nothing but zeros; the error is still that of the clean images."""
    model = DenoisingModel(*pair(), Corruption("masking", 1.0, seed=0))
    blind = numpy(model.decoder(model.encoder(np.zeros_like(images))))
    expected = np.square(images - blind).sum(axis=1).mean()
    assert loss_of(model, images) == pytest.approx(expected, rel=1e-5)
    assert loss_of(model, images, training=False) != pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
def test_a_denoiser_removes_noise_better_than_a_plain_autoencoder():
    data = ae.datasets.load("digits")
    noisy = data.x_test + np.random.default_rng(0).normal(0, 0.3, data.x_test.shape).astype("float32")
    options = {"code_dim": 16, "epochs": 20, "random_state": 0}
    plain = ae.Autoencoder(**options).fit(data.x_train)
    denoiser = ae.DenoisingAutoencoder(corruption_level=0.3, **options).fit(data.x_train)
    errors = [ae.metrics.reconstruction_error(data.x_test, model.reconstruct(noisy)) for model in (plain, denoiser)]
    assert errors[1] < 0.9 * errors[0]


# ------------------------------------------------------------------------------------ sparse


def test_the_penalties_by_hand(images):
    for penalty, activation in (("l1", "relu"), ("kl", "sigmoid")):
        model = SparseModel(*pair(code_activation=activation), penalty, 0.7, 0.1)
        codes, outputs = numpy(model.encode(images)), model.propagate(images)
        if penalty == "l1":
            extra = np.abs(codes).sum(axis=1).mean()
        else:
            rho = codes.mean(axis=0)
            extra = (0.1 * np.log(0.1 / rho) + 0.9 * np.log(0.9 / (1 - rho))).sum()
        error = np.square(images - numpy(outputs["reconstructions"])).sum(axis=1).mean()
        assert loss_of(model, images) == pytest.approx(error + 0.7 * extra, rel=1e-5)


@pytest.mark.slow
def test_more_weight_makes_sparser_codes():
    data = ae.datasets.load("digits")
    zeros = []
    for weight in (0.0, 0.03, 0.3):
        sparse = ae.SparseAutoencoder(32, sparsity_weight=weight, epochs=10, random_state=0).fit(data.x_train)
        zeros.append((sparse.transform(data.x_test) == 0).mean())
    assert zeros[0] < zeros[1] < zeros[2] < 1


@pytest.mark.slow
def test_activities_come_near_their_target():
    data = ae.datasets.load("digits")
    options = {"penalty": "kl", "epochs": 20, "random_state": 0}
    free, kept = (
        ae.SparseAutoencoder(32, sparsity_weight=weight, target_activity=0.1, **options).fit(data.x_train)
        for weight in (0.0, 5.0)
    )
    distance = [np.abs(model.transform(data.x_test).mean(axis=0) - 0.1).mean() for model in (free, kept)]
    assert distance[1] < 0.03 < distance[0]


# ------------------------------------------------------------------------------- contractive


def jacobian_norms(model, images, step=1e-2):
    """Return ||J||² of each image by finite differences."""
    columns = []
    for pixel in range(images.shape[1]):
        change = np.eye(images.shape[1], dtype=np.float32)[pixel] * step
        columns.append((numpy(model.encode(images + change)) - numpy(model.encode(images - change))) / (2 * step))
    return np.square(columns).sum(axis=(0, 2))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "linear", "softplus"])
def test_the_norm_of_one_layer_is_exact(images, activation):
    model = ContractiveModel(*pair((), code_activation=activation), 1.0, 1)
    np.testing.assert_allclose(numpy(model.jacobian_norm(images)), jacobian_norms(model, images), rtol=1e-2)


def test_the_norm_of_one_layer_without_bias_is_exact(images):
    encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, "tanh", use_bias=False)])
    model = ContractiveModel(encoder, pair()[1], 1.0, 1)
    np.testing.assert_allclose(numpy(model.jacobian_norm(images)), jacobian_norms(model, images), rtol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["softmax", "activation before", "activation behind"])
def test_one_dense_layer_that_is_not_all(images, kind):
    """The exact formula does not hold for these; their norm is estimated."""
    dense, tanh = keras.layers.Dense(2, "softmax" if kind == "softmax" else "linear"), keras.layers.Activation("tanh")
    layers = {"softmax": [dense], "activation before": [tanh, dense], "activation behind": [dense, tanh]}[kind]
    model = ContractiveModel(keras.Sequential([keras.Input((6,)), *layers]), pair()[1], 1.0, 400, seed=0)
    found = numpy(model.jacobian_norm(images[:2]))
    np.testing.assert_allclose(found, jacobian_norms(model, images[:2]), rtol=0.25)


@pytest.mark.slow
def test_the_norm_of_a_deep_encoder_is_estimated_without_bias(images):
    model = ContractiveModel(*pair((5, 4), "tanh"), 1.0, 400, seed=0)
    found = numpy(model.jacobian_norm(images[:2]))
    np.testing.assert_allclose(found, jacobian_norms(model, images[:2]), rtol=0.25)


@pytest.mark.slow
def test_contraction_contracts():
    data = ae.datasets.load("digits")
    norms = []
    for weight in (0.0, 5.0):
        options = {"hidden_units": (), "tied": True, "epochs": 10, "random_state": 0}
        fitted = ae.ContractiveAutoencoder(16, contraction_weight=weight, **options).fit(data.x_train)
        norms.append(float(ops.mean(fitted.model_.jacobian_norm(data.x_test))))
    assert norms[1] < 0.5 * norms[0]


# ------------------------------------------------------------------------------- variational


@pytest.mark.slow
def test_the_default_has_a_divergence_that_counts(images):
    """A clamp or a reduction over the wrong axis has made it 0 elsewhere."""
    fitted = ae.VariationalAutoencoder(2, hidden_units=(4,), epochs=1, random_state=0).fit(images)
    model = fitted.model_
    assert model.beta == 1
    outputs = model.propagate(images)
    divergence = numpy(losses.gaussian_kl(outputs["means"], outputs["log_variances"]))
    error = numpy(model.negative_log_likelihood(images, outputs["pixels"]))[0]
    assert divergence.mean() > 1e-3
    np.testing.assert_allclose(numpy(model.objective(images, outputs)), error + divergence, rtol=1e-5)


@pytest.mark.usefixtures("fixed_noise")
@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_training_and_validation_weigh_the_divergence_alike(images, beta):
    model = VariationalModel(*pair(n_statistics=2), "bernoulli", beta=beta)
    assert loss_of(model, images, training=True) == pytest.approx(loss_of(model, images, training=False), rel=1e-6)
    free = VariationalModel(*pair(n_statistics=2), "bernoulli", beta=0.0)
    free.set_weights(model.get_weights())
    outputs = model.propagate(images)
    divergence = float(ops.mean(losses.gaussian_kl(outputs["means"], outputs["log_variances"])))
    assert loss_of(model, images) - loss_of(free, images) == pytest.approx(beta * divergence, rel=1e-4, abs=1e-4)


@pytest.fixture(scope="module")
def linear_gaussian():
    """Return an estimator whose likelihood is known, x ~ N(b, W Wᵀ + s² I), and the exact density."""
    rng = np.random.default_rng(3)
    estimator = ae.VariationalAutoencoder(2, likelihood="gaussian", hidden_units=(), epochs=1)
    estimator.fit(np.zeros((1, 6), np.float32))
    model = estimator.model_
    W, b, s = rng.normal(size=(2, 6)).astype("float32"), rng.normal(size=6).astype("float32"), 0.7
    model.decoder.set_weights([W, b])
    model.log_scale.assign(math.log(s))
    inverse = np.linalg.inv(W @ W.T + s**2 * np.eye(2))  # of the exact posterior N(M (x - b), s² inverse)
    posterior = inverse @ W
    kernel = np.concatenate([posterior.T, np.zeros((6, 2))], axis=1)
    bias = np.concatenate([-posterior @ b, np.log(3 * s**2 * np.diag(inverse))])
    model.encoder.set_weights([kernel.astype("float32"), bias.astype("float32")])
    return estimator, multivariate_normal(b, W.T @ W + s**2 * np.eye(6))


@pytest.mark.slow
def test_the_likelihood_by_importance_sampling_is_the_exact_one(linear_gaussian):
    estimator, exact = linear_gaussian
    X = np.random.default_rng(0).normal(size=(20, 6)).astype("float32")
    found = estimator.log_likelihood(X, n_samples=3000, random_state=0)
    np.testing.assert_allclose(found, exact.logpdf(X), atol=0.15)
    assert (found < 0).mean() > 0.9  # the sign


def test_more_samples_come_closer_from_below(linear_gaussian):
    estimator, exact = linear_gaussian
    X = np.random.default_rng(0).normal(size=(200, 6)).astype("float32")
    truth = exact.logpdf(X).mean()
    found = [estimator.log_likelihood(X, n_samples=k, random_state=0).mean() for k in (1, 5, 50, 500)]
    assert found[0] < found[1] < found[2] < found[3] + 0.05  # the last two are equal but for chance
    assert found[3] == pytest.approx(truth, abs=0.05)
    assert found[0] < truth - 0.05


@pytest.mark.usefixtures("fixed_noise")
def test_samples_in_parts_are_one_estimate(linear_gaussian):
    """120 samples are drawn as 50, 50 and 20, and 150 images as 100 and 50."""
    estimator, _ = linear_gaussian
    X = np.random.default_rng(0).normal(size=(150, 6)).astype("float32")
    found = estimator.log_likelihood(X, n_samples=120, random_state=0)
    for images, part in ((X[:100], found[:100]), (X[100:], found[100:])):
        noise = ops.concatenate([keras.random.normal((count, len(images), 2)) for count in (50, 50, 20)])
        np.testing.assert_allclose(part, numpy(estimator.model_.log_likelihood(images, noise)), rtol=1e-5)


def test_the_importance_weighted_bound_is_above_the_evidence_bound_and_tightens():
    rng = np.random.default_rng(0)
    encoder, decoder = pair(n_statistics=2)
    images = np.repeat(rng.random((1, 6), dtype=np.float32), 4000, axis=0)
    bounds = []
    for k in (1, 2, 8, 32):
        model = VariationalModel(encoder, decoder, "bernoulli", importance_samples=k, seed=0)
        bounds.append(-loss_of(model, images))
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[-1]


def test_one_sample_of_the_bound_is_the_evidence_bound_on_average():
    encoder, decoder = pair(n_statistics=2)
    model = VariationalModel(encoder, decoder, "bernoulli", seed=0)
    images = np.repeat(np.random.default_rng(0).random((1, 6), dtype=np.float32), 20_000, axis=0)
    outputs = model.propagate(images)
    errors = model.negative_log_likelihood(images, outputs["pixels"])
    sampled = log_mean_importance_weight(errors, outputs["codes"], outputs["means"], outputs["log_variances"])
    assert float(ops.mean(sampled)) == pytest.approx(-loss_of(model, images), rel=5e-3)


@pytest.mark.slow
def test_the_likelihood_is_chosen_by_the_pixels(images):
    options = {"hidden_units": (4,), "epochs": 1, "random_state": 0}
    assert ae.VariationalAutoencoder(2, **options).fit(images).likelihood_ == "bernoulli"
    assert ae.VariationalAutoencoder(2, **options).fit(images - 0.5).likelihood_ == "gaussian"
    given = ae.VariationalAutoencoder(2, likelihood="gaussian", **options).fit(images)
    assert given.likelihood_ == "gaussian"
    assert float(given.model_.log_scale) != 0  # it is learned
    with pytest.raises(ValueError, match=r"pixels in \[0, 1\].*got values from -0"):
        ae.VariationalAutoencoder(2, likelihood="bernoulli", **options).fit(images - 0.5)


def test_probabilities_are_between_0_and_1(images):
    fitted = ae.VariationalAutoencoder(2, hidden_units=(4,), epochs=1, random_state=0).fit(images)
    for found in (fitted.reconstruct(images), fitted.sample(50, random_state=0)):
        assert 0 < found.min() < found.max() < 1
    assert len({sample.tobytes() for sample in fitted.sample(50, random_state=0)}) == 50
    np.testing.assert_array_equal(fitted.sample(3, random_state=1), fitted.sample(3, random_state=1))


def test_options_that_do_not_go_together(images):
    options = {"hidden_units": (4,), "epochs": 1}
    with pytest.raises(ValueError, match=r"expected beta=1 with importance_samples=5.*got beta=2"):
        ae.VariationalAutoencoder(2, beta=2, importance_samples=5, **options).fit(images)
    with pytest.raises(ValueError, match=r"expected output_activation='linear'.*got 'sigmoid'"):
        ae.VariationalAutoencoder(2, output_activation="sigmoid", **options).fit(images)
    with pytest.raises(ValueError, match="expected binarize=False for the likelihood 'gaussian'"):
        ae.VariationalAutoencoder(2, likelihood="gaussian", binarize=True, **options).fit(images)


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "many", None])
def test_a_number_of_samples_that_is_none(images, wrong):
    fitted = ae.VariationalAutoencoder(2, hidden_units=(4,), epochs=1).fit(images)
    with pytest.raises(ValueError, match="expected n_samples to be a positive integer, got"):
        fitted.sample(wrong)
    with pytest.raises(ValueError, match="expected n_samples to be a positive integer, got"):
        fitted.log_likelihood(images, n_samples=wrong)


@pytest.mark.slow
def test_binarising_draws_the_target_too(images):
    """Grey images have a positive error even if they are decoded exactly; black-and-white ones do not."""
    layer = Binarize(seed=0)
    drawn = numpy(layer(np.full((200, 50), 0.3, np.float32), training=True))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert drawn.mean() == pytest.approx(0.3, abs=0.02)
    np.testing.assert_array_equal(numpy(layer(images)), images)
    fitted = ae.VariationalAutoencoder(2, binarize=True, epochs=1, hidden_units=(4,), random_state=0).fit(images)
    assert isinstance(fitted.model_.augmentation, Binarize)


@pytest.mark.slow
def test_it_learns_and_its_samples_look_like_the_images():
    data = ae.datasets.load("digits")
    fitted = ae.VariationalAutoencoder(8, epochs=40, random_state=0).fit(data.x_train)
    p = data.x_train.mean(axis=0).clip(1e-3, 1 - 1e-3)  # what one would say without any code: each pixel's own mean
    without = (data.x_test * np.log(p) + (1 - data.x_test) * np.log(1 - p)).sum(axis=(1, 2, 3)).mean()
    assert fitted.log_likelihood(data.x_test, 50, random_state=0).mean() > without + 2
    mean_image = np.abs(fitted.sample(500, random_state=0).mean(axis=0) - data.x_train.mean(axis=0)).mean()
    assert mean_image < 0.05


# ------------------------------------------------------------------------------- adversarial


@differentiates
def test_the_gradient_is_reversed():
    x = keras.Variable(np.array([1.0, 2.0], np.float32))

    def summed():
        total = ops.sum(reverse_gradient(ops.convert_to_tensor(x), 0.5))
        return total, total

    value, (gradient,) = backend.value_and_grad(summed, [x], [])
    assert float(value) == 3.0
    np.testing.assert_allclose(numpy(gradient), [-0.5, -0.5])


@differentiates
@pytest.mark.usefixtures("fixed_noise")
def test_the_encoder_learns_to_pass_and_the_discriminator_to_tell(images):
    """The encoder's gradient is that of -w log D(codes), the discriminator's that of its cross-entropy."""
    discriminator = networks.build((2,), 1, "dense", (3,), "tanh", seed=9)[0]
    model = AdversarialModel(*pair(), discriminator, 0.7)
    x = ops.convert_to_tensor(images)

    def passing():
        codes = model.encode(x)
        return ops.mean(
            losses.squared_error(x, model.decode(codes)) + 0.7 * ops.softplus(-model.discriminator(codes)[:, 0])
        )

    def telling():
        drawn = keras.random.normal((5, 2))
        codes = ops.stop_gradient(model.encode(x))
        return ops.mean(
            ops.softplus(-model.discriminator(drawn)[:, 0]) + ops.softplus(model.discriminator(codes)[:, 0])
        )

    found = gradients_of(lambda: training_losses(model, x, ops.ones(5))["loss"], model)
    ids = {id(variable) for variable in discriminator.trainable_variables}
    for wanted, of_discriminator in ((passing, False), (telling, True)):
        expected = gradients_of(wanted, model)
        for variable, a, b in zip(model.trainable_variables, found, expected, strict=True):
            if (id(variable) in ids) == of_discriminator:
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_its_codes_are_distributed_as_they_are_drawn():
    data = ae.datasets.load("digits")
    fitted = ae.AdversarialAutoencoder(4, epochs=30, random_state=0).fit(data.x_train)
    codes = fitted.transform(data.x_train)
    assert np.abs(codes.mean(axis=0)).max() < 0.3
    assert np.abs(codes.std(axis=0) - 1).max() < 0.3
    plain = ae.Autoencoder(4, network="dense", epochs=30, random_state=0).fit(data.x_train).transform(data.x_train)
    assert np.abs(plain.mean(axis=0)).max() > 0.5
    assert fitted.sample(3, random_state=0).shape == (3, 8, 8, 1)
