"""Cards of the first page: a finding in a few words, with a figure of the chapter that has it."""

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sphinx.util import logging

logger = logging.getLogger(__name__)


class card(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes in lower case)
    """Stands where a card goes; it has the label of a figure, and that of the section that it leads to."""


class CardDirective(Directive):
    """``{ae-card} NAME-OF-A-FIGURE``, with a title, the label of the section it leads to, and a sentence or two."""

    required_arguments = 1
    has_content = True
    option_spec = {"title": directives.unchanged_required, "to": directives.unchanged_required}

    def run(self):
        missing = [name for name in self.option_spec if name not in self.options]
        if missing:
            raise self.error(f"expected the options title and to, got no {' and no '.join(missing)}")
        found = card(figure=self.arguments[0], title=self.options["title"], to=self.options["to"])
        self.state.nested_parse(self.content, self.content_offset, found)
        found.source, found.line = self.state_machine.get_source_and_line(self.lineno)
        return [found]


def resolve(app, doctree, docname):
    """Put each card in place, once every page has been read."""
    for node in list(doctree.findall(card)):
        image, place = _image(app.env, node), _place(app, docname, node)
        if image is None or place is None:
            node.parent.remove(node)
            continue
        title = nodes.paragraph("", "", classes=["ae-card-title"])
        title += nodes.reference("", node["title"], refuri=place, internal=True)
        found = nodes.container(classes=["ae-card"])
        found += [image, title, *node.children]
        node.replace_self(found)


def _image(env, node):
    """Return a copy of a figure's image; None, with a warning, if there is no such figure."""
    docname, label = env.get_domain("std").anonlabels.get(node["figure"].lower(), ("", ""))
    if docname:
        for figure in env.get_doctree(docname).findall(nodes.figure):
            if label in figure["ids"]:
                # An output can have its picture in several formats, of which the page takes the drawing.
                images = sorted(figure.findall(nodes.image), key=lambda each: not each["uri"].endswith(".svg"))
                return nodes.image(
                    uri=images[0]["uri"], candidates={"*": images[0]["uri"]}, alt=images[0].get("alt", "")
                )
    logger.warning("ae-card: expected the name of a figure, got %r", node["figure"], location=node)
    return None


def _place(app, docname, node):
    """Return the address of the section that a card leads to; None, with a warning, if there is none."""
    target, label = app.env.get_domain("std").anonlabels.get(node["to"].lower(), ("", ""))
    if not target:
        logger.warning("ae-card: expected the label of a section, got %r", node["to"], location=node)
        return None
    return f"{app.builder.get_relative_uri(docname, target)}#{label}"


def setup(app):
    """Register the extension with Sphinx."""
    app.add_node(card)
    app.add_directive("ae-card", CardDirective)
    app.connect("doctree-resolved", resolve)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
