"""Trainings that are killed at random moments and started again: do they end with the same weights?

Run as a program with a folder (or none), it is such a training: it prints a line when it
begins, one per epoch, and at the end a digest of its weights.
"""

import hashlib
import random
import subprocess
import sys
import tempfile
import time


def kill_and_resume(trials, epochs=150, kills=2, longest=2.5):
    """Return for each trial whether the weights were equal, bit for bit, to an undisturbed training's."""
    undisturbed = _finish(_start("", epochs))
    return [_trial(random.Random(trial), epochs, kills, longest) == undisturbed for trial in range(trials)]


def _trial(chance, epochs, kills, longest):
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(kills):
            process = _start(folder, epochs)
            process.stdout.readline()  # it has begun
            time.sleep(chance.uniform(0, longest))
            process.kill()
            process.communicate()
        return _finish(_start(folder, epochs))


def _start(folder, epochs):
    command = [sys.executable, __file__, folder, str(epochs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _finish(process):
    return process.communicate()[0].split()[-1]


def main(folder, epochs):
    """Train, with a checkpoint in `folder` unless that is empty."""
    import ae_toolkit as ae
    from ae_toolkit._keras import keras

    class Report(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            print("begin", flush=True)

        def on_epoch_end(self, epoch, logs=None):
            print(epoch, flush=True)

    data = ae.datasets.load("digits")
    autoencoder = ae.Autoencoder(
        code_dim=8, epochs=epochs, warmup=0.1, augmentation={"rotation": 10, "shift": 0.1}, random_state=3
    )
    stopping = keras.callbacks.EarlyStopping(patience=epochs, restore_best_weights=True)
    callbacks = [Report(), stopping]
    autoencoder.fit(data.x_train, validation_data=data.x_test, callbacks=callbacks, checkpoint_dir=folder or None)
    weights = b"".join(weight.tobytes() for weight in autoencoder.model_.get_weights())
    print(hashlib.sha256(weights).hexdigest(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
