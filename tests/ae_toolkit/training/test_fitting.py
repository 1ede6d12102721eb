"""The training loop: every image once an epoch, in an order of its own, to the last digit the same."""

import gc
import math
import os
import random
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

import ae_toolkit as ae
from ae_toolkit import networks, training
from ae_toolkit._keras import keras
from ae_toolkit.data import streams
from ae_toolkit.estimators.autoencoder import AutoencoderModel
from ae_toolkit.networks import losses
from ae_toolkit.training import plans
from ae_toolkit.training.backend import backend

ops = keras.ops


def sgd(rate):
    return keras.optimizers.SGD(rate)


def fit(model, images, **options):
    options = {"epochs": 1, "batch_size": 3, "optimizer": sgd(1e-9), "seed": 0, **options}
    return training.fit(model, images, **options)


class Scale(training.TrainableModel):
    """x̂ = s·x, so that loss and gradient are known: L = (1 - s)² · mean ||x||²."""

    def __init__(self, start=0.5):
        super().__init__()
        self.scale = self.add_weight(shape=(), initializer=keras.initializers.Constant(start), name="scale")

    def call(self, images, training=None):
        return images * self.scale.value

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return losses.weighted_mean(losses.squared_error(x, y_pred))


class Recorder(Scale):
    """Notes how often each image was trained on and at which step last; image i is the i-th unit vector."""

    def __init__(self, n):
        super().__init__()
        self.step = self.add_weight(shape=(), initializer="zeros", trainable=False, name="step")
        self.seen = self.add_weight(shape=(n,), initializer="zeros", trainable=False, name="seen")
        self.when = self.add_weight(shape=(n,), initializer="zeros", trainable=False, name="when")

    def call(self, images, training=None):
        if training:
            batch = ops.sum(images, axis=0)
            self.step.assign(self.step.value + 1)
            self.seen.assign(self.seen.value + batch)
            self.when.assign(ops.where(batch > 0, self.step.value, self.when.value))
        return super().call(images)


class Bomb(Scale):
    """Its loss is NaN in one step of the training, counted from 1."""

    def __init__(self, step, start=0.5):
        super().__init__(start)
        self.explodes = float(step)
        self.step = self.add_weight(shape=(), initializer="zeros", trainable=False, name="step")

    def call(self, images, training=None):
        if training:
            self.step.assign(self.step.value + 1)
        return super().call(images)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred)
        return ops.where(ops.logical_and(training, self.step.value == self.explodes), float("nan"), loss)


class Slope(training.TrainableModel):
    """L = w, whose gradient is 1: w falls by the learning rate in each step."""

    def __init__(self):
        super().__init__()
        self.height = self.add_weight(shape=(), initializer="zeros", name="height")

    def call(self, images, training=None):
        return images

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.height.value + 0 * ops.sum(y_pred)


class Diary(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen, self.when, self.logs = [], [], []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(ops.convert_to_numpy(self.model.seen).copy())
        self.when.append(ops.convert_to_numpy(self.model.when).copy())
        self.logs.append(dict(logs))


def record(n, seed=0, **options):
    diary, model = Diary(), Recorder(n)
    fit(model, np.eye(n, dtype=np.float32), seed=seed, callbacks=[diary], **options)
    return diary, model


@pytest.fixture
def images():
    return np.random.default_rng(0).random((7, 4), dtype=np.float32)


# ------------------------------------------------------------------- every image, once


@pytest.mark.usefixtures("either_way")
def test_every_image_is_seen_once_an_epoch_in_a_new_order():
    diary, model = record(7, epochs=3, batch_size=3)
    assert [seen.tolist() for seen in diary.seen] == [[1] * 7, [2] * 7, [3] * 7]
    for epoch, when in enumerate(diary.when):
        steps = (when - 3 * epoch).astype(int)
        assert np.bincount(steps).tolist() == [0, 3, 3, 1]  # batches of 3, 3 and the one left over
    orders = {tuple(when - 3 * epoch) for epoch, when in enumerate(diary.when)}
    assert len(orders) == 3
    assert float(model.step) == 9


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
def test_the_seed_alone_decides_the_order():
    first, _ = record(9, seed=1, batch_size=1, epochs=2)
    keras.utils.set_random_seed(3)
    again, _ = record(9, seed=1, batch_size=1, epochs=2)
    other, _ = record(9, seed=2, batch_size=1, epochs=2)
    np.testing.assert_array_equal(first.when, again.when)
    assert not np.array_equal(first.when, other.when)
    assert first.when[0].tolist() != list(range(1, 10))  # they are shuffled


@pytest.mark.usefixtures("either_way")
def test_a_batch_is_at_most_all_images():
    diary, model = record(5, batch_size=100, epochs=2)
    assert float(model.step) == 2
    assert diary.seen[-1].tolist() == [2] * 5


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
def test_fitting_again_goes_on():
    _, model = record(5, epochs=2)
    fit(model, np.eye(5, dtype=np.float32), epochs=1)
    assert model.seen.numpy().tolist() == [3] * 5


# --------------------------------------------------------------------- losses recorded


@pytest.mark.usefixtures("either_way")
def test_loss_is_the_mean_over_images_also_where_the_last_batch_is_smaller(images):
    history = fit(Scale(), images, epochs=2)
    expected = 0.25 * np.square(images).sum(axis=1).mean()
    assert history == {"loss": pytest.approx([expected, expected], rel=1e-5)}
    assert all(type(value) is float for value in history["loss"])


@pytest.mark.usefixtures("either_way")
def test_val_loss_is_that_of_the_validation_images_at_the_end_of_the_epoch(images):
    validation = np.random.default_rng(1).random((5, 4), dtype=np.float32)
    model, after = Scale(), []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: after.append(float(model.scale)))
    history = fit(model, images, epochs=3, optimizer=sgd(0.05), validation=validation, callbacks=[note])
    power = np.square(validation).sum(axis=1).mean()
    assert history["val_loss"] == pytest.approx([(1 - scale) ** 2 * power for scale in after], rel=1e-4)
    assert len(set(after)) == 3  # it trained
    assert len(history["loss"]) == 3


def test_val_loss_of_more_images_than_fit_into_one_batch(images):
    """In batches of 1,024 with one left over, each image weighs the same."""
    validation = np.ones((1025, 4), np.float32)
    validation[-1] = 100
    history = fit(Scale(), images, validation=validation)
    assert history["val_loss"] == pytest.approx([0.25 * (1024 * 4 + 40000) / 1025], rel=1e-5)


@pytest.mark.usefixtures("either_way")
def test_validation_images_are_not_trained_on():
    diary, model = Diary(), Recorder(4)
    fit(model, np.eye(4, dtype=np.float32)[:3], epochs=1, validation=np.eye(4, dtype=np.float32), callbacks=[diary])
    assert diary.seen[0].tolist() == [1, 1, 1, 0]


def test_callbacks_see_both_losses():
    diary, _ = record(4, validation=np.eye(4, dtype=np.float32))
    assert set(diary.logs[0]) == {"loss", "val_loss"}


@pytest.mark.usefixtures("either_way")
def test_early_stopping_watches_val_loss(images):
    stop = keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=1e9, restore_best_weights=True)
    model = Scale()
    history = fit(model, images, epochs=10, optimizer=sgd(0.05), validation=images, callbacks=[stop])
    assert len(history["loss"]) == len(history["val_loss"]) == 2
    restored = (1 - float(model.scale)) ** 2 * np.square(images).sum(axis=1).mean()
    assert restored == pytest.approx(history["val_loss"][0], rel=1e-4)
    assert restored != pytest.approx(history["val_loss"][1], rel=1e-2)


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
def test_the_images_are_let_go_after_a_fit():
    model, images = Scale(), np.ones((7, 4), np.float32)
    alive = weakref.ref(images)
    fit(model, images)
    del images
    gc.collect()
    assert alive() is None


# -------------------------------------------------------------------------- divergence


@pytest.mark.usefixtures("either_way")
def test_a_loss_that_is_not_finite_stops_the_training_and_names_the_epoch(images):
    model = Scale()
    with pytest.raises(FloatingPointError, match=r"finite loss, got .* in batch 1 of 1 in epoch 2.*learning rate"):
        fit(model, images, epochs=5, batch_size=7, optimizer=sgd(1e30))


@pytest.mark.usefixtures("either_way")
def test_a_val_loss_that_is_not_finite_does_so_too(images):
    """The step that diverged may be the last, of which the training loss knows nothing."""
    with pytest.raises(FloatingPointError, match=r"finite val_loss, got .* after epoch 1"):
        fit(Scale(), images, epochs=1, batch_size=7, optimizer=sgd(1e30), validation=images)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("bad", [0, 4, 9])
def test_an_image_that_is_not_finite_is_found_in_its_batch(bad):
    images = np.ones((10, 4), np.float32)
    images[bad, 2] = np.inf
    place = streams.shuffled(10, 0, 0).tolist().index(bad) // 3 + 1
    with pytest.raises(FloatingPointError, match=rf"in batch {place} of 4 in epoch 1\..*not finite"):
        fit(Scale(), images, epochs=2)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 5, 10, 12, 19, 40])
def test_the_batch_is_named_and_the_last_good_weights_are_kept(step, either_way, monkeypatch):
    """Of 4 epochs of 10 steps, taken in calls of 4, 4 and 2, the last of them on a single image."""
    monkeypatch.setattr(plans, "BLOCK_STEPS", 4)
    images = np.random.default_rng(0).random((19, 4), dtype=np.float32)
    scales = by_hand(images, batch_size=2, rate=0.01, epochs=4)
    assert len(set(scales)) == 41  # each step changes it
    model = Bomb(step)
    epoch, batch = divmod(step - 1, 10)
    with pytest.raises(FloatingPointError, match=rf"in batch {batch + 1} of 10 in epoch {epoch + 1}\..*are kept"):
        fit(model, images, epochs=4, optimizer=sgd(0.01), batch_size=2)
    good = {"streamed": step - 1, "resident": 10 * epoch + batch // 4 * 4, "Keras's own": 10 * epoch}[either_way]
    assert float(model.scale) == pytest.approx(scales[good], rel=1e-6)


def by_hand(images, batch_size, rate, epochs, start=0.5):
    """Return the weight of a `Scale` before the first step and after each."""
    scales = [start]
    for epoch in range(epochs):
        order = streams.shuffled(len(images), 0, epoch)
        for first in range(0, len(images), batch_size):
            power = np.square(images[order[first : first + batch_size]].astype(float)).sum(axis=1).mean()
            scales.append(scales[-1] + rate * 2 * (1 - scales[-1]) * power)
    return scales


@pytest.mark.usefixtures("either_way")
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_weights_that_the_very_last_step_makes_infinite_are_noticed(images):
    model = Scale()
    with pytest.raises(FloatingPointError, match=r"in epoch 2\."):
        fit(model, images, epochs=2, batch_size=7, optimizer=sgd(LastStepInfinite()))
    assert np.isfinite(float(model.scale))


@keras.saving.register_keras_serializable(package="tests")
class LastStepInfinite(keras.optimizers.schedules.LearningRateSchedule):
    """A rate of 0.01, and in the second step one that no weight survives."""

    def __call__(self, step):
        return ops.where(ops.equal(step, 1), float("inf"), 0.01)

    def get_config(self):
        return {}


# --------------------------------------------------------------------------- gradients


@pytest.mark.usefixtures("either_way")
def test_one_step_of_gradient_descent_by_hand(images):
    model = Scale(start=0.5)
    fit(model, images, batch_size=7, optimizer=sgd(0.1))
    assert float(model.scale) == pytest.approx(0.5 + 0.1 * 2 * 0.5 * np.square(images).sum(axis=1).mean(), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [7, 100])
def test_one_step_of_an_autoencoder_equals_finite_differences(images, batch_size):
    """w - rate · dL/dw, with dL/dw from a NumPy forward pass in double precision."""
    model = AutoencoderModel(*networks.build((4,), 2, "dense", (3,), "tanh", "sigmoid", seed=1))
    before = [weight.astype(np.float64) for weight in model.get_weights()]

    def loss(weights):
        w0, b0, w1, b1, w2, b2, w3, b3 = weights
        codes = np.tanh(images @ w0 + b0) @ w1 + b1
        found = 1 / (1 + np.exp(-(np.tanh(codes @ w2 + b2) @ w3 + b3)))
        return np.square(images - found).sum(axis=1).mean()

    def slope(which, place, step=1e-5):
        sides = []
        for sign in (1, -1):
            moved = [weight.copy() for weight in before]
            moved[which][place] += sign * step
            sides.append(loss(moved))
        return (sides[0] - sides[1]) / (2 * step)

    rate = 0.1
    history = fit(model, images, batch_size=batch_size, optimizer=sgd(rate))
    assert history["loss"][0] == pytest.approx(loss(before), rel=1e-5)
    for which, (old, new) in enumerate(zip(before, model.get_weights(), strict=True)):
        gradient = np.array([slope(which, place) for place in np.ndindex(old.shape)]).reshape(old.shape)
        assert np.abs(gradient).max() > 1e-3
        np.testing.assert_allclose(new, old - rate * gradient, atol=1e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
def test_losses_that_layers_add_count(images):
    encoder, decoder = networks.build((4,), 2, "dense", ())
    encoder.layers[-1].activity_regularizer = keras.regularizers.L2(10.0)
    plain = AutoencoderModel(*networks.build((4,), 2, "dense", ()))
    codes = ops.convert_to_numpy(plain.encoder(images))
    extra = fit(AutoencoderModel(encoder, decoder), images, batch_size=7)["loss"][0]
    assert extra - fit(plain, images, batch_size=7)["loss"][0] == pytest.approx(
        10 * np.square(codes).sum() / 7, rel=1e-3
    )


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
def test_a_kernel_s_regulariser_enters_loss_and_gradient():
    """On black images there is nothing but it: λ Σ w², whose gradient is 2 λ w."""
    layer = keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.5))
    encoder = keras.Sequential([keras.Input((4,)), layer])
    model = AutoencoderModel(encoder, networks.build((4,), 2, "dense", ())[1])
    kernel = model.get_weights()[0]
    history = fit(model, np.zeros((5, 4), np.float32), batch_size=5, optimizer=sgd(0.1))
    assert history["loss"] == pytest.approx([0.5 * np.square(kernel).sum()], rel=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], 0.9 * kernel, rtol=1e-5)


# --------------------------------------------------------------------------- callbacks


@pytest.mark.parametrize(("n_images", "calls"), [(10, 3), (4, 1), (9, 3), (1, 1), (8, 2)])
@pytest.mark.skipif(not backend.COMPILES_LOOPS, reason="Keras's own steps are single ones")
def test_a_callback_is_called_once_a_block(monkeypatch, n_images, calls):
    monkeypatch.setattr(plans, "BLOCK_STEPS", 4)
    seen = []
    losses_seen = []

    def hear(batch, logs):
        seen.append(batch)
        losses_seen.append(logs["loss"])

    note = keras.callbacks.LambdaCallback(on_train_batch_end=hear)
    diary, model = Diary(), Recorder(n_images)
    fit(model, np.eye(n_images, dtype=np.float32), batch_size=1, epochs=2, callbacks=[note, diary])
    assert len(seen) == 2 * calls
    assert [losses_seen[calls - 1], losses_seen[-1]] == [logs["loss"] for logs in diary.logs]  # a running mean
    assert [when.max() for when in diary.when] == [n_images, 2 * n_images]  # the steps that were really taken


def test_a_callback_is_called_after_each_batch_of_a_stream(monkeypatch):
    monkeypatch.setattr(plans, "RESIDENT_BYTES", 0)
    seen = []
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, logs["loss"])))
    history = fit(Scale(), np.eye(4, dtype=np.float32), batch_size=1, epochs=2, callbacks=[note])
    assert [batch for batch, _ in seen] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert [seen[3][1], seen[7][1]] == history["loss"]


def rates(history, power):
    """Return the learning rates that gradient descent on a `Scale` has had: 1 - s shrinks by 1 - 2·rate·power."""
    left = np.sqrt(np.divide(history["loss"], power))
    return (1 - left[1:] / left[:-1]) / (2 * power)


@pytest.mark.usefixtures("either_way")
def test_a_rate_that_a_callback_reduces_takes_effect(images):
    reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    history = fit(Scale(), images, epochs=5, batch_size=7, optimizer=sgd(0.1), callbacks=[reduce])
    power = np.square(images).sum(axis=1).mean()
    assert rates(history, power) == pytest.approx([0.1, 0.1, 0.05, 0.025], rel=1e-3)
    assert history["learning_rate"] == pytest.approx([0.1, 0.1, 0.05, 0.025, 0.0125])


@pytest.mark.usefixtures("either_way")
def test_a_rate_that_a_callback_schedules_takes_effect(images):
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.08 / 2**epoch)
    history = fit(Scale(), images, epochs=4, batch_size=7, optimizer=sgd(0.1), callbacks=[schedule])
    assert rates(history, np.square(images).sum(axis=1).mean()) == pytest.approx([0.08, 0.04, 0.02], rel=1e-3)


def test_a_callback_may_change_the_weights(images):
    class Reset(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.set_weights([np.array(0.25)])

    history = fit(Scale(), images, optimizer=sgd(0.01), callbacks=[Reset()], batch_size=7, epochs=2)
    assert history["loss"] == pytest.approx(2 * [0.75**2 * np.square(images).sum(axis=1).mean()], rel=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
def test_a_callback_may_stop_the_training(images):
    def stop(epoch, logs):
        model.stop_training = epoch == 1

    model = Scale()
    assert len(fit(model, images, epochs=5, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=stop)])["loss"]) == 2
    assert len(fit(model, images, epochs=3)["loss"]) == 3


@pytest.mark.slow
def test_afterwards_the_model_is_keras_s_again(images):
    """Its own methods see all images, and its own fit trains with its own steps."""
    model = AutoencoderModel(*networks.build((4,), 2, "dense", ()))
    fit(model, images, batch_size=1)
    loss = np.square(images - ops.convert_to_numpy(model(images))).sum(axis=1).mean()
    evaluated = model.evaluate(images, images, batch_size=2, verbose=0, return_dict=True)
    assert evaluated == pytest.approx({"loss": loss, "reconstruction": loss}, rel=1e-5)
    found = model.predict(images, batch_size=2, verbose=0)
    np.testing.assert_allclose(found, ops.convert_to_numpy(model(images)), atol=1e-6)
    history = model.fit(images, images, batch_size=2, epochs=2, verbose=0, shuffle=False).history
    assert history["loss"][0] == pytest.approx(loss, rel=1e-3)
    assert int(model.optimizer.iterations) == 7 + 2 * 4


# ------------------------------------------------------------------------ interruption


class Press(keras.callbacks.Callback):
    """Presses Ctrl-C when an epoch begins, counted from 0, or before it ends."""

    def __init__(self, ctrl_c, epoch, times=1, at="begin"):
        super().__init__()
        self.ctrl_c, self.epoch, self.times, self.at = ctrl_c, epoch, times, at

    def _press(self, epoch):
        if epoch == self.epoch:
            for _ in range(self.times):
                self.ctrl_c()

    def on_epoch_begin(self, epoch, logs=None):
        if self.at == "begin":
            self._press(epoch)

    def on_epoch_end(self, epoch, logs=None):
        if self.at == "end":
            self._press(epoch)


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("at", ["begin", "end"])
def test_ctrl_c_ends_the_training_after_the_epoch(images, ctrl_c, at):
    model, whole = Scale(), Scale()
    with pytest.warns(UserWarning, match="interrupted: the training stopped after epoch 2 of 5") as caught:
        history = fit(model, images, epochs=5, optimizer=sgd(0.01), callbacks=[Press(ctrl_c, 1, at=at)])
    assert len([warning for warning in caught if "interrupted" in str(warning.message)]) == 1
    assert fit(whole, images, epochs=2, optimizer=sgd(0.01)) == history
    assert float(model.scale) == float(whole.scale)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("either_way")
def test_a_second_ctrl_c_stops_at_once(images, ctrl_c):
    model, seen = Scale(), []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    with pytest.raises(KeyboardInterrupt):
        fit(model, images, epochs=5, callbacks=[Press(ctrl_c, 1, times=2), note])
    assert seen == [0]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_is_as_before_after_a_training(images, ctrl_c):
    fit(Scale(), images)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()


@pytest.mark.slow
def test_ctrl_c_in_one_training_does_not_stop_the_next(images, ctrl_c):
    with pytest.warns(UserWarning, match="interrupted"):
        fit(Scale(), images, epochs=5, callbacks=[Press(ctrl_c, 0)])
    assert len(fit(Scale(), images, epochs=3)["loss"]) == 3


def test_a_handler_of_the_user_s_own_stays_in_charge(images, ctrl_c):
    pressed = []
    signal.signal(signal.SIGINT, handler := lambda *_: pressed.append(1))
    history = fit(Scale(), images, epochs=3, callbacks=[Press(ctrl_c, 0, times=2)])
    assert (len(history["loss"]), pressed) == (3, [1, 1])
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_training_may_run_in_a_thread(images):
    """Where Python lets nobody listen for signals."""
    model, other, histories = Scale(), Scale(), []
    thread = threading.Thread(target=lambda: histories.append(fit(model, images, epochs=3, optimizer=sgd(0.01))))
    thread.start()
    thread.join()
    assert histories == [fit(other, images, epochs=3, optimizer=sgd(0.01))]
    assert float(model.scale) == float(other.scale)


@pytest.mark.slow
def test_trainings_in_two_threads_at_once(images):
    alone = [Scale(), Scale(0.25)]
    together = [Scale(), Scale(0.25)]
    options = {"epochs": 20, "optimizer": None, "batch_size": 2}
    for model in alone:
        fit(model, images, **{**options, "optimizer": sgd(0.01)})
    threads = [
        threading.Thread(target=fit, args=(model, images), kwargs={**options, "optimizer": sgd(0.01)})
        for model in together
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [float(model.scale) for model in together] == [float(model.scale) for model in alone]


# ------------------------------------------------------------------------- determinism


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).random((40, 5, 4, 1), dtype=np.float32)


@pytest.fixture(scope="module")
def train(pictures):
    def train(random_state):
        autoencoder = ae.Autoencoder(2, hidden_units=(4,), optimizer="sgd", epochs=2, random_state=random_state)
        return autoencoder.fit(pictures, validation_data=pictures[:5])

    return train


@pytest.fixture(scope="module")
def seed_0(train):
    return train(0)


@pytest.mark.slow
def test_same_seed_same_weights_to_the_last_bit(train, seed_0):
    random.seed(1)
    np.random.seed(2)  # noqa: NPY002 (the global generator is what is meant)
    keras.utils.set_random_seed(3)
    again = train(0)
    assert all(map(np.array_equal, seed_0.model_.get_weights(), again.model_.get_weights()))
    assert seed_0.history_ == again.history_


def test_other_seed_other_weights(train, seed_0):
    pairs = zip(train(1).model_.get_weights(), seed_0.model_.get_weights(), strict=True)
    assert not any(np.array_equal(a, b) for a, b in pairs)


def test_a_random_state_is_drawn_from(train, seed_0):
    generator = np.random.RandomState(0)
    assert train(generator).history_ == seed_0.history_
    assert train(generator).history_ != seed_0.history_


@pytest.mark.slow
@pytest.mark.parametrize("random_state", [0, None])
def test_fit_and_transform_leave_the_global_random_state(train, pictures, random_state, global_random_state_kept):
    with global_random_state_kept():
        train(random_state).transform(pictures)


def test_without_a_seed_two_fits_differ_whatever_the_global_seed(train):
    np.random.seed(0)  # noqa: NPY002 (the global generator is what is meant)
    first = train(None).history_
    np.random.seed(0)  # noqa: NPY002 (the global generator is what is meant)
    assert train(None).history_ != first


# -------------------------------------------------------------------------- optimisers


def test_constant_rate():
    found = training.optimizer("sgd", 0.25, "constant", steps=4)
    assert isinstance(found, keras.optimizers.SGD)
    assert float(found.learning_rate) == 0.25


def test_cosine_falls_to_zero_at_the_last_step():
    found = training.optimizer("adam", 0.5, "cosine", steps=6)
    assert isinstance(found, keras.optimizers.Adam)
    rates = [float(found._learning_rate(step)) for step in range(7)]
    expected = [0.5 * (1 + math.cos(math.pi * step / 6)) / 2 for step in range(7)]
    assert rates == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    {
        "cosine": [0.125, 0.125 + 0.875 / 8 * 4, 1, (1 + math.cos(math.pi / 4)) / 2, 0.5, 0],
        "constant": [0.125, 0.125 + 0.875 / 8 * 4, 1, 1, 1, 1],
    }.items(),
)
def test_warm_up_rises_to_the_highest_rate(schedule, expected):
    """40 steps, of which 8 warm up: linearly from an eighth, and then the schedule over the 32 that remain."""
    rate = training.optimizer("adam", 0.5, schedule, steps=40, warmup=0.2)._learning_rate
    assert [float(rate(step)) for step in (0, 4, 8, 16, 24, 40)] == pytest.approx([0.5 * e for e in expected], abs=1e-6)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 0.01])
def test_a_warm_up_of_less_than_half_a_step_is_none(schedule, warmup):
    plain = training.optimizer("sgd", 0.5, schedule, steps=40)
    rounded = training.optimizer("sgd", 0.5, schedule, steps=40, warmup=warmup)
    assert rounded.get_config() == {**plain.get_config(), "name": rounded.name}


@pytest.mark.parametrize("warmup", [0.1, 0.99])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_a_warm_up_of_one_step_or_of_almost_all(schedule, warmup):
    rate = training.optimizer("sgd", 0.5, schedule, steps=10, warmup=warmup)._learning_rate
    found = [float(rate(step)) for step in range(11)]
    assert np.isfinite(found).all()
    assert found[round(10 * warmup)] == max(found) == pytest.approx(0.5)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_rates_of_a_warm_up_are_those_of_the_steps_taken(schedule):
    """L = w falls by the rate; 3 epochs of 4 steps."""
    make = training.optimizer("sgd", 0.5, schedule, 12, warmup=0.5)
    rate, model, falls = make._learning_rate, Slope(), [0.0]
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: falls.append(-float(model.height)))
    fit(model, np.ones((12, 2), np.float32), epochs=3, optimizer=make, callbacks=[note])
    expected = [sum(float(rate(step)) for step in range(4 * epoch, 4 * epoch + 4)) for epoch in range(3)]
    assert np.diff(falls) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
def test_clip_norm_shortens_a_long_gradient_by_hand(images):
    """Its direction stays, over all weights together: Δ = -rate · clip · g / ||g||."""

    def change(clip_norm):
        model = AutoencoderModel(*networks.build((4,), 2, "dense", (), seed=1))
        before = model.get_weights()
        fit(model, images, batch_size=7, optimizer=training.optimizer("sgd", 0.5, "constant", 1, clip_norm=clip_norm))
        return np.concatenate([(a - b).ravel() for a, b in zip(model.get_weights(), before, strict=True)])

    free = change(None)
    norm = np.linalg.norm(free) / 0.5
    np.testing.assert_allclose(change(norm / 4), free / 4, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(change(norm * 4), free, rtol=1e-5, atol=1e-7)  # a short one is left alone


def test_clip_norm_bounds_a_step_of_a_known_gradient(images):
    gradient = 2 * 0.5 * np.square(images).sum(axis=1).mean()
    assert gradient > 0.25
    model = Scale(start=0.5)
    fit(model, images, batch_size=7, optimizer=training.optimizer("sgd", 0.1, "constant", 1, clip_norm=0.25))
    assert float(model.scale) == pytest.approx(0.5 + 0.1 * 0.25, rel=1e-6)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_learning_rate_may_be_a_whole_number(schedule):
    rate = training.optimizer("sgd", 1, schedule, steps=10)._learning_rate
    assert float(rate(0) if callable(rate) else rate) == 1.0


@pytest.mark.parametrize("name", ["adamm", "Dense", "CosineDecay", ""])
def test_unknown_optimizer_says_what_came_and_what_was_expected(name):
    with pytest.raises(ValueError, match=rf"expected optimizer .*'adam'.*got '{name}'"):
        training.optimizer(name, 0.5, "constant", steps=4)


# ------------------------------------------------------------------------------ output


@pytest.mark.slow
def test_silent_at_0(images, capfd):
    fit(Scale(), images, validation=images)
    capfd.readouterr()  # what libraries print when they are loaded is not meant
    fit(Scale(), images, validation=images)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_silent_at_0_however_many_models_are_fitted():
    """In a fresh process, where TensorFlow would warn of the fifth model that it traced its step again."""
    code = (
        "import sys\n"
        "from contextlib import redirect_stderr, redirect_stdout\n"
        "import numpy as np, ae_toolkit as ae\n"
        "ae.Autoencoder  # whatever a backend prints on import is not meant\n"
        "print('imported', flush=True); print('imported', file=sys.stderr, flush=True)\n"
        "for code_dim in range(1, 7):\n"
        "    ae.Autoencoder(code_dim, hidden_units=(), optimizer='sgd', epochs=1).fit(np.ones((9, 8)))\n"
    )
    path = str(Path(ae.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("imported\n")[1] == ""
    # TensorFlow's C++ side names itself once ("I0000 ... oneDNN"); that is not about the fits.
    said = [line for line in done.stderr.split("imported\n")[1].splitlines() if "port.cc" not in line]
    assert [line for line in said if "absl::InitializeLog" not in line] == []


def test_progress_bar_at_1(images, capsys):
    fit(Scale(), images, epochs=2, validation=images, verbose=1)
    shown = capsys.readouterr().out
    assert "Epoch 1/2" in shown
    assert "Epoch 2/2" in shown
    assert "━" in shown or "==" in shown
    assert "loss: " in shown
    assert "val_loss: " in shown


@pytest.mark.slow
def test_the_progress_bar_shows_the_loss_terms(capsys):
    pictures = np.random.default_rng(0).random((9, 4), dtype=np.float32)
    options = {"hidden_units": (), "epochs": 1, "verbose": 1, "random_state": 0}
    ae.VariationalAutoencoder(2, **options).fit(pictures, validation_data=pictures)
    shown = capsys.readouterr().out
    assert all(f"{name}: " in shown for name in ("loss", "reconstruction", "kl", "val_kl"))


def test_a_line_per_epoch_at_2(images, capsys):
    fit(Scale(), images, epochs=3, verbose=2)
    shown = capsys.readouterr().out
    assert "━" not in shown
    assert shown.count("loss: ") == 3


# -------------------------------------------------------------------------- in_batches


def test_in_batches_keeps_the_order_and_bounds_the_size():
    sizes = []

    def function(batch):
        sizes.append(len(batch))
        return ops.convert_to_tensor(batch) * 2

    array = np.arange(7, dtype=np.float32).reshape(7, 1)
    found = training.in_batches(function, array, batch_size=3)
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, array * 2)
    assert sizes == [3, 3, 3]


@pytest.mark.parametrize("n", [1, 31, 32, 33, 1024, 1025])
def test_in_batches_completes_a_small_batch_with_blank_images(n):
    seen = []

    def function(batch):
        seen.append(batch)
        return ops.convert_to_tensor(batch)

    array = np.ones((n, 2), np.float32)
    np.testing.assert_array_equal(training.in_batches(function, array), array)
    assert all(len(batch) % training.SMALLEST_BATCH == 0 for batch in seen)
    assert max(map(len, seen)) <= 1024
    np.testing.assert_array_equal(np.concatenate(seen)[n:], 0)
