"""What a page says about itself to search engines and to those who link to it."""

import html

from docutils import nodes

#: Search engines show about so many characters of a description.
DESCRIPTION_LENGTH = 160


def describe_page(app, pagename, templatename, context, doctree):
    """Put a page's first paragraph into its head, as the description that search engines and links show."""
    if doctree is None:  # a page that Sphinx makes itself, such as the index of names
        return
    text = first_paragraph(doctree)
    if text:
        content = html.escape(shortened(text))
        context["metatags"] = context.get("metatags", "") + f'\n<meta name="description" content="{content}">'


def first_paragraph(doctree):
    """Return the text of the first paragraph that stands in the page itself; empty if there is none."""
    for section in doctree.findall(nodes.section):
        for node in section.children:
            if isinstance(node, nodes.paragraph):
                return " ".join(node.astext().split())
    return ""


def shortened(text, length=DESCRIPTION_LENGTH):
    """Return a text cut after a whole word, with an ellipsis if something is missing.

    Examples
    --------
    >>> shortened("An autoencoder is a pair of networks.", 18)
    'An autoencoder is…'
    """
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0] + "…" if text[length - 1] != " " else text[: length - 1] + "…"


def setup(app):
    """Register everything with Sphinx."""
    app.connect("html-page-context", describe_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
