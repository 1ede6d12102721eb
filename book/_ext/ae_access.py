"""What the theme's pages lack for readers who hear them: names of buttons that begin with what can be seen on them.

There is no hook for the theme's own templates, so the finished pages are changed: a few exact
pieces of markup. Where a new version of the theme writes them differently, the tests by axe-core say so.
"""

from pathlib import Path

from ae_toolkit.book import words

#: What stands in a page, and what is to stand there instead.
CHANGES = {
    # Its name is its text, "Search" and the keys that open it.
    'search-button-field search-button__button pst-js-only" title="Search" aria-label="Search"': (
        'search-button-field search-button__button pst-js-only" title="Search"'
    ),
    # Of the three icons, whose titles are no part of the button's name, one can be seen.
    'data-mode="light" title="Light"': 'data-mode="light"',
    'data-mode="dark"  title="Dark"': 'data-mode="dark"',
    'data-mode="auto"  title="System Settings"': 'data-mode="auto"',
    # Its text says "Show code cell source".
    '<summary aria-label="Toggle hidden content">': "<summary>",
    # The sidebar's arrow, which has no text.
    '<details><summary><span class="toctree-toggle"': (
        f'<details><summary aria-label="{words.PAGES_BELOW}"><span class="toctree-toggle"'
    ),
    '<details open="open"><summary><span class="toctree-toggle"': (
        f'<details open="open"><summary aria-label="{words.PAGES_BELOW}"><span class="toctree-toggle"'
    ),
    # The lines of a long signature are no list of definitions.
    '<span class="sig-paren">(</span>\n\n<dl>': '<span class="sig-paren">(</span>\n\n<dl role="presentation">',
    '<dd><em class="sig-param">': '<dd role="presentation"><em class="sig-param">',
    # Its entries have a role of their own, which is not that of a list's items.
    '<div role="list" class="citation-list">': '<div class="citation-list">',
}


def name_buttons(app, error):
    """Change the finished pages."""
    if error or app.builder.name != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        old = new = path.read_text(encoding="utf-8")
        for before, after in CHANGES.items():
            new = new.replace(before, after)
        if new != old:
            path.write_text(new, encoding="utf-8")


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("build-finished", name_buttons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
