"""The detector: outliers are what cannot be given back, and the threshold is the part that was asked for."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

import ae_toolkit as ae


@pytest.fixture(scope="module")
def data():
    return ae.datasets.load("digits")


@pytest.fixture(scope="module")
def detector(data):
    autoencoder = ae.Autoencoder(code_dim=8, epochs=10, random_state=0)
    return ae.ReconstructionDetector(autoencoder, contamination=0.05).fit(data.x_train)


@pytest.mark.slow
def test_the_threshold_is_the_part_that_was_asked_for(detector, data):
    assert (detector.predict(data.x_train) == -1).mean() == pytest.approx(0.05, abs=0.002)


def test_scores_are_the_article_s_loss(detector, data):
    error = np.square(data.x_test - detector.autoencoder_.reconstruct(data.x_test)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(detector.score_samples(data.x_test), -error, rtol=1e-5)
    np.testing.assert_allclose(detector.decision_function(data.x_test), -error - detector.offset_, rtol=1e-4, atol=1e-5)
    assert ae.metrics.reconstruction_error(
        data.x_test, detector.autoencoder_.reconstruct(data.x_test)
    ) == pytest.approx(-detector.score_samples(data.x_test).mean(), rel=1e-5)


def test_strange_images_are_found(detector, data):
    noise = np.random.default_rng(0).random((50, 8, 8, 1), dtype=np.float32)
    assert (detector.predict(noise) == -1).mean() > 0.95
    assert (detector.predict(data.x_test) == 1).mean() > 0.85


@pytest.mark.slow
def test_a_class_that_was_not_trained_on_scores_lower(data):
    from sklearn.metrics import roc_auc_score

    inliers = data.x_train[data.y_train != 0]
    detector = ae.ReconstructionDetector(ae.Autoencoder(code_dim=4, epochs=15, random_state=0)).fit(inliers)
    assert roc_auc_score(data.y_test != 0, detector.score_samples(data.x_test)) > 0.9


@pytest.mark.slow
def test_the_given_autoencoder_stays_as_it_is(data):
    given = ae.Autoencoder(code_dim=2, hidden_units=(4,), epochs=1)
    ae.ReconstructionDetector(given).fit(data.x_train[:50])
    assert not hasattr(given, "model_")


@pytest.mark.slow
def test_images_of_weight_0_do_not_set_the_threshold(data):
    """Every score below the threshold is that of an image that does not count."""
    images = np.concatenate([data.x_train[:100], np.full((20, 8, 8, 1), 5.0, np.float32)])
    weights = np.repeat([1.0, 0.0], [100, 20])
    options = {"code_dim": 4, "hidden_units": (16,), "epochs": 5, "random_state": 0}
    weighted = ae.ReconstructionDetector(ae.Autoencoder(**options), contamination=0.1)
    weighted.fit(images, sample_weight=weights)
    found = weighted.predict(images)
    assert (found[100:] == -1).all()
    assert (found[:100] == -1).mean() == pytest.approx(0.1, abs=0.011)


@pytest.mark.slow
def test_the_default_needs_nothing(data):
    detector = ae.ReconstructionDetector().fit(data.x_train[:100])
    assert set(detector.fit_predict(data.x_train[:100])) == {-1, 1}


@pytest.mark.parametrize("contamination", [0, -0.1, 0.6, "auto", None])
def test_a_contamination_out_of_range(contamination, data):
    with pytest.raises(ValueError, match=r"(?s)contamination.*Got"):
        ae.ReconstructionDetector(contamination=contamination).fit(data.x_train)


def test_before_fit(data):
    with pytest.raises(NotFittedError):
        ae.ReconstructionDetector().predict(data.x_test)


def test_around_a_frozen_autoencoder_only_the_threshold_is_fitted(data, detector):
    given = detector.autoencoder_
    before = [weight.copy() for weight in given.model_.get_weights()]
    aside = data.x_test[:200]
    around = ae.ReconstructionDetector(FrozenEstimator(given), contamination=0.05).fit(aside)
    assert around.autoencoder_ is given
    assert all(np.array_equal(*pair) for pair in zip(before, given.model_.get_weights(), strict=True))
    assert (around.predict(aside) == -1).mean() == pytest.approx(0.05)
    assert around.offset_ < detector.offset_  # errors of images that were not trained on are larger


def test_a_frozen_autoencoder_that_is_not_fitted(data):
    frozen = FrozenEstimator(ae.Autoencoder(code_dim=2))
    with pytest.raises(ValueError, match="around a fitted autoencoder, got FrozenEstimator"):
        ae.ReconstructionDetector(frozen).fit(data.x_train[:50])


def test_a_frozen_autoencoder_of_other_images(data, detector):
    frozen = FrozenEstimator(detector.autoencoder_)
    with pytest.raises(ValueError, match="8, 8"):
        ae.ReconstructionDetector(frozen).fit(np.zeros((5, 9, 9, 1), np.float32))


@pytest.mark.slow
def test_an_autoencoder_that_decodes_something_else_is_judged_by_that():
    """By the edges of the upright image, and these computed here once more."""
    images = ae.datasets.load("mnist5k").x_train[:200]
    edges = make_pipeline(ae.Deskew(), ae.HOG()).fit(images)
    autoencoder = ae.DenoisingAutoencoder(4, corruption="affine", target=edges, epochs=1, random_state=0)
    found = ae.ReconstructionDetector(autoencoder, contamination=0.1).fit(images)
    wanted = ae.HOG().fit_transform(ae.Deskew().fit_transform(images))
    decoded = found.autoencoder_.reconstruct(images)
    assert decoded.shape == wanted.shape == (200, wanted.shape[1])
    np.testing.assert_allclose(found.score_samples(images), -np.square(wanted - decoded).sum(axis=1), rtol=1e-4)
    assert (found.predict(images) == -1).mean() == pytest.approx(0.1)
