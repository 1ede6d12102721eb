"""The check for typed results: what it finds, what it leaves alone, and that the book has none."""

import json

import pytest
import typed_numbers


def numbers(text):
    return [words for _, words in typed_numbers.findings(text)]


@pytest.mark.parametrize(("sentence", "found"), [
    ("The network has an error of 12.3.", ["error of 12.3"]),
    ("The network has an error of 12 on new images.", ["error of 12"]),
    ("It is right for 97.4% of the test images.", ["97.4%"]),
    ("It is right for 97 % of the test images.", ["97 %"]),
    ("PCA errs by 27, and nothing else is as good.", ["errs by 27"]),
    ("The AUROC rises to about 0.97.", ["AUROC rises to about 0.97"]),
    ("This takes 11.6 ± 0.3 s.", ["11.6", "0.3"]),
    ("On average 12 ± 3 remain.", ["12 ±"]),
    ("Of the new images, 412 of 1,000 are found.", ["412 of 1,000"]),
    ("Convolutions are three times as slow.", ["three times as"]),
    ("When we tried, the error grew by about three quarters.", ["grew by about three quarters"]),
    ("The estimate rose by two to three nats.", ["two to three nats"]),
    ("Its accuracy\nis 0.88, with PCA it was 0.79.", ["accuracy is 0.88", "0.79"]),
    ("| PCA | 13.87 |\n| codes | 11.2 |", ["13.87", "11.2"]),
    ("```{admonition} Solution\n:class: dropdown\nThe error fell to 9.5.\n```", ["error fell to 9.5"]),
    ("```{figure} a.svg\n:name: fig-a\n:alt: Bars, of 4.5 and 6.5.\nThe bars.\n```", ["4.5", "6.5"]),
    ("{cite:t}`hinton2006` printed 13.87. Ours is 13.92.", ["13.92"]),
    ("It errs by 4.2. **Prediction.** The error halves, to 2.1.", ["errs by 4.2"]),
])  # fmt: skip
def test_what_is_found(sentence, found):
    assert numbers(sentence) == found


@pytest.mark.parametrize("sentence", [
    "The network has an error of {glue:text}`error`, which is {glue:text}`share` of PCA's.",
    "{cite:t}`hinton2006` printed an error of 13.87 for PCA.",
    "Others reach 0.945 {cite}`jiang2017variational`.",
    "**Prediction.** Each accuracy stays within two points of its own, and 0.9 is reached.",
    "*Predictions.* The error is at most 0.9 times as large.",
    "**3. Outliers.** Replace 5 % of the eights. What becomes of an error of 4.5?",
    "The loss is $0.005 \\cdot 784 = 3.92$ with `rate=0.1`.",
    "$$\nL = 3.92\n$$",
    "```python\nerror = 12.3  # 97 % of the images\n```",
    "```\nerror 12.3\n```",
    "```{admonition} The article says (§ 3.2.1)\n:class: article-says\nUsually 97.4 % are right.\n```",
    "See sections 1.1 and 3.1; § 5.2, {ref}`section 2.2 <sec-2-2>` and [the page](https://example.org/3.5).",
    "You need Python 3.11, 3.12 or 3.13, Keras 3.15 and a licence, CC BY-SA 4.0.",
    "Images of 28×28 pixels, 784 numbers from 0 to 1, from {cite}`lecun1998` in 1998.",
    "Of 60,000 images we take 4,000, with three seeds, at 28 pixels.",
    "## An error of 12.3",
    "(sec-2-1)=\n:::{note}\n:class: tip-1.5\nText.\n:::",
])  # fmt: skip
def test_what_is_left_alone(sentence):
    assert numbers(sentence) == []


def test_a_setting_can_be_allowed_with_its_reason_and_only_where_it_stands(monkeypatch):
    text = "The noise has\na deviation of 0.4. The error is 0.4."
    assert numbers(text) == ["0.4", "error is 0.4"]
    monkeypatch.setattr(typed_numbers, "ALLOWED", (typed_numbers.Allowed("a deviation of 0.4", "a setting"),))
    assert numbers(text) == ["error is 0.4"]


def test_lines_are_those_of_the_page():
    text = "First.\n\n```python\nx = 1.5\n```\n\nAn error of 12.3, and\n97.4 %."
    assert [line for line, _ in typed_numbers.findings(text)] == [7, 8]


def test_of_a_notebook_text_captions_and_descriptions_are_read(tmp_path):
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["Good.\n", "It errs by 12.3."]},
        {"cell_type": "code", "id": "b", "source": ["rate = 0.5  # 97.4 %"],
         "metadata": {"mystnb": {"figure": {"caption": "Errors of 3.5.", "name": "fig"},
                                 "image": {"alt": "Bars; the largest is of 9.25."}}}},
    ]  # fmt: skip
    path = tmp_path / "chapter.ipynb"
    path.write_text(json.dumps({"cells": cells}, indent=1))
    lines = path.read_text().splitlines()
    found = typed_numbers.check(path)
    assert [words for _, words, _ in found] == ["errs by 12.3", "Errors of 3.5", "9.25"]
    assert all(words in lines[line - 1] for line, words, _ in found)
    assert [advice.rpartition("cell ")[2] for *_, advice in found] == ["1", "2", "2"]


def test_the_program_names_file_line_and_number_and_fails(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("Good.\n\nRight for 97.4% of the test images.\n")
    assert typed_numbers.main([str(page)]) == 1
    assert capsys.readouterr().out.startswith(f"{page}:3: 97.4% (a typed result?")
    page.write_text("Right for {glue:text}`share` of the test images.\n")
    assert typed_numbers.main([str(page)]) == 0


def test_the_book_has_no_typed_result(capsys):
    assert len(typed_numbers.files()) > 20
    assert typed_numbers.main([]) == 0, capsys.readouterr().out


def test_everything_that_is_allowed_is_in_the_book_and_has_a_reason():
    texts = []
    for path in typed_numbers.files():
        source = path.read_text(encoding="utf-8")
        cells = json.loads(source)["cells"] if path.suffix == ".ipynb" else [{"source": [source]}]
        texts += ["".join(cell["source"]) for cell in cells]
    book = "\n".join(" ".join(text.split()) for text in texts)
    for entry in typed_numbers.ALLOWED:
        assert entry.passage in book, entry
        assert entry.reason
