"""The check of the prose: what it finds, what it leaves alone, and that the project's own text passes."""

import json

import prose
import pytest


def words(text):
    return [found for _, found, _ in prose.findings(text)]


@pytest.mark.parametrize(("sentence", "found"), [
    ("8 numbers an image", "numbers an image"),
    ("It trains on 60,000 images a second.", "images a second"),
    ("one a seed", "one a seed"),
    ("an entry an epoch", "entry an epoch"),
    ("50 labels, about five a class", "five a class"),
    ("the error is 11.6 a image", "11.6 a image"),
    ("described once a class", "once a class"),
    ("a label a row", "label a row"),
    ("Give the last layer one neuron a class, and train.", "neuron a class"),
    ("steps\nan epoch", "steps an epoch"),
    ("It reads 3 GB a second from the disk.", "GB a second"),
    ("One a label, in order.", "One a label"),
    ("shown a spoilt image", "spoilt"),
    ("the layer that spoils images", "spoils"),
    ("A training that was stopped goes on where it was.", "goes on where it was"),
])  # fmt: skip
def test_what_is_found(sentence, found):
    assert words(sentence) == [found]


@pytest.mark.parametrize("sentence", [
    "8 numbers per image",
    "a line a reader sees",
    "it shows a code an image has",
    "how many numbers an image has",
    "how many images a step looks at",
    "once an epoch is over, the callback runs",
    "the longer a step takes, the better",
    "Adam gives each weight a step size of its own",
    "each image a code, each code a label",
    "a number, a pixel and a row",
    "between one image and a second image",
    "a row of a batch",
    "Call an image unusual if its error is large.",
    "1. A call from Python costs the same.",
    "it never calls a model by another's name",
    "as one, a seed is drawn",
    "It went on where the road was good.",
])  # fmt: skip
def test_what_is_left_alone(sentence):
    assert words(sentence) == []


def test_a_sentence_that_is_right_can_be_allowed(monkeypatch):
    text = "They meet once a week, and\nonce a class of theirs."
    assert words(text) == ["once a class"]
    monkeypatch.setattr(prose, "ALLOWED", ("once a class of theirs",))
    assert words(text) == []
    assert words("described once a class") == ["once a class"]


def test_lines_are_those_of_the_file():
    assert [line for line, *_ in prose.findings("first\n\none a\nseed, one a row")] == [3, 4]


def test_of_a_program_only_comments_and_strings_are_read():
    source = (
        '"""Return one number an\n    image."""\n'
        "codes = {'one': 1, 'a': 2, 'image': 3}  # once a\n"
        "# class, and again\n"
        "message = f'{codes} images ' 'a second'\n"
        "steps = a = epoch = None\n"
        "spoilt = 'a' if steps else 'image'\n"
    )
    found = [(line, words) for line, words, _ in prose.check_program(source)]
    assert found == [(1, "number an image"), (3, "once a class"), (5, "images a second")]


def test_of_a_notebook_text_comments_strings_and_descriptions_are_read():
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["Ten numbers an image, or\n", "one a seed."]},
        {"cell_type": "code", "id": "b", "source": ["spoilt = x  # one a row\n", "label('images a second')"],
         "metadata": {"mystnb": {"image": {"alt": "Bars, one bar a class."}}}},
        {"cell_type": "code", "id": "c", "metadata": {}, "source": ["%time f(  # no Python: one a step\n"]},
    ]  # fmt: skip
    source = json.dumps({"cells": cells}, indent=1)
    lines = source.splitlines()
    found = prose.check_notebook(source)
    assert [words for _, words, _ in found] == [
        "numbers an image", "one a seed", "one a row", "images a second", "bar a class", "one a step",
    ]  # fmt: skip
    assert all(words in lines[line - 1] for line, words, _ in found)
    assert [advice.rpartition("cell ")[2] for *_, advice in found] == ["1", "1", "2", "2", "2", "3"]


def test_the_program_names_file_line_and_words_and_fails(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("Good.\n\nEight numbers an image.\n")
    assert prose.main([str(page)]) == 1
    assert capsys.readouterr().out == f"{page}:3: numbers an image (write 'per')\n"
    page.write_text("Eight numbers per image.\n")
    assert prose.main([str(page)]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_everything_that_is_written_for_a_reader_is_checked():
    checked = {path.relative_to(prose.ROOT).as_posix() for path in prose.files()}
    assert checked >= {
        "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "book/notation.md", "book/api/data.md",
        "notebooks/06_faq.ipynb",
        "ae_toolkit/book/claims.py", "ae_toolkit/book/claims.json", "benchmarks/run.py", "book/build.py",
        "book/_ext/ae_api.py",
    }  # fmt: skip
    assert not [name for name in checked if name.startswith(("_build", ".venv"))]


@pytest.mark.slow
def test_the_project_s_own_text_passes(capsys):
    assert prose.main([]) == 0, capsys.readouterr().out
