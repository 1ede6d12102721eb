"""ONNX files give what Python gives, for any number of images; what cannot be exported is said early."""

import importlib.util

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ae_toolkit as ae
from ae_toolkit import export
from ae_toolkit.training.backend import backend

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
for module in export._CONVERTERS[backend.NAME]:
    pytest.importorskip(module)

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
    "adversarial": lambda: ae.AdversarialAutoencoder(**SMALL),
}


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


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scaler", [[], [StandardScaler()], [StandardScaler(with_mean=False)]])
def test_classifier(classes, scaler, tmp_path):
    pipeline = make_pipeline(ae.Autoencoder(**SMALL), *scaler, LogisticRegression())
    flat = IMAGES.reshape(40, -1)
    pipeline.fit(flat, LABELS % classes)
    files = ae.export_onnx(pipeline, tmp_path)
    assert sorted(files) == ["classifier", "decoder", "encoder"]
    np.testing.assert_allclose(run(files["classifier"], flat), pipeline.predict_proba(flat), atol=1e-5)


def test_flat_images_of_one_pixel_row(tmp_path):
    flat = IMAGES.reshape(40, -1)
    fitted = ae.Autoencoder(**SMALL).fit(flat)
    files = ae.export_onnx(fitted, tmp_path)
    np.testing.assert_allclose(run(files["encoder"], flat), fitted.transform(flat), atol=1e-5)


def test_a_file_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    fitted = ae.Autoencoder(**SMALL).fit(IMAGES)
    ae.export_onnx(fitted, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other, exact = ae.Autoencoder(**{**SMALL, "random_state": 1}).fit(IMAGES), export._export

    def wrong(part, shape, path):
        exact(export._Part(part.model, part.model.encode, "encoder") if part.name == "decoder" else part,
              (8, 8, 1) if part.name == "decoder" else shape, path)  # fmt: skip

    monkeypatch.setattr(export, "_export", wrong)
    with pytest.raises(Exception, match=r"decoder|rank|shape|nvalid"):
        ae.export_onnx(other, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_difference_is_noticed(tmp_path, monkeypatch):
    fitted = ae.Autoencoder(**SMALL).fit(IMAGES)
    monkeypatch.setattr(export.training, "in_batches", lambda function, given: np.asarray(function(given)) + 1e-3)
    with pytest.raises(RuntimeError, match=r"expected encoder\.onnx to compute what Python computes to 1e-05, got"):
        ae.export_onnx(fitted, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "other", [PCA(2), None, "x", make_pipeline(PCA(2), LogisticRegression()),
              make_pipeline(ae.Autoencoder(), PCA(2)), make_pipeline(ae.Autoencoder(), PCA(2), LogisticRegression())]
)  # fmt: skip
def test_what_is_no_autoencoder(other, tmp_path):
    with pytest.raises(TypeError, match=r"expected an autoencoder of ae_toolkit, or a pipeline of one.*got"):
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
