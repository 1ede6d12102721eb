"""Bad images: one table of them, and every estimator refuses each with one clear error, in every method."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.exceptions import NotFittedError

import ae_toolkit as ae
from ae_toolkit._validation import check_images

SHAPE = (6, 5, 1)
GOOD = np.random.default_rng(0).random((20, *SHAPE), dtype=np.float32)


def with_value(array, value):
    """Return a copy of images in which one pixel has this value."""
    array = array.copy()
    array[1].flat[3] = value
    return array


def bad_images():
    """Return name -> (images, error, words)."""
    good = GOOD[:4]
    table = good.reshape(4, -1)
    return {
        "NaN": (with_value(good, np.nan), ValueError, "Input X contains NaN"),
        "NaN in a table": (with_value(table, np.nan), ValueError, "Input X contains NaN"),
        "infinity": (with_value(good, np.inf), ValueError, "Input X contains infinity"),
        "infinity in a table": (with_value(table, np.inf), ValueError, "Input X contains infinity"),
        "too large for float32": (with_value(good.astype(float), 1e300), ValueError, "infinity or a value too large"),
        "empty": (good[:0], ValueError, r"0 sample\(s\).*minimum of 1"),
        "empty table": (table[:0], ValueError, r"0 sample\(s\).*minimum of 1"),
        "one pixel": (np.zeros((4, 1, 1, 1)), ValueError, r"at least 2 numbers each.*\(4, 1, 1, 1\)"),
        "no pixel": (np.zeros((4, 0, 5, 1)), ValueError, r"at least 2 numbers each.*\(4, 0, 5, 1\)"),
        "one pixel in a table": (np.zeros((4, 1)), ValueError, r"1 feature\(s\) \(shape=\(4, 1\)\).*minimum of 2"),
        "five axes": (good[..., None], ValueError, r"\(n_images, height, width, channels\), .*got \(4, 6, 5, 1, 1\)"),
        "one axis": (table[0], ValueError, "Expected 2D array, got 1D array"),
        "a number": (0.5, ValueError, "Expected 2D array, got scalar"),
        "nothing": (None, ValueError, "got scalar"),
        "8-bit": ((good * 255).astype(np.uint8), ValueError, r"floating-point.*got uint8 from \d+ to 25\d\..*X / 255"),
        "integers": (np.ones((4, *SHAPE), int), ValueError, "floating-point.*got int64 from 1 to 1"),
        "booleans": (good > 0.5, ValueError, "floating-point.*got bool"),
        "text": (np.full((4, *SHAPE), "a"), ValueError, "could not convert string to float"),
        "text in a table": (np.full((4, 30), "a"), ValueError, "could not convert string to float"),
        "complex": (good + 1j, ValueError, "Complex data not supported"),
        "complex table": (table + 1j, ValueError, "Complex data not supported"),
        "sparse": (scipy.sparse.csr_matrix(table), TypeError, "[Ss]parse data was passed"),
        "ragged": ([[0.0, 1.0], [0.0]], ValueError, "inhomogeneous"),
    }  # fmt: skip


BAD = bad_images()
QUICK = {"code_dim": 2, "hidden_units": (4,), "epochs": 1, "optimizer": "sgd", "learning_rate": 1e-3, "random_state": 0}
ESTIMATORS = {
    "Autoencoder": lambda: ae.Autoencoder(**QUICK),
    "DenoisingAutoencoder": lambda: ae.DenoisingAutoencoder(**QUICK),
    "SparseAutoencoder": lambda: ae.SparseAutoencoder(**QUICK),
    "ContractiveAutoencoder": lambda: ae.ContractiveAutoencoder(**QUICK),
    "VariationalAutoencoder": lambda: ae.VariationalAutoencoder(**QUICK),
    "AdversarialAutoencoder": lambda: ae.AdversarialAutoencoder(discriminator_units=(3,), **QUICK),
    "MixtureSampler": lambda: ae.MixtureSampler(ae.Autoencoder(**QUICK), n_components=2),
    "ReconstructionDetector": lambda: ae.ReconstructionDetector(ae.Autoencoder(**QUICK)),
    "AutoencoderClassifier": lambda: ae.AutoencoderClassifier(ae.Autoencoder(**QUICK), epochs=1, random_state=0),
    "DeepEmbeddedClustering": lambda: ae.DeepEmbeddedClustering(2, autoencoder=ae.Autoencoder(**QUICK), epochs=1),
    "ManifoldClustering": lambda: ae.ManifoldClustering(2, transformer=ae.Autoencoder(**QUICK), random_state=0),
}
#: They take pictures only, and refuse tables in other words: see ``tests/ae_toolkit/data/test_preprocessing.py``.
OF_PICTURES = {"Deskew", "HOG"}
#: All methods that take images; each estimator has some of them.
METHODS = (
    "transform", "reconstruct", "score", "log_likelihood", "predict", "decision_function", "score_samples",
    "predict_proba", "soft_assignments",
)  # fmt: skip
TAKING_IMAGES = [
    (name, method)
    for name in ESTIMATORS
    for method in METHODS
    if hasattr(getattr(ae, name), method) and (name, method) != ("AutoencoderClassifier", "score")  # it asks for labels
]
LABELS = np.arange(20) % 2  # which only a classifier looks at

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")


@pytest.fixture(scope="module")
def fitted():
    return {name: make().fit(GOOD, LABELS) for name, make in ESTIMATORS.items()}


def test_every_estimator_is_here():
    exported = (getattr(ae, name) for name in ae.__all__)
    estimators = {value.__name__ for value in exported if isinstance(value, type) and hasattr(value, "get_params")}
    assert set(ESTIMATORS) == estimators - OF_PICTURES
    assert {name for name, _ in TAKING_IMAGES} == set(ESTIMATORS) - {"MixtureSampler"}  # it draws, and takes none


@pytest.mark.slow
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_fit_refuses(name, bad):
    X, error, words = BAD[bad]
    estimator = ESTIMATORS[name]()
    before = dict(vars(estimator))
    with pytest.raises(error, match=words):
        estimator.fit(X, LABELS)
    assert vars(estimator) == before
    method = next((method for method in METHODS if hasattr(estimator, method)), "sample")
    with pytest.raises(NotFittedError):
        getattr(estimator, method)(*([] if method == "sample" else [GOOD]))


@pytest.mark.slow
@pytest.mark.parametrize("bad", sorted(set(BAD) - {"one pixel in a table"}))  # it is of another width, see below
@pytest.mark.parametrize(("name", "method"), TAKING_IMAGES)
def test_methods_refuse(fitted, name, method, bad):
    X, error, words = BAD[bad]
    with pytest.raises(error, match=words):
        getattr(fitted[name], method)(X)


@pytest.mark.parametrize("shape", [(4, 5, 6, 1), (4, 6, 5, 3), (4, 30)])
@pytest.mark.parametrize(("name", "method"), TAKING_IMAGES)
def test_methods_refuse_images_of_another_shape(fitted, name, method, shape):
    """Also the same number of pixels in another arrangement."""
    with pytest.raises(ValueError, match=r"of shape \(6, 5, 1\), as \w+ was fitted on, got \("):
        getattr(fitted[name], method)(np.zeros(shape))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "method"), TAKING_IMAGES)
def test_methods_refuse_tables_of_another_width(name, method):
    estimator = ESTIMATORS[name]().fit(GOOD.reshape(20, 30), LABELS)
    with pytest.raises(ValueError, match=r"X has 29 features, but \w+ is expecting 30 features"):
        getattr(estimator, method)(np.zeros((4, 29)))
    with pytest.raises(ValueError, match=r"of shape \(30,\), as \w+ was fitted on, got \(6, 5, 1\)"):
        getattr(estimator, method)(np.zeros((4, *SHAPE)))


# ------------------------------------------------------- what they all are refused by


def test_check_images_returns_float32_in_the_shape_that_came():
    for shape in ((3, 4, 5, 2), (3, 4, 5), (3, 7)):
        found = check_images(np.ones(shape, np.float64))
        assert (found.shape, found.dtype) == (shape, np.float32)


@pytest.mark.parametrize("bad", sorted(set(BAD) - {"sparse"}))
def test_check_images_refuses(bad):
    X, error, words = BAD[bad]
    with pytest.raises(error, match=words):
        check_images(X)


def test_check_images_calls_the_array_by_its_name():
    with pytest.raises(ValueError, match=r"expected photos of shape .*got \(3, 4, 4, 1, 1\)"):
        check_images(np.zeros((3, 4, 4, 1, 1)), name="photos")
    with pytest.raises(ValueError, match="Input photos contains NaN"):
        check_images(np.full((3, 4, 4, 1), np.nan), name="photos")
