"""Save a fitted estimator as a folder of plain data, and load it again, on any backend.

The folder holds ``estimator.json``, which describes parameters and fitted attributes, and
``arrays.npz``, the weights and other arrays. There is no pickle and no code in it, and
loading executes nothing: classes are looked up in a fixed list, never imported by name.
"""

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.mixture import GaussianMixture

import ae_toolkit
from ae_toolkit._keras import keras
from ae_toolkit.estimators.autoencoder import Autoencoder

#: Version of the folder's content, which `load` has to know.
FORMAT = 1
#: The file with parameters and fitted attributes.
DESCRIPTION = "estimator.json"
#: The file with weights and other arrays.
ARRAYS = "arrays.npz"
#: Keras's modules whose layers a network of your own may consist of, but for those in `CODE`.
KERAS_MODULES = (
    "keras",
    "keras.constraints",
    "keras.initializers",
    "keras.layers",
    "keras.models",
    "keras.regularizers",
)
#: Layers that run code or open files.
CODE = (
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "TextVectorization"),  # of a vocabulary in a file, in older versions of Keras
)


def save(estimator, path):
    """Save a fitted estimator of this package in a new folder, or in place of one that it saved before.

    Parameters
    ----------
    estimator : fitted estimator
    path : str or path
        Of the folder. It is written under another name and renamed, so that a whole one
        is there or none.

    Raises
    ------
    TypeError
        If it is no estimator of this package, or holds something that is not plain data.
    FileExistsError
        If there is something at the path that `save` has not written.
    OSError
        If it cannot be written.

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
    path, arrays = Path(path), {}
    if type(estimator).__name__ not in _classes():
        raise TypeError(
            f"expected an estimator of ae_toolkit ({', '.join(_classes())}), got {type(estimator).__name__}"
        )
    if path.exists() and not (path / DESCRIPTION).is_file():
        raise FileExistsError(f"expected a new folder, or one with {DESCRIPTION} to replace, got {path}")
    described = {"format": FORMAT, "version": ae_toolkit.__version__, "estimator": _described(estimator, arrays, "")}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        (temporary / DESCRIPTION).write_text(json.dumps(described, indent=1) + "\n")
        np.savez(temporary / ARRAYS, **arrays)
        os.chmod(temporary, 0o755)
        if path.exists():
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
            os.replace(path, old)  # an empty folder is replaced
            os.replace(temporary, path)
            shutil.rmtree(old)
        else:
            os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def load(path):
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
        array of another shape. Nothing of it is executed.

    Examples
    --------
    >>> import tempfile
    >>> import ae_toolkit as ae
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ae.save(ae.Autoencoder(code_dim=7), f"{folder}/seven")
    ...     ae.load(f"{folder}/seven")
    Autoencoder(code_dim=7)
    """
    path = Path(path)
    for name in (DESCRIPTION, ARRAYS):
        if not (path / name).is_file():
            raise FileNotFoundError(f"expected a folder written by ae.save with a file {name}, got {path}")
    try:
        described = json.loads((path / DESCRIPTION).read_text())
        with np.load(path / ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # whatever a broken file makes of itself
        raise ValueError(f"expected files written by ae.save in {path}, but they cannot be read: {error}") from error
    found = described.get("format") if isinstance(described, dict) else None
    if found != FORMAT:
        raise ValueError(
            f"expected format {FORMAT} in {path / DESCRIPTION}, got {found!r}; a newer ae_toolkit may know it"
        )
    try:
        estimator = _restored(described["estimator"], arrays)
        if not isinstance(estimator, BaseEstimator):
            raise TypeError("an estimator")
        return estimator
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"expected a description written by ae.save in {path}, got one without {error}") from error


def _classes():
    """Return the estimators that may be saved, by name: a fixed list, and scikit-learn's that they hold."""
    names = [name for name in ae_toolkit.__all__ if isinstance(getattr(ae_toolkit, name), type)]
    known = {name: getattr(ae_toolkit, name) for name in names}
    known = {name: cls for name, cls in known.items() if issubclass(cls, BaseEstimator)}
    return {**known, "GaussianMixture": GaussianMixture}


def _described(value, arrays, place):
    """Return a value as JSON data; arrays go to `arrays` under the name of their place."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.random.RandomState):
        kind, key, *rest = value.get_state()
        return {"random_state": [kind, _described(key, arrays, place), *rest]}
    if isinstance(value, np.generic):
        return _described(value.item(), arrays, place)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufU":
        arrays[place] = value
        return {"array": place}
    if isinstance(value, np.ndarray) and value.dtype.kind == "O" and all(isinstance(item, str) for item in value.flat):
        return {"texts": value.tolist()}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_described(item, arrays, f"{place}/{i}") for i, item in enumerate(value)]}
    if isinstance(value, dict):
        return {"dict": [[key, _described(item, arrays, f"{place}/{key}")] for key, item in value.items()]}
    if isinstance(value, keras.Model):
        config = keras.saving.serialize_keras_object(value)
        config.pop("compile_config", None)
        _check_config(config)
        return {"network": config, "weights": _weights(value, arrays, place)}
    if type(value).__name__ in _classes() and isinstance(value, BaseEstimator):
        state = {
            name: item for name, item in vars(value).items() if name != "model_" and not name.startswith("_sklearn")
        }
        items = {name: _described(item, arrays, f"{place}/{name}") for name, item in state.items()}
        found = {"class": type(value).__name__, "state": items}
        if isinstance(value, Autoencoder) and hasattr(value, "model_"):
            found["model"] = _weights(value.model_, arrays, f"{place}/model_")
        return found
    raise TypeError(f"expected plain data in {place or 'an estimator'}, got {type(value).__name__}: it cannot be saved")


def _weights(model, arrays, place):
    names = [f"{place}/weights/{i}" for i in range(len(model.weights))]
    arrays.update(zip(names, model.get_weights(), strict=True))
    return names


def _restored(described, arrays):
    if not isinstance(described, dict):
        return described
    if "array" in described:
        return _array(arrays, described["array"])
    if "random_state" in described:
        kind, key, *rest = described["random_state"]
        generator = np.random.RandomState()
        generator.set_state((kind, _restored(key, arrays), *rest))
        return generator
    if "texts" in described:
        return np.array(described["texts"], dtype=object)
    for kind in (list, tuple):
        if kind.__name__ in described:
            return kind(_restored(item, arrays) for item in described[kind.__name__])
    if "dict" in described:
        return {key: _restored(item, arrays) for key, item in described["dict"]}
    if "network" in described:
        _check_config(described["network"])
        network = keras.saving.deserialize_keras_object(described["network"], safe_mode=True)
        _set_weights(network, described["weights"], arrays)
        return network
    classes = _classes()
    if described["class"] not in classes:
        raise ValueError(f"expected one of the classes {', '.join(classes)}, got {described['class']!r}")
    estimator = classes[described["class"]]()
    for name, item in described["state"].items():
        if not re.fullmatch(r"_?[a-zA-Z]\w*", name) or callable(getattr(type(estimator), name, None)):
            raise ValueError(f"expected the names of parameters and fitted attributes, got {name!r}")
        setattr(estimator, name, _restored(item, arrays))
    if "model" in described:
        estimator._validate_params()
        estimator.model_ = estimator._build_model(0)
        _set_weights(estimator.model_, described["model"], arrays)
    return estimator


def _array(arrays, name):
    if name not in arrays:
        raise ValueError(f"expected an array {name!r} in {ARRAYS}, got none")
    return arrays[name]


def _set_weights(model, names, arrays):
    found = [_array(arrays, name) for name in names]
    wanted, came = [tuple(weight.shape) for weight in model.weights], [array.shape for array in found]
    if came != wanted:
        raise ValueError(f"expected weights of shapes {wanted}, as the description says, got {came}")
    model.set_weights(found)


def _check_config(config):
    """Refuse a network's description that names anything but layers which are only data."""
    if isinstance(config, list | tuple):
        for item in config:
            _check_config(item)
    elif isinstance(config, dict):
        name, module = config.get("class_name"), config.get("module")
        if name is not None and not (_is_value(name) if module is None else _is_known(name, module, config)):
            raise ValueError(
                "expected a network of Keras's layers and ae_toolkit's, of those that hold no code and open no file, "
                f"got {module}.{name}"
            )
        for item in config.values():
            _check_config(item)


def _is_value(name):
    return name in ("__tuple__", "__keras_tensor__", "__numpy__", "__tensor__")


def _is_known(name, module, config):
    if (module, name) == (
        "keras.src.models.functional",
        "Functional",
    ):  # what Keras calls a model of inputs and outputs
        return config.get("registered_name") in (None, "", "Functional")
    registered = config.get("registered_name") or ""
    if registered.startswith("ae_toolkit>"):
        return keras.saving.get_registered_object(registered) is not None
    return module in KERAS_MODULES and name not in CODE and registered in ("", name)
