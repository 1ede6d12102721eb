"""The built site: complete, needs no other host, every link holds, every figure is described."""

import copy
import json
import re

import ae_map
import pytest
import site_reader
from site_reader import ROOT, SITE

from ae_toolkit.book import claims
from ae_toolkit.book.chapter import COLOPHON_MIME_TYPE

CHAPTERS = (
    "01_background", "02_concepts", "03_mathematics", "04_code", "05_outlook", "06_faq", "08_clustering",
    "09_variational", "10_few_labels", "11_anomaly_and_retrieval", "how_fast", "scaling_out", "write_your_own",
)  # fmt: skip
pytestmark = pytest.mark.skipif(not SITE.is_dir(), reason="no built site: run `make book` first")
all_pages = pytest.mark.parametrize("path", site_reader.pages(), ids=lambda path: str(path.relative_to(SITE)))


def rendered_records(mime_type):
    """Return what the executed notebooks behind the site recorded, by chapter."""
    found = {}
    for name in CHAPTERS:
        notebook = json.loads((ROOT / "_build" / "source" / "notebooks" / f"{name}.ipynb").read_text())
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        found[name] = [output["data"][mime_type] for output in outputs if mime_type in output.get("data", {})]
    return found


@all_pages
def test_page_loads_nothing_from_another_host(path):
    assert site_reader.foreign_loads(path) == []


@pytest.mark.slow
@all_pages
def test_links_within_the_site_hold(path):
    assert site_reader.broken_links(path) == []


@all_pages
def test_images_are_described_and_exist(path):
    for image in site_reader.page(path).find_all("img"):
        assert (path.parent / image["src"]).is_file()
    for image in site_reader.page(path).select("article img"):  # the figures, not the theme's own buttons
        words = image.get("alt", "").split()
        assert len(words) >= 3, f"{image['src']} needs a sentence as alternative text, has {image.get('alt')!r}"


@all_pages
def test_page_ends_with_what_produced_it(path):
    if path.name in ("index.html", "genindex.html", "search.html") and path.parent == SITE:
        return  # a redirect and Sphinx's own tools, which no run produced
    colophons = site_reader.page(path).select("article .ae-colophon")
    assert len(colophons) == 1
    assert re.search(r"rofile (quick|full) .*seeds? .* in [\d.]+ s\. Versions: Python 3\.", colophons[0].get_text())


def test_style_sheets_load_nothing_from_another_host():
    sheets = list((SITE / "_static").rglob("*.css"))
    assert sheets
    assert {str(sheet): found for sheet in sheets if (found := site_reader.foreign_css(sheet.read_text()))} == {}


def test_formulas_are_set_by_the_site_itself():
    scripts = [
        node["src"] for node in site_reader.page(SITE / "notebooks" / "01_background.html").find_all("script", src=True)
    ]
    (mathjax,) = [source for source in scripts if "mathjax" in source.lower()]
    assert (SITE / "notebooks" / mathjax.split("?")[0]).resolve().is_file()
    assert list((SITE / "_static" / "mathjax" / "output" / "chtml" / "fonts").rglob("*.woff"))


@all_pages
def test_formulas_are_set_only_where_there_are_some(path):
    soup = site_reader.page(path)
    loaded = any("mathjax" in node["src"].lower() for node in soup.find_all("script", src=True))
    assert loaded == bool(soup.select(".math"))


@all_pages
def test_page_describes_itself(path):
    soup = site_reader.page(path)
    (description,) = soup.find_all("meta", attrs={"name": "description"})
    assert 5 <= len(description["content"].split())
    assert len(description["content"]) <= 160
    (shared,) = soup.find_all("meta", property="og:description")
    assert shared["content"] == description["content"]
    (title,) = soup.find_all("meta", property="og:title")
    assert title["content"].strip()
    assert soup.title.get_text().strip().startswith(title["content"])
    (picture,) = soup.find_all("meta", property="og:image")
    assert (path.parent / picture["content"]).resolve().is_file()
    (icon,) = soup.find_all("link", rel="icon")
    assert (path.parent / icon["href"]).resolve().is_file()


@all_pages
def test_each_drawing_has_a_variant_for_dark_pages_and_each_figure_of_a_chapter_a_caption(path):
    soup = site_reader.page(path)
    drawings = [image for image in soup.select("article img") if "_images/" in image["src"]]
    light = [image["src"] for image in drawings if "ae-on-light" in image["class"]]
    dark = [image["src"] for image in drawings if "ae-on-dark" in image["class"]]
    assert [source.replace(".svg", ".dark.svg") for source in light] == dark
    assert len(light) + len(dark) == len(drawings)
    for image in soup.select("article .cell_output img, article figure img"):
        caption = image.find_parent("figure").find("figcaption")
        assert len(caption.select_one(".caption-text").get_text().split()) >= 4
        assert re.match(r"Figure [\d.]+", caption.select_one(".caption-number").get_text())


def test_no_drawing_is_wider_than_a_page():
    drawings = [path for path in (SITE / "_images").glob("*.svg") if not path.name.endswith(".dark.svg")]
    assert len(drawings) >= 50
    for path in drawings:
        head = path.read_text(encoding="utf-8")[:2000]
        width, unit = re.search(r'<svg[^>]*?\bwidth="([\d.]+)(pt|px|)"', head, re.DOTALL).groups()
        # On more, letters of 10 points would be smaller than 7.5 pixels on a phone that is 390 pixels wide.
        assert float(width) * (96 / 72 if unit == "pt" else 1) <= 720, path


def test_a_downloaded_notebook_has_one_parameters_cell():
    for path in (SITE / "_sources" / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        setting = ["".join(cell["source"]) for cell in cells if "PROFILE =" in "".join(cell["source"])]
        assert len(setting) == 1
        assert setting[0].startswith(f'PROFILE = "{rendered_records(COLOPHON_MIME_TYPE)[path.stem][0]["profile"]}"')


def test_every_section_of_the_article_has_its_place():
    numbers = []
    for name in CHAPTERS:
        soup = site_reader.page(SITE / "notebooks" / f"{name}.html")
        for heading in soup.select("article h1, article h2, article h3"):
            number = heading.select_one(".section-number")
            numbers += [number.get_text().strip().rstrip(".")] if number else []
    sections = [section for section in ae_map.SECTIONS if section not in ae_map.CHAPTERS]
    assert [section for section in sections if section not in numbers] == []
    assert sorted(numbers, key=lambda number: [int(part) for part in number.split(".")]) == numbers


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_shows_figures_and_formulas_or_verdicts(name):
    soup = site_reader.page(SITE / "notebooks" / f"{name}.html")
    assert len(soup.select("article .cell_output img")) >= 2


def test_every_verdict_that_was_computed_is_shown_and_in_the_ledger():
    records = [(name, record) for name, found in rendered_records(claims.MIME_TYPE).items() for record in found]
    assert {record["claim"] for _, record in records} == set(claims.article())
    ledger = site_reader.page(SITE / "book" / "ledger.html")
    rows = {row.find("td").get_text().strip(): row for row in ledger.select("table.ae-ledger tbody tr")}
    assert list(rows) == list(claims.article())
    for name, record in records:
        (box,) = site_reader.page(SITE / "notebooks" / f"{name}.html").select(f"#claim-{record['claim']}")
        assert record["verdict"] in box.get_text()
        row = rows[record["claim"]]
        assert row.find("strong").get_text() == record["verdict"]
        assert row.find("a")["href"] == f"../notebooks/{name}.html#claim-{record['claim']}"
        assert all(prediction["figures"] in row.get_text() for prediction in record["predictions"])
    unsettled = len(claims.article()) - len(records)
    assert ledger.get_text().count("not yet settled") == unsettled


def test_the_map_leads_from_each_section_to_its_place_and_from_each_claim_to_its_box():
    records = {record["claim"]: (name, record) for name, found in rendered_records(claims.MIME_TYPE).items()
               for record in found}  # fmt: skip
    page = site_reader.page(SITE / "book" / "map.html")
    rows = [row.select("td") for row in page.select("table.ae-map tbody tr")]
    assert [row[0].get_text().strip() for row in rows] == list(ae_map.SECTIONS)
    for section, (_, place, found) in zip(ae_map.SECTIONS, rows, strict=True):
        address = place.find("a")["href"]
        assert address.endswith(f"#{ae_map.label(section)}")
        target = site_reader.page((SITE / "book" / address.partition("#")[0]).resolve())
        assert target.find(id=ae_map.label(section)) is not None
        items = found.select("li")
        assert [item.find("a").get_text() for item in items] == ae_map.claims_of(section)
        for item in items:
            name, record = records[item.find("a").get_text()]
            assert item.find("a")["href"] == f"../notebooks/{name}.html#claim-{record['claim']}"
            assert item.find("strong").get_text() == record["verdict"]
            assert f"({name}, cell " in item.get_text()


def test_the_first_page_has_a_tile_for_each_claim():
    records = {record["claim"]: (name, record) for name, found in rendered_records(claims.MIME_TYPE).items()
               for record in found}  # fmt: skip
    tiles = site_reader.page(SITE / "book" / "index.html").select("ul.ae-tiles a.ae-tile")
    assert len(tiles) == len(claims.article())
    for tile, (claim, entry) in zip(tiles, claims.article().items(), strict=True):
        name, record = records[claim]
        assert tile["href"] == f"../notebooks/{name}.html#claim-{claim}"
        assert f"ae-{record['verdict']}" in tile["class"]
        assert all(part in tile.get_text() for part in (claim, record["verdict"], entry["statement"]))


def test_the_status_page_has_each_run():
    rows = [
        row.select("td") for row in site_reader.page(SITE / "book" / "status.html").select("table.ae-status tbody tr")
    ]
    records = {name: record for name, (record,) in rendered_records(COLOPHON_MIME_TYPE).items()}
    *chapters, total = rows
    assert {row[0].find("a")["href"] for row in chapters} == {f"../notebooks/{name}.html" for name in records}
    for title, profile, seconds, _ in chapters:
        record = records[title.find("a")["href"].rpartition("/")[2].removesuffix(".html")]
        assert profile.get_text() == f"{record['profile']} ({record['data']})"
        assert seconds.get_text() == f"{record['seconds']:.0f}"
    assert total[3].get_text() == str(len(claims.article())) == str(sum(int(row[3].get_text()) for row in chapters))


def test_the_index_leads_from_the_glossary_s_terms_to_the_sections_that_use_them():
    page = site_reader.page(SITE / "genindex.html")
    links = [link["href"] for link in page.select("table.genindextable a") if link["href"].startswith("notebooks/")]
    assert len(links) > 100
    for name, anchor in {tuple(link.split("#")) for link in links}:
        assert site_reader.page(SITE / name).find(id=anchor) is not None, (name, anchor)
    (softmax,) = [item for item in page.select("table.genindextable td > ul > li") if
                     item.find(string=True, recursive=False) == "softmax" or
                     (item.find("a", recursive=False) and item.find("a").get_text() == "softmax")]  # fmt: skip
    assert "notebooks/01_background.html" in {link["href"].partition("#")[0] for link in softmax.select("a")}


@pytest.mark.slow
@all_pages
def test_no_markdown_is_printed_raw(path):
    soup = copy.copy(site_reader.page(path))  # the page is kept for other tests
    for code in soup.select("pre, code, script, style"):
        code.decompose()
    text = soup.get_text()
    raw = re.findall(
        r"\|\s*:?(?:-{3,}|[—–]+):?\s*\||\{(?:glue|ref|cite|doc|numref|eq)[:\w]*\}`|^#{1,6} \w|\*\*\w[^*\n]*\*\*",
        text,
        re.MULTILINE,
    )
    assert raw == []


def test_glued_numbers_are_no_tuples():
    for name in CHAPTERS:
        for value in site_reader.page(SITE / "notebooks" / f"{name}.html").select(".pasted-text"):
            assert not re.fullmatch(r"\(.*,.*\)", value.get_text()), (name, value)


def test_each_chapter_records_one_colophon():
    assert {name: len(found) for name, found in rendered_records(COLOPHON_MIME_TYPE).items()} == dict.fromkeys(
        CHAPTERS, 1
    )


def test_no_page_shows_an_error_or_a_backend_s_greeting():
    for path in site_reader.pages():
        text = path.read_text(encoding="utf-8")
        assert "Traceback (most recent call last)" not in text, path
        assert "oneDNN custom operations" not in text, path
        assert 'class="problematic"' not in text, path


def test_no_page_shows_what_a_cell_wrote_to_the_error_stream():
    for path in site_reader.pages():
        assert not site_reader.page(path).select(".output.stderr"), path


def test_the_site_names_no_folder_of_the_machine_that_built_it():
    # Executed notebooks are offered for download beside the pages.
    for path in [*site_reader.pages(), *(SITE / "_sources").rglob("*")]:
        if path.is_file():
            assert str(ROOT) not in path.read_text(encoding="utf-8"), path


# The checks above are only worth something if they fail on a page that is wrong.


def test_reader_finds_what_a_page_loads_from_elsewhere(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        "<script src='//cdn.example.org/a.js'></script><link rel=preload href='https://fonts.example.org/f'>"
        "<script>const u = \"https://unpkg.example.com/x/index.js\"</script><style>@import 'http://a.example.org/b.css';"
        "</style><p style='background: url(https://c.example.org/i.png)'></p><a href='https://doi.org/x'>fine</a>"
        "<script src='_static/own.js'></script>"
    )
    assert len(site_reader.foreign_loads(path)) == 5


def test_reader_finds_broken_links(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        "<p id=here></p><a href='#here'></a><a href='#gone'></a><a href='none.html'></a><a href='../up.html'></a>"
    )
    assert site_reader.broken_links(path, site=tmp_path) == ["#gone", "none.html", "../up.html"]
