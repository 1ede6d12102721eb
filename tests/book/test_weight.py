"""A page is light, needs no network and says nothing; what the site leaves out, no page uses."""

import functools
from pathlib import Path

import ae_weight
import browser as installed
import pytest
import site_reader
from fontTools.ttLib import TTFont
from site_reader import SITE

#: Bytes of all that a page loads but its figures, with and without formulas.
LIMITS = {True: 2_000_000, False: 800_000}
FIGURES = SITE / "_static" / "explore"  # those that move

in_a_browser = [
    pytest.mark.slow,
    pytest.mark.skipif(not SITE.is_dir(), reason="no built site: run `make book` first"),
    pytest.mark.skipif(installed.PROGRAM is None, reason=installed.NONE_FOUND),
]


def marked(test):
    for mark in in_a_browser:
        test = mark(test)
    return test


class Loaded:
    """A page after it has loaded all that it loads by itself, with the network cut.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
    address : str
        Where the page is.
    root : str
        The address of the site. Nothing else can be reached.
    """

    def __init__(self, browser, address, root):
        self.said, self.elsewhere, self.files = [], [], {}
        self.context = browser.new_context(viewport={"width": 1300, "height": 900})
        self.context.route(lambda url: not url.startswith((root, "data:", "blob:")), lambda route: route.abort())
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

        def note(request):
            url = request.url.partition("#")[0].partition("?")[0]
            if url.startswith(root):
                self.files[SITE / url.removeprefix(root).lstrip("/")] = request.resource_type
            elif not url.startswith(("data:", "blob:")):
                self.elsewhere.append(url)

        self.page.on("request", note)
        self.page.goto(address)
        self.page.evaluate("window.MathJax?.startup?.promise")
        self.page.wait_for_load_state("networkidle")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.context.close()

    def bytes(self):
        return sum(path.stat().st_size for path, kind in self.files.items()
                   if kind != "image" and FIGURES not in path.parents)  # fmt: skip

    def icons(self):
        """Return the weight and the character of each icon on the page, and what the style sheet draws."""
        return self.page.evaluate("""() => [...document.querySelectorAll('[class*="fa-"], .admonition-title')].flatMap(
            element => ["::before", "::after"].map(place => getComputedStyle(element, place))
                .filter(style => style.fontFamily.includes("Awesome") && style.content.startsWith('"'))
                .map(style => [style.fontFamily, style.fontWeight, style.content.slice(1, -1)])
        )""")


@functools.cache
def characters(name):
    return set(map(chr, TTFont(SITE / f"_static/vendor/fontawesome/webfonts/{name}.woff").getBestCmap()))


@marked
@pytest.mark.parametrize(
    "path",
    [path for path in site_reader.pages() if path != SITE / "index.html"],  # which only leads on
    ids=lambda path: str(path.relative_to(SITE)),
)
def test_a_page_from_a_file_is_light_says_nothing_and_asks_nobody(browser, path):
    with Loaded(browser, path.as_uri(), SITE.as_uri()) as loaded:
        missing = [file for file in loaded.files if not file.is_file()]
        icons = loaded.icons()
    assert loaded.said == []
    assert loaded.elsewhere == []
    assert missing == []
    assert loaded.bytes() <= LIMITS[bool(site_reader.page(path).select(".math"))]
    fonts = {"900": "fa-solid-900", "400": "fa-regular-400"}
    assert [icon for icon in icons if icon[2] not in characters(fonts[icon[1]])] == []
    assert icons


@marked
@pytest.mark.parametrize("name", ["notebooks/01_background.html", "book/index.html"])
def test_a_served_page_is_as_light(browser, served, name):
    with Loaded(browser, f"{served}/{name}", served) as loaded:
        formulas = loaded.page.locator("mjx-container").count()
    assert loaded.said == []
    assert loaded.elsewhere == []
    assert loaded.bytes() <= LIMITS[bool(formulas)]
    assert bool(formulas) == (name == "notebooks/01_background.html")


@marked
@pytest.mark.parametrize("from_a_file", [True, False])
def test_the_search_finds_a_word_of_a_chapter_s_text(browser, served, from_a_file):
    (word, chapter) = ("silhouette", "notebooks/08_clustering.html")
    root = SITE.as_uri() if from_a_file else served
    with Loaded(browser, f"{root}/book/index.html", root) as loaded:
        loaded.page.keyboard.press("Control+k")
        loaded.page.keyboard.type(word)
        loaded.page.keyboard.press("Enter")
        loaded.page.wait_for_selector("#search-results .search-summary:not(:empty)")
        loaded.page.wait_for_load_state("networkidle")
        found = loaded.page.locator("#search-results ul.search > li > a")
        links = found.evaluate_all("links => links.map(link => [link.getAttribute('href'), link.textContent])")
        summaries = loaded.page.locator("#search-results p.context").count()
        found.nth([address for address, _ in links].index(chapter)).click()
        loaded.page.wait_for_url(f"{root}/{chapter}*")
        assert loaded.page.locator("article .highlighted").count() >= 1
    assert word not in dict(links)[chapter].lower()  # it is the text that was searched
    assert bool(summaries) != from_a_file
    assert loaded.said == []
    assert loaded.elsewhere == []


@pytest.mark.skipif(not SITE.is_dir(), reason="no built site: run `make book` first")
def test_the_site_has_no_icon_script_and_fonts_of_the_icons_that_are_drawn():
    assert not list((SITE / "_static").rglob("fontawesome.js*"))
    fonts = sorted((SITE / "_static/vendor/fontawesome/webfonts").iterdir())
    assert [font.suffix for font in fonts] == [".woff"] * 3
    assert all(font.stat().st_size < 10_000 for font in fonts)
    assert 10 < len(characters("fa-solid-900")) < 60


PAGE = """<html><head>
  <!-- So that users can add custom icons -->
  <script defer src="../_static/scripts/fontawesome.js?digest=55"></script>
    <script>window.MathJax = {"options": {"processHtmlClass": "math|output_area"}}</script>
    <script defer="defer" src="../_static/mathjax/tex-chtml.js"></script>
    <script src="../_static/searchtools.js"></script>
    <script src="../_static/language_data.js"></script>
    <script src="../searchindex.js"></script>
    <script src="../_static/doctools.js?v=1"></script>
</head><body><script>console.log("a note");</script>{}</body></html>"""


@pytest.mark.parametrize("searches", [True, False])
@pytest.mark.parametrize("formula", ['<span class="math notranslate">x</span>', '<p class="mathematics">x</p>'])
def test_a_page_keeps_the_scripts_that_it_uses(formula, searches):
    page = ae_weight.without_unused_scripts(PAGE.replace("{}</body>", formula + "</body>"), searches)
    assert "fontawesome" not in page
    assert "custom icons" not in page
    assert "doctools.js" in page
    assert 'void("a note")' in page
    assert ("tex-chtml.js" in page) == ("window.MathJax" in page) == ("math notranslate" in formula)
    assert ("searchtools" in page) == ("language_data" in page) == ("searchindex" in page) == searches


def test_a_rule_stays_where_its_classes_may_be_used():
    sheet = """@charset "UTF-8"; /*! A licence. */ /* A remark. */
    @font-face { font-family: F; src: url(f.woff) }
    .gone, .here .gone, p.gone > a { color: red }
    a:hover, .here, .here.gone, .made-by-a-script { color: blue; /* why */ margin: 0  1px }
    :not(.gone), [class*=gone] { color: green }
    @media print { .gone { color: red } }
    @media (min-width: 3px) { .gone { color: red } @supports (a: b) { .here { --x: ; } } }"""
    assert ae_weight.used_rules(sheet, {"here", "made-by-"}) == (
        '@charset "UTF-8";'
        "/*! A licence. */"
        "@font-face { font-family: F; src: url(f.woff) }"
        "a:hover, .here, .made-by-a-script{color: blue;margin: 0 1px}"
        ":not(.gone), [class*=gone]{color: green}"
        "@media (min-width: 3px) {@supports (a: b) {.here{--x: ;}}}"
    )


def test_a_changed_file_is_asked_for_by_another_address(tmp_path):
    changed = {tmp_path / "_static" / "a.css": "p{}"}
    page = '<link href="../_static/a.css?v=1"><script src="../_static/b.js?v=1"></script><p data-x="../_static/a.css">'
    new = ae_weight.with_new_digests(page, tmp_path / "book" / "page.html", changed)
    assert new.startswith('<link href="../_static/a.css?v=')
    assert "a.css?v=1" not in new
    assert new.endswith(page.partition(">")[2])


def test_a_font_keeps_the_icons_that_are_drawn(tmp_path):
    import pydata_sphinx_theme

    folder = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static" / "vendor"
    (source,) = folder.rglob("fa-solid-900.ttf")
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes())
    path.with_suffix(".woff2").write_bytes(b"")
    ae_weight.write_icons(path, {"\uf0c9", "\uf107", "x", "\u4e2d"})
    assert [each.name for each in tmp_path.iterdir()] == ["fa-solid-900.woff"]
    assert {chr(code) for code in TTFont(tmp_path / "fa-solid-900.woff").getBestCmap()} >= {"\uf0c9", "\uf107"}
    assert path.with_suffix(".woff").stat().st_size < 3000
