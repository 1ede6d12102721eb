"""Codes: each where it lies, in its class; and what a decoder makes of a grid of them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from ae_toolkit import plots


def ticks(axis):
    """Return where an axis has ticks and what they say."""
    return {
        float(place): label.get_text() for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
    }


# ------------------------------------------------------------------------ code_scatter


def test_scatter_draws_each_code_in_its_class_and_names_the_class_in_its_middle(ax):
    codes = np.array([[0.0, 0.0], [5.0, 5.0], [2.0, 4.0], [7.0, 5.0], [1.0, 90.0]])
    labels = [0, 3, 0, 3, 0]
    plots.code_scatter(codes, labels, ax=ax)
    drawn = [np.asarray(collection.get_offsets()) for collection in ax.collections]
    np.testing.assert_array_equal(drawn[0], codes[[0, 2, 4]])
    np.testing.assert_array_equal(drawn[1], codes[[1, 3]])
    colours = [tuple(collection.get_facecolor()[0][:3]) for collection in ax.collections]
    assert len(set(colours)) == 2
    assert [(text.get_text(), text.get_position()) for text in ax.texts] == [("0", (1.0, 4.0)), ("3", (6.0, 5.0))]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("code, 1st number", "code, 2nd number")


def test_scatter_class_names(ax):
    plots.code_scatter([[0, 0], [1, 1]], [2, 0], class_names=("shirt", "shoe", "bag"), ax=ax)
    assert [text.get_text() for text in ax.texts] == ["shirt", "bag"]


@pytest.mark.parametrize("labels", [[0, 2], [0, -1], [0.0, 1.0], ["a", "b"]])
def test_scatter_refuses_labels_that_are_no_indices_into_the_names(labels):
    with pytest.raises(ValueError, match="integers from 0 to 1, one for each class name, got"):
        plots.code_scatter([[0, 0], [1, 1]], labels, class_names=["a", "b"])
    assert plt.get_fignums() == []


def test_scatter_of_labels_that_stand_for_themselves(ax):
    plots.code_scatter([[0, 0], [1, 1]], ["shoe", "bag"], ax=ax)
    assert [text.get_text() for text in ax.texts] == ["bag", "shoe"]


def test_scatter_of_more_classes_than_colours(ax):
    plots.code_scatter(np.eye(2).repeat(6, axis=0), np.arange(12), ax=ax)
    assert len(ax.collections) == len(ax.texts) == 12


@pytest.mark.parametrize(
    ("codes", "labels"), [((4, 3), 4), ((4, 1), 4), ((4,), 4), ((4, 2), 3), ((4, 2), (4, 1)), ((4, 2, 1), 4)]
)
def test_scatter_refuses_other_shapes(codes, labels):
    with pytest.raises(ValueError, match=r"expected codes of shape \(n, 2\) and n labels, got \("):
        plots.code_scatter(np.zeros(codes), np.zeros(labels, int))
    assert plt.get_fignums() == []


# ------------------------------------------------------------------------ code_map


def test_map_shows_each_image_in_the_cell_of_its_code(ax):
    codes = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 50)  # so many that quantiles are the corners
    images = np.tile(np.array([0.2, 0.4, 0.6, 0.8]).reshape(4, 1, 1, 1), (50, 2, 2, 1))
    picture = plots.code_map(codes, images, n=2, ax=ax).images[0]
    top, bottom = [0.4, 0.4, 0.8, 0.8], [0.2, 0.2, 0.6, 0.6]
    assert picture.get_array()[..., 3].tolist() == [top, top, bottom, bottom]
    assert picture.get_extent() == [0, 1, 0, 1]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("code, 1st number", "code, 2nd number")


def test_map_takes_the_image_closest_to_a_cell_s_middle_and_colours_it_by_class(ax):
    codes = np.concatenate([np.linspace([0, 0], [1, 1], 101), [[0.25, 0.26]]])
    images = np.concatenate([np.full((101, 1, 1, 1), 0.5), np.ones((1, 1, 1, 1))])
    codes[25] = 0.24, 0.24  # further from (0.25, 0.25) than the last
    labels = np.array(["b"] * 101 + ["a"])
    drawn = plots.code_map(codes, images, labels, n=2, ax=ax).images[0].get_array()
    assert drawn[1, 0].tolist() == pytest.approx([*to_rgb(plots.PALETTE[0]), 1.0])
    assert drawn[0, 1].tolist() == pytest.approx([*to_rgb(plots.PALETTE[1]), 0.5])


def test_map_draws_images_in_colour_as_they_are(ax):
    images = np.random.default_rng(0).random((2, 4, 3, 3))
    drawn = plots.code_map([[0, 0], [9, 9]], images, n=2, ax=ax).images[0].get_array()
    assert drawn.shape == (8, 6, 4)
    assert {tuple(pixel) for pixel in drawn.reshape(-1, 4)} <= {(0, 0, 0, 0)} | {
        (*pixel, 1.0) for pixel in images.reshape(-1, 3)
    }


def test_map_of_codes_that_are_all_equal(ax):
    assert plots.code_map(np.ones((3, 2)), np.ones((3, 2, 2, 1)), ax=ax).images[0].get_array()[..., 3].any()


@pytest.mark.parametrize(
    ("codes", "labels", "n", "message"),
    [
        (np.zeros((3, 2)), None, 5, r"codes of shape \(m, 2\) and m images, got \(3, 2\) and \(2, 2, 2, 1\)"),
        (np.zeros((2, 3)), None, 5, r"got \(2, 3\)"),
        ([[0, 0], [np.nan, 1]], None, 5, "finite codes, got NaN"),
        (np.zeros((2, 2)), [1], 5, r"one label for each of 2 codes, got \(1,\)"),
        (np.zeros((2, 2)), None, 1, "n to be an integer of at least 2, got 1"),
    ],
)
def test_map_refuses_what_does_not_fit(codes, labels, n, message):
    with pytest.raises(ValueError, match=message):
        plots.code_map(codes, np.ones((2, 2, 2, 1)), labels, n=n)


# ------------------------------------------------------------------------- latent_grid


def codes_as_pixels(codes):
    """Decode a code into a picture of 1×2 pixels that shows its first two numbers, divided by 10."""
    return codes[:, :2].reshape(-1, 1, 2, 1) / 10


def drawn_codes(ax, n):
    """Read the codes back from the picture, as an array of (row from the top, column, number)."""
    canvas = ax.images[0].get_array()
    return np.stack([canvas[::2, 0::3], canvas[::2, 1::3]], axis=-1).reshape(n, n, 2) * 10


def test_latent_grid_shows_the_first_number_rightwards_and_the_second_upwards(ax):
    plots.latent_grid(codes_as_pixels, n=3, limits=((1, 3), (4, 8)), ax=ax)
    found = drawn_codes(ax, 3)
    np.testing.assert_allclose(found[..., 0], [[1, 2, 3]] * 3, rtol=1e-6)
    np.testing.assert_allclose(found[..., 1], [[8] * 3, [6] * 3, [4] * 3], rtol=1e-6)
    assert ticks(ax.xaxis) == {0.5: "1.00", 3.5: "2.00", 6.5: "3.00"}  # the middle of each image
    assert ticks(ax.yaxis) == {0: "8.00", 2: "6.00", 4: "4.00"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("code, 1st number", "code, 2nd number")


def test_latent_grid_passes_through_quantiles_of_the_prior(ax):
    """Each image stands for an equal share of draws from the standard normal distribution."""
    seen = []
    plots.latent_grid(lambda codes: seen.append(codes) or np.zeros((len(codes), 2, 2, 1)), n=4, ax=ax)
    values = np.unique(seen[0][:, 0])
    assert values.size == 4
    np.testing.assert_array_equal(values, np.unique(seen[0][:, 1]))
    draws = np.random.default_rng(0).normal(size=100_000)
    shares = np.mean(draws[:, None] < values, axis=0)
    np.testing.assert_allclose(shares, [1 / 8, 3 / 8, 5 / 8, 7 / 8], atol=0.005)
    np.testing.assert_allclose(values, -values[::-1], atol=1e-6)


def test_latent_grid_of_longer_codes_leaves_the_others_at_zero(ax):
    seen = []
    plots.latent_grid(lambda codes: seen.append(codes) or np.zeros((len(codes), 2, 2, 3)), code_dim=5, n=3, ax=ax)
    (codes,) = seen
    assert (codes.shape, codes.dtype) == ((9, 5), np.float32)
    assert len(np.unique(codes[:, :2], axis=0)) == 9
    assert not codes[:, 2:].any()


def test_latent_grid_takes_one_pair_of_limits_for_both_numbers(ax):
    plots.latent_grid(codes_as_pixels, n=2, limits=(1, 5), ax=ax)
    assert drawn_codes(ax, 2).round(5).tolist() == [[[1, 5], [5, 5]], [[1, 1], [5, 1]]]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ((-100, 100), ["−100", "−50", "0", "50", "100"]),
        ((-1, 1), ["−1.00", "−0.50", "0.00", "0.50", "1.00"]),
        ((100, 100.2), ["100.000", "100.050", "100.100", "100.150", "100.200"]),
    ],
)
def test_latent_grid_ticks_can_be_told_apart_and_there_are_five(limits, said):
    for n in (5, 9, 21):
        drawn = plots.latent_grid(lambda codes: np.zeros((len(codes), 4, 4, 1)), n=n, limits=limits)
        assert [label.get_text() for label in drawn.get_xticklabels()] == said
        assert list(ticks(drawn.yaxis).values()) == said
        assert drawn.get_yticks()[0] > drawn.get_yticks()[-1]  # the picture counts its rows from the top
        plt.close(drawn.figure)


@pytest.mark.parametrize(
    "wrong",
    [{"n": 1}, {"n": 0}, {"n": 2.5}, {"n": "3"}, {"n": np.inf}, {"n": True}, {"code_dim": 1}, {"code_dim": None}],
)
def test_latent_grid_refuses_sizes_that_make_no_grid(wrong):
    with pytest.raises(ValueError, match=rf"expected {next(iter(wrong))} to be an integer of at least 2, got"):
        plots.latent_grid(codes_as_pixels, **wrong)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    "limits", [(1, 1), (2, 1), (0, np.nan), (-np.inf, 0), ((0, 1), (1, 0)), (1, 2, 3), ((0, 1),) * 3, "ab"]
)
def test_latent_grid_refuses_limits_that_are_none(limits):
    with pytest.raises(ValueError, match=r"expected (finite limits with low < high|limits as .low, high.)"):
        plots.latent_grid(codes_as_pixels, n=3, limits=limits)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("decode", "said"),
    [
        (lambda codes: np.zeros((3, 4, 4, 1)), "an image for each of 9 codes, got 3"),
        (lambda codes: codes, r"\(n, height, width, channels\) with 1 or 3 channels, got \(9, 2\)"),
        (lambda codes: np.full((9, 4, 4, 1), np.nan), "finite pixels, got NaN or infinity in the decoded images"),
    ],
)
def test_latent_grid_refuses_a_decoder_of_something_else(decode, said):
    with pytest.raises(ValueError, match=said):
        plots.latent_grid(decode, n=3)
    assert plt.get_fignums() == []
