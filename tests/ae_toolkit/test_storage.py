"""Saving and loading: equal predictions, on another backend too; and nothing that was tampered with does harm."""

import errno
import json
import os
import shutil

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

import ae_toolkit as ae
from ae_toolkit import storage
from ae_toolkit._keras import keras

IMAGES = np.random.default_rng(0).random((12, 6, 5, 1), dtype=np.float32)
LABELS = np.array(["no", "perhaps", "yes"])[np.arange(12) % 3]  # which only a classifier looks at
SMALL = {"code_dim": 2, "hidden_units": (4,), "epochs": 1, "random_state": 0}


def own():
    layers = keras.layers
    encoder = keras.Sequential([keras.Input((6, 5, 1)), layers.Conv2D(2, 3, activation="relu"), layers.Flatten(),
                                layers.Dense(2)])  # fmt: skip
    code = keras.Input((2,))
    wide = layers.Dense(30, activation="tanh", kernel_regularizer="l2")(code)
    decoder = keras.Model(code, layers.Reshape((6, 5, 1))(layers.Add()([wide, layers.Dense(30)(code)])))
    return {"encoder": encoder, "decoder": decoder}


ESTIMATORS = {
    "plain": lambda: ae.Autoencoder(**SMALL),
    "conv": lambda: ae.Autoencoder(**{**SMALL, "network": "conv"}),
    "patch": lambda: ae.Autoencoder(**{**SMALL, "network": "patch"}),
    "tied": lambda: ae.Autoencoder(tied=True, **SMALL),
    "augmented": lambda: ae.Autoencoder(augmentation={"rotation": 10, "shift": 0.1}, **SMALL),
    "own": lambda: ae.Autoencoder(2, epochs=1, random_state=0, **own()),
    "denoising": lambda: ae.DenoisingAutoencoder(**SMALL),
    "affine": lambda: ae.DenoisingAutoencoder(corruption={"rotation": 5}, **SMALL),
    "deskewing": lambda: ae.DenoisingAutoencoder(corruption="affine", target=ae.Deskew(), **SMALL),
    "to features": lambda: ae.DenoisingAutoencoder(target=ae.HOG(), **{**SMALL, "network": "patch"}),
    "sparse": lambda: ae.SparseAutoencoder(penalty="kl", **SMALL),
    "contractive": lambda: ae.ContractiveAutoencoder(**SMALL),
    "variational": lambda: ae.VariationalAutoencoder(**SMALL),
    "levels": lambda: ae.VariationalAutoencoder(**{**SMALL, "hidden_units": (4, 4), "network": "patch", "n_levels": 2}),
    "gaussian": lambda: ae.VariationalAutoencoder(likelihood="gaussian", **SMALL),
    "adversarial": lambda: ae.AdversarialAutoencoder(discriminator_units=(3,), **SMALL),
    "detector": lambda: ae.ReconstructionDetector(ae.Autoencoder(**SMALL)),
    "clusters": lambda: ae.DeepEmbeddedClustering(
        2, autoencoder=ae.Autoencoder(**SMALL), reconstruction_weight=0.1, epochs=2, random_state=0
    ),
    "clusters from a frozen one": lambda: ae.DeepEmbeddedClustering(
        autoencoder=FrozenEstimator(ae.Autoencoder(**SMALL).fit(IMAGES)), epochs=1, random_state=0
    ),
    "classifier": lambda: ae.AutoencoderClassifier(ae.Autoencoder(**SMALL), epochs=1, random_state=0),
    "classifier of a frozen one": lambda: ae.AutoencoderClassifier(
        FrozenEstimator(ae.Autoencoder(**SMALL).fit(IMAGES)), train_encoder=False, random_state=0
    ),
    "deskew": lambda: ae.Deskew(max_shear=30),
    "hog": lambda: ae.HOG(orientations=4, pixels_per_cell=(2, 2)),
    "manifold": lambda: ae.ManifoldClustering(2, transformer=ae.Autoencoder(**SMALL), n_dims=2, random_state=0),
    "sampler": lambda: ae.MixtureSampler(ae.Autoencoder(**SMALL), n_components=2, random_state=0),
}


def predictions(estimator):
    found = []
    for method, argument in (("transform", IMAGES), ("reconstruct", IMAGES), ("score_samples", IMAGES),
                             ("soft_assignments", IMAGES), ("predict_proba", IMAGES)):  # fmt: skip
        if hasattr(estimator, method):
            found.append(getattr(estimator, method)(argument))
    if hasattr(estimator, "sample"):
        found.append(estimator.sample(3, random_state=0))
    return found


def same(a, b, **tolerance):
    assert len(a) == len(b) >= 1
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, **{"rtol": 0, "atol": 0, **tolerance})


@pytest.fixture
def saved(tmp_path):
    ae.save(ae.Autoencoder(**SMALL).fit(IMAGES), tmp_path / "saved")
    return tmp_path / "saved"


def tamper(folder, change):
    path = folder / storage.DESCRIPTION
    described = json.loads(path.read_text())
    change(described)
    path.write_text(json.dumps(described))


def rearrange(folder, change):
    with np.load(folder / storage.ARRAYS) as file:
        arrays = dict(file.items())
    change(arrays)
    np.savez(folder / storage.ARRAYS, **arrays)


# ----------------------------------------------------------------------------- there and back


def test_every_estimator_of_the_package_can_be_saved():
    public = {name: getattr(ae, name) for name in ae.__all__}
    estimators = {name for name, cls in public.items() if isinstance(cls, type) and issubclass(cls, BaseEstimator)}
    assert set(storage.CLASSES) == {*estimators, "FeatureUnion", "FrozenEstimator", "GaussianMixture", "Pipeline"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_loaded_estimator_is_the_saved_one(name, tmp_path):
    fitted = ESTIMATORS[name]().fit(IMAGES, LABELS)
    ae.save(fitted, tmp_path / "saved")
    twin = ae.load(str(tmp_path / "saved"))
    assert type(twin) is type(fitted)
    same(predictions(twin), predictions(fitted))
    assert getattr(twin, "history_", None) == getattr(fitted, "history_", None)
    assert repr(twin.get_params(deep=False).keys()) == repr(fitted.get_params(deep=False).keys())
    for parameter in ("code_dim", "hidden_units", "contamination", "n_components", "max_shear", "orientations"):
        assert getattr(twin, parameter, None) == getattr(fitted, parameter, None)
    same(predictions(twin.fit(IMAGES, LABELS)), predictions(clone(fitted).fit(IMAGES, LABELS)))  # it trains as before


@pytest.mark.slow
def test_what_scikit_learn_noted_is_kept(tmp_path):
    fitted = ae.Autoencoder(**SMALL).fit(IMAGES.reshape(12, -1))
    fitted.feature_names_in_ = np.array([f"pixel {i}" for i in range(30)], dtype=object)
    ae.save(fitted, tmp_path / "saved")
    twin = ae.load(tmp_path / "saved")
    assert twin.n_features_in_ == 30
    assert twin.image_shape_ == (30,)
    assert list(twin.feature_names_in_) == list(fitted.feature_names_in_)
    assert list(twin.get_feature_names_out()) == list(fitted.get_feature_names_out())


KEPT = {
    "plain": [None, True, -3, 0.1, "text", float("inf")],
    "nested": {"a": [(1, 2), {"b": ()}], 3: "three"},
    "numbers": np.array([[1.5, np.nan]], dtype="float16"),
    "whole numbers": np.arange(3, dtype="uint8"),
    "truth": np.array([True, False]),
    "words": np.array(["one", "three"]),
    "objects": np.array(["one", "three"], dtype=object),
    "history": {"loss": [float("nan"), 1.0]},
}


@pytest.mark.parametrize("name", KEPT)
def test_whatever_is_plain_data_comes_back(name, tmp_path):
    """Also in attributes of the user's own, in which NaN is the user's business."""
    estimator = ae.Autoencoder(**SMALL).fit(IMAGES)
    estimator.note_ = KEPT[name]
    ae.save(estimator, tmp_path / "saved")
    found = ae.load(tmp_path / "saved").note_
    assert type(found) is type(KEPT[name])
    assert getattr(found, "dtype", None) == getattr(KEPT[name], "dtype", None)
    np.testing.assert_equal(found, KEPT[name])


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.longdouble(0.5), np.int8(3), np.bool_(True)])
def test_a_number_of_numpy_s_comes_back_as_python_s(number, tmp_path):
    ae.save(ae.Autoencoder(learning_rate=number), tmp_path / "saved")
    found = ae.load(tmp_path / "saved").learning_rate
    assert type(found) in (float, int, bool)
    assert found == number


def test_a_random_state_goes_on_drawing(tmp_path):
    generator = np.random.RandomState(7)
    generator.normal(size=3)
    ae.save(ae.Autoencoder(random_state=generator), tmp_path / "saved")
    np.testing.assert_array_equal(ae.load(tmp_path / "saved").random_state.normal(size=9), generator.normal(size=9))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_networks_of_half_precision(dtype, tmp_path):
    networks = {
        "encoder": keras.Sequential([keras.Input((30,)), keras.layers.Dense(2, dtype=dtype)]),
        "decoder": keras.Sequential([keras.Input((2,)), keras.layers.Dense(30, dtype=dtype)]),
    }
    ae.save(ae.Autoencoder(2, **networks), tmp_path / "saved")
    twin = ae.load(tmp_path / "saved")
    for name, network in networks.items():
        for one, other in zip(network.get_weights(), getattr(twin, name).get_weights(), strict=True):
            assert one.dtype == other.dtype == dtype
            np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_loaded_on_another_backend_it_predicts_the_same(backend, tmp_path, python):
    pytest.importorskip(backend)
    names = ["plain", "conv", "patch", "tied", "variational", "detector"]
    expected = {}
    for name in names:
        fitted = ESTIMATORS[name]().fit(IMAGES, LABELS)
        ae.save(fitted, tmp_path / name)
        expected[name] = predictions(fitted)[:2]
    np.save(tmp_path / "images.npy", IMAGES)
    code = (
        "import sys, keras, numpy as np, ae_toolkit as ae\n"
        "folder = sys.argv[1]; images = np.load(folder + '/images.npy')\n"
        "for name in sys.argv[2:]:\n"
        "    e = ae.load(f'{folder}/{name}')\n"
        "    methods = [m for m in ('transform', 'reconstruct', 'score_samples') if hasattr(e, m)][:2]\n"
        "    np.savez(f'{folder}/{name}.npz', *[getattr(e, m)(images) for m in methods])\n"
        "print('on', keras.backend.backend())\n"
    )
    assert f"on {backend}" in python.said(python(code, tmp_path, *names, backend=backend))
    for name in names:
        with np.load(tmp_path / f"{name}.npz") as file:
            same([file[key] for key in file.files], expected[name], rtol=1e-5, atol=1e-5)


def test_an_estimator_that_is_not_fitted_keeps_its_parameters(tmp_path):
    ae.save(ae.Autoencoder(code_dim=7, learning_rate=0.5), tmp_path / "saved")
    twin = ae.load(tmp_path / "saved")
    assert (twin.code_dim, twin.learning_rate) == (7, 0.5)
    assert not hasattr(twin, "model_")


@pytest.mark.slow
def test_saving_again_replaces_the_whole_folder(saved):
    (saved / "left over").write_text("")
    other = ae.Autoencoder(**{**SMALL, "code_dim": 3}).fit(IMAGES)
    ae.save(other, saved)
    assert ae.load(saved).transform(IMAGES).shape == (12, 3)
    assert sorted(path.name for path in saved.iterdir()) == sorted([storage.DESCRIPTION, storage.ARRAYS])
    assert [path.name for path in saved.parent.iterdir()] == ["saved"]


def test_there_is_no_code_in_it(saved):
    files = {path.name for path in saved.iterdir()}
    assert files == {storage.DESCRIPTION, storage.ARRAYS}
    with np.load(saved / storage.ARRAYS, allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "fiubU" for name in file.files)
    json.loads((saved / storage.DESCRIPTION).read_text())


# ------------------------------------------------------------------------- what is not saved


def test_other_things_are_refused(tmp_path):
    for thing in (PCA(2), "text", None, keras.Sequential()):
        with pytest.raises(TypeError, match=r"expected an estimator of ae_toolkit .*got"):
            ae.save(thing, tmp_path / "saved")
    assert not any(tmp_path.iterdir())


def test_a_class_that_only_has_the_same_name_is_refused(tmp_path):
    class Autoencoder(ae.Autoencoder):
        pass

    with pytest.raises(TypeError, match=r"expected an estimator of ae_toolkit .*got .*Autoencoder of .*test_storage"):
        ae.save(Autoencoder(), tmp_path / "saved")


@pytest.mark.parametrize("value", [1j, {1, 2}, b"bytes", object(), np.array([object()]), np.datetime64("2026-01-01")])
def test_what_is_not_plain_data_is_refused_and_its_place_named(value, tmp_path):
    estimator = ae.Autoencoder()
    estimator.note_ = {"deep": [value]}
    with pytest.raises(TypeError, match=r"expected plain data in /note_/deep/0, got \w+: it cannot be saved"):
        ae.save(estimator, tmp_path / "saved")
    assert not any(tmp_path.iterdir())


def test_a_network_with_code_in_it_is_refused(tmp_path):
    networks = own()
    code = keras.Sequential([keras.Input((6, 5, 1)), keras.layers.Lambda(lambda x: x), keras.layers.Flatten(),
                             keras.layers.Dense(2)])  # fmt: skip
    with pytest.raises(ValueError, match=r"hold no code.*Lambda"):
        ae.save(ae.Autoencoder(2, encoder=code, decoder=networks["decoder"]), tmp_path / "saved")
    assert not any(tmp_path.iterdir())


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_text("")
    with pytest.raises(FileExistsError, match=r"expected a new folder, or one with estimator\.json to replace"):
        ae.save(ae.Autoencoder(), tmp_path / "photos")
    assert (tmp_path / "photos" / "one.png").exists()


def test_a_full_disk_keeps_what_was_there(saved, monkeypatch):
    before = {path.name: path.read_bytes() for path in saved.iterdir()}

    def full(file, **arrays):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(storage.np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        ae.save(ae.Autoencoder(**SMALL).fit(IMAGES), saved)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before
    assert [path.name for path in saved.parent.iterdir()] == ["saved"]


# ------------------------------------------------------------------------ tampered-with folders


@pytest.mark.parametrize("name", [storage.DESCRIPTION, storage.ARRAYS])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"with a file {name}"):
        ae.load(saved)


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected a folder written by ae.save"):
        ae.load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", [storage.DESCRIPTION, storage.ARRAYS])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"[", b"\x00\xff"])
def test_a_broken_file(saved, name, content):
    (saved / name).write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read"):
        ae.load(saved)


@pytest.mark.parametrize("found", [2, 99, None, "1"])
def test_another_format(saved, found):
    tamper(saved, lambda described: described.update(format=found))
    with pytest.raises(ValueError, match=r"expected format 1 in .*got"):
        ae.load(saved)


@pytest.mark.parametrize("name", ["Popen", "os.system", "ImageDataset", "Chapter", "../x", "PCA"])
def test_an_unknown_class(saved, name):
    tamper(saved, lambda described: described["estimator"].update({"class": name}))
    with pytest.raises(ValueError, match=r"expected one of the classes .*got"):
        ae.load(saved)


@pytest.mark.parametrize("name", ["fit", "__class__", "__dict__", "../x", "transform", "", "a b"])
def test_an_attribute_that_is_none(saved, name):
    tamper(saved, lambda described: described["estimator"]["state"].update({name: 1}))
    with pytest.raises(ValueError, match="expected the names of parameters and fitted attributes"):
        ae.load(saved)


def test_a_missing_array(saved):
    rearrange(saved, lambda arrays: arrays.pop("/model_/weights/0"))
    with pytest.raises(ValueError, match="expected an array '/model_/weights/0'"):
        ae.load(saved)


def test_an_array_of_another_shape(saved):
    rearrange(saved, lambda arrays: arrays.update({"/model_/weights/0": np.zeros((3, 3), "float32")}))
    with pytest.raises(ValueError, match=r"expected weights of shapes .*\(30, 4\).* got .*\(3, 3\)"):
        ae.load(saved)


def change_one_number(folder, name, value):
    def change(arrays):
        arrays[name] = arrays[name].copy()
        arrays[name].flat[-1] = value

    rearrange(folder, change)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(saved, value):
    change_one_number(saved, "/model_/weights/2", value)
    with pytest.raises(ValueError, match=r"expected finite numbers in the array '/model_/weights/2' .*got 1 of 8"):
        ae.load(saved)


def test_weights_that_were_not_finite_when_they_were_saved(tmp_path):
    fitted = ae.Autoencoder(**SMALL).fit(IMAGES)
    fitted.model_.set_weights([weight * np.nan for weight in fitted.model_.get_weights()])
    ae.save(fitted, tmp_path / "saved")
    with pytest.raises(ValueError, match=r"expected finite numbers in the array '/model_/weights/0' .*got 120 of 120"):
        ae.load(tmp_path / "saved")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("own", "/encoder/weights/0"),
        ("own", "/decoder/weights/3"),
        ("variational", "/model_/weights/0"),
        ("detector", "/autoencoder_/model_/weights/0"),
        ("sampler", "/autoencoder_/model_/weights/0"),
        ("sampler", "/mixture_/means_"),
        ("sampler", "/mixture_/covariances_"),
        ("sampler", "/mixture_/weights_"),
        ("classifier", "/coef_"),
        ("classifier", "/intercept_"),
    ],
)
def test_nothing_that_predicts_may_be_nan(name, array, tmp_path):
    ae.save(ESTIMATORS[name]().fit(IMAGES, LABELS), tmp_path / "saved")
    change_one_number(tmp_path / "saved", array, np.nan)
    with pytest.raises(ValueError, match=rf"expected finite numbers in the array '{array}' of arrays\.npz"):
        ae.load(tmp_path / "saved")


def test_weights_that_are_no_numbers(saved):
    rearrange(saved, lambda arrays: arrays.update({"/model_/weights/0": np.full((30, 4), "x")}))
    with pytest.raises(ValueError, match=r"expected numbers in the array '/model_/weights/0' .*got values of type <U1"):
        ae.load(saved)


@pytest.mark.parametrize("value", [{}, {"pickle": "x"}, {"Array": "/model_/weights/0"}])
def test_an_unknown_kind_of_value(saved, value):
    tamper(saved, lambda described: described["estimator"]["state"].update(note_=value))
    with pytest.raises(ValueError, match=r"expected a value described by one of random_state, array, .*got "):
        ae.load(saved)


def test_a_parameter_out_of_range(saved):
    tamper(saved, lambda described: described["estimator"]["state"].update(code_dim=-1))
    with pytest.raises(ValueError, match="code_dim"):
        ae.load(saved)


@pytest.mark.parametrize(
    "change", [{"estimator": {}}, {"estimator": None}, {"estimator": []}, {"estimator": {"class": "Autoencoder"}}]
)
def test_a_description_without_its_parts(saved, change):
    tamper(saved, lambda described: described.update(change))
    with pytest.raises(ValueError, match="expected"):
        ae.load(saved)


def test_arrays_with_objects_are_not_unpickled(saved, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    rearrange(saved, lambda arrays: arrays.update({"/model_/weights/0": np.array([Bomb()], dtype=object)}))
    with pytest.raises(ValueError, match="cannot be read"):
        ae.load(saved)
    assert not (tmp_path / "executed").exists()


EVIL = [
    {"module": "keras.layers", "class_name": "Lambda", "config": {}, "registered_name": None},
    {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/tmp"}, "registered_name": None},
    {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {}, "registered_name": None},
    {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "a"}, "registered_name": None},
    {"module": "keras.layers", "class_name": "IntegerLookup", "config": {"vocabulary": "a"}, "registered_name": None},
    {"module": "keras.layers", "class_name": "TextVectorization", "config": {"vocabulary": "a"}},
    {"module": "keras.layers", "class_name": "JaxLayer", "config": {}, "registered_name": None},
    {"module": "keras.layers", "class_name": "FlaxLayer", "config": {}, "registered_name": None},
    {"module": "subprocess", "class_name": "Popen", "config": {"args": "true"}, "registered_name": None},
    {"module": "os", "class_name": "system", "config": {}, "registered_name": "ae_toolkit>Nothing"},
    {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"},
    {"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": "another>Dense"},
    {"module": "keras.src.utils", "class_name": "get_file", "config": {}, "registered_name": None},
    {"module": "keras.utils", "class_name": "get_file", "config": {}, "registered_name": None},
    {"class_name": "__lambda__", "config": {"value": "x"}},
    {"class_name": "__typespec__", "config": {}},
]


@pytest.mark.slow
@pytest.mark.parametrize("layer", EVIL, ids=lambda layer: layer["class_name"])
def test_a_network_of_anything_but_layers_is_refused_before_it_is_made(layer, tmp_path, monkeypatch):
    ae.save(ESTIMATORS["own"]().fit(IMAGES), tmp_path / "saved")

    def change(described):
        described["estimator"]["state"]["encoder"]["network"]["config"]["layers"].append(layer)

    tamper(tmp_path / "saved", change)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", lambda *_, **__: pytest.fail("it was made"))
    with pytest.raises(ValueError, match="hold no code and open no file"):
        ae.load(tmp_path / "saved")


def test_killed_while_it_replaced_an_older_one_the_older_one_loads(saved):
    """It has stepped aside, and the new one has not come."""
    aside = saved.parent / ".saved.00000000-1.abc.partial" / "saved.replaced"
    aside.parent.mkdir()
    saved.rename(aside)
    assert ae.load(saved).transform(IMAGES).shape == (12, 2)


def test_a_moved_folder_loads(saved, tmp_path):
    shutil.move(saved, tmp_path / "elsewhere")
    assert ae.load(tmp_path / "elsewhere").transform(IMAGES).shape == (12, 2)
