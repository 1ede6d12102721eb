"""Encoders and decoders whose code has several levels."""

import numpy as np
import pytest

from ae_toolkit import networks
from ae_toolkit._keras import keras

numpy = keras.ops.convert_to_numpy


def images(*shape):
    return np.random.default_rng(0).random((3, *shape), dtype=np.float32)


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 13, 3), (8, 8)])
@pytest.mark.parametrize(("code_dim", "n_levels", "hidden_units", "sizes"), [
    (5, 2, None, [3, 2]), (4, 3, (6, 6, 6, 6), [2, 1, 1]),
])  # fmt: skip
def test_any_picture_and_any_shares(shape, code_dim, n_levels, hidden_units, sizes):
    levels = networks.build_levels(shape, code_dim, n_levels, hidden_units)
    assert levels.sizes == sizes
    encoder, decoder = networks.join_levels(levels)
    assert encoder(images(*shape)).shape == (3, 2 * code_dim)
    assert decoder(np.ones((3, code_dim), "float32")).shape == (3, *shape)
    kinds = [type(layer).__name__ for part in levels.stages for layer in part._flatten_layers()]
    assert kinds.count("ResidualBlock") == len(hidden_units or range(n_levels))


def test_each_part_of_the_code_reaches_the_image_and_the_first_the_parts_that_follow():
    """And a part is decided by the image and by the parts before it, not by those behind."""
    levels = networks.build_levels((8, 8, 1), 6, 3, seed=1)
    _, decoder = networks.join_levels(levels)
    codes = np.random.default_rng(0).normal(size=(1, 6)).astype("float32")
    for part in range(3):
        changed = codes.copy()
        changed[0, 2 * part] += 1
        assert np.abs(numpy(decoder(changed) - decoder(codes))).max() > 1e-3
    features = levels.features(images(8, 8, 1)[:1])
    first = levels.stages[0](codes[:, :2])
    other = levels.stages[0](codes[:, :2] + 1)
    posterior = levels.posteriors[1]
    assert np.abs(numpy(posterior([first, features[1]]) - posterior([other, features[1]]))).max() > 1e-3


def test_the_encoder_follows_the_means():
    levels = networks.build_levels((8, 8, 1), 5, 2, seed=3)
    encoder, _ = networks.join_levels(levels)
    statistics = numpy(encoder(images(8, 8, 1)))
    features = levels.features(images(8, 8, 1))
    first = numpy(levels.posteriors[0](features[0]))
    second = numpy(levels.posteriors[1]([levels.stages[0](first[:, :3]), features[1]]))
    expected = np.concatenate([first[:, :3], second[:, :2], first[:, 3:], second[:, 2:]], axis=1)
    np.testing.assert_allclose(statistics, expected, rtol=1e-5, atol=1e-6)


def test_a_seed_decides_the_weights():
    found = [networks.join_levels(networks.build_levels((8, 8, 1), 4, 2, seed=seed)) for seed in (0, 0, 1)]
    weights = [[numpy(weight) for model in pair for weight in model.weights] for pair in found]
    for a, b in zip(weights[0], weights[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(weights[0], weights[2], strict=True))


def test_parts_that_are_made_of_their_description():
    levels = networks.build_levels((8, 8, 1), 4, 2, seed=1)
    again = networks.Levels.from_config(levels.get_config())
    for kind in ("features", "posteriors", "stages"):
        for part, copy in zip(np.atleast_1d(getattr(levels, kind)), np.atleast_1d(getattr(again, kind)), strict=True):
            copy.set_weights(part.get_weights())
    for model, copy in zip(networks.join_levels(levels), networks.join_levels(again), strict=True):
        given = np.random.default_rng(0).random((2, *model.input_shape[1:]), dtype=np.float32)
        np.testing.assert_array_equal(numpy(model(given)), numpy(copy(given)))


@pytest.mark.parametrize(("options", "message"), [
    ({"code_dim": 1}, r"at least one number for each of n_levels=2, got code_dim=1"),
    ({"n_levels": 1}, r"expected n_levels to be an integer of at least 2, got 1"),
    ({"hidden_units": (8,)}, r"at least one residual block for each of n_levels=2, got \(8,\)"),
    ({"hidden_units": (8, 9)}, r"equal widths.*got \(8, 9\)"),
    ({"image_shape": (64,)}, r"expected images of shape \(height, width, channels\), at least 4×4.*got images of"),
    ({"image_shape": (3, 3, 1)}, r"at least 4×4"),
])  # fmt: skip
def test_what_cannot_be_built(options, message):
    with pytest.raises(ValueError, match=message):
        networks.build_levels(**{"image_shape": (8, 8, 1), "code_dim": 4, "n_levels": 2, **options})
