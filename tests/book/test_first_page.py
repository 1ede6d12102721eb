"""The first page: what moves, what is pressed, and cards whose figures and places exist."""

import re
import struct
import subprocess
import sys
import textwrap

import browser as installed
import pytest
from site_reader import SITE

PAGE = SITE / "book" / "index.html"
needs_site = pytest.mark.skipif(not PAGE.is_file(), reason="no built site: run `make book` first")
needs_browser = pytest.mark.skipif(installed.PROGRAM is None, reason=installed.NONE_FOUND)


def png_size(path):
    """Return width and height of a PNG file, which stand in its header."""
    return struct.unpack(">II", path.read_bytes()[16:24])


@needs_site
def test_the_strip_has_as_many_frames_as_the_animation_has_steps():
    style = (SITE / "_static" / "ae.css").read_text(encoding="utf-8")
    (steps,), (shift,) = re.findall(r"ae-walk \d+s steps\((\d+)\)", style), re.findall(r"calc\(-(\d+) \* var", style)
    width, height = png_size(SITE / "_static" / "explore" / "hero.png")
    assert int(steps) == int(shift) == width // height
    assert width % height == 0


@needs_site
def test_each_card_has_a_picture_in_both_variants_and_leads_somewhere():
    cards = re.findall(r'<div class="ae-card.*?</div>', PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(cards) == 3
    for card in cards:
        for name in re.findall(r'src="([^"]+)"', card):
            assert (PAGE.parent / name).is_file()
        assert len(re.findall("<img", card)) == 2
        page, label = re.search(r'href="([^"#]+)#([^"]+)"', card).groups()
        assert f'id="{label}"' in (PAGE.parent / page).read_text(encoding="utf-8")
        assert re.search(r'alt="[^"]{20,}"', card)


@pytest.fixture
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


#: Where the strip lies in the first window, and whether it moves.
PLACE = "getComputedStyle(document.querySelector('.ae-hero-strip span')).backgroundPositionX"
STATE = "getComputedStyle(document.querySelector('.ae-hero-strip span')).animationPlayState"


def rests(page):
    """Whether the strip stays where it is for half a second, once the next frames have been drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    first = page.evaluate(PLACE)
    page.wait_for_timeout(500)
    return page.evaluate(PLACE) == first


@pytest.mark.slow
@needs_site
@needs_browser
def test_the_row_moves_and_holds_still_when_asked_to(page):
    page.goto(PAGE.as_uri())
    # However long the next frame takes: a machine may do other work.
    page.wait_for_function(f"first => {PLACE} !== first", arg=page.evaluate(PLACE))
    page.get_by_label("Hold still").focus()
    page.keyboard.press("Space")
    page.wait_for_function(f"{STATE} === 'paused'")
    assert rests(page)
    # Each window shows another frame also then.
    places = page.evaluate(
        "Array.from(document.querySelectorAll('.ae-hero-strip span'), w => getComputedStyle(w).backgroundPositionX)"
    )
    assert len(set(places)) == len(places) == 8


@pytest.mark.slow
@needs_site
@needs_browser
def test_nothing_moves_for_who_asked_for_less_motion(page):
    page.emulate_media(reduced_motion="reduce")
    page.goto(PAGE.as_uri())
    assert page.evaluate(STATE) == "paused"
    assert rests(page)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "words"),
    [
        (":title: A title", "got no to"),
        (":title: A title\n:to: nowhere", "expected the label of a section, got 'nowhere'"),
        (":title: A title\n:to: place", "expected the name of a figure, got 'fig-none'"),
    ],
)
def test_a_card_that_leads_nowhere_is_said(tmp_path, option, words):
    (tmp_path / "conf.py").write_text(
        textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(SITE.parent.parent / "book" / "_ext")!r})
        extensions = ["myst_parser", "ae_cards"]
        """)
    )
    (tmp_path / "index.md").write_text(f"(place)=\n# Title\n\n```{{ae-card}} fig-none\n{option}\nWords.\n```\n")
    command = [sys.executable, "-m", "sphinx", "-b", "html", str(tmp_path), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert words in done.stderr
