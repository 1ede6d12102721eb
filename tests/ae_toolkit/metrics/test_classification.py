"""Calibration of class probabilities: values by hand, simulated classifiers, and input that is refused."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from ae_toolkit import metrics

rng_of = np.random.default_rng

# Six images of three classes: confidence 0.5, 0.5, 0.8, 0.8, 0.9, 1; right are the 1st, the 3rd, the 5th and the 6th.
PROBABILITIES = np.array(
    [[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.8, 0.2, 0.0], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0]]
)
LABELS = np.array([0, 2, 2, 1, 1, 2])


def simulated(n, sharpness, seed=0, n_classes=4):
    """Return labels drawn from probabilities, and the probabilities that a classifier of some sharpness would give."""
    rng = rng_of(seed)
    logits = 2 * rng.normal(size=(n, n_classes))

    def softmax(values):
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    labels = (rng.random((n, 1)) > softmax(logits).cumsum(axis=1)).sum(axis=1)
    return np.minimum(labels, n_classes - 1), softmax(sharpness * logits)


# ------------------------------------------------------------------------ by hand


def test_reliability_by_hand():
    bins = metrics.reliability(LABELS, PROBABILITIES, n_bins=5)
    assert isinstance(bins, metrics.ReliabilityBins)
    np.testing.assert_allclose(bins.confidence, [0.5, 0.8, 0.95])  # (0.4, 0.6], (0.6, 0.8], (0.8, 1]
    np.testing.assert_allclose(bins.accuracy, [0.5, 0.5, 1.0])
    assert bins.n_images.tolist() == [2, 2, 2]


def test_expected_calibration_error_by_hand():
    error = metrics.expected_calibration_error(LABELS, PROBABILITIES, n_bins=5)
    assert type(error) is float
    assert error == pytest.approx((2 * 0 + 2 * 0.3 + 2 * 0.05) / 6)


def test_one_bin_compares_the_means():
    bins = metrics.reliability(LABELS, PROBABILITIES, n_bins=1)
    assert [bins.confidence.item(), bins.accuracy.item(), bins.n_images.item()] == pytest.approx([0.75, 4 / 6, 6])
    error = metrics.expected_calibration_error(LABELS, PROBABILITIES, n_bins=1)
    assert error == pytest.approx(0.75 - 4 / 6)


def test_bins_are_fifteen_unless_said_otherwise():
    assert len(metrics.reliability(LABELS, PROBABILITIES).n_images) == 4
    for measure in (
        metrics.expected_calibration_error,
        lambda *given, **more: metrics.reliability(*given, **more).accuracy,
    ):
        np.testing.assert_array_equal(measure(LABELS, PROBABILITIES), measure(LABELS, PROBABILITIES, n_bins=15))


@pytest.mark.parametrize("n_bins", [3, 10, 15, 100])
def test_a_bin_holds_its_upper_end_and_not_its_lower_one(n_bins):
    upper = np.arange(1, n_bins + 1) / n_bins
    upper = upper[upper >= 0.5]  # of two classes the larger has no less
    above = np.append(upper[:-1] + 1e-9, 1.0)  # in the next bin, save after the last
    confidence = np.concatenate([upper, above])
    bins = metrics.reliability(
        np.zeros(len(confidence), int), np.column_stack([confidence, 1 - confidence]), n_bins=n_bins
    )
    assert bins.n_images.tolist() == [1] + [2] * (len(upper) - 2) + [3]


def brute_force(labels, probabilities, n_bins):
    """Return the expected calibration error bin by bin, as Guo et al. write it."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    error = 0.0
    for number in range(n_bins):
        inside = (confidence > number / n_bins) & (confidence <= (number + 1) / n_bins)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return error


@pytest.mark.parametrize("n_bins", [1, 7, 15])
@pytest.mark.parametrize("seed", range(3))
def test_expected_calibration_error_is_its_definition(seed, n_bins):
    labels, probabilities = simulated(200, 1.5, seed)
    error = metrics.expected_calibration_error(labels, probabilities, n_bins=n_bins)
    assert error == pytest.approx(brute_force(labels, probabilities, n_bins))


def test_of_equal_probabilities_the_first_class_is_predicted():
    assert metrics.reliability([0, 1], [[0.5, 0.5]] * 2).accuracy.tolist() == [0.5]
    assert metrics.reliability([0, 0], [[0.5, 0.5]] * 2).accuracy.tolist() == [1.0]


def test_a_single_image_and_a_single_class():
    bins = metrics.reliability([0], [[1.0]])
    assert [bins.confidence.tolist(), bins.accuracy.tolist(), bins.n_images.tolist()] == [[1.0], [1.0], [1]]
    assert metrics.expected_calibration_error([0], [[1.0]]) == 0.0
    assert metrics.expected_calibration_error([0], [[0.0, 1.0]]) == 1.0  # sure, and wrong


def test_single_precision_does_not_make_a_confidence_larger_than_one():
    nearly = np.array([[1.0 + 1e-4, 0.0]], np.float32)
    assert metrics.reliability([0], nearly).confidence.tolist() == [1.0]
    labels, probabilities = simulated(500, 1.5)
    whole, half = (
        metrics.expected_calibration_error(labels, probabilities.astype(kind)) for kind in (np.float32, np.float16)
    )
    assert whole == pytest.approx(metrics.expected_calibration_error(labels, probabilities), abs=1e-3)
    assert half == pytest.approx(whole, abs=0.02)


def test_bins_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        metrics.reliability(LABELS, PROBABILITIES).accuracy = None


# ---------------------------------------------------------------------- simulated


def test_probabilities_from_which_labels_are_drawn_are_calibrated():
    labels, probabilities = simulated(50_000, 1)
    assert metrics.expected_calibration_error(labels, probabilities) < 0.01
    bins = metrics.reliability(labels, probabilities)
    many = bins.n_images > 1000
    np.testing.assert_allclose(bins.accuracy[many], bins.confidence[many], atol=0.05)
    assert bins.n_images.sum() == 50_000
    assert (np.diff(bins.confidence) > 0).all()


def test_an_overconfident_classifier_is_less_often_right_than_it_says():
    labels, probabilities = simulated(20_000, 3)
    bins = metrics.reliability(labels, probabilities)
    many = bins.n_images > 200
    assert (bins.accuracy[many] < bins.confidence[many]).all()
    found = metrics.expected_calibration_error(labels, probabilities)
    assert found > 0.1
    sharper = metrics.expected_calibration_error(*simulated(20_000, 9))
    assert sharper > found


def test_an_underconfident_classifier_is_more_often_right_than_it_says():
    labels, probabilities = simulated(20_000, 0.4)
    bins = metrics.reliability(labels, probabilities)
    many = bins.n_images > 200
    assert (bins.accuracy[many] > bins.confidence[many]).all()
    assert metrics.expected_calibration_error(labels, probabilities) > 0.1


# ------------------------------------------------------------------------- labels


@pytest.mark.parametrize("names", [["cat", "dog", "emu"], ["emu", "cat", "dog"], [7, -1, 3], [0.5, 2.5, 1.5]])
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 0, 2]])
def test_columns_may_stand_in_any_order_under_any_names(names, order):
    names = np.array(names)
    found = metrics.reliability(names[LABELS], PROBABILITIES[:, order], classes=names[order], n_bins=5)
    expected = metrics.reliability(LABELS, PROBABILITIES, n_bins=5)
    for field in dataclasses.fields(expected):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))
    assert metrics.expected_calibration_error(
        names[LABELS], PROBABILITIES[:, order], classes=names[order], n_bins=5
    ) == metrics.expected_calibration_error(LABELS, PROBABILITIES, n_bins=5)


def test_lists_tables_and_a_classifier_of_scikit_learn():
    iris = load_iris()
    names = iris.target_names[iris.target]
    model = LogisticRegression(max_iter=1000).fit(iris.data, names)
    probabilities = model.predict_proba(iris.data)
    error = metrics.expected_calibration_error(names, probabilities, classes=model.classes_)
    assert 0 < error < 0.15
    bins = metrics.reliability(names, probabilities, classes=model.classes_)
    assert bins.n_images @ bins.accuracy / 150 == pytest.approx(model.score(iris.data, names))
    table = pd.DataFrame(probabilities, columns=model.classes_)
    assert metrics.expected_calibration_error(pd.Series(names), table, classes=table.columns) == error
    assert (
        metrics.expected_calibration_error(list(names), probabilities.tolist(), classes=list(model.classes_)) == error
    )


# ------------------------------------------------------------------------ refused

MEASURES = [metrics.expected_calibration_error, metrics.reliability]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("labels", "probabilities", "said"),
    [
        ([0, 1], [0.5, 0.5], r"probabilities of shape \(n, n_classes\), with at least one of each, got shape \(2,\)"),
        ([0], [[[1.0]]], r"probabilities of shape .*got shape \(1, 1, 1\)"),
        ([], np.zeros((0, 2)), r"at least one of each, got shape \(0, 2\)"),
        ([0], np.zeros((1, 0)), r"at least one of each, got shape \(1, 0\)"),
        ([0, 1], [[0.5, 0.5]], r"a label for each of 1 rows of probabilities, got labels_true of shape \(2,\)"),
        ([[0]], [[0.5, 0.5]], r"a label for each of 1 rows of probabilities, got labels_true of shape \(1, 1\)"),
        ([0], [[np.nan, 1.0]], "finite numbers, got NaN or infinity in probabilities"),
        ([0], [[np.inf, 0.0]], "finite numbers, got NaN or infinity in probabilities"),
        ([0, 0], [[0.5, 0.5], [1.25, -0.25]], "probabilities of at least 0, got -0.25 in row 1"),
        ([0, 0], [[0.5, 0.5], [0.5, 0.4]], "rows of probabilities that add up to 1 within 0.001, got 0.9 in row 1"),
        ([0, 0], [[3, 1], [0.5, 0.5]], "rows of probabilities that add up to 1 within 0.001, got 4 in row 0"),
        ([0], [[0.5, 0.502]], "rows of probabilities that add up to 1 within 0.001, got 1.002 in row 0"),
        ([0, 2], [[0.5, 0.5]] * 2, r"labels_true to be among the 2 classes \(0, 1\), got 2"),
        ([0, -1], [[0.5, 0.5]] * 2, r"labels_true to be among the 2 classes \(0, 1\), got -1"),
        (["0", "1"], [[0.5, 0.5]] * 2, r"labels_true to be among the 2 classes \(0, 1\), got '0'"),
        ([12], np.full((1, 12), 1 / 12), r"among the 12 classes \(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, \.\.\.\), got 12"),
        ([0, np.nan], [[0.5, 0.5]] * 2, "a label for each image, got NaN in labels_true"),
    ],
)
def test_what_is_no_probability_or_no_label_is_refused(measure, labels, probabilities, said):
    with pytest.raises(ValueError, match=f"^expected .*{said}$"):
        measure(labels, probabilities)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (["cat"], r"a class for each of 2 columns of probabilities, got classes of shape \(1,\)"),
        (["cat", "dog", "emu"], r"a class for each of 2 columns of probabilities, got classes of shape \(3,\)"),
        ([["cat", "dog"]], r"a class for each of 2 columns of probabilities, got classes of shape \(1, 2\)"),
        (["cat", "cat"], "classes that differ from each other, got 'cat' 2 times"),
        (["cat", "emu"], r"labels_true to be among the 2 classes \('cat', 'emu'\), got 'dog'"),
        ([0, 1], r"labels_true to be among the 2 classes \(0, 1\), got 'cat'"),
    ],
)
def test_classes_that_do_not_fit_are_refused(measure, classes, said):
    with pytest.raises(ValueError, match=f"^expected {said}$"):
        measure(["cat", "dog"], [[0.5, 0.5]] * 2, classes=classes)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("n_bins", [0, -3, 2.5, np.nan, "15", None, True])
def test_no_number_of_bins_is_refused(measure, n_bins):
    with pytest.raises(ValueError, match=r"^expected n_bins to be a positive integer, got "):
        measure(LABELS, PROBABILITIES, n_bins=n_bins)


@pytest.mark.parametrize("off", [9e-4, -9e-4])
def test_rounding_of_a_row_is_allowed(off):
    assert metrics.expected_calibration_error([0], [[0.5 + off, 0.5]]) == pytest.approx(0.5, abs=1e-3)
