"""The layers that Keras does not have: what they compute, what they refuse, and that they come back from a file."""

import numpy as np
import pytest

from ae_toolkit._keras import keras
from ae_toolkit.networks.layers import Corruption, FromPatches, ResidualBlock, TiedDense, ToPatches

numpy = keras.ops.convert_to_numpy


# ---------------------------------------------------------------------------------- patches


@pytest.mark.parametrize("shape", [(8, 8, 1), (10, 7, 3), (4, 9, 2)])
def test_patches_are_put_together_again(shape):
    pictures = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
    patches = ToPatches(4)(pictures)
    np.testing.assert_array_equal(numpy(FromPatches(shape, 4)(patches)), pictures)
    np.testing.assert_array_equal(numpy(patches)[:, 0, 0], pictures[:, :4, :4].reshape(3, -1))


def test_what_is_missing_at_the_far_edges_is_zero():
    patches = numpy(ToPatches(4)(np.ones((1, 6, 5, 1), np.float32))).reshape(2, 2, 4, 4)
    assert patches[0, 0].all()
    assert not patches[1, 0, 2:].any()
    assert not patches[1, 1, :, 1:].any()


# --------------------------------------------------------------------- residual blocks, ties


def test_a_residual_block_is_the_formula():
    pictures = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")
    block = ResidualBlock("tanh")
    np.testing.assert_array_equal(numpy(block(pictures)), pictures)  # until it has learned something
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    kernel[1, 1] = 2 * np.eye(3)  # twice the pixel itself
    block.set_weights([kernel, np.ones(3, np.float32)])
    np.testing.assert_allclose(numpy(block(pictures)), pictures + 2 * np.tanh(pictures) + 1, rtol=1e-5)


def test_a_frozen_residual_block_comes_back_frozen():
    network = keras.Sequential([keras.Input((5, 4, 3)), ResidualBlock("tanh")])
    network.layers[0].trainable = False
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
    for frozen in (network, twin):
        assert frozen.trainable_variables == []
        assert [tuple(variable.shape) for variable in frozen.non_trainable_variables] == [(3, 3, 3, 3), (3,)]
    twin.layers[0].trainable = True
    assert len(twin.trainable_variables) == 2


def test_a_tied_layer_follows_the_kernel_of_the_other():
    dense, layer = keras.layers.Dense(2), TiedDense(3, "relu")
    dense.build((None, 3))
    layer.tie(dense)
    codes = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    for _ in range(2):
        expected = np.maximum(codes @ dense.get_weights()[0].T, 0)
        np.testing.assert_allclose(numpy(layer(codes)), expected, rtol=1e-5, atol=1e-6)
        dense.set_weights([2 * weight for weight in dense.get_weights()])
    assert [tuple(weight.shape) for weight in layer.weights] == [(3,)]


def test_a_layer_that_is_tied_to_nothing():
    with pytest.raises(RuntimeError, match="expected TiedDense to be tied to a dense layer before it is called"):
        TiedDense(3)(np.ones((1, 2), np.float32))


# ------------------------------------------------------------------------------- corruption


def test_corruption_is_of_the_kind_and_amount_that_was_asked_for():
    grey = np.full((100, 100), 0.5, np.float32)
    noisy = numpy(Corruption("gaussian", 0.3, seed=0)(grey, training=True))
    assert noisy.std() == pytest.approx(0.3, rel=0.05)
    assert noisy.mean() == pytest.approx(0.5, abs=0.02)
    masked = numpy(Corruption("masking", 0.3, seed=0)(grey, training=True))
    assert set(np.unique(masked)) == {0.0, 0.5}
    assert (masked == 0).mean() == pytest.approx(0.3, abs=0.02)
    salted = numpy(Corruption("salt_and_pepper", 0.3, seed=0)(grey, training=True))
    assert set(np.unique(salted)) == {0.0, 0.5, 1.0}
    assert [(salted == value).mean() for value in (0, 1)] == pytest.approx([0.15, 0.15], abs=0.02)


def test_corruption_draws_anew_and_rests_in_inference():
    layer, grey = Corruption("masking", 0.5, seed=0), np.ones((4, 50), np.float32)
    first, second = (numpy(layer(grey, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(numpy(layer(grey)), grey)


@pytest.mark.parametrize("kind", Corruption.KINDS)
def test_no_corruption_changes_nothing(kind):
    grey = np.full((4, 50), 0.5, np.float32)
    np.testing.assert_array_equal(numpy(Corruption(kind, 0, seed=0)(grey, training=True)), grey)


@pytest.mark.parametrize("kind", ["masking", "salt_and_pepper"])
def test_all_pixels_can_be_set(kind):
    corrupted = numpy(Corruption(kind, 1, seed=0)(np.full((4, 50), 0.5, np.float32), training=True))
    assert set(np.unique(corrupted)) == ({0.0} if kind == "masking" else {0.0, 1.0})


def test_noise_may_be_stronger_than_one():
    assert numpy(Corruption("gaussian", 3, seed=0)(np.zeros((100, 100), np.float32), training=True)).std() > 2.9


# --------------------------------------------------------------- what they refuse, and files


@pytest.mark.parametrize("kind", ["rain", None, "", 5, ["masking"]])
def test_a_kind_of_corruption_that_is_none(kind):
    with pytest.raises(
        ValueError, match=r"expected kind to be one of \('gaussian', 'masking', 'salt_and_pepper'\), got"
    ):
        Corruption(kind, 0.5)


@pytest.mark.parametrize("kind", Corruption.KINDS)
@pytest.mark.parametrize("amount", [-0.1, np.nan, np.inf, "much", None, True, 1j, [0.5]])
def test_an_amount_of_corruption_that_is_none(kind, amount):
    with pytest.raises(ValueError, match=r"expected amount to be a finite number of at least 0, got"):
        Corruption(kind, amount)


@pytest.mark.parametrize("kind", ["masking", "salt_and_pepper"])
def test_more_than_all_pixels_cannot_be_set(kind):
    with pytest.raises(ValueError, match=rf"fraction of the pixels, from 0 to 1, for kind='{kind}', got 1\.5"):
        Corruption(kind, 1.5)


@pytest.mark.parametrize("count", [0, -1, 2.5, "many", None])
@pytest.mark.parametrize(
    "make",
    [TiedDense, ToPatches, lambda side: FromPatches((8, 8, 1), side), lambda side: FromPatches((8, side, 1), 4)],
    ids=["units", "side", "side", "image_shape"],
)
def test_a_size_that_is_none(make, count):
    with pytest.raises(ValueError, match=r"expected .* to be (a positive integer|positive integers), got"):
        make(count)


@pytest.mark.parametrize("shape", [(8,), (8, 8), (8, 8, 1, 1), ()])
def test_a_shape_that_is_no_picture_s(shape):
    with pytest.raises(ValueError, match=r"expected image_shape to be \(height, width, channels\), got \("):
        FromPatches(shape, 4)


@pytest.mark.parametrize("make", [lambda name: TiedDense(3, name), ResidualBlock], ids=["TiedDense", "ResidualBlock"])
def test_an_activation_that_is_none(make):
    with pytest.raises(ValueError, match="rulu"):
        make("rulu")


LAYERS = {
    "TiedDense": lambda: TiedDense(3, "relu"),
    "ToPatches": lambda: ToPatches(4),
    "FromPatches": lambda: FromPatches((8, 7, 2), 4),
    "ResidualBlock": lambda: ResidualBlock("tanh"),
    "Corruption": lambda: Corruption("masking", np.float32(0.5), seed=3),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_comes_back_from_its_configuration(name):
    layer = LAYERS[name]()
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(twin) is type(layer)
    assert twin.get_config() == layer.get_config()
