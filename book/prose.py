"""Check the prose: words that the project's English avoids, in pages, notebooks, comments and strings.

    python book/prose.py            # everything that is written for a reader
    python book/prose.py FILE ...   # these files

Prints ``file:line: words (advice)`` for each finding and exits with 1 if there is one. Read
are all ``*.md`` files; of the notebooks the text, the comments and strings of their code,
and the descriptions of their figures; of the programs in `PROGRAMS` the comments and
strings, and with them the docstrings, and their ``*.json`` files.

The patterns are few, each with the reason why it is here. A pattern that is right in most
sentences and wrong in one is kept, and the sentence goes into `ALLOWED`.
"""

import io
import json
import re
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("ae_toolkit", "benchmarks", "book")
SKIPPED = {"_build", ".venv", "dist", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints", "shared", "node_modules"}

# What is counted, and what it is counted by.
_COUNTED = (
    r"numbers?|values?|images?|pictures?|photographs?|pixels?|seconds?|minutes?|ms|steps?|batch|batches|updates?|"
    r"epochs?|lines?|entry|entries|history|histories|codes?|labels?|weights?|neurons?|operations?|curves?|dots?|"
    r"bars?|rows?|columns?|points?|files?|samples?|bits?|bytes?|kB|MB|GB|kbit|Mbit|Gbit|gigabits?|"
    r"one|two|three|four|five|six|seven|eight|nine|ten|twelve|dozens?|hundreds?|thousands?|millions?|"
    r"once|twice|times|\d(?:[\d.,]*\d)?"
)
_UNITS = (
    r"image|picture|pixel|epoch|seed|second|minute|hour|step|batch|code|label|row|column|class|cluster|weight|group|"
    r"figure|page|curve|cell|number|neuron|block|file|call|channel|device|worker|model|training|run|layer|chapter"
)
# Before what is counted, one of these makes it an object: "gives each image a code".
_NOT_AFTER = "".join(rf"(?<!\b{word}\s)" for word in ("each", "every", "the", "this", "that", "its", "their"))
# After a unit, one of these begins a clause of its own: "a code an image has", "once an epoch is over".
_VERBS = (
    r"is|are|was|were|has|have|had|can|could|may|might|must|will|would|should|does|do|did|needs?|gives?|gets?|makes?|"
    r"takes?|sees?|shows?|holds?|keeps?|uses?|ends?|begins?|starts?|comes?|stands?|lies|costs?|brings?|asks?|looks?|that|which"
)


class Pattern(NamedTuple):
    """Words to avoid, and what to write instead."""

    words: re.Pattern
    advice: str


def _pattern(words, advice):
    return Pattern(re.compile(words, re.IGNORECASE), advice)


PATTERNS = (
    # The article as a distributive is good English and rare in print; readers take it for a typing error.
    _pattern(rf"{_NOT_AFTER}\b(?:{_COUNTED})\s+an?\s+(?:{_UNITS})\b(?!\s+(?:{_VERBS})\b)", "write 'per'"),
    # The field's words, not ours.
    _pattern(r"\bspoil(?:t|s|ed|ing)?\b", "write 'corrupt'"),
    _pattern(r"\bgo(?:es)?\s+on\s+where\s+(?:it|they)\s+(?:was|were|stopped)\b", "write 'resume'"),
)

# Sentences that a pattern finds and that are right, in lower case with single spaces, each with the words around.
ALLOWED: tuple[str, ...] = ()

_NO_TEXT = "\0"  # stands where a program's code was: text on both sides of it does not belong together


def findings(text):
    """Yield the line, the words and the advice for each place in a text that a pattern finds.

    Parameters
    ----------
    text : str
    """
    for pattern in PATTERNS:
        for found in pattern.words.finditer(text):
            around = " ".join(text[max(0, found.start() - 80) : found.end() + 80].lower().split())
            if not any(sentence in around for sentence in ALLOWED):
                yield text.count("\n", 0, found.start()) + 1, " ".join(found.group().split()), pattern.advice


def written_in(source):
    """Return a program with all but its comments and strings blanked, line by line.

    Comments that follow one another, and strings that Python would join, are separated by
    blanks only, so that a pattern finds words on both sides of a line's end.

    Parameters
    ----------
    source : str
    """
    lines = source.splitlines(keepends=True)
    kept = [["\n" if char == "\n" else " " if char.isspace() else _NO_TEXT for char in line] for line in lines]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _TEXT_TOKENS:
            _keep(kept, token)
    return "".join("".join(line) for line in kept)


_TEXT_TOKENS = {tokenize.COMMENT, tokenize.STRING} | {
    getattr(tokenize, name) for name in ("FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END") if hasattr(tokenize, name)
}  # since Python 3.12, an f-string is several tokens


def _keep(kept, token):
    text = re.sub(r"^#[#:!]*|^[a-zA-Z]{0,2}(?:\"\"\"|'''|[\"'])|(?:\"\"\"|'''|[\"'])$", _blanks, token.string)
    (row, column), rest = token.start, text.split("\n")
    for offset, line in enumerate(rest):
        begin = column if offset == 0 else 0
        kept[row - 1 + offset][begin : begin + len(line)] = line


def _blanks(found):
    return " " * len(found.group())


def check_program(source):
    """Return the findings in a program's comments and strings.

    Parameters
    ----------
    source : str
    """
    return list(findings(written_in(source)))


def check_notebook(source):
    """Return the findings in a notebook, with the lines of its file.

    Parameters
    ----------
    source : str
        The file's content, JSON.
    """
    found = []
    for number, cell in enumerate(json.loads(source)["cells"], start=1):
        text = "".join(cell["source"])
        alternative = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
        if cell["cell_type"] == "code":
            try:
                text = written_in(text)
            except (tokenize.TokenError, SyntaxError):  # notebooks know more than Python: then all of it
                pass
        for _, words, advice in (*findings(text), *findings(alternative)):
            found.append((line_of(source, cell, words), words, f"{advice}; cell {number}"))
    return found


def line_of(source, cell, words):
    """Return the line of a notebook's file on which words of a cell stand, or where the first of them does."""
    start = max(0, source.find(json.dumps(cell.get("id", ""))))
    for wanted in (words, words.split()[0]):
        place = source.find(wanted, start)
        if place >= 0:
            return source.count("\n", 0, place) + 1
    return source.count("\n", 0, start) + 1


def check(path):
    """Return the findings in one file.

    Parameters
    ----------
    path : pathlib.Path
    """
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        return check_notebook(source)
    return check_program(source) if path.suffix == ".py" else list(findings(source))


def files():
    """Return every file of the project that is written for a reader."""
    found = [path for suffix in ("md", "ipynb") for path in ROOT.rglob(f"*.{suffix}")]
    found += [path for folder in PROGRAMS for ending in ("py", "json") for path in (ROOT / folder).rglob(f"*.{ending}")]
    return sorted(path for path in found if not SKIPPED & set(path.relative_to(ROOT).parts))


def main(arguments):
    """Check the named files, or all; return the exit status."""
    return report([Path(name).resolve() for name in arguments] or files(), check)


def report(paths, check):
    """Print what a check finds in files, a line for each finding; return the exit status."""
    n_findings = 0
    for path in paths:
        for line, words, advice in check(path):
            shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            print(f"{shown}:{line}: {words} ({advice})")
            n_findings += 1
    return 1 if n_findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
