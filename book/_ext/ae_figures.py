"""Figures on a dark page: each SVG of the book gets a variant in which ink is light and paper is none.

A drawing within ``<img>`` knows nothing of the page around it. So a page has two of them, of
which ae.css shows one; the other is not fetched until it is asked for. What differs is a
few colours, those of text, axes and background: a figure's own colours can be seen on both.
"""

import re
from pathlib import Path

from ae_toolkit.plots import _colours

#: What stands in the place of each colour.
IN_THE_DARK = {
    _colours.INK: _colours.INK_IN_THE_DARK,
    _colours.GRID: _colours.GRID_IN_THE_DARK,
    _colours.PAPER: "none",
}
_DRAWING = re.compile(r'<img (?P<before>[^>]*)src="(?P<path>[^"]*_images/[^"]+)\.svg"(?P<after>[^>]*?)\s*/?>')


def darkened(drawing):
    """Return an SVG's text in the dark page's colours."""
    for light, dark in IN_THE_DARK.items():
        drawing = re.sub(re.escape(light), dark, drawing, flags=re.IGNORECASE)
    return drawing


def with_both_variants(body):
    """Return a page with a second image after each drawing, and a class on both that says where it is shown."""
    return _DRAWING.sub(_both, body)


def _both(found):
    attributes = found["before"] + found["after"]
    own = re.search(r'class="([^"]*)"', attributes)
    rest = re.sub(r'\s*class="[^"]*"', "", attributes).strip()
    images = [
        # The theme's own "only-dark" would hide the caption as well; its "dark-light" keeps it from adding a slab.
        f'<img {rest} loading="lazy" class="{f"{own[1]} " if own else ""}dark-light {page}" '
        f'src="{found["path"]}{ending}" />'
        for page, ending in (("ae-on-light", ".svg"), ("ae-on-dark", ".dark.svg"))
    ]
    return "".join(images)


def show_both_variants(app, pagename, templatename, context, doctree):
    """Rewrite a page's images as it is rendered; an ePub, which has no dark page, keeps them as they are."""
    if "body" in context and app.builder.name == "html":
        context["body"] = with_both_variants(context["body"])


def write_dark_variants(app, failure):
    """Write the variant of each drawing beside it, when all images have been copied."""
    if failure is None and app.builder.name == "html":
        for path in sorted(Path(app.outdir, "_images").glob("*.svg")):
            if not path.name.endswith(".dark.svg"):
                path.with_suffix(".dark.svg").write_text(darkened(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app):
    """Register everything with Sphinx."""
    app.connect("html-page-context", show_both_variants)
    app.connect("build-finished", write_dark_variants)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
