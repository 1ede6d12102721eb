"""Deep embedded clustering: the paper's equations, what is kept and what is trained, sources, bad input, collapse."""

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator

import ae_toolkit as ae
from ae_toolkit import networks, training
from ae_toolkit._keras import keras
from ae_toolkit.estimators import clustering_model
from ae_toolkit.estimators._graph_cut import cut
from ae_toolkit.estimators.clustering_model import (
    Assignments,
    ClusteringModel,
    fill_empty,
    soft_assignments,
    whitening_of,
)
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.training.backend import backend

SMALL = {"code_dim": 2, "epochs": 5, "random_state": 0}
VARIANTS = {
    "Autoencoder": {},
    "DenoisingAutoencoder": {"corruption_level": 0.1},
    "SparseAutoencoder": {},
    "ContractiveAutoencoder": {},
    "VariationalAutoencoder": {},
    "AdversarialAutoencoder": {"discriminator_units": (3,)},
}


def three_kinds(n=60, seed=0):
    """Return images of three clearly different patterns, and the pattern of each."""
    generator = np.random.default_rng(seed)
    patterns = (generator.random((3, 6, 5, 1)) > 0.5).astype(np.float32)
    kinds = np.arange(n) % 3
    noise = generator.normal(scale=0.05, size=(n, 6, 5, 1))
    return np.clip(patterns[kinds] * 0.8 + 0.1 + noise, 0, 1).astype(np.float32), kinds


IMAGES, KINDS = three_kinds()


@pytest.fixture(scope="module")
def frozen():
    return FrozenEstimator(ae.Autoencoder(**SMALL).fit(IMAGES))


def clusters(n_clusters=3, **options):
    return ae.DeepEmbeddedClustering(n_clusters, **{"epochs": 3, "random_state": 0, **options})


def assert_same_clusters(found, expected):
    assert ae.metrics.ari(found, expected) == 1


# ------------------------------------------------------------------------------- equations


def model_and_images(reconstruction_weight=0.1, corruption=None, n_clusters=3):
    kind = corruption or AutoencoderModel
    inner, teacher = (kind(*networks.build((6, 5, 1), 2, hidden_units=(4,), seed=seed)) for seed in (0, 1))
    model = ClusteringModel(inner, teacher, n_clusters, 2, reconstruction_weight)
    generator = np.random.default_rng(1)
    model.centers.assign(generator.normal(size=(n_clusters, 2)))  # whitened
    model.teacher_centers.assign(model.centers)
    model.frequencies.assign(generator.random(n_clusters) + 0.1)
    model.whitening.assign([[1.4, 0.3], [0.3, 0.8]])
    return model, keras.ops.convert_to_tensor(IMAGES[:8])


def by_the_paper(model, images, training=False):
    """Return codes, q and p of equations 1 and 3, with distances of whitened codes."""
    codes = keras.ops.convert_to_numpy(model.autoencoder.encode(images)).astype(float)
    centers, whitening = model.placement()
    q = 1 / (1 + np.square((codes[:, None] - centers) @ whitening).sum(-1))
    q /= q.sum(axis=1, keepdims=True)
    frequencies = keras.ops.convert_to_numpy(model.frequencies)
    if training:  # the batch's 8 images take their part in the running mean
        frequencies = frequencies + 8 / 1024 * (q.mean(axis=0) - frequencies)
    p = q**2 / frequencies
    return codes, q, p / p.sum(axis=1, keepdims=True)


def test_the_loss_is_the_paper_s():
    model, images = model_and_images()
    codes, q, p = by_the_paper(model, images, training=True)
    terms = model.loss_terms(images, model(images, training=True))
    np.testing.assert_allclose(terms["clustering"], (p * np.log(p / q)).sum(axis=1), rtol=1e-4, atol=1e-6)
    error = IMAGES[:8] - keras.ops.convert_to_numpy(model.autoencoder(images))
    np.testing.assert_allclose(terms["reconstruction"], np.square(error).reshape(8, -1).sum(1), rtol=1e-4)
    np.testing.assert_allclose(soft_assignments(codes, *model.placement()), q, rtol=1e-12)


def test_the_gradient_is_the_paper_s():
    """Equation 5, in which the target p is held: it would be another one if the gradient went through p."""
    model, images = model_and_images(reconstruction_weight=0.0)
    codes, q, p = by_the_paper(model, images, training=True)
    centers, whitening = model.placement()
    differences = (codes[:, None] - centers) @ whitening
    force = (p - q) / (1 + np.square(differences).sum(-1))
    expected = -2 * (force[..., None] * differences).sum(axis=0) / len(codes)  # of the whitened centres

    def loss():
        terms = model.loss_terms(images, model(images, training=True))
        return keras.ops.mean(terms["clustering"]), keras.ops.mean(terms["clustering"])

    _, (gradient,) = backend.value_and_grad(loss, [model.centers], [model.frequencies])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(gradient), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("change", [1000 * np.eye(2), np.array([[3.0, 1.0], [-2.0, 0.5]])])
def test_assignments_do_not_depend_on_the_scale_of_the_codes_nor_on_a_linear_map(change):
    generator = np.random.default_rng(0)
    codes, labels = generator.normal(size=(30, 2)), np.arange(30) % 3
    found = []
    for matrix in (np.eye(2), change):
        model, _ = model_and_images()
        model.begin_at(codes @ matrix, labels)
        found.append(soft_assignments(codes @ matrix, *model.placement()))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


def test_clusters_are_whitened():
    generator = np.random.default_rng(0)
    labels = np.arange(300) % 3
    codes = generator.normal(size=(300, 2)) @ [[5.0, 4.0], [0.0, 1.0]] + 10 * labels[:, None]
    model, _ = model_and_images()
    model.begin_at(codes, labels)
    centers, whitening = model.placement()
    np.testing.assert_allclose(centers, [codes[labels == k].mean(axis=0) for k in range(3)], rtol=1e-5)
    inside = (codes - centers[labels]) @ whitening
    np.testing.assert_allclose(inside.T @ inside / 300, np.eye(2), atol=1e-4)


def test_whitening_without_variance_in_some_or_all_directions():
    flat = np.array([[3.0, 0.0], [-3.0, 0.0]])
    np.testing.assert_allclose(whitening_of(flat), [[1 / 3, 0], [0, (0.01 * 4.5) ** -0.5]])
    np.testing.assert_array_equal(whitening_of(np.zeros((5, 3))), np.eye(3))


def test_frequencies_are_a_running_mean():
    model, images = model_and_images()
    before = keras.ops.convert_to_numpy(model.frequencies)
    _, q, _ = by_the_paper(model, images)
    model(images)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model.frequencies), before)
    model(images, training=True)
    expected = before + 8 / clustering_model.COUNTED_IMAGES * (q.mean(axis=0) - before)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.frequencies), expected, rtol=1e-5)


def test_the_teacher_follows_slowly_and_makes_the_targets():
    model, images = model_and_images()
    start = [weight.copy() for weight in model.teacher.encoder.get_weights()]
    for before, now in zip(start, model.autoencoder.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(before, now)
    model.autoencoder.encoder.set_weights([weight + 1 for weight in start])
    model.centers.assign(model.centers + 1)
    target = keras.ops.convert_to_numpy(model(images)["log_target"])
    untouched, _ = model_and_images()
    np.testing.assert_allclose(target, untouched(images)["log_target"], rtol=1e-5)
    centers = keras.ops.convert_to_numpy(model.teacher_centers)
    model(images, training=True)
    for before, now in zip(start, model.teacher.encoder.get_weights(), strict=True):
        np.testing.assert_allclose(now - before, clustering_model.FOLLOWED, atol=1e-5)
    np.testing.assert_allclose(model.teacher_centers - centers, clustering_model.FOLLOWED, atol=1e-5)
    assert not {id(each) for each in model.teacher.variables} & {id(each) for each in model.trainable_variables}


class Blackens(AutoencoderModel):
    def corrupt(self, images, training=None):
        return images * 0 if training else images


def test_the_target_is_the_clean_image_s_and_the_assignment_the_corrupted_one_s():
    model, images = model_and_images(corruption=Blackens)
    _, _, p = by_the_paper(model, images, training=True)
    outputs = {name: keras.ops.convert_to_numpy(value) for name, value in model(images, training=True).items()}
    np.testing.assert_allclose(np.exp(outputs["log_target"]), p, rtol=1e-4, atol=1e-6)
    assert np.ptp(outputs["log_assignment"], axis=0).max() < 1e-6  # all images are black alike
    np.testing.assert_array_equal(outputs["wanted"], IMAGES[:8])  # and the clean ones are to be decoded


def test_a_model_can_be_made_from_its_configuration():
    model, images = model_and_images()
    twin = ClusteringModel.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    for name, value in model(images).items():
        np.testing.assert_array_equal(value, twin(images)[name])


# ---------------------------------------------------------------------- what comes of a fit


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0, 0.1])
@pytest.mark.usefixtures("either_way")
def test_clear_kinds_are_found(weight, frozen):
    found = clusters(autoencoder=frozen, reconstruction_weight=weight).fit(IMAGES)
    assert_same_clusters(found.labels_, KINDS)
    assert_same_clusters(found.predict(three_kinds(30)[0]), KINDS[:30])
    assert found.n_clusters_ == 3
    assert found.cluster_centers_.shape == (3, 2)
    assert found.n_features_in_ == 30
    terms = {"clustering", "reconstruction"} if weight else {"clustering"}
    assert set(found.history_) == {"loss", "changed", *terms}
    assert found.n_iter_ == len(found.history_["loss"]) <= 3
    loss = np.add(found.history_["clustering"], np.multiply(weight, found.history_.get("reconstruction", 0)))
    np.testing.assert_allclose(found.history_["loss"], loss, rtol=1e-4)


@pytest.mark.slow
def test_labels_and_predictions_agree_to_the_bit(frozen):
    found = clusters(autoencoder=frozen).fit(IMAGES)
    np.testing.assert_array_equal(found.labels_, found.predict(IMAGES))
    together = found.soft_assignments(IMAGES)
    alone = np.concatenate([found.soft_assignments(IMAGES[i : i + 1]) for i in range(len(IMAGES))])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_allclose(together.sum(axis=1), 1)
    np.testing.assert_array_equal(together.argmax(axis=1), found.labels_)
    np.testing.assert_array_equal(found.transform(IMAGES), found.autoencoder_.transform(IMAGES))
    assert list(found.get_feature_names_out()) == ["deepembeddedclustering0", "deepembeddedclustering1"]


@pytest.mark.slow
def test_longer_trainings_take_shorter_steps(frozen, monkeypatch):
    rates, optimizer = [], training.optimizer

    def noted(name, rate, *rest):
        rates.append(rate)
        return optimizer(name, rate, *rest)

    monkeypatch.setattr(training, "optimizer", noted)
    for epochs in (1, 500):  # of 15 steps each; tol=1 ends both after the first
        clusters(autoencoder=frozen, epochs=epochs, batch_size=4, tol=1).fit(IMAGES)
    clusters(autoencoder=frozen, epochs=500, batch_size=4, tol=1, learning_rate=0.01).fit(IMAGES)
    assert rates == pytest.approx([2e-3, 2e-3 * (1000 / 7500) ** 0.5, 0.01])


@pytest.mark.slow
def test_the_training_makes_assignments_surer():
    noise = np.random.default_rng(0).random((60, 6, 5, 1), dtype=np.float32)  # of no kinds at all
    options = {"autoencoder": FrozenEstimator(ae.Autoencoder(**SMALL).fit(noise)), "tol": 0}
    rough = clusters(learning_rate=1e-9, epochs=1, **options).fit(noise)
    trained = clusters(learning_rate=1e-2, epochs=50, **options).fit(noise)
    sure = [found.soft_assignments(noise).max(axis=1).mean() for found in (rough, trained)]
    assert sure[1] > sure[0] + 0.05


@pytest.mark.slow
def test_a_frozen_autoencoder_is_started_from_and_stays_as_it_is(frozen):
    before = frozen.estimator.model_.get_weights()
    hardly = clusters(autoencoder=frozen, learning_rate=1e-9).fit(IMAGES)
    np.testing.assert_allclose(hardly.transform(IMAGES), frozen.transform(IMAGES), atol=1e-5)
    trained = clusters(autoencoder=frozen, learning_rate=1e-2).fit(IMAGES)
    assert np.abs(trained.transform(IMAGES) - frozen.transform(IMAGES)).max() > 1e-2
    for a, b in zip(before, frozen.estimator.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert clone(trained).autoencoder.estimator.model_ is frozen.estimator.model_


@pytest.mark.slow
@pytest.mark.parametrize(("weight", "trained"), [(0, False), (0.1, True)])
def test_the_decoder_is_trained_where_it_is_asked_for(weight, trained, frozen):
    found = clusters(autoencoder=frozen, reconstruction_weight=weight, learning_rate=1e-2).fit(IMAGES)
    pairs = zip(
        frozen.estimator.model_.decoder.get_weights(), found.autoencoder_.model_.decoder.get_weights(), strict=True
    )
    assert (max(np.abs(a - b).max() for a, b in pairs) > 0) == trained


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_every_autoencoder_of_the_family(name):
    autoencoder = getattr(ae, name)(**{**SMALL, "epochs": 2, **VARIANTS[name]})
    found = clusters(2, autoencoder=autoencoder, reconstruction_weight=0.01, epochs=2, tol=0).fit(IMAGES)
    assert not hasattr(autoencoder, "model_")
    assert type(found.autoencoder_) is type(autoencoder)
    assert np.isfinite(found.history_["loss"]).all()
    assert len(found.history_["loss"]) == 2


@pytest.mark.slow
def test_tied_and_augmented_networks():
    autoencoder = ae.Autoencoder(tied=True, augmentation={"shift": 0.1, "fraction": 1}, **SMALL)
    for weight in (0, 0.1):
        found = clusters(autoencoder=autoencoder, reconstruction_weight=weight).fit(IMAGES)
        assert found.labels_.shape == (60,)


@pytest.mark.slow
def test_residual_networks():
    autoencoder = ae.Autoencoder(network="patch", hidden_units=(4,), **SMALL)
    first, again = (clusters(autoencoder=autoencoder, learning_rate=0.01).fit(IMAGES) for _ in range(2))
    np.testing.assert_array_equal(first.transform(IMAGES), again.transform(IMAGES))


@pytest.mark.slow
def test_a_network_of_one_s_own():
    layers = keras.layers
    encoder = keras.Sequential([keras.Input((6, 5, 1)), layers.Flatten(), layers.Dropout(0.1, seed=0), layers.Dense(2)])
    decoder = keras.Sequential([keras.Input((2,)), layers.Dense(30), layers.Reshape((6, 5, 1))])
    autoencoder = ae.Autoencoder(2, encoder=encoder, decoder=decoder, epochs=2)
    first, again = (clusters(autoencoder=autoencoder).fit(IMAGES) for _ in range(2))
    np.testing.assert_array_equal(first.transform(IMAGES), again.transform(IMAGES))


@pytest.mark.slow
def test_the_default_autoencoder_suits_the_images():
    found = clusters(2, epochs=1).fit(IMAGES.reshape(60, -1)[:, :12])
    assert type(found.autoencoder_) is ae.Autoencoder
    assert found.cluster_centers_.shape == (2, 10)


# ----------------------------------------------------------------------------- random state


@pytest.mark.slow
def test_a_seed_decides_everything_and_nothing_else_is_touched(global_random_state_kept):
    autoencoder = ae.DenoisingAutoencoder(**{**SMALL, "random_state": None})
    with global_random_state_kept():
        first, again, other = (clusters(autoencoder=autoencoder, random_state=seed).fit(IMAGES) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.transform(IMAGES), again.transform(IMAGES))
    assert first.history_ == again.history_
    assert not np.allclose(first.transform(IMAGES), other.transform(IMAGES))


# ------------------------------------------------------------------------------- the number


@pytest.mark.slow
def test_the_number_of_clusters_is_chosen(frozen):
    found = clusters(None, autoencoder=frozen).fit(IMAGES)
    assert found.n_clusters_ == 3
    assert_same_clusters(found.labels_, KINDS)


@pytest.mark.slow
def test_one_cluster_is_allowed(frozen):
    found = clusters(1, autoencoder=frozen).fit(IMAGES)
    assert set(found.labels_) == {0}
    assert found.n_iter_ == 1  # no image can change its cluster
    np.testing.assert_array_equal(found.soft_assignments(IMAGES), 1)


@pytest.mark.slow
@pytest.mark.parametrize("n_clusters", [3, None])
def test_another_clusterer_divides_the_codes_at_first(n_clusters, frozen):
    initial = AgglomerativeClustering(3)
    found = clusters(n_clusters, autoencoder=frozen, initial=initial).fit(IMAGES)
    assert found.n_clusters_ == 3
    assert_same_clusters(found.labels_, KINDS)
    assert not hasattr(initial, "labels_")


@pytest.mark.slow
def test_the_graph_of_neighbours_is_cut_at_first_by_default(frozen):
    noise = np.random.default_rng(0).random((200, 6, 5, 1), dtype=np.float32)  # whose clusters depend on the method
    codes = frozen.transform(noise)
    labels = cut(codes, 3, 0)
    expected = np.stack([codes[labels == cluster].mean(axis=0) for cluster in range(3)])
    hardly = {"autoencoder": frozen, "learning_rate": 1e-9, "epochs": 1}
    found = clusters(**hardly).fit(noise).cluster_centers_
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(expected, axis=0), rtol=0.02)
    other = clusters(**hardly, initial=KMeans(3)).fit(noise).cluster_centers_
    assert np.abs(np.sort(other, axis=0) - np.sort(expected, axis=0)).max() > 0.05 * np.ptp(codes)


@pytest.mark.slow
def test_the_number_is_handed_on_to_the_initial_clusterer(frozen):
    assert clusters(4, autoencoder=frozen, initial=KMeans(2)).fit(IMAGES).n_clusters_ == 4


class Names(KMeans):
    """Labels that are not 0, 1, 2, and one image that belongs to none."""

    def fit(self, X, y=None):
        super().fit(X)
        self.labels_ = self.labels_ * 10 + 5
        self.labels_[0] = -1
        return self


def test_labels_of_any_kind_are_numbered_anew(frozen):
    assert_same_clusters(clusters(autoencoder=frozen, initial=Names()).fit(IMAGES).labels_, KINDS)


@pytest.mark.parametrize(
    ("n_clusters", "initial", "words"),
    [
        (3, PCA(), "labels_ after fit, got PCA"),
        (3, DBSCAN(eps=1e9), "n_clusters=3 clusters, got 1"),
        (None, DBSCAN(eps=1e-9), "at least one cluster, got 0"),
        (3, "k-means", "initial"),
    ],
)
def test_an_initial_clusterer_that_does_not_do(n_clusters, initial, words, frozen):
    with pytest.raises(ValueError, match=words):
        clusters(n_clusters, autoencoder=frozen, initial=initial).fit(IMAGES)


# ---------------------------------------------------------------------------------- sources


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return IMAGES[index * 15 : (index + 1) * 15]


@pytest.mark.slow
def test_labels_of_a_data_set_are_in_its_order(frozen):
    found = clusters(autoencoder=frozen).fit(Batches())
    assert_same_clusters(found.labels_, KINDS)
    np.testing.assert_array_equal(found.labels_, found.predict(IMAGES))
    np.testing.assert_array_equal(found.predict(Batches()), found.labels_)


@pytest.mark.slow
def test_labels_of_a_folder_are_in_the_order_of_its_files(tmp_path):
    for i, image in enumerate(IMAGES[:30]):
        Image.fromarray((image[..., 0] * 255).astype(np.uint8)).save(tmp_path / f"{i:03}.png")
    autoencoder = ae.Autoencoder(**{**SMALL, "epochs": 60})
    found = clusters(autoencoder=autoencoder, batch_size=10).fit(tmp_path)
    assert_same_clusters(found.labels_, KINDS[:30])


# --------------------------------------------------------------------------------- stopping


@pytest.mark.slow
def test_the_training_ends_when_assignments_settle(frozen):
    assert clusters(autoencoder=frozen, epochs=9).fit(IMAGES).n_iter_ == 1
    never = clusters(autoencoder=frozen, epochs=9, tol=0).fit(IMAGES)
    assert never.n_iter_ == 9
    assert never.history_["changed"][-1] == 0


@pytest.mark.slow
def test_a_training_that_was_stopped_resumes(frozen, tmp_path, monkeypatch):
    options = {"autoencoder": ae.Autoencoder(**{**SMALL, "epochs": 2}), "epochs": 4, "tol": 0, "learning_rate": 1e-2}
    whole = clusters(**options).fit(IMAGES)
    on_epoch_end = Assignments.on_epoch_end

    def stop(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt
        on_epoch_end(self, epoch, logs)

    with monkeypatch.context() as patched:
        patched.setattr(Assignments, "on_epoch_end", stop)
        with pytest.raises(KeyboardInterrupt):
            clusters(**options).fit(IMAGES, checkpoint_dir=tmp_path)
    resumed = clusters(**options).fit(IMAGES, checkpoint_dir=tmp_path)
    again = clusters(**options).fit(IMAGES, checkpoint_dir=tmp_path)
    for found in (resumed, again):
        assert found.history_ == whole.history_
        np.testing.assert_array_equal(found.labels_, whole.labels_)
        np.testing.assert_array_equal(found.cluster_centers_, whole.cluster_centers_)
    with pytest.raises(ValueError, match="another training"):
        clusters(**{**options, "reconstruction_weight": 0.5}).fit(IMAGES, checkpoint_dir=tmp_path)


# -------------------------------------------------------------------------------- bad input


def test_more_clusters_than_images(frozen):
    with pytest.raises(ValueError, match=r"at least n_clusters=7 images, got 5"):
        clusters(7, autoencoder=frozen).fit(IMAGES[:5])


@pytest.mark.slow
def test_images_that_are_all_equal():
    images = np.repeat(IMAGES[:1], 12, axis=0)
    with pytest.warns(ConvergenceWarning, match="all codes are equal"):
        found = clusters(3, autoencoder=ae.Autoencoder(**SMALL)).fit(images)
    assert found.n_clusters_ == 1
    assert set(found.labels_) == {0}


@pytest.mark.slow
def test_codes_that_are_not_numbers(frozen):
    broken = ae.Autoencoder(**SMALL).fit(IMAGES)
    broken.model_.set_weights([weight * np.nan for weight in broken.model_.get_weights()])
    with pytest.raises(ValueError, match="codes"):
        clusters(autoencoder=FrozenEstimator(broken)).fit(IMAGES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_clusters": 0}, "n_clusters"),
        ({"reconstruction_weight": -1}, "reconstruction_weight"),
        ({"autoencoder": PCA()}, "autoencoder"),
        ({"autoencoder": FrozenEstimator(PCA())}, "around a fitted autoencoder, got .*PCA"),
        ({"autoencoder": FrozenEstimator(ae.Autoencoder(4))}, "around a fitted autoencoder, got .*code_dim=4"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"schedule": "linear"}, "schedule"),
        ({"optimizer": "best"}, "optimizer"),
        ({"tol": -1}, "tol"),
        ({"epochs": 0}, "epochs"),
    ],
)
def test_parameters_out_of_range(options, words):
    with pytest.raises(ValueError, match=rf"(?s){words}"):
        clusters(**{"autoencoder": ae.Autoencoder(**{**SMALL, "epochs": 1}), **options}).fit(IMAGES)


def test_images_of_another_shape(frozen):
    with pytest.raises(ValueError, match=r"of shape \(6, 5, 1\)"):
        clusters(autoencoder=frozen).fit(IMAGES[:, :5])


@pytest.mark.slow
def test_a_fit_that_fails_leaves_the_estimator_as_it_was(frozen):
    found = clusters(autoencoder=frozen).fit(IMAGES)
    labels = found.labels_
    with pytest.raises(FloatingPointError, match="clustering"):
        found.set_params(learning_rate=1e38, optimizer="sgd", schedule="constant").fit(IMAGES)
    assert found.labels_ is labels
    np.testing.assert_array_equal(found.predict(IMAGES), labels)


# --------------------------------------------------------------------- clusters without images


def test_the_widest_cluster_is_divided_for_an_empty_one():
    generator = np.random.default_rng(0)
    centers = np.array([[0.0, 0.0], [10.0, 0.0], [99.0, 99.0], [-99.0, 0.0]])
    places = np.repeat([[0.0, 0.0], [10.0, 30.0], [10.0, 0.0]], 20, axis=0)
    codes = places + generator.normal(size=(60, 2))
    labels = np.repeat([0, 1, 1], 20)
    assert fill_empty(centers, codes, labels)
    assigned = soft_assignments(codes, centers, np.eye(2)).argmax(axis=1)
    assert len(set(assigned)) == 4
    assert len(set(assigned[20:40]) & set(assigned[40:])) == 0  # the two halves of the widest
    np.testing.assert_array_equal(labels, np.repeat([0, 1, 1], 20))


def test_clusters_of_equal_codes_cannot_be_divided():
    centers = np.array([[0.0], [1.0], [2.0]])
    assert not fill_empty(centers, np.array([[0.0], [0.0], [1.0]]), np.array([0, 0, 1]))
    np.testing.assert_array_equal(centers.ravel(), [0, 1, 2])


def begin_far_away(monkeypatch):
    """Let the last cluster begin so far from all codes that no image is assigned to it."""
    begin_at = ClusteringModel.begin_at

    def far(self, codes, labels):
        begin_at(self, codes, labels)
        centers, _ = self.placement()
        centers[-1] = 1e3
        self.place(centers)

    monkeypatch.setattr(ClusteringModel, "begin_at", far)


@pytest.mark.slow
def test_a_cluster_that_loses_its_images_gets_others(frozen, monkeypatch):
    begin_far_away(monkeypatch)
    with pytest.warns(ConvergenceWarning, match="no image was left in one cluster after epoch 1"):
        found = clusters(autoencoder=frozen, epochs=4).fit(IMAGES)
    assert_same_clusters(found.labels_, KINDS)


@pytest.mark.slow
def test_clusters_that_end_without_images_are_reported(frozen, monkeypatch):
    begin_far_away(monkeypatch)
    with pytest.warns(ConvergenceWarning, match="no image is left in one cluster of 3: choose a smaller n_clusters"):
        found = clusters(autoencoder=frozen, epochs=1).fit(IMAGES)
    assert len(set(found.labels_)) == 2


# ------------------------------------------------------------------------------ other things


@pytest.mark.slow
def test_a_foreign_clusterer_cannot_be_saved(frozen, tmp_path):
    found = clusters(autoencoder=frozen, initial=KMeans()).fit(IMAGES)
    with pytest.raises(TypeError, match=r"initial.*KMeans"):
        ae.save(found, tmp_path / "saved")
    ae.save(found.set_params(initial=None), tmp_path / "saved")
    np.testing.assert_array_equal(ae.load(tmp_path / "saved").predict(IMAGES), found.labels_)


@pytest.mark.slow
def test_centres_that_are_not_numbers_are_not_loaded(frozen, tmp_path):
    found = clusters(autoencoder=frozen).fit(IMAGES)
    found.cluster_centers_[0] = np.nan
    ae.save(found, tmp_path / "saved")
    with pytest.raises(ValueError, match="finite"):
        ae.load(tmp_path / "saved")


def test_a_progress_bar_is_shown(frozen, capsys):
    clusters(autoencoder=frozen, verbose=1, epochs=1).fit(IMAGES)
    assert "changed" in capsys.readouterr().out


@pytest.mark.slow
def test_equal_trainings_share_a_compiled_loop(frozen):
    if not backend.COMPILES_LOOPS:
        pytest.skip("on this backend Keras's own steps train")
    training.kept_loops.forget()
    for seed in (0, 1):
        clusters(autoencoder=frozen, random_state=seed).fit(IMAGES)
    assert training.kept_loops.count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jax", "torch"])
def test_other_backends(name, python):
    pytest.importorskip(name)
    code = (
        "import numpy as np, ae_toolkit as ae\n"
        "images = np.random.default_rng(0).random((40, 6, 5, 1), dtype='float32')\n"
        "images[::2] *= 0.1\n"
        "autoencoder = ae.DenoisingAutoencoder(2, hidden_units=(4,), epochs=5, corruption_level=0.1)\n"
        "for weight in (0, 0.1):\n"
        "    options = dict(autoencoder=autoencoder, reconstruction_weight=weight, epochs=3, random_state=0)\n"
        "    one, two = (ae.DeepEmbeddedClustering(2, **options).fit(images) for _ in range(2))\n"
        "    assert one.history_ == two.history_\n"
        "    assert (one.labels_ == one.predict(images)).all()\n"
        "    assert set(one.labels_) == {0, 1}\n"
        "print('done')\n"
    )
    assert "done" in python.said(python(code, backend=name))
