"""What the tests of the package share."""

import os
import random
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


def take(way, monkeypatch):
    """Make trainings on arrays go one of the ways that they can go."""
    from ae_toolkit.training import plans
    from ae_toolkit.training.backend import backend

    if way != "Keras's own" and not backend.COMPILES_LOOPS:
        pytest.skip("on this backend Keras's own steps train")
    if way == "streamed":
        monkeypatch.setattr(plans, "RESIDENT_BYTES", 0)
    if way == "Keras's own":
        monkeypatch.setattr(plans, "choose", lambda model, stream, *_: plans.KerasPlan(model, stream))


@pytest.fixture(params=["resident", "streamed", "Keras's own"])
def either_way(request, monkeypatch):
    """Let the same test run along each way."""
    take(request.param, monkeypatch)
    return request.param


@pytest.fixture
def along():
    """Hand out a context manager in which trainings go one of the ways."""

    @contextmanager
    def along(way):
        with pytest.MonkeyPatch.context() as monkeypatch:
            take(way, monkeypatch)
            yield

    return along


@pytest.fixture
def ctrl_c():
    """Hand out what a user does who presses Ctrl-C in a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def python():
    """Hand out a function that starts Python on a text; its ``said`` waits and returns the output."""
    started = []

    def start(code, *arguments, backend=None, **environment):
        variables = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
        if backend is not None:
            variables["KERAS_BACKEND"] = backend
        output = tempfile.TemporaryFile("w+")  # not a pipe, which a process that nobody reads from would fill
        command = [sys.executable, "-c", code, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=variables)
        started.append((process, output))
        return len(started) - 1

    def said(number, timeout=120):
        process, output = started[number]
        process.wait(timeout)
        output.seek(0)
        text = output.read()
        assert process.returncode == 0, text[-4000:]
        return text

    def ended(number):
        return started[number][0].poll() is not None

    def kill(number):
        """Send SIGKILL; return whether the process was still running."""
        running = not ended(number)
        started[number][0].kill()
        started[number][0].wait()
        return running

    start.said, start.ended, start.kill = said, ended, kill
    yield start
    for process, output in started:
        if process.poll() is None:
            process.kill()
            process.wait()
        output.close()


@pytest.fixture
def global_random_state_kept():
    """Hand out a context manager that fails if its body reads, advances or reseeds a global generator."""
    from ae_toolkit._keras import keras

    def draws():
        legacy = np.random.random()  # noqa: NPY002  (the global generator is what is meant)
        found = [random.random(), legacy, float(keras.random.uniform(()))]
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            found.append(float(tf.random.uniform(())))
        return found

    def seed():
        keras.backend.clear_session()  # before Keras 3.11, its own global generator outlived a new seed
        keras.utils.set_random_seed(5)
        draws()

    @contextmanager
    def kept():
        seed()
        expected = draws()
        seed()
        yield
        assert draws() == expected

    return kept
