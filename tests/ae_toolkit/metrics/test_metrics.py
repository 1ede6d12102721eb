"""Measures against their definitions, worked out by hand or by brute force."""

import math
from dataclasses import FrozenInstanceError
from itertools import combinations, permutations

import numpy as np
import pytest

from ae_toolkit import metrics

rng_of = np.random.default_rng


def test_every_public_name_is_offered():
    assert metrics.__all__ == sorted(metrics.__all__)
    assert all(callable(getattr(metrics, name)) for name in metrics.__all__)
    own = {
        name for name, value in vars(metrics).items()
        if getattr(value, "__module__", "").startswith("ae_toolkit") and not name.startswith("_")
    }  # fmt: skip
    assert own == set(metrics.__all__)


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


def test_reconstruction_error_does_not_lose_two_infinities_in_their_difference():
    with pytest.raises(ValueError, match="finite"):
        metrics.reconstruction_error([[np.inf]], [[np.inf]])


def test_weights_are_how_often_an_image_counts():
    images, found = rng_of(0).random((2, 4, 3, 3, 1))
    times = [2, 0, 1, 3]
    repeated = metrics.reconstruction_error(images.repeat(times, axis=0), found.repeat(times, axis=0))
    assert metrics.reconstruction_error(images, found, sample_weight=times) == pytest.approx(repeated)
    assert metrics.reconstruction_error(images, found, np.multiply(times, 0.1)) == pytest.approx(repeated)
    assert isinstance(metrics.reconstruction_error(images, found, times), float)


def test_equal_weights_change_nothing():
    images, found = rng_of(0).random((2, 5, 7))
    plain = metrics.reconstruction_error(images, found)
    assert metrics.reconstruction_error(images, found, sample_weight=np.full(5, 9)) == pytest.approx(plain)


@pytest.mark.parametrize("weights", [[1.0], [[1.0, 1.0]], 1.0, [1, 1, 1], []])
def test_reconstruction_error_needs_a_weight_for_each_image(weights):
    with pytest.raises(ValueError, match=r"one weight for each of 2 images, got shape \("):
        metrics.reconstruction_error(np.zeros((2, 3)), np.ones((2, 3)), sample_weight=weights)


@pytest.mark.parametrize("weights", [[-1, 2], [0, 0], [np.nan, 1], [np.inf, 1]])
def test_reconstruction_error_refuses_weights_that_make_no_mean(weights):
    with pytest.raises(ValueError, match="finite weights, none negative and not all zero, got"):
        metrics.reconstruction_error(np.zeros((2, 3)), np.ones((2, 3)), sample_weight=weights)


# ------------------------------------------------------------------------ psnr and ssim


def test_psnr_by_hand():
    """Mean squared errors of 1/100 and 1/10,000 are 20 and 40 dB; their mean is 30, not the 22.97 of the mean error."""
    images = np.zeros((2, 2, 2, 1))
    found = images + np.array([0.1, 0.01]).reshape(2, 1, 1, 1)
    assert metrics.psnr(images, found) == pytest.approx(30)
    assert isinstance(metrics.psnr(images, found), float)


def test_psnr_of_half_the_pixels_wrong():
    assert metrics.psnr([[0.0, 0.0]], [[0.0, 1.0]]) == pytest.approx(10 * math.log10(2))


def test_psnr_does_not_depend_on_the_unit_of_pixels():
    images, found = rng_of(0).random((2, 3, 8, 8, 1))
    assert metrics.psnr(255 * images, 255 * found, data_range=255) == pytest.approx(metrics.psnr(images, found))


def test_psnr_of_8_bit_images_does_not_wrap_around():
    black, white = np.zeros((1, 4), np.uint8), np.full((1, 4), 255, np.uint8)
    assert metrics.psnr(black, white, data_range=255) == metrics.psnr(white, black, data_range=255) == 0


def test_psnr_of_an_exact_image_is_infinite():
    assert metrics.psnr(np.zeros((2, 4)), [[0, 0, 0, 0], [0, 0, 0, 1]]) == math.inf


def ssim_of_pair(image, other, window, data_range=1.0):
    """Work out Wang et al.'s equation 13 in every window that lies inside two grey pictures."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    found = []
    for top in range(image.shape[0] - window + 1):
        for left in range(image.shape[1] - window + 1):
            place = np.s_[top : top + window, left : left + window]
            a, b = image[place].ravel(), other[place].ravel()
            (var_a, both), (_, var_b) = np.cov(a, b)
            light = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
            found.append(light * (2 * both + c2) / (var_a + var_b + c2))
    return np.mean(found)


@pytest.mark.parametrize(("shape", "window"), [((12, 9), 7), ((8, 8), 7), ((6, 20), 5), ((4, 4), 3), ((3, 3), 3)])
def test_ssim_is_the_published_equation_in_the_window_that_fits(shape, window):
    images, found = rng_of(0).random((2, 3, *shape))
    expected = np.mean([ssim_of_pair(*pair, window) for pair in zip(images, found, strict=True)])
    assert metrics.ssim(images, found) == pytest.approx(expected)
    assert metrics.ssim(images[..., None], found[..., None]) == pytest.approx(expected)


def test_ssim_of_colour_is_the_mean_over_channels():
    images, found = rng_of(0).random((2, 2, 10, 10, 3))
    channels = [metrics.ssim(images[..., channel], found[..., channel]) for channel in range(3)]
    assert metrics.ssim(images, found) == pytest.approx(np.mean(channels))


def test_ssim_does_not_depend_on_the_unit_of_pixels():
    images, found = rng_of(0).random((2, 3, 8, 8))
    assert metrics.ssim(255 * images, 255 * found, data_range=255) == pytest.approx(metrics.ssim(images, found))
    assert metrics.ssim(255 * images, 255 * found) != pytest.approx(metrics.ssim(images, found))


def test_ssim_of_equal_pictures_is_one_and_blur_costs_more_than_light():
    """The point of the measure: two changes of equal squared error, and the eye forgives the brighter picture."""
    picture = np.indices((1, 16, 16)).sum(axis=0) % 2 * 0.5 + 0.2
    brighter, flat = picture + 0.25, np.full_like(picture, 0.45)
    assert metrics.reconstruction_error(picture, brighter) == pytest.approx(metrics.reconstruction_error(picture, flat))
    assert metrics.ssim(picture, picture) == 1
    assert metrics.ssim(picture, brighter) > 0.8
    assert metrics.ssim(picture, flat) < 0.05
    assert isinstance(metrics.ssim(picture, flat), float)


@pytest.mark.parametrize("shape", [(2, 64), (2, 8, 8, 1, 1)])
def test_ssim_refuses_what_is_no_picture(shape):
    with pytest.raises(ValueError, match=r"\(n, height, width\) or .*got \(2, .*reshape"):
        metrics.ssim(np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("shape", [(2, 2, 9), (2, 9, 2, 1), (1, 1, 1)])
def test_ssim_refuses_pictures_that_no_window_fits(shape):
    with pytest.raises(ValueError, match=r"at least 3×3 pixels, got shape \("):
        metrics.ssim(np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("measure", [metrics.psnr, metrics.ssim])
def test_measures_of_pairs_refuse_what_does_not_match(measure):
    with pytest.raises(ValueError, match=r"one shape, got \(2, 8, 8\) and \(8, 8\)"):
        measure(np.zeros((2, 8, 8)), np.zeros((8, 8)))
    with pytest.raises(ValueError, match=r"at least one image.*got shape \(0, 8, 8\)"):
        measure(np.zeros((0, 8, 8)), np.zeros((0, 8, 8)))
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="finite pixels, got NaN or infinity in the reconstructions"):
            measure(np.zeros((1, 8, 8)), np.full((1, 8, 8), value))
        with pytest.raises(ValueError, match="finite pixels, got NaN or infinity in the images"):
            measure(np.full((1, 8, 8), value), np.zeros((1, 8, 8)))


@pytest.mark.parametrize("measure", [metrics.psnr, metrics.ssim])
@pytest.mark.parametrize("data_range", [0, -1, np.nan, np.inf])
def test_measures_of_pairs_refuse_a_range_that_is_none(measure, data_range):
    with pytest.raises(ValueError, match="expected data_range to be a positive number, got"):
        measure(np.zeros((2, 8, 8)), np.ones((2, 8, 8)), data_range=data_range)


# ---------------------------------------------------------------------- bits_per_pixel


def test_bits_per_pixel_by_hand():
    """An image of 6 fair coins has a likelihood of 1/64: 6 bits, one a pixel."""
    assert metrics.bits_per_pixel(math.log(64), (2, 3, 1)) == pytest.approx(1)
    assert metrics.bits_per_pixel(math.log(256) * 3072, (32, 32, 3)) == pytest.approx(8)  # channels count
    assert metrics.bits_per_pixel(math.log(2), (1,)) == metrics.bits_per_pixel(math.log(2), 1) == 1
    assert isinstance(metrics.bits_per_pixel(np.float32(1), (2, 2)), float)


def test_bits_per_pixel_of_many_images():
    found = metrics.bits_per_pixel([math.log(2), -math.log(4)], (np.int64(2),))  # a density may exceed 1
    np.testing.assert_allclose(found, [0.5, -1])


@pytest.mark.parametrize("shape", [(), (0, 8), (-8, 8), (8.5, 8), (True, 8), ("8", 8), None, 0])
def test_bits_per_pixel_refuses_a_shape_that_is_none(shape):
    with pytest.raises(ValueError, match=r"expected image_shape as positive integers, .*got"):
        metrics.bits_per_pixel(1.0, shape)


@pytest.mark.parametrize("nats", [np.nan, np.inf, [1.0, np.nan], []])
def test_bits_per_pixel_refuses_what_is_no_likelihood(nats):
    with pytest.raises(ValueError, match="expected a finite number of nats per image, got"):
        metrics.bits_per_pixel(nats, (8, 8))


# -------------------------------------------------------------------- frechet_distance


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
        ({"features": lambda x: x / 0 * np.nan}, "finite features, got NaN or infinity from the real images"),
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


# --------------------------------------------------------- nmi, ari, clustering_scores


def entropy(*labels):
    """Return the entropy, in nats, of labels or of pairs of labels."""
    _, counts = np.unique(np.column_stack(labels), axis=0, return_counts=True)
    share = counts / counts.sum()
    return -np.sum(share * np.log(share))


def rand_index_by_pairs(labels_true, labels_pred):
    """Return the adjusted Rand index from Hubert and Arabie's definition, pair by pair."""
    together = np.array([[a[i] == a[j] for i, j in combinations(range(len(a)), 2)] for a in (labels_true, labels_pred)])
    index, (rows, columns) = np.sum(together.all(axis=0)), together.sum(axis=1)
    chance = rows * columns / together.shape[1]
    return (index - chance) / ((rows + columns) / 2 - chance)


@pytest.mark.parametrize("seed", range(3))
def test_nmi_and_ari_are_their_definitions(seed):
    labels_true, labels_pred = rng_of(seed).integers(4, size=(2, 30))
    shared = entropy(labels_true) + entropy(labels_pred) - entropy(labels_true, labels_pred)
    mean = (entropy(labels_true) + entropy(labels_pred)) / 2
    assert metrics.nmi(labels_true, labels_pred) == pytest.approx(shared / mean)
    assert metrics.ari(labels_true, labels_pred) == pytest.approx(rand_index_by_pairs(labels_true, labels_pred))


def test_ari_by_hand():
    """Of 6 pairs, 2 are together in classes, 3 in clusters, 1 in both; chance gives 1: (1 - 1) / (2.5 - 1) = 0."""
    assert metrics.ari([0, 0, 1, 1], ["b", "b", "a", "b"]) == 0


def test_clusters_of_one_image_fool_nmi_but_not_ari():
    labels_true = np.arange(40) % 2
    assert metrics.nmi(labels_true, np.arange(40)) > 0.3
    assert metrics.ari(labels_true, np.arange(40)) == pytest.approx(0)


def test_clustering_scores_are_the_three_measures():
    labels_true, labels_pred = rng_of(0).integers(3, size=(2, 50))
    assert metrics.clustering_scores(labels_true, labels_pred) == {
        "accuracy": metrics.clustering_accuracy(labels_true, labels_pred),
        "nmi": metrics.nmi(labels_true, labels_pred),
        "ari": metrics.ari(labels_true, labels_pred),
    }
    renamed = metrics.clustering_scores(["cat", "dog", "emu"] * 4, [2, 0, 1] * 4)
    assert renamed == {"accuracy": 1, "nmi": pytest.approx(1), "ari": 1}
    assert all(type(score) is float for score in renamed.values())


def test_clustering_of_a_single_image():
    assert metrics.clustering_scores([3], ["a"]) == {"accuracy": 1, "nmi": 1, "ari": 1}


CLUSTERING = [metrics.clustering_accuracy, metrics.nmi, metrics.ari, metrics.clustering_scores]


@pytest.mark.parametrize("measure", CLUSTERING)
@pytest.mark.parametrize(
    ("labels_true", "labels_pred"), [([0, 1], [0, 1, 1]), ([], []), ([[0, 1]], [[0, 1]]), ([[0], [1]], [0, 1])]
)
def test_measures_of_a_clustering_refuse_what_does_not_match(measure, labels_true, labels_pred):
    with pytest.raises(ValueError, match=r"two label vectors of one length.*got shapes"):
        measure(labels_true, labels_pred)


@pytest.mark.parametrize("measure", CLUSTERING)
def test_measures_of_a_clustering_refuse_labels_that_are_not_there(measure):
    with pytest.raises(ValueError, match="got NaN in labels_true"):
        measure([0, np.nan], [0, 1])
    with pytest.raises(ValueError, match="got NaN in labels_pred"):
        measure(["a", "b"], np.array(["a", np.nan], dtype=object))


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
        ValueError, match=rf"n_neighbors from 1 to {largest}, less than half of {n} images, got {asked}"
    ):
        metrics.trustworthiness(images, images, n_neighbors=asked)
    assert metrics.trustworthiness(images, images, n_neighbors=largest) == 1


@pytest.mark.parametrize("n_neighbors", [2.0, "2", None, True])
def test_trustworthiness_needs_a_whole_number_of_neighbours(n_neighbors):
    with pytest.raises(ValueError, match=r"expected n_neighbors from 1 to 4, .*got"):
        metrics.trustworthiness(np.eye(10), np.eye(10), n_neighbors=n_neighbors)


@pytest.mark.parametrize(
    ("images", "codes", "said"),
    [
        (np.zeros((0, 4)), np.zeros((0, 2)), r"images as an array of shape \(n, ...\), got shape \(0, 4\)"),
        (np.zeros(12), np.zeros((12, 2)), r"images as an array of shape \(n, ...\), got shape \(12,\)"),
        (np.zeros((12, 4)), np.zeros((11, 2)), r"a code for each of 12 images, as \(n, d\), got shape \(11, 2\)"),
        (np.zeros((12, 4)), np.zeros(12), r"a code for each of 12 images, as \(n, d\), got shape \(12,\)"),
        (np.zeros((12, 4)), np.zeros((12, 0)), r"a code for each of 12 images, as \(n, d\), got shape \(12, 0\)"),
        (np.full((12, 4), np.nan), np.zeros((12, 2)), "finite images, got NaN"),
        (np.zeros((12, 4)), np.full((12, 2), np.inf), "finite codes, got NaN"),
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
