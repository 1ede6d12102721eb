"""The Fréchet distance, precision and recall against their definitions, and what they refuse."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from ae_toolkit import metrics

rng_of = np.random.default_rng
BOTH = pytest.mark.parametrize("measure", [metrics.frechet_distance, metrics.precision_recall])


def flat(images):
    return images.reshape(len(images), -1)


def gaussian_sample(mean, covariance, n, seed):
    """Return n points whose mean and covariance are exactly the ones given."""
    points = rng_of(seed).normal(size=(n, len(mean)))
    points -= points.mean(axis=0)
    points = points @ np.linalg.inv(np.linalg.cholesky(np.cov(points.T, ddof=1).reshape(len(mean), -1))).T
    return points @ np.linalg.cholesky(np.asarray(covariance, dtype=float)).T + mean


def test_frechet_distance_of_one_feature_by_hand():
    """Means 1 and 4, standard deviations 2 and 3: (1 - 4)² + (2 - 3)² = 10."""
    real, generated = gaussian_sample([1], [[4]], 20, seed=0), gaussian_sample([4], [[9]], 50, seed=1)
    found = metrics.frechet_distance(real, generated, flat, "the pixel")
    assert found.value == pytest.approx(10)
    assert (found.features, found.n_real, found.n_generated) == ("the pixel", 20, 50)


def test_frechet_distance_of_independent_features_is_the_sum_over_them():
    real = gaussian_sample([0, 1, 2], np.diag([1, 4, 9]), 30, seed=0)
    generated = gaussian_sample([1, 1, 0], np.diag([4, 4, 1]), 30, seed=1)
    assert metrics.frechet_distance(real, generated, flat, "x").value == pytest.approx((1 + 0 + 4) + (1 + 0 + 4))


def test_frechet_distance_of_features_that_depend_on_each_other():
    """Covariances that do not commute, against the matrix root of their product, with its imaginary rest dropped."""
    from scipy.linalg import sqrtm

    a, b = rng_of(0).normal(size=(2, 5, 5))
    first, second, mean = a @ a.T + np.eye(5), b @ b.T + np.eye(5), np.arange(5.0)
    expected = np.sum(mean**2) + np.trace(first + second - 2 * np.real(sqrtm(first @ second)))
    real, generated = gaussian_sample(mean, first, 40, seed=1), gaussian_sample(0 * mean, second, 60, seed=2)
    assert not np.allclose(first @ second, second @ first)
    assert metrics.frechet_distance(real, generated, flat, "x").value == pytest.approx(expected)
    assert metrics.frechet_distance(generated, real, flat, "x").value == pytest.approx(expected)


def test_frechet_distance_of_a_set_from_itself_is_zero():
    images = rng_of(0).random((100, 6, 6, 1))
    assert metrics.frechet_distance(images, images, flat, "pixels").value == pytest.approx(0, abs=1e-12)
    assert metrics.frechet_distance(images, images[::-1], flat, "pixels").value == pytest.approx(0, abs=1e-12)


def test_frechet_distance_of_a_shift_is_its_square_and_never_complex_where_features_repeat():
    """Pixels that never vary, or vary together, leave covariances singular: digits have many such pixels."""
    images = rng_of(0).random((200, 12))
    images[:, 3:] = images[:, [0]] * np.arange(9)
    images[:, 5] = 0.0
    found = metrics.frechet_distance(images, images + 0.5, flat, "pixels").value
    assert isinstance(found, float)
    assert found == pytest.approx(12 * 0.25)
    assert metrics.frechet_distance(images, images, flat, "pixels").value == pytest.approx(0, abs=1e-9)


def test_frechet_distance_hands_both_sets_to_the_features_as_they_are():
    seen = []

    def features(images):
        seen.append((images.shape, images.dtype))
        return images.mean(axis=(1, 2))

    metrics.frechet_distance(np.zeros((4, 5, 5, 1), np.float32), np.zeros((3, 5, 5, 1), np.float32), features, "mean")
    assert seen == [((4, 5, 5, 1), np.float32), ((3, 5, 5, 1), np.float32)]


def test_frechet_distance_takes_an_estimators_transform():
    from sklearn.decomposition import PCA

    real, generated = rng_of(0).random((2, 60, 20))
    pca = PCA(4, random_state=0).fit(real)
    found = metrics.frechet_distance(real, generated, pca.transform, "PCA-4")
    assert found.value == pytest.approx(
        metrics.frechet_distance(*map(pca.transform, (real, generated)), flat, "x").value
    )
    assert str(found) == f"{found.value:.2f} (features: PCA-4, 60 real, 60 generated images)"


def test_frechet_distance_says_how_it_was_measured():
    found = metrics.FrechetDistance(4.2, "PCA-32", 2000, 1500)
    assert str(found) == "4.20 (features: PCA-32, 2000 real, 1500 generated images)"
    with pytest.raises(FrozenInstanceError):
        found.value = 0.0


@pytest.mark.parametrize(("n_real", "n_generated"), [(6, 7), (7, 6), (1, 7), (1, 1)])
def test_frechet_distance_needs_more_images_than_features(n_real, n_generated):
    said = rf"more images than features in both sets.*got {n_real} real and {n_generated} generated.*with 6 features"
    with pytest.raises(ValueError, match=said):
        metrics.frechet_distance(np.zeros((n_real, 6)), np.zeros((n_generated, 6)), flat, "pixels")
    images = rng_of(0).random((7, 6))
    assert metrics.frechet_distance(images, images[::-1], flat, "pixels").value >= 0  # 7 are enough


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"real": np.zeros((0, 4))}, r"at least one image.*got shape \(0, 4\)"),
        ({"generated": np.zeros(9)}, r"at least one image.*got shape \(9,\)"),
        ({"real": np.full((9, 4), np.nan)}, "finite pixels, got NaN or infinity in the real images"),
        ({"generated": np.full((9, 4), np.inf)}, "finite pixels, got NaN or infinity in the generated images"),
        ({"generated": np.zeros((9, 2, 2))}, r"images of one shape, got \(9, 4\) and \(9, 2, 2\)"),
        ({"real": np.full((9, 4), "x")}, "expected numbers as pixels, got <U1 in the real images"),
        ({"features": lambda x: x[:, 0]}, r"features of shape \(9, d\) from the real images, got \(9,\)"),
        ({"features": lambda x: x[:5]}, r"features of shape \(9, d\) from the real images, got \(5, 4\)"),
        ({"features": lambda x: x[:, :0]}, r"features of shape \(9, d\) from the real images, got \(9, 0\)"),
        ({"features": lambda x: x[:, : 1 + int(x[0, 0])]}, "as many features of real as of generated.*got 1 and 2"),
        ({"features": lambda x: x / 0 * np.nan}, "finite features, got NaN or infinity in those of the real images"),
        ({"name": " "}, "expected the name of the features, .*got an empty one"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
@BOTH
def test_bad_input_is_refused(measure, wrong, said):
    given = {"real": np.zeros((9, 4)), "generated": np.ones((9, 4)), "features": flat, "name": "pixels"}
    with pytest.raises(ValueError, match=said):
        measure(**{**given, **wrong})


@pytest.mark.parametrize(("wrong", "said"), [({"features": "PCA"}, "expected features to be a function.*got 'PCA'"),
                                             ({"name": None}, "name of the features as text, got None")])  # fmt: skip
@BOTH
def test_other_types_are_refused(measure, wrong, said):
    with pytest.raises(TypeError, match=said):
        measure(**{"real": [[0.0]], "generated": [[0.0]], "features": flat, "name": "x", **wrong})


def test_precision_recall_of_points_on_a_line_by_hand():
    """Real 0, 1, 2, 10 with one neighbour have radii 1, 1, 1, 8; generated 3, 3.5, 30 have 0.5, 0.5, 26.5."""
    real, generated = [[0.0], [1.0], [2.0], [10.0]], [[3.0], [3.5], [30.0]]
    found = metrics.precision_recall(real, generated, flat, "the pixel", n_neighbors=1)
    assert found.precision == pytest.approx(2 / 3)  # 3 is 1 from 2, and 3.5 within 8 of 10; 30 is outside
    assert found.recall == pytest.approx(1 / 4)  # 10 is within 26.5 of 30
    assert (found.features, found.n_neighbors, found.n_real, found.n_generated) == ("the pixel", 1, 4, 3)
    # With two neighbours the radii are 2, 1, 2, 9 and 27, 26.5, 27.
    found = metrics.precision_recall(real, generated, flat, "the pixel", n_neighbors=2)
    assert (found.precision, found.recall) == (pytest.approx(2 / 3), 1)


def test_precision_recall_counts_a_point_on_the_border_of_a_ball():
    corners = [[0.0, 0.0], [3.0, 4.0]]  # 5 from each other
    on_it, beyond = [[-5.0, 0.0], [-3.0, -4.0]], [[-5.1, 0.0], [-3.1, -4.0]]
    assert metrics.precision_recall(corners, on_it, flat, "x", n_neighbors=1).precision == 1
    assert metrics.precision_recall(corners, beyond, flat, "x", n_neighbors=1).precision == 0


def test_precision_recall_agrees_with_its_definition():
    real, generated = rng_of(0).normal(size=(40, 3)), 1.3 * rng_of(1).normal(size=(50, 3))

    def share(points, others):
        hits = []
        for point in points:
            radii = [sorted(np.linalg.norm(others - other, axis=1))[3] for other in others]
            hits.append(any(np.linalg.norm(point - o) <= r for o, r in zip(others, radii, strict=True)))
        return np.mean(hits)

    found = metrics.precision_recall(real, generated, flat, "x")
    assert found.n_neighbors == 3
    assert 0 < found.precision < found.recall < 1
    assert found.precision == pytest.approx(share(generated, real))
    assert found.recall == pytest.approx(share(real, generated))


def test_precision_recall_of_a_set_and_itself_is_one():
    images = rng_of(0).random((100, 6, 6, 1))
    found = metrics.precision_recall(images, images[::-1], flat, "pixels")
    assert (found.precision, found.recall) == (1, 1)


def test_precision_recall_of_sets_far_apart_is_zero():
    images = rng_of(0).random((100, 6, 6, 1))
    found = metrics.precision_recall(images, images + 100, flat, "pixels")
    assert (found.precision, found.recall) == (0, 0)


def test_precision_recall_of_a_collapsed_generator_is_precise_and_has_no_recall():
    images = rng_of(0).random((100, 8))
    collapsed = np.repeat(images[:1], 50, axis=0)  # its balls have no width
    found = metrics.precision_recall(images, collapsed, flat, "pixels")
    assert (found.precision, found.recall) == (1, pytest.approx(0.01))
    nearly = metrics.precision_recall(images, 0.2 * images + 0.4, flat, "pixels")
    assert nearly.precision > 0.9
    assert nearly.recall < 0.1


def test_precision_recall_of_a_generator_that_scatters_has_recall_and_is_not_precise():
    images = rng_of(0).random((100, 4))
    found = metrics.precision_recall(images, 4 * rng_of(1).random((100, 4)) - 1.5, flat, "pixels")
    assert found.recall > 0.9
    assert found.precision < 0.2


def test_precision_recall_finds_equal_points_far_from_zero():
    """By way of products of points, the distance of equal ones would not be 0 here, and no ball of width 0 hold any."""
    images = 1e6 + np.repeat(rng_of(0).random((5, 30)), 4, axis=0)
    found = metrics.precision_recall(images, images[::-1], flat, "pixels")
    assert (found.precision, found.recall) == (1, 1)


def test_precision_recall_is_the_same_whatever_fits_into_memory(monkeypatch):
    from ae_toolkit.metrics import generated as room

    real, generated = rng_of(0).normal(size=(41, 3)), rng_of(1).normal(size=(30, 3))
    whole = metrics.precision_recall(real, generated, flat, "x")
    asked, cdist = [], room.cdist
    monkeypatch.setattr(room, "cdist", lambda a, b, *rest: asked.append(len(a) * len(b)) or cdist(a, b, *rest))
    for allowed in (100, 1):
        monkeypatch.setattr(room, "_DISTANCES_AT_ONCE", allowed)
        assert metrics.precision_recall(real, generated, flat, "x") == whole
        assert max(asked) <= max(allowed, 41)  # never less than a row
        asked.clear()


def test_precision_recall_hands_both_sets_to_the_features_as_they_are():
    seen = []

    def features(images):
        seen.append((images.shape, images.dtype))
        return images.mean(axis=(1, 2))

    images = np.zeros((5, 5, 5, 1), np.float32)
    metrics.precision_recall(images, images[:4], features, "mean")
    assert seen == [((5, 5, 5, 1), np.float32), ((4, 5, 5, 1), np.float32)]


def test_precision_recall_says_how_it_was_measured():
    found = metrics.PrecisionRecall(0.931, 0.4, "PCA", 3, 2000, 1500)
    assert str(found) == "precision 0.93, recall 0.40 (features: PCA, 3 neighbours, 2000 real, 1500 generated images)"
    with pytest.raises(FrozenInstanceError):
        found.precision = 0.0


@pytest.mark.parametrize(("n_real", "n_generated"), [(3, 4), (4, 3), (1, 1)])
def test_precision_recall_needs_more_images_than_neighbours(n_real, n_generated):
    said = rf"more images than n_neighbors=3 in both sets.*got {n_real} real and {n_generated} generated images"
    with pytest.raises(ValueError, match=said):
        metrics.precision_recall(np.zeros((n_real, 6)), np.zeros((n_generated, 6)), flat, "pixels")
    images = rng_of(0).random((4, 6))
    assert metrics.precision_recall(images, images[::-1], flat, "pixels").precision == 1  # 4 are enough


@pytest.mark.parametrize("n_neighbors", [0, -1, 2.5, "3", True, None, np.nan])
def test_precision_recall_refuses_other_numbers_of_neighbours(n_neighbors):
    with pytest.raises(ValueError, match="expected n_neighbors to be a positive integer, got "):
        metrics.precision_recall(np.zeros((9, 4)), np.ones((9, 4)), flat, "pixels", n_neighbors)
