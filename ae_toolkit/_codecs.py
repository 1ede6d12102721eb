"""How `ae_toolkit.storage` writes each kind of value, and reads it again: a table of codecs, and nothing else.

A value becomes JSON data; its arrays go beside it, by name. The classes that may be loaded
are a fixed list, `CLASSES`.
"""

import re

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import FeatureUnion, Pipeline

from ae_toolkit._keras import keras
from ae_toolkit.data.preprocessing import HOG, Deskew
from ae_toolkit.estimators._settings import complete_settings
from ae_toolkit.estimators.adversarial import AdversarialAutoencoder
from ae_toolkit.estimators.anomaly import ReconstructionDetector
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.estimators.classification import AutoencoderClassifier
from ae_toolkit.estimators.contractive import ContractiveAutoencoder
from ae_toolkit.estimators.deep_clustering import DeepEmbeddedClustering
from ae_toolkit.estimators.denoising import DenoisingAutoencoder
from ae_toolkit.estimators.generation import MixtureSampler
from ae_toolkit.estimators.manifold_clustering import ManifoldClustering
from ae_toolkit.estimators.sparse import SparseAutoencoder
from ae_toolkit.estimators.variational import VariationalAutoencoder
from ae_toolkit.networks.configurations import check_config

#: The file with weights and other arrays.
ARRAYS = "arrays.npz"
#: The estimators that may be saved, by name, and scikit-learn's that they hold.
CLASSES: dict[str, type[BaseEstimator]] = {
    cls.__name__: cls
    for cls in (
        AdversarialAutoencoder, Autoencoder, AutoencoderClassifier, ContractiveAutoencoder, DeepEmbeddedClustering,
        DenoisingAutoencoder, Deskew, FeatureUnion, FrozenEstimator, GaussianMixture, HOG, ManifoldClustering,
        MixtureSampler, Pipeline, ReconstructionDetector, SparseAutoencoder, VariationalAutoencoder,
    )
}  # fmt: skip
#: Those that only hold others, without which they cannot be made.
HOLDERS = (FeatureUnion, FrozenEstimator, Pipeline)
#: Those whose arrays are computed with, so that none may be NaN.
COMPUTED_WITH = (AutoencoderClassifier, DeepEmbeddedClustering, GaussianMixture, ManifoldClustering)
#: Their attributes that are names or numbers of classes, which nothing is computed of.
LABELS = ("classes_", "transduction_")


# ------------------------------------------------------------------------- kinds of values


def describe_value(value, place, arrays):
    """Return a value as JSON data; arrays go to `arrays` under the name of their place."""
    for codec in CODECS:
        if codec.takes(value):
            return codec.describe(value, place, arrays)
    if isinstance(value, BaseEstimator):
        raise TypeError(
            f"expected estimators of ae_toolkit ({', '.join(CLASSES)}) or none in {place}, got {type(value).__name__}: "
            "what others have learned cannot be saved as plain data"
        )
    raise TypeError(f"expected plain data in {place or 'an estimator'}, got {type(value).__name__}: it cannot be saved")


def restore_value(described, arrays):
    """Return the value that `describe_value` has described."""
    if not isinstance(described, dict):
        return described
    for codec in CODECS:
        if codec.key in described:
            return codec.restore(described, arrays)
    keys = ", ".join(codec.key for codec in CODECS if codec.key)
    raise ValueError(f"expected a value described by one of {keys}, got {', '.join(map(repr, described)) or 'nothing'}")


class Codec:
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


class Plain(Codec):
    """What JSON has itself. It is described by itself, so there is nothing to restore."""

    key = None

    def takes(self, value):
        return value is None or isinstance(value, bool | int | float | str)

    def describe(self, value, place, arrays):
        return value


class NumPyScalar(Codec):
    """A number of NumPy's, which comes back as Python's."""

    key = None

    def takes(self, value):
        return isinstance(value, np.bool_ | np.integer | np.floating)

    def describe(self, value, place, arrays):
        return float(value) if isinstance(value, np.floating) else value.item()


class RandomState(Codec):
    key = "random_state"

    def takes(self, value):
        return isinstance(value, np.random.RandomState)

    def describe(self, value, place, arrays):
        kind, key, *rest = value.get_state()
        return {self.key: [kind, describe_value(key, place, arrays), *rest]}

    def restore(self, described, arrays):
        kind, key, *rest = described[self.key]
        generator = np.random.RandomState()
        generator.set_state((kind, restore_value(key, arrays), *rest))
        return generator


class Array(Codec):
    """An array of numbers, truth values or texts of fixed width."""

    key = "array"

    def takes(self, value):
        return isinstance(value, np.ndarray) and value.dtype.kind in "biufU"

    def describe(self, value, place, arrays):
        arrays[place] = value
        return {self.key: place}

    def restore(self, described, arrays):
        return named_array(described[self.key], arrays)


class Texts(Codec):
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


class Sequence(Codec):
    """A list or a tuple, as `kind` says."""

    def __init__(self, kind):
        self.kind, self.key = kind, kind.__name__

    def takes(self, value):
        return isinstance(value, self.kind)

    def describe(self, value, place, arrays):
        return {self.key: [describe_value(item, f"{place}/{i}", arrays) for i, item in enumerate(value)]}

    def restore(self, described, arrays):
        return self.kind(restore_value(item, arrays) for item in described[self.key])


class Dict(Codec):
    """Pairs of key and value: JSON's own objects know keys of text only."""

    key = "dict"

    def takes(self, value):
        return isinstance(value, dict)

    def describe(self, value, place, arrays):
        return {self.key: [[key, describe_value(item, f"{place}/{key}", arrays)] for key, item in value.items()]}

    def restore(self, described, arrays):
        return {key: restore_value(item, arrays) for key, item in described[self.key]}


class Network(Codec):
    """A Keras model of the user's own: its configuration, and its weights."""

    key = "network"

    def takes(self, value):
        return isinstance(value, keras.Model)

    def describe(self, value, place, arrays):
        config = keras.saving.serialize_keras_object(value)
        config.pop("compile_config", None)
        check_config(config)
        return {self.key: config, "weights": describe_weights(value, place, arrays)}

    def restore(self, described, arrays):
        check_config(described[self.key])  # before anything is made of it
        network = keras.saving.deserialize_keras_object(described[self.key], safe_mode=True)
        restore_weights(network, described["weights"], arrays)
        return network


class Estimator(Codec):
    """An estimator of the fixed list: its class's name, its attributes, and the weights of its model.

    The model itself is not described: the estimator builds it again from its parameters.
    """

    key = "class"

    def takes(self, value):
        return type(value) in CLASSES.values()

    def describe(self, value, place, arrays):
        state = {
            name: describe_value(item, f"{place}/{name}", arrays)
            for name, item in vars(value).items()
            if name != "model_" and not name.startswith("_sklearn")
        }
        described = {self.key: type(value).__name__, "state": state}
        if isinstance(value, Autoencoder) and hasattr(value, "model_"):
            described["model"] = describe_weights(value.model_, f"{place}/model_", arrays)
        return described

    def restore(self, described, arrays):
        classes, name = CLASSES, described[self.key]
        if name not in classes:
            raise ValueError(f"expected one of the classes {', '.join(classes)}, got {name!r}")
        cls = classes[name]
        estimator = cls.__new__(cls) if cls in HOLDERS else cls()
        for attribute, item in described["state"].items():
            self._check_attribute(estimator, attribute)
            setattr(estimator, attribute, restore_value(item, arrays))
            # The user's own attributes may hold NaN; what a mixture or clusters are made of may not.
            computed_with = isinstance(estimator, COMPUTED_WITH) and attribute not in LABELS
            if computed_with and isinstance(item, dict) and Array.key in item:
                check_finite(item[Array.key], arrays)
        if "model" in described:
            complete_settings(estimator)
            estimator._validate_params()
            estimator.model_ = estimator._build_model(0)
            restore_weights(estimator.model_, described["model"], arrays)
        return estimator

    @staticmethod
    def _check_attribute(estimator, name):
        """Refuse what would hide a method or reach into Python's insides."""
        if not re.fullmatch(r"_?[a-zA-Z]\w*", name) or callable(getattr(type(estimator), name, None)):
            raise ValueError(f"expected the names of parameters and fitted attributes, got {name!r}")


class Frozen(Codec):
    """An estimator that scikit-learn's `FrozenEstimator` holds, which `clone` and `fit` leave as it is."""

    key = "frozen"

    def takes(self, value):
        return isinstance(value, FrozenEstimator)

    def describe(self, value, place, arrays):
        return {self.key: describe_value(value.estimator, place, arrays)}

    def restore(self, described, arrays):
        return FrozenEstimator(restore_value(described[self.key], arrays))


# Every kind of value that can be saved. The first that takes a value describes it.
CODECS: tuple[Codec, ...] = (
    Plain(),
    NumPyScalar(),
    RandomState(),
    Array(),
    Texts(),
    Sequence(list),
    Sequence(tuple),
    Dict(),
    Network(),
    Estimator(),
    Frozen(),
)


# ---------------------------------------------------------------------- arrays and weights


def named_array(name, arrays):
    if name not in arrays:
        raise ValueError(f"expected an array {name!r} in {ARRAYS}, got none")
    return arrays[name]


def check_finite(name, arrays):
    array = named_array(name, arrays)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"expected numbers in the array {name!r} of {ARRAYS}, got values of type {array.dtype}")
    wrong = np.count_nonzero(~np.isfinite(array))
    if wrong:
        raise ValueError(
            f"expected finite numbers in the array {name!r} of {ARRAYS}, got {wrong} of {array.size} that are NaN or "
            "infinite"
        )


def describe_weights(model, place, arrays):
    names = [f"{place}/weights/{i}" for i in range(len(model.weights))]
    for name, weight in zip(names, model.get_weights(), strict=True):
        # NumPy's files do not know bfloat16, whose values float32 has all.
        arrays[name] = weight.astype("float32") if weight.dtype.name == "bfloat16" else weight
    return names


def restore_weights(model, names, arrays):
    found = [named_array(name, arrays) for name in names]
    wanted, came = [tuple(weight.shape) for weight in model.weights], [array.shape for array in found]
    if came != wanted:
        raise ValueError(f"expected weights of shapes {wanted}, as the description says, got {came}")
    for name in names:
        check_finite(name, arrays)
    model.set_weights(found)
