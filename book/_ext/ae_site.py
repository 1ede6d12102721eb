"""What a page says about itself to search engines and to those who link to it, and how the site is searched."""

import html
import re
from pathlib import Path

from docutils import nodes
from sphinx.locale import _

#: Search engines show about so many characters of a description.
DESCRIPTION_LENGTH = 160


#: The picture beside a link to a page, which the build has drawn, and what it shows.
CARD = "_static/explore/card.png"
CARD_SHOWS = "A grid of handwritten digits, drawn by a decoder, which change into each other from one to the next."
#: A tag of a page's head that describes the page.
DESCRIPTION = re.compile(r'<meta (?:name="description"|name="twitter:|property="og:)[^>]*>')
#: The site's first address, which leads on to its first page; what describes the one describes the other.
REDIRECT = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>{title}</title>
{description}
<link rel="icon" href="_static/{icon}">
<meta http-equiv="Refresh" content="0; url={page}">
</head>
<body><p><a href="{page}">{title}</a></p></body>
</html>
"""
#: A page from a file may not read another one, which the summaries under what was found are taken from.
SEARCH_FROM_A_FILE = 'if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;'


def describe_page(app, pagename, templatename, context, doctree):
    """Put a page's first paragraph into its head, as the description that search engines and links show."""
    if doctree is not None:
        title = html.unescape(re.sub("<[^>]*>", "", context["title"]))
        text = first_paragraph(doctree)
    else:  # a page that Sphinx makes itself, and whose title stands in a template
        title = {"genindex": _("Index"), "search": _("Search")}.get(pagename, app.config.html_title)
        text = f"{title}. {first_paragraph(app.env.get_doctree(app.config.root_doc))}"
    tags = {'property="og:title"': title, 'property="og:site_name"': app.config.html_title}
    if text:
        tags |= dict.fromkeys(('name="description"', 'property="og:description"'), shortened(text))
    if Path(app.srcdir, "book", CARD).is_file():  # a plain `jupyter-book build` has none
        # Those who show links ask for a whole address, which only the publisher knows.
        base = app.config.html_baseurl
        address = f"{base.rstrip('/')}/{CARD}" if base else context["pathto"](CARD, 1)
        tags |= {'property="og:image"': address, 'property="og:image:alt"': CARD_SHOWS}
        tags |= {'name="twitter:card"': "summary_large_image"}
    lines = [f'<meta {name} content="{html.escape(content)}" />' for name, content in tags.items()]
    context["metatags"] = "\n".join([context.get("metatags", ""), *lines])


def search_from_a_file(app, pagename, templatename, context, doctree):
    """Let the search show what it finds without summaries where it cannot have them."""
    if pagename == "search":
        app.add_js_file(None, body=SEARCH_FROM_A_FILE)


def lead_on(app, error):
    """Write the page at the site's first address, before one without any description is written there."""
    if error or app.builder.name != "html":
        return
    site, page = Path(app.outdir), app.builder.get_target_uri(app.config.root_doc)
    found = DESCRIPTION.findall((site / page).read_text(encoding="utf-8"))
    tags = [tag.replace(f'"../{CARD}', f'"{CARD}') for tag in found]  # this page lies a folder higher
    text = REDIRECT.format(
        language=app.config.language, title=html.escape(app.config.html_title), description="\n".join(tags),
        icon=Path(app.config.html_favicon).name, page=page,
    )  # fmt: skip
    (site / "index.html").write_text(text, encoding="utf-8")


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
    app.connect("html-page-context", search_from_a_file)
    app.connect("build-finished", lead_on, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
