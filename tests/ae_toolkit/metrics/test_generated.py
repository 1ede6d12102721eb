"""The Fréchet distance against its definition, and what it refuses."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from ae_toolkit import metrics

rng_of = np.random.default_rng


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
def test_frechet_distance_refuses_bad_input(wrong, said):
    given = {"real": np.zeros((9, 4)), "generated": np.ones((9, 4)), "features": flat, "name": "pixels"}
    with pytest.raises(ValueError, match=said):
        metrics.frechet_distance(**{**given, **wrong})


@pytest.mark.parametrize(("wrong", "said"), [({"features": "PCA"}, "expected features to be a function.*got 'PCA'"),
                                             ({"name": None}, "name of the features as text, got None")])  # fmt: skip
def test_frechet_distance_refuses_other_types(wrong, said):
    with pytest.raises(TypeError, match=said):
        metrics.frechet_distance(**{"real": [[0.0]], "generated": [[0.0]], "features": flat, "name": "x", **wrong})
