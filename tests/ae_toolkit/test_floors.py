"""The floors of the house: what import-linter is told in pyproject.toml holds, and would be noticed if it did not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ae_toolkit

PACKAGE = Path(ae_toolkit.__file__).parent
ROOT = PACKAGE.parent

pytestmark = pytest.mark.skipif(
    not (ROOT / "pyproject.toml").is_file(), reason="not run from a source tree: there is no pyproject.toml"
)


def lint(root):
    """Run import-linter on the package in a folder; return its status and what it prints."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "ae_toolkit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_each_room_imports_only_from_those_below_it():
    status, said = lint(ROOT)
    assert status == 0, said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("data/datasets.py", "book"),
        ("plots/images.py", "book.words"),
        ("plots/images.py", "metrics"),
        ("metrics/clustering.py", "networks.losses"),
        ("networks/losses.py", "training"),
        ("training/checkpoints.py", "estimators.models"),
        ("estimators/anomaly.py", "storage"),
        ("storage.py", "export"),
        ("_validation/images.py", "data.streams"),
        ("_codecs.py", "storage"),
    ],
)
def test_an_import_from_above_is_noticed(copy, importer, imported):
    with open(copy / "ae_toolkit" / importer, "a") as module:
        module.write(f"\n\ndef _later():\n    import ae_toolkit.{imported}\n")  # inside a function, too
    status, said = lint(copy)
    assert status == 1, said
    assert "1 broken" in said
    assert imported in said


def test_a_new_room_has_to_be_placed(copy):
    (copy / "ae_toolkit" / "attic.py").write_text('"""A room that no floor names."""\n')
    status, said = lint(copy)
    assert status == 1, said
    assert "attic" in said
