"""Checkpoints: a training that was stopped ends as if it had not been, and a bad folder is told from a good one."""

import errno
import json
import os
import random
import sys
import time
import warnings

import numpy as np
import pytest

import ae_toolkit as ae
from ae_toolkit._keras import keras
from ae_toolkit.training import checkpoints

IMAGES = np.random.default_rng(0).random((23, 6, 5, 1), dtype=np.float32)


class DiesError(Exception):
    """Stands for whatever ends a process in the middle."""


class Die(keras.callbacks.Callback):
    """Ends the training while an epoch, counted from 0, is trained."""

    def __init__(self, epoch):
        super().__init__()
        self.fatal = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.fatal:
            raise DiesError


def small(**parameters):
    return ae.Autoencoder(**{"code_dim": 3, "hidden_units": (7,), "epochs": 6, "batch_size": 5, "warmup": 0.2,
                             "random_state": 1, **parameters})  # fmt: skip


def killed(folder, epoch=3, images=IMAGES, **parameters):
    """Train and die; what remains is the folder."""
    with pytest.raises(DiesError):
        small(**parameters).fit(images, callbacks=[Die(epoch)], checkpoint_dir=folder)
    return folder


def assert_same(one, other):
    assert one.history_ == other.history_
    for a, b in zip(one.model_.get_weights(), other.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def description(folder):
    with np.load(folder / checkpoints.NAME, allow_pickle=False) as file:
        return json.loads(str(file["description"]))


def rewrite(folder, **changes):
    """Change arrays of a checkpoint; a change to None leaves the array out."""
    with np.load(folder / checkpoints.NAME, allow_pickle=False) as file:
        arrays = {**dict(file.items()), **changes}
    np.savez(folder / checkpoints.NAME, **{name: value for name, value in arrays.items() if value is not None})


# ---------------------------------------------------------------------- it goes on


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("epoch", [0, 1, 5])
def test_a_stopped_training_ends_like_an_undisturbed_one(tmp_path, epoch):
    killed(tmp_path / "run", epoch)
    resumed = small().fit(IMAGES, checkpoint_dir=tmp_path / "run")
    assert_same(resumed, small().fit(IMAGES))
    assert len(resumed.history_["loss"]) == 6


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters",
    [
        {"optimizer": "sgd", "schedule": "constant"},
        {"augmentation": {"rotation": 10, "shift": 0.1}},
        {"network": "conv", "hidden_units": (3,)},
        {"precision": "bfloat16"},
        {"clip_norm": 1.0, "optimizer": "adamw"},
    ],
    ids=str,
)
def test_so_does_every_kind_of_training(tmp_path, parameters):
    killed(tmp_path, 2, **parameters)
    assert_same(small(**parameters).fit(IMAGES, checkpoint_dir=tmp_path), small(**parameters).fit(IMAGES))


@pytest.mark.slow
def test_a_training_may_be_stopped_often(tmp_path):
    for epoch in (1, 1, 2, 4, 5):
        killed(tmp_path, epoch)
    assert_same(small().fit(IMAGES, checkpoint_dir=tmp_path), small().fit(IMAGES))


@pytest.mark.slow
def test_only_the_missing_epochs_are_trained(tmp_path):
    killed(tmp_path, 4)
    seen = []
    small().fit(
        IMAGES,
        checkpoint_dir=tmp_path,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))],
    )
    assert seen == [4, 5]


@pytest.mark.slow
def test_random_layers_go_on_drawing_where_they_were(tmp_path):
    class Noisy(ae.Autoencoder):
        def _build_model(self, seed):
            model = super()._build_model(seed)
            model.encoder = keras.Sequential(
                [keras.Input((6, 5, 1)), keras.layers.Dropout(0.5, seed=seed), model.encoder]
            )
            return model

    def noisy():
        return Noisy(**small().get_params())

    with pytest.raises(DiesError):
        noisy().fit(IMAGES, callbacks=[Die(3)], checkpoint_dir=tmp_path)
    assert_same(noisy().fit(IMAGES, checkpoint_dir=tmp_path), noisy().fit(IMAGES))


@pytest.mark.slow
def test_without_a_seed_the_order_goes_on(tmp_path):
    killed(tmp_path, 3, random_state=None)
    seed = description(tmp_path)["seed"]
    assert isinstance(seed, int)
    resumed = small(random_state=None).fit(IMAGES, checkpoint_dir=tmp_path)
    assert len(resumed.history_["loss"]) == 6
    assert description(tmp_path)["seed"] == seed


@pytest.mark.slow
def test_val_loss_goes_on(tmp_path):
    with pytest.raises(DiesError):
        small().fit(IMAGES, validation_data=IMAGES[:4], callbacks=[Die(3)], checkpoint_dir=tmp_path)
    resumed = small().fit(IMAGES, validation_data=IMAGES[:4], checkpoint_dir=tmp_path)
    assert_same(resumed, small().fit(IMAGES, validation_data=IMAGES[:4]))
    assert len(resumed.history_["val_loss"]) == 6


@pytest.mark.slow
def test_early_stopping_keeps_its_patience_and_best_weights(tmp_path):
    """The best epoch lies before the kill: only a saved callback can give its weights back."""

    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.set_weights([weight + 1 for weight in self.model.get_weights()])

    def run(*deaths, folder=None):
        stopping = keras.callbacks.EarlyStopping(monitor="loss", patience=3, restore_best_weights=True)
        callbacks = [stopping, Spoil(), *map(Die, deaths)]
        return small(epochs=20, learning_rate=1e-6).fit(IMAGES, callbacks=callbacks, checkpoint_dir=folder)

    undisturbed = run()
    assert len(undisturbed.history_["loss"]) == 5
    with pytest.raises(DiesError):
        run(4, folder=tmp_path)
    assert_same(run(folder=tmp_path), undisturbed)


@pytest.mark.slow
def test_a_setting_of_a_callback_is_the_user_s(tmp_path):
    """Progress is given back; a patience that was changed in between stays changed."""

    def stopping(patience):
        return keras.callbacks.EarlyStopping(monitor="loss", min_delta=1e9, patience=patience)

    with pytest.raises(DiesError):
        small().fit(IMAGES, callbacks=[stopping(4), Die(2)], checkpoint_dir=tmp_path)
    resumed = small().fit(IMAGES, callbacks=[stopping(2)], checkpoint_dir=tmp_path)
    assert len(resumed.history_["loss"]) == 3  # the first is the best, and two more have been waited for


@pytest.mark.slow
def test_a_rate_that_was_reduced_stays_reduced(tmp_path):
    def run(*deaths, folder=None):
        reduce = keras.callbacks.ReduceLROnPlateau(monitor="loss", min_delta=1e9, patience=2, factor=0.5)
        callbacks = [reduce, *map(Die, deaths)]
        return small(schedule="constant", warmup=0.0).fit(IMAGES, callbacks=callbacks, checkpoint_dir=folder)

    with pytest.raises(DiesError):
        run(4, folder=tmp_path)
    resumed, undisturbed = run(folder=tmp_path), run()
    assert_same(resumed, undisturbed)
    assert len(set(undisturbed.history_["learning_rate"])) > 2


@pytest.mark.slow
def test_a_finished_training_is_not_trained_again(tmp_path):
    first = small().fit(IMAGES, checkpoint_dir=tmp_path)
    written = (tmp_path / checkpoints.NAME).stat().st_mtime_ns
    again = small().fit(IMAGES, checkpoint_dir=tmp_path)
    assert_same(again, first)
    assert (tmp_path / checkpoints.NAME).stat().st_mtime_ns == written
    np.testing.assert_array_equal(again.transform(IMAGES), first.transform(IMAGES))


@pytest.mark.slow
def test_a_stream_goes_on(tmp_path):
    class Batches(keras.utils.PyDataset):
        def __init__(self):
            super().__init__()

        def __len__(self):
            return 4

        def __getitem__(self, index):
            return IMAGES[5 * index : 5 * index + 5]

    with pytest.raises(DiesError):
        small().fit(Batches(), callbacks=[Die(3)], checkpoint_dir=tmp_path)
    assert_same(small().fit(Batches(), checkpoint_dir=tmp_path), small().fit(Batches()))


@pytest.mark.slow
def test_ctrl_c_leaves_a_checkpoint_to_go_on_from(tmp_path, ctrl_c):
    press = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epoch == 2 and ctrl_c())
    with pytest.warns(UserWarning, match="after epoch 3 of 6"):
        small().fit(IMAGES, callbacks=[press], checkpoint_dir=tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        resumed = small().fit(IMAGES, checkpoint_dir=tmp_path)
    assert_same(resumed, small().fit(IMAGES))


@pytest.mark.slow
def test_a_loss_that_is_not_finite_leaves_the_last_good_checkpoint(tmp_path):
    class Ruin(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                self.model.set_weights([weight * np.nan for weight in self.model.get_weights()])

    with pytest.raises(FloatingPointError, match="epoch 4"):
        small().fit(IMAGES, callbacks=[Ruin()], checkpoint_dir=tmp_path)
    assert description(tmp_path)["epochs_done"] == 3
    resumed = small().fit(IMAGES, checkpoint_dir=tmp_path)
    np.testing.assert_array_equal(resumed.model_.get_weights()[0], small().fit(IMAGES).model_.get_weights()[0])


# -------------------------------------------------------------- killed, for real

PROGRAM = """
import sys
import numpy as np
import ae_toolkit as ae
images = np.random.default_rng(0).random((200, 8, 8, 1), dtype=np.float32)
print("begin", flush=True)
a = ae.Autoencoder(8, hidden_units=(300,), epochs=int(sys.argv[2]), batch_size=20, random_state=0)
a.fit(images, checkpoint_dir=sys.argv[1] or None)
print("digest", hash(b"".join(w.tobytes() for w in a.model_.get_weights())))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_at_random_moments_the_weights_are_the_same_to_the_last_bit(tmp_path, python):
    """Writing is a large part of such short epochs, so that some of the kills fall into a write."""
    epochs, chance, rounds = 150, random.Random(0), 0
    undisturbed = python(PROGRAM, "", epochs, PYTHONHASHSEED="0")
    folder = tmp_path / "run"
    for _ in range(3):
        number = python(PROGRAM, folder, epochs, PYTHONHASHSEED="0")
        wait_for(folder / checkpoints.NAME, python, number)
        time.sleep(chance.uniform(0.0, 0.3))
        rounds += python.kill(number)
    assert rounds >= 1
    assert description(folder)["epochs_done"] < epochs
    resumed = python(PROGRAM, folder, epochs, PYTHONHASHSEED="0")
    assert python.said(resumed).split()[-1] == python.said(undisturbed).split()[-1]
    assert [path.name for path in folder.iterdir()] == [checkpoints.NAME]


def wait_for(path, python, number):
    """Wait until the running process has written the file itself."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    for _ in range(6000):
        if (path.exists() and path.stat().st_mtime_ns != before) or python.ended(number):
            return
        time.sleep(0.01)
    raise AssertionError("no checkpoint within a minute")


# ------------------------------------------------------------- another training


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "images", "words"),
    [
        ({"code_dim": 4}, IMAGES, "units: 3 there, 4 here"),
        ({"hidden_units": (8,)}, IMAGES, "units: 7 there, 8 here"),
        ({"activation": "tanh"}, IMAGES, "activation: 'relu' there, 'tanh' here"),
        ({"epochs": 7}, IMAGES, "epochs: 6 there, 7 here"),
        ({"batch_size": 6}, IMAGES, "batch_size: 5 there, 6 here"),
        ({"random_state": 2}, IMAGES, "random_state"),
        ({"learning_rate": 0.1}, IMAGES, "rate"),
        ({"optimizer": "sgd"}, IMAGES, "optimizer"),
        ({"precision": "bfloat16"}, IMAGES, "bfloat16"),
        ({"augmentation": {"shift": 0.1}}, IMAGES, "augmentation"),
        ({}, IMAGES[:20], "23 there, 20 here"),
        ({}, IMAGES.reshape(23, 5, 6, 1), "there, "),
        ({}, IMAGES[::-1].copy(), "images"),
    ],
)
def test_a_checkpoint_of_another_training_says_what_differs(tmp_path, parameters, images, words):
    killed(tmp_path, 2)
    before = (tmp_path / checkpoints.NAME).read_bytes()
    with pytest.raises(ValueError, match="holds another training") as caught:
        small(**parameters).fit(images, checkpoint_dir=tmp_path)
    assert words in str(caught.value)
    assert "Choose another folder" in str(caught.value)
    assert (tmp_path / checkpoints.NAME).read_bytes() == before


# ------------------------------------------------------------- folders and files


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"expected checkpoint_dir to be a folder that can be written, got .*file"):
        small().fit(IMAGES, checkpoint_dir=tmp_path / "file")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="expected checkpoint_dir to be a folder that can be written"):
            small().fit(IMAGES, checkpoint_dir=tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_read_only_file_system(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(checkpoints.tempfile, "NamedTemporaryFile", refuse)
    with pytest.raises(OSError, match=r"folder that can be written, got .*Read-only file system"):
        small().fit(IMAGES, checkpoint_dir=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [0, 2])
def test_a_full_disk_keeps_the_checkpoint_before(tmp_path, monkeypatch, epoch):
    real, calls = np.savez, []

    def savez(file, **arrays):
        calls.append(1)
        if len(calls) > epoch:
            file.write(b"PK half of a file")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, **arrays)

    monkeypatch.setattr(checkpoints.np, "savez", savez)
    with pytest.raises(OSError, match=rf"after epoch {epoch + 1} could not be written to .*No space left on device"):
        small().fit(IMAGES, checkpoint_dir=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [checkpoints.NAME][: 1 if epoch else 0]
    monkeypatch.undo()
    assert_same(small().fit(IMAGES, checkpoint_dir=tmp_path), small().fit(IMAGES))


@pytest.mark.slow
def test_what_a_killed_write_left_is_removed(tmp_path):
    left = tmp_path / f".{checkpoints.NAME}.abc"
    left.write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("the user's own")
    small(epochs=1).fit(IMAGES, checkpoint_dir=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [checkpoints.NAME, "notes.txt"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half of a file", b"text"])
def test_a_file_that_is_no_checkpoint(tmp_path, content):
    (tmp_path / checkpoints.NAME).write_bytes(content)
    with pytest.raises(ValueError, match=r"expected a checkpoint in .*checkpoint\.npz, but it cannot be read"):
        small().fit(IMAGES, checkpoint_dir=tmp_path)
    assert (tmp_path / checkpoints.NAME).read_bytes() == content


def test_a_checkpoint_of_a_newer_format(tmp_path):
    killed(tmp_path, 2)
    saved = {**description(tmp_path), "format": 99}
    rewrite(tmp_path, description=np.array(json.dumps(saved)))
    with pytest.raises(ValueError, match=r"expected a checkpoint of format 1 in .*, got format 99"):
        small().fit(IMAGES, checkpoint_dir=tmp_path)


def test_nothing_in_a_checkpoint_is_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    killed(tmp_path, 2)
    rewrite(tmp_path, **{"weights/0": np.array([Bomb()], dtype=object)})
    with pytest.raises(ValueError, match="cannot be read"):
        small().fit(IMAGES, checkpoint_dir=tmp_path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("change", [{"weights/0": None}, {"weights/0": np.zeros((2, 2), np.float32)}])
def test_a_checkpoint_with_a_missing_or_misshapen_array(tmp_path, change):
    killed(tmp_path, 2)
    rewrite(tmp_path, **change)
    with pytest.raises(ValueError, match=r"expected .*weights/0.* in .*checkpoint\.npz"):
        small().fit(IMAGES, checkpoint_dir=tmp_path)
