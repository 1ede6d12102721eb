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
import print_epub
import print_front
import print_pdf
import print_site
import print_tags
import pytest
import site_reader
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)
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


def printed(folder, ending):
    """Write the book with one ending into a folder and return the file."""
    if installed.PROGRAM is None or not SITE.is_dir():
        pytest.skip("no browser or no built site")
    write = {"pdf": print_pdf.write_pdf, "epub": print_epub.write_epub}[ending]
    print_book.print_book("quick", folder, {ending: write})
    assert [path.name for path in folder.iterdir() if path.suffix != ".log"] == [f"autoencoders-tested.{ending}"]
    return folder / f"autoencoders-tested.{ending}"


@pytest.fixture(scope="module")
def pdf(tmp_path_factory):
    """Return the PDF of some pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(print_site, "documents", lambda: PRINTED)
        return printed(tmp_path_factory.mktemp("print"), "pdf")


@pytest.fixture(scope="module")
def texts(pdf):
    """Return the text of each page of the PDF."""
    return [page.extract_text() for page in PdfReader(pdf).pages]


@pytest.mark.slow
def test_the_pdf_has_every_page_its_links_and_its_numbers(pdf, texts):
    assert pdf.stat().st_size < 8e6
    assert b"file:" not in pdf.read_bytes()
    reader = PdfReader(pdf)
    text = letters("".join(texts))
    for name in (FIRST, "notebooks/01_background", CHAPTER, LAST):
        solutions, code, paragraph = parts(name)
        assert paragraph[:60] in text, name
        assert [each for each in (*solutions, *code) if each[:200] not in text] == []
    assert " · 1 /" not in texts[0]
    for number, words in enumerate(texts[1:], 2):
        assert f"Autoencoders, tested · {number} / {len(texts)}" in words
    top = [item.title for item in reader.outline if not isinstance(item, list)]
    titles = [site_reader.page(SITE / f"{name}.html").select_one("article h1") for name in PRINTED]
    assert [letters(title) for title in top] == ["Contents", *(letters(title.get_text()) for title in titles)]
    assert "Exercises" in str([item.title for item in _flat(reader.outline)])
    # A claim in the ledger, whose chapter has been printed, leads to the claim's box.
    row = next(row for row in site_reader.page(SITE / "book/ledger.html").select("table.ae-ledger tbody tr")
               if row.find("a")["href"].startswith("../notebooks/06_faq.html"))  # fmt: skip
    claim = row.find("a").get_text()
    numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages)}
    boxes = {number for number, words in enumerate(texts) if f"{claim} · article" in words}
    links = [link.get_object() for page in reader.pages for link in page.get("/Annots", ())]
    assert min(float(link["/Rect"][3]) - float(link["/Rect"][1]) for link in links) > 4  # none that nobody sees
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
def test_the_pdf_begins_with_what_it_is_and_the_right_numbers_of_pages(pdf, texts):
    first = letters(texts[0])
    for words in (
        "Autoencoders, tested",
        print_site.description(),
        "The ae_toolkit authors",
        "profile quick",
        "CC BY 4.0",
    ):
        assert letters(words) in first
    reader = PdfReader(pdf)
    bookmarks = {letters(item.title): reader.get_destination_page_number(item) + 1 for item in _flat(reader.outline)}
    entries = [line for words in texts[1:4] for line in re.findall(r"^(\d+\.\d+\. .*?)\s*(\d+)$", words, re.MULTILINE)]
    assert len(entries) > 8
    for heading, number in entries:
        assert bookmarks[letters(heading)] == int(number)
        assert letters(heading) in letters(texts[int(number) - 1])
    numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, 1)}
    links = [link.get_object() for page in reader.pages[1:3] for link in page.get("/Annots", ())]
    assert {int(number) for _, number in entries} <= {numbers[link["/Dest"][0].idnum] for link in links}


@pytest.mark.slow
@in_a_browser
@of_the_site
def test_nothing_stands_alone_at_the_foot_of_a_page_or_on_one(monkeypatch):
    names = ["book/notation", "notebooks/02_concepts", CHAPTER, "book/ledger"]
    monkeypatch.setattr(print_site, "documents", lambda: names)
    with print_site.launched() as browser:
        *parts, ledger = print_pdf.printed_parts(browser)
    for part in parts:
        pages = [letters(page.extract_text()) for page in part.reader.pages]
        for heading in part.headings:
            page = pages[part.page_of(heading)]
            assert letters(heading.text) in page
            if heading.text == "Symbols":
                assert "SymbolMeaning" in page  # the table is long and begins below its heading
        assert not any(re.match("Producedwith|Thebooks\\d", page) for page in pages)  # the colophon
    words = "".join(page.extract_text() for page in ledger.reader.pages).split()
    assert words.count("undecided") >= 3  # in the table, in one piece


@pytest.mark.slow
@in_a_browser
def test_a_cell_that_shows_nothing_does_not_part_a_heading_from_its_figure():
    style = (build.ROOT / "book" / "_static" / "print.css").read_text()
    empty = '<div class="cell"><!-- a comment --></div><div class="cell"><div class="cell_output">\n</div></div>'
    figure = '<div class="cell"><div class="cell_output"><figure style="height: 90mm">figure</figure></div></div>'
    with installed.launched() as browser:
        page = browser.new_page()
        page.set_content(f"<style>{style}</style><p style='height: 200mm'>text<h2>heading</h2>{empty}{figure}")
        texts = [page.extract_text() for page in PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages]
    assert [text.split() for text in texts] == [["text"], ["heading", "figure"]]


@pytest.mark.slow
def test_the_pdf_is_tagged_throughout(pdf, texts):
    reader = PdfReader(pdf)
    catalog = reader.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"] == True  # noqa: E712 (PDF's own true)
    assert catalog["/Lang"] == "en"
    assert catalog["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712
    found = elements(reader)
    kinds = [element["/S"] for element in found]
    soups = [site_reader.page(SITE / f"{name}.html") for name in PRINTED]
    for kind, selector in {"/H1": "h1", "/H2": "section > h2", "/TR": "tr", "/Formula": ".math"}.items():
        front = {"/H1": 1, "/H2": 1}.get(kind, 0)
        assert kinds.count(kind) == front + sum(len(soup.select(f"article {selector}")) for soup in soups), kind
    described = {element["/Alt"] for element in found if element["/S"] == "/Figure" and "/Alt" in element}
    assert {image["alt"] for soup in soups for image in soup.select("article figure img")} <= described
    formulas = {element["/Alt"] for element in found if element["/S"] == "/Formula"}
    assert {node.get_text() for soup in soups for node in soup.select("article span.math")} <= formulas
    owners = catalog["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    for page in reader.pages:
        content = page.get_contents().get_data()
        marks = set(map(int, re.findall(rb"/MCID (\d+)", content)))
        assert marks == {mark for mark, owner in enumerate(owners[2 * page["/StructParents"] + 1].get_object())
                         if isinstance(owner.get_object(), DictionaryObject)}  # fmt: skip
    assert b"/Artifact BMC" in content  # the footer


def elements(reader):
    """Return all elements of a PDF's tree, having compared what each holds with what says that it is held."""
    tree = reader.trailer["/Root"]["/StructTreeRoot"]
    owners = dict(zip(tree["/ParentTree"]["/Nums"][::2], tree["/ParentTree"]["/Nums"][1::2], strict=True))
    found, todo = [], [tree.raw_get("/K")]
    while todo:
        reference = todo.pop(0)
        element = reference.get_object()
        found.append(element)
        for kid in element["/K"]:
            held = kid.get_object()
            if isinstance(held, NumberObject):
                owner = owners[element["/Pg"]["/StructParents"]].get_object()[held]
            elif held["/Type"] == "/MCR":
                owner = owners[held["/Pg"]["/StructParents"]].get_object()[held["/MCID"]]
            elif held["/Type"] == "/OBJR":
                owner = owners[held["/Obj"]["/StructParent"]]
            else:
                owner = held.raw_get("/P")
                todo.append(kid)
            assert owner.idnum == reference.idnum
    return found


def tagged_part():
    """Return a reader of a PDF of two pages that is tagged as a browser tags it."""
    writer = PdfWriter()
    pages = [writer.add_blank_page(100, 100) for _ in range(2)]
    link = writer._add_object(DictionaryObject({NameObject("/Subtype"): NameObject("/Link"),
                                                NameObject("/StructParent"): NumberObject(2)}))  # fmt: skip
    pages[0][NameObject("/Annots")] = ArrayObject([link])
    for page in pages:
        content = StreamObject()
        content.set_data(b"/P <</MCID 0 >>BDC\nEMC\n/P <</MCID 1 >>BDC\nEMC\n")
        page[NameObject("/Contents")] = writer._add_object(content)

    def element(kind, *kids, page=0, **more):
        entries = {"/Type": NameObject("/StructElem"), "/S": NameObject(kind), "/K": ArrayObject(kids)}
        entries |= {"/Pg": pages[page].indirect_reference, **{f"/{key}": value for key, value in more.items()}}
        return writer._add_object(DictionaryObject({NameObject(key): value for key, value in entries.items()}))

    held = print_tags.dictionary("OBJR", Obj=link)
    over = print_tags.dictionary("MCR", Pg=pages[1].indirect_reference, MCID=NumberObject(0))
    table = ArrayObject([
        DictionaryObject({NameObject("/O"): NameObject("/Table"), NameObject(key): value})
        for key, value in {"/Headers": ArrayObject([TextStringObject("node1")]), "/ColSpan": NumberObject(2),
                           "/RowSpan": NumberObject(1)}.items()
    ])  # fmt: skip
    words = [
        element("/NonStruct", NumberObject(0)),
        element("/Link", element("/NonStruct", NumberObject(1)), held),
        over,
    ]
    cell = element("/TD", NumberObject(1), page=1, A=table, ID=TextStringObject("node2"))
    formula = element("/Figure", cell, Alt=TextStringObject(r"\(x\)"))
    root = element("/Document", element("/NonStruct", element("/P", *words), formula, element("/Figure")))
    writer.root_object[NameObject("/StructTreeRoot")] = writer._add_object(
        print_tags.dictionary("StructTreeRoot", K=root)
    )
    stream = io.BytesIO()
    writer.write(stream)
    return PdfReader(stream)


def test_the_tags_of_parts_become_one_tree():
    writer, parts = PdfWriter(), [tagged_part(), tagged_part()]
    for part in parts:
        writer.append(part)
    del writer.pages[2]["/Annots"]  # its link led to a file that is no page
    tree = print_tags.TagTree(writer)
    for number, part in enumerate(parts):
        tree.add(part, 2 * number)
    tree.finish("en")
    stream = io.BytesIO()
    writer.write(stream)
    reader = PdfReader(stream)
    root, *found = elements(reader)
    assert root["/S"] == "/Document"
    assert [element["/S"] for element in found] == ["/P", "/Formula"] * 2 + ["/Link", "/TD"] * 2
    pages = [page.indirect_reference.idnum for page in reader.pages]
    cells = [element for element in found if element["/S"] == "/TD"]
    assert [pages.index(cell.raw_get("/Pg").idnum) for cell in cells] == [1, 3]
    assert [[sorted(each) for each in cell["/A"]] for cell in cells] == [[["/ColSpan", "/O"]]] * 2
    assert [len(element["/K"]) for element in found if element["/S"] == "/Link"] == [2, 1]
    assert not any("/ID" in element for element in found)


def test_each_part_of_the_book_has_its_caption_before_its_first_page():
    assert set(print_site.captions()) <= set(print_site.documents())
    assert print_site.captions()["notebooks/01_background"] == "Part I. The article, tested"


def test_the_licences_of_the_title_page_are_those_of_the_book():
    licence = (build.ROOT / "LICENSE").read_text()
    for words in ("CC BY 4.0", "MIT", "CC BY-SA 3.0", "Yann LeCun, Corinna Cortes and Christopher"):
        assert words in print_site.LICENCES
        assert words in licence


def test_the_table_of_contents_has_chapters_and_sections_and_counts_from_the_first_page():
    class Stub(print_pdf.Part):
        def page_of(self, heading):
            return self.places[heading.place]

    headings = [
        print_pdf.Heading(1, "1. A & b", "a"),
        print_pdf.Heading(2, "1.1. C", "c"),
        print_pdf.Heading(3, "D", "d"),
    ]
    parts = [Stub("notebooks/01_background", headings, None, {"a": 0, "c": 4, "d": 4})]
    lines = print_front.contents(parts, [30]).split("\n")
    entries = [line for line in lines if "<li" in line]
    assert [re.findall(r">([^<]+)<", line) for line in entries] == [["1. A &amp; b", "30"], ["1.1. C", "34"]]
    assert 'notebooks/01_background.html#c"' in entries[1]
    assert lines.index("<h3>Part I. The article, tested</h3>") < lines.index(entries[0])


@pytest.mark.slow
def test_the_epub_is_whole_and_has_the_figures_and_the_formulas(tmp_path):
    path = printed(tmp_path / "print", "epub")
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
    assert spine[: len(print_site.documents())] == [f"{name}.xhtml" for name in print_site.documents()]
    assert package.find(f".//{opf}spine").get("toc") in items
    (cover,) = [node for node in items.values() if node.get("properties") == "cover-image"]
    assert [node.get("content") for node in package.iter(f"{opf}meta") if node.get("name") == "cover"] == [
        cover.get("id")
    ]
    picture = Image.open(io.BytesIO(files[cover.get("href")]))
    assert picture.size == (800, 1280)
    assert picture.convert("L").crop((0, 600, 800, 1100)).getextrema()[1] > 128  # the digits
    said = {node.tag.partition("}")[2]: node.text for node in package.find(f"{opf}metadata")}
    assert said["language"] == "en"
    assert said["description"] == print_site.description()
    assert said["rights"] == print_site.LICENCES
    assert "contributor" not in said
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
    figures = {image["src"].rpartition("/")[2] for name in print_site.documents()
               for image in site_reader.page(SITE / f"{name}.html").select("article img.ae-on-light")}  # fmt: skip
    assert len(figures) > 50
    assert figures <= images
    solutions, code, paragraph = parts(CHAPTER)
    text = letters(re.sub("<[^>]*>", "", files[f"{CHAPTER}.xhtml"].decode()).replace("&lt;", "<").replace("&gt;", ">"))
    assert [each for each in (*solutions, *code, paragraph) if each[:100] not in text] == []


def test_without_a_browser_or_a_site_it_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(print_site, "require_site", lambda profile: None)
    monkeypatch.setattr(print_site, "browser_program", lambda: None)
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
    monkeypatch.setattr(print_site, "require_site", lambda profile: None)
    monkeypatch.setattr(print_site, "launched", launched)
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
        link[NameObject("/StructParent")] = NumberObject(0)
        writer.add_annotation(0, link)
    writer.add_annotation(0, DictionaryObject({NameObject("/Subtype"): NameObject("/Link")}))  # PREPARE's own
    print_pdf.lead_within(writer, tmp_path, {"book/a": 0, "book/b": 2}, {})
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
    match = print_epub.FORMULA.fullmatch(written)
    assert print_epub.tex_of(match) == (tex, display)
    new = print_epub.written_formula(match, "<math>\n  <mi>x</mi>\n</math>")
    assert "<math><mi>x</mi></math>" in new
    assert ("(1.2)" in new) == ("(1.2)" in written)
    assert ('id="e"' in new) == ('id="e"' in written)
