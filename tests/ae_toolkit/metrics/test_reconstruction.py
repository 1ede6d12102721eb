"""Measures of reconstructions against their definitions, worked out by hand."""

import math

import numpy as np
import pytest

from ae_toolkit import metrics

rng_of = np.random.default_rng


# ---------------------------------------------------------------- reconstruction_error


def test_reconstruction_error_by_hand():
    images = np.array([[0.0, 1.0, 0.5], [1.0, 1.0, 0.0]])
    found = np.array([[0.0, 0.0, 0.5], [1.0, 1.0, 2.0]])
    assert metrics.reconstruction_error(images, found) == (1 + 4) / 2  # not 5 / 6, the mean over pixels


def test_reconstruction_error_sums_over_every_axis_of_an_image():
    images, found = np.random.default_rng(0).random((2, 4, 3, 5, 2))
    expected = np.mean([np.sum((image - other) ** 2) for image, other in zip(images, found, strict=True)])
    assert metrics.reconstruction_error(images, found) == pytest.approx(expected)
    assert isinstance(metrics.reconstruction_error(images, found), float)


def test_reconstruction_error_does_not_depend_on_how_many_images_are_measured():
    image, found = np.random.default_rng(0).random((2, 1, 8, 8, 1))
    one = metrics.reconstruction_error(image, found)
    assert metrics.reconstruction_error(image.repeat(7, axis=0), found.repeat(7, axis=0)) == pytest.approx(one)


def test_reconstruction_error_of_8_bit_images_does_not_wrap_around():
    assert metrics.reconstruction_error(np.array([[0, 1]], np.uint8), np.array([[255, 0]], np.uint8)) == 255**2 + 1


def test_reconstruction_error_accumulates_in_double_precision():
    images = np.full((100, 1000), 1e4, np.float32)
    images[:, 0] = 0
    found = np.zeros_like(images)
    assert metrics.reconstruction_error(images, found) == 999 * 1e8


@pytest.mark.parametrize("shape", [(2, 1), (1, 3), (3,), (2, 3, 1)])
def test_reconstruction_error_refuses_other_shapes(shape):
    """Also those that NumPy would broadcast."""
    with pytest.raises(ValueError, match=r"one shape, got \(2, 3\) and "):
        metrics.reconstruction_error(np.zeros((2, 3)), np.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 3), (3,), (), (2, 0)])
def test_reconstruction_error_of_nothing(shape):
    with pytest.raises(ValueError, match="at least one image"):
        metrics.reconstruction_error(np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 1])
def test_reconstruction_error_of_what_is_not_finite(value, place):
    pair = np.zeros((2, 4, 3))
    pair[place, 1, 1] = value
    with pytest.raises(ValueError, match="finite"):
        metrics.reconstruction_error(*pair)


def test_reconstruction_error_does_not_lose_two_infinities_in_their_difference():
    with pytest.raises(ValueError, match="finite"):
        metrics.reconstruction_error([[np.inf]], [[np.inf]])


def test_weights_are_how_often_an_image_counts():
    images, found = rng_of(0).random((2, 4, 3, 3, 1))
    times = [2, 0, 1, 3]
    repeated = metrics.reconstruction_error(images.repeat(times, axis=0), found.repeat(times, axis=0))
    assert metrics.reconstruction_error(images, found, sample_weight=times) == pytest.approx(repeated)
    assert metrics.reconstruction_error(images, found, np.multiply(times, 0.1)) == pytest.approx(repeated)
    assert isinstance(metrics.reconstruction_error(images, found, times), float)


def test_equal_weights_change_nothing():
    images, found = rng_of(0).random((2, 5, 7))
    plain = metrics.reconstruction_error(images, found)
    assert metrics.reconstruction_error(images, found, sample_weight=np.full(5, 9)) == pytest.approx(plain)


@pytest.mark.parametrize("weights", [[1.0], [[1.0, 1.0]], 1.0, [1, 1, 1], []])
def test_reconstruction_error_needs_a_weight_for_each_image(weights):
    with pytest.raises(ValueError, match=r"one weight for each of 2 images, got shape \("):
        metrics.reconstruction_error(np.zeros((2, 3)), np.ones((2, 3)), sample_weight=weights)


@pytest.mark.parametrize("weights", [[-1, 2], [0, 0], [np.nan, 1], [np.inf, 1]])
def test_reconstruction_error_refuses_weights_that_make_no_mean(weights):
    with pytest.raises(ValueError, match="finite weights, none negative and not all zero, got"):
        metrics.reconstruction_error(np.zeros((2, 3)), np.ones((2, 3)), sample_weight=weights)


# ------------------------------------------------------------------------ psnr and ssim


def test_psnr_by_hand():
    """Mean squared errors of 1/100 and 1/10,000 are 20 and 40 dB; their mean is 30, not the 22.97 of the mean error."""
    images = np.zeros((2, 2, 2, 1))
    found = images + np.array([0.1, 0.01]).reshape(2, 1, 1, 1)
    assert metrics.psnr(images, found) == pytest.approx(30)
    assert isinstance(metrics.psnr(images, found), float)


def test_psnr_of_half_the_pixels_wrong():
    assert metrics.psnr([[0.0, 0.0]], [[0.0, 1.0]]) == pytest.approx(10 * math.log10(2))


def test_psnr_does_not_depend_on_the_unit_of_pixels():
    images, found = rng_of(0).random((2, 3, 8, 8, 1))
    assert metrics.psnr(255 * images, 255 * found, data_range=255) == pytest.approx(metrics.psnr(images, found))


def test_psnr_of_8_bit_images_does_not_wrap_around():
    black, white = np.zeros((1, 4), np.uint8), np.full((1, 4), 255, np.uint8)
    assert metrics.psnr(black, white, data_range=255) == metrics.psnr(white, black, data_range=255) == 0


def test_psnr_of_an_exact_image_is_infinite():
    assert metrics.psnr(np.zeros((2, 4)), [[0, 0, 0, 0], [0, 0, 0, 1]]) == math.inf


def ssim_of_pair(image, other, window, data_range=1.0):
    """Work out Wang et al.'s equation 13 in every window that lies inside two grey images."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    found = []
    for top in range(image.shape[0] - window + 1):
        for left in range(image.shape[1] - window + 1):
            place = np.s_[top : top + window, left : left + window]
            a, b = image[place].ravel(), other[place].ravel()
            (var_a, both), (_, var_b) = np.cov(a, b)
            light = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
            found.append(light * (2 * both + c2) / (var_a + var_b + c2))
    return np.mean(found)


@pytest.mark.parametrize(("shape", "window"), [((12, 9), 7), ((8, 8), 7), ((6, 20), 5), ((4, 4), 3), ((3, 3), 3)])
def test_ssim_is_the_published_equation_in_the_window_that_fits(shape, window):
    images, found = rng_of(0).random((2, 3, *shape))
    expected = np.mean([ssim_of_pair(*pair, window) for pair in zip(images, found, strict=True)])
    assert metrics.ssim(images, found) == pytest.approx(expected)
    assert metrics.ssim(images[..., None], found[..., None]) == pytest.approx(expected)


def test_ssim_of_colour_is_the_mean_over_channels():
    images, found = rng_of(0).random((2, 2, 10, 10, 3))
    channels = [metrics.ssim(images[..., channel], found[..., channel]) for channel in range(3)]
    assert metrics.ssim(images, found) == pytest.approx(np.mean(channels))


def test_ssim_does_not_depend_on_the_unit_of_pixels():
    images, found = rng_of(0).random((2, 3, 8, 8))
    assert metrics.ssim(255 * images, 255 * found, data_range=255) == pytest.approx(metrics.ssim(images, found))
    assert metrics.ssim(255 * images, 255 * found) != pytest.approx(metrics.ssim(images, found))


def test_ssim_of_equal_images_is_one_and_blur_costs_more_than_light():
    """The point of the measure: two changes of equal squared error, and the eye forgives the brighter image."""
    picture = np.indices((1, 16, 16)).sum(axis=0) % 2 * 0.5 + 0.2
    brighter, flat = picture + 0.25, np.full_like(picture, 0.45)
    assert metrics.reconstruction_error(picture, brighter) == pytest.approx(metrics.reconstruction_error(picture, flat))
    assert metrics.ssim(picture, picture) == 1
    assert metrics.ssim(picture, brighter) > 0.8
    assert metrics.ssim(picture, flat) < 0.05
    assert isinstance(metrics.ssim(picture, flat), float)


@pytest.mark.parametrize("shape", [(2, 64), (2, 8, 8, 1, 1)])
def test_ssim_refuses_what_has_no_height_and_width(shape):
    with pytest.raises(ValueError, match=r"\(n, height, width\) or .*got \(2, .*reshape"):
        metrics.ssim(np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("shape", [(2, 2, 9), (2, 9, 2, 1), (1, 1, 1)])
def test_ssim_refuses_images_that_no_window_fits(shape):
    with pytest.raises(ValueError, match=r"at least 3×3 pixels, got shape \("):
        metrics.ssim(np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("measure", [metrics.psnr, metrics.ssim])
def test_measures_of_pairs_refuse_what_does_not_match(measure):
    with pytest.raises(ValueError, match=r"one shape, got \(2, 8, 8\) and \(8, 8\)"):
        measure(np.zeros((2, 8, 8)), np.zeros((8, 8)))
    with pytest.raises(ValueError, match=r"at least one image.*got shape \(0, 8, 8\)"):
        measure(np.zeros((0, 8, 8)), np.zeros((0, 8, 8)))
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="finite pixels, got NaN or infinity in the reconstructions"):
            measure(np.zeros((1, 8, 8)), np.full((1, 8, 8), value))
        with pytest.raises(ValueError, match="finite pixels, got NaN or infinity in the images"):
            measure(np.full((1, 8, 8), value), np.zeros((1, 8, 8)))


@pytest.mark.parametrize("measure", [metrics.psnr, metrics.ssim])
@pytest.mark.parametrize("data_range", [0, -1, np.nan, np.inf])
def test_measures_of_pairs_refuse_a_range_that_is_none(measure, data_range):
    with pytest.raises(ValueError, match="expected data_range to be a positive number, got"):
        measure(np.zeros((2, 8, 8)), np.ones((2, 8, 8)), data_range=data_range)


# ---------------------------------------------------------------------- bits_per_pixel


def test_bits_per_pixel_by_hand():
    """An image of 6 fair coins has a likelihood of 1/64: 6 bits, one per pixel."""
    assert metrics.bits_per_pixel(math.log(64), (2, 3, 1)) == pytest.approx(1)
    assert metrics.bits_per_pixel(math.log(256) * 3072, (32, 32, 3)) == pytest.approx(8)  # channels count
    assert metrics.bits_per_pixel(math.log(2), (1,)) == metrics.bits_per_pixel(math.log(2), 1) == 1
    assert isinstance(metrics.bits_per_pixel(np.float32(1), (2, 2)), float)


def test_bits_per_pixel_of_many_images():
    found = metrics.bits_per_pixel([math.log(2), -math.log(4)], (np.int64(2),))  # a density may exceed 1
    np.testing.assert_allclose(found, [0.5, -1])


@pytest.mark.parametrize("shape", [(), (0, 8), (-8, 8), (8.5, 8), (True, 8), ("8", 8), None, 0])
def test_bits_per_pixel_refuses_a_shape_that_is_none(shape):
    with pytest.raises(ValueError, match=r"expected image_shape to be positive integers, .*got"):
        metrics.bits_per_pixel(1.0, shape)


@pytest.mark.parametrize("nats", [np.nan, np.inf, [1.0, np.nan]])
def test_bits_per_pixel_refuses_what_is_no_likelihood(nats):
    with pytest.raises(ValueError, match="expected finite nats per image, got NaN or infinity in nats"):
        metrics.bits_per_pixel(nats, (8, 8))


def test_bits_per_pixel_of_nothing():
    with pytest.raises(ValueError, match="expected at least one number of nats per image, got none"):
        metrics.bits_per_pixel([], (8, 8))
