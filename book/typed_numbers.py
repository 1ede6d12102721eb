"""Find results that were typed by hand: decimals, percentages, factors and scores in the book's text.

    python book/typed_numbers.py            # the chapters, and the pages of book/
    python book/typed_numbers.py FILE ...   # these files

A number that a run produced is inserted from that run, by ``{glue:text}``; typed, it would
stay as it is when the run changes. Prints ``file:line: number (advice)`` for each number that
looks like such a result, and exits with 1 if there is one. Of a page, its text is read; not
its code, formulas, roles, links and options, nor the boxes of what the article says. A
figure's caption and description are text, too.

These are no results, and are left alone:

- what a sentence with a citation says, since it is printed where the citation leads;
- a prediction, which is written before the run, and what an exercise asks, which is a task;
- a section's, a version's or a licence's number;
- what `ALLOWED` lists: settings, definitions and little examples, each with its reason.
"""

import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

import prose

ROOT = Path(__file__).resolve().parent.parent
ADVICE = "a typed result? insert it by {glue:text}, cite its source, or say in ALLOWED why nothing computes it"

_NUMBER = r"\d(?:[\d,]*\d)?(?:\.\d+)?"
_COUNT = rf"(?:{_NUMBER}|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|a\s+hundred)"
_SHARE = r"(?:half|(?:(?:a|one|two|three|four)\s+)?(?:third|quarter|fifth|tenth)s?)"
_SCORE = (
    r"(?:errors?|accurac(?:y|ies)|AUROC|NMI|ARI|precision|recall|distance|purity|silhouette|loss|losses|correlation|"
    r"divergence|likelihood|score|median|mean)"
)
_IS = r"(?:of|is|was|are|were|at|reach(?:es|ed)?|falls?\s+to|fell\s+to|rises?\s+to|rose\s+to|drops?\s+to|grows?\s+to)"
_ABOUT = r"(?:(?:only|about|nearly|almost|some|roughly|just)\s+)?"
#: What looks like a result.
RESULT = re.compile(
    "|".join((
        r"(?<![\w.,])[−-]?\d[\d,]*\.\d+(?![\d.]*\w)(?:\s?%)?",  # a decimal
        rf"\b{_COUNT}\s*(?:%|per\s?cent\b)",
        rf"\b{_COUNT}\s*±",
        rf"\b{_COUNT}(?:\s+(?:and|to|or)\s+{_COUNT})?\s+(?:nats|points|percentage\s+points|decibels)\b",
        rf"\b{_COUNT}\s+times\s+(?:as|more|less|larger|smaller|faster|slower|fewer|higher|lower)\b",
        rf"\b{_NUMBER}\s+(?:of|out\s+of|in)\s+(?:the\s+)?{_NUMBER}\b",  # 97 of 100
        rf"\b{_SCORE}\s+{_IS}\s+{_ABOUT}{_NUMBER}",
        rf"\b(?:errs?|erred)\s+by\s+{_ABOUT}{_NUMBER}",
        rf"\b(?:grew|rose|fell|sank|gained|lost|falls|rises|grows|loses|gains|more|less)\s+by\s+{_ABOUT}{_SHARE}\b",
    )),
    re.IGNORECASE,
)  # fmt: skip


class Allowed(NamedTuple):
    """A passage with numbers, as it stands, and why they are no results."""

    passage: str
    reason: str


#: Passages in single spaces. One that no page has any more is a finding of the tests.
ALLOWED = (
    Allowed("one nat is $1 / \\log 2$ bits, about 1.44", "the value of the formula beside it"),
    Allowed("of all images to which a classifier gives 0.9, nine in ten are right", "a definition, with an example"),
    Allowed("far better than chance, which would be about 0.1", "ten classes of about equal size"),
    Allowed("about 0.5 for a random code", "what the measure is defined to give"),
    Allowed("the convolutional one's is 0.005", "a setting"),
    Allowed("has the length $\\eta$, here 0.002", "a setting"),
    Allowed("Ten decibels more mean that the error is ten times smaller", "the definition of a decibel"),
    Allowed("an error of 0.01 and one of 7.84 may be the very same", "an example of units: 7.84 is 784 times 0.01"),
    Allowed("a saving of 2 %", "follows from the two formulas beside it"),
    Allowed("from 13.87", "printed by Hinton and Salakhutdinov, whom the section cites; the build asserts it"),
    Allowed("make the number 4 times as large", "the square of 2, by which differences grow"),
    Allowed("an average over pixels 784 times as small", "as many pixels as an image has"),
    Allowed("puts 4 or 16 times as many images into each step", "a setting"),
    Allowed("With batches 16 times as large", "a setting"),
    Allowed("a step is not 16 times as good", "the factor of the setting above"),
    Allowed("a standard deviation of 0.4", "a setting"),
    Allowed("a larger error than 95 % of the training images", "where the chapter puts its limit"),
    Allowed("with steps more than a hundred times as long", "a setting"),
    Allowed("the mean is 50.5, with logarithm 3.9; the logarithms are 0 and 4.6, with mean 2.3", "of 1 and 100"),
    Allowed("labels have reached 99 of 100 images", "the goal whose round is inserted from the run"),
    Allowed("(probability above 0.95)", "a setting"),
    Allowed("A classifier says 0.9", "an example"),
    Allowed("A coin would get 0.5", "by the definition of the AUROC"),
    Allowed("that asked for edges, it was 0.05", "a setting"),
    Allowed("the loss is the first term plus 0.1 times the second", "a setting"),
)  # fmt: skip

# Blocks that hold no text of ours: code, directives of data, formulas, what the article says.
_BLOCKS = re.compile(
    r"^(?P<fence>`{3,}|~{3,}|:{3,})"
    r"(?:(?!\{)|\{(?!admonition|note|tip|warning|figure|glossary)|\{admonition\} The article says).*?^(?P=fence) *$"
    r"|^\$\$.*?\$\$",
    re.MULTILINE | re.DOTALL,
)
_LINES = re.compile(r"^(?:[`~:]{3,}.*|:(?!alt)[\w-]+:.*|\([\w-]+\)=|#+ .*)$", re.MULTILINE)
_INLINE = re.compile(
    r"\{[\w:-]+\}`[^`]*`|``[^`]*``|`[^`]*`|\$[^$]*\$|\]\([^)]*\)|<[^>]+>|https?://\S+"
    r"|§+\s*[\d.]+|\b(?:sections?|chapters?)\s+\d+(?:\.\d+)*(?:(?:,|;|\s+and|\s+to)\s+\d+(?:\.\d+)+)*"
    r"|\b(?:Python|Keras|TensorFlow|NumPy|scikit-learn|PyTorch|CC\s+BY(?:-SA)?)\s+(?:up\s+to\s+)?\d+\.\d+"
    r"(?:(?:,|\s+to|\s+or)\s+\d+\.\d+)*",
    re.DOTALL,
)
_PREDICTION = re.compile(r"[*_]{1,2}(?:A |Two |Our )?Predictions?\b[^*_]*[*_]{1,2}")
_TASK = re.compile(r"\*\*\d+\.")
_CITATION = re.compile(r"\{cite(?::\w+)?\}`")
_SENTENCE_END = re.compile(r"(?<=[.!?:)])\s+(?=[A-Z*\[{(])|\n(?=[-|:] |\|)")


def findings(text):
    """Yield the line and the words of each typed result in a page's text.

    Parameters
    ----------
    text : str
        Markdown, as MyST reads it.

    Yields
    ------
    line : int
    words : str
    """
    shown = _shown(text)
    for paragraph in re.finditer(r"\S.*?(?=\n[ \t]*\n|\Z)", shown, re.DOTALL):
        predicted = _PREDICTION.search(paragraph[0])
        last = paragraph.start() + predicted.start() if predicted else paragraph.end()
        if _TASK.match(paragraph[0]):
            continue
        for start, end in _sentences(text, shown, paragraph.start(), last):
            if _CITATION.search(text, start, end):
                continue
            for found in RESULT.finditer(shown, start, end):
                if not _allowed(text, found):
                    yield text.count("\n", 0, found.start()) + 1, " ".join(found[0].split())


def _shown(text):
    """Return a text with all that is no text of ours blanked, in place."""
    for pattern in (_BLOCKS, _LINES, _INLINE):
        text = pattern.sub(lambda found: re.sub(r"[^\n]", "\0", found[0]), text)
    return text


def _sentences(text, shown, begin, last):
    """Yield the begin and end of each sentence between two places; what is blanked ends none."""
    for end in _SENTENCE_END.finditer(text, begin, last):
        if shown[end.start() - 1] != "\0":
            yield begin, end.start()
            begin = end.end()
    yield begin, last


def _allowed(text, found):
    around = " ".join(text[max(0, found.start() - 200) : found.end() + 200].split())
    number = " ".join(found[0].split())
    return any(number in entry.passage and entry.passage in around for entry in ALLOWED)


def check(path):
    """Return the line, the words and the advice for each finding in a page or a notebook.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    list of (int, str, str)
    """
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return [(line, words, ADVICE) for line, words in findings(source)]
    found = []
    for number, cell in enumerate(json.loads(source)["cells"], start=1):
        for text in _texts(cell):
            for _, words in findings(text):
                found.append((prose.line_of(source, cell, words), words, f"{ADVICE}; cell {number}"))
    return found


def _texts(cell):
    """Return a cell's text, or the caption and the description of its figure."""
    if cell["cell_type"] == "markdown":
        return ["".join(cell["source"])]
    own = cell["metadata"].get("mystnb", {})
    return [own.get("figure", {}).get("caption", ""), own.get("image", {}).get("alt", "")]


def files():
    """Return the pages on which a run's numbers stand: the chapters and the book's own pages."""
    return sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "book").rglob("*.md")])


def main(arguments):
    """Check the named files, or all; return the exit status."""
    return prose.report([Path(name).resolve() for name in arguments] or files(), check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
