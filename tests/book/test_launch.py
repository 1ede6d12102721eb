"""The launch notebooks: no markup of the book left, nothing needed but the notebook, a first cell that is careful."""

import ast
import contextlib
import hashlib
import io
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path

import build
import launch
import nbformat
import pytest
import resolve
import site_reader

ROOT = Path(__file__).resolve().parents[2]
CODE, TEXT = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="3"/></svg>'


def glue(name, text):
    prefix = "application/papermill.record/"
    note = {"scrapbook": {"name": name, "mime_prefix": prefix}}
    return nbformat.v4.new_output("display_data", {f"{prefix}text/plain": text}, metadata=note)


def drawing(name, caption, kind="image/svg+xml", **more):
    """A code cell that has drawn something, with a caption."""
    described = {"image": {"alt": f"What {name} shows."}, "figure": {"caption": caption, "name": name}}
    output = nbformat.v4.new_output("display_data", {kind: SVG, "text/plain": "<Figure size 1x1>"}, metadata=more)
    return CODE("draw()", metadata={"mystnb": described}, outputs=[output])


CHAPTER_ONE = [
    TEXT("(chapter-one)=\n# The first\n\nText."),
    CODE('PROFILE = "quick"  # or "full"', metadata={"tags": ["parameters", "remove-cell"]}),
    CODE('# Parameters\nPROFILE = "full"', metadata={"tags": ["injected-parameters", "remove-cell"]}),
    CODE(
        "run.glue()",
        metadata={"tags": ["remove-cell"]},
        outputs=[
            glue("error", "14.6 ± 0.2"),
            glue("many", "'50,826'"),
            glue("share", "0.51234"),
            glue("odd", "a*b < c"),
        ],
    ),
    TEXT("(sec-1-1)=\n(sec-again)=\n## A section\n\n$$L = 1$$ (eq-loss)\n\n(sec-1-1-1)=\n### Below it\n\n## Another"),
    TEXT(
        "```{figure} ../book/diagrams/glass.svg\n:name: fig-glass\n:alt: Two cones: a wide one, a narrow one.\n\n"
        "The *caption*, from {cite}`pearson1901lines`.\n```\n"
    ),
    drawing("fig-01-curve", "A curve of $x$."),
]
CHAPTER_TWO = [
    TEXT("(chapter-two)=\n# The second\n\n(sec-2-1)=\n## Its section"),
    drawing("fig-02-curve", "Another curve."),
    TEXT("$$a$$ (eq-two)"),
]


@pytest.fixture
def folder(tmp_path):
    """The source of a small book of two numbered chapters, an appendix and a glossary, with its executed notebooks."""
    for name in ("book/diagrams", "notebooks", "executed"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nparts:\n"
        "  - {caption: I, numbered: true, chapters: [{file: notebooks/one}, {file: notebooks/two}]}\n"
        "  - {caption: II, chapters: [{file: notebooks/extra}, {file: notebooks/more}, {file: book/notation}]}\n"
    )
    (tmp_path / "book" / "index.md").write_text("(home)=\n# A book\n\n```{bibliography}\n:all:\n```\n")
    (tmp_path / "book" / "notation.md").write_text(
        "# Notation\n\n```{glossary}\ncode\nlatent vector\n  What an {term}`encoder` makes\n"
        "  {cite}`hinton2006reducing`.\n\nencoder\n  A network.\n```\n"
    )
    (tmp_path / "book" / "table.txt").write_text("| a | {glue:text}`error` |\n|---|---|\n")
    (tmp_path / "book" / "diagrams" / "glass.svg").write_text(SVG)
    notebooks = {
        "one": CHAPTER_ONE, "two": CHAPTER_TWO,
        "extra": [TEXT("(chapter-extra)=\n# Extra"), drawing("fig-extra", "One.")],
        "more": [TEXT("# More"), drawing("fig-more", "Two.")],
    }  # fmt: skip
    for name, cells in notebooks.items():
        cells = [nbformat.from_dict(cell) for cell in cells]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "executed" / f"{name}.ipynb")
    return tmp_path


@pytest.fixture
def book(folder):
    return resolve.Book(folder, folder / "executed")


def plain(book, source, name="notebooks/one"):
    """Return a text of the first chapter as Markdown, and what could not be resolved."""
    text = resolve.Text(book, book.documents[name])
    text.place = "one.ipynb, cell 7"
    return "\n\n".join(piece if isinstance(piece, str) else piece.alt for piece in text.convert(source)), text


# ----------------------------------------------------------------------------- markup


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("An error of {glue:text}`error`.", "An error of 14.6 ± 0.2."),
        ("{glue:text}`many` images, {glue:text}`share:.2f`", "50,826 images, 0.51"),
        ("{glue:text}`odd`", r"a\*b &lt; c"),
        ("See {ref}`sec-1-1`.", "See *1.1 A section*."),
        ("See {ref}`sec-again`.", "See *1.1 A section*."),
        ("See {ref}`sec-1-1-1`.", "See *1.1.1 Below it*."),
        ("See {ref}`section\n2.1 <sec-2-1>`.", "See section 2.1."),
        ("See {ref}`chapter-extra` and {ref}`home`.", "See *Extra* and *A book*."),
        ("See {doc}`../book/notation`.", "See *Notation*."),
        ("In {numref}`fig-glass` and {numref}`fig-01-curve`", "In Figure 1.1 and Figure 1.2"),
        ("{numref}`Picture %s <fig-02-curve>`, {numref}`fig-more`", "Picture 2.1, Figure 2"),
        ("{numref}`sec-2-1`", "Section 2.1"),
        ("By {eq}`eq-loss` and {eq}`eq-two`", "By (1.1) and (2.1)"),
        ("A {term}`code`, {term}`codes <code>`, {term}`Latent vector`", "A code, codes, Latent vector"),
        (
            "Old {cite}`rumelhart1986learning,bourlard1988auto`",
            "Old (Rumelhart et al., 1986; Bourlard and Kamp, 1988)",
        ),
        ("{cite:t}`hinton2006reducing` say", "Hinton and Salakhutdinov (2006) say"),
        ("{class}`~ae_toolkit.Autoencoder` or {py:func}`ae.save`", "`Autoencoder` or `ae.save`"),
        ("{math}`x_1` of {ae-count}`settled`", "$x_1$ of 0"),
        ("`{ref}` and `` {term}`x` `` stay, $a_{b}`$ too", "`{ref}` and `` {term}`x` `` stay, $a_{b}`$ too"),
        ("(sec-new)=\n## Heading {term}`code`", "## 1.1 Heading code"),
        ("a\n% a comment\n\n+++\n\nb", "a\n\n\nb"),
        ("$$\na &= b \\\\\nc &= d\n$$ (eq-new)", r"$$\begin{split}a &= b \\ c &= d\end{split} \tag{1.1}$$"),
        ("$$\na\n$$", "$$a$$"),
        ("```{math}\n:label: eq-new\na\nb\n```", r"$$a b \tag{1.1}$$"),
        ("Text $a\nb$.", "Text $a b$."),
        (":::{admonition} What {term}`code` is\n:class: tip\n- a\n- b\n:::", "> **What code is**\n>\n> - a\n> - b"),
        ("```{note}\nRead {eq}`eq-loss`.\n```", "> **Note**\n>\n> Read (1.1)."),
        (":::{warning}\nHot.\n:::", "> **Warning**\n>\n> Hot."),
        (
            "````{admonition} Solution\n:class: dropdown\n```python\na = {'{ref}`x`'}\n```\nDone, {term}`code`.\n````",
            "<details>\n<summary>Solution</summary>\n\n```python\na = {'{ref}`x`'}\n```\nDone, code.\n\n</details>",
        ),
        ("````{note}\n```{tip}\nx\n```\n````", "> **Note**\n>\n> > **Tip**\n> >\n> > x"),
        ("- one\n  ```{note}\n  {term}`code`\n  ```\n- two", "- one\n  > **Note**\n  >\n  > code\n- two"),
        ("> A {term}`code`\n> $$a$$", "> A code\n> $$a$$"),
        ("| {term}`code` | {glue:text}`error` |\n|---|---|", "| code | 14.6 ± 0.2 |\n|---|---|"),
        ("Word\n: What {term}`code`\n  means", "- **Word**: What code\n  means"),
        ("```{include} ../book/table.txt\n```", "| a | 14.6 ± 0.2 |\n|---|---|"),
        ("```{code-block} python\nx = 1\n```", "```python\nx = 1\n```"),
        ("```shell\nmake {ref}`x`\n```", "```shell\nmake {ref}`x`\n```"),
    ],
)  # fmt: skip
def test_each_role_and_directive_becomes_plain_markdown(book, source, shown):
    found, text = plain(book, source)
    assert found == shown
    assert text.problems == []
    assert resolve.leftovers(found, ROOT) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{glue:text}`nothing`", "no cell glues 'nothing'"),
        ("{ref}`sec-9`", "no section or figure has the label 'sec-9'"),
        ("{numref}`eq-loss`", "no figure or section has the label 'eq-loss'"),
        ("{numref}`chapter-extra`", "'chapter-extra' has no number"),
        ("{eq}`sec-1-1`", "no equation has the label 'sec-1-1'"),
        ("{term}`nonsense`", "the glossary has no term 'nonsense'"),
        ("{cite}`nobody2020`", "the bibliography has no entry 'nobody2020'"),
        ("{doc}`nowhere`", "no page 'nowhere'"),
        ("{sparkle}`x`", "the role {sparkle}`x`"),
        ("```{sparkle} x\n```", "the directive {sparkle} x"),
        ("```{figure} ../book/diagrams/none.svg\n```", "expected a file ../book/diagrams/none.svg"),
        ("- ```{figure} ../book/diagrams/glass.svg\n  :alt: A.\n  ```", "a figure within a list or a box: A."),
        ("````{note}\n```{figure} ../book/diagrams/glass.svg\n:alt: A.\n```\n````", "a figure within a list or a box"),
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_named_with_its_place(book, source, said):
    _, text = plain(book, f"Text.\n\n{source}")
    (problem,) = text.problems
    assert problem.startswith("one.ipynb, cell 7: ")
    assert said in problem


@pytest.mark.parametrize(
    "source",
    [
        "{ref}`x`", "(sec-1)=\n# A", "```{note}\n```", ":::{note}\n:::", "% comment", "$$a$$ (eq-a)", "{{ name }}",
        "Word\n: text", "[a](../book/notation.md)", "![a](attachment:a.svg)", '<img src="a.png">', "[a](#sec-1)",
    ],
)  # fmt: skip
def test_what_is_left_is_noticed(source):
    assert resolve.leftovers(f"Text.\n\n{source}", ROOT) != []


def test_with_a_site_other_pages_are_links(folder):
    book = resolve.Book(folder, folder / "executed", site="https://example.org/book/")
    found, _ = plain(book, "{ref}`sec-1-1`, {ref}`there <sec-2-1>`, {doc}`../book/notation`, {eq}`eq-two`")
    assert found == (
        "*1.1 A section*, [there](https://example.org/book/notebooks/two.html#sec-2-1), "
        "[*Notation*](https://example.org/book/book/notation.html), "
        "[(2.1)](https://example.org/book/notebooks/two.html#equation-eq-two)"
    )


# -------------------------------------------------------------------------- notebooks


@pytest.fixture
def one(book):
    notebook, problems = launch.convert(book, "notebooks/one", "install()", "quick")
    assert problems == []
    nbformat.validate(notebook)
    return notebook.cells


def test_the_parameters_are_there_to_be_edited(one):
    (place,) = [number for number, cell in enumerate(one) if "PROFILE =" in cell.source]
    assert one[place].source.startswith('PROFILE = "quick"')
    assert one[place].metadata == {"tags": ["parameters"]}
    assert one[place - 1].cell_type == "markdown"
    assert "with the profile `quick`" in one[place - 1].source


def test_plumbing_is_folded_and_shows_nothing(one):
    (cell,) = [cell for cell in one if cell.source == "run.glue()"]
    for folded in (one[0], cell):
        assert folded.metadata == {"jupyter": {"source_hidden": True}, "cellView": "form"}
    assert cell.outputs == []


def test_a_diagram_needs_no_file_and_has_a_caption(one):
    (place,) = [number for number, cell in enumerate(one) if cell.source.startswith("# @title A diagram")]
    cell, caption = one[place], one[place + 1]
    assert cell.metadata.cellView == "form"
    shown = cell.outputs[0].data["text/html"]
    assert shown.startswith('<img alt="Two cones: a wide one, a narrow one." src="data:image/svg+xml;base64,')
    assert caption.source == "*Figure 1.1.* The *caption*, from (Pearson, 1901)."
    names = {}
    exec(cell.source.replace("\nHTML(", "\nshown = HTML("), names)
    assert names["shown"].data == shown


def test_a_figure_keeps_its_picture_its_description_and_its_caption(one):
    (place,) = [number for number, cell in enumerate(one) if cell.source == "draw()"]
    data = one[place].outputs[0].data
    assert set(data) == {"text/html", "text/plain"}
    assert data["text/plain"] == "What fig-01-curve shows."
    assert 'alt="What fig-01-curve shows."' in data["text/html"]
    assert one[place].metadata == {}
    assert one[place + 1].source == "*Figure 1.2.* A curve of $x$."


def test_what_is_cited_is_listed_at_the_end(one):
    assert one[-1].source.startswith("## References\n\n- Karl Pearson")
    assert one[-1].source.count("\n- ") == 1


def test_terms_are_explained_with_their_own_citations(folder):
    path = folder / "executed" / "two.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(TEXT("A {term}`latent vector`."))
    nbformat.write(notebook, path)
    cells = launch.convert(resolve.Book(folder, folder / "executed"), "notebooks/two", "", "quick")[0].cells
    assert cells[-2].source == (
        "## Terms used here\n\n- **code**: What an encoder makes\n  (Hinton and Salakhutdinov, 2006)."
    )
    assert "Reducing the dimensionality" in cells[-1].source


def test_streams_that_the_book_removes_are_removed(book):
    outputs = [nbformat.v4.new_output("stream", name=name, text=name) for name in ("stdout", "stderr")]
    cell = CODE("x", outputs=outputs, metadata={"tags": ["remove-stderr", "hide-input", "hide-output"]})
    (shown,) = launch._code_cells(resolve.Text(book, book.documents["notebooks/one"]), cell, "quick")
    assert [output.name for output in shown.outputs] == ["stdout"]
    assert shown.metadata.jupyter == {"source_hidden": True, "outputs_hidden": True}


EXECUTED = build.executed("quick")


@pytest.fixture(scope="module")
def real():
    """The book itself, as it was executed last."""
    if not list(EXECUTED.glob("*.ipynb")):
        pytest.skip("nothing executed yet: run `make book` first")
    return resolve.Book(ROOT, EXECUTED)


@pytest.mark.slow
def test_the_program_writes_every_chapter_or_says_what_to_run(tmp_path, monkeypatch, capsys, real):
    # As a program: with IPython loaded, as it is here, the versions are not those of the build.
    program = [sys.executable, ROOT / "book" / "launch.py", "--output", tmp_path / "launch"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{len(build.chapters())} notebooks in" in done.stdout
    written = sorted(tmp_path.glob("launch/*.ipynb"))
    assert [path.name for path in written] == sorted(path.name for path in build.chapters())
    for path in written:
        assert path.stat().st_size < launch.LARGEST
        assert "application/papermill" not in path.read_text(encoding="utf-8")
    monkeypatch.setattr(build, "executed", lambda profile: tmp_path / "nothing")
    assert launch.main(["--output", str(tmp_path / "launch")]) == 1
    assert "run `make book PROFILE=quick` first" in capsys.readouterr().err
    assert sorted(tmp_path.glob("launch/*.ipynb")) == written


def test_markup_that_is_left_fails_and_writes_nothing(tmp_path, monkeypatch, capsys, folder):
    path = folder / "executed" / "two.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells += [TEXT("A {sparkle}`x`."), TEXT("[a](../x.md)")]
    nbformat.write(notebook, path)
    monkeypatch.setattr(build, "ROOT", folder)
    monkeypatch.setattr(build, "executed", lambda profile: folder / "executed")
    monkeypatch.setattr(launch, "require_executed", lambda profile: ["notebooks/one", "notebooks/two"])
    assert launch.main(["--output", str(tmp_path / "launch")]) == 1
    said = capsys.readouterr().err
    assert "two.ipynb, cell 4: the role {sparkle}`x`" in said
    assert re.search(r"two\.ipynb as written, cell \d+: the file '\.\./x\.md' is left", said)
    assert "one.ipynb" not in said
    assert not (tmp_path / "launch").exists()


@pytest.mark.slow
@pytest.mark.skipif(not site_reader.SITE.is_dir(), reason="no built site: run `make book` first")
def test_numbers_are_those_of_the_site(real):
    compared = {"section": 0, "figure": 0, "equation": 0}
    for label, target in real.targets.items():
        path = site_reader.SITE / f"{target.document}.html"
        if not target.number or not path.is_file():
            continue
        place = site_reader.page(path).find(id=target.anchor)
        assert place is not None, label
        numbers = {
            "section": lambda place: (place if place.name == "section" else place.parent).select_one(".section-number"),
            "figure": lambda place: place.select_one(".caption-number"),
            "equation": lambda place: place.select_one(".eqno"),
        }
        number = numbers[target.kind](place)
        assert re.search(r"[\d.]*\d", number.get_text())[0] == target.number, label
        compared[target.kind] += 1
    assert compared["section"] > 30
    assert compared["equation"] > 10


# -------------------------------------------------------------------------- first cell


@pytest.fixture
def served():
    """An address that answers with the content of a wheel, and the content."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path.endswith(".whl") else 404)
            self.end_headers()
            self.wfile.write(b"a wheel")

        def log_message(self, *values):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def first_cell(address="", content=b"a wheel", version="9.9.9"):
    source = launch.FIRST_CELL.read_text()
    for name, value in (("VERSION", version), ("WHEEL", address), ("SHA256", hashlib.sha256(content).hexdigest())):
        assert source.count(f'\n{name} = ""\n') == 1
        source = source.replace(f'\n{name} = ""\n', f'\n{name} = "{value}"\n')
    return source


@pytest.fixture
def pip(monkeypatch):
    """No package is installed and no toolkit is there; what pip would have been asked is kept."""
    calls = []
    answer = subprocess.CompletedProcess([], 0, "", "")

    def run(command, **options):
        wheel = Path(command[-1].split("[")[0])
        calls.append((command, wheel.name, wheel.read_bytes()))
        return answer

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(metadata, "version", lambda name: calls.version)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delitem(sys.modules, "ae_toolkit", raising=False)

    class Calls(list):
        version = "0.0.1"

    calls = Calls()
    calls.answer = answer
    return calls


def refusal(source):
    """Run a first cell as Jupyter does, and return what a reader sees."""
    from IPython.core.interactiveshell import InteractiveShell

    shell, seen = InteractiveShell(), io.StringIO()
    with contextlib.redirect_stdout(seen), contextlib.redirect_stderr(seen):
        result = shell.run_cell(source)
    assert type(result.error_in_exec).__name__ == "NotInstalledError"
    (line,) = [line for line in seen.getvalue().splitlines() if line.strip()]
    assert line == str(result.error_in_exec)
    assert line.count(". ") == 0  # one sentence
    return line


def test_the_wheel_is_installed_as_the_file_it_is(served, pip):
    exec(first_cell(f"{served}/ae_toolkit-9.9.9-py3-none-any.whl"), {})
    ((command, name, content),) = pip
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert name == "ae_toolkit-9.9.9-py3-none-any.whl"
    assert content == b"a wheel"
    assert command[-1].endswith(f"/{name}[clustering,data]")
    assert not Path(command[-1].removesuffix("[data]")).exists()  # nothing is left behind


def test_tensorflow_is_installed_where_it_is_missing(served, pip, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorflow" else found(name))
    exec(first_cell(f"{served}/ae_toolkit-9.9.9-py3-none-any.whl"), {})
    assert pip[0][0][-1].endswith(".whl[clustering,data,tensorflow]")


def test_a_toolkit_of_this_version_is_left_alone(pip):
    pip.version = "9.9.9"
    exec(first_cell("http://127.0.0.1:9/never-asked.whl"), {})
    assert pip == []


def test_a_wrong_digest_stops_before_pip(served, pip):
    said = refusal(first_cell(f"{served}/ae_toolkit-9.9.9-py3-none-any.whl", content=b"another wheel"))
    assert hashlib.sha256(b"another wheel").hexdigest() in said
    assert hashlib.sha256(b"a wheel").hexdigest() in said
    assert pip == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x.whl", "{served}/gone", "nonsense"])
def test_a_silent_address_is_named(served, pip, address):
    address = address.format(served=served)
    assert refusal(first_cell(address)).startswith(f"Nothing was installed: the address {address} does not answer (")
    assert pip == []


def test_an_old_python_is_refused_and_can_read_the_cell(served, pip, monkeypatch):
    source = first_cell(f"{served}/ae_toolkit-9.9.9-py3-none-any.whl")
    ast.parse(source, feature_version=(3, 7))
    names = {}
    exec(source.removesuffix("provide()\n"), names)
    monkeypatch.setattr(names["sys"], "version_info", (3, 10, 12))
    with pytest.raises(names["NotInstalledError"], match=r"needs Python 3\.11 or newer, and this is Python 3\.10\.$"):
        names["provide"]()
    assert pip == []


def test_without_an_address_a_checkout_is_explained(pip):
    said = refusal(first_cell())
    assert f'"{sys.executable}" -m pip install ".[tensorflow,clustering,data]"' in said
    assert "version 9.9.9 is needed" in said
    assert pip == []


def test_a_version_that_pip_cannot_find_is_named(served, pip):
    pip.answer.returncode = 1
    pip.answer.stderr = "WARNING: slow\nERROR: No matching distribution found for mlxtend>=0.23\n\n[notice] new pip\n"
    said = refusal(first_cell(f"{served}/ae_toolkit-9.9.9-py3-none-any.whl"))
    assert said == (
        "Nothing was installed: pip could not install what the toolkit needs "
        "(No matching distribution found for mlxtend>=0.23)."
    )


def test_a_toolkit_that_is_in_use_needs_a_restart(served, pip, monkeypatch):
    monkeypatch.setitem(sys.modules, "ae_toolkit", object())
    said = refusal(first_cell(f"{served}/ae_toolkit-9.9.9-py3-none-any.whl"))
    assert said == "Version 9.9.9 of the toolkit is installed now: restart the kernel to use it."


def test_the_publisher_gives_an_address_of_an_exact_version(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    version = build.versions()["ae_toolkit"]
    name = f"ae_toolkit-{version}-py3-none-any.whl"
    address = f"https://example.org/book/{name}"
    for wrong in ("https://example.org/ae_toolkit.whl", f"ftp://example.org/{name}", f"https://example.org/x-{name}"):
        with pytest.raises(build.BuildError, match=f"expected BOOK_WHEEL_URL to be .* ends with /{name}, got {wrong}"):
            launch.first_cell(wrong)
    with pytest.raises(build.BuildError, match=f"expected the wheel {name} .*: make it with"):
        launch.first_cell(address)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / name).write_bytes(b"a wheel")
    source = launch.first_cell(address)
    assert (
        f'\nVERSION = "{version}"\nWHEEL = "{address}"\nSHA256 = "{hashlib.sha256(b"a wheel").hexdigest()}"\n' in source
    )


def test_the_first_cell_asks_an_index_for_no_name_of_ours():
    words = [
        node.value for node in ast.walk(ast.parse(launch.FIRST_CELL.read_text())) if isinstance(node, ast.Constant)
    ]
    texts = [word for word in words if isinstance(word, str)]
    assert [word for word in texts if "ae-toolkit" in word] == ["ae-toolkit"]  # whose version is looked up, no more
    assert "install" in texts
