"""The training objective against NumPy, and its gradient against finite differences."""

import numpy as np
import pytest

from ae_toolkit import metrics
from ae_toolkit._keras import keras
from ae_toolkit.networks import losses


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
