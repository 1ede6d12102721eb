"""New images after the fact: they come from the codes' distribution, and paths end where they should."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

import ae_toolkit as ae
from ae_toolkit.estimators.generation import interpolate


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((30, 6, 5, 1), dtype=np.float32)


@pytest.fixture(scope="module")
def fitted(images):
    return ae.Autoencoder(3, hidden_units=(8,), epochs=2, random_state=0).fit(images)


@pytest.mark.slow
def test_a_sampler_takes_a_fitted_autoencoder_as_it_is(fitted, images):
    sampler = ae.MixtureSampler(fitted, n_components=2, random_state=0).fit(images)
    assert sampler.autoencoder_ is fitted
    assert sampler.sample(7, random_state=0).shape == (7, 6, 5, 1)


@pytest.mark.slow
def test_a_sampler_fits_a_copy_of_one_that_is_not(images):
    given = ae.Autoencoder(2, hidden_units=(4,), epochs=1, random_state=0)
    sampler = ae.MixtureSampler(given, n_components=2).fit(images)
    assert not hasattr(given, "model_")
    assert sampler.sample(2).shape == (2, 6, 5, 1)


@pytest.mark.slow
def test_samples_have_the_mean_and_the_covariance_of_the_codes(fitted, images):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(-3, 1, (300, 2)), rng.normal(3, 0.5, (100, 2))])
    found = ae.MixtureSampler(Codes(), n_components=2, random_state=0).fit(X).sample(20_000, random_state=0)
    np.testing.assert_allclose(found.mean(axis=0), X.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.cov(found.T), np.cov(X.T), rtol=0.05)
    assert (found[:, 0] > 0).mean() == pytest.approx(0.25, abs=0.02)


def test_samples_differ_between_calls_and_repeat_with_their_seed(fitted, images):
    sampler = ae.MixtureSampler(fitted, n_components=2, random_state=0).fit(images)
    assert not np.array_equal(sampler.sample(3), sampler.sample(3))
    np.testing.assert_array_equal(sampler.sample(3, random_state=5), sampler.sample(3, random_state=5))


@pytest.mark.slow
def test_the_global_random_state_is_left_alone(fitted, images, global_random_state_kept):
    with global_random_state_kept():
        ae.MixtureSampler(fitted, n_components=2).fit(images).sample(3)


def test_any_transformer_with_a_way_back_will_do(images):
    flat = images.reshape(30, -1)
    sampler = ae.MixtureSampler(PCA(3).fit(flat), n_components=2, random_state=0).fit(flat)
    assert sampler.sample(4, random_state=0).shape == (4, 30)


def test_what_cannot_be_sampled(fitted, images):
    with pytest.raises(NotFittedError):
        ae.MixtureSampler(fitted).sample(3)
    with pytest.raises(ValueError, match="expected at least n_components=10 images, got 4"):
        ae.MixtureSampler(fitted).fit(images[:4])
    with pytest.raises(ValueError, match=r"autoencoder.*transform"):
        ae.MixtureSampler("dense").fit(images)
    sampler = ae.MixtureSampler(fitted, n_components=2).fit(images)
    with pytest.raises(ValueError, match="expected n_samples to be a positive integer, got 0"):
        sampler.sample(0)


# -------------------------------------------------------------------------- interpolation


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_a_path_begins_and_ends_with_the_reconstructions(fitted, images, path):
    found = interpolate(fitted, images[0], images[1], n_steps=5, path=path)
    assert found.shape == (5, 6, 5, 1)
    np.testing.assert_allclose(found[[0, -1]], fitted.reconstruct(images[:2]), atol=1e-4)


class Codes(BaseEstimator):
    """An autoencoder whose images are its codes."""

    def __init__(self):
        self.fitted_ = True

    def fit(self, X):
        return self

    def transform(self, X):
        return np.asarray(X, float)

    inverse_transform = transform


def test_the_line_is_even_and_the_arc_keeps_its_length():
    start, end = np.array([2.0, 0.0]), np.array([0.0, 2.0])
    line = interpolate(Codes(), start, end, n_steps=3)
    np.testing.assert_allclose(line, [[2, 0], [1, 1], [0, 2]])
    arc = interpolate(Codes(), start, end, n_steps=5, path="spherical")
    np.testing.assert_allclose(np.linalg.norm(arc, axis=1), 2)
    np.testing.assert_allclose(arc[2], [2**0.5, 2**0.5])
    np.testing.assert_allclose(arc[1], [2 * np.cos(np.pi / 8), 2 * np.sin(np.pi / 8)])


@pytest.mark.parametrize("end", [[0.0, 0.0], [4.0, 0.0], [-2.0, 0.0]])
def test_an_arc_that_is_none_is_a_line(end):
    found = interpolate(Codes(), np.array([2.0, 0.0]), np.array(end), n_steps=3, path="spherical")
    np.testing.assert_allclose(found, interpolate(Codes(), np.array([2.0, 0.0]), np.array(end), n_steps=3), atol=1e-9)


def test_paths_that_are_none(fitted, images):
    with pytest.raises(ValueError, match="expected n_steps to be an integer of at least 2, got 1"):
        interpolate(fitted, images[0], images[1], n_steps=1)
    with pytest.raises(ValueError, match="expected path to be 'linear' or 'spherical', got 'curved'"):
        interpolate(fitted, images[0], images[1], path="curved")
    with pytest.raises(ValueError, match=r"of shape \(6, 5, 1\)"):
        interpolate(fitted, images[0, :5], images[1])
    with pytest.raises(NotFittedError):
        interpolate(ae.Autoencoder(), images[0], images[1])
