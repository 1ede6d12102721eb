"""Deskewing and HOG: their geometry, what is kept of an image, and images that they cannot take."""

import numpy as np
import pytest
from skimage.feature import hog
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import ae_toolkit as ae
from ae_toolkit.data import preprocessing
from ae_toolkit.data.augmentation import RandomAffine

TRANSFORMERS = {"deskew": ae.Deskew, "hog": ae.HOG}
either = pytest.mark.parametrize("name", TRANSFORMERS)


def ellipse(side=32, n=1, channels=1, height=0.55, width=0.18, centre=(0.0, 0.0)):
    """Return a smooth upright object on a dark ground."""
    y, x = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side), indexing="ij")
    picture = np.exp(-(((y - centre[0]) / height) ** 4) - ((x - centre[1]) / width) ** 4)
    return np.repeat(np.repeat(picture[None, ..., None], n, axis=0), channels, axis=3).astype(np.float32)


def sheared(images, slant):
    """Return images sheared about the middle of the picture, each row interpolated on its own."""
    _, height, width, channels = images.shape
    found = np.zeros_like(images)
    for row in range(height):
        places = np.arange(width) - slant * (row - (height - 1) / 2)
        for i in range(len(images)):
            for channel in range(channels):
                found[i, row, :, channel] = np.interp(
                    places, np.arange(width), images[i, row, :, channel], left=0, right=0
                )
    return found


def moments(images):
    """Return the mass, the centre, and the second cross moment of each image."""
    grey = images.astype(float).reshape(*images.shape[:3], -1).sum(axis=3)
    y, x = np.indices(grey.shape[1:])
    mass = grey.sum(axis=(1, 2))
    rows, columns = ((grey * place).sum(axis=(1, 2)) / mass for place in (y, x))
    centred = (y - rows[:, None, None]) * (x - columns[:, None, None])
    return mass, np.stack([rows, columns], axis=1), (grey * centred).sum(axis=(1, 2)) / mass


# ---------------------------------------------------------------------- geometry of Deskew


@pytest.mark.parametrize("slant", [-0.8, -0.3, 0.2, 0.6])
def test_a_sheared_image_comes_back(slant):
    original = ellipse(n=2, channels=2)
    leaning = sheared(original, slant)
    found = ae.Deskew().fit_transform(leaning)
    error, before = (np.square(images - original).sum() / np.square(original).sum() for images in (found, leaning))
    assert error < 0.01  # interpolated twice, the edges are a little softer
    assert before > 10 * error


@pytest.mark.parametrize("channels", [1, 3])
def test_mass_and_centre_stay_and_the_slant_goes(channels):
    """Exactly, but for float32: linear interpolation along a row keeps its mass, and its centre but for the shift."""
    upright = ellipse(channels=channels, height=0.4, centre=(0.2, -0.1))
    leaning = np.concatenate([sheared(upright, slant) for slant in (-0.5, 0.1, 0.7)])
    found = ae.Deskew().fit_transform(leaning)
    (mass, centre, cross), (old_mass, old_centre, old_cross) = moments(found), moments(leaning)
    np.testing.assert_allclose(mass, old_mass, rtol=1e-5)
    np.testing.assert_allclose(centre, old_centre, atol=1e-4)
    np.testing.assert_allclose(cross, 0, atol=1e-4)
    assert np.abs(old_cross).min() > 1


def test_real_digits_lose_their_slant():
    images = ae.datasets.load("digits").x_train
    found = ae.Deskew().fit_transform(images)
    (mass, centre, cross), (old_mass, old_centre, old_cross) = moments(found), moments(images)
    # 8x8 digits fill their picture, so that corners are lost.
    assert np.median(np.abs(mass / old_mass - 1)) < 1e-5
    assert np.median(np.abs(centre - old_centre)) < 0.01
    assert np.median(np.abs(cross)) < np.median(np.abs(old_cross)) / 20


def test_what_the_augmentation_shears_is_found_again():
    """The same shear by another implementation."""
    original = ellipse(n=40)
    leaning = np.asarray(RandomAffine(shear=25, fraction=1.0, seed=0)(original, training=True))
    found = ae.Deskew().fit_transform(leaning)
    assert np.square(found - original).sum() < 0.01 * np.square(original).sum()
    assert np.square(leaning - original).sum() > 0.1 * np.square(original).sum()


def test_an_upright_image_stays():
    original = ellipse(side=31)
    np.testing.assert_allclose(ae.Deskew().fit_transform(original), original, atol=1e-5)


def test_the_largest_shear_is_a_limit():
    """A flat shape that goes uphill is sheared by 45 degrees, or what is said, and no more."""
    flat = np.zeros((1, 9, 41, 1), np.float32)
    flat[0, 4, :20] = flat[0, 5, 21:] = 1
    slants, _ = preprocessing._slants(flat)
    assert slants[0] > 10
    for angle, shift in ((45.0, 1.0), (20.0, np.tan(np.radians(20)))):
        found = ae.Deskew(max_shear=angle).fit_transform(flat)
        _, _, cross = moments(found)
        _, _, before = moments(flat)
        np.testing.assert_allclose(before - cross, 0.25 * shift, rtol=0.1)  # the variance of the height is 1/4


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_an_image_of_one_value_has_no_slant(value):
    images = np.full((3, 6, 5), value, np.float32)
    np.testing.assert_allclose(ae.Deskew().fit_transform(images), images, atol=1e-6)


def test_a_line_and_a_point_come_back_unchanged():
    images = np.zeros((3, 7, 8, 2), np.float32)
    images[0, 3, 1:7] = 0.7  # a row: no height, so no slant
    images[1, 2, 5, 0] = 1  # a point
    images[2, 1:6, 4] = 0.3  # a column: upright already
    np.testing.assert_array_equal(ae.Deskew().fit_transform(images), images)
    row = np.random.default_rng(0).random((2, 1, 9), dtype=np.float32)
    np.testing.assert_array_equal(ae.Deskew().fit_transform(row), row)


def test_pixels_below_zero_weigh_nothing():
    leaning = sheared(ellipse(), 0.5)
    darker = np.where(leaning > 0.01, leaning, np.float32(-0.4))
    np.testing.assert_allclose(*(preprocessing._slants(images)[0] for images in (leaning, darker)), rtol=0.05)
    negative = -leaning
    np.testing.assert_array_equal(ae.Deskew().fit_transform(negative), negative)


def test_one_image_at_a_time_and_in_pieces(monkeypatch):
    images = np.random.default_rng(0).random((10, 9, 8, 3), dtype=np.float32)
    deskew = ae.Deskew().fit(images)
    together = deskew.transform(images)
    np.testing.assert_array_equal(np.concatenate([deskew.transform(images[i : i + 1]) for i in range(10)]), together)
    monkeypatch.setattr(preprocessing, "AT_ONCE", 3 * 9 * 8 * 3)
    np.testing.assert_array_equal(deskew.transform(images), together)


def test_grey_images_without_an_axis_of_channels():
    images = np.random.default_rng(0).random((4, 9, 8), dtype=np.float32)
    with_axis = ae.Deskew().fit_transform(images[..., None])
    np.testing.assert_array_equal(ae.Deskew().fit_transform(images), with_axis[..., 0])


def test_the_images_themselves_stay_as_they_are():
    images = sheared(ellipse(), 0.4)
    before = images.copy()
    ae.Deskew().fit_transform(images)
    np.testing.assert_array_equal(images, before)


# ------------------------------------------------------------------------------------- HOG


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (20, 12, 3), (8, 8)])
def test_hog_is_scikit_image_s(shape):
    images = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
    found = ae.HOG().fit_transform(images)
    cell = (shape[0] // 4, shape[1] // 4)
    assert (found.shape, found.dtype) == ((3, 324), np.float32)
    channel_axis = 2 if len(shape) == 3 else None
    expected = [hog(image, 9, cell, (2, 2), channel_axis=channel_axis) for image in images]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert 0 <= found.min() < found.max() <= 1


def test_hog_s_parameters():
    images = np.random.default_rng(0).random((3, 16, 12, 1), dtype=np.float32)
    features = ae.HOG(orientations=5, pixels_per_cell=[4, 3], cells_per_block=(1, 2)).fit(images)
    assert features.transform(images).shape == (3, 4 * 3 * 2 * 5)
    assert list(features.get_feature_names_out())[:2] == ["hog0", "hog1"]
    assert len(features.get_feature_names_out()) == 120
    assert features.pixels_per_cell_ == (4, 3)


def test_edges_of_two_directions_are_told_apart():
    stripes = np.zeros((2, 16, 16), np.float32)
    stripes[0, ::4] = stripes[1, :, ::4] = 1
    lying, standing = ae.HOG(orientations=2).fit_transform(stripes).reshape(2, -1, 2).sum(axis=1)
    assert lying.argmax() != standing.argmax()


def test_a_blank_image_has_no_edges():
    np.testing.assert_array_equal(ae.HOG().fit_transform(np.zeros((2, 16, 16, 1), np.float32)), 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"orientations": 0}, "orientations"),
        ({"pixels_per_cell": (0, 4)}, "pixels_per_cell to be positive integers"),
        ({"pixels_per_cell": (4,)}, "pixels_per_cell to be two positive integers"),
        ({"pixels_per_cell": 4}, "pixels_per_cell"),
        ({"cells_per_block": (2, 2, 2)}, "cells_per_block to be two positive integers"),
        ({"pixels_per_cell": (9, 9)}, r"at least one block of 2×2 cells of 9×9 pixels.*got images of 16×16"),
    ],
)
def test_hog_s_parameters_out_of_range(options, words):
    with pytest.raises(ValueError, match=words):
        ae.HOG(**options).fit(np.zeros((2, 16, 16), np.float32))


@pytest.mark.parametrize("value", [0, 90, -10, "much", None])
def test_a_largest_shear_out_of_range(value):
    with pytest.raises(ValueError, match="max_shear"):
        ae.Deskew(max_shear=value).fit(ellipse())


# ------------------------------------------------------------------------------------ both


@parametrize_with_checks([cls() for cls in TRANSFORMERS.values()])
def test_scikit_learn(estimator, check):
    """Those checks that need no table, since pictures are what is taken."""
    check(estimator)


@either
def test_a_table_is_refused(name):
    with pytest.raises(ValueError, match=r"expected pictures.*got an array of shape \(3, 64\).*reshape"):
        TRANSFORMERS[name]().fit(np.zeros((3, 64), np.float32))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.full((2, 16, 16), np.nan, np.float32), "NaN"),
        (np.full((2, 16, 16, 1), np.inf, np.float32), "infinity"),
        (np.zeros((2, 1, 1, 1), np.float32), "at least 2 numbers"),
        (np.zeros((0, 16, 16), np.float32), "0 sample"),
        (np.zeros((2, 4, 4, 4, 1), np.float32), "expected X of shape"),
        (np.zeros((2, 16, 16), np.uint8), "expected X with floating-point pixels"),
        (np.zeros(16, np.float32), r"expected pictures.*\(16,\)"),
    ],
)
@either
def test_images_that_are_none(name, images, words):
    with pytest.raises(ValueError, match=words):
        TRANSFORMERS[name]().fit(images)
    fitted = TRANSFORMERS[name]().fit(np.zeros((1, 16, 16), np.float32))
    with pytest.raises(ValueError, match=words):
        fitted.transform(images)


@either
def test_other_images_than_those_of_fit(name):
    fitted = TRANSFORMERS[name]().fit(np.zeros((1, 16, 16, 1), np.float32))
    assert (fitted.image_shape_, fitted.n_features_in_) == ((16, 16, 1), 256)
    with pytest.raises(ValueError, match=r"expected images of shape \(16, 16, 1\).*got \(16, 16\)"):
        fitted.transform(np.zeros((1, 16, 16), np.float32))
    with pytest.raises(NotFittedError):
        clone(fitted).transform(np.zeros((1, 16, 16, 1), np.float32))


def test_in_a_pipeline():
    images = ae.datasets.load("digits").x_train[:50]
    labels = make_pipeline(ae.Deskew(), ae.HOG(), KMeans(3, n_init=1, random_state=0)).fit_predict(images)
    assert labels.shape == (50,)
