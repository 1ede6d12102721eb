"""The compiled loop: what it computes, what models share, and when it is compiled anew."""

import numpy as np
import pytest

import ae_toolkit as ae
from ae_toolkit import networks, training
from ae_toolkit._keras import keras
from ae_toolkit.data import augmentation
from ae_toolkit.estimators.autoencoder import AutoencoderModel
from ae_toolkit.networks import losses
from ae_toolkit.training import loop, plans

ops, layers = keras.ops, keras.layers

if loop.BACKEND not in ("tensorflow", "jax"):
    pytest.skip("on this backend Keras's own steps train", allow_module_level=True)

ON_TENSORFLOW = pytest.mark.skipif(loop.BACKEND != "tensorflow", reason="JAX always compiles with XLA")


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).random((7, 6, 5, 1), dtype=np.float32)


@pytest.fixture(scope="module")
def flat():
    return np.random.default_rng(0).random((7, 6), dtype=np.float32)


@pytest.fixture(autouse=True)
def no_loop_of_another_test():
    loop._loops.clear()


def dense(image_shape=(6,), hidden=(4,), activation="tanh", **options):
    return AutoencoderModel(*networks.build(image_shape, 2, "dense", hidden, activation, seed=1, **options))


def rich(augmented=loop.BACKEND == "tensorflow"):
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


@pytest.mark.usefixtures("either_way")
def test_moving_averages_by_hand(flat):
    """m ← (m + mean of the batch) / 2, from 0, over the batches of the two epochs."""
    norm = layers.BatchNormalization(momentum=0.5)
    encoder = keras.Sequential([keras.Input((6,)), norm, layers.Dense(2)])
    fit(AutoencoderModel(encoder, networks.build((6,), 2, "dense", ())[1]), flat)
    expected = np.zeros(6)
    for epoch in range(2):
        order = ae.streams.shuffled(7, 0, epoch)
        for first in (0, 3, 6):
            expected = (expected + flat[order[first : first + 3]].mean(axis=0)) / 2
    np.testing.assert_allclose(ops.convert_to_numpy(norm.moving_mean), expected, rtol=1e-5)


def test_a_weight_that_is_not_trainable_stays(flat):
    model = dense()
    model.encoder.trainable = False
    before = model.get_weights()
    fit(model, flat)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False] * 4 + [True] * 4


def test_blocks_are_one_training(flat, monkeypatch):
    """The number of steps in a call changes nothing, to the last bit."""
    found = []
    for block in (1, 2, 64):
        monkeypatch.setattr(plans, "BLOCK", block)
        model = dense()
        history = fit(model, flat, batch_size=2, optimizer=keras.optimizers.Adam(0.01))
        found.append((history, variables(model)))
    for history, values in found[1:]:
        assert history == found[0][0]
        assert_all_equal(values, found[0][1])


def test_models_do_not_see_each_other_s_weights(flat):
    """They share a loop, which holds none: each ends where it would have alone."""
    alone = dense()
    fit(alone, flat)
    other = AutoencoderModel(*networks.build((6,), 2, "dense", (4,), "tanh", seed=7))
    fit(other, flat)
    again = dense()
    fit(again, flat)
    assert len(loop._loops) == 1
    assert_all_equal(variables(again), variables(alone))
    assert not np.allclose(other.get_weights()[0], alone.get_weights()[0])


# ------------------------------------------------------------------ what a loop is shared by


@pytest.fixture
def traces(monkeypatch):
    """Return a list that grows by one whenever a training step is traced."""
    found, real = [], loop.training_loss

    def training_loss(model, images, factors):
        found.append(type(model).__name__)
        return real(model, images, factors)

    monkeypatch.setattr(loop, "training_loss", training_loss)
    return found


@pytest.mark.parametrize("way", ["resident", "streamed"])
def test_the_second_of_two_equal_trainings_is_not_traced(flat, traces, along, way):
    with along(way):
        fit(dense(), flat)
        assert len(traces) >= 1
        traces.clear()
        fit(dense(), flat, seed=5, epochs=5)
        fit(AutoencoderModel(*networks.build((6,), 2, "dense", (4,), "tanh", seed=3), name="other"), flat)
        assert traces == []


@ON_TENSORFLOW
@pytest.mark.parametrize("way", ["resident", "streamed"])
def test_one_trace_serves_all_batch_sizes_and_numbers_of_images(flat, traces, along, way):
    with along(way):
        for images, batch_size in ((flat, 3), (flat, 7), (flat[:4], 4), (flat[:5], 1)):
            fit(dense(), images, batch_size=batch_size)
    assert len(traces) == 1


def test_estimators_of_equal_structure_share_a_loop(traces):
    images = np.random.default_rng(0).random((20, 4, 4, 1), dtype=np.float32)
    options = {"hidden_units": (3,), "epochs": 2, "augmentation": {"shift": 0.1}, "clip_norm": 1.0, "warmup": 0.2}
    ae.Autoencoder(2, random_state=0, **options).fit(images)
    assert len(traces) >= 1
    traces.clear()
    ae.Autoencoder(2, random_state=1, **options).fit(images)
    ae.Autoencoder(2, random_state=None, **options).fit(images)
    assert traces == []


def moved(**amounts):
    model = dense((6, 5, 1))
    model.augmentation = augmentation.RandomAffine(seed=0, **amounts)
    return model


def frozen():
    model = dense()
    model.encoder.trainable = False
    return model


def regularised(amount):
    layer = layers.Dense(2, activity_regularizer=keras.regularizers.L2(amount))
    return AutoencoderModel(keras.Sequential([keras.Input((6,)), layer]), networks.build((6,), 2, "dense", ())[1])


def noisy(rate):
    encoder = keras.Sequential([keras.Input((6,)), layers.Dropout(rate), layers.Dense(2)])
    return AutoencoderModel(encoder, networks.build((6,), 2, "dense", ())[1])


PAIRS = {
    "activation": (dense, lambda: dense(activation="relu")),
    "output activation": (dense, lambda: dense(output_activation="sigmoid")),
    "width": (dense, lambda: dense(hidden=(5,))),
    "depth": (dense, lambda: dense(hidden=(4, 4))),
    "image shape": (lambda: dense((6, 5, 1)), lambda: dense((5, 6, 1))),
    "flat or not": (lambda: dense((30,)), lambda: dense((6, 5, 1))),
    "precision": (dense, lambda: dense(precision="bfloat16")),
    "precision of pictures": (lambda: dense((6, 5, 1)), lambda: dense((6, 5, 1), precision="bfloat16")),
    "trainable": (dense, frozen),
    "regulariser": (lambda: regularised(0.1), lambda: regularised(0.2)),
    "dropout": (lambda: noisy(0.1), lambda: noisy(0.2)),
    "augmentation or none": (lambda: dense((6, 5, 1)), lambda: moved(shift=0.1)),
    "amount of augmentation": (lambda: moved(shift=0.1), lambda: moved(shift=0.2)),
    "fraction": (lambda: moved(shift=0.1), lambda: moved(shift=0.1, fraction=1.0)),
}


def loop_of(model, optimizer=None, xla=False):
    optimizer = optimizer or keras.optimizers.SGD(0.01)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer)
    return loop.loop(model, optimizer, tuple(model.encoder.input_shape[1:]), xla)


@pytest.mark.parametrize("name", PAIRS)
def test_models_that_compute_differently_do_not_share(name):
    one, other = PAIRS[name]
    assert loop_of(one()) is loop_of(one())
    assert loop_of(one()) is not loop_of(other())


@pytest.mark.parametrize(
    "other",
    [
        training.optimizer("sgd", 0.01, "cosine", 10),
        training.optimizer("sgd", 0.01, "constant", 10, warmup=0.5),
        training.optimizer("sgd", 0.01, "constant", 10, clip_norm=1.0),
        training.optimizer("adam", 0.01, "constant", 10),
        keras.optimizers.SGD(0.01, momentum=0.5),
    ],
    ids=["schedule", "warm-up", "clip_norm", "kind", "momentum"],
)
def test_optimizers_that_differ_do_not_share(other):
    plain = loop_of(dense(), training.optimizer("sgd", 0.01, "constant", 10))
    assert loop_of(dense(), training.optimizer("sgd", 0.01, "constant", 10)) is plain
    assert loop_of(dense(), other) is not plain


def test_a_schedule_s_highest_rate_is_part_of_the_loop():
    one, two = (training.optimizer("sgd", rate, "cosine", 10) for rate in (0.01, 0.02))
    assert loop_of(dense(), one) is not loop_of(dense(), two)


def test_constant_rates_are_not_since_the_optimizer_s_state_holds_them(flat, traces):
    """By hand, on two models that share a loop: twice the rate, twice the step."""
    changes = []
    for rate in (0.01, 0.02):
        model = dense()
        before = model.get_weights()[0]
        fit(model, flat, epochs=1, batch_size=7, optimizer=training.optimizer("sgd", rate, "constant", 1))
        changes.append(model.get_weights()[0] - before)
    assert len(loop._loops) == 1
    np.testing.assert_allclose(changes[1], 2 * changes[0], rtol=1e-3, atol=1e-7)


def test_with_and_without_xla_are_two_loops():
    assert loop_of(dense(), xla=True) is not loop_of(dense(), xla=False)


def weighted(sign):
    """Return a model of a class that is always called the same, as when a notebook's cell is changed and run again."""

    class Weighted(AutoencoderModel):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return sign * super().compute_loss(x, y, y_pred)

    return Weighted(*networks.build((6,), 2, "dense", (4,), seed=1))


def test_a_class_that_was_defined_again_is_another_class(flat):
    one, three = (fit(weighted(factor), flat, epochs=1)["loss"][0] for factor in (1.0, 3.0))
    assert three > 2 * one


def test_a_layer_s_class_that_was_defined_again_is_another_class():
    def model():
        class Passing(layers.Layer):
            def call(self, images):
                return images

        encoder = keras.Sequential([keras.Input((6,)), Passing(), layers.Dense(2)])
        return AutoencoderModel(encoder, networks.build((6,), 2, "dense", ())[1])

    one = model()
    assert loop_of(one) is loop_of(one)
    assert loop_of(one) is not loop_of(model())


class Beta(AutoencoderModel):
    """Inherits a configuration that says nothing of its own attribute."""

    def __init__(self, encoder, decoder, beta):
        super().__init__(encoder, decoder)
        self.beta = beta

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return (self.beta() if callable(self.beta) else self.beta) * super().compute_loss(x, y, y_pred)


@pytest.mark.parametrize(("one", "three"), [(1.0, 3.0), (lambda: 1.0, lambda: 3.0)], ids=["a number", "a function"])
def test_models_that_differ_in_an_attribute_of_their_own_do_not_share(flat, one, three):
    found = [
        fit(Beta(*networks.build((6,), 2, "dense", (4,), seed=1), beta), flat, epochs=1, batch_size=7)["loss"][0]
        for beta in (one, three)
    ]
    assert found[1] == pytest.approx(3 * found[0], rel=1e-4)


def test_models_with_equal_attributes_of_their_own_share():
    pair = networks.build((6,), 2, "dense", (4,))
    assert loop_of(Beta(*pair, 2.0)) is loop_of(Beta(*pair, 2.0))


def test_functions_of_the_user_s_own_are_not_told_apart_by_their_names():
    def model(factor):
        def activation(x):
            return factor * x

        encoder = keras.Sequential([keras.Input((6,)), layers.Dense(2, activation)])
        return AutoencoderModel(encoder, networks.build((6,), 2, "dense", ())[1])

    assert loop_of(model(1.0)) is not loop_of(model(2.0))


def test_a_model_that_cannot_be_described_trains_by_itself(flat):
    class Named(layers.Layer):
        def __init__(self, owner):
            super().__init__()
            self.owner = owner

        def call(self, images):
            return images

    def model():
        encoder = keras.Sequential([keras.Input((6,)), Named(object()), layers.Dense(2)])
        return AutoencoderModel(encoder, networks.build((6,), 2, "dense", ())[1])

    assert fit(model(), flat)["loss"][1] > 0
    assert len(loop._loops) == 0


def functional():
    image, code = keras.Input((6,)), keras.Input((2,))
    hidden = layers.Dense(4, "relu")(image)
    encoder = keras.Model(image, layers.Dense(2)(layers.Concatenate()([hidden, image])))
    return AutoencoderModel(encoder, keras.Model(code, layers.Dense(6)(code)))


def test_functional_models_share_although_their_layers_have_other_names():
    assert loop_of(functional()) is loop_of(functional())


def test_functional_models_of_other_wiring_do_not():
    def difference(turned):
        image = keras.Input((6,))
        pair = [layers.Dense(6)(image), image]
        encoder = keras.Model(image, layers.Subtract()(pair[::-1] if turned else pair))
        return AutoencoderModel(encoder, networks.build((6,), 6, "dense", ())[1])

    assert loop_of(difference(True)) is loop_of(difference(True))
    assert loop_of(difference(True)) is not loop_of(difference(False))


def test_only_the_last_few_loops_are_kept():
    model = dense()

    def kept(*momenta):
        return [loop_of(model, keras.optimizers.SGD(0.01, momentum=momentum / 100)) for momentum in momenta]

    (first,) = kept(0)
    kept(*range(1, 8))
    assert kept(0) == [first]  # the oldest, and now the newest
    kept(*range(11, 18))
    assert len(loop._loops) == 8
    assert kept(0) == [first]
    kept(*range(21, 29))
    assert kept(0) != [first]


# ----------------------------------------------------------------------------------- XLA


@pytest.fixture
def xla(monkeypatch):
    """Let XLA be worth it for any training, and note for which loops it was used."""
    used, real = [], loop.loop

    def noting(model, optimizer, image_shape, xla=False):
        used.append(xla)
        return real(model, optimizer, image_shape, xla)

    monkeypatch.setattr(loop, "loop", noting)
    monkeypatch.setattr(loop, "XLA_STEPS", 0)
    return used


def test_xla_is_for_long_trainings_of_dense_networks():
    assert loop.wants_xla(dense(), loop.XLA_STEPS)
    assert not loop.wants_xla(dense(), loop.XLA_STEPS - 1)
    assert not loop.wants_xla(rich(augmented=False), 10**12)


def test_xla_is_for_full_precision_without_augmentation(xla):
    assert loop.wants_xla(dense((6, 5, 1)), 10)
    assert not loop.wants_xla(dense((6, 5, 1), precision="bfloat16"), 10)
    assert not loop.wants_xla(moved(shift=0.1), 10)


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


@ON_TENSORFLOW
def test_xla_compiles_the_resident_loop(flat, xla, monkeypatch):
    import tensorflow as tf

    compiled, real = [], tf.function

    def function(body, **options):
        compiled.append((body.__name__, options["jit_compile"]))
        return real(body, **options)

    monkeypatch.setattr(tf, "function", function)
    fit(dense(), flat)
    assert compiled == [("_resident", True)]


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
    loop._loops.clear()  # also when it is traced anew
    assert_all_equal(variables(train()), first)
