"""The compiled loop: the same mathematics as Keras's own steps, shared by equal models, and honest about failures."""

import math

import numpy as np
import pytest

import ae_toolkit as ae
from ae_toolkit import _engine, _steps, losses, networks, streams, training
from ae_toolkit._keras import keras
from ae_toolkit.autoencoder import AutoencoderModel

N, SHAPE = 23, (6, 5, 1)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((N, *SHAPE), dtype=np.float32)


@pytest.fixture
def fresh_loops(monkeypatch):
    """An empty store of compiled loops, and a list to which each new loop is added."""
    monkeypatch.setattr(_engine, "_loops", type(_engine._loops)())
    made = []
    original = _engine.Loop

    def recording(*arguments):
        made.append(original(*arguments))
        return made[-1]

    monkeypatch.setattr(_engine, "Loop", recording)
    return made


def dense(seed=0, dropout=0.0, **layer_options):
    """A model with what a user's own encoder may bring: dropout, penalties on weights and activities."""
    layers = keras.layers
    init = [keras.initializers.GlorotUniform(seed=seed + i) for i in range(2)]
    encoder = [layers.Input(SHAPE), layers.Flatten(), layers.Dense(4, kernel_initializer=init[0], **layer_options)]
    if dropout:
        encoder.append(layers.Dropout(dropout, seed=seed))
    decoder = [layers.Input((4,)), layers.Dense(30, kernel_initializer=init[1]), layers.Reshape(SHAPE)]
    return AutoencoderModel(keras.Sequential(encoder), keras.Sequential(decoder))


def fit(model, images, **options):
    options = {"epochs": 2, "batch_size": 5, "optimizer": keras.optimizers.Adam(1e-2), "seed": 0, **options}
    return training.fit(model, images, **options)


def along(way, monkeypatch):
    if way == "streamed":
        monkeypatch.setattr(_steps, "RESIDENT_BYTES", 0)
    elif way == "Keras's own":
        monkeypatch.setattr(_steps, "choose", lambda model, source, *_: _steps.KerasTraining(model, source))
    elif way == "XLA":
        monkeypatch.setattr(_engine, "XLA_WORTH", 0)


# ------------------------------------------------------------------- the same mathematics


@pytest.mark.parametrize("way", ["streamed", "Keras's own", "XLA"])
@pytest.mark.parametrize(
    "given",
    [{}, {"kernel_regularizer": "l2", "activation": "relu"}, {"activity_regularizer": "l1"}, {"activation": "tanh"}],
    ids=str,
)
def test_all_ways_give_the_same_losses_and_weights(images, way, given, monkeypatch):
    first, second = dense(**given), dense(**given)
    curves = [fit(first, images)["loss"]]
    along(way, monkeypatch)
    curves.append(fit(second, images)["loss"])
    np.testing.assert_allclose(curves[1], curves[0], rtol=2e-5)
    for found, expected in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_penalties_enter_the_loss(images):
    free = fit(dense(), images, epochs=1)["loss"][0]
    assert fit(dense(kernel_regularizer=keras.regularizers.L2(1.0)), images, epochs=1)["loss"][0] > free + 1
    assert fit(dense(activity_regularizer=keras.regularizers.L2(1.0)), images, epochs=1)["loss"][0] > free + 0.1


def test_batch_normalisation_learns_its_averages(images):
    model = dense()
    model.encoder.add(keras.layers.BatchNormalization())
    fit(model, images + 1)
    mean = model.encoder.layers[-1].moving_mean
    assert np.abs(keras.ops.convert_to_numpy(mean)).max() > 0.01


def test_random_layers_draw_anew_in_each_epoch_and_repeat_with_their_seed(images):
    rate = keras.optimizers.SGD
    curves = [fit(dense(dropout=0.5), images, batch_size=N, optimizer=rate(1e-12), epochs=3)["loss"] for _ in range(2)]
    assert curves[0] == curves[1]
    assert len(set(curves[0])) == 3  # the weights hardly move: what changes is the mask


@pytest.mark.parametrize("way", ["resident", "XLA"])
def test_one_seed_gives_the_same_weights_bit_for_bit(images, way, monkeypatch):
    along(way, monkeypatch)
    runs = [dense(dropout=0.3), dense(dropout=0.3)]
    for model in runs:
        model.augmentation = None if way == "XLA" else ae.augmentation.RandomAffine(rotation=10, shift=0.1, seed=1)
        fit(model, images, epochs=3)
    for a, b in zip(*(model.get_weights() for model in runs), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop", "nadam", "lion"])
def test_every_optimiser_works_without_variables(images, name, monkeypatch):
    """On TensorFlow the engine puts Keras's backend-neutral methods back into each optimiser."""
    models = [dense(), dense()]
    fit(models[0], images, optimizer=keras.optimizers.get(name))
    along("Keras's own", monkeypatch)
    fit(models[1], images, optimizer=keras.optimizers.get(name))
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


# ------------------------------------------------------------------- loops are shared


def test_equal_models_share_one_loop(images, fresh_loops):
    for seed in range(3):
        fit(dense(seed, dropout=0.1), images, seed=seed)
    assert len(fresh_loops) == 1


@pytest.mark.skipif(_engine.BACKEND != "tensorflow", reason="counts TensorFlow's traces")
def test_the_second_of_two_equal_fits_does_not_trace(images, monkeypatch):
    traces = []
    step = _engine.Loop._step
    monkeypatch.setattr(_engine.Loop, "_step", lambda *arguments: traces.append(1) or step(*arguments))
    monkeypatch.setattr(_engine, "_loops", type(_engine._loops)())
    ae.Autoencoder(code_dim=3, epochs=2, batch_size=5, random_state=0).fit(images)
    first = len(traces)
    assert first > 0
    ae.Autoencoder(code_dim=3, epochs=2, batch_size=5, random_state=1).fit(images[::-1].copy())
    assert len(traces) == first


@pytest.mark.parametrize(
    "other",
    [
        lambda images: fit(dense(activation="relu"), images),
        lambda images: fit(dense(), images, optimizer=keras.optimizers.SGD(1e-2)),
        lambda images: fit(dense(), images, optimizer=keras.optimizers.Adam(1e-2, global_clipnorm=1.0)),
        lambda images: fit(dense(), images, optimizer=keras.optimizers.Adam(1e-2, beta_1=0.5)),
        lambda images: fit(dense(dropout=0.2), images),
        lambda images: fit(dense(trainable=False), images),
    ],
)
def test_models_that_compute_otherwise_do_not(images, other, fresh_loops):
    fit(dense(), images)
    other(images)
    assert len(fresh_loops) == 2


def test_augmentation_tells_loops_apart(images, fresh_loops):
    for amounts in ({}, {"rotation": 10}, {"rotation": 20}):
        model = dense()
        model.augmentation = ae.augmentation.RandomAffine(**amounts, seed=0) if amounts else None
        fit(model, images)
    assert len(fresh_loops) == 3


def test_a_shared_loop_trains_each_model_for_itself(images):
    """What a loop keeps of the first model must not leak into the second."""
    alone = [fit(dense(seed), images) for seed in (1, 2)]
    first = dense(1)
    fit(first, images)
    before = first.get_weights()
    assert [fit(dense(seed), images) for seed in (1, 2)] == alone
    for a, b in zip(before, first.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_learning_rate_is_part_of_the_state_not_of_the_loop(images, fresh_loops):
    slow, fast = (keras.optimizers.SGD(rate) for rate in (1e-7, 1e-3))
    models = dense(), dense()
    start = models[0].get_weights()[0].copy()
    fit(models[0], images, optimizer=slow)
    fit(models[1], images, optimizer=fast)
    moved = [np.abs(model.get_weights()[0] - start).max() for model in models]
    assert moved[1] > 1e3 * moved[0] > 0
    assert len(fresh_loops) == 1


def test_only_eight_loops_are_kept(images, monkeypatch):
    monkeypatch.setattr(_engine, "_loops", type(_engine._loops)())
    for momentum in np.linspace(0, 0.9, 10):
        _engine.loop(compiled := dense(), built(compiled, keras.optimizers.SGD(0.1, momentum=float(momentum))), SHAPE)
    assert len(_engine._loops) == 8


def built(model, optimizer):
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer)
    return optimizer


class Nameless(training.TrainableModel):
    """A model that cannot say how it is made."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, images, training=None):
        return self.layer(images)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return losses.squared_error(x, y_pred)

    def get_config(self):
        raise NotImplementedError


def test_a_model_that_cannot_describe_itself_is_trained_with_a_loop_of_its_own(images, fresh_loops):
    flat = images.reshape(N, -1)
    for _ in range(2):
        model = Nameless(keras.layers.Dense(30))
        model.layer.build((None, 30))
        curve = fit(model, flat, epochs=5)["loss"]
        assert curve[-1] < curve[0]
    assert len(fresh_loops) == 2


# ------------------------------------------------------------------- XLA


def test_xla_is_for_long_trainings_of_dense_float32_networks():
    def wanted(n=60_000, epochs=30, augmentation=None, **options):
        model = AutoencoderModel(*networks.build((28, 28, 1), 32, **options))
        model.augmentation = augmentation
        return _engine.wants_xla(model, n, epochs)

    assert wanted(network="dense")
    assert not wanted(network="conv")
    assert not wanted(network="dense", n=1000, epochs=1)
    assert not wanted(network="dense", precision="bfloat16")
    assert not wanted(network="dense", augmentation=ae.augmentation.RandomAffine(rotation=1))


# ------------------------------------------------------------------- Keras's callbacks


class Diary(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.events, self.losses = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.events.append(("begin", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.events.append(("end", batch))
        self.losses.append(float(logs["loss"]))

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(("epoch", float(logs["loss"])))


def test_callbacks_hear_of_every_block(images, monkeypatch):
    monkeypatch.setattr(_steps, "BLOCK", 2)
    diary = Diary()
    curve = fit(dense(), images, epochs=1, callbacks=[diary])  # 5 steps: 2, 2, 1
    assert diary.events == [("begin", 0), ("end", 1), ("begin", 2), ("end", 3), ("begin", 4), ("end", 5)]
    assert diary.losses[-1] == ("epoch", curve["loss"][0])
    assert diary.losses[-2] == pytest.approx(curve["loss"][0], rel=1e-6)  # a running mean, as in Keras


def test_blocks_do_not_change_the_result(images, monkeypatch):
    models = [dense(), dense()]
    fit(models[0], images)
    monkeypatch.setattr(_steps, "BLOCK", 2)
    fit(models[1], images)
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_callback_may_change_the_learning_rate(images):
    class Freeze(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.kept = self.model.get_weights()
                self.model.optimizer.learning_rate = 0.0

    freeze, model = Freeze(), dense()
    fit(model, images, optimizer=keras.optimizers.SGD(1e-2), callbacks=[freeze], epochs=3)
    for a, b in zip(freeze.kept, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_callback_may_change_the_weights(images):
    class Reset(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.set_weights([np.zeros_like(weight) for weight in self.model.get_weights()])

    model = dense()
    curve = fit(model, images, optimizer=keras.optimizers.SGD(1e-12), callbacks=[Reset()])
    assert curve["loss"][1] == pytest.approx(np.square(images).reshape(N, -1).sum(1).mean(), rel=1e-5)


def test_early_stopping_restores_the_best_weights(images):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.best = self.model.get_weights()
                self.model.set_weights([weight + 1 for weight in self.best])

    spoil = Spoil()
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=1, restore_best_weights=True)
    model = dense()
    curve = fit(model, images, validation=images, callbacks=[spoil, stop], epochs=9)
    assert len(curve["loss"]) == 3
    for a, b in zip(spoil.best, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_progress_bar_counts_the_steps(images, capsys):
    fit(dense(), images, epochs=1, verbose=1)
    assert "5/5" in capsys.readouterr().out


def test_keras_own_fit_still_works_on_the_model(images):
    model = dense()
    fit(model, images)
    model.compile("adam")
    history = model.fit(images, batch_size=5, epochs=1, verbose=0)
    assert math.isfinite(history.history["loss"][0])


# ------------------------------------------------------------------- failures


@pytest.mark.parametrize("way", ["resident", "streamed", "Keras's own", "XLA"])
def test_the_batch_with_the_bad_image_is_named_and_the_weights_before_it_kept(images, way, monkeypatch):
    if way == "Keras's own" and _engine.BACKEND == "jax":
        pytest.skip("not a way that JAX takes")
    along(way, monkeypatch)
    monkeypatch.setattr(_steps, "BLOCK", 1)  # a call is a batch
    epoch, place = 1, 12
    images[streams.shuffled(N, 0, epoch)[place]] = np.nan  # batch 3 of 5 in epoch 2, and somewhere in epoch 1
    first_place = int(np.flatnonzero(streams.shuffled(N, 0, 0) == streams.shuffled(N, 0, epoch)[place])[0])
    model = dense()
    with pytest.raises(FloatingPointError, match=rf"batch {first_place // 5 + 1} of 5 in epoch 1.*before this .* kept"):
        fit(model, images)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    if way != "Keras's own":  # which keeps the epoch's first weights
        twin, done = dense(), first_place // 5 * 5
        good = images[streams.shuffled(N, 0, 0)[:done]]
        monkeypatch.setattr(streams, "shuffled", lambda n, seed, epoch: np.arange(n, dtype=np.int32))
        if done:
            fit(twin, good, epochs=1)
        for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_weights_ruined_by_the_very_last_step_are_noticed(images):
    model = dense()
    start = model.get_weights()
    with pytest.raises(FloatingPointError, match="batch 1 of 1 in epoch 1"):
        fit(model, images, batch_size=N, epochs=1, optimizer=keras.optimizers.SGD(1e39))
    for a, b in zip(start, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_estimator_keeps_the_last_good_weights(images):
    class Ruin(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.good = self.model.get_weights()
                self.model.optimizer.learning_rate = 1e39

    ruin = Ruin()
    autoencoder = ae.Autoencoder(code_dim=3, epochs=5, optimizer="sgd", learning_rate=1e-3, schedule="constant",
                                 batch_size=N, random_state=0)  # fmt: skip
    with pytest.raises(FloatingPointError, match="epoch 3"):
        autoencoder.fit(images, callbacks=[ruin])
    assert len(autoencoder.history_["loss"]) == 2
    for a, b in zip(ruin.good, autoencoder.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(autoencoder.transform(images)).all()
