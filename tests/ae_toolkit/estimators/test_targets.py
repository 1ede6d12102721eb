"""A denoising autoencoder's corruption by affine transformations, and its target: what is decoded, everywhere alike."""

import math

import numpy as np
import pytest
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import ae_toolkit as ae
from ae_toolkit import metrics, networks
from ae_toolkit._keras import keras
from ae_toolkit.data import streams
from ae_toolkit.data.augmentation import RandomAffine
from ae_toolkit.data.targets import pair
from ae_toolkit.estimators.denoising import AFFINE, DenoisingModel
from ae_toolkit.networks import losses
from ae_toolkit.training import kept_loops
from ae_toolkit.training.backend import backend
from ae_toolkit.training.loop import training_losses

ops = keras.ops
SHAPE = (8, 9, 1)
IMAGES = np.random.default_rng(0).random((23, *SHAPE), dtype=np.float32)
QUICK = {"code_dim": 3, "hidden_units": (5,), "epochs": 2, "batch_size": 5, "random_state": 0, "target": ae.Deskew()}


def small(**options):
    return ae.DenoisingAutoencoder(**{**QUICK, **options})


def orders(n, epochs=2, random_state=0):
    """Return the orders in which an estimator takes the images of an array."""
    _, seed, _ = np.random.RandomState(random_state).randint(2**31 - 1, size=3)
    return [streams.shuffled(n, int(seed), epoch) for epoch in range(epochs)]


def assert_same(found, expected, **tolerance):
    np.testing.assert_allclose(found.history_["loss"], expected.history_["loss"], **{"rtol": 1e-5, **tolerance})
    for a, b in zip(found.model_.get_weights(), expected.model_.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, **{"rtol": 1e-4, "atol": 1e-5, **tolerance})


def squares(a, b):
    return float(np.square(a.astype(float) - b).reshape(len(a), -1).sum(axis=1).mean())


class Sum(TransformerMixin, BaseEstimator):
    """A target of one number per image: the sum of its pixels, less what the images of `fit` had on average."""

    def fit(self, X, y=None):
        self.mean_ = X.reshape(len(X), -1).sum(axis=1).mean()
        return self

    def transform(self, X):
        return X.reshape(len(X), -1).sum(axis=1, keepdims=True) - self.mean_


# ------------------------------------------------------------------- affine corruption


@pytest.mark.slow
def test_affine_is_random_affine_on_all_images():
    layer = small(corruption="affine").fit(IMAGES).model_.corruption
    assert isinstance(layer, RandomAffine)
    assert layer.amounts == {**AFFINE, "fraction": 1.0}
    own = small(corruption={"rotation": 30, "fraction": 0.25}).fit(IMAGES).model_.corruption
    assert own.amounts == {"rotation": 30, "scale": 0.0, "shear": 0.0, "shift": 0.0, "fraction": 0.25}


@pytest.mark.parametrize("target_shape", [None, SHAPE])
def test_what_is_encoded_is_transformed_and_what_is_decoded_is_not(target_shape):
    """To the number: the loss of a batch is that of the codes of transformed images against clean targets."""
    encoder, decoder = networks.build(SHAPE, 3, "dense", (5,), seed=1)
    model, twin = (
        DenoisingModel(encoder, decoder, RandomAffine(rotation=40, fraction=1.0, seed=3), target_shape)
        for _ in range(2)
    )
    targets = 1 - IMAGES if target_shape else IMAGES
    batch = np.concatenate([IMAGES.reshape(23, -1), targets.reshape(23, -1)], axis=1) if target_shape else IMAGES
    transformed = twin.corruption(ops.convert_to_tensor(IMAGES), training=True)
    assert np.abs(ops.convert_to_numpy(transformed) - IMAGES).max() > 0.1
    expected = losses.squared_error(targets, decoder(encoder(transformed)))
    found = training_losses(model, ops.convert_to_tensor(batch), ops.ones(23))
    np.testing.assert_allclose(float(found["loss"]), float(ops.mean(expected)), rtol=1e-5)
    np.testing.assert_allclose(float(found["reconstruction"]), float(ops.mean(expected)), rtol=1e-5)


@pytest.mark.slow
def test_grey_images_without_an_axis_of_channels_are_transformed_too():
    grey, with_axis = (small(corruption="affine").fit(x) for x in (IMAGES[..., 0], IMAGES))
    assert_same(grey, with_axis)
    assert grey.reconstruct(IMAGES[..., 0]).shape == (23, 8, 9)


@pytest.mark.parametrize(
    ("corruption", "words"),
    [
        ("rain", "corruption"),
        ({"twist": 3}, "expected corruption to be a dict of RandomAffine's amounts"),
        ({"rotation": -1}, "rotation to be a number from 0 to 180"),
        (["affine"], "corruption"),
    ],
)
def test_a_corruption_that_is_none(corruption, words):
    with pytest.raises(ValueError, match=words):
        small(corruption=corruption).fit(IMAGES)


def test_a_table_cannot_be_transformed():
    with pytest.raises(ValueError, match=r"expected corruption to be.*images of shape \(height, width, channels\)"):
        small(corruption="affine", target=None).fit(IMAGES.reshape(23, -1))


# ------------------------------------------------------------------------ what is decoded


@pytest.mark.slow
@pytest.mark.parametrize("network", ["dense", "conv", "patch"])
@pytest.mark.parametrize(
    ("target", "shape"),
    [
        (ae.Deskew(), SHAPE),
        (ae.HOG(orientations=4), (3 * 3 * 4 * 4,)),
        (FunctionTransformer(lambda x: x[:, ::2, :8]), (4, 8, 1)),
        (FunctionTransformer(lambda x: x[:, ::2, ::2, 0]), (4, 5)),
        (FunctionTransformer(lambda x: x[:, :2]), (2, 9, 1)),
        (make_pipeline(ae.Deskew(), ae.HOG()), (324,)),
        (Sum(), (1,)),
    ],
    ids=["deskewed", "hog", "another picture", "grey", "strip", "both", "number"],
)
def test_reconstructions_have_the_target_s_shape(network, target, shape):
    fitted = small(network=network, target=target).fit(IMAGES)
    assert fitted.target_shape_ == shape
    assert fitted.image_shape_ == SHAPE
    codes = fitted.transform(IMAGES)
    assert codes.shape == (23, 3)
    found = fitted.reconstruct(IMAGES)
    assert (found.shape, found.dtype) == ((23, *shape), np.float32)
    np.testing.assert_allclose(fitted.inverse_transform(codes), found, rtol=1e-5, atol=1e-6)
    expected = fitted.target_.transform(IMAGES)
    np.testing.assert_allclose(fitted.score(IMAGES), -squares(found, expected), rtol=1e-5)


@pytest.mark.slow
def test_images_are_learned_to_be_turned_upright():
    """After training, a code gives back the target rather than the image that was encoded."""
    rng = np.random.default_rng(1)
    y, x = np.meshgrid(np.linspace(-1, 1, 10), np.linspace(-1, 1, 10), indexing="ij")
    slants, widths = rng.uniform(-0.8, 0.8, (300, 1, 1)), rng.uniform(0.15, 0.35, (300, 1, 1))
    images = np.exp(-(y**4) - ((x + slants * y) / widths) ** 2).astype(np.float32)
    fitted = small(hidden_units=(32,), epochs=60, batch_size=20, corruption_level=0.01).fit(images)
    upright, found = ae.Deskew().fit_transform(images), fitted.reconstruct(images)
    assert squares(found, upright) < squares(images, upright) / 10
    assert squares(found, upright) < squares(found, images) / 10


@pytest.mark.slow
def test_without_a_target_nothing_is_different():
    plain = small(target=None).fit(IMAGES)
    assert (plain.target_, plain.target_shape_) == (None, SHAPE)
    np.testing.assert_allclose(plain.score(IMAGES), -metrics.reconstruction_error(IMAGES, plain.reconstruct(IMAGES)))
    itself = small(target=FunctionTransformer(), linear_path=False).fit(IMAGES)
    assert_same(itself, small(target=None, linear_path=False).fit(IMAGES))


@pytest.mark.slow
def test_validation_images_have_targets_too():
    held_out = IMAGES[::-1][:7]
    fitted = small(target=ae.HOG()).fit(IMAGES, validation_data=held_out)
    np.testing.assert_allclose(fitted.history_["val_loss"][-1], -fitted.score(held_out), rtol=1e-5)
    with pytest.raises(ValueError, match=r"images of shape \(8, 9, 1\)"):
        small().fit(IMAGES, validation_data=IMAGES[:, :7])


@pytest.mark.slow
def test_the_output_suits_the_target_s_range():
    options = {"network": "patch", "hidden_units": (4, 4)}
    negative = FunctionTransformer(lambda x: x - 0.5)
    large = FunctionTransformer(lambda x: np.clip(x / 100, 0, 1))
    inside, below = small(**options).fit(IMAGES), small(target=negative, **options).fit(IMAGES)
    beyond = small(target=large, **options).fit(100 * IMAGES)
    assert [fit.settings_["output_activation"] for fit in (inside, below, beyond)] == ["sigmoid", "linear", "sigmoid"]
    assert small(target=ae.HOG(), **options).fit(IMAGES).settings_["output_activation"] == "linear"  # a dense decoder


@pytest.mark.slow
def test_a_linear_path_is_for_images_only():
    assert small(hidden_units=None).fit(IMAGES).settings_["linear_path"] is False
    with pytest.raises(ValueError, match=r"expected linear_path='auto' or False with a target.*got True"):
        small(linear_path=True).fit(IMAGES)


def test_an_augmentation_would_change_the_target():
    with pytest.raises(ValueError, match=r"expected no augmentation with a target.*transforms what is encoded"):
        small(augmentation={"rotation": 10}).fit(IMAGES)


def test_tied_weights_need_a_target_of_the_images_shape():
    assert small(tied=True).fit(IMAGES).reconstruct(IMAGES).shape == IMAGES.shape
    with pytest.raises(ValueError, match=r"expected a target of the images' shape, \(8, 9, 1\), with tied=True"):
        small(tied=True, target=ae.HOG()).fit(IMAGES)


def test_networks_of_one_s_own_decode_to_the_target():
    layers = keras.layers
    encoder = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(3)])
    decoder = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    own = {"hidden_units": None, "encoder": encoder, "decoder": decoder}
    assert small(target=Sum(), **own).fit(IMAGES).reconstruct(IMAGES).shape == (23, 1)
    with pytest.raises(ValueError, match=r"expected decoder to turn shape \(3,\) into \(8, 9, 1\)"):
        small(**own).fit(IMAGES)


@pytest.mark.slow
def test_the_target_is_a_copy_that_is_fitted():
    target = Sum()
    fitted = small(target=target).fit(IMAGES)
    assert not hasattr(target, "mean_")
    np.testing.assert_allclose(fitted.target_.mean_, IMAGES.sum(axis=(1, 2, 3)).mean(), rtol=1e-6)
    frozen = Sum().fit(np.zeros_like(IMAGES))
    assert small(target=FrozenEstimator(frozen)).fit(IMAGES).target_.estimator is frozen
    assert frozen.mean_ == 0


@pytest.mark.slow
def test_a_table_may_have_a_target():
    table = IMAGES.reshape(23, -1)
    fitted = small(target=PCA(2)).fit(table)
    assert fitted.reconstruct(table).shape == (23, 2)
    with pytest.raises(ValueError, match="expected pictures for Deskew"):
        small().fit(table)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x[:-1], "expected target to turn"),
        (lambda x: x[:, 0, 0, 0], "expected target to turn"),
        (lambda x: x[:, :0], "expected target to turn"),
        (lambda x: [["a"]] * len(x), "expected target to turn.*got list from FunctionTransformer"),
        (lambda x: np.full_like(x, np.nan), "expected finite numbers.*the targets, which FunctionTransformer"),
    ],
    ids=["too few", "no axis", "nothing", "texts", "nan"],
)
def test_targets_that_are_none(function, words):
    before = small(target=FunctionTransformer(function))
    with pytest.raises(ValueError, match=words):
        before.fit(IMAGES)
    assert not hasattr(before, "model_")


@pytest.mark.parametrize("target", ["deskew", 5, KeyError])
def test_a_target_that_is_no_transformer(target):
    with pytest.raises(ValueError, match="target"):
        small(target=target).fit(IMAGES)


# ------------------------------------------------------------------ whatever the source


@pytest.fixture
def folder(tmp_path):
    pixels = np.round(IMAGES[..., 0] * 255).astype(np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(tmp_path / f"{number:02}.png")
    return tmp_path, pixels[..., None] / np.float32(255)


class Batches(keras.utils.PyDataset):
    """An array's batches in the order that an estimator takes them."""

    def __init__(self, images, batch_size=5):
        super().__init__()
        self.images, self.batch_size, self.epoch = images, batch_size, 0
        self.orders = orders(len(images))

    def __len__(self):
        return math.ceil(len(self.images) / self.batch_size)

    def __getitem__(self, index):
        order = self.orders[max(0, self.epoch - 1)]
        return self.images[order[index * self.batch_size : (index + 1) * self.batch_size]]

    def on_epoch_begin(self):
        self.epoch += 1


OPTIONS = {"corruption": "affine", "target": ae.Deskew()}


@pytest.mark.slow
def test_every_way_to_train_comes_to_the_same(along):
    if not backend.COMPILES_LOOPS:
        pytest.skip("on this backend Keras's own steps train")
    found = []
    for way in ("resident", "streamed", "Keras's own"):
        with along(way):
            found.append(small(**OPTIONS).fit(IMAGES, validation_data=IMAGES[:6]))
    for other in found[1:]:
        assert_same(other, found[0])
        np.testing.assert_allclose(other.history_["val_loss"], found[0].history_["val_loss"], rtol=1e-4)


@pytest.mark.slow
def test_a_folder_trains_as_the_array_of_its_pictures(folder):
    path, pixels = folder
    assert_same(small(**OPTIONS).fit(path, validation_data=path), small(**OPTIONS).fit(pixels))


def test_a_py_dataset_trains_as_the_array():
    assert_same(small(**OPTIONS).fit(Batches(IMAGES)), small(**OPTIONS).fit(IMAGES))


@pytest.mark.slow
def test_a_tf_dataset_trains_as_the_array():
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.from_tensor_slices(IMAGES[orders(23, epochs=1)[0]]).batch(5)
    assert_same(small(epochs=1, **OPTIONS).fit(dataset), small(epochs=1, **OPTIONS).fit(IMAGES))
    twice = tf.data.Dataset.from_tensor_slices(np.concatenate([IMAGES[:20][order] for order in orders(20)]))
    endless = small(**OPTIONS).fit(twice.repeat().batch(5), steps_per_epoch=4)
    assert_same(endless, small(**OPTIONS).fit(IMAGES[:20]))


def test_validation_images_of_a_stream_have_the_shape_of_the_others(folder):
    path, _ = folder
    with pytest.raises(ValueError, match=r"expected validation images of shape \(8, 8, 1\).*got \(8, 9, 1\)"):
        small().fit(IMAGES[:, :, :8], validation_data=path)


@pytest.mark.slow
def test_of_a_data_set_the_first_images_fit_the_target(folder):
    path, pixels = folder
    fitted = small(target=Sum()).fit(path)
    assert fitted.target_.mean_ == pytest.approx(pixels.sum(axis=(1, 2, 3)).mean(), rel=1e-5)


def test_a_batch_whose_targets_have_another_shape():
    moody = FunctionTransformer(lambda x: x[:, : 1 + len(x)])
    with pytest.raises(ValueError, match=r"expected targets of shape \(2, 9, 1\) as before, got \(6, 9, 1\)"):
        next(pair(streams.open_stream(IMAGES, 5, seed=0), moody, 0).epoch(0))


def test_a_description_is_the_same_in_another_process():
    target = FunctionTransformer(lambda x: 1 - x)
    described = pair(streams.open_stream(IMAGES, 5, seed=0), target, 0).description()
    assert described["target"]["parameters"]["func"].startswith("<function")
    assert "0x" not in str(described)
    assert described["images"]["kind"] == "Array"


def test_pairs_are_rows_of_an_image_and_its_target():
    """In either form of the pairs, and with the weights and the order of the images."""
    weights = np.arange(23, dtype=np.float32)
    images = streams.open_stream(IMAGES, 5, 3, 4, weights)
    target = ae.Deskew().fit(IMAGES)
    expected = np.concatenate([IMAGES.reshape(23, -1), target.transform(IMAGES).reshape(23, -1)], axis=1)
    at_once, by_batches = pair(images, target, 2**20), pair(images, target, 0)
    assert (at_once.array is None, by_batches.array is None) == (False, True)
    for pairs in (at_once, by_batches):
        assert (pairs.image_shape, pairs.steps_per_epoch, pairs.seed) == ((144,), 4, 3)
        order = streams.shuffled(23, 3, 1)
        found = list(pairs.weighted_epoch(1))
        np.testing.assert_array_equal(np.concatenate([rows for rows, _ in found]), expected[order[:20]])
        np.testing.assert_array_equal(np.concatenate([factors for _, factors in found]), weights[order[:20]])
        np.testing.assert_array_equal(np.concatenate(list(pairs.epoch(1))), expected[order[:20]])
        np.testing.assert_array_equal(np.concatenate(list(pairs.in_order(4))), expected)
        np.testing.assert_array_equal(pairs.look(144), expected[:1])
        np.testing.assert_array_equal(pairs.peek(), expected)
    by_batches.seed = 8
    assert images.seed == 8


@pytest.mark.slow
def test_a_weight_goes_with_its_pair(along):
    """Only one image counts: whatever the order and the batches, its target is what is learned."""
    weights = np.eye(10)[9]
    for way in ("resident", "streamed", "Keras's own") if backend.COMPILES_LOOPS else ("Keras's own",):
        with along(way):
            fitted = small(
                target=FunctionTransformer(lambda x: 1 - x), hidden_units=(), corruption_level=0.0, batch_size=3,
                epochs=60, learning_rate=0.05,
            ).fit(IMAGES[:10], sample_weight=weights)  # fmt: skip
            np.testing.assert_allclose(fitted.reconstruct(IMAGES[9:10]), 1 - IMAGES[9:10], atol=0.1)


# ----------------------------------------------------------------------------- a stop


class DiesError(Exception):
    """Stands for whatever ends a process in the middle."""


class Die(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise DiesError


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("target", [ae.Deskew(), ae.HOG()], ids=["deskew", "hog"])
def test_a_stopped_training_ends_like_an_undisturbed_one(tmp_path, target):
    estimator = small(corruption="affine", target=target, epochs=4)
    with pytest.raises(DiesError):
        clone(estimator).fit(IMAGES, callbacks=[Die()], checkpoint_dir=tmp_path)
    resumed, whole = clone(estimator).fit(IMAGES, checkpoint_dir=tmp_path), clone(estimator).fit(IMAGES)
    assert resumed.history_ == whole.history_
    for a, b in zip(resumed.model_.get_weights(), whole.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_folder_s_training_resumes_only_with_its_target(folder, tmp_path):
    path, _ = folder
    small(epochs=1).fit(path, checkpoint_dir=tmp_path / "run")
    with pytest.raises(ValueError, match=r"holds another training.*max_shear"):
        small(epochs=1, target=ae.Deskew(max_shear=10)).fit(path, checkpoint_dir=tmp_path / "run")
    with pytest.raises(ValueError, match="holds another training"):
        small(epochs=1, target=None).fit(path, checkpoint_dir=tmp_path / "run")


# ----------------------------------------------------------------------- fitted again


@pytest.mark.slow
def test_a_warm_start_continues_with_its_target():
    warm = small(warm_start=True).fit(IMAGES)
    before = warm.history_["loss"]
    warm.fit(IMAGES)
    assert warm.history_["loss"][:2] == before
    assert len(warm.history_["loss"]) == 4
    with pytest.raises(ValueError, match="warm_start=True starts from its weights"):
        warm.set_params(target=ae.HOG()).fit(IMAGES)
    assert warm.target_shape_ == SHAPE
    assert warm.reconstruct(IMAGES).shape == IMAGES.shape


@pytest.mark.slow
def test_a_fit_without_a_target_forgets_it():
    fitted = small(target=ae.HOG()).fit(IMAGES)
    fitted.set_params(target=None).fit(IMAGES)
    assert fitted.reconstruct(IMAGES).shape == IMAGES.shape
    np.testing.assert_allclose(fitted.score(IMAGES), -squares(fitted.reconstruct(IMAGES), IMAGES), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(not backend.COMPILES_LOOPS, reason="on this backend nothing is compiled")
def test_equal_trainings_share_a_loop_and_others_do_not():
    kept_loops.forget()
    first = small(**OPTIONS).fit(IMAGES)
    assert kept_loops.count() == 1
    assert_same(small(corruption="affine", target=ae.Deskew()).fit(IMAGES), first, rtol=0, atol=0)
    assert kept_loops.count() == 1  # another target of the same shape computes alike
    small(corruption="affine", target=FunctionTransformer(lambda x: 1 - x)).fit(IMAGES)
    assert kept_loops.count() == 1
    turned = IMAGES.transpose(0, 2, 1, 3)  # rows of the same length
    assert small(**OPTIONS).fit(turned).reconstruct(turned).shape == turned.shape
    assert kept_loops.count() == 2
    small(corruption="affine", target=ae.HOG()).fit(IMAGES)
    assert kept_loops.count() == 3
    small(corruption={"shear": 5}).fit(IMAGES)
    assert kept_loops.count() == 4
    assert_same(small(**OPTIONS).fit(IMAGES), first, rtol=0, atol=0)


# --------------------------------------------------------------------- with the others


@pytest.mark.slow
def test_a_foreign_target_is_not_saved(tmp_path):
    fitted = small(target=Sum()).fit(IMAGES)
    with pytest.raises(TypeError, match=r"estimators? of ae_toolkit.*target.*Sum"):
        ae.save(fitted, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


@pytest.mark.slow
def test_an_outlier_is_what_the_target_cannot_be_decoded_of():
    for target in (ae.HOG(), ae.Deskew()):
        detector = ae.ReconstructionDetector(small(target=target), contamination=0.2).fit(IMAGES)
        fitted = detector.autoencoder_
        expected = np.square(fitted.target_.transform(IMAGES) - fitted.reconstruct(IMAGES)).reshape(23, -1).sum(axis=1)
        np.testing.assert_allclose(detector.score_samples(IMAGES), -expected, rtol=1e-5)


def test_new_images_are_targets():
    sampler = ae.MixtureSampler(small(target=ae.HOG()), n_components=2, random_state=0).fit(IMAGES)
    assert sampler.sample(4, random_state=0).shape == (4, 324)
