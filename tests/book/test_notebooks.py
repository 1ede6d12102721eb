"""The notebooks as committed: stripped, one parameter, the same first and last cell, described figures."""

import re
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import ae_map
import build
import nbformat
import pytest
import terms

from ae_toolkit import _moved
from ae_toolkit.book.claims import article

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


def test_nothing_is_installed(notebook):  # `make launch` writes the notebooks that install what they need
    assert [cell.source for cell in notebook.cells if re.search(r"\bpip\b", cell.source)] == []


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
    shown = [cell for cell in code_cells(notebook) if "solution" not in cell.metadata.get("tags", [])]
    lines = sum(len(cell.source.splitlines()) for cell in shown)
    assert words / lines >= 6


def test_nothing_points_outside_the_project(notebook):
    for cell in notebook.cells:
        assert not re.search(r"(?<![\w/])/(home|root|tmp|work|Users)/", cell.source)
        assert cell.cell_type == "markdown" or "://" not in cell.source


def solutions_in_words(cells):
    """Return the inside of each folded solution that the text of some cells has."""
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    pattern = r"^(`{3,}|~{3,}|:{3,})\{admonition\} Solution\n(.*?)\n\1 *$"
    return [inside for text in texts for _, inside in re.findall(pattern, text, re.MULTILINE | re.DOTALL)]


def wrong_solutions(notebook):
    """Return the solutions with code that nothing runs, and the cells that are not folded behind theirs."""
    found = [text for text in solutions_in_words(notebook.cells) if re.search(r"^(`{3,}|~{3,})", text, re.MULTILINE)]
    for before, cell in pairwise(notebook.cells):
        if "solution" in cell.metadata.get("tags", []):
            (number,) = re.findall(r"^\*\*(\d+)\.", before.source, re.MULTILINE)[-1:] or ["none"]
            prompt = cell.metadata.get("mystnb", {}).get("code_prompt_show", "")
            folded = "hide-cell" in cell.metadata.tags and prompt.startswith(f"Solution of exercise {number}: ")
            if not (folded and before.source.rstrip().endswith("```") and solutions_in_words([before])):
                found.append(cell.source)
    return found


def shows_nothing(cell):
    """Return whether an executed cell has printed and drawn nothing; what it hands to the text does not count."""
    kinds = [output.get("data", {"stream": output.get("text", "")}) for output in cell.outputs]
    return not any(value for kind in kinds for key, value in kind.items() if "papermill.record" not in key)


def test_solutions_are_executed_and_folded_behind_their_exercises(notebook):
    assert wrong_solutions(notebook) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_solution_prints_or_draws_something(path):
    executed = ROOT / "_build" / "executed" / "quick" / path.name
    if not executed.is_file():
        pytest.skip("not executed yet: run `make book` first")
    sources = {cell.id: cell.source for cell in tagged(nbformat.read(path, as_version=4), "solution")}
    ran = [cell for cell in code_cells(nbformat.read(executed, as_version=4)) if cell.source == sources.get(cell.id)]
    assert [cell.source for cell in ran if shows_nothing(cell)] == []


def test_solutions_that_nothing_runs_or_that_show_nothing_would_be_noticed():
    words = "**3.** Why?\n\n```{admonition} Solution\n:class: dropdown\nSo.\n```"
    solved = {"tags": ["hide-cell", "solution"], "mystnb": {"code_prompt_show": "Solution of exercise 3: code"}}
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell

    def wrong(*cells):
        return wrong_solutions(nbformat.v4.new_notebook(cells=cells))

    assert wrong(text(words), code("1", metadata=solved)) == []
    assert wrong(text(words.replace("So.", "~~~python\n1\n~~~"))) == [":class: dropdown\n~~~python\n1\n~~~"]
    assert wrong(text(words), code("1", metadata={**solved, "tags": ["solution"]})) == ["1"]
    assert wrong(text(words.replace("3", "4")), code("1", metadata=solved)) == ["1"]
    assert wrong(text("**3.** Why?"), code("1", metadata=solved)) == ["1"]
    record = nbformat.v4.new_output("display_data", {"application/papermill.record/text/plain": "1"})
    assert shows_nothing(code("1", outputs=[record]))
    assert not shows_nothing(code("1", outputs=[record, nbformat.v4.new_output("stream", text="1")]))
    assert not shows_nothing(code("1", outputs=[nbformat.v4.new_output("display_data", {"image/png": "aaaa"})]))


def test_a_solution_that_raises_is_named():
    path = NOTEBOOKS[0]
    (cell,) = [cell for cell in code_cells(nbformat.read(path, as_version=4)) if cell.id == "solution-3"]
    error = SimpleNamespace(source=cell.source, cell_index=99, ename="ValueError", evalue="no")
    assert build._explain(path, error).startswith(f"{path.name}, cell 100 (solution-3): ValueError: no\n")


OLD = rf"\b(?:ae|ae_toolkit)\.(?:{'|'.join(_moved.MODULES)}|networks\.own)\b"
OLD_IMPORT = rf"\bfrom ae_toolkit import (?:\w+, )*(?:{'|'.join(_moved.MODULES)})\b"


def test_only_names_of_today_are_used(notebook):
    for cell in notebook.cells:  # the text shows code, too
        assert not re.search(f"{OLD}|{OLD_IMPORT}", cell.source), cell.source


@pytest.mark.parametrize(
    "line",
    ["ae.losses.mean(x)", "from ae_toolkit.claims import settle", "from ae_toolkit import metrics, losses as l"],
)
def test_an_old_name_would_be_noticed(line):
    assert re.search(f"{OLD}|{OLD_IMPORT}", line)
    assert not re.search(f"{OLD}|{OLD_IMPORT}", "ae.networks.losses.mean; from ae_toolkit.book import claims")


def verdict_places(notebooks):
    """Return claim -> the labels of the sections in which the notebooks settle it."""
    places = {}
    for notebook in notebooks:
        section = None
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                section = (re.findall(r"^\((sec-[\d-]+)\)=", cell.source, re.MULTILINE) or [section])[-1]
            for claim in re.findall(r'\.settle\(\s*"(C\d\d)"', cell.source) if cell.cell_type == "code" else ():
                places.setdefault(claim, set()).add(section)
    return places


def paragraphs(notebook):
    """Return the notebook's paragraphs, each in one line."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [" ".join(paragraph.split()) for text in texts for paragraph in text.split("\n\n")]


def unsettled_without_a_word(notebook, places):
    """Return the claims that a notebook names and none settles, without saying that they are not yet settled."""
    found = paragraphs(notebook)
    named = {claim for paragraph in found for claim in re.findall(r"\bC\d\d\b", paragraph)} - set(places)
    said = {c for p in found if "not yet settled" in p for c in re.findall(r"\bC\d\d\b", p)}
    return sorted(named - said)


def wrong_places(notebook, places):
    """Return (claim, section) for each sentence that names a section which does not settle the claim."""
    pattern = r"\b(C\d\d)\b[^.()]*?\bsettled in \{ref\}`[^`]*?(sec-[\d-]+)>?`"
    said = [match for paragraph in paragraphs(notebook) for match in re.findall(pattern, paragraph)]
    return [(claim, section) for claim, section in said if section not in places.get(claim, ())]


PLACES = verdict_places([nbformat.read(path, as_version=4) for path in NOTEBOOKS])


def test_a_claim_that_nothing_settles_is_said_to_be_open(notebook):
    assert len(PLACES) >= 10
    assert unsettled_without_a_word(notebook, PLACES) == []


def test_a_verdict_is_where_a_sentence_says_it_is(notebook):
    assert wrong_places(notebook, PLACES) == []


def test_open_claims_and_wrong_places_would_be_noticed():
    text = "See C02 and C03.\n\nC02 is not\nyet settled. (C07, settled in {ref}`section 1 <sec-1-1>`;\n"
    text += "C07, settled in\n{ref}`sec-2-1-1`)"
    planted = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    assert unsettled_without_a_word(planted, {"C07": {"sec-2-1-1"}}) == ["C03"]
    assert wrong_places(planted, {"C07": {"sec-2-1-1"}}) == [("C07", "sec-1-1")]


def misplaced(places):
    """Return the claims that are settled nowhere, or twice, or outside the sections of the article that make them."""
    found = []
    for claim in article():
        expected = [f"sec-{section.replace('.', '-')}" for section in ae_map.sections_of(claim)]  # or below it
        settled = places.get(claim, set())
        if len(settled) != 1 or not any(next(iter(settled)).startswith(label) for label in expected):
            found.append(claim)
    return found


def test_each_claim_is_settled_once_and_in_a_section_that_makes_it():
    assert misplaced(PLACES) == []


def test_a_claim_without_its_place_would_be_noticed():
    assert misplaced({}) == list(article())
    assert misplaced({**PLACES, "C04": {"sec-1-2", "sec-3-2"}}) == ["C04"]
    assert misplaced({**PLACES, "C04": {"sec-6-2"}}) == ["C04"]


def test_every_claim_is_of_a_section_of_the_article():
    assert {section for claim in article() for section in ae_map.sections_of(claim)} <= set(ae_map.SECTIONS)


def test_every_section_of_the_article_has_a_label_and_only_one():
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "book").glob("*.md")]
    texts += ["\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells) for path in NOTEBOOKS]
    labels = [label for text in texts for label in re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)]
    for section in ae_map.SECTIONS:
        assert labels.count(ae_map.label(section)) == 1, section


def test_each_term_of_the_glossary_is_a_link_at_its_first_use(notebook):
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert terms.without_a_link(texts) == []


@pytest.mark.parametrize(("text", "linked"), [
    ("An encoder and an encoder.", "An {term}`encoder` and an encoder."),
    ("Two epochs.", "Two {term}`epochs <epoch>`."),
    ("PCA, not pca.", "{term}`PCA`, not pca."),
    ("# The encoder\n\n`encoder`, $encoder$, *encoder*, [encoder](a.md)", None),
    ("```python\nencoder = 1\n```", None),
    ("```{tip}\nNo.\n~~~python\nencoder = 1\n~~~\n```\n\n```{figure} a.svg\nAn encoder.\n```", None),
    ("```{tip}\n```\nAn encoder.\n```python\n1\n```", "```{tip}\n```\nAn {term}`encoder`.\n```python\n1\n```"),
    ("A variational autoencoder.", "A {term}`variational autoencoder`."),
    ("The {term}`Encoders <encoder>` and the encoder.", None),
    ("The hidden\nlayer.", "The {term}`hidden\nlayer <hidden layer>`."),
    ("The decoders' decoder", "The {term}`decoders <decoder>`' decoder"),
])  # fmt: skip
def test_what_is_a_plain_use_of_a_term(text, linked):
    assert bool(terms.without_a_link([text])) == (linked is not None)
    assert terms.link([text]) == [linked or text]
