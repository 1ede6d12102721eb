"""Every page in a real browser: nobody is shut out, nothing is wider than a phone, nothing is said on the console."""

import importlib.resources
import re

import browser as installed
import pytest
import site_reader
from site_reader import SITE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SITE.is_dir(), reason="no built site: run `make book` first"),
    pytest.mark.skipif(installed.PROGRAM is None, reason=installed.NONE_FOUND),
]
#: The site's first address shows nothing: it leads on to the first page, so that there is nothing to look at.
REDIRECT = SITE / "index.html"
all_pages = pytest.mark.parametrize(
    "path",
    [path for path in site_reader.pages() if path != REDIRECT],
    ids=lambda path: str(path.relative_to(SITE)),
)
GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def axe():
    return importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def grave_findings(page, axe, rules=None):
    """Return what axe-core finds of impact serious or critical: the rule and the first element."""
    page.evaluate(axe)
    # Without `preload` it does not ask for the style sheets again, which a page from a file may not.
    options = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": rules} if rules else {})
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in GRAVE]


@all_pages
def test_a_page_shuts_nobody_out_and_fits_a_phone(browser, axe, path):
    """In light and in dark, of which the rules know by their colours only; at two widths of phones."""
    context = browser.new_context(viewport={"width": 1300, "height": 900}, color_scheme="light")
    page, said = context.new_page(), []
    page.on("console", lambda message: said.extend([message.text] if message.type != "log" else []))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    findings = grave_findings(page, axe)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.wait_for_timeout(600)  # colours change in half a second
    findings += grave_findings(page, axe, ["color-contrast"])
    widths = {}
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        widths[width] = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert findings == []
    assert said == []
    assert all(found <= width for width, found in widths.items()), widths


def test_no_table_of_results_breaks_a_mean_from_its_spread(browser):
    """On a phone, "0.47 ± 0.01" in a cell stood on three lines."""
    page = browser.new_page(viewport={"width": 320, "height": 800})
    page.goto((SITE / "notebooks" / "08_clustering.html").as_uri())
    cells = page.locator("td").filter(has_text=re.compile(r"^\s*[\d.]+\s±\s[\d.]+\s*$"))
    heights = cells.evaluate_all(
        """cells => cells.map(cell => { const range = document.createRange(); range.selectNodeContents(cell);
           return range.getBoundingClientRect().height / parseFloat(getComputedStyle(cell).fontSize); })"""
    )
    page.close()
    assert len(heights) > 10
    assert max(heights) < 2, "in lines of some one and a half times the letters' height"


def test_the_links_at_a_page_s_end_are_whole_on_a_small_phone(browser):
    page = browser.new_page(viewport={"width": 320, "height": 800})
    outside = {}
    for name in ("book/departures", "book/api/book", "notebooks/02_concepts"):
        page.goto((SITE / f"{name}.html").as_uri())
        edges = page.locator(".prev-next-area a *").evaluate_all(
            "parts => parts.map(part => part.getBoundingClientRect()).map(box => [box.left, box.right])"
        )
        assert edges
        outside[name] = [edge for edge in edges if edge[0] < 0 or edge[1] > 320]
    page.close()
    assert not any(outside.values()), outside


def test_a_verdict_in_a_table_is_not_broken_on_a_phone(browser):
    page = browser.new_page(viewport={"width": 320, "height": 800})
    page.goto((SITE / "book" / "ledger.html").as_uri())
    words = page.locator("table.ae-ledger strong")
    lines = words.evaluate_all("words => words.map(word => word.getClientRects().length)")
    page.close()
    assert len(lines) == 28
    assert set(lines) == {1}


def test_the_first_address_leads_to_the_first_page(browser):
    page = browser.new_page()
    page.goto(REDIRECT.as_uri())
    page.wait_for_url((SITE / "book" / "index.html").as_uri())
    page.close()


def test_a_page_that_shuts_readers_out_is_noticed(browser, axe):
    page = browser.new_page()
    faults = "<img src='data:,'><p style='color:#999'>Grey words.</p>"
    page.set_content(f"<html lang='en'><title>A title</title><main><h1>A heading</h1>{faults}</main></html>")
    assert {rule for rule, _ in grave_findings(page, axe)} == {"image-alt", "color-contrast"}
    page.close()
