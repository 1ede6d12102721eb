"""The one way to write a file or a folder whole: whenever the process is killed, the new one is there or the old one.

What is written is made in a temporary folder beside its place, called
``.NAME.HOST-PROCESS.RANDOM.partial``, and takes its place by being renamed. The next write
of the same path removes what a killed one has left.
"""

import os
import platform
import re
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Seconds after which a temporary folder counts as left over although its process may still run, or ran elsewhere.
ABANDONED_AFTER = 24 * 60 * 60
_HOST = f"{zlib.crc32(platform.node().encode()):08x}"
_REPLACED = ".replaced"  # ends the name under which an older folder waits for the new one to take its place


@contextmanager
def write_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Hand out a temporary path to write to; when the ``with`` block ends without an error, it is renamed to `path`.

    Several files that belong together are written in nested blocks: none of them takes its
    place before all are written.

    Parameters
    ----------
    path : str or path
        Of a file, or of a folder that the block makes. What was there is replaced, a folder
        by a folder and a file by a file. Folders above it are made.

    Yields
    ------
    Path
        Has the same name as `path`, in a folder of its own on the same disk.

    Raises
    ------
    OSError
        If it cannot be written, as on a full disk. After this and any other error of the
        block, what was there before is still there, and nothing else is.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with write_whole(f"{folder}/a.txt") as temporary:
    ...         size = temporary.write_text("whole")
    ...     [(path.name, path.read_text()) for path in Path(folder).iterdir()]
    [('a.txt', 'whole')]
    """
    path = Path(os.path.abspath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    clean_up(path)
    mine = f".{path.name}.{_HOST}-{os.getpid()}."
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=mine, suffix=".partial"))
    try:
        yield folder / path.name
        _flush(folder / path.name)
        _put_in_place(folder / path.name, path)
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)  # a full disk does not say which file did not fit
        raise
    finally:
        _remove(folder, path)


def clean_up(path: str | os.PathLike[str]) -> None:
    """Remove what killed writes of a path have left, and put back an older folder that one of them had moved away.

    A write that another process is busy with is left alone.

    Parameters
    ----------
    path : str or path
        Of the file or folder that was to be written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     left = Path(folder) / f".a.txt.{_HOST}-{2**30}.x1.partial"  # by a process that is no more
    ...     left.mkdir()
    ...     clean_up(f"{folder}/a.txt")
    ...     left.exists()
    False
    """
    path = Path(os.path.abspath(path))
    for left in _temporary_folders(path):
        if _is_abandoned(left):
            _remove(left, path)


def find_whole(path: str | os.PathLike[str]) -> Path:
    """Return where to read a file or folder that `write_whole` has written, without changing anything.

    That is at its path, unless the process was killed between the two renamings that replace
    a folder: then the older one still waits beside it.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Path

    Examples
    --------
    >>> find_whole("nothing/here").as_posix()
    'nothing/here'
    """
    path = Path(path)
    if not path.exists():
        for left in _temporary_folders(path):
            if _replaced(left, path).exists():
                return _replaced(left, path)
    return path


def _put_in_place(temporary: Path, path: Path) -> None:
    if temporary.is_dir() and path.is_dir():
        # No system renames a folder over one that has content: the older one steps aside first.
        os.replace(path, _replaced(temporary.parent, path))
    os.replace(temporary, path)


def _remove(temporary_folder: Path, path: Path) -> None:
    replaced = _replaced(temporary_folder, path)
    if replaced.exists() and not path.exists():  # the new one did not take its place
        os.replace(replaced, path)
    shutil.rmtree(temporary_folder, ignore_errors=True)


def _replaced(temporary_folder: Path, path: Path) -> Path:
    return temporary_folder / f"{path.name}{_REPLACED}"


def _temporary_folders(path: Path) -> list[Path]:
    wanted = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}-\d+\.\w+\.partial")
    with suppress(OSError):
        return sorted(found for found in path.parent.iterdir() if wanted.fullmatch(found.name))
    return []


def _is_abandoned(folder: Path) -> bool:
    """Whether the process that made a temporary folder has ended or, where that cannot be seen, made it long ago."""
    host, _, process = folder.name.split(".")[-3].partition("-")
    if host == _HOST and os.name == "posix":
        try:
            os.kill(int(process), 0)  # asks whether it exists; sends nothing
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:
            pass  # it exists, and is another user's
    with suppress(OSError):
        return time.time() - folder.stat().st_mtime > ABANDONED_AFTER
    return False


def _flush(path: Path) -> None:
    """Have the disk confirm each file: some write late, and a full disk would show after the renaming only."""
    files = [found for found in path.rglob("*") if found.is_file()] if path.is_dir() else [path]
    for name in files:
        with open(name, "rb+") as file:
            os.fsync(file.fileno())
