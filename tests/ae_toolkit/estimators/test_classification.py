"""The classifier: its loss, where labels come from, sources, weights, views, bad input."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ae_toolkit as ae
from ae_toolkit import networks, training
from ae_toolkit._keras import keras
from ae_toolkit.data import labelled
from ae_toolkit.data.streams import open_stream
from ae_toolkit.estimators._labels import places_among, read_labels
from ae_toolkit.estimators._linear import cross_entropy, log_probabilities, logistic_regression, times
from ae_toolkit.estimators._pseudo_labels import ALPHA, keep_the_sure, propagate, weigh_by_certainty
from ae_toolkit.estimators.classification_model import ClassificationModel
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.training.backend import backend

SMALL = {"code_dim": 3, "hidden_units": (8,), "epochs": 20, "learning_rate": 1e-2, "random_state": 0}
VARIANTS = {
    "Autoencoder": {},
    "DenoisingAutoencoder": {"corruption_level": 0.1},
    "SparseAutoencoder": {},
    "ContractiveAutoencoder": {},
    "VariationalAutoencoder": {},
    "AdversarialAutoencoder": {"discriminator_units": (3,)},
}
NAMES = np.array(["ring", "cross", "bar"])


def three_kinds(n=60, seed=0):
    """Return images of three clearly different patterns, and the pattern of each."""
    generator = np.random.default_rng(seed)
    patterns = (np.random.default_rng(0).random((3, 6, 5, 1)) > 0.5).astype(np.float32)
    kinds = np.arange(n) % 3
    noise = generator.normal(scale=0.1, size=(n, 6, 5, 1))
    return np.clip(patterns[kinds] * 0.8 + 0.1 + noise, 0, 1).astype(np.float32), kinds


IMAGES, KINDS = three_kinds()
OTHERS, OTHER_KINDS = three_kinds(30, seed=1)
FEW = np.where(np.arange(60) < 3, KINDS, -1)


@pytest.fixture(scope="module")
def frozen():
    return FrozenEstimator(ae.Autoencoder(**SMALL).fit(IMAGES))


def classifier(autoencoder=None, **options):
    autoencoder = ae.Autoencoder(**SMALL) if autoencoder is None else autoencoder
    return ae.AutoencoderClassifier(autoencoder, **{"epochs": 30, "learning_rate": 1e-2, "random_state": 0, **options})


# ----------------------------------------------------------------------------------- the loss


def model_and_rows(reconstruction_weight):
    autoencoder = AutoencoderModel(*networks.build((6, 5, 1), 2, hidden_units=(4,), seed=0))
    model = ClassificationModel(autoencoder, 3, 2, reconstruction_weight)
    generator = np.random.default_rng(1)
    model.kernel.assign(generator.normal(size=(2, 3)))
    model.bias.assign(generator.normal(size=3))
    weights = np.zeros((8, 3), np.float32)
    weights[np.arange(6), KINDS[:6]] = [1, 1, 0.5, 2, 1, 1]  # the last two images have no label
    return model, np.concatenate([IMAGES[:8].reshape(8, -1), weights], axis=1), weights


def test_the_loss_is_the_cross_entropy_and_the_squared_error():
    model, rows, weights = model_and_rows(0.1)
    rows = keras.ops.convert_to_tensor(rows)
    terms = model.loss_terms(rows, model(rows, training=True))
    codes = keras.ops.convert_to_numpy(model.autoencoder.encode(keras.ops.convert_to_tensor(IMAGES[:8])))
    logits = codes @ keras.ops.convert_to_numpy(model.kernel) + keras.ops.convert_to_numpy(model.bias)
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(terms["classification"], -(weights * log_softmax).sum(axis=1), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(terms["classification"])[6:], 0)
    error = IMAGES[:8] - keras.ops.convert_to_numpy(model.autoencoder(keras.ops.convert_to_tensor(IMAGES[:8])))
    np.testing.assert_allclose(terms["reconstruction"], np.square(error).reshape(8, -1).sum(axis=1), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("weight", "trained"), [(0.0, False), (0.1, True)])
def test_the_decoder_is_trained_where_it_is_asked_for(weight, trained, frozen):
    found = classifier(frozen, reconstruction_weight=weight).fit(IMAGES, KINDS)
    pairs = zip(
        frozen.estimator.model_.decoder.get_weights(), found.autoencoder_.model_.decoder.get_weights(), strict=True
    )
    assert (max(np.abs(a - b).max() for a, b in pairs) > 0) == trained
    assert sorted(found.history_) == sorted({"loss", "classification", *(["reconstruction"] if trained else [])})


def test_a_model_is_saved_with_keras(tmp_path):
    model, rows, _ = model_and_rows(0.1)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    twin.set_weights(model.get_weights())
    rows = keras.ops.convert_to_tensor(rows)
    np.testing.assert_allclose(twin(rows)["log_probabilities"], model(rows)["log_probabilities"], rtol=1e-6)


# ------------------------------------------------------------------------------- many labels


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"train_encoder": False}, {"reconstruction_weight": 0.01}, {"pretrain": True}])
def test_it_learns_the_classes(options):
    found = classifier(**options).fit(IMAGES, NAMES[KINDS])
    assert found.score(OTHERS, NAMES[OTHER_KINDS]) == 1
    np.testing.assert_array_equal(found.classes_, np.sort(NAMES))
    np.testing.assert_array_equal(found.transduction_, NAMES[KINDS])
    probabilities = found.predict_proba(OTHERS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(found.classes_[probabilities.argmax(axis=1)], found.predict(OTHERS))
    assert found.transform(OTHERS).shape == (30, 3)
    assert list(found.get_feature_names_out()) == [f"autoencoderclassifier{i}" for i in range(3)]


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_every_autoencoder_of_the_family(name):
    autoencoder = getattr(ae, name)(**{**SMALL, **VARIANTS[name]})
    for options in ({"reconstruction_weight": 0.01}, {"pretrain": True}):
        found = classifier(autoencoder, epochs=60, **options).fit(IMAGES, KINDS)
        assert found.score(OTHERS, OTHER_KINDS) > 0.9
        assert type(found.autoencoder_) is type(autoencoder)
    assert not hasattr(autoencoder, "model_")


@pytest.mark.slow
def test_a_target_of_the_autoencoder_is_decoded_while_the_classes_are_learned():
    options = {"corruption": {"shift": 0.01}, "target": ae.Deskew()}
    for ways in ({"reconstruction_weight": 0.01}, {"reconstruction_weight": 0.01, "pretrain": True}):
        found = classifier(ae.DenoisingAutoencoder(**SMALL, **options), **ways).fit(IMAGES, KINDS)
        assert found.history_["reconstruction"][-1] < found.history_["reconstruction"][0]
        assert found.score(OTHERS, OTHER_KINDS) == 1


@pytest.mark.slow
def test_what_the_autoencoder_does_to_images_is_done_here():
    """With images turned upside down half of the time, up and down have to become one class's."""
    generator = np.random.default_rng(0)
    images = np.zeros((40, 8, 8, 1), np.float32)
    images[:20, 5:7, 5:7] = 1
    images[20:, 3:5, 3:5] = 1
    images += 0.01 * generator.random(images.shape, dtype=np.float32)
    labels = np.repeat([0, 1], 20)
    turned = images[:, ::-1, ::-1]
    plain = {"code_dim": 2, "hidden_units": (16,), "random_state": 0}
    for augmentation, right in ((None, False), ({"rotation": 180, "fraction": 1}, True)):
        autoencoder = ae.Autoencoder(**plain, augmentation=augmentation)
        found = classifier(autoencoder, epochs=60, learning_rate=3e-3).fit(images, labels)
        assert (found.predict_proba(turned)[:20, 0].mean() > 0.9) == right


@pytest.mark.slow
def test_a_frozen_autoencoder_is_started_from_and_stays_as_it_is(frozen):
    before = frozen.estimator.model_.get_weights()
    hardly = classifier(frozen, learning_rate=1e-9).fit(IMAGES, KINDS)
    np.testing.assert_allclose(hardly.transform(IMAGES), frozen.transform(IMAGES), atol=1e-5)
    assert hardly.score(OTHERS, OTHER_KINDS) == 1  # the training starts with the logistic regression
    trained = classifier(frozen, learning_rate=1e-2).fit(IMAGES, KINDS)
    assert np.abs(trained.transform(IMAGES) - frozen.transform(IMAGES)).max() > 1e-2
    for a, b in zip(before, frozen.estimator.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert clone(trained).autoencoder.estimator.model_ is frozen.estimator.model_


@pytest.mark.parametrize("n_kinds", [2, 3])
def test_a_resting_encoder_is_followed_by_scikit_learn_s_logistic_regression(n_kinds, frozen):
    images, kinds = IMAGES[KINDS < n_kinds], KINDS[KINDS < n_kinds]
    found = classifier(frozen, train_encoder=False).fit(images, kinds)
    pipeline = make_pipeline(frozen, StandardScaler(), LogisticRegression(max_iter=1000)).fit(images, kinds)
    np.testing.assert_allclose(found.predict_proba(OTHERS), pipeline.predict_proba(OTHERS), atol=1e-4)
    expected = -np.mean(np.log(pipeline.predict_proba(images))[np.arange(len(kinds)), kinds])
    assert found.history_["loss"] == pytest.approx([expected], abs=1e-4)


@pytest.mark.slow
def test_pretraining_is_where_it_is_of_use(monkeypatch):
    fits = []
    fit = ae.Autoencoder.fit
    monkeypatch.setattr(
        ae.Autoencoder, "fit", lambda self, *args, **kwargs: fits.append(1) or fit(self, *args, **kwargs)
    )
    for y, options, expected in (
        (KINDS, {}, 0),
        (KINDS, {"pretrain": True}, 1),
        (KINDS, {"train_encoder": False}, 1),
        (FEW, {}, 1),
        (FEW, {"pretrain": False}, 0),
    ):
        fits.clear()
        classifier(**options).fit(IMAGES, y)
        assert len(fits) == expected


# --------------------------------------------------------------------------------- few labels


@pytest.mark.slow
@pytest.mark.parametrize("route", ["auto", "propagation", "self-training", "ignore"])
@pytest.mark.parametrize("train_encoder", [True, False])
def test_one_label_of_each_class_is_enough(route, train_encoder):
    autoencoder = ae.Autoencoder(**SMALL)
    found = classifier(autoencoder, unlabelled=route, train_encoder=train_encoder).fit(IMAGES, FEW)
    np.testing.assert_array_equal(found.transduction_[:3], KINDS[:3])
    np.testing.assert_array_equal(found.transduction_, KINDS)
    assert found.score(OTHERS, OTHER_KINDS) == 1


@pytest.mark.slow
def test_labels_are_names_or_no_label():
    y = np.array([*NAMES[KINDS[:6]], *[-1] * 54], dtype=object)
    for given in (y, y.tolist()):
        found = classifier().fit(IMAGES, given)
        np.testing.assert_array_equal(found.classes_, np.sort(NAMES))
        assert set(found.transduction_) <= set(NAMES)


def test_images_without_labels_change_what_is_learned(frozen):
    ignored = classifier(frozen, unlabelled="ignore", train_encoder=False).fit(IMAGES, FEW)
    alone = classifier(frozen, train_encoder=False).fit(IMAGES[:3], KINDS[:3])
    np.testing.assert_allclose(ignored.coef_, alone.coef_, atol=1e-6)
    spread = classifier(frozen, train_encoder=False).fit(IMAGES, FEW)
    assert np.abs(spread.coef_ - alone.coef_).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("route", "trainings"), [("ignore", 1), ("propagation", 3), ("self-training", 4)])
def test_rounds(route, trainings, frozen):
    found = classifier(frozen, unlabelled=route, n_rounds=3, epochs=2).fit(IMAGES, FEW)
    assert len(found.history_["loss"]) == found.n_iter_ == 2 * trainings


@pytest.mark.slow
def test_by_default_labels_are_given_twice(frozen):
    assert classifier(frozen, epochs=2).fit(IMAGES, FEW).n_iter_ == 4


def test_where_the_classifier_is_sure_of_nothing_no_label_is_added(frozen):
    never = classifier(frozen, unlabelled="self-training", threshold=1.0, train_encoder=False).fit(IMAGES, FEW)
    ignored = classifier(frozen, unlabelled="ignore", train_encoder=False).fit(IMAGES, FEW)
    np.testing.assert_allclose(never.coef_, ignored.coef_, atol=1e-9)


@pytest.mark.parametrize(("n", "n_neighbours"), [(40, 10), (120, 20)])
def test_labels_spread_as_zhou_et_al_say(n, n_neighbours):
    codes = np.random.default_rng(0).normal(size=(n, 2))
    labels = np.zeros((n, 2))
    labels[0, 0] = labels[1, 1] = 1
    found = propagate(codes, labels, seed=0)
    distances = np.square(codes[:, None] - codes).sum(-1)
    near = np.zeros((n, n))
    for i, row in enumerate(distances.argsort(axis=1)[:, :n_neighbours]):
        near[i, row] = 1
    graph = (near + near.T) / 2
    np.fill_diagonal(graph, 0)
    degrees = graph.sum(axis=1) ** -0.5
    expected = np.linalg.solve(np.eye(n) - ALPHA * degrees[:, None] * graph * degrees, labels)
    np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), rtol=1e-3)


def test_a_class_with_many_labels_does_not_win_everywhere():
    random = np.random.default_rng(0)
    codes = np.concatenate([random.normal(size=(60, 2)), random.normal(size=(60, 2)) + 4])
    labels = np.zeros((120, 2))
    labels[:50, 0] = 1
    labels[60, 1] = 1
    found = propagate(codes, labels, seed=0).argmax(axis=1)
    assert (found[50:60] == 0).mean() >= 0.9
    assert (found[60:] == 1).mean() >= 0.9


def test_labels_do_not_spread_where_no_neighbour_leads():
    codes = np.concatenate([np.random.default_rng(i).normal(size=(25, 2)) + 1000 * i for i in range(3)])
    labels = np.zeros((75, 2))
    labels[0, 0] = labels[25, 1] = 1
    found = propagate(codes, labels, seed=0)
    np.testing.assert_allclose(found[:25], [[1, 0]] * 25, atol=1e-5)
    np.testing.assert_allclose(found[25:50], [[0, 1]] * 25, atol=1e-5)
    np.testing.assert_array_equal(found[50:], 0)
    np.testing.assert_array_equal(weigh_by_certainty(found)[50:], 0)


def test_equal_codes_share_their_labels():
    codes = np.repeat(np.random.default_rng(0).normal(size=(10, 2)), 5, axis=0)
    labels = np.zeros((50, 2))
    labels[0, 0] = labels[49, 1] = 1
    found = propagate(codes, labels, seed=0)
    assert (found.reshape(10, 5, 2) == found.reshape(10, 5, 2)[:, :1]).all()
    assert np.isfinite(propagate(np.zeros((5, 2)), labels[:5], seed=0)).all()


def test_certainty_is_one_minus_the_entropy():
    belongs = np.array([[0.7, 0.2, 0.1]])
    expected = 1 + (belongs * np.log(belongs)).sum() / np.log(3)
    np.testing.assert_allclose(weigh_by_certainty(belongs), [[expected, 0, 0]])
    np.testing.assert_array_equal(keep_the_sure(belongs, 0.7), [[1, 0, 0]])
    np.testing.assert_array_equal(keep_the_sure(belongs, 0.71), [[0, 0, 0]])


# ------------------------------------------------------------------------------------ weights


@pytest.mark.slow
def test_a_weight_is_a_number_of_copies():
    weights = np.arange(60) % 4
    options = {"optimizer": "sgd", "learning_rate": 0.05, "batch_size": 256}
    weighted = classifier(**options).fit(IMAGES, KINDS, sample_weight=weights)
    repeated = classifier(**options).fit(IMAGES.repeat(weights, axis=0), KINDS.repeat(weights))
    np.testing.assert_allclose(weighted.predict_proba(OTHERS), repeated.predict_proba(OTHERS), atol=1e-5)
    plain = classifier(**options).fit(IMAGES, KINDS)
    assert np.abs(weighted.predict_proba(OTHERS) - plain.predict_proba(OTHERS)).max() > 1e-4


@pytest.mark.slow
def test_images_of_weight_zero_are_not_there():
    y = KINDS.copy()
    y[30:] = 7  # a class that does not count
    weights = (np.arange(60) < 30).astype(float)
    found = classifier().fit(IMAGES, y, sample_weight=weights)
    np.testing.assert_array_equal(found.classes_, [0, 1, 2])
    np.testing.assert_array_equal(found.transduction_, KINDS)
    alone = classifier().fit(IMAGES[:30], KINDS[:30])
    np.testing.assert_allclose(found.coef_, alone.coef_, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("train_encoder", [True, False])
def test_a_class_that_counts_more_is_predicted_more_often(train_encoder, frozen):
    noise = np.random.default_rng(3).random((60, 6, 5, 1), dtype=np.float32)
    options = {"train_encoder": train_encoder, "learning_rate": 1e-4}
    share = [
        classifier(frozen, class_weight=weight, **options).fit(noise, KINDS).predict_proba(noise)[:, 2].mean()
        for weight in (None, {0: 1, 1: 1, 2: 9})
    ]
    assert share[1] > share[0] + 0.1


def test_balanced_classes_count_alike(frozen):
    rare = np.flatnonzero((KINDS > 0) | (np.arange(60) < 6))  # 2 of the first class, 20 of each other
    balanced = {"class_weight": "balanced", "train_encoder": False}
    found = classifier(frozen, **balanced).fit(IMAGES[rare], KINDS[rare])
    counts = np.bincount(KINDS[rare])
    by_hand = dict(enumerate(len(rare) / (3 * counts)))
    np.testing.assert_allclose(
        found.coef_, classifier(frozen, **{**balanced, "class_weight": by_hand}).fit(IMAGES[rare], KINDS[rare]).coef_
    )


# -------------------------------------------------------------------------------------- views


@pytest.mark.slow
def test_views_are_the_same_for_every_image():
    autoencoder = ae.DenoisingAutoencoder(**SMALL, corruption="affine")
    found = classifier(autoencoder, n_views=4).fit(IMAGES, KINDS)
    among = found.predict_proba(OTHERS)
    alone = np.concatenate([found.predict_proba(OTHERS[i : i + 1]) for i in range(len(OTHERS))])
    np.testing.assert_array_equal(among, alone)
    one = found.set_params(n_views=1).predict_proba(OTHERS)
    assert 1e-4 < np.abs(among - one).max() < 0.9
    np.testing.assert_allclose(among.sum(axis=1), 1)


@pytest.mark.slow
def test_views_need_an_autoencoder_that_transforms_images():
    with pytest.raises(ValueError, match=r"transforms images in training.*n_views=2, got Autoencoder"):
        classifier(n_views=2).fit(IMAGES, KINDS)
    augmented = ae.Autoencoder(**SMALL, augmentation={"shift": 0.1})
    assert classifier(augmented, n_views=2).fit(IMAGES, KINDS).predict(OTHERS).shape == (30,)


@pytest.mark.slow
@pytest.mark.parametrize(("corruption", "n_views"), [("affine", 4), ("gaussian", 1)])
def test_as_many_views_as_make_sense_by_default(corruption, n_views):
    found = classifier(ae.DenoisingAutoencoder(**SMALL, corruption=corruption)).fit(IMAGES, KINDS)
    by_default = found.predict_proba(OTHERS)
    np.testing.assert_array_equal(by_default, found.set_params(n_views=n_views).predict_proba(OTHERS))
    if n_views > 1:
        assert not np.array_equal(by_default, found.set_params(n_views=1).predict_proba(OTHERS))


# ------------------------------------------------------------------------------------ sources


class Batches(keras.utils.PyDataset):
    """Batches of images and labels."""

    def __init__(self, labels, images=IMAGES):
        super().__init__()
        self.labels, self.images = labels, images

    def __len__(self):
        return 4

    def __getitem__(self, index):
        chosen = slice(index * 15, (index + 1) * 15)
        return self.images[chosen] if self.labels is None else (self.images[chosen], self.labels[chosen])


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"train_encoder": False}, {"reconstruction_weight": 0.1, "pretrain": True}])
def test_a_data_set_brings_its_labels(options):
    for labels in (KINDS, NAMES[KINDS]):
        found = classifier(**options).fit(Batches(labels))
        assert (found.predict(OTHERS) == (NAMES[OTHER_KINDS] if labels is not KINDS else OTHER_KINDS)).all()
        np.testing.assert_array_equal(found.transduction_, labels)
        np.testing.assert_array_equal(found.predict(Batches(None)), found.predict(IMAGES))


@pytest.mark.slow
def test_of_a_data_set_images_without_labels_are_decoded_only():
    y = np.where(np.arange(60) % 5 == 0, KINDS, -1)
    for options in ({}, {"reconstruction_weight": 0.1}, {"train_encoder": False}):
        found = classifier(ae.Autoencoder(**SMALL), epochs=60, **options).fit(Batches(y))
        np.testing.assert_array_equal(found.transduction_[y >= 0], KINDS[y >= 0])
        assert (found.transduction_ == KINDS).mean() > 0.9


@pytest.mark.slow
def test_a_data_set_of_tensorflow():
    tf = pytest.importorskip("tensorflow")
    for labels in (KINDS, NAMES[KINDS]):
        source = tf.data.Dataset.from_tensor_slices((IMAGES, labels)).shuffle(60, seed=0).batch(15)
        found = classifier(pretrain=True).fit(source)
        assert (found.predict(OTHERS) == (NAMES[OTHER_KINDS] if labels is not KINDS else OTHER_KINDS)).all()


def folder_of(path, names, images=IMAGES):
    for i, (image, name) in enumerate(zip(images, names, strict=True)):
        (path / name / "deeper").mkdir(parents=True, exist_ok=True)
        place = path / name / ("deeper" if name and i % 2 else "") / f"{i:03}.png"
        Image.fromarray((image[..., 0] * 255).astype(np.uint8)).save(place)


@pytest.mark.slow
def test_subfolders_are_classes_and_files_outside_of_them_have_none(tmp_path):
    folder_of(tmp_path, [name if i < 45 else "" for i, name in enumerate(NAMES[KINDS])])
    found = classifier(ae.Autoencoder(**SMALL), batch_size=16).fit(tmp_path)
    np.testing.assert_array_equal(found.classes_, np.sort(NAMES))
    given = labelled.read_labels(tmp_path)
    assert sum(label == -1 for label in given) == 15
    known = np.array([label != -1 for label in given])
    np.testing.assert_array_equal(found.transduction_[known], given[known])
    assert (found.predict(OTHERS) == NAMES[OTHER_KINDS]).mean() > 0.9


@pytest.mark.slow
def test_arrays_larger_than_the_memory_for_them_are_streamed(monkeypatch):
    options = {"optimizer": "sgd", "learning_rate": 0.05, "reconstruction_weight": 0.1}
    autoencoder = ae.DenoisingAutoencoder(**SMALL, corruption="affine", target=ae.Deskew())
    weights = 1.0 + np.arange(60) % 2
    resident = classifier(autoencoder, **options).fit(IMAGES, KINDS, weights)
    monkeypatch.setattr(training.plans, "RESIDENT_BYTES", 0)
    streamed = classifier(autoencoder, **options).fit(IMAGES, KINDS, weights)
    np.testing.assert_allclose(resident.coef_, streamed.coef_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("source", "y", "options", "words"),
    [
        (Batches(KINDS), KINDS, {}, "y and sample_weight with an array of images only, got them with Batches"),
        (Batches(None), None, {}, r"batches of \(images, labels\), got images without labels"),
        (Batches(np.eye(3)[KINDS]), None, {}, r"one label for each image, got labels of shape \(60, 3\)"),
        (Batches(KINDS * 0), None, {}, "at least two classes, got only one class"),
        (Batches(KINDS), None, {"unlabelled": "propagation"}, "'propagation', which needs an array"),
    ],
)
def test_sources_without_what_is_needed(source, y, options, words):
    with pytest.raises(ValueError, match=words):
        classifier(**options).fit(source, y)


def test_labels_that_change_between_two_readings():
    with pytest.raises(ValueError, match=r"when it was first read, got .*9.* as well"):
        places_among(np.array([3, 9]), np.array([3, 7]))
    images = open_stream(IMAGES, batch_size=30, seed=0)
    images.labels = KINDS
    rows = labelled.LabelledStream(images, lambda labels: np.eye(3, dtype=np.float32)[labels])
    for batch in rows.epoch(0):
        found = [int(np.square(IMAGES.reshape(60, -1) - row[:30]).sum(axis=1).argmin()) for row in batch]
        np.testing.assert_array_equal(batch[:, 30:].argmax(axis=1), KINDS[found])


# ------------------------------------------------------------------------- resumed and shared


@pytest.mark.slow
@pytest.mark.parametrize("route", ["propagation", "self-training"])
def test_a_training_that_was_stopped_resumes(route, tmp_path, monkeypatch):
    options = {"unlabelled": route, "n_rounds": 2, "epochs": 3, "learning_rate": 1e-2}
    whole = classifier(**options).fit(IMAGES, FEW)
    fit, calls = training.fit, []

    def stop(model, *args, **kwargs):
        if isinstance(model, ClassificationModel):
            calls.append(model)
            if len(calls) == 2:
                raise KeyboardInterrupt
        return fit(model, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(training, "fit", stop)
        with pytest.raises(KeyboardInterrupt):
            classifier(**options).fit(IMAGES, FEW, checkpoint_dir=tmp_path)
    resumed = classifier(**options).fit(IMAGES, FEW, checkpoint_dir=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(training.fitting, "run_epochs", None)  # all trainings are finished: none may begin
        again = classifier(**options).fit(IMAGES, FEW, checkpoint_dir=tmp_path)
    for found in (resumed, again):
        assert found.history_ == whole.history_
        np.testing.assert_array_equal(found.coef_, whole.coef_)
        np.testing.assert_array_equal(found.predict_proba(OTHERS), whole.predict_proba(OTHERS))
    with pytest.raises(ValueError, match="another training"):
        classifier(**{**options, "reconstruction_weight": 0.5}).fit(IMAGES, FEW, checkpoint_dir=tmp_path)


@pytest.mark.slow
def test_equal_trainings_share_a_compiled_loop(frozen):
    if not backend.COMPILES_LOOPS:
        pytest.skip("on this backend Keras's own steps train")
    training.kept_loops.forget()
    for seed in (0, 1):
        classifier(frozen, random_state=seed).fit(IMAGES, KINDS)
    assert training.kept_loops.count() == 1


@pytest.mark.slow
def test_images_of_another_shape_have_a_loop_of_their_own():
    """A row does not tell a picture from a flat image with as many numbers."""
    if not backend.COMPILES_LOOPS:
        pytest.skip("on this backend Keras's own steps train")
    training.kept_loops.forget()
    for images in (IMAGES, IMAGES.reshape(60, -1)):
        classifier().fit(images, KINDS)
    assert training.kept_loops.count() == 2


@pytest.mark.slow
def test_a_seed_decides_everything_and_nothing_else_is_touched(global_random_state_kept):
    autoencoder = ae.DenoisingAutoencoder(**{**SMALL, "random_state": None})
    with global_random_state_kept():
        first, again, other = (classifier(autoencoder, random_state=seed).fit(IMAGES, FEW) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.predict_proba(OTHERS), again.predict_proba(OTHERS))
    assert first.history_ == again.history_
    assert not np.allclose(first.predict_proba(OTHERS), other.predict_proba(OTHERS))


@pytest.mark.slow
def test_a_strategy():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a strategy of TensorFlow")
    found = classifier().fit(IMAGES, KINDS, strategy=tf.distribute.MirroredStrategy(["CPU:0"]))
    assert found.score(OTHERS, OTHER_KINDS) == 1


# ------------------------------------------------------------------ together with scikit-learn


def test_scikit_learn_s_tools(frozen):
    options = {"train_encoder": False}
    search = GridSearchCV(classifier(frozen, **options), {"class_weight": [None, "balanced"]}, cv=2)
    assert search.fit(IMAGES, KINDS).score(OTHERS, OTHER_KINDS) == 1
    assert (cross_val_predict(classifier(frozen, **options), IMAGES, KINDS, cv=2) == KINDS).mean() > 0.9
    calibrated = CalibratedClassifierCV(classifier(frozen, **options), cv=2).fit(IMAGES, KINDS)
    assert calibrated.predict_proba(OTHERS).shape == (30, 3)


@pytest.mark.slow
def test_saved_and_loaded(frozen, tmp_path):
    found = classifier(frozen, class_weight={"ring": 1, "cross": 2, "bar": 1}).fit(IMAGES, NAMES[KINDS])
    ae.save(found, tmp_path / "saved")
    twin = ae.load(tmp_path / "saved")
    np.testing.assert_array_equal(twin.predict_proba(OTHERS), found.predict_proba(OTHERS))
    np.testing.assert_array_equal(twin.predict(OTHERS), found.predict(OTHERS))
    assert twin.get_params()["class_weight"] == found.class_weight


# ---------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (None, "requires y to be passed"),
        (np.full(60, -1), "at least one image, got 60 labels that are all -1"),
        (np.full(60, 4), "at least two classes, got only one class, .*4"),
        (np.where(np.arange(60) < 2, 4, -1), "at least two classes, got only one class, .*4"),
        (KINDS + 0.5, "Unknown label type: continuous"),
        (np.where(np.arange(60) == 1, np.nan, KINDS), "NaN"),
        (KINDS[:59], r"inconsistent numbers of samples: \[60, 59\]"),
        (np.eye(3)[KINDS], "1d array"),
        (np.array([*NAMES[KINDS[:-1]], None], dtype=object), "None|NaN|Unknown label type|not supported"),
    ],
)
def test_labels_that_are_none(y, words):
    with pytest.raises((ValueError, TypeError), match=words):
        classifier().fit(IMAGES, y)


def test_weights_that_leave_one_class():
    with pytest.raises(ValueError, match="at least two classes, got only one class"):
        classifier().fit(IMAGES, KINDS, sample_weight=(KINDS == 1).astype(float))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"autoencoder": 5}, "autoencoder"),
        ({"autoencoder": FrozenEstimator(ae.Autoencoder(4))}, "around a fitted autoencoder, got .*code_dim=4"),
        ({"pretrain": "yes"}, "pretrain"),
        ({"reconstruction_weight": -1}, "reconstruction_weight"),
        ({"reconstruction_weight": 1.0, "train_encoder": False}, "reconstruction_weight=0 with train_encoder=False"),
        ({"unlabelled": "guess"}, "unlabelled"),
        ({"n_rounds": 0}, "n_rounds"),
        ({"threshold": 1.1}, "threshold"),
        ({"n_views": 0}, "n_views"),
        ({"class_weight": {0: 1, 1: 1, 5: 1}}, "class_weight"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"optimizer": "best"}, "optimizer"),
        ({"epochs": 0}, "epochs"),
    ],
)
def test_parameters_out_of_range(options, words):
    with pytest.raises(ValueError, match=rf"(?s){words}"):
        classifier(**{"epochs": 1, **options}).fit(IMAGES, KINDS)


def test_images_of_another_shape(frozen):
    found = classifier(frozen).fit(IMAGES, KINDS)
    narrow = IMAGES[:, :5]
    for source, y in ((narrow, KINDS), (Batches(KINDS, narrow), None)):
        with pytest.raises(ValueError, match=r"of shape \(6, 5, 1\), as Autoencoder was fitted on, got \(5, 5, 1\)"):
            classifier(frozen).fit(source, y)
        with pytest.raises(ValueError, match=r"of shape \(6, 5, 1\), as Autoencoder was fitted on, got \(5, 5, 1\)"):
            found.predict(source)


@pytest.mark.slow
def test_a_fit_that_fails_leaves_the_estimator_as_it_was(frozen):
    found = classifier(frozen).fit(IMAGES, KINDS)
    before = found.predict_proba(OTHERS)
    with pytest.raises(FloatingPointError, match="classification"):
        found.set_params(learning_rate=1e38, optimizer="sgd", schedule="constant").fit(IMAGES, KINDS)
    np.testing.assert_array_equal(found.predict_proba(OTHERS), before)


@pytest.mark.slow
def test_two_images_one_of_each_class():
    found = classifier().fit(IMAGES[:2], KINDS[:2])
    np.testing.assert_array_equal(found.predict(IMAGES[:2]), KINDS[:2])


@pytest.mark.slow
def test_one_in_a_thousand():
    images = np.concatenate([np.repeat(IMAGES[:1], 999, axis=0), IMAGES[1:2]])
    y = np.repeat([0, 1], [999, 1])
    found = classifier(class_weight="balanced", epochs=10).fit(images, y)
    assert found.predict(images[[0, -1]]).tolist() == [0, 1]


@pytest.mark.slow
def test_images_that_are_all_equal():
    found = classifier(pretrain=True, epochs=2).fit(np.repeat(IMAGES[:1], 6, axis=0), [0, 1, 0, -1, 1, -1])
    assert np.isfinite(found.predict_proba(IMAGES)).all()


# ---------------------------------------------------------------------- the linear classifier


def test_probabilities_of_a_code_alone_are_those_among_others():
    generator = np.random.default_rng(0)
    codes, head = generator.normal(size=(50, 7)).astype(np.float32), (generator.normal(size=(7, 4)), np.arange(4.0))
    among = log_probabilities(codes, head)
    np.testing.assert_array_equal(among[3:4], log_probabilities(codes[3:4], head))
    np.testing.assert_allclose(times(codes, head[0]), codes @ head[0], rtol=1e-6)
    rows = np.eye(4)[np.arange(50) % 4]
    assert cross_entropy(codes, head, rows) == pytest.approx(-among[np.arange(50), np.arange(50) % 4].mean())
    better = logistic_regression(codes, rows)
    assert cross_entropy(codes, better, rows) < cross_entropy(codes, head, rows)


def test_weights_of_rows_and_images_are_one():
    generator = np.random.default_rng(0)
    codes, rows, weights = generator.normal(size=(20, 2)), np.eye(2)[np.arange(20) % 2], 1.0 + np.arange(20)
    first = logistic_regression(codes, rows * (weights / weights.mean())[:, None])
    second = logistic_regression(codes, rows, weights)
    np.testing.assert_allclose(first[0], second[0], rtol=1e-3, atol=1e-5)


def test_labels_and_images_are_read_together():
    given = read_labels(IMAGES.tolist(), KINDS.tolist(), None, "Classifier")
    assert given.images.dtype == np.float32
    assert given.labelled.all()
    np.testing.assert_array_equal(given.one_hot().argmax(axis=1), KINDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jax", "torch"])
def test_other_backends(name, python):
    pytest.importorskip(name)
    code = (
        "import numpy as np, ae_toolkit as ae\n"
        "images = np.random.default_rng(0).random((40, 6, 5, 1), dtype='float32')\n"
        "images[::2] *= 0.1\n"
        "y = np.where(np.arange(40) < 10, np.arange(40) % 2, -1)\n"
        "autoencoder = ae.DenoisingAutoencoder(2, hidden_units=(4,), epochs=5, corruption='affine')\n"
        "options = dict(autoencoder=autoencoder, epochs=5, n_views=2, random_state=0, reconstruction_weight=0.01)\n"
        "one, two = (ae.AutoencoderClassifier(**options).fit(images, y) for _ in range(2))\n"
        "assert one.history_ == two.history_\n"
        "assert (one.predict(images) == np.arange(40) % 2).mean() > 0.9\n"
        "print('done')\n"
    )
    assert "done" in python.said(python(code, backend=name))


@pytest.mark.parametrize(
    ("steps", "is_trained", "epochs"),
    [(938, False, 38), (938, True, 9), (63, False, 40), (63, True, 40), (5000, True, 8), (5, False, 100)],
)
def test_an_encoder_that_has_learned_nothing_is_trained_for_longer(steps, is_trained, epochs):
    stream = SimpleNamespace(steps_per_epoch=steps)
    assert ae.AutoencoderClassifier()._epochs(stream, is_trained) == epochs
    assert ae.AutoencoderClassifier(epochs=3)._epochs(stream, is_trained) == 3
