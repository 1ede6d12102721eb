"""Save a fitted estimator as a folder of plain data, and load it again, on any backend.

The folder holds ``estimator.json``, which describes parameters and fitted attributes, and
``arrays.npz``, the weights and other arrays. There is no pickle and no code in it, and
loading executes nothing: classes are looked up in a fixed list, never imported by name.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.mixture import GaussianMixture

import ae_toolkit
from ae_toolkit._files import find_whole, write_whole
from ae_toolkit._keras import keras
from ae_toolkit.estimators.adversarial import AdversarialAutoencoder
from ae_toolkit.estimators.anomaly import ReconstructionDetector
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.estimators.contractive import ContractiveAutoencoder
from ae_toolkit.estimators.denoising import DenoisingAutoencoder
from ae_toolkit.estimators.generation import MixtureSampler
from ae_toolkit.estimators.sparse import SparseAutoencoder
from ae_toolkit.estimators.variational import VariationalAutoencoder
from ae_toolkit.networks.configurations import CODE as CODE
from ae_toolkit.networks.configurations import KERAS_MODULES as KERAS_MODULES
from ae_toolkit.networks.configurations import check_config

#: Version of the folder's content, which `load` has to know.
FORMAT = 1
#: The file with parameters and fitted attributes.
DESCRIPTION = "estimator.json"
#: The file with weights and other arrays.
ARRAYS = "arrays.npz"
#: The estimators that may be saved, by name, and scikit-learn's that they hold.
CLASSES: dict[str, type[BaseEstimator]] = {
    cls.__name__: cls
    for cls in (
        AdversarialAutoencoder, Autoencoder, ContractiveAutoencoder, DenoisingAutoencoder, GaussianMixture,
        MixtureSampler, ReconstructionDetector, SparseAutoencoder, VariationalAutoencoder,
    )
}  # fmt: skip


def save(estimator: BaseEstimator, path: str | os.PathLike[str]) -> None:
    """Save a fitted estimator of this package in a new folder, or in place of one that it saved before.

    Parameters
    ----------
    estimator : fitted estimator
    path : str or path
        Of the folder. It is written under another name and renamed, so that the whole new
        one is there or the whole old one.

    Raises
    ------
    TypeError
        If it is not an estimator of this package, or holds something that is not plain data.
    ValueError
        If it holds a network with layers that run code or open files.
    FileExistsError
        If there is something at the path that `save` has not written.
    OSError
        If it cannot be written, as on a full disk; what was there before is still there.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> autoencoder = ae.Autoencoder(code_dim=4, epochs=2, random_state=0).fit(data.x_train)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ae.save(autoencoder, f"{folder}/digits")
    ...     twin = ae.load(f"{folder}/digits")
    >>> bool(np.array_equal(twin.transform(data.x_test), autoencoder.transform(data.x_test)))
    True
    """
    path = Path(path)
    if type(estimator) not in CLASSES.values():
        raise TypeError(
            f"expected an estimator of ae_toolkit ({', '.join(CLASSES)}), got {type(estimator).__qualname__} "
            f"of {type(estimator).__module__}"
        )
    if path.exists() and not (path / DESCRIPTION).is_file():
        raise FileExistsError(f"expected a new folder, or one with {DESCRIPTION} to replace, got {path}")
    arrays: dict[str, Any] = {}
    described = {"format": FORMAT, "version": ae_toolkit.__version__, "estimator": _describe(estimator, "", arrays)}
    with write_whole(path) as temporary:
        temporary.mkdir()
        (temporary / DESCRIPTION).write_text(json.dumps(described, indent=1) + "\n")
        np.savez(temporary / ARRAYS, **arrays)


def load(path: str | os.PathLike[str]) -> Any:
    """Load an estimator that `save` has written.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    fitted estimator

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If the content is not what `save` writes: another format, an unknown class, an
        array of another shape; or if weights, or the numbers of a mixture, are NaN or
        infinite. Nothing of it is executed.

    Examples
    --------
    >>> import tempfile
    >>> import ae_toolkit as ae
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ae.save(ae.Autoencoder(code_dim=7), f"{folder}/seven")
    ...     ae.load(f"{folder}/seven")
    Autoencoder(code_dim=7)
    """
    described, arrays = _read(find_whole(path))
    try:
        estimator = _restore(described["estimator"], arrays)
        if not isinstance(estimator, BaseEstimator):
            raise TypeError("an estimator")
        return estimator
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"expected a description written by ae.save in {path}, got one without {error}") from error


def _read(folder):
    """Return a folder's description, of the format that is known, and its arrays by name."""
    for name in (DESCRIPTION, ARRAYS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"expected a folder written by ae.save with a file {name}, got {folder}")
    try:
        described = json.loads((folder / DESCRIPTION).read_text())
        with np.load(folder / ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # whatever a broken file raises
        raise ValueError(f"expected files written by ae.save in {folder}, but they cannot be read: {error}") from error
    found = described.get("format") if isinstance(described, dict) else None
    if found != FORMAT:
        raise ValueError(
            f"expected format {FORMAT} in {folder / DESCRIPTION}, got {found!r}; a newer ae_toolkit may know it"
        )
    return described, arrays


# ------------------------------------------------------------------------- kinds of values


def _describe(value, place, arrays):
    """Return a value as JSON data; arrays go to `arrays` under the name of their place."""
    for codec in _CODECS:
        if codec.takes(value):
            return codec.describe(value, place, arrays)
    raise TypeError(f"expected plain data in {place or 'an estimator'}, got {type(value).__name__}: it cannot be saved")


def _restore(described, arrays):
    """Return the value that `_describe` has described."""
    if not isinstance(described, dict):
        return described
    for codec in _CODECS:
        if codec.key in described:
            return codec.restore(described, arrays)
    keys = ", ".join(codec.key for codec in _CODECS if codec.key)
    raise ValueError(f"expected a value described by one of {keys}, got {', '.join(map(repr, described)) or 'nothing'}")


class _Codec:
    """How one kind of value is saved and loaded.

    Its description is a JSON object that has the codec's `key`, by which it is recognised.
    """

    key: str | None

    def takes(self, value):
        """Whether a value is of this kind."""
        raise NotImplementedError

    def describe(self, value, place, arrays):
        """Return a value as JSON data, and put its arrays into `arrays` under names that begin with its place."""
        raise NotImplementedError

    def restore(self, described, arrays):
        """Return the value that was described, or raise an error if `describe` never writes this."""
        raise NotImplementedError


class _Plain(_Codec):
    """What JSON has itself. It is described by itself, so there is nothing to restore."""

    key = None

    def takes(self, value):
        return value is None or isinstance(value, bool | int | float | str)

    def describe(self, value, place, arrays):
        return value


class _NumPyScalar(_Codec):
    """A number of NumPy's, which comes back as Python's."""

    key = None

    def takes(self, value):
        return isinstance(value, np.bool_ | np.integer | np.floating)

    def describe(self, value, place, arrays):
        return float(value) if isinstance(value, np.floating) else value.item()


class _RandomState(_Codec):
    key = "random_state"

    def takes(self, value):
        return isinstance(value, np.random.RandomState)

    def describe(self, value, place, arrays):
        kind, key, *rest = value.get_state()
        return {self.key: [kind, _describe(key, place, arrays), *rest]}

    def restore(self, described, arrays):
        kind, key, *rest = described[self.key]
        generator = np.random.RandomState()
        generator.set_state((kind, _restore(key, arrays), *rest))
        return generator


class _Array(_Codec):
    """An array of numbers, truth values or texts of fixed width."""

    key = "array"

    def takes(self, value):
        return isinstance(value, np.ndarray) and value.dtype.kind in "biufU"

    def describe(self, value, place, arrays):
        arrays[place] = value
        return {self.key: place}

    def restore(self, described, arrays):
        return _array(described[self.key], arrays)


class _Texts(_Codec):
    """An array of Python's texts, such as the names of a table's columns."""

    key = "texts"

    def takes(self, value):
        return (
            isinstance(value, np.ndarray)
            and value.dtype.kind == "O"
            and all(isinstance(item, str) for item in value.flat)
        )

    def describe(self, value, place, arrays):
        return {self.key: value.tolist()}

    def restore(self, described, arrays):
        return np.array(described[self.key], dtype=object)


class _Sequence(_Codec):
    """A list or a tuple, as `kind` says."""

    def __init__(self, kind):
        self.kind, self.key = kind, kind.__name__

    def takes(self, value):
        return isinstance(value, self.kind)

    def describe(self, value, place, arrays):
        return {self.key: [_describe(item, f"{place}/{i}", arrays) for i, item in enumerate(value)]}

    def restore(self, described, arrays):
        return self.kind(_restore(item, arrays) for item in described[self.key])


class _Dict(_Codec):
    """Pairs of key and value: JSON's own objects know keys of text only."""

    key = "dict"

    def takes(self, value):
        return isinstance(value, dict)

    def describe(self, value, place, arrays):
        return {self.key: [[key, _describe(item, f"{place}/{key}", arrays)] for key, item in value.items()]}

    def restore(self, described, arrays):
        return {key: _restore(item, arrays) for key, item in described[self.key]}


class _Network(_Codec):
    """A Keras model of the user's own: its configuration, and its weights."""

    key = "network"

    def takes(self, value):
        return isinstance(value, keras.Model)

    def describe(self, value, place, arrays):
        config = keras.saving.serialize_keras_object(value)
        config.pop("compile_config", None)
        check_config(config)
        return {self.key: config, "weights": _describe_weights(value, place, arrays)}

    def restore(self, described, arrays):
        check_config(described[self.key])  # before anything is made of it
        network = keras.saving.deserialize_keras_object(described[self.key], safe_mode=True)
        _restore_weights(network, described["weights"], arrays)
        return network


class _Estimator(_Codec):
    """An estimator of the fixed list: its class's name, its attributes, and the weights of its model.

    The model itself is not described: the estimator builds it again from its parameters.
    """

    key = "class"

    def takes(self, value):
        return type(value) in CLASSES.values()

    def describe(self, value, place, arrays):
        state = {
            name: _describe(item, f"{place}/{name}", arrays)
            for name, item in vars(value).items()
            if name != "model_" and not name.startswith("_sklearn")
        }
        described = {self.key: type(value).__name__, "state": state}
        if isinstance(value, Autoencoder) and hasattr(value, "model_"):
            described["model"] = _describe_weights(value.model_, f"{place}/model_", arrays)
        return described

    def restore(self, described, arrays):
        classes, name = CLASSES, described[self.key]
        if name not in classes:
            raise ValueError(f"expected one of the classes {', '.join(classes)}, got {name!r}")
        estimator = classes[name]()
        for attribute, item in described["state"].items():
            self._check_attribute(estimator, attribute)
            setattr(estimator, attribute, _restore(item, arrays))
            # The user's own attributes may hold NaN; what a mixture draws from may not.
            if isinstance(estimator, GaussianMixture) and isinstance(item, dict) and _Array.key in item:
                _check_finite(item[_Array.key], arrays)
        if "model" in described:
            estimator._validate_params()
            estimator.model_ = estimator._build_model(0)
            _restore_weights(estimator.model_, described["model"], arrays)
        return estimator

    @staticmethod
    def _check_attribute(estimator, name):
        """Refuse what would hide a method or reach into Python's insides."""
        if not re.fullmatch(r"_?[a-zA-Z]\w*", name) or callable(getattr(type(estimator), name, None)):
            raise ValueError(f"expected the names of parameters and fitted attributes, got {name!r}")


# Every kind of value that can be saved. The first that takes a value describes it.
_CODECS: tuple[_Codec, ...] = (
    _Plain(),
    _NumPyScalar(),
    _RandomState(),
    _Array(),
    _Texts(),
    _Sequence(list),
    _Sequence(tuple),
    _Dict(),
    _Network(),
    _Estimator(),
)


# ---------------------------------------------------------------------- arrays and weights


def _array(name, arrays):
    if name not in arrays:
        raise ValueError(f"expected an array {name!r} in {ARRAYS}, got none")
    return arrays[name]


def _check_finite(name, arrays):
    array = _array(name, arrays)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"expected numbers in the array {name!r} of {ARRAYS}, got values of type {array.dtype}")
    wrong = np.count_nonzero(~np.isfinite(array))
    if wrong:
        raise ValueError(
            f"expected finite numbers in the array {name!r} of {ARRAYS}, got {wrong} of {array.size} that are NaN or "
            "infinite"
        )


def _describe_weights(model, place, arrays):
    names = [f"{place}/weights/{i}" for i in range(len(model.weights))]
    for name, weight in zip(names, model.get_weights(), strict=True):
        # NumPy's files do not know bfloat16, whose values float32 has all.
        arrays[name] = weight.astype("float32") if weight.dtype.name == "bfloat16" else weight
    return names


def _restore_weights(model, names, arrays):
    found = [_array(name, arrays) for name in names]
    wanted, came = [tuple(weight.shape) for weight in model.weights], [array.shape for array in found]
    if came != wanted:
        raise ValueError(f"expected weights of shapes {wanted}, as the description says, got {came}")
    for name in names:
        _check_finite(name, arrays)
    model.set_weights(found)
