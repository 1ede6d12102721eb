"""The linear path is PCA, stays PCA in training, and is not in the way of what cannot be analysed."""

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

import ae_toolkit as ae
from ae_toolkit import networks
from ae_toolkit.networks.linear_path import TO_CODE, TO_IMAGE, begin_at_pca

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.rand(40, 4, 5, 1).astype("float32")


def begun(images, code_dim=3, network="dense", clip=False, **options):
    encoder, decoder = networks.build(images.shape[1:], code_dim, network, linear_path=True, clip=clip, **options)
    begin_at_pca(encoder, decoder, images)
    return encoder, decoder


def as_array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("network", ["dense", "conv", "patch"])
@pytest.mark.parametrize("shape", [(4, 5, 1), (4, 5), (4, 5, 3), (20,)])
def test_it_begins_as_pca(shape, network):
    if network != "dense" and len(shape) == 1:
        pytest.skip("flat images are for dense networks")
    flat = RANDOM.rand(40, 3) * [9, 4, 1] @ RANDOM.rand(3, np.prod(shape)) + 0.1 * RANDOM.rand(40, np.prod(shape))
    images = flat.reshape(40, *shape).astype("float32")
    encoder, decoder = begun(images, network=network)
    pca = PCA(3).fit(flat)
    codes = as_array(encoder(images))
    np.testing.assert_allclose(np.abs(codes), np.abs(pca.transform(flat)), atol=1e-3)
    expected = pca.inverse_transform(pca.transform(flat)).reshape(images.shape)
    np.testing.assert_allclose(as_array(decoder(codes)), expected, atol=1e-3)


@pytest.mark.slow
def test_training_leaves_it_as_it_is():
    autoencoder = ae.Autoencoder(3, epochs=3, random_state=0).fit(IMAGES)
    encoder, decoder = begun(IMAGES)
    for trained, name in ((autoencoder.model_.encoder, TO_CODE), (autoencoder.model_.decoder, TO_IMAGE)):
        fresh = (encoder if name == TO_CODE else decoder).get_layer(name)
        for now, before in zip(trained.get_layer(name).get_weights(), fresh.get_weights(), strict=True):
            np.testing.assert_array_equal(now, before)
    beside = next(layer for layer in autoencoder.model_.decoder.layers if isinstance(layer, keras.Model))
    assert (
        np.abs([layer for layer in beside.layers if layer.weights][-1].get_weights()[0]).max() > 0
    )  # and that learned


def test_pixels_are_cut_off_outside_of_training_only():
    images = (IMAGES > 0.7).astype("float32")
    _, decoder = begun(images, clip=True)
    codes = 10 * RANDOM.rand(6, 3).astype("float32")
    seen, trained = as_array(decoder(codes)), as_array(decoder(codes, training=True))
    assert trained.min() < 0
    assert trained.max() > 1
    np.testing.assert_array_equal(seen, trained.clip(0, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "images",
    [IMAGES[:1], np.repeat(IMAGES[:1], 5, axis=0), np.zeros_like(IMAGES), IMAGES[:2], 1e30 * IMAGES],
    ids=["one", "equal", "zero", "two", "huge"],
)
def test_images_without_three_directions(images):
    encoder, decoder = begun(images)
    reconstructed = as_array(decoder(encoder(images)))
    assert np.isfinite(reconstructed).all()
    if len(images) <= 2 or images.std(axis=0).max() == 0:
        np.testing.assert_allclose(reconstructed, images, atol=1e-4)


def test_numbers_that_are_left_over_stay_at_zero():
    encoder, _ = begun(IMAGES[:3], code_dim=6)
    codes = as_array(encoder(IMAGES[:3]))
    assert np.abs(codes[:, :2]).min() > 0
    np.testing.assert_array_equal(codes[:, 2:], 0)


def test_pixels_that_are_not_finite_are_left_to_the_training():
    broken = IMAGES.copy()
    broken[3, 0, 0, 0] = np.nan
    encoder, _ = begun(broken)
    expected, _ = begun(np.delete(broken, 3, axis=0))
    np.testing.assert_array_equal(
        encoder.get_layer(TO_CODE).get_weights()[0], expected.get_layer(TO_CODE).get_weights()[0]
    )
    encoder, decoder = begun(np.full_like(IMAGES, np.nan))
    np.testing.assert_array_equal(as_array(decoder(encoder(IMAGES))), 0)


@pytest.mark.parametrize(
    "options",
    [{"output_activation": "sigmoid"}, {"code_activation": "relu"}, {"tied": True}, {"n_statistics": 2}],
    ids=lambda options: next(iter(options)),
)
def test_what_does_not_go_with_it(options):
    with pytest.raises(ValueError, match="expected a linear code, a linear output and untied weights") as caught:
        networks.build((4, 5, 1), 3, linear_path=True, **options)
    assert str(next(iter(options))) in str(caught.value)
