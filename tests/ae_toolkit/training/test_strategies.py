"""Several devices and machines: real processes on the loopback interface give a single process's losses and weights.

A backend is initialised once in a process, with its number of devices and its place in the
cluster, so every training here is a process of its own.
"""

import json
import socket

import numpy as np
import pytest

import ae_toolkit as ae
from ae_toolkit import training
from ae_toolkit.training.backend import backend

PROGRAM = """
import json, sys
import numpy as np
way, rank, ports, batch_size = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4])
strategy = None
if way == "mirrored":
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
if way == "workers":
    import os
    addresses = [f"127.0.0.1:{port}" for port in ports]
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}})
    import tensorflow as tf
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
if way in ("data parallel", "processes"):
    import keras
    if way == "processes":
        keras.distribution.initialize(f"127.0.0.1:{ports[0]}", 2, rank)
    mesh = keras.distribution.DeviceMesh((2,), ["batch"], keras.distribution.list_devices())
    strategy = keras.distribution.DataParallel(mesh, auto_shard_dataset=False)
import ae_toolkit as ae
images = np.random.default_rng(0).random((21, 4, 4, 1), dtype=np.float32)
options = {"code_dim": 3, "hidden_units": (8,), "epochs": 3, "batch_size": batch_size, "random_state": 0}
if sys.argv[5] == "target":
    autoencoder = ae.DenoisingAutoencoder(corruption_level=0.0, target=ae.Deskew(), **options)
else:
    autoencoder = ae.Autoencoder(**options)
autoencoder.fit(images, validation_data=images[:5], strategy=strategy)
weights = [weight.tolist() for weight in autoencoder.model_.get_weights()]
print(json.dumps({"history": autoencoder.history_, "weights": weights, "score": autoencoder.score(images)}))
"""

TWO_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}


def run(python, way, backend, processes=1, batch_size=5, kind="plain", **environment):
    """Train in so many processes and return what each found."""
    ports = json.dumps(free_ports(2))
    started = [
        python(PROGRAM, way, rank, ports, batch_size, kind, backend=backend, **environment) for rank in range(processes)
    ]
    return [json.loads(python.said(number).splitlines()[-1]) for number in started]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def assert_equal(found, alone):
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(found["history"][name], alone["history"][name], rtol=1e-4)
    for a, b in zip(found["weights"], alone["weights"], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert found["score"] == pytest.approx(alone["score"], rel=1e-4)


# 21 images in batches of 5: two replicas divide them unequally, and the last batch is one image.
@pytest.mark.slow
def test_tensorflow(python):
    pytest.importorskip("tensorflow")
    (alone,) = run(python, "alone", "tensorflow")
    (mirrored,) = run(python, "mirrored", "tensorflow")
    assert_equal(mirrored, alone)
    workers = run(python, "workers", "tensorflow", processes=2)
    for worker in workers:
        assert_equal(worker, alone)


@pytest.mark.slow
def test_jax(python):
    pytest.importorskip("jax")
    (alone,) = run(python, "alone", "jax")
    (devices,) = run(python, "data parallel", "jax", **TWO_DEVICES)
    assert_equal(devices, alone)
    for process in run(python, "processes", "jax", processes=2):
        assert_equal(process, alone)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "name", "environment"), [("mirrored", "tensorflow", {}), ("data parallel", "jax", TWO_DEVICES)]
)
def test_targets_are_divided_with_their_images(python, way, name, environment):
    pytest.importorskip(name)
    (alone,) = run(python, "alone", name, kind="target")
    (devices,) = run(python, way, name, kind="target", **environment)
    assert_equal(devices, alone)


# ------------------------------------------------------------------- bad strategies


@pytest.fixture
def images():
    return np.random.default_rng(0).random((9, 4, 4, 1), dtype=np.float32)


def test_something_that_is_no_strategy(images):
    with pytest.raises(TypeError, match=r"expected strategy to be .* got str"):
        ae.Autoencoder(code_dim=2, epochs=1).fit(images, strategy="mirrored")


@pytest.mark.skipif(backend.NAME != "tensorflow", reason="TensorFlow's strategies")
def test_devices_that_are_not_here(images):
    import tensorflow as tf

    with pytest.raises(ValueError, match=r"this machine's devices .*CPU:0.*got one with .*GPU:7"):
        ae.Autoencoder(code_dim=2, epochs=1).fit(images, strategy=tf.distribute.OneDeviceStrategy("GPU:7"))


@pytest.mark.slow
def test_several_processes_need_one_seed(images, monkeypatch):
    monkeypatch.setattr(backend, "n_processes", lambda strategy: 2)
    with pytest.raises(ValueError, match=r"same in every process.*got None and 2 processes"):
        ae.Autoencoder(code_dim=2, epochs=1, random_state=None).fit(images)
    ae.Autoencoder(code_dim=2, epochs=1, random_state=0).fit(images)


def test_without_a_strategy_nothing_is_entered():
    with training.scope(None) as entered:
        assert entered is None
