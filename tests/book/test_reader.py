"""What a reader sees of the notebooks: short cells, text between them, figures with captions that can be cited."""

import re
import statistics
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HIDDEN = {"remove-cell", "remove-input", "hide-input", "hide-cell"}
DRAWS = re.compile(r"\bplots\.(?!use_style)[a-z_]+\(|\bplt\.subplots\(")
CODE_IN_TEXT = re.compile(r"^(~~~|```)(?:python|shell|\{code-block\}).*?^\1", re.MULTILINE | re.DOTALL)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def visible(notebook):
    """Return the number of lines of each code cell that a page shows without a click."""
    return [
        len(cell.source.splitlines())
        for cell in notebook.cells
        if cell.cell_type == "code" and not HIDDEN & set(cell.metadata.get("tags", []))
    ]


def captioned(notebook):
    """Return the name and the caption of each figure that a cell draws or the text includes."""
    drawn = [cell.metadata.get("mystnb", {}).get("figure") for cell in notebook.cells if cell.cell_type == "code"]
    found = [(figure["name"], figure["caption"]) for figure in drawn if figure]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for block in re.findall(r"^```\{figure\}.*?^```", cell.source, re.MULTILINE | re.DOTALL):
                name = re.search(r"^:name: (\S+)$", block, re.MULTILINE)
                found.append((name and name[1], block.rstrip("`").rsplit("\n\n", 1)[-1].strip() or block))
    return found


def test_cells_are_short(notebook):
    lines = visible(notebook)
    assert max(lines) <= 25
    assert statistics.median(lines) <= 6


def test_text_and_code_are_in_balance(notebook):
    words = sum(len(CODE_IN_TEXT.sub("", c.source).split()) for c in notebook.cells if c.cell_type == "markdown")
    code_in_text = sum(
        block.group().count("\n") - 1
        for cell in notebook.cells if cell.cell_type == "markdown" for block in CODE_IN_TEXT.finditer(cell.source)
    )  # fmt: skip
    assert 8 <= words / (sum(visible(notebook)) + code_in_text)


def test_plumbing_is_out_of_sight(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code" and not HIDDEN & set(cell.metadata.get("tags", [])):
            assert not re.search(r"\brun\.(glue|says|settle|colophon)\(", cell.source), cell.source


def test_every_figure_has_a_name_and_a_caption(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code" and DRAWS.search(cell.source):
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            assert re.fullmatch(r"fig-[a-z0-9-]+", figure.get("name", "")), cell.source
            assert len(figure.get("caption", "").split()) >= 5, cell.source


def test_figures_can_be_cited_and_are(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    names = [name for name, _ in captioned(notebook)]
    cited = set(re.findall(r"\{numref\}`(?:[^`<]*<)?(fig-[a-z0-9-]+)>?`", text))
    assert len(names) == len(set(names))
    assert not set(names) - cited


def test_no_two_figures_of_the_book_have_one_name():
    names = [name for path in NOTEBOOKS for name, _ in captioned(nbformat.read(path, as_version=4))]
    assert len(names) >= 40
    assert sorted(names) == sorted(set(names))


def test_colours_are_those_of_the_book(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not re.search(r"#[0-9a-fA-F]{6}\b|colou?r=[\"'](?!none)[a-z]|fontsize=", cell.source), cell.source
