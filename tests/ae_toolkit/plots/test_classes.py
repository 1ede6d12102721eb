"""A confusion matrix: each image in its cell, and cells that can be read; a reliability diagram: a marker per bin."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from ae_toolkit import metrics, plots
from ae_toolkit.plots import _colours


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


@pytest.mark.parametrize(("page", "ink"), [("#ffffff", _colours.INK), ("#121212", _colours.INK_IN_THE_DARK)])
def test_confusion_can_be_read_in_every_cell_and_its_shades_ordered_in_grey(ax, page, ink):
    labels = np.repeat(np.arange(10), np.arange(10) ** 2)
    plots.confusion(labels, labels, class_names="0123456789", ax=ax)
    (image,) = ax.images
    assert {text.get_color() for text in ax.texts} == {_colours.INK}  # which the dark page's variant replaces
    shades = image.to_rgba(image.get_array()).reshape(-1, 4)
    on_page = shades[:, 3:] * shades[:, :3] + (1 - shades[:, 3:]) * np.array(mpl.colors.to_rgb(page))
    below = [luminance(colour) for colour in on_page]
    contrast = [(max(pair) + 0.05) / (min(pair) + 0.05) for pair in zip([luminance(ink)] * 100, below, strict=True)]
    assert min(contrast) > 4.5  # WCAG 2's level AA
    steps = np.diff(np.reshape(below, (10, 10)).diagonal())
    assert (steps < 0).all() or (steps > 0).all()
    assert below[0] == pytest.approx(luminance(page))


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
        (["a", "b"], ["a", "b"], "labels of one kind, got int64 and <U1"),
        ([0, np.nan], None, "a label for each image, got NaN in labels_pred"),
        (["a", "b"], None, "labels of one kind, got int64 and <U1"),
    ],
)
def test_confusion_refuses_labels_that_are_none(labels_pred, class_names, said):
    with pytest.raises(ValueError, match=said):
        plots.confusion([0, 1], labels_pred, class_names=class_names)
    assert plt.get_fignums() == []


# ------------------------------------------------------------------ reliability diagram

PROBABILITIES = [[0.75, 0.25], [0.25, 0.75], [0.25, 0.75], [0.75, 0.25], [0.0, 1.0], [1.0, 0.0]]
NAMES = ["cat", "dog", "cat", "cat", "dog", "cat"]


def test_reliability_draws_a_marker_for_each_bin(ax):
    plots.reliability(NAMES, PROBABILITIES, classes=["cat", "dog"], n_bins=10, ax=ax)
    (markers,) = ax.collections
    np.testing.assert_allclose(markers.get_offsets(), [[0.75, 0.75], [1.0, 1.0]])
    areas = markers.get_sizes()
    assert areas[0] / areas[1] == pytest.approx(4 / 2)  # the numbers of images


def test_reliability_draws_what_the_measure_returns(ax):
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.3, 0.3, 0.3], size=300)
    labels = rng.integers(3, size=300)
    plots.reliability(labels, probabilities, n_bins=20, ax=ax)
    bins = metrics.reliability(labels, probabilities, n_bins=20)
    np.testing.assert_allclose(ax.collections[0].get_offsets(), np.column_stack([bins.confidence, bins.accuracy]))
    areas = ax.collections[0].get_sizes()
    np.testing.assert_allclose(areas, areas.max() * bins.n_images / bins.n_images.max())


def test_reliability_has_a_muted_diagonal_and_says_what_is_drawn(ax):
    plots.reliability(NAMES, PROBABILITIES, classes=["cat", "dog"], ax=ax)
    (diagonal,) = ax.lines
    assert [list(values) for values in diagonal.get_data()] == [[0, 1], [0, 1]]
    assert (diagonal.get_color(), diagonal.get_linestyle()) == (plots.MUTED, ":")
    assert diagonal.get_zorder() < ax.collections[0].get_zorder()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["accuracy = confidence"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("confidence, mean of a bin", "accuracy, share of a bin's images")
    assert ax.get_title() == "area: number of images"
    assert ax.get_aspect() == 1
    low, high = ax.get_xlim()
    assert ax.get_ylim() == (low, high)
    assert low < 0 < 1 < high  # markers at the ends are not cut off


def test_reliability_keeps_a_bin_of_one_image_among_many_in_sight(ax):
    plots.reliability([0] * 10_001, [[0.5, 0.5]] + [[1.0, 0.0]] * 10_000, ax=ax)
    assert ax.collections[0].get_sizes().min() >= 4


def test_reliability_is_drawn_in_the_palette_alone(ax):
    plots.reliability(NAMES, PROBABILITIES, classes=["cat", "dog"], ax=ax)
    (markers,) = ax.collections
    assert {mpl.colors.to_hex(colour) for colour in markers.get_edgecolor()} == {plots.PALETTE[0]}
    assert {mpl.colors.to_hex(colour) for colour in markers.get_facecolor()} == {plots.PALETTE[0]}


@pytest.mark.parametrize(
    ("labels", "probabilities", "options", "said"),
    [
        ([0], [0.5, 0.5], {}, r"probabilities of shape \(n, n_classes\)"),
        ([0, 1], [[0.5, 0.5]], {}, "a label for each of 1 rows of probabilities"),
        ([0], [[0.5, 0.25]], {}, "rows of probabilities that add up to 1"),
        ([2], [[0.5, 0.5]], {}, "labels_true to be among the 2 classes"),
        ([0], [[0.5, 0.5]], {"classes": ["cat"]}, "a class for each of 2 columns"),
        ([0], [[0.5, 0.5]], {"n_bins": 0}, "n_bins to be a positive integer, got 0"),
    ],
)
def test_reliability_refuses_what_is_no_probability(labels, probabilities, options, said):
    with pytest.raises(ValueError, match=f"^expected {said}"):
        plots.reliability(labels, probabilities, **options)
    assert plt.get_fignums() == []
