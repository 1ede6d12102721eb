"""Random transformations: right to the pixel, of the fraction of a batch that was asked for, only in training."""

import copy
import math
import pickle

import numpy as np
import pytest

import ae_toolkit as ae
from ae_toolkit import training
from ae_toolkit._keras import keras
from ae_toolkit.data.augmentation import RandomAffine
from ae_toolkit.networks import losses

ops = keras.ops
AMOUNTS = ("rotation", "shear", "scale", "right", "down")  # in the order in which they are drawn


@pytest.fixture
def images():
    return np.random.default_rng(0).random((6, 7, 5, 2), dtype=np.float32)


@pytest.fixture
def draw(monkeypatch):
    """Let each amount be drawn as said, from -1 to 1, and 0 where nothing is said."""

    def draw(**drawn):
        def uniform(shape, low, high, seed=None):
            assert (shape[0], low, high) == (5, -1, 1)
            column = ops.convert_to_tensor(np.array([[drawn.get(name, 0.0)] for name in AMOUNTS], np.float32))
            return column * ops.ones(shape)

        monkeypatch.setattr(keras.random, "uniform", uniform)

    return draw


def transformed(images, **amounts):
    layer = RandomAffine(**{"fraction": 1.0, "seed": 0, **amounts})
    return ops.convert_to_numpy(layer(images, training=True))


# -------------------------------------------------------------- known transformations


@pytest.mark.parametrize("shape", [(3, 7, 5, 2), (3, 4, 4, 1), (1, 5, 6, 3), (2, 1, 9, 1)])
def test_no_amounts_no_change(shape):
    images = np.random.default_rng(0).random(shape, dtype=np.float32)
    np.testing.assert_array_equal(transformed(images), images)


@pytest.mark.parametrize("side", [4, 5])
@pytest.mark.parametrize(("angle", "turns"), [(90, -1), (-90, 1), (180, 2)])
def test_quarter_turns_about_the_centre(draw, side, angle, turns):
    """A positive angle turns clockwise, as the image is looked at."""
    images = np.random.default_rng(0).random((2, side, side, 2), dtype=np.float32)
    draw(rotation=math.copysign(1, angle))
    np.testing.assert_allclose(
        transformed(images, rotation=abs(angle)), np.rot90(images, turns, axes=(1, 2)), atol=1e-5
    )


def test_half_a_turn_of_an_image_that_is_not_square(images, draw):
    draw(rotation=1)
    np.testing.assert_allclose(transformed(images, rotation=180), images[:, ::-1, ::-1], atol=1e-5)


@pytest.mark.parametrize(("right", "down"), [(1, 0), (0, 1), (-1, 0), (0, -1), (1, -1), (0.5, 0)])
def test_shifts_by_whole_pixels(draw, right, down):
    """40 % of 10 and of 5 pixels; pixels from outside the image are 0."""
    images = np.random.default_rng(0).random((2, 5, 10, 2), dtype=np.float32) + 1
    draw(right=right, down=down)
    x, y = round(4 * right), round(2 * down)
    expected = np.zeros_like(images)
    target = expected[:, max(y, 0) : 5 + min(y, 0), max(x, 0) : 10 + min(x, 0)]
    target[:] = images[:, max(-y, 0) : 5 + min(-y, 0), max(-x, 0) : 10 + min(-x, 0)]
    np.testing.assert_allclose(transformed(images, shift=0.4), expected, atol=1e-5)


def test_half_a_pixel_is_the_mean_of_two(draw):
    images = np.random.default_rng(0).random((2, 4, 4, 1), dtype=np.float32)
    draw(right=1)
    found = transformed(images, shift=1 / 8)
    np.testing.assert_allclose(found[:, :, 1:], (images[:, :, :-1] + images[:, :, 1:]) / 2, atol=1e-5)


def test_twice_the_size_shows_the_middle(draw):
    images = np.random.default_rng(0).random((2, 5, 5, 1), dtype=np.float32)
    draw(scale=-1)
    shrunk = transformed(images, scale=0.5)  # half the size
    np.testing.assert_allclose(shrunk[:, 1:4, 1:4], images[:, ::2, ::2], atol=1e-5)
    assert np.all(shrunk[:, [0, 4]] == 0)
    draw(scale=1)
    grown = transformed(shrunk, scale=0.5)  # one and a half times
    np.testing.assert_allclose(grown[:, 2, 2], images[:, 2, 2], atol=1e-5)
    points = 2 + (np.arange(5) - 2) / 1.5
    expected = np.interp(points, np.arange(5), shrunk[0, 2, :, 0])
    np.testing.assert_allclose(grown[0, 2, :, 0], expected, atol=1e-5)


def test_a_shear_of_45_degrees_shifts_each_row_by_its_height(draw):
    images = np.random.default_rng(0).random((2, 5, 9, 1), dtype=np.float32)
    draw(shear=1)
    found = transformed(images, shear=45)
    for row in range(5):
        by = row - 2
        middle = np.arange(2, 7)
        np.testing.assert_allclose(found[:, row, middle], images[:, row, middle + by], atol=1e-5)


@pytest.mark.parametrize("parts", [(0, 0, 0, 0, 0), (0.5, -0.5, 1, 0.3, -0.7), (-1, 0.2, -1, -1, 1)])
def test_all_alike_as_the_layer_transforms_one(images, draw, parts):
    amounts = {"rotation": 40, "shear": 20, "scale": 0.3, "shift": 0.4}
    draw(**dict(zip(AMOUNTS, parts, strict=True)))
    found = ops.convert_to_numpy(RandomAffine(**amounts).transform_alike(images, parts))
    np.testing.assert_allclose(found, transformed(images, **amounts), atol=1e-5)
    longer = ops.convert_to_numpy(RandomAffine(**amounts).transform_alike(images.astype(np.float64), parts))
    np.testing.assert_array_equal(longer, found)
    grey = ops.convert_to_numpy(RandomAffine(**amounts).transform_alike(images[..., 0], parts))
    np.testing.assert_array_equal(grey, found[..., 0])


def test_amounts_come_together(draw):
    """A quarter turn first, then two pixels to the right: the shift is along the image's own axes."""
    images = np.random.default_rng(0).random((2, 5, 5, 1), dtype=np.float32)
    draw(rotation=1, right=1)
    turned = np.rot90(images, -1, axes=(1, 2))
    expected = np.zeros_like(images)
    expected[:, :, 2:] = turned[:, :, :-2]
    np.testing.assert_allclose(transformed(images, rotation=90, shift=0.4), expected, atol=1e-5)


def test_channels_are_transformed_alike(images, draw):
    draw(rotation=0.3, shear=0.2, scale=-0.5, right=0.7, down=-0.2)
    amounts = {"rotation": 30, "shear": 20, "scale": 0.3, "shift": 0.2}
    both = transformed(images, **amounts)
    for channel in range(2):
        alone = transformed(images[..., channel : channel + 1], **amounts)
        np.testing.assert_allclose(both[..., channel : channel + 1], alone, atol=1e-6)


@pytest.mark.parametrize("name", ["rotation", "scale", "shear", "shift"])
def test_amounts_are_bounds_for_what_is_drawn(name):
    """Of 2,000 draws all are within, and some come close to either end.

    The image's channels are the coordinates of its pixels, so that the result shows where each pixel came from.
    """
    amount = {"rotation": 40.0, "scale": 0.5, "shear": 30.0, "shift": 0.3}[name]
    coordinates = np.stack(np.meshgrid(np.arange(11.0), np.arange(11.0)), axis=-1).astype(np.float32)  # x, y
    sources = transformed(np.repeat(coordinates[None], 2000, axis=0), **{name: amount})
    centre, right, below = sources[:, 5, 5], sources[:, 5, 6], sources[:, 6, 5]
    across, down = right - centre, below - centre  # what a step to the right, and one down, are in the source
    found = {
        "rotation": np.degrees(np.arctan2(down[:, 0], across[:, 0])),
        "scale": 1 / across[:, 0] - 1,
        "shear": np.degrees(np.arctan(down[:, 0])),
        "shift": (5 - centre).ravel() / 11,
    }[name]
    assert np.abs(found).max() <= amount * 1.001
    assert found.min() < -0.95 * amount
    assert found.max() > 0.95 * amount
    assert abs(found.mean()) < 0.1 * amount


# -------------------------------------------------------------------------- which images


@pytest.mark.parametrize(
    ("n", "fraction", "count"), [(6, 0.5, 3), (6, 0, 0), (6, 1, 6), (5, 0.5, 2), (1, 0.5, 0), (1, 1.0, 1), (6, 0.3, 2)]
)
def test_a_fraction_of_the_batch_is_transformed(images, n, fraction, count):
    found = transformed(images[:n], shift=0.5, fraction=fraction)
    changed = [not np.array_equal(a, b) for a, b in zip(found, images[:n], strict=True)]
    assert changed == [True] * count + [False] * (n - count)


def test_each_image_is_transformed_by_an_amount_of_its_own(images):
    same = np.repeat(images[:1], 6, axis=0)
    found = transformed(same, rotation=90)
    assert len({image.tobytes() for image in found}) == 6


def test_in_inference_nothing_happens(images):
    layer = RandomAffine(rotation=90, shift=0.5, fraction=1.0, seed=0)
    np.testing.assert_array_equal(layer(images, training=False), images)
    np.testing.assert_array_equal(layer(images), images)


# --------------------------------------------------------------------------------- seeds


def test_a_seed_gives_the_same_transformations_again_and_each_call_others(images):
    one, same, other = (RandomAffine(rotation=90, fraction=1.0, seed=seed) for seed in (1, 1, 2))
    first, second = (ops.convert_to_numpy(one(images, training=True)) for _ in range(2))
    np.testing.assert_array_equal(ops.convert_to_numpy(same(images, training=True)), first)
    np.testing.assert_array_equal(ops.convert_to_numpy(same(images, training=True)), second)
    assert not np.allclose(first, second)
    assert not np.allclose(ops.convert_to_numpy(other(images, training=True)), first)


@pytest.mark.slow
def test_the_global_random_state_is_left_alone(images, global_random_state_kept):
    with global_random_state_kept():
        RandomAffine(rotation=90, seed=0)(images, training=True)


def test_a_layer_comes_back_from_its_configuration(images):
    layer = RandomAffine(rotation=30, scale=0.1, shear=5, shift=0.1, fraction=0.7, seed=4)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert twin.get_config() == layer.get_config()
    expected = ops.convert_to_numpy(layer(images, training=True))
    np.testing.assert_array_equal(ops.convert_to_numpy(twin(images, training=True)), expected)


# --------------------------------------------------------------------------- in a training


class Scaled(training.TrainableModel):
    """x̂ = s·x: its loss is (1 - s)² ||x||² of what it sees, if the target is what it sees."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(shape=(), initializer=keras.initializers.Constant(0.5), name="scale")

    def call(self, images, training=None):
        return images * self.scale.value

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return losses.weighted_mean(losses.squared_error(x, y_pred))


def test_the_target_is_transformed_as_well(images, draw, along, either_way):
    if (keras.backend.backend(), either_way) == ("jax", "Keras's own"):
        pytest.skip("not a way that JAX takes")
    draw(right=1)
    model = Scaled()
    model.augmentation = RandomAffine(shift=0.4, fraction=1.0, seed=0)  # by 2 of 5 pixels
    options = {"optimizer": keras.optimizers.SGD(1e-9), "epochs": 1, "batch_size": 3, "validation": images}
    history = training.fit(model, images, **options)

    def power(pixels):
        return 0.25 * np.square(pixels).reshape(6, -1).sum(axis=1).mean()

    assert history["loss"] == pytest.approx([power(images[:, :, :3])], rel=1e-5)
    assert history["val_loss"] == pytest.approx([power(images)], rel=1e-5)  # which are not transformed


def estimator(**options):
    settings = {"code_dim": 2, "hidden_units": (4,), "epochs": 2, "batch_size": 3, "random_state": 0}
    return ae.Autoencoder(**{**settings, **options})


@pytest.mark.slow
def test_an_estimator_that_transforms_nothing_is_one_without(images):
    plain = estimator().fit(images)
    for amounts in ({}, {"shift": 0.0}, {"shift": 0.3, "fraction": 0.0}):
        found = estimator(augmentation=amounts).fit(images)
        np.testing.assert_allclose(found.transform(images), plain.transform(images), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_an_estimator_trains_on_transformed_images(images):
    plain = estimator().fit(images, validation_data=images)
    augmented = estimator(augmentation={"shift": 0.4, "fraction": 1.0}).fit(images, validation_data=images)
    assert augmented.history_["loss"][0] < 0.9 * plain.history_["loss"][0]  # part of each image is outside
    np.testing.assert_allclose(augmented.history_["val_loss"][0], plain.history_["val_loss"][0], rtol=0.2)
    np.testing.assert_array_equal(augmented.transform(images), augmented.transform(images))
    assert augmented.score(images) == pytest.approx(-augmented.history_["val_loss"][-1], rel=1e-5)


@pytest.mark.slow
def test_random_state_decides_the_transformations(images):
    first, again, other = (
        estimator(augmentation={"rotation": 90}, random_state=seed).fit(images).transform(images) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy], ids=["pickle", "deepcopy"])
def test_an_estimator_with_augmentation_can_be_copied(images, again):
    fitted = estimator(augmentation={"rotation": 90}).fit(images)
    twin = again(fitted)
    np.testing.assert_array_equal(twin.transform(images), fitted.transform(images))
    assert twin.get_params() == fitted.get_params()


@pytest.mark.filterwarnings("error::UserWarning")
def test_its_model_can_be_saved(images, tmp_path):
    fitted = estimator(augmentation={"rotation": 90}).fit(images)
    fitted.model_.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    for ours, theirs in zip(fitted.model_.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(theirs, ours)
    # not bit for bit: the estimator completes a batch with blank images, the model alone does not
    np.testing.assert_allclose(ops.convert_to_numpy(loaded(images)), fitted.reconstruct(images), atol=1e-6)


# ----------------------------------------------------------------------------- bad input


BAD = [
    ("rotation", -1), ("rotation", 181), ("scale", 0.95), ("scale", -0.1), ("shear", 61), ("shift", 1.1),
    ("fraction", 1.5), ("fraction", -0.1), ("rotation", math.nan), ("rotation", math.inf), ("shift", "0.1"),
    ("shift", None), ("shift", True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_amounts(images, name, value):
    with pytest.raises(ValueError, match=rf"expected {name} to be a number from 0 to [\d.]+, got '?{value}"):
        RandomAffine(**{name: value})
    with pytest.raises(ValueError, match=rf"(?s)expected augmentation to be .*{name}.*{value}"):
        estimator(augmentation={name: value}).fit(images)


def test_the_largest_amounts_are_allowed(images):
    found = transformed(images, rotation=180, scale=0.9, shear=60, shift=1, seed=1)
    assert np.isfinite(found).all()
    assert 0 <= found.min() <= found.max() <= 1 + 1e-5


def test_an_unknown_amount(images):
    with pytest.raises(ValueError, match=r"expected augmentation to be a dict of RandomAffine's amounts.*flip"):
        estimator(augmentation={"flip": 0.5}).fit(images)


@pytest.mark.parametrize("value", [5, "rotation", [("rotation", 5)]])
def test_an_augmentation_that_is_no_dict(images, value):
    with pytest.raises(ValueError, match="'augmentation' parameter of Autoencoder must be"):
        estimator(augmentation=value).fit(images)


def test_flat_images_cannot_be_transformed(images):
    with pytest.raises(ValueError, match=r"augmentation .*images of shape \(height, width, channels\), got \(70,\)"):
        estimator(augmentation={"shift": 0.1}).fit(images.reshape(6, -1))
