"""Errors against NumPy, likelihoods and divergences against SciPy, gradients against formulas."""

import numpy as np
import pytest
from scipy.special import expit, rel_entr
from scipy.stats import bernoulli, multivariate_normal, norm

from ae_toolkit import metrics
from ae_toolkit._keras import keras
from ae_toolkit.networks import losses

numpy = keras.ops.convert_to_numpy


def mean_error(images, found):
    return losses.weighted_mean(losses.squared_error(images, found))


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return rng.random((2, 5, 3, 4, 2), dtype=np.float32)


def test_sum_over_pixels_mean_over_images(batch):
    images, found = batch
    by_hand = sum(((image - other) ** 2).sum() for image, other in zip(images, found, strict=True)) / 5
    assert float(mean_error(images, found)) == pytest.approx(by_hand, rel=1e-6)


def test_is_not_the_mean_over_pixels(batch):
    images, found = batch
    assert float(mean_error(images, found)) == pytest.approx(24 * np.mean((images - found) ** 2), rel=1e-5)


def test_equals_the_metric(batch):
    images, found = batch
    assert float(mean_error(images, found)) == pytest.approx(metrics.reconstruction_error(images, found))


def test_flat_images_give_the_same(batch):
    images, found = batch
    flat = mean_error(images.reshape(5, -1), found.reshape(5, -1))
    assert float(flat) == pytest.approx(float(mean_error(images, found)))


def test_zero_for_a_perfect_reconstruction(batch):
    assert float(mean_error(batch[0], batch[0])) == 0.0


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="differentiates with TensorFlow")
def test_gradient_is_that_of_the_formula(batch):
    import tensorflow as tf

    images, found = map(tf.constant, batch)
    with tf.GradientTape() as tape:
        tape.watch(found)
        loss = mean_error(images, found)
    np.testing.assert_allclose(tape.gradient(loss, found), 2 * (batch[1] - batch[0]) / 5, rtol=1e-5)


# ------------------------------------------------------------------------------- reductions


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_all_axes_but_the_first_few_are_summed(keep):
    values = np.random.default_rng(0).random((2, 5, 4))
    found = numpy(losses.sum_per_image(values, keep=keep))
    np.testing.assert_allclose(found, values.sum(axis=tuple(range(keep, 3))), rtol=1e-6)


def test_a_mean_is_weighted_by_factors_that_are_1_on_average():
    per_image, weights = np.array([1.0, 2.0, 6.0]), np.array([0.5, 0.5, 2.0])
    assert float(losses.weighted_mean(per_image)) == pytest.approx(3)
    assert float(losses.weighted_mean(per_image, np.ones(3))) == pytest.approx(3)
    assert float(losses.weighted_mean(per_image, weights)) == pytest.approx(np.average(per_image, weights=weights))


# ------------------------------------------------------------------------------ likelihoods


@pytest.fixture
def pixels():
    """Return black-and-white images, and three logits per pixel, for three samples of each image's code."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 2, (5, 3, 4, 1)).astype("float32"), rng.normal(size=(3, 5, 3, 4, 1)).astype("float32")


def test_the_bernoulli_likelihood_is_scipy_s(pixels):
    images, logits = pixels
    expected = -bernoulli(expit(logits[0])).logpmf(images).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(numpy(losses.bernoulli_nll(images, logits[0])), expected, rtol=1e-5)


def test_of_grey_pixels_it_is_the_cross_entropy():
    """Whose smallest value, at the pixels themselves, is their entropy and not 0."""
    grey = np.random.default_rng(0).uniform(0.05, 0.95, (5, 7))
    logits = np.log(grey / (1 - grey))
    smallest = numpy(losses.bernoulli_nll(grey, logits))
    np.testing.assert_allclose(smallest, bernoulli(grey).entropy().sum(axis=1), rtol=1e-5)
    for step in (-0.1, 0.1):
        assert (numpy(losses.bernoulli_nll(grey, logits + step)) > smallest).all()


@pytest.mark.parametrize(("pixel", "logit", "expected"), [(1, 1e4, 0), (0, -1e4, 0), (1, -1e4, 1e4), (0, 1e4, 1e4)])
def test_extreme_logits_do_not_overflow(pixel, logit, expected):
    found = losses.bernoulli_nll(np.full((1, 1), pixel, np.float32), np.full((1, 1), logit, np.float32))
    assert float(found[0]) == pytest.approx(expected)


@pytest.mark.parametrize("log_scale", [-1.0, 0.0, 0.7])
def test_the_gaussian_likelihood_is_scipy_s(pixels, log_scale):
    images, means = pixels
    expected = -norm(means[0], np.exp(log_scale)).logpdf(images).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(numpy(losses.gaussian_nll(images, means[0], log_scale)), expected, rtol=1e-5)


def test_several_samples_per_image_are_one_likelihood_each(pixels):
    images, many = pixels
    for loss in (losses.bernoulli_nll, lambda images, means: losses.gaussian_nll(images, means, 0.3)):
        found = numpy(loss(images, many))
        assert found.shape == (3, 5)
        for one, sample in zip(found, many, strict=True):
            np.testing.assert_allclose(one, numpy(loss(images, sample)), rtol=1e-6)


def test_the_density_of_codes_is_scipy_s():
    rng = np.random.default_rng(0)
    codes, mean, log_variance = rng.normal(size=(3, 3))
    expected = multivariate_normal(mean, np.diag(np.exp(log_variance))).logpdf(codes)
    assert float(losses.gaussian_log_density(codes, mean, log_variance)) == pytest.approx(expected, rel=1e-5)


# ------------------------------------------------------------------------------ divergences


def test_the_divergence_by_monte_carlo():
    rng = np.random.default_rng(0)
    means, log_variances = rng.normal(size=(1, 3)), rng.normal(size=(1, 3))
    codes = means + np.exp(log_variances / 2) * rng.normal(size=(400_000, 3))
    densities = [
        numpy(losses.gaussian_log_density(codes, m, v)) for m, v in ((means, log_variances), (0 * means, 0 * means))
    ]
    expected = (densities[0] - densities[1]).mean()
    assert float(losses.gaussian_kl(means, log_variances)[0]) == pytest.approx(expected, rel=0.01)


def test_the_divergence_from_itself_is_zero_and_else_positive():
    rng = np.random.default_rng(0)
    assert float(losses.gaussian_kl(np.zeros((1, 3)), np.zeros((1, 3)))[0]) == 0
    assert (numpy(losses.gaussian_kl(rng.normal(size=(50, 3)), rng.normal(size=(50, 3)))) > 0).all()


@pytest.mark.parametrize("target", [0.05, 0.5, 0.9])
def test_the_divergence_of_activities_is_scipy_s(target):
    activities = np.random.default_rng(0).uniform(0.01, 0.99, 6)
    expected = (rel_entr(target, activities) + rel_entr(1 - target, 1 - activities)).sum()
    assert float(losses.bernoulli_kl(target, activities)) == pytest.approx(expected, rel=1e-4)


def test_units_that_never_or_always_act_have_a_finite_divergence():
    assert np.isfinite(float(losses.bernoulli_kl(0.1, np.array([0.0, 1.0]))))
