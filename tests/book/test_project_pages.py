"""What README, CONTRIBUTING and CHANGELOG say of the tree and of the package is true."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import ae_toolkit
from ae_toolkit import _moved

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
MADE = (".venv", "_build")  # by the commands; not in the tree
PLACEHOLDER = "NAME"


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def paths(text):
    """Return what a page names of the tree: links, and code with a slash or with the ending of a file."""
    code = [words for words in re.findall(r"`([^`\n]+)`", text) if re.fullmatch(r"[\w.-]+(/[\w.-]*)*", words)]
    code = [words for words in code if "/" in words or re.search(r"\.(md|toml|txt|ya?ml|cff|py|pyi)$", words)]
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    return [path for path in (*code, *links) if not path.startswith(MADE)]


def missing(text):
    # A file to be written is named by what stands beside it.
    wanted = {path: path.rpartition("/")[0] if PLACEHOLDER in path else path for path in paths(text)}
    return [path for path, place in wanted.items() if not (ROOT / place).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_of_the_tree_exists(page):
    assert missing(read(page)) == []


def test_a_path_that_does_not_exist_is_noticed():
    text = "In `ae_toolkit/attic/`, `book/check.py`, [there](nowhere.md), `ae.save`, `attic/NAME.py`, `.venv/bin/x`."
    assert paths(text) == ["ae_toolkit/attic/", "book/check.py", "attic/NAME.py", "nowhere.md"]
    assert missing(text) == ["ae_toolkit/attic/", "attic/NAME.py", "nowhere.md"]


@pytest.mark.parametrize("new", ["A new loss", "A new data set", "A new backend", "A new chapter"])
def test_contributing_says_where_it_goes_in_one_sentence(new):
    (entry,) = re.findall(rf"^- \*\*{new}\*\*(.*?)(?=^- \*\*|^$)", read("CONTRIBUTING.md"), re.MULTILINE | re.DOTALL)
    assert len(re.findall(r"\.(?=\s|$)", entry)) == 1
    assert paths(entry)


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_a_name_of_the_package_on_a_page_exists(page):
    names = set(re.findall(r"\bae\.([A-Za-z_][\w.]*\w)", read(page)))
    assert names
    for name in names:
        value = ae_toolkit
        for part in name.split("."):
            value = getattr(value, part)


@pytest.mark.slow
def test_the_program_in_the_readme_runs(capsys):
    program, clustering, classification = re.findall(r"```python\n(.*?)```", read("README.md"), re.DOTALL)
    names = {}
    exec(program, names)
    assert names["codes"].shape == (1000, 32)
    assert names["images"].shape == (1000, 28, 28, 1)
    assert 0 < float(capsys.readouterr().out) < 20
    few, whole = slice(300), names["data"]  # all of them take a minute
    names["data"] = SimpleNamespace(x_train=whole.x_train[few], y_train=whole.y_train[few], x_test=whole.x_test)
    exec(clustering, names)
    assert names["labels"].shape == (300,)
    exec(classification, names)
    assert names["probabilities"].shape == (1000, 10)
    assert np.mean(names["probabilities"].argmax(axis=1) == whole.y_test) > 0.8


def test_the_changelog_lists_every_name_that_moved_and_no_other():
    rows = dict(re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \|$", read("CHANGELOG.md"), re.MULTILINE))
    names = {old: f"{_moved.MODULES[old.partition('.')[0]]}.{new}" for old, new in _moved.NAMES.items()}
    assert rows == _moved.MODULES | names | {"networks.own": "networks.copy_networks"}
