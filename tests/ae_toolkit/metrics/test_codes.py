"""Measures of codes against their definitions, by hand or by brute force."""

import numpy as np
import pytest

from ae_toolkit import metrics

rng_of = np.random.default_rng


def flat(images):
    return images.reshape(len(images), -1)


# --------------------------------------------------------------------- trustworthiness


def trustworthiness_by_definition(images, codes, k):
    """Add up, after Venna and Kaski's formula, by how many ranks each false neighbour is false."""
    n, excess = len(images), 0
    for i in range(n):
        by_image = np.argsort(np.linalg.norm(images - images[i], axis=1))[1:]
        by_code = np.argsort(np.linalg.norm(codes - codes[i], axis=1))[1:]
        excess += sum(max(0, list(by_image).index(j) + 1 - k) for j in by_code[:k])
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * excess


@pytest.mark.parametrize("n_neighbors", [1, 4, 9])
def test_trustworthiness_is_its_definition(n_neighbors):
    images, codes = rng_of(0).random((20, 3, 3, 1)), rng_of(1).random((20, 2))
    expected = trustworthiness_by_definition(flat(images), codes, n_neighbors)
    assert metrics.trustworthiness(images, codes, n_neighbors) == pytest.approx(expected)
    assert isinstance(metrics.trustworthiness(images, codes), float)


def test_trustworthiness_asks_five_neighbours():
    images, codes = rng_of(0).random((2, 30, 4))
    assert metrics.trustworthiness(images, codes) == metrics.trustworthiness(images, codes, n_neighbors=5)


def test_trustworthiness_of_the_images_themselves_is_one_and_of_chance_about_a_half():
    images = rng_of(0).random((200, 4, 4, 1))
    assert metrics.trustworthiness(images, 3 * flat(images) + 1) == 1
    assert 0.4 < metrics.trustworthiness(images, rng_of(1).random((200, 2))) < 0.6


def test_trustworthiness_forgives_torn_neighbourhoods_but_not_invented_ones():
    """A ring cut open keeps what is left of each neighbourhood; a ring pressed flat brings strangers together."""
    angle = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    assert metrics.trustworthiness(ring, angle[:, None], 4) > 0.99
    assert metrics.trustworthiness(ring, ring[:, :1] + 1e-3 * ring[:, 1:], 4) < 0.9


@pytest.mark.parametrize(("n", "largest", "asked"), [(10, 4, 5), (11, 5, 6), (3, 1, 5), (10, 4, 0), (10, 4, -1)])
def test_trustworthiness_says_how_many_neighbours_there_may_be(n, largest, asked):
    images = rng_of(0).random((n, 4))
    with pytest.raises(
        ValueError, match=rf"n_neighbors .* from 1 to {largest}, less than half of {n} images, got {asked}"
    ):
        metrics.trustworthiness(images, images, n_neighbors=asked)
    assert metrics.trustworthiness(images, images, n_neighbors=largest) == 1


@pytest.mark.parametrize("n_neighbors", [2.0, "2", None, True])
def test_trustworthiness_needs_a_whole_number_of_neighbours(n_neighbors):
    with pytest.raises(ValueError, match=r"expected n_neighbors to be an integer from 1 to 4, .*got"):
        metrics.trustworthiness(np.eye(10), np.eye(10), n_neighbors=n_neighbors)


@pytest.mark.parametrize(
    ("images", "codes", "said"),
    [
        (np.zeros((0, 4)), np.zeros((0, 2)), r"at least one image, .* of shape \(n, ...\), got shape \(0, 4\)"),
        (np.zeros(12), np.zeros((12, 2)), r"at least one image, .* of shape \(n, ...\), got shape \(12,\)"),
        (np.zeros((12, 4)), np.zeros((11, 2)), r"a code for each of 12 images, as \(n, d\), got shape \(11, 2\)"),
        (np.zeros((12, 4)), np.zeros(12), r"a code for each of 12 images, as \(n, d\), got shape \(12,\)"),
        (np.zeros((12, 4)), np.zeros((12, 0)), r"a code for each of 12 images, as \(n, d\), got shape \(12, 0\)"),
        (np.full((12, 4), np.nan), np.zeros((12, 2)), "finite pixels, got NaN or infinity in the images"),
        (np.zeros((12, 4)), np.full((12, 2), np.inf), "finite numbers, got NaN or infinity in the codes"),
        (np.zeros((1, 4)), np.zeros((1, 2)), "at least 3 images, .*got 1"),
        (np.zeros((2, 4)), np.zeros((2, 2)), "at least 3 images, .*got 2"),
    ],
)
def test_trustworthiness_refuses_bad_input(images, codes, said):
    with pytest.raises(ValueError, match=said):
        metrics.trustworthiness(images, codes)


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


def test_probe_hits_are_the_images_that_are_right():
    codes_train, y_train = [[0.0], [0.1], [1.0], [1.1]], ["a", "a", "b", "b"]
    asked = [[0.05], [1.05], [0.0]], ["a", "a", "b"]
    for hits in (metrics.knn_probe_hits(codes_train, y_train, *asked, n_neighbors=1),
                 metrics.linear_probe_hits(codes_train, y_train, *asked)):  # fmt: skip
        assert hits.tolist() == [True, False, False]


def test_knn_probe_asks_five():
    codes_train, y_train = [[0.0]] * 2 + [[1.0]] * 3 + [[9.0]] * 4, [0] * 2 + [1] * 3 + [0] * 4
    assert metrics.knn_probe(codes_train, y_train, [[0.0]], [1]) == 1.0  # of 1, 3, 5 or 7 neighbours only 5 say so


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("probe", [metrics.linear_probe, metrics.knn_probe])
@pytest.mark.parametrize(
    "wrong",
    [{"y_train": [0, 1]}, {"y_test": [0]}, {"codes_test": np.zeros((6, 5))}, {"codes_train": np.full((6, 2), np.nan)}],
)
def test_probes_refuse_what_does_not_match(probe, wrong):
    given = {"codes_train": np.arange(12.0).reshape(6, 2), "y_train": [0, 1] * 3,
             "codes_test": np.zeros((6, 2)), "y_test": [0, 1] * 3}  # fmt: skip
    with pytest.raises(ValueError):  # noqa: PT011  (the words are scikit-learn's)
        probe(**{**given, **wrong})
