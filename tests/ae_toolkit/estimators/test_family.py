"""What all estimators have in common: scikit-learn's own checks, shapes, seeds, warm starts and parameters."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import ae_toolkit as ae
from ae_toolkit._keras import keras

QUICK = {"code_dim": 2, "hidden_units": (4,), "epochs": 1, "optimizer": "sgd", "learning_rate": 1e-3,
         "batch_size": 256, "random_state": 0}  # fmt: skip
VARIANTS = {
    "Autoencoder": {},
    "DenoisingAutoencoder": {},
    "SparseAutoencoder": {},
    "ContractiveAutoencoder": {},
    "VariationalAutoencoder": {},
    "AdversarialAutoencoder": {"discriminator_units": (3,)},
}
SHAPES = {"pictures": (6, 5, 1), "colour": (6, 5, 3), "grey": (6, 5), "flat": (30,)}


def variant(name, **options):
    return getattr(ae, name)(**{**QUICK, **VARIANTS.get(name, {}), **options})


def pictures(shape=(6, 5, 1), n=20, seed=0):
    return np.random.default_rng(seed).random((n, *shape), dtype=np.float32)


# `make test FAST=1` has the plain one and the one that draws random codes; the others share most of their code.
every_variant = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ("Autoencoder", "VariationalAutoencoder") else [pytest.mark.slow])
        for name in VARIANTS
    ],
)

# ------------------------------------------------------------- scikit-learn's own checks

# The one list of what cannot hold, and why.
CANNOT_HOLD = {
    "check_sample_weight_equivalence_on_dense_data": (
        "asks for equal results, to nine digits, of an image with weight 2 and of two images. Training is in float32, "
        "and the random parts of a step (orders, noise, drawn codes) depend on the number of images. Tested to the "
        "precision of float32 in test_a_weight_is_a_number_of_copies."
    )
}
# What cannot hold of a classifier beside it.
CANNOT_HOLD_OF_CLASSIFIERS = {
    "check_classifiers_classes": (
        "has a class with the label -1, which says here that an image has no label; scikit-learn exempts its own "
        "semi-supervised classifiers from this check by their names."
    )
}


def cannot_hold(estimator):
    """Return the checks that this estimator cannot pass, each with the reason."""
    return CANNOT_HOLD | (CANNOT_HOLD_OF_CLASSIFIERS if is_classifier(estimator) else {})


# Not strict, because some estimators are exact enough on some machines.
CHECKED = {"expected_failed_checks": cannot_hold, "xfail_strict": False}


@pytest.mark.slow
@parametrize_with_checks([variant("Autoencoder")], **CHECKED)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow  # sixty checks for each
@parametrize_with_checks(
    [
        *(variant(name) for name in VARIANTS if name != "Autoencoder"),
        ae.ReconstructionDetector(variant("Autoencoder")),
        ae.MixtureSampler(variant("Autoencoder"), n_components=1),
        ae.ManifoldClustering(2, transformer=variant("Autoencoder"), umap_epochs=30),
        ae.DeepEmbeddedClustering(2, autoencoder=variant("Autoencoder"), epochs=1, schedule="constant", random_state=0),
        ae.AutoencoderClassifier(
            variant("Autoencoder"), learning_rate=0.03, epochs=60, schedule="constant", random_state=0
        ),
    ],
    **CHECKED,
)
def test_scikit_learn_of_the_others(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Autoencoder", "SparseAutoencoder", "ContractiveAutoencoder"])
def test_a_weight_is_a_number_of_copies(name):
    """In one batch per epoch, and where no random numbers are drawn, which depend on the number of images."""
    images = pictures(n=6)
    weights = np.array([1, 2, 3, 1, 0, 2])
    options = {"epochs": 3, "hidden_units": (), "learning_rate": 1e-2}
    if name == "SparseAutoencoder":
        options["penalty"] = "l1"
    weighted = variant(name, **options).fit(images, sample_weight=weights)
    repeated = variant(name, **options).fit(np.repeat(images, weights, axis=0))
    np.testing.assert_allclose(weighted.transform(images), repeated.transform(images), rtol=1e-4, atol=1e-5)
    plain = variant(name, **options).fit(images)
    assert np.abs(weighted.transform(images) - plain.transform(images)).max() > 1e-4


@pytest.mark.slow
@pytest.mark.usefixtures("either_way")
def test_weights_are_shuffled_with_their_images():
    """Only one image counts, and it is white: whatever the order and the batches, that is what is learnt."""
    images = np.concatenate([np.zeros((9, 4), np.float32), np.ones((1, 4), np.float32)])
    options = {
        "code_dim": 1,
        "hidden_units": (),
        "batch_size": 3,
        "epochs": 60,
        "optimizer": "adam",
        "learning_rate": 0.05,
    }
    weights = np.eye(10)[9]
    found = variant("Autoencoder", **options).fit(images, sample_weight=weights)
    np.testing.assert_allclose(found.reconstruct(images[9:]), images[9:], atol=0.05)


@pytest.mark.parametrize(
    ("weights", "words"),
    [([1.0], "shape"), (np.zeros(20), "at least one non-zero number"), (-np.ones(20), "[Nn]egative"),
     (np.full(20, np.nan), "NaN")],
)  # fmt: skip
def test_weights_that_are_none(weights, words):
    with pytest.raises(ValueError, match=words):
        variant("Autoencoder").fit(pictures(), sample_weight=weights)


# --------------------------------------------------------------------- shapes and values


@pytest.mark.slow
@every_variant
@pytest.mark.parametrize("kind", SHAPES)
def test_images_of_any_form_come_back_in_it(name, kind):
    images = pictures(SHAPES[kind])
    fitted = variant(name).fit(images)
    codes = fitted.transform(images)
    assert (codes.shape, codes.dtype) == ((20, 2), np.float32)
    for found in (fitted.reconstruct(images), fitted.inverse_transform(codes)):
        assert (found.shape, found.dtype) == (images.shape, np.float32)
    assert fitted.n_features_in_ == np.prod(SHAPES[kind])
    assert list(fitted.get_feature_names_out()) == [f"{name.lower()}{i}" for i in range(2)]


@pytest.mark.slow
@every_variant
@pytest.mark.parametrize("network", ["conv", "patch"])
def test_networks_for_pictures_take_grey_ones_without_a_channel_axis(name, network):
    images = pictures((9, 7), n=6)
    options = {"network": network, "hidden_units": (3,)}
    grey, with_axis = (variant(name, **options).fit(x) for x in (images, images[..., None]))
    assert grey.reconstruct(images).shape == (6, 9, 7)
    np.testing.assert_allclose(grey.transform(images), with_axis.transform(images[..., None]), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@every_variant
def test_one_image_is_enough(name):
    assert variant(name).fit(pictures(n=1)).transform(pictures(n=1)).shape == (1, 2)


@pytest.mark.slow
@every_variant
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_images(name, value):
    images = np.full((5, 6, 5, 1), value, np.float32)
    fitted = variant(name, epochs=2).fit(images)
    assert np.isfinite(fitted.reconstruct(images)).all()
    assert np.isfinite(fitted.score(images))


# ----------------------------------------------------------------------------- random state


@pytest.mark.slow
@every_variant
def test_a_seed_decides_everything_and_nothing_else_is_touched(name, global_random_state_kept):
    images = pictures()
    with global_random_state_kept():
        first, again, other = (variant(name, random_state=seed, epochs=2).fit(images) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.transform(images), again.transform(images))
    assert first.history_ == again.history_
    assert not np.allclose(first.transform(images), other.transform(images))


@pytest.mark.slow
@every_variant
def test_random_parts_rest_in_inference(name):
    fitted, images = variant(name).fit(pictures()), pictures()
    np.testing.assert_array_equal(fitted.transform(images), fitted.transform(images))
    np.testing.assert_array_equal(fitted.reconstruct(images), fitted.reconstruct(images))
    np.testing.assert_allclose(
        fitted.reconstruct(images), fitted.inverse_transform(fitted.transform(images)), rtol=1e-5, atol=1e-6
    )


# ------------------------------------------------------------------------------- parameters


def test_an_unknown_parameter_is_refused():
    with pytest.raises(TypeError, match="colour"):
        ae.DenoisingAutoencoder(colour="red")


OUT_OF_RANGE = {
    "DenoisingAutoencoder": {"corruption": ["rain", 5], "corruption_level": [-1, "much"], "target": ["deskew", 5]},
    "SparseAutoencoder": {"penalty": ["l2"], "sparsity_weight": [-1], "target_activity": [0, 1, 2]},
    "ContractiveAutoencoder": {"contraction_weight": [-1, "a"], "n_projections": [0, 1.5]},
    "VariationalAutoencoder": {"likelihood": ["poisson"], "beta": [-1, "a"], "importance_samples": [0, 1.5],
                               "binarize": ["yes"], "n_levels": [0, 1.5]},
    "AdversarialAutoencoder": {"adversarial_weight": [-1], "discriminator_units": [(0,), 5]},
    "Autoencoder": {"tied": ["yes"], "warm_start": ["yes"], "encoder": ["dense"], "decoder": [5],
                    "code_activation": ["rulu", 5]},
}  # fmt: skip
CASES = [(n, p, v) for n, parameters in OUT_OF_RANGE.items() for p, values in parameters.items() for v in values]


@pytest.mark.parametrize(("name", "parameter", "value"), CASES)
def test_parameters_out_of_range(name, parameter, value):
    with pytest.raises(ValueError, match=rf"(?s){'hidden_units|' if 'units' in parameter else ''}{parameter}.*[Gg]ot "):
        variant(name, **{parameter: value}).fit(pictures())


@pytest.mark.parametrize("corruption", ["masking", "salt_and_pepper"])
def test_more_than_all_pixels_cannot_be_corrupted(corruption):
    with pytest.raises(ValueError, match=r"from 0 to 1.*got 1.5"):
        variant("DenoisingAutoencoder", corruption=corruption, corruption_level=1.5).fit(pictures())


@pytest.mark.slow
@every_variant
def test_clones_and_copies(name):
    images = pictures()
    fitted = variant(name).fit(images)
    assert not hasattr(clone(fitted), "model_")
    for twin in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(twin.transform(images), fitted.transform(images))
        assert twin.history_ == fitted.history_
        twin.fit(images)  # and is an estimator of its own
        np.testing.assert_array_equal(twin.transform(images), fitted.transform(images))


# ------------------------------------------------------------------------------ warm starts


@pytest.mark.slow
@every_variant
def test_a_warm_start_continues(name):
    images = pictures()
    warm = variant(name, warm_start=True, epochs=2).fit(images)
    before, first = warm.model_.get_weights(), dict(warm.history_)
    warm.fit(images)
    assert warm.history_["loss"][:2] == first["loss"]
    assert len(warm.history_["loss"]) == 4
    drift = [np.abs(a - b).max() for a, b in zip(before, warm.model_.get_weights(), strict=True)]
    cold = variant(name, random_state=5).fit(images)
    far = [np.abs(a - b).max() for a, b in zip(before, cold.model_.get_weights(), strict=True)]
    assert 0 < max(drift) < max(far)


@pytest.mark.slow
def test_a_cold_start_does_not():
    images = pictures()
    cold = variant("Autoencoder", epochs=2).fit(images)
    first = cold.transform(images)
    np.testing.assert_array_equal(cold.fit(images).transform(images), first)


@pytest.mark.slow
def test_a_warm_start_with_another_network_or_other_images():
    warm = variant("Autoencoder", warm_start=True).fit(pictures())
    with pytest.raises(ValueError, match="warm_start=True starts from its weights"):
        warm.set_params(hidden_units=(5,)).fit(pictures())
    warm.set_params(hidden_units=(4,))
    with pytest.raises(ValueError, match=r"of shape \(6, 5, 1\)"):
        warm.fit(pictures((5, 6, 1)))
    assert warm.transform(pictures()).shape == (20, 2)


# --------------------------------------------------------------------- networks of one's own


def own(n_statistics=1, code_dim=2):
    layers = keras.layers
    encoder = keras.Sequential(
        [keras.Input((6, 5, 1)), layers.Flatten(), layers.Dense(4), layers.Dense(code_dim * n_statistics)]
    )
    decoder = keras.Sequential([keras.Input((code_dim,)), layers.Dense(30), layers.Reshape((6, 5, 1))])
    return {"encoder": encoder, "decoder": decoder}


@pytest.mark.slow
@every_variant
def test_a_network_of_one_s_own_is_trained_as_a_copy(name):
    given, images = own(2 if name == "VariationalAutoencoder" else 1), pictures()
    before = given["encoder"].get_weights()
    fitted = variant(name, hidden_units=None, learning_rate=1e-9, **given).fit(images)
    for a, b, c in zip(before, given["encoder"].get_weights(), fitted.model_.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, atol=1e-5)  # where the training starts
    assert clone(fitted).fit(images).transform(images).shape == (20, 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decoder": None}, "expected both encoder and decoder"),
        ({"encoder": own(code_dim=3)["encoder"]}, r"encoder to turn shape \(6, 5, 1\) into \(2,\).*to \(3,\)"),
        ({"decoder": own(code_dim=3)["decoder"]}, r"decoder to turn shape \(2,\).*from \(3,\)"),
        ({"encoder": keras.Sequential([keras.layers.Dense(2)])}, "expected encoder to be built"),
    ],
)
def test_a_network_that_does_not_fit(change, words):
    with pytest.raises(ValueError, match=words):
        variant("Autoencoder", **{**own(), **change}).fit(pictures())


# ----------------------------------------------------------------------- unusual but allowed


@pytest.mark.slow
@every_variant
def test_a_code_larger_than_the_image_warns(name):
    with pytest.warns(UserWarning, match="need not compress"):
        variant(name, code_dim=31).fit(pictures())


shapes = st.one_of(
    st.tuples(st.integers(2, 40)),
    st.tuples(st.integers(1, 9), st.integers(2, 9)),
    st.tuples(st.integers(1, 9), st.integers(2, 9), st.integers(1, 4)),
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:code_dim=2 is more:UserWarning")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=shapes, n=st.integers(1, 5), dtype=st.sampled_from(["float16", "float32", "float64"]),
       name=st.sampled_from(list(VARIANTS)))  # fmt: skip
def test_whatever_the_shape_and_type(shape, n, dtype, name):
    images = pictures(shape, n).astype(dtype)
    fitted = variant(name, network="auto").fit(images)
    found = fitted.reconstruct(images)
    assert (found.shape, found.dtype) == (images.shape, np.float32)
    assert np.isfinite(found).all()
