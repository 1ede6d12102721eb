"""Clusters on a manifold: what is grouped is found, new images get their neighbours' place, and bad input is said."""

import sys
import warnings

import numpy as np
import pytest
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, make_pipeline

import ae_toolkit as ae
from ae_toolkit._keras import keras
from ae_toolkit.estimators import _manifold

SMALL = {"code_dim": 2, "hidden_units": (4,), "epochs": 1, "random_state": 0}


class Codes(TransformerMixin, BaseEstimator):
    """Images that are their own codes."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X).reshape(len(X), -1)

    def __sklearn_is_fitted__(self):
        return True


def clusterer(n_clusters=3, **options):
    return ae.ManifoldClustering(n_clusters, **{"transformer": Codes(), "n_dims": 2, "random_state": 0, **options})


def groups(sizes=(40, 30, 50), d=4, seed=0):
    """Return points in groups that are far from each other, shuffled, and their groups."""
    random = np.random.RandomState(seed)
    labels = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return (10 * np.eye(len(sizes), d)[labels] + random.normal(size=(len(labels), d))).astype(np.float32), labels


def pictures(n=20, seed=0):
    return np.random.default_rng(seed).random((n, 6, 5, 1), dtype=np.float32)


@pytest.fixture(scope="module")
def fitted():
    return clusterer().fit(groups()[0])


# -------------------------------------------------------------------------------- clusters


def test_groups_are_found(fitted):
    labels = groups()[1]
    assert ae.metrics.clustering_accuracy(labels, fitted.labels_) == 1
    assert (fitted.n_clusters_, fitted.mixture_.n_components) == (3, 3)
    assert fitted.embedding_.shape == (120, 2)
    assert fitted.embedding_.dtype == np.float32
    assert list(fitted.get_feature_names_out()) == ["manifoldclustering0", "manifoldclustering1"]


def test_their_number_is_found():
    found = clusterer(None).fit(groups()[0])
    assert found.n_clusters_ == 3
    assert ae.metrics.clustering_accuracy(groups()[1], found.labels_) == 1


def test_one_cluster():
    found = clusterer(1).fit(groups()[0])
    assert not found.labels_.any()
    np.testing.assert_array_equal(found.predict_proba(groups()[0]), np.ones((120, 1)))


def test_a_curved_group_is_one_cluster():
    """Two rings, one around the other, which k-means on the codes cannot tell apart."""
    random = np.random.RandomState(0)
    angle, ring = random.uniform(0, 2 * np.pi, 400), np.repeat([0, 1], 200)
    points = (1 + 2 * ring)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) + random.normal(
        0, 0.05, (400, 2)
    )
    found = clusterer(2).fit(points)
    assert ae.metrics.clustering_accuracy(ring, found.labels_) == 1


# ------------------------------------------------------------------------------- new images


def test_new_images_belong_to_the_groups_they_lie_in(fitted):
    new, labels = groups(seed=1)
    predicted = fitted.predict(new)
    both = np.concatenate([groups()[1], labels]), np.concatenate([fitted.labels_, predicted])
    assert ae.metrics.clustering_accuracy(*both) == 1
    proba = fitted.predict_proba(new)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(proba.argmax(axis=1), predicted)


def test_the_fitted_images_keep_their_labels_and_places(fitted):
    images = groups()[0]
    np.testing.assert_array_equal(fitted.predict(images), fitted.labels_)
    np.testing.assert_array_equal(fitted.transform(images), fitted.embedding_)
    proba = fitted.mixture_.predict_proba(fitted.embedding_.astype(float))
    np.testing.assert_allclose(fitted.predict_proba(images), proba)


@pytest.mark.slow
@pytest.mark.parametrize("transformer", [None, ae.Autoencoder(**SMALL)], ids=["default", "own"])
def test_an_image_alone_gives_the_same_bits_as_among_others(transformer):
    found = ae.ManifoldClustering(3, transformer=transformer, random_state=0).fit(pictures())
    new = pictures(50, seed=1)
    for method in (found.predict, found.predict_proba, found.transform):
        np.testing.assert_array_equal(np.concatenate([method(new[i : i + 1]) for i in range(50)]), method(new))


# -------------------------------------------------------------------------------- transformers


@pytest.mark.slow
def test_the_default_is_an_autoencoder_that_may_deskew():
    images = np.zeros((12, 12, 12, 1), np.float32)
    images[:, 3:-3, 3:-3] = np.random.default_rng(0).random((12, 6, 6, 1))
    found = ae.ManifoldClustering(2, random_state=0).fit(images)
    assert isinstance(found.transformer_, ae.DenoisingAutoencoder)
    assert isinstance(found.transformer_.target, ae.Deskew)
    assert found.codes_.shape == (12, 30)
    assert found.n_features_in_ == 144


def test_a_fitted_transformer_is_kept_when_it_is_frozen():
    autoencoder = ae.Autoencoder(**SMALL).fit(pictures(seed=3))
    found = clusterer(transformer=FrozenEstimator(autoencoder)).fit(pictures())
    assert found.transformer_.estimator is autoencoder
    np.testing.assert_array_equal(found.codes_, autoencoder.transform(pictures()))
    anew = clusterer(transformer=autoencoder).fit(pictures())
    assert anew.transformer_ is not autoencoder


@pytest.mark.slow
def test_several_codes_side_by_side():
    both = FeatureUnion([("one", ae.Autoencoder(**SMALL)), ("other", ae.DenoisingAutoencoder(**SMALL))])
    found = clusterer(transformer=both).fit(pictures())
    assert found.codes_.shape == (20, 4)
    assert found.predict(pictures(5, seed=1)).shape == (5,)


@pytest.mark.slow
def test_folders_and_streams(tmp_path):
    images = np.round(pictures() * 255) / np.float32(255)
    for i, image in enumerate(images):
        Image.fromarray(np.uint8(np.round(image[..., 0] * 255))).save(tmp_path / f"{i:02}.png")

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return images[5 * index : 5 * index + 5]

    frozen = FrozenEstimator(ae.Autoencoder(**SMALL).fit(images))
    expected = clusterer(transformer=frozen).fit(images)
    for source in (tmp_path, Batches()):
        found = clusterer(transformer=frozen).fit(source)
        np.testing.assert_array_equal(found.labels_, expected.labels_)
        np.testing.assert_array_equal(found.predict(source), found.predict(images))
        assert found.n_features_in_ == 30
    trained = ae.ManifoldClustering(2, transformer=ae.Autoencoder(**SMALL), random_state=0).fit(str(tmp_path))
    assert trained.labels_.shape == (20,)


# -------------------------------------------------------------------------------- random state


@pytest.mark.slow
@pytest.mark.parametrize("transformer", [None, ae.Autoencoder(**SMALL)], ids=["default", "own"])
def test_a_seed_decides_everything_and_nothing_else_is_touched(transformer, global_random_state_kept):
    images = pictures(60)
    with global_random_state_kept():
        first, again, other = (
            ae.ManifoldClustering(3, transformer=transformer, random_state=seed).fit(images) for seed in (0, 0, 1)
        )
    np.testing.assert_array_equal(first.embedding_, again.embedding_)
    np.testing.assert_array_equal(first.labels_, again.labels_)
    assert not np.allclose(first.embedding_, other.embedding_)


@pytest.mark.slow
def test_in_parallel_the_groups_are_the_same_and_no_global_state_is_read(global_random_state_kept):
    import numba

    threads = numba.get_num_threads()
    with global_random_state_kept():
        found = clusterer(n_jobs=-1).fit(groups()[0])
    assert ae.metrics.clustering_accuracy(groups()[1], found.labels_) == 1
    assert numba.get_num_threads() == threads


# ----------------------------------------------------------------------------------- bad input


def test_umap_learn_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap.umap_", None)
    estimator = clusterer()
    with pytest.raises(ImportError, match=r"with umap-learn, but .*pip install 'ae-toolkit\[clustering\]'"):
        estimator.fit(groups()[0])
    assert not hasattr(estimator, "labels_")


def test_more_clusters_than_images():
    with pytest.raises(ValueError, match="expected at least n_clusters=10 images, got 4"):
        clusterer(10).fit(groups()[0][:4])


@pytest.mark.parametrize("n_clusters", [None, 1])
def test_one_image_is_one_cluster(n_clusters):
    found = clusterer(n_clusters).fit(groups()[0][:1])
    assert found.labels_.tolist() == [0]
    assert found.predict(groups()[0][:7]).tolist() == [0] * 7


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 9])
def test_few_images(n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = clusterer(2, n_dims=8).fit(groups()[0][:n])
    assert found.embedding_.shape == (n, min(4, n - 1))
    assert np.isfinite(found.embedding_).all()
    assert set(found.labels_) == {0, 1}


@pytest.mark.parametrize("n", [1, 2, 3])
def test_only_a_few_different_images(n):
    """Each is a cluster, whatever was asked for; 4 others are no nearer to one than to another."""
    images = np.tile(groups()[0][:n], (30, 1))
    with pytest.warns(
        ConvergenceWarning, match="different codes or more, but (all codes are equal|only . codes differ)"
    ):
        found = clusterer(5).fit(images)
    assert found.n_clusters_ == n
    assert len(set(found.labels_)) == n
    np.testing.assert_array_equal(found.labels_, np.tile(found.labels_[:n], 30))


def test_equal_images_have_equal_places():
    images = np.repeat(groups()[0], 3, axis=0)
    found = clusterer().fit(images)
    np.testing.assert_array_equal(found.embedding_, np.repeat(found.embedding_[::3], 3, axis=0))
    np.testing.assert_array_equal(found.distinct_, np.arange(0, 360, 3))
    np.testing.assert_array_equal(found.predict(images), found.labels_)


def test_codes_that_are_all_equal():
    class Constant(Codes):
        def transform(self, X):
            return np.ones((len(X), 3))

    with pytest.warns(ConvergenceWarning, match="n_clusters=3 different codes or more, but all codes are equal"):
        found = clusterer(transformer=Constant()).fit(pictures())
    assert found.n_clusters_ == 1
    assert not found.labels_.any()
    assert clusterer(None, transformer=Constant()).fit(pictures()).n_clusters_ == 1


def test_codes_that_are_no_numbers_leave_the_estimator_as_it_was(fitted):
    class Broken(Codes):
        def transform(self, X):
            return np.full((len(X), 3), np.nan)

    estimator = clusterer().fit(groups()[0])
    before = estimator.__dict__.copy()
    estimator.set_params(transformer=Broken())
    with pytest.raises(ValueError, match="expected finite codes, got NaN"):
        estimator.fit(pictures())
    assert estimator.__dict__ == {**before, "transformer": estimator.transformer}


def test_a_graph_in_more_parts_than_clusters_is_said_and_clustered():
    images, labels = groups((30, 30, 30, 30, 30, 30), d=6)
    with pytest.warns(
        UserWarning, match=r"form 6 large parts that nothing connects, more than the 2 clusters.*n_neighbors=9"
    ):
        found = clusterer(2, n_neighbors=9).fit(images)
    assert np.isfinite(found.embedding_).all()
    assert set(found.labels_) == {0, 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as many parts as clusters are no trouble
        found = clusterer(6, n_neighbors=9).fit(images)
    assert ae.metrics.clustering_accuracy(labels, found.labels_) == 1


@pytest.mark.slow
def test_images_of_another_shape(fitted):
    with pytest.raises(ValueError, match="is expecting 4 features"):
        fitted.predict(np.zeros((3, 5)))
    found = clusterer(transformer=ae.Autoencoder(**SMALL)).fit(pictures())
    with pytest.raises(ValueError, match=r"of shape \(6, 5, 1\)"):
        found.predict(np.zeros((3, 5, 6, 1)))


def test_before_it_is_fitted():
    for method in ("predict", "predict_proba", "transform"):
        with pytest.raises(NotFittedError):
            getattr(clusterer(), method)(groups()[0])


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("n_clusters", 0), ("n_clusters", 2.5), ("transformer", "auto"), ("n_neighbors", 1), ("n_dims", 0),
     ("min_dist", -1), ("min_dist", 2.0), ("umap_epochs", 0), ("n_init", 0), ("n_jobs", 0), ("n_jobs", -2)],
)  # fmt: skip
def test_parameters_out_of_range(parameter, value):
    with pytest.raises(ValueError, match=rf"{parameter}.*Got "):
        clusterer().set_params(**{parameter: value}).fit(groups()[0])


# ------------------------------------------------------------------------------- save and load


@pytest.mark.slow
def test_without_umap_learn_a_loaded_one_predicts_the_same(tmp_path, monkeypatch):
    both = FeatureUnion(
        [("one", ae.Autoencoder(**SMALL)), ("other", FrozenEstimator(ae.Autoencoder(**SMALL).fit(pictures())))]
    )
    found = clusterer(transformer=make_pipeline(both)).fit(pictures())
    ae.save(found, tmp_path / "saved")
    monkeypatch.setitem(sys.modules, "umap.umap_", None)
    twin = ae.load(tmp_path / "saved")
    for method in ("predict", "predict_proba", "transform"):
        new = pictures(9, seed=1)
        np.testing.assert_array_equal(getattr(twin, method)(new), getattr(found, method)(new))
    np.testing.assert_array_equal(twin.labels_, found.labels_)


def test_a_foreign_transformer_is_not_saved(tmp_path):
    found = clusterer(transformer=PCA(2)).fit(groups()[0])
    with pytest.raises(TypeError, match=r"in /transformer, got PCA: what others have learned cannot be saved"):
        ae.save(found, tmp_path / "saved")
    assert not any(tmp_path.iterdir())


# ------------------------------------------------------------------------------------- UMAP


def test_dimensions_in_which_points_do_not_differ():
    points = np.zeros((40, 5), np.float32)
    points[:, 0] = np.random.default_rng(0).normal(size=40)
    found, n_parts = _manifold.embed(points, n_neighbors=50, n_dims=3, min_dist=0.0, epochs=30, seed=0)
    assert found.shape == (40, 3)
    assert np.isfinite(found).all()
    assert n_parts == 1


def test_an_island_stays_by_the_part_it_is_near_to():
    """Four of 124 images are no part of their own that would draw a cluster to itself."""
    points, labels = groups((60, 60, 4))
    points[labels == 2] = np.float32(0.05) * points[labels == 2] + [0, 16, 0, 0]  # nearer to group 1
    found = clusterer(2, n_neighbors=4).fit(points)
    assert ae.metrics.clustering_accuracy(np.minimum(labels, 1), found.labels_) == 1


def test_embedding_keeps_neighbours_together():
    points, labels = groups()
    found, n_parts = _manifold.embed(points, n_neighbors=10, n_dims=2, min_dist=0.0, epochs=150, seed=0)
    assert n_parts == 3
    centres = np.stack([found[labels == i].mean(axis=0) for i in range(3)])
    spread = max(np.linalg.norm(found[labels == i] - centres[i], axis=1).max() for i in range(3))
    apart = min(np.linalg.norm(centres[i] - centres[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    assert apart > 2 * spread


@pytest.mark.parametrize("verbose", [0, 1])
def test_progress_is_shown_where_it_is_asked_for(verbose, capfd):
    clusterer(verbose=verbose).fit(groups()[0])
    shown = "".join(capfd.readouterr())
    assert ("150/150" in shown) == bool(verbose), shown
