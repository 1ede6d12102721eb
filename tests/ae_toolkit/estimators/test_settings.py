"""What is left at "auto" follows the network and the images; what is set means exactly that."""

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

import ae_toolkit as ae
from ae_toolkit.networks.linear_path import TO_CODE

RANDOM = np.random.RandomState(0)
PICTURES = RANDOM.rand(30, 8, 8, 1).astype("float32")
DENSE = {
    "activation": "relu", "output_activation": "linear", "learning_rate": 2e-3, "warmup": 0.0, "linear_path": False,
    "in_unit_range": True,
}  # fmt: skip
PATCH = {**DENSE, "activation": "silu", "output_activation": "sigmoid", "learning_rate": 3e-3, "warmup": 0.1}


def settings(images=PICTURES, cls=ae.Autoencoder, **parameters):
    return cls(**{"code_dim": 2, "epochs": 1, "random_state": 0, **parameters}).fit(images).settings_


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {**DENSE, "linear_path": True}),
        ({"network": "dense"}, DENSE),
        ({"network": "conv"}, DENSE),
        ({"network": "patch"}, PATCH),
        ({"hidden_units": (8,)}, DENSE),
        ({"code_activation": "tanh"}, DENSE),
        ({"output_activation": "linear"}, DENSE),
        ({"output_activation": "sigmoid"}, {**DENSE, "output_activation": "sigmoid"}),
        ({"tied": True}, DENSE),
        ({"activation": "tanh"}, {**DENSE, "activation": "tanh", "linear_path": True}),
        ({"network": "patch", "activation": "relu", "warmup": 0.5}, {**PATCH, "activation": "relu", "warmup": 0.5}),
        ({"network": "patch", "schedule": "constant"}, {**PATCH, "warmup": 0.0}),
        ({"network": "patch", "output_activation": "linear"}, {**PATCH, "output_activation": "linear"}),
        ({"network": "dense", "linear_path": True, "learning_rate": 0.1},
         {**DENSE, "linear_path": True, "learning_rate": 0.1}),
        ({"linear_path": False}, DENSE),
    ],
)  # fmt: skip
def test_settings(parameters, expected):
    assert settings(**parameters) == expected


@pytest.mark.slow
def test_pixels_beyond_one_are_decoded_by_a_linear_layer():
    assert settings(2 * PICTURES, network="patch") == {**PATCH, "output_activation": "linear", "in_unit_range": False}
    assert settings(PICTURES - 0.1)["in_unit_range"] is False


@pytest.mark.slow
def test_a_likelihood_has_a_linear_output_of_its_own():
    assert settings(cls=ae.VariationalAutoencoder, network="patch")["output_activation"] == "linear"


@pytest.mark.slow
@pytest.mark.parametrize("cls", [ae.SparseAutoencoder, ae.ContractiveAutoencoder, ae.AdversarialAutoencoder])
def test_variants_without_a_linear_path(cls):
    assert settings(cls=cls)["linear_path"] is False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_images", "batch_size"), [(100, 16), (1437, 16), (4000, 32), (5000, 64), (20_000, 64)],
)  # fmt: skip
def test_batches_of_a_patch_network(n_images, batch_size):
    images = np.zeros((n_images, 4, 4, 1), np.float32)
    autoencoder = ae.Autoencoder(1, network="patch", hidden_units=(2,), epochs=1, random_state=0).fit(images)
    assert int(autoencoder.model_.optimizer.iterations) == -(-n_images // batch_size)


@pytest.mark.slow
def test_a_linear_path_beside_networks_of_your_own():
    own = dict(zip(("encoder", "decoder"), ae.networks.build((8, 8, 1), 2), strict=True))
    assert settings(**own)["linear_path"] is False
    with pytest.raises(ValueError, match="expected no linear_path=True with an encoder and a decoder of your own"):
        settings(**own, linear_path=True)


@pytest.mark.parametrize("wrong", [{"linear_path": "yes"}, {"learning_rate": "fast"}, {"warmup": "long"}])
def test_other_texts_than_auto(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        settings(**wrong)


@pytest.mark.slow
@pytest.mark.parametrize("code_dim", [2, 10, 32])
def test_the_default_does_not_lose_to_pca(code_dim):
    data = ae.datasets.load("digits")
    train, test = (images.reshape(len(images), -1) for images in (data.x_train, data.x_test))
    pca = PCA(code_dim).fit(train)
    by_pca = ae.metrics.reconstruction_error(test, pca.inverse_transform(pca.transform(test)))
    autoencoder = ae.Autoencoder(code_dim, epochs=3, random_state=0).fit(data.x_train)
    assert -autoencoder.score(data.x_test) <= 1.02 * by_pca


@pytest.mark.slow
def test_a_warm_start_keeps_to_the_first_range_of_pixels():
    autoencoder = ae.Autoencoder(2, epochs=1, random_state=0, warm_start=True).fit(PICTURES)
    path = autoencoder.model_.encoder.get_layer(TO_CODE).get_weights()[0]
    autoencoder.fit(2 * PICTURES)
    assert autoencoder.settings_["in_unit_range"] is True
    np.testing.assert_array_equal(autoencoder.model_.encoder.get_layer(TO_CODE).get_weights()[0], path)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return PICTURES[6 * index : 6 * index + 6]


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data")
@pytest.mark.parametrize("kind", ["finite", "endless", "PyDataset"])
def test_a_stream_has_the_array_s_linear_path_and_misses_no_batch(kind):
    import tensorflow as tf

    finite = tf.data.Dataset.from_tensor_slices(PICTURES).batch(6)
    source = {"finite": finite, "endless": finite.repeat(), "PyDataset": Batches()}[kind]
    stream = ae.data.streams.open_stream(source, 6, 0, 5)
    np.testing.assert_array_equal(stream.look(10**6), PICTURES)
    assert stream.look(8 * 8 * 8).shape == (8, 8, 8, 1)
    np.testing.assert_array_equal(np.concatenate(list(stream.epoch(0))), PICTURES)
    streamed = ae.Autoencoder(2, epochs=1, random_state=0).fit(source, steps_per_epoch=5)
    held = ae.Autoencoder(2, epochs=1, random_state=0).fit(PICTURES)
    paths = [model.model_.encoder.get_layer(TO_CODE).get_weights()[0] for model in (streamed, held)]
    np.testing.assert_array_equal(*paths)
