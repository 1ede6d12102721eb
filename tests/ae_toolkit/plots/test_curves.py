"""Curves: the values that were given, with names, units and a scale that fit them, told apart without colour."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ae_toolkit import plots

# --------------------------------------------------------------------- learning_curves


def edges(band):
    """Return the lower and the upper edge of a band, one number per epoch."""
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
        (SEEDS, {"keys": ["kl"]}, r"'kl' in every history of 'kl, training', got one with \['loss', 'val_loss'\]"),
        (SEEDS, {"keys": []}, "at least one curve to draw, got none"),
        ([{"loss": [1.0, np.nan]}], {}, "finite values, got NaN or infinity in 'training': a training diverged"),
        ([{"loss": [np.inf]}], {}, "finite values, got NaN or infinity in 'training'"),
        ([{"loss": []}], {}, r"one number per epoch of 'training', got shapes \[\(0,\)\]"),
        ([{"loss": [[1.0]]}], {}, r"one number per epoch of 'training', got shapes \[\(1, 1\)\]"),
    ],
)
def test_learning_curves_refuse_bad_input(histories, options, said):
    with pytest.raises(ValueError, match=said):
        plots.learning_curves(histories, **options)
    assert plt.get_fignums() == []


LIKELIHOODS = [{"loss": [9.0, 7.0], "kl": [1.0, 2.0], "val_loss": [9.5, 7.5]}] * 2


def test_learning_curves_of_histories_with_terms_are_those_of_the_loss(ax):
    plots.learning_curves(LIKELIHOODS, ax=ax)
    assert [line.get_label() for line in ax.lines] == ["training", "validation"]
    assert ax.get_ylabel() == "loss in nats per image"
    plots.learning_curves([LIKELIHOODS], labels=["VAE"], keys="kl", ax=ax)
    assert ax.lines[-1].get_label() == "VAE, kl, training"
    assert ax.get_ylabel() == "nats per image"


def test_learning_curves_of_groups_in_different_units_say_so(ax):
    plots.learning_curves([SEEDS, LIKELIHOODS], labels=["plain", "variational"], ax=ax)
    assert ax.get_ylabel() == "per image, each in its own unit"


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


def test_curves_of_other_names_keep_them(ax):
    """Chapters draw the losses of several trainings with it, by names of their own."""
    plots.training_curve({"16 images": [4.0, 2.0], "all images": [4.0, 3.0]}, ax=ax)
    assert [line.get_label() for line in ax.lines] == ["16 images", "all images"]
    assert ax.get_ylabel() == "squared error per image"


def with_validation(*terms):
    """Return a history with a loss and these terms, each also of validation images."""
    names = ["loss", *terms]
    return {name: [2.0, 1.0] for name in [*names, *(f"val_{name}" for name in names)]}


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ((), "squared error per image"),
        (("reconstruction",), "squared error per image"),
        (("reconstruction", "kl"), "loss in nats per image"),
        (("bound",), "loss in nats per image"),
        (("reconstruction", "sparsity"), "squared error per image\n+ weighted sparsity"),
        (("reconstruction", "contraction"), "squared error per image\n+ weighted contraction"),
        (("reconstruction", "discriminator"), "squared error per image\n+ discriminator's cross-entropy"),
        (("reconstruction", "sparsity", "contraction"),
         "squared error per image\n+ weighted sparsity\n+ weighted contraction"),
    ],
)  # fmt: skip
def test_of_a_history_with_terms_the_loss_is_drawn_in_its_unit(ax, terms, said):
    plots.training_curve(with_validation(*terms), ax=ax)
    assert [line.get_label() for line in ax.lines] == ["training", "validation"]
    assert ax.get_ylabel() == said


@pytest.mark.parametrize("keys", [["loss"], ["loss", "discriminator"]])
def test_the_longest_labels_have_room(keys):
    drawn = plots.training_curve(with_validation("contraction", "discriminator"), keys=keys)
    drawn.figure.canvas.draw()
    extent = drawn.yaxis.label.get_window_extent()
    assert drawn.figure.bbox.y0 <= extent.y0 < extent.y1 <= drawn.figure.bbox.y1


@pytest.mark.parametrize(
    ("keys", "terms", "said"),
    [
        (["reconstruction"], ["kl"], "nats per image"),
        (["loss", "kl"], ["kl"], "nats per image"),
        (["val_bound"], ["bound"], "nats per image"),
        (["reconstruction"], ["sparsity"], "squared error per image"),
        (["discriminator"], ["discriminator"], "nats per image"),
        (["sparsity"], ["sparsity"], "sparsity, unweighted"),
        (["contraction", "val_contraction"], ["contraction"], "squared norm of the Jacobian per image"),
        (["reconstruction", "discriminator"], ["discriminator"], "per image, each in its own unit"),
        (["loss", "reconstruction"], ["sparsity"], "per image, each in its own unit"),
    ],
)
def test_terms_that_are_asked_for_are_drawn_in_their_unit(ax, keys, terms, said):
    plots.training_curve(with_validation("reconstruction", *terms), keys=keys, ax=ax)
    assert len(ax.lines) == len(keys)
    assert ax.get_ylabel() == said


def test_a_history_need_not_hold_the_likelihood_s_training_term(ax):
    plots.training_curve({"val_loss": [4.0], "val_kl": [1.0]}, ax=ax)
    assert [line.get_label() for line in ax.lines] == ["validation"]
    assert ax.get_ylabel() == "loss in nats per image"


def test_names_of_terms_say_of_which_images_they_are(ax):
    history = {**with_validation("kl"), "elbo": [1.0], "lr": [1.0], "val_elbo": [1.0]}
    plots.training_curve(history, keys=["loss", "kl", "val_kl", "elbo", "val_elbo", "lr"], ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "loss, training", "kl, training", "kl, validation", "elbo, training", "elbo, validation", "lr",
    ]  # fmt: skip


def test_an_axis_can_be_labelled_by_hand(ax):
    plots.training_curve(with_validation("kl"), ylabel="bits per pixel", ax=ax)
    assert ax.get_ylabel() == "bits per pixel"


@pytest.mark.parametrize(
    ("values", "scale"),
    [([2.0, 1.0], "log"), ([2.0, 0.0], "linear"), ([-500.0, -700.0], "linear"), ([2.0, np.nan], "log"), ([], "log")],
)
def test_a_scale_is_logarithmic_where_every_value_has_a_logarithm(ax, values, scale):
    plots.training_curve({"loss": [3.0, 2.0], "val_loss": values}, ax=ax)
    assert ax.get_yscale() == scale
    ax.figure.canvas.draw()  # it can be painted


def test_what_is_not_drawn_does_not_decide_the_scale(ax):
    plots.training_curve({"loss": [3.0, 2.0], "kl": [0.0, 1.0]}, ax=ax)
    assert ax.get_yscale() == "log"


@pytest.mark.parametrize(
    ("history", "keys", "said"),
    [
        ({"loss": [1.0]}, ["loss", "kl"], r"expected 'kl' in the history, got one with \['loss'\]"),
        ({"loss": [1.0]}, "kl", r"expected 'kl' in the history, got one with \['loss'\]"),
        ({"loss": [1.0]}, [], "at least one curve to draw, got none"),
        ({}, None, "at least one curve to draw, got none"),
        ({"loss": 3.0}, None, r"one number per epoch of 'loss', got shape \(\)"),
        ({"loss": [[3.0]]}, None, r"one number per epoch of 'loss', got shape \(1, 1\)"),
    ],
)
def test_a_curve_that_is_not_there(history, keys, said):
    with pytest.raises(ValueError, match=said):
        plots.training_curve(history, keys=keys)
    assert plt.get_fignums() == []


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
