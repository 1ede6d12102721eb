"""What the theme's pages bring and do not use is taken out of the finished site, so that a page is light.

The theme loads all of Font Awesome twice, as a script and as fonts, the index for the search on
each page, and a style sheet for every part that a page could have. Nothing here is a list of
what the book uses: names of classes are read from the pages and scripts, icons from the style sheets that are
left, formulas from each page.
"""

import hashlib
import os
import re
from itertools import pairwise
from pathlib import Path

import tinycss2
from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.util import logging

logger = logging.getLogger(__name__)

#: Draws icons that the fonts, which the theme's style sheets use as well, draw already.
ICON_SCRIPT = re.compile(r'\s*(?:<!--[^>]*-->\s*)?<script[^>]*\bsrc="[^"]*/fontawesome\.js[^"]*"[^>]*></script>')
#: Only the page of the search searches: the theme's field on the other pages leads there.
SEARCH_SCRIPTS = re.compile(
    r'\s*<script[^>]*\bsrc="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"[^>]*></script>'
)
#: Sphinx counts the formulas of the pages below a page as well.
MATHJAX_SCRIPTS = re.compile(r"\s*<script>window\.MathJax = .*?</script>\s*<script[^>]*/tex-chtml\.js[^>]*></script>")
FORMULA = re.compile(r'class="[^"]*\bmath\b')
#: The theme's scripts tell developers of the theme what they do.
NOTE = re.compile(r"\bconsole\.log\((?!\))")
INLINE_SCRIPT = re.compile(r"<script>.*?</script>", re.DOTALL)
WORD = re.compile(r"[\w-]+")
FONT_SOURCES = re.compile(r'url\(([^)]*?)\.woff2\) format\("woff2"\), ?url\(\1\.ttf\) format\("truetype"\)')
#: What a style sheet draws of a font: a text itself, or a variable that another rule draws.
DRAWN = re.compile(r"""(?:content|--[\w-]+)\s*:\s*(?:"([^"]*)"|'([^']*)')""")
LOADED = re.compile(r'( (?:href|src)=")([^"?:]+\.(?:css|js))(?:\?[^"]*)?(?=")')
#: At-rules that hold rules.
NESTED = {"media", "supports", "layer", "container"}


def lighten(app, error):
    """Take out of the finished site what none of its pages uses."""
    if error or app.builder.name != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html") if static not in path.parents}
    for path, text in pages.items():
        pages[path] = without_unused_scripts(text, searches=path == site / "search.html")
    # With the script its licence and its map, and the maps of the style sheets, which no longer fit them.
    for path in [*static.rglob("fontawesome.js*"), *static.rglob("*.css.map")]:
        path.unlink()
    scripts = [path for path in static.rglob("*.js") if "mathjax" not in path.parts]
    changed = {}
    for path in scripts:
        changed[path] = NOTE.sub("void(", path.read_text(encoding="utf-8"))
    names = set(WORD.findall(" ".join([*pages.values(), *changed.values()])))
    drawn = set()
    for path in static.rglob("*.css"):
        changed[path] = used_rules(path.read_text(encoding="utf-8"), names)
        drawn |= set("".join(first or second for first, second in DRAWN.findall(changed[path])))
    for path in static.rglob("vendor/fontawesome/webfonts/*.ttf"):
        write_icons(path, drawn)
    for path, text in changed.items():
        changed[path] = FONT_SOURCES.sub(r'url(\1.woff) format("woff")', text)
    changed = {path: text for path, text in changed.items() if text != path.read_text(encoding="utf-8")}
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    for path, text in pages.items():
        path.write_text(with_new_digests(text, path, changed), encoding="utf-8")


def without_unused_scripts(page, searches=False):
    """Return a page without the scripts that do nothing on it."""
    page = ICON_SCRIPT.sub("", page)
    if not searches:
        page = SEARCH_SCRIPTS.sub("", page)
    if not FORMULA.search(page):
        page = MATHJAX_SCRIPTS.sub("", page)
    return INLINE_SCRIPT.sub(lambda match: NOTE.sub("void(", match[0]), page)


def used_rules(sheet, names):
    """Return a style sheet without the rules for classes that have none of the names, and without comments.

    Licences, which are comments that begin with an exclamation mark, stay.

    Parameters
    ----------
    sheet : str
        The style sheet.
    names : set of str
        Every word of the pages and of the scripts, which may give an element another class. A word that
        ends with a hyphen stands for all names that begin with it: a script completes it.

    Examples
    --------
    >>> used_rules("p, .a, .b > i { color: red } @media print { .b { x: y } .sd-1:not(.b) { x:  y } }", {"a", "sd-"})
    'p, .a{color: red}@media print {.sd-1:not(.b){x: y}}'
    """
    beginnings = tuple(name for name in names if name.endswith("-") and len(name) > 2)
    return "".join(_rules(tinycss2.parse_stylesheet(sheet, skip_whitespace=True), names, beginnings))


def _rules(rules, names, beginnings):
    for rule in rules:
        if rule.type == "comment" and rule.value.startswith("!"):
            yield rule.serialize()
        elif rule.type == "qualified-rule":
            selectors = [each for each in _split(rule.prelude) if _may_match(each, names, beginnings)]
            if selectors:
                yield ", ".join(_text(each) for each in selectors) + "{" + _text(rule.content) + "}"
        elif rule.type == "at-rule" and rule.content is not None and rule.lower_at_keyword in NESTED:
            inner = tinycss2.parse_rule_list(rule.content, skip_whitespace=True)
            if kept := "".join(_rules(inner, names, beginnings)):
                yield f"@{rule.at_keyword} {_text(rule.prelude)} {{{kept}}}"
        elif rule.type == "at-rule":
            yield rule.serialize()
        elif rule.type == "error":
            logger.warning("a style sheet cannot be read: %s", rule.message)


def _split(prelude):
    """Return the selectors of a rule, each a list of tokens."""
    selectors = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def _may_match(selector, names, beginnings):
    """Return whether all classes exist that a selector asks for; what stands in parentheses is not looked at."""
    classes = [
        token.value
        for before, token in pairwise(selector)
        if before.type == "literal" and before.value == "." and token.type == "ident"
    ]
    return all(name in names or name.startswith(beginnings) for name in classes)


def _text(tokens):
    """Return tokens as text, without comments and without needless space."""
    kept = []
    for token in tokens:
        if token.type == "comment":
            continue
        if token.type == "whitespace":
            if kept and kept[-1] not in (" ", ";"):
                kept.append(" ")
            continue
        kept.append(token.serialize())
    return "".join(kept).strip()


def write_icons(path, drawn):
    """Write a font with the characters that are drawn, in the place of one with all of them."""
    font = TTFont(path)
    options = subset.Options()
    # Another format than the theme's: WOFF 2 needs a compressor that Python does not have.
    options.flavor = "woff"
    options.layout_features = []  # which would bring icons in by their names
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[ord(character) for character in drawn if ord(character) in font.getBestCmap()])
    subsetter.subset(font)
    subset.save_font(font, path.with_suffix(".woff"), options)
    path.unlink()
    path.with_suffix(".woff2").unlink(missing_ok=True)


def with_new_digests(page, path, changed):
    """Return a page that asks for the changed files by new addresses, so that no browser shows old ones it kept."""

    def address(match):
        target = Path(os.path.normpath(path.parent / match[2]))
        if target not in changed:
            return match[0]
        return f"{match[1]}{match[2]}?v={hashlib.sha256(changed[target].encode()).hexdigest()[:8]}"

    return LOADED.sub(address, page)


def setup(app):
    """Register the extension with Sphinx."""
    # After what else changes the finished pages.
    app.connect("build-finished", lighten, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
