"""The private names of Keras that the package depends on: which they are, where, and that each is still there.

A weekly run against the newest Keras begins with this file, so that a name which has gone
is reported by itself, before everything that depends on it fails.
"""

import ast
from pathlib import Path

import numpy as np
import pytest

import ae_toolkit
from ae_toolkit import networks, training
from ae_toolkit._keras import keras
from ae_toolkit.estimators.models import AutoencoderModel

PACKAGE = Path(ae_toolkit.__file__).parent
# Every private name, and the one line that uses it.
KNOWN = {"_initial_epoch": "training/fitting.py", "keras.src.models.functional": "networks/configurations.py"}


def private_names_of_keras():
    """Return the private attributes of Keras's models, layers, variables and optimisers."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(), "mse")
    callbacks = [keras.callbacks.Callback(), keras.callbacks.CallbackList([])]
    things = [model, *model.layers, *model.weights, model.optimizer, *model.metrics, *callbacks]
    names = {name for thing in things for name in dir(thing)}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def uses():
    """Return each place of the package that names something private of Keras, as (name, file)."""
    private, found = private_names_of_keras(), []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        own |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_stored_on_self(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in private - own:
                found.append((node.attr, str(path.relative_to(PACKAGE))))
            if isinstance(node, ast.ClassDef):
                overridden = {item.name for item in node.body if isinstance(item, ast.FunctionDef)} & private
                found += [(name, str(path.relative_to(PACKAGE))) for name in overridden]
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("keras.src"):
                found.append((node.value, str(path.relative_to(PACKAGE))))
    return found


def is_stored_on_self(node):
    return isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == "self"


@pytest.mark.slow
def test_no_other_private_name_is_used():
    assert sorted(uses()) == sorted(KNOWN.items())


@pytest.mark.slow
def test_initial_epoch(tmp_path):
    """Keras's BackupAndRestore resumes a training here as it does in Keras's own fit."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("stopped")

    def fit(callbacks):
        model = AutoencoderModel(*networks.build((6,), 2, "dense", (4,), seed=1))
        images = np.random.default_rng(0).random((8, 6), dtype=np.float32)
        options = {"epochs": 4, "optimizer": keras.optimizers.SGD(0.01), "seed": 0}
        return training.fit(model, images, callbacks=callbacks, **options), model

    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
    with pytest.raises(RuntimeError, match="stopped"):
        fit([backup, Stop()])
    history, resumed = fit([keras.callbacks.BackupAndRestore(tmp_path / "backup")])
    assert len(history["loss"]) == 2
    whole, undisturbed = fit([])
    assert history["loss"] == pytest.approx(whole["loss"][2:], rel=1e-5)
    np.testing.assert_allclose(resumed.get_weights()[0], undisturbed.get_weights()[0], rtol=1e-5)


def test_module_of_functional_models():
    """A saved network of inputs and outputs names Keras's private module for it."""
    image = keras.Input((6,))
    config = keras.saving.serialize_keras_object(keras.Model(image, keras.layers.Dense(2)(image)))
    assert config["module"] == "keras.src.models.functional"
