"""Networks: any image's shape comes back, sizes are as said, seeds are the only randomness."""

import math

import numpy as np
import pytest

from ae_toolkit import networks
from ae_toolkit._keras import keras

PICTURES = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (7, 9, 1), (5, 5, 2), (64, 48, 3), (4, 4, 1), (31, 17, 2)]


def weights(pair):
    return [weight for part in pair for weight in part.get_weights()]


def computed(model, x):
    return keras.ops.convert_to_numpy(model(x))


def kinds(model):
    return {type(layer).__name__ for layer in model.layers}


def there_and_back(pair, image_shape, code_dim):
    encoder, decoder = pair
    images = np.random.default_rng(0).random((2, *image_shape), dtype=np.float32)
    codes = computed(encoder, images)
    assert codes.shape == (2, code_dim)
    reconstructed = computed(decoder, codes)
    assert reconstructed.shape == images.shape
    assert np.isfinite(reconstructed).all()
    return codes, reconstructed


@pytest.mark.slow
@pytest.mark.parametrize("network", ["dense", "conv", "patch"])
@pytest.mark.parametrize("image_shape", PICTURES)
def test_an_image_of_any_shape_comes_back_in_its_shape(image_shape, network):
    pair = networks.build(image_shape, 3, network)
    there_and_back(pair, image_shape, 3)
    assert ("Conv2D" in kinds(pair[0])) == ("Conv2DTranspose" in kinds(pair[1])) == (network == "conv")
    assert [part.name for part in pair] == ["encoder", "decoder"]


@pytest.mark.parametrize("network", ["dense", "conv", "patch"])
def test_grey_images_without_channels_come_back_without(network):
    there_and_back(networks.build((9, 6), 3, network), (9, 6), 3)


@pytest.mark.parametrize("network", ["dense", "conv", "patch"])
@pytest.mark.parametrize("image_shape", [(8, 8, 1), (9, 6)])
def test_layers_compute_in_bfloat16_but_codes_and_images_are_float32(network, image_shape):
    codes, reconstructed = there_and_back(networks.build(image_shape, 3, network, precision="bfloat16"), image_shape, 3)
    assert codes.dtype == reconstructed.dtype == np.float32
    exact, _ = there_and_back(networks.build(image_shape, 3, network), image_shape, 3)
    assert 0 < np.abs(codes - exact).max() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("network", ["dense", "conv", "patch"])
@pytest.mark.parametrize("target_shape", [(5,), (3, 9, 2), (12, 7), (6, 10, 3)])
def test_a_decoder_may_have_a_target_of_another_shape(network, target_shape, precision):
    hidden = (6,) if network == "dense" else (4, 4)
    encoder, decoder = networks.build((8, 9, 1), 3, network, hidden, precision=precision, target_shape=target_shape)
    plain, _ = networks.build((8, 9, 1), 3, network, hidden, precision=precision)
    for a, b in zip(encoder.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # the encoder is what it would be otherwise
    found = computed(decoder, np.ones((2, 3), np.float32))
    assert (found.shape, found.dtype) == ((2, *target_shape), np.float32)
    kind = networks.resolve_decoder(network, (8, 9, 1), target_shape)
    assert kind == (network if min(target_shape[:2]) >= 4 and len(target_shape) > 1 else "dense")
    assert ("Conv2DTranspose" in kinds(decoder)) == (kind == "conv")
    assert ("FromPatches" in kinds(decoder)) == (kind == "patch")


def test_dense_layers_to_a_target_mirror_dense_layers_only():
    _, decoder = networks.build((8, 9, 1), 3, "dense", (7, 6), target_shape=(5,))
    assert [weight.shape for weight in decoder.get_weights()[::2]] == [(3, 6), (6, 7), (7, 5)]
    _, decoder = networks.build((8, 9, 1), 3, "patch", (4, 4), target_shape=(300,))
    assert [weight.shape for weight in decoder.get_weights()[::2]] == [(3, 128), (128, 256), (256, 300)]


def test_a_target_of_the_images_shape_makes_no_difference():
    for a, b in zip(*(weights(networks.build((8, 8), 3, seed=1, target_shape=s)) for s in (None, (8, 8))), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("option", ["tied", "linear_path"])
def test_what_mirrors_the_encoder_needs_a_target_of_the_images_shape(option):
    networks.build((8, 8), 3, target_shape=(8, 8), **{option: True})
    with pytest.raises(ValueError, match=rf"expected a target of the images' shape.*{option}=True.*\(5,\)"):
        networks.build((8, 8), 3, target_shape=(5,), **{option: True})
    with pytest.raises(ValueError, match="target_shape to be positive integers"):
        networks.build((8, 8), 3, target_shape=(0,))


@pytest.mark.parametrize("network", ["dense", "auto"])
def test_flat_images_come_back_flat(network):
    there_and_back(networks.build((64,), 3, network), (64,), 3)


@pytest.mark.parametrize("hidden_units", [(2,), (2, 3), (2, 3, 4, 5), ()])
@pytest.mark.parametrize("image_shape", [(8, 8, 1), (9, 6, 2)])
def test_convolutions_of_any_depth_fit_together(image_shape, hidden_units):
    """Even where the picture has shrunk to one pixel and its sides are odd."""
    encoder, decoder = networks.build(image_shape, 3, "conv", hidden_units)
    there_and_back((encoder, decoder), image_shape, 3)
    down = [layer for layer in encoder.layers if isinstance(layer, keras.layers.Conv2D)]
    assert tuple(layer.filters for layer in down) == hidden_units
    assert all(layer.strides == (2, 2) for layer in down)
    up = [layer.filters for layer in decoder.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert up == ([*hidden_units[-2::-1], image_shape[-1]] if hidden_units else [])


def test_dense_layers_have_the_widths_asked_for_mirrored_in_the_decoder():
    encoder, decoder = networks.build((4, 3, 1), 2, "dense", (7, 5))
    shapes = [weight.shape for weight in weights((encoder, decoder))]
    assert shapes == [(12, 7), (7,), (7, 5), (5,), (5, 2), (2,), (2, 5), (5,), (5, 7), (7,), (7, 12), (12,)]


def test_no_hidden_units_is_one_affine_map_each_way():
    encoder, decoder = networks.build((4, 3, 1), 2, "dense", ())
    images = np.random.default_rng(0).random((5, 4, 3, 1), dtype=np.float32)
    kernel, bias, back, back_bias = weights((encoder, decoder))
    codes = images.reshape(5, 12) @ kernel + bias
    np.testing.assert_allclose(computed(encoder, images), codes, atol=1e-6)
    np.testing.assert_allclose(computed(decoder, codes), (codes @ back + back_bias).reshape(5, 4, 3, 1), atol=1e-6)


def test_dense_network_is_the_formula():
    encoder, decoder = networks.build((6,), 2, "dense", (4,), activation="relu", output_activation="sigmoid")
    images = np.random.default_rng(0).random((5, 6), dtype=np.float32)
    w0, b0, w1, b1, w2, b2, w3, b3 = weights((encoder, decoder))
    codes = np.maximum(images @ w0 + b0, 0) @ w1 + b1  # the code is linear
    image = 1 / (1 + np.exp(-(np.maximum(codes @ w2 + b2, 0) @ w3 + b3)))
    np.testing.assert_allclose(computed(encoder, images), codes, atol=1e-6)
    np.testing.assert_allclose(computed(decoder, codes), image, atol=1e-6)


@pytest.mark.parametrize("hidden_units", [None, (4,), (4, 4), ()])
@pytest.mark.parametrize("network", ["dense", "conv"])
def test_activations_are_where_they_belong(network, hidden_units):
    encoder, decoder = networks.build((8, 8, 1), 3, network, hidden_units, "tanh", "sigmoid")

    def names(model):
        return [layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")]

    assert set(names(encoder)[:-1]) <= {"tanh"}
    assert names(encoder)[-1] == "linear"
    assert set(names(decoder)[:-1]) <= {"tanh"}
    assert names(decoder)[-1] == "sigmoid"
    depth = 0 if hidden_units == () else 1
    assert len(names(encoder)) > depth


def test_default_widths():
    assert networks.default_hidden_units(28 * 28) == (512, 256)
    assert networks.default_hidden_units(32 * 32 * 3) == (1024, 512)  # at most
    assert networks.default_hidden_units(1) == (256, 128)  # at least
    assert networks.default_hidden_units(1023) == (512, 256)
    assert networks.default_hidden_units(1024) == (1024, 512)
    encoder, _ = networks.build((28, 28, 1), 3)
    assert [layer.units for layer in encoder.layers if hasattr(layer, "units")] == [512, 256, 3]


def test_default_convolutions_end_about_eight_pixels_wide():
    for side, stages in ((8, 1), (16, 1), (17, 2), (32, 2), (64, 3)):
        encoder, _ = networks.build((side, side, 3), 3, "conv")
        grids = [layer.output.shape[1:3] for layer in encoder.layers if isinstance(layer, keras.layers.Conv2D)]
        assert len(grids) == stages
        assert grids[-1] == (math.ceil(side / 2**stages),) * 2


@pytest.mark.parametrize(
    ("image_shape", "kind"),
    [((8, 8, 1), "dense"), ((28, 28, 1), "dense"), ((32, 32, 1), "dense"), ((33, 33, 1), "conv"),
     ((32, 32, 3), "conv"), ((5000,), "dense"), ((3, 1000, 1), "dense")],
)  # fmt: skip
def test_auto(image_shape, kind):
    assert networks.resolve("auto", image_shape) == kind


def test_auto_builds_what_it_resolves_to():
    assert "Conv2D" in kinds(networks.build((32, 32, 3), 2, "auto")[0])
    assert "Conv2D" not in kinds(networks.build((32, 32, 1), 2, "auto")[0])


@pytest.mark.parametrize("image_shape", [(3, 8, 1), (8, 3, 1), (1, 1, 64), (64,)])
def test_convolutions_refuse_what_is_no_picture_or_too_small(image_shape):
    with pytest.raises(ValueError, match=r"at least 4×4.*got images of shape .*network='dense'"):
        networks.build(image_shape, 2, "conv")


def test_residual_blocks_have_equal_widths():
    encoder, _ = networks.build((8, 8, 1), 2, "patch", (5, 5, 5))
    assert sum(type(layer).__name__ == "ResidualBlock" for layer in encoder.layers) == 3
    for wrong in ((5, 4), ()):
        with pytest.raises(ValueError, match=r"expected hidden_units to be equal widths, one per residual block, got"):
            networks.build((8, 8, 1), 2, "patch", wrong)


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "many", None])
def test_sizes_of_images_and_codes_must_be_positive_integers(wrong):
    with pytest.raises(ValueError, match=r"expected code_dim to be a positive integer, got"):
        networks.build((8, 8, 1), wrong)
    with pytest.raises(ValueError, match=r"expected n_statistics to be a positive integer, got"):
        networks.build((8, 8, 1), 2, n_statistics=wrong)
    with pytest.raises(ValueError, match=r"expected image_shape to be positive integers, got"):
        networks.build((8, wrong, 1), 2)


def test_unknown_network_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'auto', 'dense', 'conv'.*got 'resnet'"):
        networks.build((8, 8, 1), 2, "resnet")


@pytest.mark.parametrize("network", ["dense", "conv"])
@pytest.mark.parametrize("wrong", [(0,), (-1,), (1.5,), ("a",), ((4, 4),), (4, None), (True,)])
def test_hidden_units_must_be_positive_integers(network, wrong):
    with pytest.raises(ValueError, match=r"expected hidden_units .*positive integers.*got \("):
        networks.build((8, 8, 1), 2, network, wrong)


@pytest.mark.parametrize("network", ["dense", "conv"])
@pytest.mark.parametrize("option", ["activation", "output_activation"])
def test_unknown_activation_says_what_came_and_what_was_expected(network, option):
    with pytest.raises(ValueError, match=rf"expected {option}.*relu.*got 'rulu'"):
        networks.build((8, 8, 1), 2, network, (4,), **{option: "rulu"})


def test_numpy_integers_are_sizes_too():
    encoder, _ = networks.build((np.int64(8), np.int64(8), np.int64(1)), np.int64(3), "dense", np.array([5, 4]))
    assert [layer.units for layer in encoder.layers if hasattr(layer, "units")] == [5, 4, 3]
    there_and_back(networks.build((8, 8, 1), np.int64(3), "conv", np.array([5, 4])), (8, 8, 1), 3)


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_same_seed_same_weights_other_seed_other_weights(network):
    first, again, other = (weights(networks.build((8, 8, 1), 3, network, (4, 4), seed=seed)) for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert all(np.array_equal(a, b) == (a.ndim == 1) for a, b in zip(first, other, strict=True))  # biases are 0


def test_layers_of_one_network_have_different_weights():
    kernels = [weight for weight in weights(networks.build((4,), 4, "dense", (4, 4))) if weight.ndim == 2]
    assert len({kernel.tobytes() for kernel in kernels}) == len(kernels) == 6


def test_initial_weights_are_glorot_uniform():
    kernel = networks.build((400,), 200, "dense", ())[0].get_weights()[0]
    limit = math.sqrt(6 / 600)
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / math.sqrt(3), rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["dense", "conv"])
def test_global_random_state_is_neither_read_nor_changed(network, global_random_state_kept):
    with global_random_state_kept():
        first = weights(networks.build((8, 8, 1), 3, network, (4,), seed=7))
    keras.utils.set_random_seed(99)
    assert all(map(np.array_equal, first, weights(networks.build((8, 8, 1), 3, network, (4,), seed=7))))


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_networks_come_back_from_their_configuration(network):
    images = np.random.default_rng(0).random((2, 7, 9, 1), dtype=np.float32)
    for part, x in zip(networks.build((7, 9, 1), 3, network, (4,)), (images, np.ones((2, 3), "float32")), strict=True):
        twin = type(part).from_config(part.get_config())
        twin.set_weights(part.get_weights())
        np.testing.assert_array_equal(computed(twin, x), computed(part, x))


# --------------------------------------------------------------------- a user's own networks


def test_copies_have_the_weights_and_are_networks_of_their_own():
    pair = networks.build((6,), 2, "dense", (4,), seed=3)
    copies = networks.copy_networks(*pair, (6,), 2)
    assert all(map(np.array_equal, weights(copies), weights(pair)))
    copies[0].set_weights([weight + 1 for weight in copies[0].get_weights()])
    assert not np.array_equal(weights(copies)[0], weights(pair)[0])
    assert networks.copy_networks(None, None, (6,), 2) is None


def test_copies_of_tied_networks_are_tied_to_each_other():
    pair = networks.build((6,), 2, "dense", (4,), tied=True)
    encoder, decoder = networks.copy_networks(*pair, (6,), 2)
    codes = np.ones((1, 2), np.float32)
    before = computed(pair[1], codes)
    np.testing.assert_array_equal(computed(decoder, codes), before)
    encoder.set_weights([0 * weight for weight in encoder.get_weights()])
    assert not computed(decoder, codes).any()
    np.testing.assert_array_equal(computed(pair[1], codes), before)


def test_networks_that_do_not_fit():
    encoder, decoder = networks.build((6,), 2, "dense", ())
    with pytest.raises(ValueError, match="expected both encoder and decoder, got encoder=None"):
        networks.copy_networks(None, decoder, (6,), 2)
    with pytest.raises(
        ValueError, match=r"expected encoder to turn shape \(7,\) into \(2,\) .*got .* \(6,\) to \(2,\)"
    ):
        networks.copy_networks(encoder, decoder, (7,), 2)
    with pytest.raises(
        ValueError, match=r"expected encoder to turn shape \(6,\) into \(4,\) .*got .* \(6,\) to \(2,\)"
    ):
        networks.copy_networks(encoder, decoder, (6,), 2, n_statistics=2)
    with pytest.raises(
        ValueError, match=r"expected decoder to turn shape \(2,\) into \(6,\) .*got .* \(6,\) to \(2,\)"
    ):
        networks.copy_networks(encoder, encoder, (6,), 2)
    with pytest.raises(ValueError, match=r"expected decoder to be built, with an Input of shape \(2,\), got"):
        networks.copy_networks(encoder, keras.Sequential([keras.layers.Dense(6)]), (6,), 2)
