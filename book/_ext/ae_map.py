"""The map of the article: where each of its sections stands in the book, and what became of its claims.

Nobody types the table. The places are looked up among the book's labels, and the verdicts
are read from the executed notebooks, by `ae_book`.
"""

from ae_tables import table
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.util import logging

from ae_toolkit.book import words
from ae_toolkit.book.claims import article

logger = logging.getLogger(__name__)

#: The article's sections, by its own numbers. It numbers the paragraphs below 5.1, 5.2 and 6.1 to 6.3 anew each time.
SECTIONS = tuple(
    """
    1 1.1 1.1.1 1.1.2 1.2 1.2.1 1.2.2 1.3 1.3.1 1.3.2
    2 2.1 2.1.1 2.1.2 2.2 2.2.1 2.2.2 2.3 2.3.1 2.3.2
    3 3.1 3.1.1 3.1.2 3.2 3.2.1 3.2.2 3.2.3 3.2.4 3.3 3.3.1 3.3.2 3.3.3
    4 4.1 4.2 4.3 4.4
    5 5.1 5.2
    6 6.1 6.2 6.3
    7
    """.split()
)
#: The labels of the pages that mirror the article's chapters.
CHAPTERS = {
    "1": "chapter-background",
    "2": "chapter-concepts",
    "3": "chapter-mathematics",
    "4": "chapter-code",
    "5": "chapter-outlook",
    "6": "chapter-faq",
    "7": "chapter-conclusion",
}


def label(section):
    """Return the label of the place in the book that mirrors a section of the article."""
    return CHAPTERS.get(section, f"sec-{section.replace('.', '-')}")


def sections_of(claim):
    """Return the sections of the article that make a claim."""
    return article()[claim]["section"].split(", ")


def claims_of(section):
    """Return the claims that a section of the article makes, those of its subsections not counted."""
    return [claim for claim in article() if section in sections_of(claim)]


class article_map(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes in lower case)
    """Stands where the map goes."""


class MapDirective(Directive):
    """``{ae-map}``: the article's sections, their places in the book, their claims, verdicts and cells."""

    def run(self):
        return [article_map()]


def resolve(app, doctree, docname):
    """Put the table in place, once all labels and verdicts are known."""
    for node in list(doctree.findall(article_map)):
        node.replace_self(_table(app, docname))


def _table(app, docname):
    rows = []
    for section in SECTIONS:
        claims = nodes.bullet_list()
        for claim in claims_of(section):
            claims += nodes.list_item("", _verdict(app, docname, claim))
        place = nodes.paragraph("", "", _place(app, docname, section))
        rows.append((section, [place], [claims] if claims.children else ""))
    return table("ae-map", (10, 40, 50), words.MAP_COLUMNS, rows)


def _place(app, docname, section):
    """Return a link to the place that mirrors a section, with the heading that it has there."""
    labels = app.env.get_domain("std").labels
    if label(section) not in labels:
        logger.warning("section %s of the article has no place: no label %r", section, label(section), location=docname)
        return nodes.Text("")
    page, anchor, title = labels[label(section)]
    return _link(app, docname, page, anchor, title)


def _verdict(app, docname, claim):
    """Return a claim with a link to its box, its verdict, and the cell that settles it."""
    if claim not in app.env.ae_verdicts:
        return nodes.paragraph("", f"{claim}: {words.NOT_YET_SETTLED}")
    page, record = app.env.ae_verdicts[claim]
    where = words.MAP_CELL.format(notebook=page.rpartition("/")[2], cell=app.env.ae_cells[claim])
    return nodes.paragraph(
        "", "", _link(app, docname, page, f"claim-{claim}", claim), nodes.Text(": "),
        nodes.strong("", words.VERDICTS[record["verdict"]]), nodes.Text(f" {where}"),
    )  # fmt: skip


def _link(app, docname, page, anchor, title):
    address = f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
    return nodes.reference("", title, refuri=address, internal=True)


def setup(app):
    """Register the extension with Sphinx."""
    app.add_node(article_map)
    app.add_directive("ae-map", MapDirective)
    app.connect("doctree-resolved", resolve)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
