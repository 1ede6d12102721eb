"""Read image files, and whatever else takes long, ahead of time in threads."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: How the names of the files end that a folder of images is read from.
IMAGE_FILES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def find_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the paths of the image files in a folder and below it, sorted.

    Parameters
    ----------
    folder : str or path

    Returns
    -------
    list of path

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no image file in it.

    Examples
    --------
    >>> import tempfile
    >>> from ae_toolkit.data._reading import find_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "cat.png").touch()
    ...     [path.name for path in find_images(folder)]
    ['cat.png']
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"expected a folder of image files, but there is no folder {root}")
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in IMAGE_FILES and path.is_file())
    if not files:
        raise FileNotFoundError(f"expected image files ({', '.join(IMAGE_FILES)}) in {root}, found none")
    return files


def read_image(file: str | os.PathLike[str]) -> NDArray[np.float32]:
    """Return the picture of a file, scaled to [0, 1].

    Parameters
    ----------
    file : str or path

    Returns
    -------
    ndarray of float32, shape (height, width, channels)
        One channel for grey pictures, three for others.

    Raises
    ------
    OSError
        If the file cannot be read as a picture.

    Examples
    --------
    >>> import tempfile
    >>> from ae_toolkit.data._reading import read_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (3, 2), 255).save(f"{folder}/white.png")
    ...     read_image(f"{folder}/white.png")[..., 0]
    array([[1., 1., 1.],
           [1., 1., 1.]], dtype=float32)
    """
    with Image.open(file) as picture:
        if picture.mode.startswith("I"):
            pixels, largest = np.asarray(picture), 65535.0  # 16 bits
        elif picture.mode in ("1", "L", "LA"):
            pixels, largest = np.asarray(picture.convert("L")), 255.0
        else:
            pixels, largest = np.asarray(picture.convert("RGB")), 255.0
    scaled = (pixels / largest).astype(np.float32)
    return scaled if scaled.ndim == 3 else scaled[..., None]


def images_of(batch: Any) -> Any:
    """Return the images of a batch that may carry labels behind them.

    Parameters
    ----------
    batch : array, or tuple or list that begins with one

    Returns
    -------
    array

    Examples
    --------
    >>> from ae_toolkit.data._reading import images_of
    >>> images_of(("images", "labels"))
    'images'
    """
    return batch[0] if isinstance(batch, tuple | list) else batch


def read_ahead(function: Callable[[int], Any], count: int, workers: int) -> Iterator[Any]:
    """Yield function(0), function(1), ..., computed in threads a few calls ahead.

    Parameters
    ----------
    function : callable, int -> object
    count : int
        How many values there are.
    workers : int
        How many threads compute them; at least one does.

    Yields
    ------
    object

    Examples
    --------
    >>> from ae_toolkit.data._reading import read_ahead
    >>> list(read_ahead(lambda i: i * i, 4, workers=2))
    [0, 1, 4, 9]
    """
    workers = max(1, workers)
    pool = ThreadPoolExecutor(workers)
    try:
        waiting = deque(pool.submit(function, i) for i in range(min(workers + 1, count)))
        for i in range(len(waiting), count + len(waiting)):
            if i == count:  # all is asked for, and the threads end; nobody may come back after the last value
                pool.shutdown(wait=False)
            result = waiting.popleft().result()
            if i < count:
                waiting.append(pool.submit(function, i))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)
