"""The tiles of the first page: one for each claim, with the mark, the colour and the word of its verdict."""

from docutils import nodes
from docutils.parsers.rst import Directive

from ae_toolkit.book import words
from ae_toolkit.book.claims import article


class tiles(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes in lower case)
    """Stands where the tiles go."""


class TilesDirective(Directive):
    """``{ae-tiles}``: a list of all claims, each a link to its verdict."""

    def run(self):
        return [tiles()]


def resolve(app, doctree, docname):
    """Put the list in place, once all verdicts are known."""
    for node in list(doctree.findall(tiles)):
        found = nodes.bullet_list(classes=["ae-tiles"])
        for claim, entry in article().items():
            found += nodes.list_item("", _tile(app, docname, claim, entry))
        node.replace_self(found)


def _tile(app, docname, claim, entry):
    """Return a paragraph with a link that holds a claim's number, its verdict and what it states."""
    if claim not in app.env.ae_verdicts:
        return nodes.paragraph("", f"{claim}: {words.NOT_YET_SETTLED}. {entry['statement']}")
    page, record = app.env.ae_verdicts[claim]
    verdict = record["verdict"]
    link = nodes.reference(
        "", "", refuri=f"{app.builder.get_relative_uri(docname, page)}#claim-{claim}", internal=True,
        classes=["ae-tile", f"ae-{verdict}"],
    )  # fmt: skip
    link += nodes.inline("", f"{words.MARKS[verdict]} {words.VERDICTS[verdict]}", classes=["ae-tile-verdict"])
    link += nodes.inline("", f" {claim}. ", classes=["ae-tile-claim"])
    link += nodes.inline("", entry["statement"], classes=["ae-tile-says"])
    return nodes.paragraph("", "", link)


def setup(app):
    """Register the extension with Sphinx."""
    app.add_node(tiles)
    app.add_directive("ae-tiles", TilesDirective)
    app.connect("doctree-resolved", resolve)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
