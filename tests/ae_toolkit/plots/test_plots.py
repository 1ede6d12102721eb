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
    "confusion": lambda **options: plots.confusion([0, 1, 1], [0, 0, 1], **options),
    "interpolation": lambda **options: plots.interpolation(np.zeros((2, 3, 4, 5, 1)), **options),
    "latent_grid": lambda **options: plots.latent_grid(lambda codes: np.zeros((len(codes), 4, 5, 1)), n=3, **options),
    "learning_curves": lambda **options: plots.learning_curves([{"loss": [4.0, 2.0]}] * 2, **options),
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


def test_every_function_of_the_module_is_tested_here():
    public = {
        key for key, value in vars(plots).items()
        if getattr(value, "__module__", "").startswith("ae_toolkit") and not key.startswith("_")
    }  # fmt: skip
    assert public == set(CALLS)
    assert set(plots.__all__) == public | {"PALETTE", "ERROR_LABEL"}


@pytest.mark.parametrize("name", sorted(CALLS.keys() - {"image_grid", "reconstructions"}))
def test_axes_say_what_they_measure(name, ax):
    CALLS[name](ax=ax)
    assert ax.get_xlabel()
    assert ax.get_ylabel() or name == "interpolation"  # its rows may carry names instead


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


# ------------------------------------------------------------------------- latent_grid


def ticks(axis):
    """Return where an axis has ticks and what they say."""
    return {
        float(place): label.get_text() for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
    }


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


@pytest.mark.parametrize("wrong", [{"n": 1}, {"n": 0}, {"n": 2.5}, {"n": "3"}, {"code_dim": 1}, {"code_dim": None}])
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


# ----------------------------------------------------------------------- interpolation


def test_interpolation_draws_a_walk_a_row(ax):
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
    np.testing.assert_array_equal(ax.images[0].get_array()[:, 4:], images[0, 1])
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


# --------------------------------------------------------------------------- confusion


def cells(ax, n):
    """Return what is written in the cells, after checking that each number stands in the middle of its cell."""
    assert [text.get_position() for text in ax.texts] == [(column, row) for row in range(n) for column in range(n)]
    assert ax.yaxis_inverted()  # the first class is on top
    return np.array([text.get_text() for text in ax.texts]).reshape(n, n).tolist()


def names(ax):
    return [[label.get_text() for label in found] for found in (ax.get_yticklabels(), ax.get_xticklabels())]


def test_confusion_counts_true_classes_in_rows(ax):
    plots.confusion(["cat", "cat", "cat", "dog"], ["cat", "dog", "dog", "emu"], ax=ax)
    assert cells(ax, 3) == [["1", "2", "0"], ["0", "0", "1"], ["0", "0", "0"]]
    assert ax.images[0].get_array().tolist() == [[1, 2, 0], [0, 0, 1], [0, 0, 0]]
    assert names(ax) == [["cat", "dog", "emu"]] * 2
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("true class", "predicted class")
    assert ax.get_title() == "number of images"
    assert ax.images[0].get_clim() == (0, 2)


def test_confusion_with_names_has_a_row_for_each_name(ax):
    plots.confusion([2, 2, 0], [2, 0, 0], class_names=("shirt", "shoe", "bag"), ax=ax)
    assert cells(ax, 3) == [["1", "0", "0"], ["0", "0", "0"], ["1", "0", "1"]]
    assert names(ax) == [["shirt", "shoe", "bag"]] * 2
    assert {text.get_rotation() for text in ax.get_xticklabels()} == {90}  # long names do not run into each other


def test_confusion_of_numbers_without_names(ax):
    plots.confusion([7, 3], [7, 7], ax=ax)
    assert names(ax) == [["3", "7"]] * 2
    assert cells(ax, 2) == [["0", "1"], ["0", "1"]]


def test_confusion_of_one_image(ax):
    plots.confusion([4], [4], ax=ax)
    assert cells(ax, 1) == [["1"]]


def luminance(colour):
    """Return the relative luminance of a colour after WCAG 2."""
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour)]
    return np.dot(channels, [0.2126, 0.7152, 0.0722])


def test_confusion_can_be_read_in_every_cell_and_its_shades_ordered_in_grey(ax):
    labels = np.repeat(np.arange(10), np.arange(10) ** 2)
    plots.confusion(labels, labels, class_names="0123456789", ax=ax)
    (image,) = ax.images
    written = [luminance(text.get_color()) for text in ax.texts]
    below = [luminance(colour) for colour in image.to_rgba(image.get_array()).reshape(-1, 4)[:, :3]]
    contrast = [(max(pair) + 0.05) / (min(pair) + 0.05) for pair in zip(written, below, strict=True)]
    assert min(contrast) > 4.5  # WCAG 2's level AA
    diagonal = np.reshape(below, (10, 10)).diagonal()
    assert (np.diff(diagonal) < 0).all()
    assert diagonal[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("labels_true", "labels_pred"), [([], []), ([0, 1], [0]), ([[0, 1]], [[0, 1]]), ([[0], [1]], [0, 1])]
)
def test_confusion_refuses_what_does_not_match(labels_true, labels_pred):
    with pytest.raises(ValueError, match="two label vectors of one length, at least 1, got shapes"):
        plots.confusion(labels_true, labels_pred)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("labels_pred", "class_names", "said"),
    [
        ([0, 2], ["a", "b"], "integers from 0 to 1, one for each class name, got int64 from 0 to 2"),
        ([0, -1], ["a", "b"], "integers from 0 to 1, .*got int64 from -1 to 1"),
        ([0, 0.5], ["a", "b"], "integers from 0 to 1, .*got float64 from 0.0 to 1.0"),
        ([0, np.nan], None, "a label for each image, got NaN"),
        (["a", "b"], None, "labels of one kind, got int64 and <U1"),
    ],
)
def test_confusion_refuses_labels_that_are_none(labels_pred, class_names, said):
    with pytest.raises(ValueError, match=said):
        plots.confusion([0, 1], labels_pred, class_names=class_names)
    assert plt.get_fignums() == []


# --------------------------------------------------------------------- learning_curves


def edges(band):
    """Return the lower and the upper edge of a band, one number an epoch."""
    corners = band.get_paths()[0].vertices
    return np.array(
        [(own.min(), own.max()) for own in (corners[corners[:, 0] == x, 1] for x in np.unique(corners[:, 0]))]
    ).T


SEEDS = [{"loss": [4.0, 2.0], "val_loss": [5.0, 3.0]}, {"loss": [6.0, 3.0], "val_loss": [9.0, 3.0]}]


def test_learning_curves_are_means_in_bands_of_one_standard_deviation(ax):
    plots.learning_curves(SEEDS, ax=ax)
    assert [line.get_label() for line in ax.lines] == ["training", "validation"]
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2]] * 2
    assert [line.get_ydata().tolist() for line in ax.lines] == [[5, 2.5], [7, 3]]
    training, validation = ax.collections
    mean, spread = np.array([5, 2.5]), np.sqrt([2, 0.5])  # of 4 and 6, and of 2 and 3, with one degree of freedom
    np.testing.assert_allclose(edges(training), [mean - spread, mean + spread])
    np.testing.assert_allclose(edges(validation), [[7 - np.sqrt(8), 3], [7 + np.sqrt(8), 3]])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "squared error per image", "log")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]


def test_learning_curves_of_groups_have_the_groups_names_and_colours(ax):
    plots.learning_curves([SEEDS, SEEDS[:1]], labels=["dense", "conv"], ax=ax)
    found = [line.get_label() for line in ax.lines]
    assert found == ["dense, training", "dense, validation", "conv, training", "conv, validation"]
    assert [line.get_color() for line in ax.lines] == [plots.PALETTE[0]] * 2 + [plots.PALETTE[1]] * 2
    assert len(ax.collections) == 2  # the second group has one seed, and no spread
    plots.learning_curves([SEEDS, SEEDS], keys=["val_loss"], ylabel="nats per image", ax=ax)
    assert [line.get_label() for line in ax.lines[4:]] == ["1, validation", "2, validation"]
    assert ax.get_ylabel() == "nats per image"


def test_learning_curves_end_with_the_shortest_history_of_their_group(ax):
    histories = [[{"loss": [4.0, 2.0, 1.0]}, {"loss": [2.0, 1.0]}], [{"loss": [3.0, 2.0, 1.0]}]]
    plots.learning_curves(histories, ax=ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[3, 1.5], [3, 2, 1]]


def test_learning_curves_below_zero_are_drawn_on_a_plain_scale(ax):
    plots.learning_curves([{"elbo": [-4.0, -2.0]}, {"elbo": [-3.0, 1.0]}], ax=ax)
    assert ax.get_yscale() == "linear"
    assert ax.lines[0].get_label() == "elbo"


def test_learning_curves_differ_without_colour(ax):
    plots.learning_curves([SEEDS] * 6, ax=ax)
    assert len({style(line) for line in ax.lines}) == 12
    long = plots.learning_curves([{"loss": np.ones(200)}, {"loss": np.ones(200)}])
    assert long.lines[0].get_markevery() == 20  # the markers do not hide the line


@pytest.mark.parametrize(
    ("histories", "options", "said"),
    [
        ([], {}, r"at least one history in each group, got \[\]"),
        ([SEEDS, []], {}, r"at least one history in each group, got \[2, 0\]"),
        (SEEDS, {"labels": ["a", "b"]}, "a label for each of 1 groups of histories, got 2"),
        ([*SEEDS, {"loss": [1.0]}], {}, r"'val_loss' in every history of 'validation', got one with \['loss'\]"),
        (SEEDS, {"keys": ["kl"]}, r"'kl' in every history of 'kl', got one with \['loss', 'val_loss'\]"),
        (SEEDS, {"keys": []}, "at least one curve to draw, got none"),
        ([{"loss": [1.0, np.nan]}], {}, "finite values of 'training', got NaN or infinity"),
        ([{"loss": [np.inf]}], {}, "finite values of 'training', got NaN or infinity"),
        ([{"loss": []}], {}, r"one number an epoch of 'training', got shapes \[\(0,\)\]"),
        ([{"loss": [[1.0]]}], {}, r"one number an epoch of 'training', got shapes \[\(1, 1\)\]"),
    ],
)
def test_learning_curves_refuse_bad_input(histories, options, said):
    with pytest.raises(ValueError, match=said):
        plots.learning_curves(histories, **options)
    assert plt.get_fignums() == []


def test_learning_curves_of_a_single_history_name_the_function_for_it():
    with pytest.raises(TypeError, match="got a single history; training_curve draws one"):
        plots.learning_curves(SEEDS[0])


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
