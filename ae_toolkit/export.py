"""Encoders, decoders and classifiers as ONNX files, for programs that have neither Keras nor Python."""

import contextlib
import importlib.util
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ae_toolkit import training
from ae_toolkit._files import write_whole
from ae_toolkit._keras import keras
from ae_toolkit.estimators._learned import further_views
from ae_toolkit.estimators._linear import linear_map
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.estimators.classification import AutoencoderClassifier

#: The largest accepted difference between an ONNX file's results and Keras's, as a fraction of the largest result.
TOLERANCE = 1e-5
_CONVERTERS = {"tensorflow": ["tf2onnx"], "jax": ["jax2onnx"], "torch": ["onnxscript"]}


def export_onnx(estimator: Any, path: str | os.PathLike[str]) -> dict[str, Path]:
    """Write a fitted autoencoder's encoder and decoder, and a classifier on its codes, as ONNX files.

    Each file is run by onnxruntime on random numbers, and has to give what Python gives, to
    `TOLERANCE`, before any file takes its place.

    Parameters
    ----------
    estimator : fitted Autoencoder or variant, AutoencoderClassifier, or a pipeline that begins with an autoencoder
        A pipeline is a classifier: the autoencoder, a ``StandardScaler`` or none, and a
        ``LogisticRegression``.
    path : str or path
        A folder, made if it does not exist. The files ``encoder.onnx``, ``decoder.onnx``
        and ``classifier.onnx`` in it are replaced.

    Returns
    -------
    dict of str to Path
        The files: ``encoder`` takes (n, *image_shape) and gives codes, ``decoder`` the
        other way; ``classifier`` takes images and gives the probability of each class, in
        the order of ``classes_``, averaged over the views of each image as in Python. The
        number of images is free. An `AutoencoderClassifier` has no ``decoder``, since its codes
        may have moved away from it.

    Raises
    ------
    ImportError
        If the extra ``onnx`` is not installed.
    TypeError
        If the estimator is none of these.
    RuntimeError
        If a file does not compute what Python computes; then none is written.
    OSError
        If a file cannot be written, as on a full disk; then none is written.

    Examples
    --------
    >>> import tempfile
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> autoencoder = ae.Autoencoder(code_dim=4, epochs=1, random_state=0).fit(data.x_train)
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     sorted(ae.export_onnx(autoencoder, folder))
    ['decoder', 'encoder']
    """
    autoencoder, head, views = _parts(estimator)
    _check_packages()
    functions = _functions(autoencoder, head, views)
    if isinstance(estimator, AutoencoderClassifier):
        del functions["decoder"]
    files = {name: Path(path) / f"{name}.onnx" for name in functions}
    with contextlib.ExitStack() as unfinished:
        for name, (function, shape) in functions.items():
            temporary = unfinished.enter_context(write_whole(files[name]))
            _write(_Function(autoencoder.model_, function, name), shape, temporary)
            given = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
            expected = estimator.predict_proba(given) if name == "classifier" else training.in_batches(function, given)
            _check(temporary, given, expected)
    return files


def _parts(estimator):
    """Return the fitted autoencoder, a classifier's weights and biases or None, and the functions of further views."""
    if isinstance(estimator, AutoencoderClassifier):
        check_is_fitted(estimator)
        views = further_views(estimator.autoencoder_, estimator.n_views)
        return estimator.autoencoder_, (estimator.coef_, estimator.intercept_), views
    autoencoder, *steps = _steps(estimator)
    check_is_fitted(autoencoder)
    return autoencoder, linear_map(*steps) if steps else None, []


def _steps(estimator):
    """Return a list of the autoencoder and, of a pipeline, the steps behind it."""
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    behind = [StandardScaler] * (len(steps) == 3) + [LogisticRegression] * (len(steps) > 1)
    kinds = [Autoencoder, *behind]
    if len(steps) > 3 or not all(map(isinstance, steps, kinds)):
        raise TypeError(
            "expected an autoencoder or AutoencoderClassifier of ae_toolkit, or a pipeline of an autoencoder, a "
            f"StandardScaler or none, and a LogisticRegression, got {estimator!r}"
        )
    return steps


def _check_packages():
    for name in ("onnx", "onnxruntime", *_CONVERTERS[keras.backend.backend()]):
        if importlib.util.find_spec(name) is None:
            raise ImportError(f"expected the packages of the extra ae-toolkit[onnx], but there is no {name}")


def _functions(autoencoder, head, views):
    """Return what each file computes, by its name: a function of tensors, and the shape of one input."""
    model, image_shape = autoencoder.model_, tuple(autoencoder.image_shape_)
    functions = {"encoder": (model.encode, image_shape), "decoder": (model.decode, (autoencoder.code_dim,))}
    if head is not None:
        weights, biases = (item.astype(np.float32) for item in head)

        def classify(images):
            # All views at once, so that the file holds the encoder once.
            every_view = keras.ops.concatenate([images, *(view(images) for view in views)])
            shares = keras.ops.softmax(keras.ops.matmul(model.encode(every_view), weights) + biases)
            return keras.ops.mean(keras.ops.reshape(shares, (1 + len(views), -1, len(biases))), axis=0)

        functions["classifier"] = (classify, image_shape)
    return functions


class _Function(keras.Model):
    """One function of a model as a model of its own."""

    def __init__(self, model, function, name):
        super().__init__(name=name)
        self.model, self._function = model, function
        self.built = True

    def call(self, inputs):
        return self._function(inputs)


def _write(function, shape, path):
    function(np.zeros((1, *shape), "float32"))
    signature = [keras.InputSpec(shape=(None, *shape), dtype="float32")]
    with contextlib.redirect_stdout(io.StringIO()):
        function.export(path, format="onnx", verbose=False, input_signature=signature)


def _check(path, given, expected):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: given})[0]
    worst = np.abs(found - expected).max() / max(1.0, np.abs(expected).max())
    if not worst <= TOLERANCE:
        raise RuntimeError(
            f"expected {path.name} to compute what Python computes to {TOLERANCE}, got a difference of {worst:.2g}"
        )
