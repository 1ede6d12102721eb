"""On paper: solutions and hidden code are there, buttons are not; the PDF and the ePub are whole."""

import contextlib
import io
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
import zipfile

import browser as installed
import build
import print_book
import pytest
import site_reader
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from site_reader import SITE

in_a_browser = pytest.mark.skipif(installed.PROGRAM is None, reason=installed.NONE_FOUND)
of_the_site = pytest.mark.skipif(not SITE.is_dir(), reason="no built site: run `make book` first")
CHAPTER = "notebooks/06_faq"
FIRST, LAST = "book/index", "book/bibliography"
PRINTED = [FIRST, "book/ledger", "notebooks/01_background", CHAPTER, LAST]  # all pages take a minute


def letters(text):
    """Return a text's letters and digits: a page on paper has other spaces, splits words and joins f and i."""
    return "".join(re.findall(r"\w", unicodedata.normalize("NFKC", text)))


def parts(name):
    """Return the letters of a page's solutions and of its hidden code, and those of one paragraph."""
    soup = site_reader.page(SITE / f"{name}.html")
    solutions = [
        box.get_text().removeprefix("Solution") for box in soup.select("article .admonition.dropdown > p:last-child")
    ]
    code = [box.get_text() for box in soup.select("article details.hide .cell_input pre")]
    (paragraph, *_) = [node.get_text() for node in soup.select("article section > p") if len(node.get_text()) > 60]
    formula = re.compile(r"\\\(.*?\\\)")
    return [letters(formula.split(text)[0]) for text in solutions], [letters(text) for text in code], letters(paragraph)


@pytest.mark.slow
@in_a_browser
@of_the_site
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_printed_page_shows_what_is_closed_and_nothing_to_press(scheme):
    with installed.launched() as browser:
        page = browser.new_context(color_scheme=scheme).new_page()
        page.goto((SITE / f"{CHAPTER}.html").as_uri())
        page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
        page.evaluate("""window.addEventListener("beforeprint", () => {
            const style = getComputedStyle(document.querySelector(".bd-article pre"));
            window.printed = [document.documentElement.dataset.theme, style.color];
        })""")
        text = letters("".join(each.extract_text() for each in PdfReader(io.BytesIO(page.pdf())).pages))
        theme, colour = page.evaluate("window.printed")
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
    solutions, code, paragraph = parts(CHAPTER)
    assert len(solutions) >= 3
    assert len(code) >= 3
    assert [each for each in (*solutions, *code, paragraph) if each[:300] not in text] == []
    for button in ("Showcodecell", "Hidecodecell", "Clicktohide", "Skiptomain", "Backtotop", "Previous"):
        assert button not in text
    assert theme == "light"
    assert max(map(int, re.findall(r"\d+", colour)[:3])) < 128  # dark letters


@pytest.fixture
def printed(monkeypatch, tmp_path):
    """Return a function that writes the book with one ending and returns the file."""
    if installed.PROGRAM is None or not SITE.is_dir():
        pytest.skip("no browser or no built site")

    def printed(ending):
        write = {"pdf": print_book.write_pdf, "epub": print_book.write_epub}[ending]
        print_book.print_book("quick", tmp_path / "print", {ending: write})
        assert [path.name for path in (tmp_path / "print").iterdir() if path.suffix != ".log"] == [
            f"autoencoders-tested.{ending}"
        ]
        return tmp_path / "print" / f"autoencoders-tested.{ending}"

    return printed


@pytest.mark.slow
def test_the_pdf_has_every_page_its_links_and_its_numbers(printed, monkeypatch):
    monkeypatch.setattr(print_book, "documents", lambda: PRINTED)
    path = printed("pdf")
    assert path.stat().st_size < 8e6
    assert b"file:" not in path.read_bytes()
    reader = PdfReader(path)
    texts = [page.extract_text() for page in reader.pages]
    text = letters("".join(texts))
    for name in (FIRST, "notebooks/01_background", CHAPTER, LAST):
        solutions, code, paragraph = parts(name)
        assert paragraph[:60] in text, name
        assert [each for each in (*solutions, *code) if each[:200] not in text] == []
    for number, words in enumerate(texts, 1):
        assert f"Autoencoders, tested · {number} / {len(texts)}" in words
    top = [item.title for item in reader.outline if not isinstance(item, list)]
    titles = [site_reader.page(SITE / f"{name}.html").select_one("article h1") for name in PRINTED]
    assert [letters(title) for title in top] == [letters(title.get_text()) for title in titles]
    assert "Exercises" in str([item.title for item in _flat(reader.outline)])
    # A claim in the ledger, whose chapter has been printed, leads to the claim's box.
    row = next(row for row in site_reader.page(SITE / "book/ledger.html").select("table.ae-ledger tbody tr")
               if row.find("a")["href"].startswith("../notebooks/06_faq.html"))  # fmt: skip
    claim = row.find("a").get_text()
    numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages)}
    boxes = {number for number, words in enumerate(texts) if f"{claim} · article" in words}
    links = [link.get_object() for page in reader.pages for link in page.get("/Annots", ())]
    targets = {numbers[link["/Dest"].get_object()[0].idnum] for link in links
               if isinstance(link.get("/Dest"), list)}  # fmt: skip
    assert len(boxes) == 1
    assert boxes <= targets


def _flat(outline):
    for item in outline:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item


@pytest.mark.slow
def test_the_epub_is_whole_and_has_the_figures_and_the_formulas(printed):
    path = printed("epub")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        files = {name: archive.read(name) for name in archive.namelist()}
    assert files["mimetype"] == b"application/epub+zip"
    opf = "{http://www.idpf.org/2007/opf}"
    container = ElementTree.fromstring(files["META-INF/container.xml"])
    (root,) = [node.get("full-path") for node in container.iter() if node.get("full-path")]
    package = ElementTree.fromstring(files[root])
    items = {node.get("id"): node for node in package.iter(f"{opf}item")}
    assert {node.get("href") for node in items.values()} <= set(files)
    spine = [items[node.get("idref")].get("href") for node in package.iter(f"{opf}itemref")]
    assert spine[: len(print_book.documents())] == [f"{name}.xhtml" for name in print_book.documents()]
    assert package.find(f".//{opf}spine").get("toc") in items
    images = set()
    for name in [*spine, "nav.xhtml", "toc.ncx"]:
        tree = ElementTree.fromstring(files[name].replace(b"&nbsp;", b" "))
        page = files[name].decode()
        assert not re.search(r"<(script|details|noscript)\b", page)
        for node in tree.iter():
            for attribute in ("src", "href"):
                address = (node.get(attribute) or "").partition("#")[0]
                if address and ":" not in address:
                    target = (SITE / name).parent.joinpath(address).resolve().relative_to(SITE).as_posix()
                    assert target in files, (name, address)
            if node.tag.endswith("}img"):
                images.add(node.get("src").rpartition("/")[2])
        formulas = page.count("<math ")
        assert not re.search(r"\\[(\[]", re.sub(r"<(pre|code)\b.*?</\1>", "", page, flags=re.DOTALL))
        if name in spine:
            source = SITE / name.replace(".xhtml", ".html")
            assert formulas == len(site_reader.page(source).select("article .math"))
            item = next(node for node in items.values() if node.get("href") == name)
            assert ("mathml" in (item.get("properties") or "")) == bool(formulas)
    figures = {image["src"].rpartition("/")[2] for name in print_book.documents()
               for image in site_reader.page(SITE / f"{name}.html").select("article img.ae-on-light")}  # fmt: skip
    assert len(figures) > 50
    assert figures <= images
    solutions, code, paragraph = parts(CHAPTER)
    text = letters(re.sub("<[^>]*>", "", files[f"{CHAPTER}.xhtml"].decode()).replace("&lt;", "<").replace("&gt;", ">"))
    assert [each for each in (*solutions, *code, paragraph) if each[:100] not in text] == []


def test_without_a_browser_or_a_site_it_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(print_book, "require_site", lambda profile: None)
    monkeypatch.setattr(print_book, "browser_program", lambda: None)
    assert print_book.main(["--output", str(tmp_path)]) == 1
    assert "Chromium or Chrome on the PATH, or its path in CHROME" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(build, "ROOT", tmp_path)
    for name in ("_toc.yml", "_config.yml"):
        (tmp_path / name).write_text((site_reader.ROOT / name).read_text())
    assert print_book.main(["--output", str(tmp_path)]) == 1
    assert "run `make book` first" in capsys.readouterr().err


def test_a_file_that_could_not_be_written_leaves_the_old_one(monkeypatch, tmp_path):
    @contextlib.contextmanager
    def launched():
        yield None

    def fail(browser, profile, target):
        target.write_bytes(b"half")
        raise build.BuildError("half-way")

    old = tmp_path / "autoencoders-tested.pdf"
    old.write_bytes(b"whole")
    monkeypatch.setattr(print_book, "require_site", lambda profile: None)
    monkeypatch.setattr(print_book, "launched", launched)
    with pytest.raises(build.BuildError):
        print_book.print_book("quick", tmp_path, {"pdf": fail})
    assert old.read_bytes() == b"whole"


def test_a_link_to_another_file_becomes_one_within_the_pdf_or_goes(tmp_path):
    writer = PdfWriter()
    pages = [writer.add_blank_page(100, 100) for _ in range(3)]
    for address in ("book/b.html", "book/a.ipynb", "https://example.org/"):
        uri = address if "://" in address else f"{tmp_path.as_uri()}/{address}"
        action = DictionaryObject({NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject(uri)})
        link = DictionaryObject({NameObject("/Subtype"): NameObject("/Link"), NameObject("/A"): action})
        writer.add_annotation(0, link)
    print_book.lead_within(writer, tmp_path, {"book/a": 0, "book/b": 2}, {})
    left = [link.get_object() for link in pages[0]["/Annots"]]
    assert len(left) == 2
    assert left[0]["/Dest"][0] == pages[2].indirect_reference
    assert left[1]["/A"]["/URI"] == "https://example.org/"


@pytest.mark.parametrize(
    ("written", "tex", "display"),
    [
        (r'<span class="math notranslate nohighlight">\(a &lt; b\)</span>', "a < b", False),
        ('<div class="math notranslate nohighlight" id="e">\n<span class="eqno">(1.2)</span>\\[x\\]</div>', "x", True),
        (
            '<div class="amsmath math notranslate nohighlight">\\begin{align}x\\end{align}</div>',
            r"\begin{align}x\end{align}",
            True,
        ),
    ],
)
def test_a_formula_is_read_from_its_element(written, tex, display):
    match = print_book.FORMULA.fullmatch(written)
    assert print_book.tex_of(match) == (tex, display)
    new = print_book.written_formula(match, "<math>\n  <mi>x</mi>\n</math>")
    assert "<math><mi>x</mi></math>" in new
    assert ("(1.2)" in new) == ("(1.2)" in written)
    assert ('id="e"' in new) == ('id="e"' in written)
