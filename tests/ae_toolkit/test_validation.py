"""The one validator: what it accepts, in which form it returns it, and what it says of everything else."""

import numpy as np
import pandas as pd
import pytest

from ae_toolkit import _validation as validation

# ------------------------------------------------------------------------------ counts

NO_COUNTS = [0, -1, 2.5, np.nan, np.inf, -np.inf, True, np.True_, "3", None, [3], np.array([3, 4]), 3j, 1e-9]


@pytest.mark.parametrize("value", [1, 3, np.int8(3), np.uint64(3), 3.0, np.float32(3), 10**30])
def test_counts_are_returned_as_python_s_integers(value):
    found = validation.check_count(value, "n_samples")
    assert type(found) is int
    assert found == value


@pytest.mark.parametrize("value", NO_COUNTS, ids=repr)
def test_what_is_no_count(value):
    with pytest.raises(ValueError, match=r"^expected n_samples to be a positive integer, got ") as caught:
        validation.check_count(value, "n_samples")
    assert str(caught.value).endswith(f"got {value!r}")


@pytest.mark.parametrize("value", [3.0, np.float64(3)])
def test_a_whole_float_is_a_count_only_where_it_may_be(value):
    with pytest.raises(ValueError, match="expected n to be a positive integer, got"):
        validation.check_count(value, "n", whole_floats=False)
    assert validation.check_count(np.int64(3), "n", whole_floats=False) == 3


def test_bounds_of_a_count_are_inside_and_named():
    assert [validation.check_count(value, "n", minimum=2, maximum=4) for value in (2, 3, 4)] == [2, 3, 4]
    assert validation.check_count(0, "n", minimum=0) == 0
    for value in (1, 5, np.inf):
        with pytest.raises(ValueError, match=f"^expected n to be an integer from 2 to 4, got {value}$"):
            validation.check_count(value, "n", minimum=2, maximum=4)
    with pytest.raises(ValueError, match=r"^expected n to be an integer of at least 2, got 1$"):
        validation.check_count(1, "n", minimum=2)
    with pytest.raises(ValueError, match=r"^expected n to be an integer from 1 to 4, half of the images, got 5$"):
        validation.check_count(5, "n", maximum=4, reason=", half of the images")


@pytest.mark.parametrize("values", [[5, 4], (5, 4), np.array([5, 4]), (n for n in (5, 4)), [np.int8(5), 4]])
def test_several_counts(values):
    found = validation.check_counts(values, "hidden_units")
    assert found == (5, 4)
    assert all(type(n) is int for n in found)


def test_there_may_be_no_counts():
    assert validation.check_counts([], "hidden_units") == ()


@pytest.mark.parametrize("wrong", [0, -1, 1.5, 4.0, "a", (4, 4), None, True, np.inf, np.nan], ids=repr)
def test_one_wrong_count_among_several(wrong):
    with pytest.raises(ValueError, match=r"^expected hidden_units to be positive integers, got \(8, "):
        validation.check_counts([8, wrong], "hidden_units")


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, -np.inf])
def test_what_is_not_positive(value):
    with pytest.raises(ValueError, match=f"^expected data_range to be a positive number, got {value}$"):
        validation.check_positive(value, "data_range")
    assert validation.check_positive(np.float32(0.5), "data_range") == 0.5


# ------------------------------------------------------------------------------- seeds


def test_equal_seeds_are_equal_generators_and_a_generator_stays_itself():
    first, second = (validation.as_random_state(7).randint(100, size=5) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    generator = np.random.RandomState(0)
    assert validation.as_random_state(generator) is generator


@pytest.mark.slow
def test_no_seed_is_a_generator_of_its_own(global_random_state_kept):
    with global_random_state_kept():
        first, second = (validation.as_random_state(None).random_sample(3) for _ in range(2))
    assert not np.allclose(first, second)


@pytest.mark.parametrize("value", ["0", 2.5, -1, [1.5]])
def test_what_is_no_seed(value):
    with pytest.raises((ValueError, TypeError)):
        validation.as_random_state(value)


# ------------------------------------------------------------------------------ images


def test_images_of_estimators_come_back_as_float32_in_their_shape():
    for shape in ((3, 4, 5, 2), (3, 4, 5), (3, 7)):
        found = validation.check_images(np.ones(shape, np.float64))
        assert (found.shape, found.dtype) == (shape, np.float32)
    table = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0]})
    assert validation.check_images(table).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((3, 4, 4, 1, 1)), r"expected photos of shape .*got \(3, 4, 4, 1, 1\)"),
        (np.full((3, 4, 4, 1), np.nan), "Input photos contains NaN"),
        (np.full((3, 4, 4), np.inf), "Input photos contains infinity"),
        (np.zeros((3, 4, 4), np.uint8), r"photos with floating-point pixels, .*got uint8 .*photos / 255\.0"),
        (np.zeros((3, 1, 1)), r"at least 2 numbers each, got photos of shape \(3, 1, 1\)"),
        (np.zeros((0, 4, 4)), "0 sample"),
    ],
)
def test_images_that_an_estimator_does_not_take(images, said):
    with pytest.raises(ValueError, match=said):
        validation.check_images(images, name="photos")


def test_number_of_axes():
    assert validation.n_axes(np.zeros((2, 3, 4))) == 3
    assert validation.n_axes([[1.0]]) == validation.n_axes(pd.DataFrame({"a": [1]})) == 2


def test_images_of_measures_keep_their_type_if_it_is_asked_for():
    eight_bits = np.zeros((2, 3), np.uint8)
    assert validation.check_image_set(eight_bits, "the images").dtype == np.float64
    assert validation.check_image_set(eight_bits, "the images", dtype=None) is eight_bits


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros(3), r"at least one image, as an array of shape \(n, ...\), got shape \(3,\)"),
        (np.zeros((0, 3)), r"at least one image, .*got shape \(0, 3\)"),
        ([["a"]], "numbers as pixels, got <U1 in the real images"),
        ([[1j]], "numbers as pixels, got complex128 in the real images"),
        ([[np.nan]], "finite pixels, got NaN or infinity in the real images"),
        ([[-np.inf]], "finite pixels, got NaN or infinity in the real images"),
    ],
)
def test_images_that_cannot_be_measured(images, said):
    with pytest.raises(ValueError, match=said):
        validation.check_image_set(images, "the real images", dtype=None)


def test_pairs_of_images_say_which_is_wrong():
    good, bad = np.zeros((2, 3)), np.full((2, 3), np.nan)
    for pair, name in (((bad, good), "the images"), ((good, bad), "the reconstructions")):
        with pytest.raises(ValueError, match=f"NaN or infinity in {name}$"):
            validation.check_image_pair(*pair)
    with pytest.raises(ValueError, match=r"of one shape, got \(2, 3\) and \(1, 3\)"):
        validation.check_image_pair(good, good[:1])


def test_pictures_may_hold_blanks_only_where_they_may_be_drawn():
    blank = np.full((1, 2, 2, 3), np.nan)
    assert np.isnan(validation.check_pictures(blank, finite=False)).all()
    with pytest.raises(ValueError, match="finite pixels, got NaN or infinity in the decoded images"):
        validation.check_pictures(blank, "the decoded images")


@pytest.mark.parametrize("shape", [(3, 4, 4), (4, 4), (3, 4, 4, 2), (0, 4, 4, 1), (1, 3, 4, 4, 1)])
def test_what_is_no_picture(shape):
    with pytest.raises(ValueError, match=r"\(n, height, width, channels\) with 1 or 3 channels, got \("):
        validation.check_pictures(np.zeros(shape))


# ---------------------------------------------------------------------- labels, weights


@pytest.mark.parametrize("nothing", [np.nan, float("nan")])
def test_labels_that_are_not_there(nothing):
    for pair, name in ((([nothing, 1], [0, 1]), "labels_true"), (([0, 1], ["a", nothing]), "labels_pred")):
        pair = tuple(np.array(labels, dtype=object) for labels in pair)
        with pytest.raises(ValueError, match=f"a label for each image, got NaN in {name}"):
            validation.check_label_pair(*pair)


@pytest.mark.parametrize(("labels", "came"), [([0, 2], "int64 from 0 to 2"), ([-1, 0], "int64 from -1 to 0"),
                                              ([0.0, 1.0], "float64 from 0.0 to 1.0"), (["a"], "<U1"),
                                              ([True], "bool")])  # fmt: skip
def test_labels_that_are_no_indices_of_classes(labels, came):
    with pytest.raises(ValueError, match=f"integers from 0 to 1, one for each class name, got {came}$"):
        validation.check_class_indices(np.array(labels), ["shirt", "shoe"])
    indices = np.array([1, 0], np.uint8)
    assert validation.check_class_indices(indices, ["shirt", "shoe"]) is indices


def test_weights_of_a_training_are_one_on_average_and_those_of_a_mean_as_given():
    np.testing.assert_allclose(validation.check_weights([0, 1, 2], np.zeros((3, 4))), [0, 1, 2])
    np.testing.assert_allclose(validation.check_weights([0, 2, 4], np.zeros((3, 4))), [0, 1, 2])
    np.testing.assert_array_equal(validation.check_mean_weights([0, 2, 4], 3), [0, 2, 4])


@pytest.mark.parametrize("weights", [[1, -1], [0, 0], [np.nan, 1], [np.inf, 1], [1], [[1], [1]], [1, 1, 1]])
def test_weights_that_weigh_nothing(weights):
    with pytest.raises(ValueError, match=r"weight"):
        validation.check_mean_weights(weights, 2)
    with pytest.raises(ValueError, match=r"(?i)weight"):
        validation.check_weights(weights, np.zeros((2, 3)))
