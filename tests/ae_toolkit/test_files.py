"""Whatever happens while a file or folder is written, a whole one is there afterwards, and nothing else."""

import errno
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from ae_toolkit import _files
from ae_toolkit._files import clean_up, find_whole, write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="asks POSIX whether a process runs")


def write(path, content, kind="file"):
    """Write a file, or a folder with two files, that hold one text."""
    with write_whole(path) as temporary:
        if kind == "folder":
            temporary.mkdir()
            (temporary / "one").write_text(content)
            (temporary / "two").write_text(content)
        else:
            temporary.write_text(content)


def read(path):
    return [file.read_text() for file in sorted(path.iterdir())] if path.is_dir() else [path.read_text()]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def in_a_process_that_dies(code, *arguments):
    """Run code that ends by killing its own process, so that no clean-up of Python's runs."""
    code = f"import os, sys\nfrom ae_toolkit._files import write_whole\ndie = lambda *_: os._exit(9)\n{code}"
    environment = {**os.environ, "PYTHONPATH": str(Path(_files.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], env=environment, check=False)
    assert done.returncode == 9


KINDS = pytest.mark.parametrize("kind", ["file", "folder"])


@KINDS
def test_the_new_one_takes_the_place_of_the_old_one(kind, tmp_path):
    path = tmp_path / "deep" / "down" / "it"
    for content in ("first", "second"):
        write(path, content, kind)
        assert set(read(path)) == {content}
        assert names(path.parent) == ["it"]


@KINDS
def test_until_it_is_whole_the_old_one_is_there(kind, tmp_path):
    write(tmp_path / "it", "old", kind)
    with write_whole(tmp_path / "it") as temporary:
        assert temporary.name == "it"
        assert temporary.parent.parent == tmp_path  # a renaming works on one disk only
        assert set(read(tmp_path / "it")) == {"old"}
        temporary.mkdir() if kind == "folder" else temporary.write_text("new")


@KINDS
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_any_error_keeps_the_old_one_and_leaves_nothing(kind, error, tmp_path):
    def fail():
        with write_whole(tmp_path / "it") as temporary:
            temporary.mkdir() if kind == "folder" else temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert names(tmp_path) == []
    write(tmp_path / "it", "old", kind)
    with pytest.raises(error):
        fail()
    assert names(tmp_path) == ["it"]
    assert set(read(tmp_path / "it")) == {"old"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_an_error_that_says_what_and_where(tmp_path):
    write(tmp_path / "it", "old")

    def overflow():
        with write_whole(tmp_path / "it") as temporary:
            temporary.symlink_to("/dev/full")
            temporary.write_text("half")

    with pytest.raises(OSError, match=r"No space left on device: '.*/it'") as caught:
        overflow()
    assert caught.value.errno == errno.ENOSPC
    assert names(tmp_path) == ["it"]
    assert read(tmp_path / "it") == ["old"]


@KINDS
def test_a_disk_that_says_late_that_it_is_full(kind, tmp_path, monkeypatch):
    """Network disks do: closing the file succeeds, making sure that it is there does not."""
    write(tmp_path / "it", "old", kind)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*it'"):
        write(tmp_path / "it", "new", kind)
    assert names(tmp_path) == ["it"]
    assert set(read(tmp_path / "it")) == {"old"}


def test_a_folder_that_cannot_take_its_place_brings_the_old_one_back(tmp_path, monkeypatch):
    write(tmp_path / "it", "old", "folder")
    real, calls = os.replace, []

    def second_fails(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(source, target)

    monkeypatch.setattr(os, "replace", second_fails)
    with pytest.raises(OSError, match="error"):
        write(tmp_path / "it", "new", "folder")
    assert names(tmp_path) == ["it"]
    assert set(read(tmp_path / "it")) == {"old"}


def test_a_file_is_not_replaced_by_a_folder_nor_a_folder_by_a_file(tmp_path):
    write(tmp_path / "file", "old")
    write(tmp_path / "folder", "old", "folder")
    with pytest.raises(OSError, match="file"):
        write(tmp_path / "file", "new", "folder")
    with pytest.raises(OSError, match="folder"):
        write(tmp_path / "folder", "new")
    assert names(tmp_path) == ["file", "folder"]
    assert set(read(tmp_path / "file") + read(tmp_path / "folder")) == {"old"}


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), write_whole(tmp_path / "it"):
        pass
    assert names(tmp_path) == []


def test_of_several_files_none_takes_its_place_before_all_are_written(tmp_path):
    def write_three(last):
        with ExitStack() as blocks:
            for name in ("a", "b", "c"):
                temporary = blocks.enter_context(write_whole(tmp_path / name))
                assert name != "c" or last is not None
                temporary.write_text(str(last))

    with pytest.raises(AssertionError):
        write_three(None)
    assert names(tmp_path) == []
    write_three("whole")
    assert names(tmp_path) == ["a", "b", "c"]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@KINDS
def test_who_may_read_it_is_what_the_user_has_set(kind, tmp_path):
    """A temporary folder is private; what comes out of it is not."""
    write(tmp_path / "it", "x", kind)
    plain = tmp_path / "plain"
    plain.mkdir() if kind == "folder" else plain.write_text("x")
    assert (tmp_path / "it").stat().st_mode == plain.stat().st_mode


def test_the_current_folder_itself(tmp_path, monkeypatch):
    """A path without a name of its own is a path, too."""
    write(tmp_path / "it", "old", "folder")
    monkeypatch.chdir(tmp_path / "it")
    write(Path("."), "new", "folder")
    assert set(read(tmp_path / "it")) == {"new"}
    assert names(tmp_path) == ["it"]


# ------------------------------------------------------------------------------- killed


@posix
@KINDS
def test_what_a_killed_write_left_is_removed_by_the_next(kind, tmp_path):
    write(tmp_path / "it", "old", kind)
    in_a_process_that_dies(
        "with write_whole(sys.argv[1]) as temporary:\n"
        "    temporary.mkdir() if sys.argv[2] == 'folder' else temporary.write_text('half')\n"
        "    die()",
        tmp_path / "it",
        kind,
    )
    assert len(names(tmp_path)) == 2
    assert set(read(find_whole(tmp_path / "it"))) == {"old"}
    write(tmp_path / "it", "new", kind)
    assert names(tmp_path) == ["it"]
    assert set(read(tmp_path / "it")) == {"new"}


@posix
def test_killed_between_two_renamings_the_old_folder_is_found_and_put_back(tmp_path):
    write(tmp_path / "it", "old", "folder")
    in_a_process_that_dies(
        "real = os.replace\n"
        "os.replace = lambda *pair: (real(*pair), die())\n"
        "with write_whole(sys.argv[1]) as temporary:\n"
        "    temporary.mkdir()",
        tmp_path / "it",
    )
    assert not (tmp_path / "it").exists()
    assert set(read(find_whole(tmp_path / "it"))) == {"old"}
    assert not (tmp_path / "it").exists()  # finding changes nothing
    clean_up(tmp_path / "it")
    assert names(tmp_path) == ["it"]
    assert set(read(tmp_path / "it")) == {"old"}


def test_a_write_that_another_is_busy_with_is_left_alone(tmp_path):
    with write_whole(tmp_path / "it") as first:
        write(tmp_path / "it", "second")
        assert first.parent.is_dir()
        first.write_text("first")
    assert read(tmp_path / "it") == ["first"]  # the last one to end
    assert names(tmp_path) == ["it"]


def test_of_a_process_on_another_machine_only_age_can_tell(tmp_path):
    left = tmp_path / ".it.00000000-1.abc.partial"
    left.mkdir()
    clean_up(tmp_path / "it")
    assert left.exists()
    long_ago = time.time() - _files.ABANDONED_AFTER - 1
    os.utime(left, (long_ago, long_ago))
    clean_up(tmp_path / "it")
    assert not left.exists()


@pytest.mark.parametrize(
    "name", [".it", ".it.bak", ".it.partial", ".it.1.00000000-1.a.partial", ".its.00000000-1.a.partial"]
)
def test_what_only_looks_alike_is_not_touched(name, tmp_path):
    """Hidden files of the user's, and what belongs to another path."""
    (tmp_path / name).write_text("the user's own")
    os.utime(tmp_path / name, (0, 0))
    write(tmp_path / "it", "x")
    assert names(tmp_path) == sorted([name, "it"])


def test_a_path_where_nothing_is(tmp_path):
    assert find_whole(tmp_path / "no" / "where") == tmp_path / "no" / "where"
    clean_up(tmp_path / "no" / "where")
    assert names(tmp_path) == []
