"""The notebooks as committed: stripped, one parameter, the same first and last cell, described figures."""

import re
from pathlib import Path

import nbformat
import pytest

from ae_toolkit import _moved

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_chapters():
    assert len(NOTEBOOKS) >= 6


def test_no_outputs_are_committed(notebook):
    for cell in code_cells(notebook):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert "papermill" not in notebook.metadata


def test_the_only_parameter_is_the_profile(notebook):
    (cell,) = tagged(notebook, "parameters")
    statements = [line for line in cell.source.splitlines() if line and not line.startswith("#")]
    assert len(statements) == 1
    assert re.match(r'PROFILE = "quick"', statements[0])


def test_the_first_cell_installs_the_toolkit_and_is_the_same_everywhere(notebook):
    first = notebook.cells[0]
    assert first.source == nbformat.read(NOTEBOOKS[0], as_version=4).cells[0].source
    assert "pip" in first.source
    assert {"remove-cell", "nbval-ignore-output"} <= set(first.metadata.tags)


def test_the_last_cell_is_the_colophon(notebook):
    assert notebook.cells[-1].source == "run.colophon()"


def test_cells_are_short_and_named_apart(notebook):
    for cell in code_cells(notebook):
        assert len(cell.source.splitlines()) <= 40
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


def test_cells_that_draw_say_what_they_show(notebook):
    for cell in code_cells(notebook):
        if re.search(r"\bplots\.\w+\(|\bplt\.subplots\(", cell.source):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt.split()) >= 5, f"no alternative text for the figure of:\n{cell.source}"


def test_text_outweighs_code(notebook):
    words = sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")
    lines = sum(len(cell.source.splitlines()) for cell in code_cells(notebook))
    assert words / lines >= 6


def test_nothing_points_outside_the_project(notebook):
    for cell in notebook.cells:
        assert not re.search(r"(?<![\w/])/(home|root|tmp|work|Users)/", cell.source)
        assert cell.cell_type == "markdown" or "://" not in cell.source


OLD = rf"\b(?:ae|ae_toolkit)\.(?:{'|'.join(_moved.MODULES)}|networks\.own)\b"
OLD_IMPORT = rf"\bfrom ae_toolkit import (?:\w+, )*(?:{'|'.join(_moved.MODULES)})\b"


def test_only_names_of_today_are_used(notebook):
    for cell in notebook.cells:  # solutions stand in the text
        assert not re.search(f"{OLD}|{OLD_IMPORT}", cell.source), cell.source


@pytest.mark.parametrize(
    "line",
    ["ae.losses.mean(x)", "from ae_toolkit.claims import settle", "from ae_toolkit import metrics, losses as l"],
)
def test_an_old_name_would_be_noticed(line):
    assert re.search(f"{OLD}|{OLD_IMPORT}", line)
    assert not re.search(f"{OLD}|{OLD_IMPORT}", "ae.networks.losses.mean; from ae_toolkit.book import claims")
