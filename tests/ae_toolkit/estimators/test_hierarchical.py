"""A variational autoencoder with several levels: its bounds beside the exact likelihood, and the family's interface."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import ae_toolkit as ae
from ae_toolkit import networks
from ae_toolkit._keras import keras
from ae_toolkit.estimators.hierarchical_model import HierarchicalModel
from ae_toolkit.estimators.variational import RATE_WITH_LEVELS

ops = keras.ops
numpy = ops.convert_to_numpy
OPTIONS = {"network": "patch", "n_levels": 2, "hidden_units": (6, 6), "epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((40, 8, 8, 1), dtype=np.float32).round()


@pytest.fixture(scope="module")
def fitted(images):
    return ae.VariationalAutoencoder(5, **OPTIONS).fit(images)


@pytest.fixture(scope="module")
def exact():
    """A model with two levels of one number each, and the exact log-likelihood of images, by a sum over a fine grid.

    Its weights are large, so that the second number's distribution depends on the first.
    """
    levels = networks.build_levels((4, 4, 1), 2, 2, (3, 3), "tanh", seed=2)
    model = HierarchicalModel(levels, "bernoulli", seed=0)
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0, 0.25, size=tuple(weight.shape)))

    def log_likelihood(images):
        points = np.linspace(-6, 6, 241)
        grid = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2).astype("float32")
        prior = norm.logpdf(grid).sum(axis=1) + 2 * np.log(points[1] - points[0])
        logits = numpy(model.decoder(grid)).astype(float)
        return np.array([
            logsumexp(prior + (image * logits - np.logaddexp(0, logits)).sum(axis=(1, 2, 3))) for image in images
        ])  # fmt: skip

    images = rng.random((6, 4, 4, 1)).round().astype("float32")
    return model, images, log_likelihood(images)


def test_importance_sampling_finds_the_exact_likelihood(exact):
    model, images, expected = exact
    noise = np.random.default_rng(1).normal(size=(20_000, len(images), 2)).astype("float32")
    np.testing.assert_allclose(numpy(model.log_likelihood(images, noise)), expected, atol=0.1)


def test_the_second_part_depends_on_the_first(exact):
    """Otherwise the test above would not tell a ladder from two independent parts."""
    model, images, _ = exact
    features = model.levels.features(images)
    found = [
        numpy(
            model.levels.posteriors[1]([model.levels.stages[0](np.full((len(images), 1), z, "float32")), features[1]])
        )
        for z in (-1, 1)
    ]
    assert np.abs(found[0] - found[1])[:, 0].max() > 0.1  # its mean


def test_the_bounds_are_below_the_likelihood_and_tighten(exact):
    model, images, expected = exact
    many = np.repeat(images, 3000, axis=0)
    bounds = []
    for k in (1, 5, 25):
        twin = HierarchicalModel(model.levels, "bernoulli", importance_samples=k, seed=0)
        outputs = twin.propagate(many)
        bounds.append(-float(ops.mean(twin.objective(many, outputs))))
    assert bounds == sorted(bounds)
    assert bounds[-1] < expected.mean() + 0.02
    assert bounds[0] < expected.mean() - 0.02


def test_the_divergence_is_that_of_the_drawn_codes_on_average(exact):
    """The closed form of each part, given the parts before, against log q(z | x) - log p(z)."""
    model, images, _ = exact
    outputs = model.propagate(np.repeat(images, 20_000, axis=0))
    assert float(ops.mean(outputs["kl"])) == pytest.approx(-float(ops.mean(outputs["log_ratio"])), rel=0.02)


def test_without_noise_codes_are_at_their_means(exact):
    model, images, _ = exact
    means, _ = model.posterior(images)
    pixels = model._descend(images, ops.zeros((1, len(images), 2)))["pixels"][0]
    np.testing.assert_allclose(numpy(pixels), numpy(model.decoder(means)), rtol=1e-5, atol=1e-5)


def test_it_is_one_of_the_family(fitted, images, tmp_path):
    codes = fitted.transform(images)
    assert codes.shape == (40, 5)
    assert list(fitted.get_feature_names_out()) == [f"variationalautoencoder{i}" for i in range(5)]
    np.testing.assert_allclose(fitted.inverse_transform(codes), fitted.reconstruct(images), rtol=1e-5, atol=1e-6)
    assert fitted.sample(3, random_state=0).shape == (3, 8, 8, 1)
    assert fitted.log_likelihood(images[:2], 60, random_state=0).shape == (2,)
    assert sorted(fitted.history_) == ["kl", "loss", "reconstruction"]
    ae.save(fitted, tmp_path / "model")
    np.testing.assert_array_equal(ae.load(tmp_path / "model").transform(images), codes)


@pytest.mark.slow
def test_its_learning_rate_is_its_own_unless_one_is_given(fitted, images):
    assert fitted.settings_["learning_rate"] == RATE_WITH_LEVELS
    given = ae.VariationalAutoencoder(4, **{**OPTIONS, "epochs": 1}, learning_rate=1e-3).fit(images)
    assert given.settings_["learning_rate"] == 1e-3
    one = ae.VariationalAutoencoder(4, **{**OPTIONS, "epochs": 1, "n_levels": 1}).fit(images)
    assert one.settings_["learning_rate"] == 3e-3


@pytest.mark.slow
def test_equal_seeds_give_equal_models(fitted, images):
    again = ae.VariationalAutoencoder(5, **OPTIONS).fit(images)
    np.testing.assert_array_equal(again.transform(images), fitted.transform(images))
    assert again.history_ == fitted.history_


@pytest.mark.slow
@pytest.mark.parametrize("options", [
    {"importance_samples": 3}, {"likelihood": "gaussian"}, {"precision": "bfloat16"}, {"beta": 2.0},
])  # fmt: skip
def test_it_goes_with_the_other_options(options, images):
    fitted = ae.VariationalAutoencoder(4, **OPTIONS, **options).fit(images[..., 0], validation_data=images[:8, ..., 0])
    curve = fitted.history_
    assert np.isfinite(list(curve.values())).all()
    if "importance_samples" not in options:
        terms = np.array(curve["val_reconstruction"]) + fitted.beta * np.array(curve["val_kl"])
        np.testing.assert_allclose(curve["val_loss"], terms, rtol=1e-4)
    assert fitted.reconstruct(images[:2, ..., 0]).shape == (2, 8, 8)


@pytest.mark.slow
def test_it_learns_more_of_structured_images_than_the_mean_image_says():
    """Bars at random heights: a code that knows the height has few nats to pay for the pixels."""
    heights = np.random.default_rng(0).integers(0, 8, 400)
    bars = np.repeat((np.arange(8) < heights[:, None]).astype("float32")[:, :, None, None], 8, axis=2)
    fitted = ae.VariationalAutoencoder(4, **{**OPTIONS, "epochs": 40}).fit(bars)
    mean = bars.mean(axis=0).clip(0.01, 0.99)
    of_the_mean = (bars * np.log(mean) + (1 - bars) * np.log(1 - mean)).sum(axis=(1, 2, 3)).mean()
    found = fitted.log_likelihood(bars[:100], 50, random_state=0).mean()
    assert of_the_mean < -25
    assert found > -6  # log 8 = 2.1 is the least


@pytest.mark.slow
def test_it_trains_a_classifier_and_a_clusterer(fitted, images):
    labels = np.arange(40) % 2
    for weight in (0, 0.1):
        classifier = ae.AutoencoderClassifier(fitted, epochs=1, reconstruction_weight=weight, random_state=0)
        assert classifier.fit(images, labels).predict(images).shape == (40,)
    clusterer = ae.DeepEmbeddedClustering(2, autoencoder=fitted, epochs=1, random_state=0).fit(images)
    assert clusterer.predict(images).shape == (40,)


@pytest.mark.slow
def test_a_stopped_training_goes_on(images, tmp_path):
    options = {**OPTIONS, "epochs": 4}
    whole = ae.VariationalAutoencoder(4, **options).fit(images)

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        ae.VariationalAutoencoder(4, **options).fit(images, checkpoint_dir=tmp_path, callbacks=[Stop()])
    resumed = ae.VariationalAutoencoder(4, **options).fit(images, checkpoint_dir=tmp_path)
    np.testing.assert_allclose(resumed.transform(images), whole.transform(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("options", "message"), [
    ({"network": "auto"}, r"expected network='patch' with n_levels=2, got 'auto'"),
    ({"network": "dense"}, r"expected network='patch' with n_levels=2, got 'dense'"),
    ({"code_activation": "relu"}, r"expected code_activation='linear' with n_levels=2, got 'relu'"),
    ({"code_dim": 1}, r"at least one number for each of n_levels=2, got code_dim=1"),
    ({"hidden_units": (6,)}, r"at least one residual block for each of n_levels=2, got \(6,\)"),
    ({"beta": 2.0, "importance_samples": 3}, r"expected beta=1 with importance_samples=3"),
    ({"tied": True}, r"expected tied=False with n_levels=2, got True"),
])  # fmt: skip
def test_options_that_do_not_go_together(options, message, images):
    with pytest.raises(ValueError, match=message):
        ae.VariationalAutoencoder(**{"code_dim": 4, **OPTIONS, **options}).fit(images)


def test_a_network_of_one_s_own_has_one_level(images):
    encoder, decoder = networks.build((8, 8, 1), 4, n_statistics=2)
    with pytest.raises(ValueError, match=r"expected encoder=None with n_levels=2, got <"):
        ae.VariationalAutoencoder(4, encoder=encoder, decoder=decoder, **OPTIONS).fit(images)
