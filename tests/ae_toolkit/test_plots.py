"""Figures: what is drawn is what was given, on the axes that were given, told apart without colour."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from ae_toolkit import plots

CALLS = {
    "image_grid": lambda **options: plots.image_grid(np.zeros((3, 4, 5, 1)), **options),
    "reconstructions": lambda **options: plots.reconstructions(*np.zeros((2, 3, 4, 5, 1)), **options),
    "code_scatter": lambda **options: plots.code_scatter([[0.0, 0.0], [1.0, 1.0]], [0, 1], **options),
    "training_curve": lambda **options: plots.training_curve({"loss": [4.0, 2.0]}, **options),
    "sweep": lambda **options: plots.sweep([2, 4], {"PCA": [3.0, 2.0]}, "numbers in the code", **options),
}


@pytest.fixture
def ax():
    return plt.figure().subplots()


@pytest.mark.parametrize("name", CALLS)
def test_draws_on_the_axes_given_and_returns_them(name, ax):
    before = plt.get_fignums()
    assert CALLS[name](ax=ax) is ax
    assert plt.get_fignums() == before
    assert ax.has_data()


@pytest.mark.parametrize("name", CALLS)
def test_draws_on_axes_of_its_own(name):
    drawn = CALLS[name]()
    assert plt.get_fignums() == [drawn.figure.number]
    assert drawn.has_data()
    drawn.figure.canvas.draw()  # it can be painted


@pytest.mark.parametrize("name", CALLS)
def test_every_function_of_the_module_is_tested_here(name):
    public = {
        key for key, value in vars(plots).items()
        if callable(value) and getattr(value, "__module__", "") == "ae_toolkit.plots" and not key.startswith("_")
    }  # fmt: skip
    assert public == set(CALLS)


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
    assert canvas.shape == (3, 9, 3)
    np.testing.assert_array_equal(canvas[:, :4], images[0])
    np.testing.assert_array_equal(canvas[:, 5:], images[1])
    assert (canvas[:, 4] == 1).all()


def test_grid_clips_pixels_and_does_not_stretch_contrast(ax):
    image = plots.image_grid(np.array([-0.5, 0.25, 0.5, 1.5]).reshape(1, 2, 2, 1), ax=ax).images[0]
    assert image.get_array().tolist() == [[0, 0.25], [0.5, 1]]
    dim = plots.image_grid(np.full((2, 2, 2, 1), [[[0.4], [0.5]], [[0.4], [0.5]]]), ax=ax).images[-1]
    assert image.get_clim() == dim.get_clim() == (0, 1)
    assert image.get_cmap().name == "gray"
    assert image.get_interpolation() == "nearest"
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


# -------------------------------------------------------------- training_curve and sweep


def test_curve_is_the_history_over_epochs(ax):
    plots.training_curve({"loss": [4.0, 2.0, 1.0], "val_loss": [5.0, 3.0, 2.0]}, ax=ax)
    assert [line.get_label() for line in ax.lines] == ["training", "validation"]
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2, 3]] * 2
    assert [line.get_ydata().tolist() for line in ax.lines] == [[4, 2, 1], [5, 3, 2]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "squared error per image")
    assert ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]


def test_curve_of_another_name_keeps_it(ax):
    plots.training_curve({"kl": [1.0]}, ax=ax)
    assert ax.lines[0].get_label() == "kl"


def test_sweep_draws_means_and_bands(ax):
    values = np.array([[2.0, 2.2, 2.7], [1.0, 1.1, 1.5]])
    plots.sweep([2, 4], {"PCA": [3.0, 2.0], "autoencoder": values}, "numbers in the code", "share of images", ax=ax)
    assert [line.get_label() for line in ax.lines] == ["PCA", "autoencoder"]
    assert ax.lines[0].get_ydata().tolist() == [3.0, 2.0]
    np.testing.assert_allclose(ax.lines[1].get_ydata(), values.mean(axis=1))
    assert all(line.get_xdata().tolist() == [2, 4] for line in ax.lines)
    (band,) = ax.collections  # the other has no seeds
    corners = band.get_paths()[0].vertices
    for x, row in zip([2, 4], values, strict=True):
        edges = corners[corners[:, 0] == x, 1]
        assert edges.min() == pytest.approx(row.mean() - row.std(ddof=1))
        assert edges.max() == pytest.approx(row.mean() + row.std(ddof=1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("numbers in the code", "share of images")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["PCA", "autoencoder"]


def test_sweep_over_one_seed_has_no_band(ax):
    plots.sweep([2, 4], {"a": [[1.0], [2.0]]}, "x", ax=ax)
    assert ax.lines[0].get_ydata().tolist() == [1.0, 2.0]
    assert len(ax.collections) == 0
    assert ax.get_ylabel() == "squared error per image"


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], 1.0, []])
def test_sweep_refuses_a_curve_of_another_length(values):
    with pytest.raises(ValueError, match="expected 2 values of 'b', one for each x, got"):
        plots.sweep([2, 4], {"a": [1.0, 2.0], "b": values}, "x")
    assert plt.get_fignums() == []


# ------------------------------------------------------------------------- without colour


def style(line):
    return line.get_linestyle(), line.get_marker()


def test_training_and_validation_differ_without_colour(ax):
    plots.training_curve({"loss": [4.0, 2.0], "val_loss": [5.0, 3.0]}, ax=ax)
    assert len({line.get_linestyle() for line in ax.lines}) == 2


def test_curves_of_a_sweep_differ_without_colour(ax):
    """The first four by their lines alone, twelve by lines and markers; and no curve is left out."""
    plots.sweep([2, 4], {str(n): [n, n + 1.0] for n in range(14)}, "x", ax=ax)
    assert len(ax.lines) == 14
    assert len({line.get_linestyle() for line in ax.lines[:4]}) == 4
    assert len({style(line) for line in ax.lines[:12]}) == 12
    assert len({(style(line), line.get_color()) for line in ax.lines}) == 14


def test_colours_are_ten_and_distinct():
    assert len(plots.PALETTE) == len({mpl.colors.to_hex(colour) for colour in plots.PALETTE}) == 10
