"""Links to the glossary: each term is one at its first use in a chapter.

    python book/terms.py          names what lacks one, and exits with 1
    python book/terms.py --link   makes the first plain use in each chapter a link

A use within code, a formula, a heading, a table, a link or emphasis is no plain one.
"""

import argparse
import functools
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
#: Terms that are also everyday words, which no program can tell apart: an author links them where they are meant.
EVERYDAY = {
    "code",
    "collapse",
    "device",
    "inductive",
    "ladder",
    "parameter",
    "prior",
    "probe",
    "seed",
    "teacher",
    "tracing",
    "weight",
    "worker",
}

# A fence with what it holds; a box among them holds plain text, the others code, a figure or another directive.
_FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})(?P<kind>[^\n]*)\n(?P<body>.*?)^(?P=fence) *$", re.MULTILINE | re.DOTALL)
_BOX = re.compile(r"\{(?:admonition|note|tip|warning)\}")
# Formulas, headings, tables, options and labels hold no plain text either, and then, within a line, what follows.
_BLOCKS = re.compile(r"^\$\$.*?\$\$.*?$|^(?:#|\||:|\().*?$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(
    r"\{[\w:-]+\}`[^`]*`|`[^`]*`|\$[^$]*\$|\[[^\]]*\](?:\([^)]*\))?|\*\*.+?\*\*|\*[^*\n]+\*|<[^>]+>", re.DOTALL
)


@functools.cache
def glossary():
    """Return the glossary's terms, the longest first."""
    text = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
    body = text.partition("```{glossary}")[2].partition("\n```")[0]
    return sorted(re.findall(r"^(\S.*)\n  ", body, re.MULTILINE), key=lambda term: (-len(term), term))


def linked(texts):
    """Return the terms that texts link already, in lower case."""
    found = re.findall(r"\{term\}`(?:[^`<]*<)?([^`<>]+?)>?`", "\n".join(texts))
    return {" ".join(term.split()).lower() for term in found}


def plain_use(text, term):
    """Return the first plain use of a term in a text, as (begin, end), or None."""
    hidden = _FENCE.sub(_without_fence, text)
    for pattern in (_BLOCKS, _INLINE):
        hidden = pattern.sub(lambda match: _blank(match[0]), hidden)
    for longer in glossary():  # "variational autoencoder" is no use of "autoencoder"
        if term.lower() in longer.lower() and term != longer:
            hidden = re.sub(_pattern(longer), lambda match: "\0" * len(match[0]), hidden)
    found = re.search(_pattern(term), hidden)
    return found.span() if found else None


def _without_fence(match):
    """Return what a fence holds as it is if the fence is a box, and blank otherwise."""
    if not _BOX.match(match["kind"]):
        return _blank(match[0])
    begin, end = (at - match.start() for at in match.span("body"))
    return _blank(match[0][:begin]) + _FENCE.sub(_without_fence, match["body"]) + _blank(match[0][end:])


def _blank(text):
    return re.sub(r"[^\n]", "\0", text)


def _pattern(term):
    words = r"\s+".join(map(re.escape, term.split()))
    # Upper case counts in an abbreviation only; an "s" may follow.
    flags = "" if term.isupper() or term != term.lower() else "(?i)"
    return rf"{flags}(?<![\w-]){words}(?:s)?(?![\w-])"


def without_a_link(texts):
    """Return the terms that a chapter's texts use without linking them anywhere."""
    known = linked(texts)
    terms = [term for term in glossary() if term not in EVERYDAY and term.lower() not in known]
    return [term for term in terms if any(plain_use(text, term) for text in texts)]


def link(texts):
    """Return the texts with a link at the first plain use of each term that has none."""
    texts = list(texts)
    for term in without_a_link(texts):
        for place, text in enumerate(texts):
            if found := plain_use(text, term):
                begin, end = found
                shown = text[begin:end]
                target = f"{{term}}`{term}`" if shown == term else f"{{term}}`{shown} <{term}>`"
                texts[place] = text[:begin] + target + text[end:]
                break
    return texts


def main(argv=None):
    """Name or make the links that are missing; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--link", action="store_true", help="write them into the notebooks")
    arguments = parser.parse_args(argv)
    status = 0
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
        missing = without_a_link([cell.source for cell in cells])
        if missing and arguments.link:
            for cell, text in zip(cells, link([cell.source for cell in cells]), strict=True):
                cell.source = text
            nbformat.write(notebook, path)
        elif missing:
            print(f"{path.name}: no link at the first use of {', '.join(missing)}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
