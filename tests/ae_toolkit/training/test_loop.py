"""The compiled loop: what it computes, what models share, and when it is compiled anew."""

import threading

import numpy as np
import pytest

import ae_toolkit as ae
from ae_toolkit import networks, training
from ae_toolkit._keras import keras
from ae_toolkit.data import augmentation
from ae_toolkit.estimators.autoencoder import AutoencoderModel
from ae_toolkit.networks import losses
from ae_toolkit.training import kept_loops, loop, plans
from ae_toolkit.training.backend import backend

ops, layers = keras.ops, keras.layers

if not backend.COMPILES_LOOPS:
    pytest.skip("on this backend Keras's own steps train", allow_module_level=True)

ON_TENSORFLOW = pytest.mark.skipif(backend.NAME != "tensorflow", reason="JAX always compiles with XLA")


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).random((7, 6, 5, 1), dtype=np.float32)


@pytest.fixture(scope="module")
def flat():
    return np.random.default_rng(0).random((7, 6), dtype=np.float32)


@pytest.fixture(autouse=True)
def no_loop_of_another_test():
    kept_loops.forget()


def dense(image_shape=(6,), hidden=(4,), activation="tanh", seed=1, **options):
    return AutoencoderModel(*networks.build(image_shape, 2, "dense", hidden, activation, seed=seed, **options))


def rich(augmented=backend.NAME == "tensorflow"):
    """Return a model with everything that a step may have to carry along; on JAX, Keras's steps move no images."""
    encoder = keras.Sequential([
        keras.Input((6, 5, 1)),
        layers.Conv2D(3, 3, activation="relu", kernel_initializer=glorot(1), kernel_regularizer="l2"),
        layers.BatchNormalization(momentum=0.5),
        layers.Flatten(),
        layers.Dropout(0.3, seed=1),
        layers.Dense(2, kernel_initializer=glorot(2), activity_regularizer=keras.regularizers.L2(0.1)),
        layers.GaussianNoise(0.1, seed=2),
    ])  # fmt: skip
    decoder = keras.Sequential([keras.Input((2,)), layers.Dense(30, kernel_initializer=glorot(3)),
                                layers.Reshape((6, 5, 1))])  # fmt: skip
    model = AutoencoderModel(encoder, decoder)
    if augmented:
        model.augmentation = augmentation.RandomAffine(rotation=20, shift=0.2, seed=3)
    return model


def glorot(seed):
    return keras.initializers.GlorotUniform(seed=seed)


def fit(model, images, **options):
    settings = {"epochs": 2, "batch_size": 3, "optimizer": keras.optimizers.SGD(0.01), "seed": 0}
    return training.fit(model, images, **{**settings, **options})


def variables(model):
    return [ops.convert_to_numpy(variable) for variable in (*model.variables, *model.optimizer.variables)]


def assert_all_close(found, expected, **tolerance):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, **tolerance)


def assert_all_equal(found, expected):
    assert_all_close(found, expected, rtol=0, atol=0)


# ------------------------------------------------------------------- three ways, one result


@pytest.mark.slow
@pytest.mark.parametrize("way", ["resident", "streamed"])
def test_a_model_with_everything_trains_as_with_keras_s_own_steps(pictures, along, way):
    """Regularisers, noise, moving averages, augmentation, warm-up and clipping, over unequal batches."""

    def train():
        model = rich()
        optimizer = training.optimizer("adam", 0.01, "cosine", 9, warmup=0.3, clip_norm=5.0)
        history = fit(model, pictures, optimizer=optimizer, epochs=3, validation=pictures[:2])
        return history, variables(model)

    with along("Keras's own"):
        expected, values = train()
    with along(way):
        found, also = train()
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-4)
    assert_all_close(also, values, rtol=2e-3, atol=1e-4)
    assert len({*found["loss"]}) == 3


OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "nadam", "adagrad", "adadelta", "adamax", "ftrl", "lion", "adafactor")


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_trains_as_with_keras_s_own_steps(flat, along, name):
    def train():
        model = dense(hidden=())
        history = fit(model, flat, optimizer=training.optimizer(name, 0.01, "cosine", 6, clip_norm=2.0))
        return history["loss"], variables(model)

    with along("Keras's own"):
        expected, values = train()
    found, also = train()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert_all_close(also, values, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1}, {"clipvalue": 0.01}])
def test_options_of_an_optimizer_count(flat, along, options):
    def train(**options):
        model = dense(hidden=())
        fit(model, flat, optimizer=keras.optimizers.SGD(0.05, **options))
        return variables(model)[:4]

    with along("Keras's own"):
        expected = train(**options)
    assert_all_close(train(**options), expected, rtol=1e-4, atol=1e-6)
    assert not np.allclose(train()[0], expected[0], rtol=1e-3)


OPTIMIZERS_WITH_A_STATE_OF_THEIR_OWN = {
    "loss scale": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.05)),
    "fixed loss scale": lambda: keras.optimizers.SGD(0.05, loss_scale_factor=8.0),
    "averaged weights": lambda: keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2),
    "averaged at the end": lambda: keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5),
    "accumulated gradients": lambda: keras.optimizers.Adam(0.05, gradient_accumulation_steps=2),
}


@pytest.mark.slow
@pytest.mark.parametrize("loop_key", [None, "shared"])
@pytest.mark.parametrize("name", OPTIMIZERS_WITH_A_STATE_OF_THEIR_OWN)
def test_what_an_optimizer_adds_to_a_step_counts(flat, along, name, loop_key):
    make = OPTIMIZERS_WITH_A_STATE_OF_THEIR_OWN[name]

    def train():
        model = dense(hidden=())
        history = fit(model, flat, epochs=3, optimizer=make(), loop_key=loop_key)
        return history["loss"], model.get_weights()

    with along("Keras's own"):
        expected, weights = train()
    found, also = train()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert_all_close(also, weights, rtol=1e-4, atol=1e-6)
    assert np.abs(weights[0] - dense(hidden=()).get_weights()[0]).max() > 1e-3


@pytest.mark.usefixtures("either_way")
def test_a_random_layer_draws_anew_in_each_step_and_epoch():
    """The same image all over: only the dropped pixels differ, and no two batches drop the same."""

    class Dropped(training.TrainableModel):
        def __init__(self):
            super().__init__()
            self.drop = layers.Dropout(0.5, seed=0)
            self.factor = self.add_weight(shape=(), initializer="ones", name="factor")
            self.kept = self.add_weight(shape=(6, 64), initializer="zeros", trainable=False, name="kept")
            self.step = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="step")

        def call(self, images, training=None):
            dropped = self.drop(images, training=training)
            if training:
                chosen = ops.one_hot(self.step.value, 6)[:, None]
                self.kept.assign(self.kept.value + chosen * ops.cast(dropped[:1] > 0, "float32"))
                self.step.assign(self.step.value + 1)
            return dropped * self.factor.value

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return losses.weighted_mean(losses.squared_error(x, y_pred))

    model = Dropped()
    fit(model, np.ones((9, 64), np.float32))
    kept = ops.convert_to_numpy(model.kept)
    assert int(model.step) == 6
    assert len({tuple(row) for row in kept}) == 6
    assert 0.3 < kept.mean() < 0.7


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
def test_moving_averages_by_hand(flat):
    """m ← (m + mean of the batch) / 2, from 0, over the batches of the two epochs."""
    norm = layers.BatchNormalization(momentum=0.5)
    encoder = keras.Sequential([keras.Input((6,)), norm, layers.Dense(2)])
    fit(AutoencoderModel(encoder, networks.build((6,), 2, "dense", ())[1]), flat)
    expected = np.zeros(6)
    for epoch in range(2):
        order = ae.data.streams.shuffled(7, 0, epoch)
        for first in (0, 3, 6):
            expected = (expected + flat[order[first : first + 3]].mean(axis=0)) / 2
    np.testing.assert_allclose(ops.convert_to_numpy(norm.moving_mean), expected, rtol=1e-5)


@pytest.mark.slow
def test_a_weight_that_is_not_trainable_stays(flat):
    model = dense()
    model.encoder.trainable = False
    before = model.get_weights()
    fit(model, flat)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False] * 4 + [True] * 4


@pytest.mark.slow
def test_blocks_are_one_training(flat, monkeypatch):
    """The number of steps in a call changes nothing, to the last bit."""
    found = []
    for block in (1, 2, 64):
        monkeypatch.setattr(plans, "BLOCK_STEPS", block)
        model = dense()
        history = fit(model, flat, batch_size=2, optimizer=keras.optimizers.Adam(0.01))
        found.append((history, variables(model)))
    for history, values in found[1:]:
        assert history == found[0][0]
        assert_all_equal(values, found[0][1])


@pytest.mark.slow
@pytest.mark.parametrize("way", ["resident", "streamed"])
def test_models_that_share_a_loop_do_not_see_each_other_s_weights(flat, along, way):
    """Each ends where it would have alone, and stays there."""
    with along(way):
        alone, other, again = dense(), dense(seed=7), dense()
        fit(alone, flat)
        fit(other, flat, loop_key="dense")
        before = variables(other)
        fit(again, flat, loop_key="dense")
    assert kept_loops.count() == 1
    assert_all_close(variables(again), variables(alone), rtol=1e-6, atol=1e-7)
    assert_all_equal(variables(other), before)
    assert not np.allclose(other.get_weights()[0], alone.get_weights()[0])


@pytest.mark.slow
def test_threads_that_share_a_loop_do_not_see_each_other_s_weights(flat):
    options = {"epochs": 20, "batch_size": 2, "loop_key": "dense"}
    alone, together = ([dense(seed=seed) for seed in (1, 2)] for _ in range(2))
    for model in alone:
        fit(model, flat, **options)
    threads = [threading.Thread(target=fit, args=(model, flat), kwargs=options) for model in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, two in zip(alone, together, strict=True):
        assert_all_equal(one.get_weights(), two.get_weights())


# ------------------------------------------------------------------ what a loop is shared by


@pytest.fixture
def traces(monkeypatch):
    """Return a list that grows by one whenever a training step is traced."""
    found, real = [], loop.training_losses

    def training_losses(model, images, weights):
        found.append(type(model).__name__)
        return real(model, images, weights)

    monkeypatch.setattr(loop, "training_losses", training_losses)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("way", ["resident", "streamed"])
def test_the_second_of_two_equal_trainings_is_not_traced(flat, traces, along, way):
    with along(way):
        fit(dense(), flat, loop_key="dense")
        assert len(traces) >= 1
        traces.clear()
        fit(dense(), flat, loop_key="dense", seed=5, epochs=5)
        fit(dense(seed=3), flat, loop_key="dense")
        assert traces == []


@pytest.mark.slow
def test_a_training_without_a_key_has_a_loop_of_its_own(flat, traces):
    for _ in range(2):
        traces.clear()
        fit(dense(), flat)
        assert len(traces) >= 1
    assert kept_loops.count() == 0


@pytest.mark.slow
@ON_TENSORFLOW
@pytest.mark.parametrize("way", ["resident", "streamed"])
def test_one_trace_serves_all_batch_sizes_and_numbers_of_images(flat, traces, along, way):
    with along(way):
        for images, batch_size in ((flat, 3), (flat, 7), (flat[:4], 4), (flat[:5], 1)):
            fit(dense(), images, batch_size=batch_size, loop_key="dense")
    assert len(traces) == 1


PICTURES = np.random.default_rng(0).random((20, 6, 5, 1), dtype=np.float32)
PLAIN = {"code_dim": 2, "hidden_units": (3,), "epochs": 2, "random_state": 0, "batch_size": 10}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"random_state": 1}),
        ({}, {"random_state": None}),
        ({}, {"hidden_units": [np.int64(3)], "code_dim": np.int64(2)}),
        ({"schedule": "constant"}, {"schedule": "constant", "learning_rate": 0.1, "epochs": 5}),
        ({"augmentation": {"shift": 0.1, "rotation": 5}}, {"augmentation": {"rotation": 5, "shift": 0.1}}),
        ({}, {"verbose": 2, "warm_start": True}),
    ],
    ids=["seed", "no seed", "types", "constant rate", "order", "talk"],
)
def test_estimators_of_equal_structure_share_a_loop(traces, first, second):
    ae.Autoencoder(**{**PLAIN, **first}).fit(PICTURES)
    assert len(traces) >= 1
    traces.clear()
    ae.Autoencoder(**{**PLAIN, **second}).fit(PICTURES)
    assert traces == []


DIFFERENT = {
    "activation": {"activation": "tanh"},
    "code activation": {"code_activation": "tanh"},
    "output activation": {"output_activation": "sigmoid"},
    "code": {"code_dim": 3},
    "width": {"hidden_units": (4,)},
    "depth": {"hidden_units": (3, 3)},
    "tied": {"tied": True},
    "network": {"network": "conv"},
    "precision": {"precision": "bfloat16"},
    "optimizer": {"optimizer": "sgd"},
    "rate of a schedule": {"learning_rate": 0.1},
    "length of a schedule": {"epochs": 3},
    "schedule": {"schedule": "constant"},
    "warm-up": {"warmup": 0.5},
    "clip_norm": {"clip_norm": 1.0},
    "augmentation": {"augmentation": {"shift": 0.1}},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DIFFERENT)
def test_estimators_that_compute_differently_do_not_share(traces, name):
    ae.Autoencoder(**PLAIN).fit(PICTURES)
    traces.clear()
    changed = ae.Autoencoder(**{**PLAIN, **DIFFERENT[name]}).fit(PICTURES)
    assert len(traces) >= 1
    kept_loops.forget()
    alone = ae.Autoencoder(**{**PLAIN, **DIFFERENT[name]}).fit(PICTURES)
    np.testing.assert_array_equal(changed.transform(PICTURES), alone.transform(PICTURES))


@pytest.mark.slow
@pytest.mark.parametrize("images", [PICTURES[:, :5], PICTURES.reshape(20, -1)], ids=["other", "flat"])
def test_images_of_another_shape_have_another_loop(traces, images):
    ae.Autoencoder(**PLAIN).fit(PICTURES)
    traces.clear()
    ae.Autoencoder(**PLAIN).fit(images)
    assert len(traces) >= 1


@pytest.mark.slow
def test_variants_and_likelihoods_have_loops_of_their_own(traces):
    for variant, options in (("Autoencoder", {}), ("DenoisingAutoencoder", {}), ("SparseAutoencoder", {}),
                             ("VariationalAutoencoder", {}), ("VariationalAutoencoder", {"beta": 2.0})):  # fmt: skip
        traces.clear()
        getattr(ae, variant)(**PLAIN, **options).fit(PICTURES)
        assert len(traces) >= 1
    traces.clear()
    ae.VariationalAutoencoder(**PLAIN).fit(PICTURES)
    assert traces == []
    ae.VariationalAutoencoder(**PLAIN).fit(PICTURES - 1)  # below 0, and so with the other likelihood
    assert len(traces) >= 1


@pytest.mark.slow
def test_classes_and_networks_of_a_user_s_own_do_not_share():
    class Own(ae.Autoencoder):
        pass

    Own(**PLAIN).fit(PICTURES)
    encoder, decoder = networks.build((6, 5, 1), 2)
    ae.Autoencoder(2, encoder=encoder, decoder=decoder, epochs=1).fit(PICTURES)
    assert kept_loops.count() == 0


@pytest.mark.slow
@ON_TENSORFLOW
def test_what_keras_is_set_to_is_part_of_the_key(traces):
    before = keras.config.dtype_policy()
    ae.Autoencoder(**PLAIN).fit(PICTURES)
    traces.clear()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        ae.Autoencoder(**PLAIN).fit(PICTURES)
    finally:
        keras.config.set_dtype_policy(before)
    assert len(traces) >= 1


def test_a_constant_rate_is_part_of_the_state(flat):
    """By hand, on two models that share a loop: twice the rate, twice the step."""
    changes = []
    for rate in (0.01, 0.02):
        model = dense()
        before = model.get_weights()[0]
        optimizer = training.optimizer("sgd", rate, "constant", 1)
        fit(model, flat, epochs=1, batch_size=7, optimizer=optimizer, loop_key="sgd")
        changes.append(model.get_weights()[0] - before)
    assert kept_loops.count() == 1
    np.testing.assert_allclose(changes[1], 2 * changes[0], rtol=1e-3, atol=1e-7)


def borrowed(key, xla=False):
    model, optimizer = dense(), keras.optimizers.SGD(0.01)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer)
    return kept_loops.borrow(model, optimizer, (6,), xla, key)


def loop_of(key, xla=False):
    loop = borrowed(key, xla)
    kept_loops.give_back(loop)
    return loop


def test_with_and_without_xla_are_two_loops():
    assert loop_of("dense", xla=True) is not loop_of("dense", xla=False)


def test_a_loop_that_is_in_use_is_not_lent_again():
    first, second = borrowed("dense"), borrowed("dense")
    assert first is not second
    kept_loops.give_back(second)
    kept_loops.give_back(first)
    assert kept_loops.count() == 1
    assert borrowed("dense") is first


@pytest.mark.slow
def test_a_failed_training_gives_its_loop_back(flat):
    with pytest.raises(FloatingPointError):
        fit(dense(), flat, optimizer=keras.optimizers.SGD(1e30), epochs=3, loop_key="dense")
    assert kept_loops.count() == 1
    good = dense()
    fit(good, flat, loop_key="dense")
    alone = dense()
    fit(alone, flat)
    assert_all_close(variables(good), variables(alone), rtol=1e-6, atol=1e-7)


@pytest.mark.slow
def test_whether_somebody_looks_changes_nothing(flat):
    """Without callbacks the model's variables get their values at the end only."""
    options = {"epochs": 3, "batch_size": 3}
    unseen, seen = dense(), dense()
    expected = fit(seen, flat, callbacks=[keras.callbacks.Callback()], **options)
    assert fit(unseen, flat, **options) == expected
    assert_all_equal(variables(unseen), variables(seen))


@pytest.mark.slow
def test_only_the_last_few_loops_are_kept():
    first = loop_of(0)
    for key in range(1, kept_loops.MOST_KEPT):
        loop_of(key)
    assert loop_of(0) is first  # the oldest, and now the newest
    for key in range(11, 10 + kept_loops.MOST_KEPT):
        loop_of(key)
    assert kept_loops.count() == kept_loops.MOST_KEPT
    assert loop_of(0) is first
    for key in range(21, 21 + kept_loops.MOST_KEPT):
        loop_of(key)
    assert loop_of(0) is not first


# ----------------------------------------------------------------------------------- XLA


@pytest.fixture
def xla(monkeypatch):
    """Let XLA be worth it for any training, and note for which loops it was used."""
    used, real = [], kept_loops.borrow

    def noting(model, optimizer, image_shape, xla=False, key=None):
        used.append(xla)
        return real(model, optimizer, image_shape, xla, key)

    monkeypatch.setattr(kept_loops, "borrow", noting)
    monkeypatch.setattr(plans, "XLA_STEPS", 0)
    return used


def moved(**amounts):
    model = dense((6, 5, 1))
    model.augmentation = augmentation.RandomAffine(seed=0, **amounts)
    return model


def test_xla_is_for_long_trainings_of_dense_networks():
    assert plans.xla_pays(dense(), plans.XLA_STEPS)
    assert not plans.xla_pays(dense(), plans.XLA_STEPS - 1)
    assert not plans.xla_pays(rich(augmented=False), 10**12)


def test_xla_is_for_full_precision_without_augmentation(xla):
    assert plans.xla_pays(dense((6, 5, 1)), 10)
    assert not plans.xla_pays(dense((6, 5, 1), precision="bfloat16"), 10)
    assert not plans.xla_pays(moved(shift=0.1), 10)


@pytest.mark.slow
def test_xla_gives_the_same_training(flat, along, xla):
    def train():
        model = dense(hidden=(5, 4))
        optimizer = training.optimizer("adam", 0.01, "cosine", 9, warmup=0.3, clip_norm=1.0)
        return fit(model, flat, epochs=3, optimizer=optimizer), variables(model)

    with along("Keras's own"):
        expected, values = train()
    found, also = train()
    assert xla == [True]
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)
    assert_all_close(also, values, rtol=1e-3, atol=1e-5)
    again, once_more = train()
    assert again == found
    assert_all_equal(once_more, also)


@pytest.mark.slow
@ON_TENSORFLOW
def test_xla_compiles_the_resident_loop(flat, xla, monkeypatch):
    import tensorflow as tf

    compiled, real = [], tf.function

    def function(body, **options):
        compiled.append((body.__name__, options["jit_compile"]))
        return real(body, **options)

    monkeypatch.setattr(tf, "function", function)
    fit(dense(), flat)
    assert compiled == [("train_on_resident_images", True)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xla", "dropout and augmentation", "convolutions"])
def test_the_same_seed_gives_the_same_bits(pictures, kind, request):
    if kind == "xla":
        request.getfixturevalue("xla")

    def train():
        if kind == "convolutions":
            autoencoder = ae.Autoencoder(2, network="conv", hidden_units=(3,), epochs=2, random_state=3)
            return autoencoder.fit(pictures).model_
        model = rich(augmented=True) if kind == "dropout and augmentation" else dense((6, 5, 1))
        fit(model, pictures, optimizer=keras.optimizers.Adam(0.01))
        return model

    assert_all_equal(variables(train()), variables(train()))
    first = variables(train())
    kept_loops.forget()  # also when it is traced anew
    assert_all_equal(variables(train()), first)
