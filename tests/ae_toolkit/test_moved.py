"""Old names warn once and work; folders saved before the move load."""

import importlib
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import ae_toolkit as ae
from ae_toolkit import _moved

SAVED = Path(__file__).parent / "saved_before_the_rooms"
IMAGES = np.random.default_rng(0).random((12, 6, 5, 1), dtype=np.float32)


def in_a_new_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "FutureWarning" in line]


@pytest.mark.parametrize("old", _moved.MODULES)
def test_an_old_module_is_the_new_one(old):
    new = importlib.import_module(f"ae_toolkit.{_moved.MODULES[old]}")
    moved = importlib.import_module(f"ae_toolkit.{old}")
    assert getattr(ae, old) is moved
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        for name, value in vars(new).items():
            if not name.startswith("_"):
                assert getattr(moved, name) is value


@pytest.mark.parametrize("old", _moved.NAMES)
def test_an_old_function_is_the_new_one(old):
    module, _, name = old.partition(".")
    new = importlib.import_module(f"ae_toolkit.{_moved.MODULES[module]}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        assert getattr(importlib.import_module(f"ae_toolkit.{module}"), name) is getattr(new, _moved.NAMES[old])


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "import ae_toolkit as ae; ae.losses.squared_error; ae.losses.mean",
        "from ae_toolkit.losses import mean, summed",
        "import ae_toolkit.losses as losses; losses.mean",
        "from ae_toolkit.claims import Prediction; from ae_toolkit.claims import settle",
        "import ae_toolkit as ae; ae.networks.own",
    ],
)
def test_an_old_name_warns_once_and_says_where_it_went(code):
    _, warned = in_a_new_process(code)
    assert len(warned) == 1
    assert "<string>:1:" in warned[0]  # the user's own line


def test_the_data_sets_are_importable_by_their_public_name():
    code = (
        "from ae_toolkit.datasets import load; import ae_toolkit.datasets as datasets; import ae_toolkit as ae; "
        "print(load is datasets.load is ae.datasets.load is ae.data.datasets.load, ae.datasets is ae.data.datasets)"
    )
    assert in_a_new_process(code) == ("True True\n", [])


@pytest.mark.slow
def test_new_names_do_not_warn():
    code = "import ae_toolkit as ae; [getattr(ae, name) for name in ae.__all__]; ae.networks.losses.weighted_mean"
    assert in_a_new_process(code)[1] == []


def test_a_name_that_never_was_is_an_attribute_error():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        with pytest.raises(AttributeError, match="no_such"):
            ae.losses.no_such  # noqa: B018 (the access is what is tested)
    with pytest.raises(AttributeError, match="no_such"):
        ae.networks.no_such  # noqa: B018 (the access is what is tested)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["variational", "sampler_of_own_networks"])
def test_a_folder_saved_before_the_move_loads(name):
    estimator = ae.load(SAVED / name)
    model = getattr(estimator, "autoencoder_", estimator)
    with np.load(SAVED / name / "expected.npz") as expected:
        np.testing.assert_allclose(model.transform(IMAGES), expected["codes"], atol=1e-5)
        np.testing.assert_allclose(model.reconstruct(IMAGES), expected["images"], atol=1e-5)
        np.testing.assert_allclose(estimator.sample(3, random_state=0), expected["drawn"], atol=1e-4)
    estimator.fit(IMAGES)  # and trains on
