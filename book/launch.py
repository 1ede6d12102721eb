"""The launch program: from the executed book, a notebook per chapter that opens anywhere.

    python book/launch.py [--profile quick|full] [--wheel FILE] [--output FOLDER]

Writes into ``_build/launch``, or into FOLDER. Each notebook stands alone: its text is plain Markdown, its
diagrams are in it, its figures are there before anything runs, and its first cell installs
the toolkit. The publisher says from where, in the environment: ``BOOK_WHEEL_URL`` is the
address at which the wheel will be; its SHA-256 is that of the file of the same name in
``dist``, or of FILE. Without an address, the first cell explains how to install from a
checkout. With ``BOOK_SITE_URL``, references to other chapters lead to the site. If
anything of the book's own markup is left, nothing is written, and the places are named.
"""

import argparse
import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

import build
import nbformat
import resolve

FIRST_CELL = Path(__file__).with_name("first_cell.py")
#: A cell with one of these has code that the book's pages hide; here it is folded.
FOLDED = {"remove-cell", "remove-input", "hide-input", "hide-cell"}
#: Of what a cell has shown, what every notebook can show again.
SHOWN_TYPES = ("text/html", "text/markdown", "text/latex", "text/plain", "image/png", "image/jpeg", "image/svg+xml")
LARGEST = 5_000_000  # bytes; a notebook beyond this is slow to open

NOTICE = """**To run this notebook**, run all of its cells. The first one installs what they need.
`PROFILE`, in the next cell, says how much is computed: change it there. The figures that
are here already, and the numbers within the text, are those of the run that made the book,
with the profile `{profile}`; your run makes the figures and the verdicts anew."""


def main(argv=None):
    """Write the notebooks and print where they are; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--profile", default="quick", help="whose executed notebooks: quick or full")
    parser.add_argument("--wheel", default="", help="what will be at BOOK_WHEEL_URL; found in dist without this")
    parser.add_argument("--output", default=str(build.ROOT / "_build" / "launch"), help="a folder, which is replaced")
    arguments = parser.parse_args(argv)
    target = Path(arguments.output).resolve()
    try:
        first = first_cell(os.environ.get("BOOK_WHEEL_URL", ""), arguments.wheel)
        names = require_executed(arguments.profile)
        book = resolve.Book(build.ROOT, build.executed(arguments.profile), os.environ.get("BOOK_SITE_URL", ""))
        part = target.with_name(f"{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        problems = []
        for name in names:
            notebook, found = convert(book, name, first, arguments.profile)
            path = part / f"{Path(name).name}.ipynb"
            nbformat.write(notebook, path)
            problems += found + check(path)
        if problems:
            raise build.BuildError("\n".join(problems))
        shutil.rmtree(target, ignore_errors=True)
        os.replace(part, target)
    except (build.BuildError, OSError) as error:
        print(f"launch: FAILED: {error}", file=sys.stderr)
        return 1
    source = os.environ.get("BOOK_WHEEL_URL") or "a checkout"
    print(f"launch: {len(names)} notebooks in {target}, installing from {source}")
    return 0


def require_executed(profile):
    """Return the names of the chapters' notebooks, all of which have been executed as they are now."""
    if profile not in build.PROFILES:
        raise build.BuildError(f"expected PROFILE to be one of {sorted(build.PROFILES)}, got {profile!r}")
    for path in build.chapters():
        if build._made_by(build.executed(profile) / path.name).get("key") != build._key(path, profile):
            raise build.BuildError(
                f"{path.name} is not executed, or was before it changed: run `make book PROFILE={profile}` first"
            )
    return [path.relative_to(build.ROOT).with_suffix("").as_posix() for path in build.chapters()]


def first_cell(address, wheel=""):
    """Return the source of the cell that installs the toolkit from an address, or without one says how to.

    Parameters
    ----------
    address : str
        Where the wheel will be, its file name included; may be empty.
    wheel : str or path-like, default=""
        The file that will be there; without it, the file of that name in ``dist``.
    """
    version, digest = build.versions()["ae_toolkit"], ""
    if address:
        name = f"ae_toolkit-{version}-py3-none-any.whl"
        if not re.match(r"https?://.+/", address) or address.rsplit("/", 1)[1] != name:
            raise build.BuildError(
                f"expected BOOK_WHEEL_URL to be an http address that ends with /{name}, got {address}"
            )
        file = Path(wheel) if wheel else build.ROOT / "dist" / name
        if file.name != name or not file.is_file():
            raise build.BuildError(
                f"expected the wheel {name} that will be at BOOK_WHEEL_URL, found no {file}: "
                "make it with `.venv/bin/python -m pip wheel --no-deps --wheel-dir dist .`"
            )
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    source = FIRST_CELL.read_text(encoding="utf-8")
    for name, value in (("VERSION", version), ("WHEEL", address), ("SHA256", digest)):
        source = source.replace(f'\n{name} = ""\n', f'\n{name} = "{value}"\n')
    return source.rstrip("\n")


def convert(book, name, first, profile):
    """Return a chapter as a notebook that stands alone, and what could not be resolved in it.

    Parameters
    ----------
    book : resolve.Book
    name : str
        The notebook's name in the table of contents.
    first : str
        The source of the first cell.
    profile : str
        With which the book was executed.

    Returns
    -------
    notebook : nbformat.NotebookNode
    problems : list of str
    """
    document = book.documents[name]
    text = resolve.Text(book, document)
    cells = [_folded(nbformat.v4.new_code_cell(first, id="install"))]
    for number, kind, cell in document.cells():
        text.place = f"{Path(name).name}.ipynb, cell {number}"
        if kind == "markdown":
            cells += _text_cells(text.convert(cell.source), cell.id)
        elif kind == "code":
            cells += _code_cells(text, cell, profile)
    end = [nbformat.v4.new_markdown_cell(text.glossary(), id="terms")]
    end += [nbformat.v4.new_markdown_cell(text.references(), id="references")]  # the terms cite, too
    notebook = nbformat.v4.new_notebook(cells=[*cells, *(cell for cell in end if cell.source)])
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "colab": {"provenance": [], "toc_visible": True},
    }
    return nbformat.from_dict(notebook), text.problems


def _text_cells(pieces, identity):
    """Return the cells of a text's pieces: Markdown, and for each figure a folded cell that shows it."""
    cells = []
    for number, piece in enumerate(pieces):
        name = f"{identity}-{number}" if number else identity
        if isinstance(piece, str):
            cells.append(nbformat.v4.new_markdown_cell(piece, id=name))
            continue
        # Colab shows no SVG within a text, and neither an attachment; it shows whatever code displays.
        source = f"# @title A diagram\nfrom IPython.display import HTML\n\nHTML({resolve.image(piece)!r})"
        output = nbformat.v4.new_output("execute_result", {"text/html": resolve.image(piece), "text/plain": piece.alt})
        cells.append(_folded(nbformat.v4.new_code_cell(source, id=name, outputs=[output])))
        if piece.caption:
            cells.append(nbformat.v4.new_markdown_cell(piece.caption, id=f"{name}-caption"))
    return cells


def _code_cells(text, cell, profile):
    """Return a code cell without what only the book needs, with its caption behind it."""
    tags = set(cell.metadata.get("tags", []))
    if "injected-parameters" in tags:  # it would silently take back what a reader writes into the cell before it
        return []
    if "parameters" in tags:
        notice = nbformat.v4.new_markdown_cell(NOTICE.format(profile=profile), id="notice")
        parameters = nbformat.v4.new_code_cell(cell.source, id=cell.id, metadata={"tags": ["parameters"]})
        return [notice, parameters]
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    outputs = [] if tags & {"remove-cell", "remove-output"} else list(_shown(cell.outputs, tags, alt))
    plain = nbformat.v4.new_code_cell(cell.source, id=cell.id, outputs=outputs)
    if tags & FOLDED:
        _folded(plain)
    if tags & {"hide-output", "hide-cell"}:
        plain.metadata.setdefault("jupyter", {})["outputs_hidden"] = True
    caption = text.caption_of(cell)
    return [plain, *([nbformat.v4.new_markdown_cell(caption, id=f"{cell.id}-caption")] if caption else [])]


def _folded(cell):
    """Fold a cell's code, in JupyterLab and in Colab."""
    cell.metadata |= {"jupyter": {"source_hidden": True}, "cellView": "form"}
    return cell


def _shown(outputs, tags, alt):
    """Yield of a cell's outputs what a reader can see, pictures with their alternative text."""
    for output in outputs:
        if output.output_type == "stream":
            if f"remove-{output.name}" not in tags:
                yield output
        elif output.output_type in ("display_data", "execute_result"):
            data = {kind: output.data[kind] for kind in SHOWN_TYPES if kind in output.data}
            if data:
                yield nbformat.v4.new_output(output.output_type, _described(data, output.metadata, alt))


def _described(data, metadata, alt):
    """Return an output's data with its picture as HTML, which can say what it shows.

    Besides, JupyterLab shows an SVG picture of a notebook that it did not run only this way.
    """
    kind = next((kind for kind in ("image/svg+xml", "image/png") if kind in data), None)
    if kind is None:
        return data
    content = data[kind] if isinstance(data[kind], str) else "".join(data[kind])
    if kind == "image/svg+xml":
        figure = resolve.Figure(alt, resolve.address_of(content.encode(), kind))
    else:
        figure = resolve.Figure(alt, f"data:{kind};base64,{''.join(content.split())}")
    width = metadata.get(kind, {}).get("width")
    return {"text/html": resolve.image(figure, width), "text/plain": alt or data.get("text/plain", "a figure")}


def check(path):
    """Return, with its place, all that is left of the book's markup in a notebook, and whether it is too large."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    problems = []
    for number, cell in enumerate(notebook.cells, start=1):
        texts = [cell.source] if cell.cell_type == "markdown" else []
        texts += [output.get("data", {}).get("text/markdown", "") for output in cell.get("outputs", [])]
        for text in texts:
            found = resolve.leftovers(text, build.ROOT)
            problems += [f"{path.name} as written, cell {number}: {what} is left" for what in found]
    if path.stat().st_size > LARGEST:
        problems.append(f"{path.name} would have {path.stat().st_size:,} bytes, more than {LARGEST:,}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
