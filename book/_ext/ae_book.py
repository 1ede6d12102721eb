"""What the book adds to Sphinx: the ledger of claims, a colophon on each page, local MathJax.

The ledger and the colophons are made from the executed notebooks, which MyST-NB leaves
in the folder ``jupyter_execute`` beside the site, whoever executed them.
"""

import importlib.util
import json
import shutil
from pathlib import Path

from ae_tables import table
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.util import logging

from ae_toolkit.book import words
from ae_toolkit.book.chapter import COLOPHON_MIME_TYPE, describe
from ae_toolkit.book.claims import MIME_TYPE, VERDICTS, article, describe_prediction

logger = logging.getLogger(__name__)

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
# Of that package, what a page asks for: TeX in, HTML out, its fonts, the reader's menu and speech.
MATHJAX_PARTS = ("tex-chtml.js", "input/tex", "output/chtml", "a11y", "sre", "ui")


class ledger(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes in lower case)
    """Stands where the table of claims goes."""


class count(nodes.Inline, nodes.Element):  # noqa: N801 (as above)
    """Stands where a number of claims goes."""


class LedgerDirective(Directive):
    """``{ae-ledger}``: the table of all claims with their verdicts."""

    def run(self):
        return [ledger()]


def count_role(name, rawtext, text, lineno, inliner, options=None, content=None):
    """``{ae-count}`settled```: how many claims there are, are settled, or have a verdict."""
    if text not in ("claims", "settled", *VERDICTS):
        message = inliner.reporter.error(f"ae-count: expected claims, settled or a verdict, got {text!r}", line=lineno)
        return [inliner.problematic(rawtext, rawtext, message)], [message]
    return [count(what=text)], []


def collect(app, env):
    """Read every verdict and colophon from the executed notebooks, once all pages are read."""
    verdicts, cells, colophons = {}, {}, {}
    for docname in sorted(env.found_docs):
        path = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"
        if not Path(env.doc2path(docname)).suffix == ".ipynb" or not path.is_file():
            continue
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                if MIME_TYPE in data:
                    record = data[MIME_TYPE]
                    if record["claim"] in verdicts:
                        logger.warning("claim %s is settled twice", record["claim"], location=docname)
                    verdicts[record["claim"]], cells[record["claim"]] = (docname, record), cell["id"]
                if COLOPHON_MIME_TYPE in data:
                    colophons[docname] = data[COLOPHON_MIME_TYPE]
        if docname not in colophons:
            logger.warning("a chapter ends with its colophon; this one has none", location=docname)
    env.ae_verdicts, env.ae_cells, env.ae_colophons = verdicts, cells, colophons
    # The ledger and the map depend on all chapters, so they are written whenever anything is.
    return [docname for docname in env.found_docs if docname.endswith(("ledger", "map"))]


def resolve(app, doctree, docname):
    """Put the table, the counts and, on a page without code, the book's colophon in place."""
    verdicts = app.env.ae_verdicts
    counts = {"claims": len(article()), "settled": len(verdicts)}
    for verdict in VERDICTS:
        counts[verdict] = sum(record["verdict"] == verdict for _, record in verdicts.values())
    for node in list(doctree.findall(count)):
        node.replace_self(nodes.Text(str(counts[node["what"]])))
    for cell in doctree.findall(nodes.entry):
        keep_spread_with_mean(cell)
    for node in list(doctree.findall(ledger)):
        node.replace_self(_table(app, docname, verdicts))
    if docname not in app.env.ae_colophons and app.env.ae_colophons:
        paragraph = nodes.paragraph("", _book_colophon(app.env.ae_colophons), classes=["ae-colophon"])
        (doctree.next_node(nodes.section) or doctree).append(paragraph)


def keep_spread_with_mean(cell):
    """Let no line of a table's cell end before or behind the sign in "0.47 ± 0.01"."""
    for text in list(cell.findall(nodes.Text)):
        if " ± " in text:
            text.parent.replace(text, nodes.Text(text.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")))


def _book_colophon(colophons):
    records = list(colophons.values())
    seeds = sorted({seed for record in records for seed in record["seeds"]})
    total = round(sum(record["seconds"] for record in records), 1)
    return describe({**records[0], "seeds": seeds, "seconds": total}, chapters=len(records))


def _table(app, docname, verdicts):
    return table("ae-ledger", (10, 15, 75), words.LEDGER_COLUMNS, [
        _cells(app, docname, verdicts, claim, entry) for claim, entry in article().items()
    ])  # fmt: skip


def _cells(app, docname, verdicts, claim, entry):
    """Return a claim's number, its verdict, and what it says and what was seen."""
    says = nodes.paragraph("", words.LEDGER_CLAIM.format(**entry))
    if claim not in verdicts:
        return claim, [_line(nodes.emphasis("", words.NOT_YET_SETTLED))], [says]
    chapter, record = verdicts[claim]
    address = f"{app.builder.get_relative_uri(docname, chapter)}#claim-{claim}"
    link = nodes.reference("", claim, refuri=address, internal=True)
    found = nodes.bullet_list()
    for row in record["predictions"]:
        found += nodes.list_item("", nodes.paragraph("", describe_prediction(row)))
    return [_line(link)], [_line(nodes.strong("", words.VERDICTS[record["verdict"]]))], [says, found]


def _line(content):
    return nodes.paragraph("", "", content)


def copy_mathjax(app, error):
    """Put MathJax into the site, so that a page needs no other host to show its formulas."""
    if error or app.builder.name != "html":
        return
    found = importlib.util.find_spec(MATHJAX_PACKAGE)
    if found is None:
        raise RuntimeError(f"expected the package {MATHJAX_PACKAGE} (extra 'book') to be installed: it holds MathJax")
    source = Path(found.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in MATHJAX_PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        elif (source / part).is_file():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / part, target / part)
        else:
            raise RuntimeError(f"expected {part} in {source}, found no such file")


def setup(app):
    """Register everything with Sphinx."""
    app.add_node(ledger)
    app.add_node(count)
    app.add_directive("ae-ledger", LedgerDirective)
    app.add_role("ae-count", count_role)
    app.connect("env-updated", collect)
    app.connect("doctree-resolved", resolve)
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
