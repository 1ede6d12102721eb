"""Encoders and decoders as ONNX files, for programs that have neither Keras nor Python."""

import contextlib
import importlib.util
import io
import os
import tempfile
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ae_toolkit import training
from ae_toolkit._keras import keras

TOLERANCE = 1e-5


class _Part(keras.Model):
    """One direction of a model as a model of its own."""

    def __init__(self, model, direction):
        super().__init__(name=direction)
        self.model, self.direction = model, direction
        self.built = True

    def call(self, inputs):
        return getattr(self.model, self.direction)(inputs)


def export_onnx(estimator, path):
    """Write a fitted autoencoder's encoder and decoder as ONNX files, and check them.

    Each file is run by onnxruntime on random numbers before it is written, and has to give
    what Keras gives, to 1e-5 of the largest value.

    Parameters
    ----------
    estimator : fitted Autoencoder or variant
    path : str or path
        A folder, made if it does not exist; ``encoder.onnx`` and ``decoder.onnx`` in it are
        replaced.

    Returns
    -------
    dict of str to Path
        The files: ``encoder`` takes (n, *image_shape) and gives codes, ``decoder`` the
        other way. The number of images is free.

    Raises
    ------
    ImportError
        If the extra ``onnx`` is not installed.
    RuntimeError
        If a file does not compute what Keras computes; it is not written then.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> autoencoder = ae.Autoencoder(code_dim=4, epochs=1, random_state=0).fit(data.x_train)
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     sorted(ae.export_onnx(autoencoder, folder))
    ['decoder', 'encoder']
    """
    check_is_fitted(estimator)
    for name in (
        "onnx",
        "onnxruntime",
        {"tensorflow": "tf2onnx", "jax": "jax2onnx"}.get(keras.backend.backend(), "onnx"),
    ):
        if importlib.util.find_spec(name) is None:
            raise ImportError(f"expected the packages of the extra ae-toolkit[onnx], but there is no {name}")
    folder, files = Path(path), {}
    folder.mkdir(parents=True, exist_ok=True)
    shapes = {"encoder": ("encode", estimator.image_shape_), "decoder": ("decode", (estimator._n_features_out,))}
    for name, (direction, shape) in shapes.items():
        files[name] = folder / f"{name}.onnx"
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}.") as temporary:
            written = Path(temporary) / f"{name}.onnx"
            _export(_Part(estimator.model_, direction), shape, written)
            _check(written, getattr(estimator.model_, direction), shape)
            os.replace(written, files[name])
    return files


def _export(part, shape, path):
    part(np.zeros((1, *shape), "float32"))
    signature = [keras.InputSpec(shape=(None, *shape), dtype="float32")]
    with contextlib.redirect_stdout(io.StringIO()):
        part.export(path, format="onnx", verbose=False, input_signature=signature)


def _check(path, function, shape):
    import onnxruntime

    inputs = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: inputs})[0]
    expected = training.in_batches(function, inputs)
    worst = np.abs(found - expected).max() / max(1.0, np.abs(expected).max())
    if not worst <= TOLERANCE:
        raise RuntimeError(
            f"expected {path.name} to compute what Keras computes to {TOLERANCE}, got a difference of {worst:.2g}"
        )
