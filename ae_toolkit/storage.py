"""Save a fitted estimator as a folder of plain data, and load it again, on any backend.

The folder holds ``estimator.json``, which describes parameters and fitted attributes, and
``arrays.npz``, the weights and other arrays. There is no pickle and no code in it, and
loading executes nothing: classes are looked up in a fixed list, never imported by name.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

import ae_toolkit
from ae_toolkit._codecs import ARRAYS, CLASSES, describe_value, restore_value
from ae_toolkit._files import find_whole, write_whole
from ae_toolkit.networks.configurations import CODE as CODE
from ae_toolkit.networks.configurations import KERAS_MODULES as KERAS_MODULES

#: The version of a saved folder's layout; `load` refuses one that it does not know.
FORMAT = 1
#: The name of the file in a saved folder that holds the parameters and the fitted attributes.
DESCRIPTION = "estimator.json"


def save(estimator: BaseEstimator, path: str | os.PathLike[str]) -> None:
    """Save a fitted estimator of this package in a new folder, or in place of one that it saved before.

    Parameters
    ----------
    estimator : fitted estimator
    path : str or path
        Of the folder. It is written under another name and renamed, so that the whole new
        one is there or the whole old one.

    Raises
    ------
    TypeError
        If it is not an estimator of this package, or holds something that is not plain data.
    ValueError
        If it holds a network with layers that run code or open files.
    FileExistsError
        If there is something at the path that `save` has not written.
    OSError
        If it cannot be written, as on a full disk; what was there before is still there.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> autoencoder = ae.Autoencoder(code_dim=4, epochs=2, random_state=0).fit(data.x_train)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ae.save(autoencoder, f"{folder}/digits")
    ...     twin = ae.load(f"{folder}/digits")
    >>> bool(np.array_equal(twin.transform(data.x_test), autoencoder.transform(data.x_test)))
    True
    """
    path = Path(path)
    if type(estimator) not in CLASSES.values():
        raise TypeError(
            f"expected an estimator of ae_toolkit ({', '.join(CLASSES)}), got {type(estimator).__qualname__} "
            f"of {type(estimator).__module__}"
        )
    if path.exists() and not (path / DESCRIPTION).is_file():
        raise FileExistsError(f"expected a new folder, or one with {DESCRIPTION} to replace, got {path}")
    arrays: dict[str, Any] = {}
    described = {
        "format": FORMAT,
        "version": ae_toolkit.__version__,
        "estimator": describe_value(estimator, "", arrays),
    }
    with write_whole(path) as temporary:
        temporary.mkdir()
        (temporary / DESCRIPTION).write_text(json.dumps(described, indent=1) + "\n")
        np.savez(temporary / ARRAYS, **arrays)


def load(path: str | os.PathLike[str]) -> Any:
    """Load an estimator that `save` has written.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    fitted estimator

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If the content is not what `save` writes: another format, an unknown class, an
        array of another shape; or if weights, or the numbers of a mixture, are NaN or
        infinite. Nothing of it is executed.

    Examples
    --------
    >>> import tempfile
    >>> import ae_toolkit as ae
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ae.save(ae.Autoencoder(code_dim=7), f"{folder}/seven")
    ...     ae.load(f"{folder}/seven")
    Autoencoder(code_dim=7)
    """
    described, arrays = _read(find_whole(path))
    try:
        estimator = restore_value(described["estimator"], arrays)
        if not isinstance(estimator, BaseEstimator):
            raise TypeError("an estimator")
        return estimator
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"expected a description written by ae.save in {path}, got one without {error}") from error


def _read(folder):
    """Return a folder's description, of the format that is known, and its arrays by name."""
    for name in (DESCRIPTION, ARRAYS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"expected a folder written by ae.save with a file {name}, got {folder}")
    try:
        described = json.loads((folder / DESCRIPTION).read_text())
        with np.load(folder / ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # whatever a broken file raises
        raise ValueError(f"expected files written by ae.save in {folder}, but they cannot be read: {error}") from error
    found = described.get("format") if isinstance(described, dict) else None
    if found != FORMAT:
        raise ValueError(
            f"expected format {FORMAT} in {folder / DESCRIPTION}, got {found!r}; a newer ae_toolkit may know it"
        )
    return described, arrays
