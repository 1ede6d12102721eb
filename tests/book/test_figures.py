"""Figures on the pages: two variants of each drawing, one per page colour, and one caption for both."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import ae_figures  # noqa: E402

from ae_toolkit import plots  # noqa: E402

DRAWING = (
    '<svg><rect fill="#ffffff"/><path style="stroke: #262626"/><path stroke="#0c92ff"/><path fill="#DCDCDD"/></svg>'
)


def test_ink_paper_and_grid_change_in_the_dark_and_nothing_else():
    assert ae_figures.darkened(DRAWING) == (
        '<svg><rect fill="none"/><path style="stroke: #e0e0e0"/><path stroke="#0c92ff"/><path fill="#3a3b3c"/></svg>'
    )


def test_no_colour_of_the_palette_is_taken_for_ink_or_paper():
    assert not {*plots.PALETTE, plots.MUTED} & ae_figures.IN_THE_DARK.keys()
    assert not {*plots.PALETTE, plots.MUTED} & set(ae_figures.IN_THE_DARK.values())


def test_a_page_gets_a_second_image_after_each_drawing_and_keeps_its_pictures():
    page = (
        '<figure>\n<img alt="A, B" class="align-center" src="../_images/a1.svg" />\n<figcaption>C</figcaption></figure>'
        '<img src="../_images/photo.png" /><img src="../_static/logo.svg"/>'
    )
    both = ae_figures.with_both_variants(page)
    assert both.startswith(
        '<figure>\n<img alt="A, B" loading="lazy" class="align-center dark-light ae-on-light" '
        'src="../_images/a1.svg" /><img alt="A, B" loading="lazy" class="align-center dark-light ae-on-dark" '
        'src="../_images/a1.dark.svg" />\n'
    )
    assert both.endswith(page[page.index("\n<figcaption>") :])


def test_the_style_sheet_shows_one_of_the_two():
    style = (ROOT / "book" / "_static" / "ae.css").read_text(encoding="utf-8")
    assert 'html[data-theme="dark"] .ae-on-light, html:not([data-theme="dark"]) .ae-on-dark { display: none' in style


@pytest.mark.parametrize("failure", [None, RuntimeError("no")])
def test_variants_are_written_beside_the_drawings_once_the_site_is_complete(tmp_path, failure):
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images" / "a.svg").write_text(DRAWING)
    (tmp_path / "_images" / "b.png").write_bytes(b"")
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(name="html"))
    for _ in range(2):  # a second time must not make a variant of a variant
        ae_figures.write_dark_variants(app, failure)
    written = {path.name for path in (tmp_path / "_images").iterdir()}
    assert written == {"a.svg", "b.png"} | ({"a.dark.svg"} if failure is None else set())
