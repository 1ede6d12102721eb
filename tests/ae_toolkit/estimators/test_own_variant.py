"""A variant of a user's own, as the page "Write your own autoencoder" shows it, has all that the package's have."""

import copy
import inspect
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.utils.estimator_checks import parametrize_with_checks

import ae_toolkit as ae
from ae_toolkit.estimators.models import AutoencoderModel
from ae_toolkit.networks.losses import sum_per_image

PAGE = Path(__file__).parents[3] / "notebooks" / "write_your_own.ipynb"


@keras.saving.register_keras_serializable(package="own")
class SmoothModel(AutoencoderModel):
    """Adds the total variation of the reconstruction to the squared error."""

    def __init__(self, encoder, decoder, weight, **kwargs):
        weights = {"reconstruction": 1.0, "total_variation": weight}
        super().__init__(encoder, decoder, loss_weights=weights, **kwargs)
        self.weight = weight

    def loss_terms(self, images, outputs):
        decoded = outputs["reconstructions"]
        axes = range(1, min(3, len(decoded.shape)))  # height and width
        steps = [sum_per_image(ops.abs(ops.diff(decoded, axis=a))) for a in axes]
        terms = super().loss_terms(images, outputs)
        return {**terms, "total_variation": sum(steps)}

    def get_config(self):
        return {**super().get_config(), "weight": self.weight}


class SmoothAutoencoder(ae.Autoencoder):
    """Learn codes from which smooth images are decoded."""

    def __init__(self, code_dim=32, *, smoothness=0.1, epochs=30, random_state=None):
        super().__init__(code_dim, epochs=epochs, random_state=random_state)
        self.smoothness = smoothness

    def _build_model(self, seed):
        if self.smoothness < 0:
            raise ValueError(f"expected smoothness from 0, got {self.smoothness}")
        return SmoothModel(*self._networks(seed), self.smoothness)


QUICK = {"code_dim": 2, "epochs": 2, "random_state": 0}
CANNOT_HOLD = {
    "check_sample_weight_equivalence_on_dense_data": "float32, and batches in another order; as for the package's own"
}


@pytest.mark.slow
@parametrize_with_checks([SmoothAutoencoder(**QUICK)], expected_failed_checks=lambda estimator: CANNOT_HOLD)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.skipif(not PAGE.is_file(), reason="the book is not here")
def test_the_page_shows_these_very_lines():
    cells = json.loads(PAGE.read_text(encoding="utf-8"))["cells"]
    code = {"".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}
    sources = [inspect.getsource(cls).rstrip() for cls in (SmoothModel, SmoothAutoencoder)]
    assert set(sources) <= code
    assert sum(bool(line) for source in sources for line in source.split("\n")) <= 25


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((20, 6, 5, 1), dtype=np.float32)


@pytest.mark.slow
def test_its_curve_has_its_term(images):
    fitted = SmoothAutoencoder(smoothness=0.2, **QUICK).fit(images, validation_data=images[:5])
    history = {name: np.array(values) for name, values in fitted.history_.items()}
    assert set(history) == {
        "loss", "reconstruction", "total_variation", "val_loss", "val_reconstruction", "val_total_variation"
    }  # fmt: skip
    for kind in ("", "val_"):
        expected = history[kind + "reconstruction"] + 0.2 * history[kind + "total_variation"]
        np.testing.assert_allclose(history[kind + "loss"], expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(6, 5, 1), (6, 5), (30,)])
def test_its_term_is_the_total_variation(images, shape):
    images = images.reshape(-1, *shape)
    fitted = SmoothAutoencoder(**QUICK).fit(images)
    outputs = fitted.model_.propagate(images)
    found = ops.convert_to_numpy(fitted.model_.loss_terms(images, outputs)["total_variation"])
    decoded = fitted.reconstruct(images)
    expected = sum(
        np.abs(np.diff(decoded, axis=axis)).reshape(20, -1).sum(axis=1) for axis in range(1, min(3, decoded.ndim))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.slow
def test_it_makes_reconstructions_smoother():
    data = ae.datasets.load("digits")
    variations = []
    for smoothness in (0.0, 0.5):
        fitted = SmoothAutoencoder(8, smoothness=smoothness, epochs=10, random_state=0).fit(data.x_train)
        decoded = fitted.reconstruct(data.x_test)
        variations.append(sum(np.abs(np.diff(decoded, axis=axis)).sum() for axis in (1, 2)))
    assert variations[1] < 0.8 * variations[0]


@pytest.mark.slow
def test_two_weights_do_not_share_a_compiled_step(images):
    """A class of the user's own may compute anything, so each training compiles its own."""
    mild, strong = (SmoothAutoencoder(smoothness=weight, **QUICK).fit(images) for weight in (0.0, 5.0))
    assert not np.allclose(mild.transform(images), strong.transform(images))
    assert strong.history_["loss"][0] > strong.history_["reconstruction"][0] + 1
    assert mild.history_["loss"] == pytest.approx(mild.history_["reconstruction"])


def test_a_wrong_weight_is_refused(images):
    with pytest.raises(ValueError, match="expected smoothness from 0, got -1"):
        SmoothAutoencoder(smoothness=-1, **QUICK).fit(images)


def test_a_term_that_was_not_named_is_refused(images):
    class Forgetful(SmoothModel):
        def loss_terms(self, images, outputs):
            return AutoencoderModel.loss_terms(self, images, outputs)

    class Estimator(SmoothAutoencoder):
        def _build_model(self, seed):
            return Forgetful(*self._networks(seed), self.smoothness)

    with pytest.raises(ValueError, match=r"\['reconstruction', 'total_variation'\], got \['reconstruction'\]"):
        Estimator(**QUICK).fit(images)


@pytest.mark.slow
def test_its_model_is_saved_by_keras(images, tmp_path):
    fitted = SmoothAutoencoder(smoothness=0.2, **QUICK).fit(images)
    fitted.model_.save(tmp_path / "smooth.keras")
    loaded = keras.saving.load_model(tmp_path / "smooth.keras")
    assert type(loaded) is SmoothModel
    assert loaded.loss_weights == {"reconstruction": 1.0, "total_variation": 0.2}
    # Called eagerly and in a graph: other kernels may compute the last bit.
    np.testing.assert_allclose(ops.convert_to_numpy(loaded(images)), fitted.reconstruct(images), atol=1e-5)


@pytest.mark.slow
def test_its_networks_are_saved_in_an_estimator_of_the_package(images, tmp_path):
    fitted = SmoothAutoencoder(**QUICK).fit(images)
    networks = {"encoder": fitted.model_.encoder, "decoder": fitted.model_.decoder}
    plain = ae.Autoencoder(2, **networks, epochs=1, learning_rate=1e-9, random_state=0).fit(images)
    ae.save(plain, tmp_path / "plain")
    np.testing.assert_allclose(ae.load(tmp_path / "plain").transform(images), fitted.transform(images), atol=1e-5)


@pytest.mark.slow
def test_ae_save_takes_only_its_fixed_list_of_classes(images, tmp_path):
    fitted = SmoothAutoencoder(**QUICK).fit(images)
    with pytest.raises(TypeError, match=r"expected an estimator of ae_toolkit .*got SmoothAutoencoder"):
        ae.save(fitted, tmp_path / "smooth")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_it_is_copied(images):
    fitted = SmoothAutoencoder(**QUICK).fit(images)
    np.testing.assert_array_equal(copy.deepcopy(fitted).transform(images), fitted.transform(images))
