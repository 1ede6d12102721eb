"""Images in rows and columns: each in its place, as it is."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ae_toolkit import plots


def ticks(axis):
    """Return where an axis has ticks and what they say."""
    return {
        float(place): label.get_text() for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
    }


# -------------------------------------------------------------------------- image_grid


def test_grid_puts_each_image_into_its_place_and_leaves_gaps(ax):
    images = np.random.default_rng(0).random((5, 3, 4, 1))
    canvas = plots.image_grid(images, n_columns=2, ax=ax).images[0].get_array()
    assert canvas.shape == (3 * 4 - 1, 2 * 5 - 1)
    drawn = np.zeros(canvas.shape, bool)
    for index, image in enumerate(images):
        top, left = 4 * (index // 2), 5 * (index % 2)
        np.testing.assert_array_equal(canvas[top : top + 3, left : left + 4], image[..., 0])
        drawn[top : top + 3, left : left + 4] = True
    np.testing.assert_array_equal(np.ma.getmaskarray(canvas), ~drawn)  # the gaps and the sixth place stay blank


def test_grid_in_colour(ax):
    images = np.random.default_rng(0).random((2, 3, 4, 3))
    canvas = plots.image_grid(images, ax=ax).images[0].get_array()
    assert canvas.shape == (3, 9, 4)
    np.testing.assert_array_equal(canvas[:, :4, :3], images[0])
    np.testing.assert_array_equal(canvas[:, 5:, :3], images[1])
    assert canvas[0, :, 3].tolist() == [1] * 4 + [0] + [1] * 4  # the gap lets the page through


def test_grid_names_its_rows(ax):
    plots.image_grid(np.zeros((5, 3, 4, 1)), n_columns=2, row_labels=["a", "b", "c"], ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.get_yticks().tolist() == [1, 5, 9]
    with pytest.raises(ValueError, match="a label for each of 3 rows, got 2"):
        plots.image_grid(np.zeros((5, 3, 4, 1)), n_columns=2, row_labels=["a", "b"], ax=ax)


def test_grid_clips_pixels_and_does_not_stretch_contrast(ax):
    image = plots.image_grid(np.array([-0.5, 0.25, 0.5, 1.5]).reshape(1, 2, 2, 1), ax=ax).images[0]
    assert image.get_array().tolist() == [[0, 0.25], [0.5, 1]]
    dim = plots.image_grid(np.full((2, 2, 2, 1), [[[0.4], [0.5]], [[0.4], [0.5]]]), ax=ax).images[-1]
    assert image.get_clim() == dim.get_clim() == (0, 1)
    assert image.get_cmap().name == "gray"
    assert image.get_interpolation() == "none"
    assert not ax.axison


@pytest.mark.parametrize("titles", [["a", "b", "c"], np.array(["a", "b", "c"]), ("a", "b", "c")])
def test_grid_titles_stand_above_their_images(ax, titles):
    texts = plots.image_grid(np.zeros((3, 4, 6, 1)), titles=titles, n_columns=2, ax=ax).texts
    assert [text.get_text() for text in texts] == ["a", "b", "c"]
    assert [text.get_position() for text in texts] == [(2.5, -0.7), (9.5, -0.7), (2.5, 4.3)]


def test_grid_needs_a_title_for_each_image():
    with pytest.raises(ValueError, match="one title for each of 3 images, got 2"):
        plots.image_grid(np.zeros((3, 4, 4, 1)), titles=["a", "b"])
    assert plt.get_fignums() == []


@pytest.mark.parametrize("count", [0, -1, 2.5, None, True])
def test_images_in_a_row_are_at_least_one(count):
    with pytest.raises(ValueError, match="expected n_columns to be a positive integer, got"):
        plots.image_grid(np.zeros((3, 4, 4, 1)), n_columns=count)
    with pytest.raises(ValueError, match="expected n to be a positive integer, got"):
        plots.reconstructions(*np.zeros((2, 3, 4, 4, 1)), n=count)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("shape", [(3, 4, 4), (4, 4), (3, 4, 4, 2), (0, 4, 4, 1), (3, 64)])
@pytest.mark.parametrize("draw", [plots.image_grid, lambda images: plots.reconstructions(images, images)])
def test_what_is_not_a_batch_of_images_is_refused(draw, shape):
    with pytest.raises(ValueError, match=r"\(n, height, width, channels\) with 1 or 3 channels, got \("):
        draw(np.zeros(shape))
    assert plt.get_fignums() == []


# --------------------------------------------------------------------- reconstructions


def test_reconstructions_are_below_their_originals(ax):
    first, second, third = np.random.default_rng(0).random((3, 4, 3, 5, 1))
    plots.reconstructions(first, second, third, n=2, ax=ax)
    canvas = ax.images[0].get_array()
    assert canvas.shape == (11, 11)  # three rows of two
    for row, images in enumerate((first, second, third)):
        for column in range(2):
            part = canvas[4 * row : 4 * row + 3, 6 * column : 6 * column + 5]
            np.testing.assert_array_equal(part, images[column, ..., 0])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["original", "1", "2"]
    assert ax.get_yticks().tolist() == [1, 5, 9]  # the middle of each row
    assert ax.axison
    assert len(ax.get_xticks()) == 0


def test_reconstructions_names(ax):
    plots.reconstructions(*np.zeros((2, 3, 4, 4, 1)), ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["original", "reconstruction"]
    plots.reconstructions(*np.zeros((2, 3, 4, 4, 1)), labels=["x", "PCA"], ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "PCA"]


def test_reconstructions_need_a_name_for_each_row():
    with pytest.raises(ValueError, match="a label for each of 2 rows, got 3"):
        plots.reconstructions(*np.zeros((2, 3, 4, 4, 1)), labels=["a", "b", "c"])


@pytest.mark.parametrize("other", [[(3, 5, 4, 1)], [(2, 4, 4, 1)], [(3, 4, 4, 3)], [(3, 4, 4, 1), (3, 4, 5, 1)], []])
def test_reconstructions_must_match(other):
    with pytest.raises(ValueError, match=r"of one shape, got \[\(3, 4, 4, 1\)"):
        plots.reconstructions(np.zeros((3, 4, 4, 1)), *map(np.zeros, other))
    assert plt.get_fignums() == []


# ----------------------------------------------------------------------- interpolation


def test_interpolation_draws_a_walk_per_row(ax):
    images = np.random.default_rng(0).random((2, 4, 3, 5, 1))
    plots.interpolation(images, labels=["pixels", "codes"], ax=ax)
    canvas = ax.images[0].get_array()
    assert canvas.shape == (7, 23)
    for row in range(2):
        for step in range(4):
            part = canvas[4 * row : 4 * row + 3, 6 * step : 6 * step + 5]
            np.testing.assert_array_equal(part, images[row, step, ..., 0])
    assert ticks(ax.yaxis) == {1: "pixels", 5: "codes"}
    assert ticks(ax.xaxis) == {2: "0", 11: "0.5", 20: "1"}  # the middles of the first image, of the walk, of the last
    assert ax.get_xlabel() == "share of the way from the first image to the last"


def test_interpolation_in_colour_and_without_names(ax):
    images = np.random.default_rng(0).random((1, 2, 3, 3, 3))
    plots.interpolation(images, ax=ax)
    np.testing.assert_array_equal(ax.images[0].get_array()[:, 4:, :3], images[0, 1])
    assert len(ax.get_yticks()) == 0


@pytest.mark.parametrize("shape", [(4, 8, 8, 1), (2, 1, 8, 8, 1), (0, 3, 8, 8, 1), (2, 0, 8, 8, 1), (8, 8)])
def test_interpolation_refuses_what_is_no_walk(shape):
    with pytest.raises(ValueError, match=r"\(rows, steps, height, width, channels\), got \("):
        plots.interpolation(np.zeros(shape))
    assert plt.get_fignums() == []


def test_interpolation_refuses_other_images_and_labels():
    with pytest.raises(ValueError, match="1 or 3 channels"):
        plots.interpolation(np.zeros((2, 3, 8, 8, 2)))
    with pytest.raises(ValueError, match="finite pixels, got NaN or infinity in the images"):
        plots.interpolation(np.full((2, 3, 8, 8, 1), np.nan))
    with pytest.raises(ValueError, match="a label for each of 2 rows, got 1"):
        plots.interpolation(np.zeros((2, 3, 8, 8, 1)), labels=["a"])
    assert plt.get_fignums() == []
