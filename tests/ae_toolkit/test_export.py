"""ONNX files give what Python gives, for any number of images; what cannot be exported is said early."""

import errno
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ae_toolkit as ae
from ae_toolkit._keras import keras

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip({"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "onnxscript"}[keras.backend.backend()])

IMAGES = np.random.default_rng(0).random((40, 8, 8, 1), dtype=np.float32)
LABELS = np.arange(40) % 3
SMALL = {"code_dim": 2, "hidden_units": (4,), "epochs": 1, "random_state": 0}


def run(path, given):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: given})[0]


ESTIMATORS = {
    "dense": lambda: ae.Autoencoder(**SMALL),
    "tied": lambda: ae.Autoencoder(tied=True, **SMALL),
    "conv": lambda: ae.Autoencoder(network="conv", **SMALL),
    "patch": lambda: ae.Autoencoder(**{**SMALL, "hidden_units": (4, 4), "network": "patch"}),
    "variational": lambda: ae.VariationalAutoencoder(**SMALL),
    "levels": lambda: ae.VariationalAutoencoder(**{**SMALL, "hidden_units": (4, 4), "network": "patch", "n_levels": 2}),
    "adversarial": lambda: ae.AdversarialAutoencoder(**SMALL),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ESTIMATORS)
def test_encoder_and_decoder(name, tmp_path):
    fitted = ESTIMATORS[name]().fit(IMAGES)
    files = ae.export_onnx(fitted, tmp_path / "new" / "folder")
    assert sorted(files) == ["decoder", "encoder"]
    for n in (1, 7):
        codes = run(files["encoder"], IMAGES[:n])
        np.testing.assert_allclose(codes, fitted.transform(IMAGES[:n]), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(run(files["decoder"], codes), fitted.inverse_transform(codes), rtol=1e-5, atol=1e-5)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["decoder.onnx", "encoder.onnx"]


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scaler", [[], [StandardScaler()], [StandardScaler(with_mean=False)]])
def test_classifier(classes, scaler, tmp_path):
    pipeline = make_pipeline(ae.Autoencoder(**SMALL), *scaler, LogisticRegression())
    flat = IMAGES.reshape(40, -1)
    pipeline.fit(flat, LABELS % classes)
    files = ae.export_onnx(pipeline, tmp_path)
    assert sorted(files) == ["classifier", "decoder", "encoder"]
    np.testing.assert_allclose(run(files["classifier"], flat), pipeline.predict_proba(flat), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("n_views", [1, 3, "auto"])
def test_a_trained_classifier_with_its_views(n_views, tmp_path):
    autoencoder = ae.DenoisingAutoencoder(**SMALL, corruption="affine")
    found = ae.AutoencoderClassifier(autoencoder, epochs=3, n_views=n_views, random_state=0).fit(IMAGES, LABELS)
    files = ae.export_onnx(found, tmp_path)
    assert sorted(files) == ["classifier", "encoder"]
    probabilities = run(files["classifier"], IMAGES)
    np.testing.assert_allclose(probabilities, found.predict_proba(IMAGES), atol=1e-5)
    by_one_view = found.set_params(n_views=1).predict_proba(IMAGES)
    assert (np.abs(probabilities - by_one_view).max() > 1e-4) == (n_views != 1)


@pytest.mark.slow
def test_flat_images_of_one_pixel_row(tmp_path):
    flat = IMAGES.reshape(40, -1)
    fitted = ae.Autoencoder(**SMALL).fit(flat)
    files = ae.export_onnx(fitted, tmp_path)
    np.testing.assert_allclose(run(files["encoder"], flat), fitted.transform(flat), atol=1e-5)


@pytest.fixture
def sabotage(monkeypatch):
    """Hand out a function after whose call onnxruntime computes something else from the file of one name."""

    def sabotage(name, difference):
        class Session(onnxruntime.InferenceSession):
            def __init__(self, path, **options):
                super().__init__(path, **options)
                self.name = Path(path).name

            def run(self, *arguments):
                return [found + (difference if self.name == name else 0) for found in super().run(*arguments)]

        monkeypatch.setattr(onnxruntime, "InferenceSession", Session)

    return sabotage


@pytest.mark.slow
@pytest.mark.parametrize("name", ["encoder.onnx", "decoder.onnx"])
@pytest.mark.parametrize("difference", [1e-3, np.nan])
def test_if_one_file_computes_something_else_none_is_written(name, difference, tmp_path, sabotage):
    ae.export_onnx(ae.Autoencoder(**SMALL).fit(IMAGES), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other = ae.Autoencoder(**{**SMALL, "random_state": 1}).fit(IMAGES)
    sabotage(name, difference)
    with pytest.raises(RuntimeError, match=rf"expected {name} to compute what Python computes to 1e-05, got"):
        ae.export_onnx(other, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_an_interrupted_export_leaves_nothing(error, tmp_path, monkeypatch):
    fitted = ae.Autoencoder(**SMALL).fit(IMAGES)
    export, calls = keras.Model.export, []

    def second_fails(model, path, **options):
        calls.append(path)
        export(model, path, **options)
        if len(calls) == 2:
            raise error

    monkeypatch.setattr(keras.Model, "export", second_fails)
    with pytest.raises(error if isinstance(error, type) else OSError):
        ae.export_onnx(fitted, tmp_path / "new")
    assert len(calls) == 2
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize(
    "other", [PCA(2), None, "x", make_pipeline(PCA(2), LogisticRegression()),
              make_pipeline(ae.Autoencoder(), PCA(2)), make_pipeline(ae.Autoencoder(), PCA(2), LogisticRegression())]
)  # fmt: skip
def test_what_is_no_autoencoder(other, tmp_path):
    with pytest.raises(TypeError, match=r"expected an autoencoder or AutoencoderClassifier.*got"):
        ae.export_onnx(other, tmp_path)


def test_what_is_not_fitted(tmp_path):
    with pytest.raises(NotFittedError):
        ae.export_onnx(ae.Autoencoder(), tmp_path)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    fitted = ae.Autoencoder(**SMALL).fit(IMAGES)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"ae-toolkit\[onnx\], but there is no onnx"):
        ae.export_onnx(fitted, tmp_path)
    assert not list(tmp_path.iterdir())
