"""The estimator: scikit-learn's contract, images in and out, and clear errors."""

import copy
import functools
import json
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import ae_toolkit as ae
from ae_toolkit import metrics
from ae_toolkit._keras import keras
from ae_toolkit.estimators.autoencoder import AutoencoderModel

SHAPE = (6, 5, 1)


def small(**options):
    """Return an estimator that trains in a blink: one step per epoch of plain gradient descent."""
    settings = {"code_dim": 2, "hidden_units": (4,), "epochs": 1, "optimizer": "sgd", "batch_size": 256}
    return ae.Autoencoder(**{**settings, "random_state": 0, **options})


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((20, *SHAPE), dtype=np.float32)


@pytest.fixture(scope="module")
def flat(images):
    return images.reshape(20, -1)


@pytest.fixture(scope="module")
def fitted(images):
    return small(epochs=2).fit(images, validation_data=images[:7])


@pytest.fixture(scope="module")
def fitted_flat(flat):
    return small(epochs=2).fit(flat)


# --------------------------------------------------------------------- shapes and values


@pytest.mark.slow
@pytest.mark.parametrize("network", ["dense", "conv"])
def test_images_come_back_in_their_shape(images, network):
    autoencoder = small(network=network).fit(images)
    codes = autoencoder.transform(images)
    assert (codes.shape, codes.dtype) == ((20, 2), np.float32)
    for found in (autoencoder.inverse_transform(codes), autoencoder.reconstruct(images)):
        assert (found.shape, found.dtype) == (images.shape, np.float32)
    assert (autoencoder.image_shape_, autoencoder.n_features_in_) == (SHAPE, 30)
    assert any(isinstance(layer, keras.layers.Conv2D) for layer in autoencoder.model_.encoder.layers) == (
        network == "conv"
    )


def test_flat_images_come_back_flat(fitted_flat, flat):
    codes = fitted_flat.transform(flat)
    assert codes.shape == (20, 2)
    assert fitted_flat.inverse_transform(codes).shape == fitted_flat.reconstruct(flat).shape == (20, 30)
    assert (fitted_flat.image_shape_, fitted_flat.n_features_in_) == ((30,), 30)


@pytest.mark.slow
def test_flat_images_give_the_same_network_as_pictures(fitted, fitted_flat, images, flat):
    np.testing.assert_allclose(fitted.transform(images), fitted_flat.transform(flat), atol=1e-6)


def test_methods_are_the_model(fitted, images):
    encoder, decoder = fitted.model_.encoder, fitted.model_.decoder
    codes = keras.ops.convert_to_numpy(encoder(images))
    same = functools.partial(np.testing.assert_allclose, atol=1e-6)  # eagerly and in a graph, the last bit may differ
    same(fitted.transform(images), codes)
    same(fitted.inverse_transform(codes), keras.ops.convert_to_numpy(decoder(codes)))
    same(fitted.reconstruct(images), fitted.inverse_transform(codes))
    assert fitted.score(images) == -metrics.reconstruction_error(images, fitted.reconstruct(images))


def test_history(fitted, images):
    assert set(fitted.history_) == {"loss", "reconstruction", "val_loss", "val_reconstruction"}
    assert {len(values) for values in fitted.history_.values()} == {2}
    assert fitted.history_["val_loss"][-1] == pytest.approx(-fitted.score(images[:7]), rel=1e-5)


def test_history_without_validation_has_only_training(fitted_flat):
    assert set(fitted_flat.history_) == {"loss", "reconstruction"}
    assert fitted_flat.history_["loss"][1] < fitted_flat.history_["loss"][0]


def test_more_images_than_go_through_at_once(fitted):
    many = np.random.default_rng(1).random((1500, *SHAPE), dtype=np.float32)
    codes = fitted.transform(many)
    np.testing.assert_allclose(codes[[0, 1023, 1024, 1499]], fitted.transform(many[[0, 1023, 1024, 1499]]), atol=1e-6)


def test_integers_are_accepted_in_a_table_as_scikit_learn_does(fitted_flat):
    table = np.arange(60).reshape(2, 30) % 3
    np.testing.assert_array_equal(fitted_flat.transform(table), fitted_flat.transform(table.astype(np.float32)))


def test_nested_lists(fitted, images):
    np.testing.assert_array_equal(fitted.transform(images[:2].tolist()), fitted.transform(images[:2]))


@pytest.mark.slow
def test_parameters_reach_the_network_and_the_optimizer(flat):
    autoencoder = small(
        code_dim=np.int64(3), hidden_units=np.array([5, 4]), activation="tanh", output_activation="sigmoid",
        optimizer="rmsprop", learning_rate=0.125, schedule="constant", batch_size=np.int64(10), epochs=np.int64(3),
    ).fit(flat)  # fmt: skip
    encoder, decoder = autoencoder.model_.encoder, autoencoder.model_.decoder
    assert [layer.units for layer in (*encoder.layers, *decoder.layers)] == [5, 4, 3, 4, 5, 30]
    assert [layer.activation.__name__ for layer in encoder.layers] == ["tanh", "tanh", "linear"]
    assert [layer.activation.__name__ for layer in decoder.layers] == ["tanh", "tanh", "sigmoid"]
    optimizer = autoencoder.model_.optimizer
    assert type(optimizer) is keras.optimizers.RMSprop
    assert float(optimizer.learning_rate) == 0.125
    assert int(optimizer.iterations) == 3 * 2  # 20 images in batches of 10


def test_cosine_schedule_ends_at_zero(fitted):
    assert float(fitted.model_.optimizer.learning_rate) == pytest.approx(0, abs=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_images", "batch_size"),
    [(1, 16), (100, 16), (1437, 32), (5000, 128), (10_000, 256), (60_000, 256)],
)  # fmt: skip
def test_automatic_batch_size(n_images, batch_size):
    """A power of two, within 16 to 256, that makes about 50 steps per epoch: seen from the number of steps."""
    autoencoder = small(code_dim=1, batch_size="auto").fit(np.zeros((n_images, 2), np.float32))
    assert int(autoencoder.model_.optimizer.iterations) == -(-n_images // batch_size)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["dense", "conv"])
def test_bfloat16_inside_float32_outside(images, network):
    autoencoder = small(network=network, precision="bfloat16", epochs=2).fit(images)
    codes = autoencoder.transform(images)
    assert [a.dtype for a in (codes, autoencoder.reconstruct(images))] == [np.float32, np.float32]
    assert {weight.dtype.name for weight in autoencoder.model_.get_weights()} == {"float32"}
    assert any(layer.compute_dtype == "bfloat16" for layer in autoencoder.model_.encoder.layers)
    other = small(network=network, epochs=2).fit(images)
    np.testing.assert_allclose(codes, other.transform(images), rtol=0.1, atol=0.05)
    assert not np.array_equal(codes, other.transform(images))


@pytest.mark.slow
def test_learns_more_than_pca_of_equal_size():
    data = ae.datasets.load("digits")
    autoencoder = ae.Autoencoder(code_dim=8, epochs=10, random_state=0).fit(data.x_train)
    x_train, x_test = data.x_train.reshape(-1, 64), data.x_test.reshape(-1, 64)
    pca = PCA(8).fit(x_train)
    linear = metrics.reconstruction_error(x_test, pca.inverse_transform(pca.transform(x_test)))
    assert -autoencoder.score(data.x_test) < 0.8 * linear


# -------------------------------------------------------------------- scikit-learn's tools


def test_clone_is_unfitted_with_the_same_parameters(fitted):
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    assert not hasattr(twin, "model_")


@pytest.mark.slow
def test_fit_returns_self_and_changes_no_parameter(flat):
    autoencoder = small(hidden_units=[4])
    before = copy.deepcopy(autoencoder.get_params())
    assert autoencoder.fit(flat) is autoencoder
    assert autoencoder.get_params() == before


@pytest.mark.slow
def test_pipeline_with_k_means(images):
    pipeline = make_pipeline(small(), KMeans(3, n_init=1, random_state=0))
    labels = pipeline.fit_predict(images)
    assert set(labels) == {0, 1, 2}
    expected = KMeans(3, n_init=1, random_state=0).fit_predict(small().fit(images).transform(images))
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.slow
def test_grid_search_over_the_code():
    """Images on a plane: two numbers suffice, one does not."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 8))
    base = small(hidden_units=(), optimizer="adam", learning_rate=0.05, epochs=50, schedule="constant")
    split = [(np.arange(40), np.arange(40, 60))]
    search = GridSearchCV(base, {"code_dim": np.array([1, 2])}, cv=split).fit(plane)
    assert search.best_params_ == {"code_dim": 2}
    one, two = search.cv_results_["mean_test_score"]
    assert one < 3 * two < 0
    assert search.best_estimator_.transform(plane).shape == (60, 2)


def test_feature_names(fitted):
    assert fitted.get_feature_names_out().tolist() == ["autoencoder0", "autoencoder1"]


def test_set_output_pandas(flat):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(flat, columns=[f"pixel {n}" for n in range(30)])
    codes = small().set_output(transform="pandas").fit_transform(frame)
    assert list(codes.columns) == ["autoencoder0", "autoencoder1"]


@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy], ids=["pickle", "deepcopy"])
def test_copies_transform_alike_and_are_their_own(fitted, images, again):
    twin = again(fitted)
    codes = fitted.transform(images)
    np.testing.assert_array_equal(twin.transform(images), codes)
    np.testing.assert_array_equal(twin.inverse_transform(codes), fitted.inverse_transform(codes))
    assert twin.history_ == fitted.history_
    assert twin.get_params() == fitted.get_params()
    twin.model_.set_weights([np.asarray(weight) + 1 for weight in twin.model_.get_weights()])
    np.testing.assert_array_equal(fitted.transform(images), codes)


# -------------------------------------------------------------------------- Keras's tools


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_model_comes_back_from_its_configuration(images, network):
    model = AutoencoderModel(*ae.networks.build(SHAPE, 2, network, (4,)), name="mine")
    model(images)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    twin = keras.saving.deserialize_keras_object(config)
    assert type(twin) is AutoencoderModel
    assert twin.name == "mine"
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin(images), model(images))


def test_a_configuration_can_be_used_twice(fitted, images):
    config = fitted.model_.get_config()
    for _ in range(2):
        twin = AutoencoderModel.from_config(config)
        twin(images)
        twin.set_weights(fitted.model_.get_weights())
        np.testing.assert_array_equal(twin(images), fitted.model_(images))


def test_model_saves_and_loads(fitted, images, tmp_path):
    fitted.model_.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is AutoencoderModel
    np.testing.assert_array_equal(loaded(images), fitted.model_(images))
    np.testing.assert_allclose(loaded.encoder(images), fitted.transform(images), atol=1e-6)


# ------------------------------------------------------------------------------ bad input


def test_methods_refuse_tables_of_another_width(fitted_flat):
    with pytest.raises(ValueError, match="X has 29 features, but Autoencoder is expecting 30 features"):
        fitted_flat.transform(np.zeros((4, 29)))
    with pytest.raises(ValueError, match=r"of shape \(30,\), as Autoencoder was fitted on, got \(6, 5, 1\)"):
        fitted_flat.transform(np.zeros((4, *SHAPE)))


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (np.zeros((4, 3)), r"codes of shape \(n, 2\), got \(4, 3\)"),
        (np.zeros((4, 1)), r"codes of shape \(n, 2\), got \(4, 1\)"),
        (np.zeros(2), "Expected 2D array, got 1D array"),
        (np.zeros((4, 2, 1)), "dim 3"),
        (np.full((4, 2), np.nan), "Input codes contains NaN"),
        (np.zeros((0, 2)), r"0 sample\(s\)"),
    ],
)
def test_inverse_transform_refuses(fitted, codes, words):
    with pytest.raises(ValueError, match=words):
        fitted.inverse_transform(codes)


@pytest.mark.parametrize("method", ["transform", "reconstruct", "score", "inverse_transform", "get_feature_names_out"])
def test_before_fit(method, flat):
    arguments = () if method == "get_feature_names_out" else (flat,)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(small(), method)(*arguments)


@pytest.mark.parametrize(
    ("parameter", "values"),
    {
        "code_dim": (0, -1, 1.5, "2", None),
        "network": ("resnet", None),
        "hidden_units": (5, "55", (0,), (4, -1), (1.5,), ("a",)),
        "activation": ("rulu", None),
        "output_activation": ("rulu", None),
        "optimizer": ("adamm", None),
        "learning_rate": (0, -0.1, np.nan, np.inf, "fast"),
        "schedule": ("linear", None),
        "warmup": (-0.1, 1, 1.5, "long", None),
        "clip_norm": (0, -1, "1"),
        "precision": ("float16", 16, None),
        "augmentation": ("rotation", 10, [("rotation", 10)]),
        "epochs": (0, -1, 1.5),
        "batch_size": (0, -1, 1.5, "large", None),
        "random_state": (-1, "seed", 0.5),
        "verbose": (-1, "loud"),
    }.items(),
)
def test_parameters_out_of_range(flat, parameter, values, monkeypatch):
    """One ValueError that names the parameter and what came, before anything is trained."""
    monkeypatch.setattr(AutoencoderModel, "fit", lambda *args, **options: pytest.fail("training began"))
    for value in values:
        with pytest.raises(ValueError, match=rf"(?s){parameter}.*[Gg]ot .*{value}"):
            small(**{parameter: value}).fit(flat)


def test_an_augmentation_of_a_table(flat):
    with pytest.raises(ValueError, match=r"augmentation.*of shape \(height, width, channels\), got \(30,\)"):
        small(augmentation={"rotation": 10}).fit(flat)


def test_parameters_are_not_checked_before_fit():
    assert ae.Autoencoder(code_dim=-1).get_params()["code_dim"] == -1


@pytest.mark.parametrize("option", ["activation", "optimizer"])
def test_unknown_names_list_some_known_ones(flat, option):
    with pytest.raises(ValueError, match="relu" if option == "activation" else "adam"):
        small(**{option: "nonsense"}).fit(flat)


def test_convolutions_on_a_table(flat):
    with pytest.raises(ValueError, match=r"network='conv', got images of shape \(30,\); use network='dense'"):
        small(network="conv").fit(flat)


def test_a_code_larger_than_the_image_warns(flat):
    with pytest.warns(UserWarning, match="code_dim=31 is more than the 30 numbers of an image") as caught:
        small(code_dim=31).fit(flat)
    assert caught[0].filename == __file__  # it points at the caller's line


@pytest.mark.filterwarnings("error")
def test_a_code_as_large_as_the_image_does_not_warn(flat):
    assert small(code_dim=30).fit(flat).transform(flat).shape == (20, 30)


@pytest.mark.parametrize(
    ("shape", "words"), [((4, 5, 6, 1), r"\(5, 6, 1\)"), ((4, 30), r"\(30,\)"), ((0, *SHAPE), r"0 sample\(s\)")]
)
def test_validation_images_of_another_shape(images, shape, words):
    with pytest.raises(ValueError, match=words):
        small().fit(images, validation_data=np.zeros(shape))


# ---------------------------------------------------------------------------- failed fits


DIVERGES = {"learning_rate": 1e39, "optimizer": "sgd", "epochs": 3}


@pytest.mark.slow
def test_a_failed_fit_leaves_an_unfitted_estimator_unfitted(images):
    autoencoder = small(**DIVERGES)
    before = vars(autoencoder).copy()
    with pytest.raises(FloatingPointError, match=r"epoch 1.*learning rate"):
        autoencoder.fit(images)
    assert vars(autoencoder) == before
    with pytest.raises(NotFittedError):
        autoencoder.transform(images)


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["divergence", "bad images", "interrupt"])
def test_a_failed_fit_leaves_a_fitted_estimator_as_it_was(fitted, images, failure):
    autoencoder = copy.deepcopy(fitted)
    codes, history = autoencoder.transform(images), copy.deepcopy(autoencoder.history_)
    other = np.random.default_rng(1).random((9, 4, 4, 2), dtype=np.float32)

    def interrupt(*_):
        raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_epoch_end=interrupt)
    given, callbacks, error = {
        "divergence": (other, (), FloatingPointError),
        "bad images": (np.full((9, 7), np.nan), (), ValueError),
        "interrupt": (other, (stop,), KeyboardInterrupt),
    }[failure]
    if failure == "divergence":
        autoencoder.set_params(**DIVERGES)
    with pytest.raises(error):
        autoencoder.fit(given, callbacks=callbacks)
    assert (autoencoder.image_shape_, autoencoder.n_features_in_) == (SHAPE, 30)
    assert autoencoder.history_ == history
    np.testing.assert_array_equal(autoencoder.transform(images), codes)


@pytest.mark.slow
def test_the_estimator_keeps_the_last_good_weights(images):
    class Ruin(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.good = self.model.get_weights()
                self.model.optimizer.learning_rate = 1e39

    ruin = Ruin()
    autoencoder = small(epochs=5, learning_rate=1e-3, schedule="constant")
    with pytest.raises(FloatingPointError, match="epoch 3"):
        autoencoder.fit(images, callbacks=[ruin])
    assert len(autoencoder.history_["loss"]) == 2
    for a, b in zip(ruin.good, autoencoder.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(autoencoder.transform(images)).all()


@pytest.mark.slow
def test_fitting_again_starts_anew(fitted, flat):
    autoencoder = copy.deepcopy(fitted).fit(flat)
    assert autoencoder.image_shape_ == (30,)
    np.testing.assert_array_equal(autoencoder.transform(flat), small(epochs=2).fit(flat).transform(flat))
