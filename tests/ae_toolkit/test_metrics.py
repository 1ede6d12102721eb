"""Measures against their definitions, worked out by hand or by brute force."""

from itertools import permutations

import numpy as np
import pytest

from ae_toolkit import metrics

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


# ----------------------------------------------------------------- clustering_accuracy


def brute_force(labels_true, labels_pred):
    """Return the best accuracy over every one-to-one renaming of clusters to classes or to nothing."""
    clusters, classes = np.unique(labels_pred), list(np.unique(labels_true))
    names = classes + [None] * len(clusters)
    best = 0.0
    for chosen in set(permutations(names, len(clusters))):
        renamed = dict(zip(clusters, chosen, strict=True))
        best = max(best, np.mean([renamed[c] == t for c, t in zip(labels_pred, labels_true, strict=True)]))
    return best


@pytest.mark.parametrize(("n_classes", "n_clusters"), [(3, 3), (2, 4), (4, 2), (1, 3), (3, 1)])
@pytest.mark.parametrize("seed", range(5))
def test_clustering_accuracy_is_the_best_over_all_renamings(n_classes, n_clusters, seed):
    rng = np.random.default_rng(seed)
    labels_true, labels_pred = rng.integers(n_classes, size=25), rng.integers(n_clusters, size=25) * 10 - 7
    assert metrics.clustering_accuracy(labels_true, labels_pred) == pytest.approx(brute_force(labels_true, labels_pred))


def test_clustering_accuracy_is_not_purity():
    """Two clusters may not both be the same class: one cluster an image does not score 1."""
    assert metrics.clustering_accuracy([0, 0, 0, 0], [0, 1, 2, 3]) == 0.25


def test_clustering_accuracy_is_not_greedy():
    """Taking the largest overlap first (4) would leave 0 for the other cluster; 3 + 3 is better."""
    labels_true = [0] * 4 + [1] * 3 + [0] * 3
    labels_pred = [0] * 7 + [1] * 3
    assert metrics.clustering_accuracy(labels_true, labels_pred) == 0.6


def test_clustering_accuracy_of_renamed_classes_is_one():
    assert metrics.clustering_accuracy(["cat", "dog", "emu"] * 4, [2, 0, 1] * 4) == 1.0


@pytest.mark.parametrize(
    ("labels_true", "labels_pred"), [([0, 1], [0, 1, 1]), ([], []), ([[0, 1]], [[0, 1]]), ([[0], [1]], [0, 1])]
)
def test_clustering_accuracy_refuses_what_does_not_match(labels_true, labels_pred):
    with pytest.raises(ValueError, match=r"two label vectors of one length.*got shapes"):
        metrics.clustering_accuracy(labels_true, labels_pred)


# ------------------------------------------------------------------------------ probes


@pytest.fixture
def blobs():
    """Two classes along the second of two axes; the first is noise on a scale 1,000 times larger."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 100)
    codes = np.column_stack([rng.normal(scale=1000, size=200), labels + rng.normal(scale=0.1, size=200)])
    return codes[::2], labels[::2], codes[1::2], labels[1::2]


def test_linear_probe_reads_a_small_direction(blobs):
    assert metrics.linear_probe(*blobs) == 1.0


def test_linear_probe_is_taken_on_the_test_set(blobs):
    codes_train, y_train, codes_test, y_test = blobs
    assert metrics.linear_probe(codes_train, y_train, codes_test, 1 - y_test) == 0.0


def test_linear_probe_does_not_see_what_is_not_linear():
    rng = np.random.default_rng(0)
    codes = rng.uniform(-1, 1, size=(400, 2))
    labels = (codes[:, 0] * codes[:, 1] > 0).astype(int)
    parts = codes[:200], labels[:200], codes[200:], labels[200:]
    assert metrics.linear_probe(*parts) < 0.7
    assert metrics.knn_probe(*parts) > 0.9


def test_knn_probe_by_hand():
    codes_train, y_train = [[0.0], [1.0], [1.1], [1.2]], ["a", "b", "b", "b"]
    assert metrics.knn_probe(codes_train, y_train, [[0.1], [1.0]], ["a", "b"], n_neighbors=1) == 1.0
    assert metrics.knn_probe(codes_train, y_train, [[0.1], [1.0]], ["a", "b"], n_neighbors=3) == 0.5


def test_knn_probe_asks_five():
    codes_train, y_train = [[0.0]] * 2 + [[1.0]] * 3 + [[9.0]] * 4, [0] * 2 + [1] * 3 + [0] * 4
    assert metrics.knn_probe(codes_train, y_train, [[0.0]], [1]) == 1.0  # of 1, 3, 5 or 7 neighbours only 5 say so


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("probe", [metrics.linear_probe, metrics.knn_probe])
@pytest.mark.parametrize(
    "wrong", [{"y_train": [0, 1]}, {"codes_test": np.zeros((6, 5))}, {"codes_train": np.full((6, 2), np.nan)}]
)
def test_probes_refuse_what_does_not_match(probe, wrong):
    given = {"codes_train": np.arange(12.0).reshape(6, 2), "y_train": [0, 1] * 3,
             "codes_test": np.zeros((6, 2)), "y_test": [0, 1] * 3}  # fmt: skip
    with pytest.raises(ValueError):  # noqa: PT011  (the words are scikit-learn's)
        probe(**{**given, **wrong})
