"""The PDF: each page of the site printed by a browser, joined with bookmarks, page numbers, links and tags."""

import html
import io
import os
import re
from dataclasses import dataclass

import build
import print_front
import print_site
import print_tags
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, Fit, NameObject, NullObject, StreamObject

#: The words under each page but the first.
FOOTER = "{title} · {page} / {pages}"
#: A document of its own with all of them, since the browser could number only the pages of each part.
FOOTERS = """<style>
@page {{ margin: 0; size: A4; }}
body {{ margin: 0; }}
div {{ break-after: page; height: 296mm; position: relative; }}
div:last-child {{ break-after: auto; }}
p {{ bottom: 7mm; color: #444; font: 8pt sans-serif; margin: 0; position: absolute; text-align: center; width: 100%; }}
</style>
{footers}"""

# Before a page is printed: formulas are set and figures loaded, which a browser puts off until they are scrolled to;
# the names of places get the page's name before them, since all pages become one document; and there is a link to each
# heading, for the bookmarks, and to each place to which another page links: a browser writes no others into a PDF.
# Nobody sees or hears these links. For screen readers, which get what the browser tags, a formula is described by its
# TeX: as an image, since no other element gets a description, and with a background that nobody sees, since its letters
# are a style's and are not tagged; and code and terms become elements, where the browser would leave their words loose.
PREPARE = """async ([prefix, wanted]) => {
  await window.MathJax?.startup?.promise;
  const article = document.querySelector("article");
  for (const formula of window.MathJax?.startup?.document?.math ?? []) {
    formula.typesetRoot.setAttribute("role", "img");
    formula.typesetRoot.setAttribute("aria-label", `\\\\(${formula.math}\\\\)`);
    formula.typesetRoot.style.background = "rgba(255, 255, 255, 0.01)";
    formula.typesetRoot.querySelector("mjx-assistive-mml")?.remove();
  }
  for (const code of article.querySelectorAll("pre")) code.setAttribute("role", "code");
  const says = node => node.nodeType === Node.TEXT_NODE && node.textContent.trim();
  for (const block of article.querySelectorAll("dt, dd, div, summary")) {
    if (block.tagName === "DT" || [...block.childNodes].some(says)) block.setAttribute("role", "paragraph");
  }
  for (const image of article.querySelectorAll("img")) image.loading = "eager";
  const shown = [...article.querySelectorAll("img")].filter(image => getComputedStyle(image).display !== "none");
  await Promise.all(shown.map(image => image.decode()));
  for (const link of article.querySelectorAll('a[href^="#"]')) {
    const name = link.getAttribute("href").slice(1);
    if (name) link.setAttribute("href", "#" + prefix + name);
  }
  // A heading may stand on the next page than the beginning of its section, so that it gets the section's names.
  const headings = [...article.querySelectorAll("section[id] > :is(h1, h2, h3, h4)")].map(heading => {
    const text = heading.cloneNode(true), section = heading.parentNode, {id} = section;
    for (const mark of text.querySelectorAll(".headerlink")) mark.remove();
    while (heading.previousElementSibling?.matches("span[id]")) heading.prepend(heading.previousElementSibling);
    section.removeAttribute("id");
    heading.id = id;
    return [Number(heading.tagName[1]), text.textContent.trim(), id];
  });
  const links = document.createElement("p");
  for (const name of new Set([...wanted, ...headings.map(heading => heading[2])])) {
    const link = document.createElement("a");
    link.href = "#" + prefix + name;
    link.textContent = "\\u00a0";
    link.style = "color: transparent !important; text-decoration: none";
    links.append(link);
  }
  links.ariaHidden = "true";
  links.style = "font-size: 1px; line-height: 1px; margin: 0; overflow: hidden";
  for (const place of article.querySelectorAll("[id]")) place.id = prefix + place.id;
  article.append(links);
  return headings.filter(heading => heading[0] < 4);
}"""


@dataclass
class Heading:
    """A heading of a page: its level, its words, and the name of its section."""

    level: int
    text: str
    place: str


@dataclass
class Part:
    """A printed page of the site: its name, its headings, a reader of what was printed, and the places in that."""

    name: str
    headings: list
    reader: PdfReader
    places: dict

    def page_of(self, heading):
        """Return the number of the page of this part on which a heading stands, counted from 0."""
        return self.reader.get_destination_page_number(self.places[prefix(self.name) + heading.place])


def write_pdf(browser, profile, target):
    """Print each page of the site and write all of them as one PDF."""
    parts = printed_parts(browser)
    front = print_front.print_front(browser, parts)
    first = dict(zip([part.name for part in parts], print_front.first_pages(parts, len(front.pages)), strict=True))
    writer = PdfWriter()
    for reader in (front, *(part.reader for part in parts)):
        writer.append(reader)
    places = places_in(writer)
    lead_within(writer, print_site.folder(), first, places)
    add_bookmarks(writer, parts, first)
    add_tags(writer, {0: front} | {first[part.name]: part.reader for part in parts})
    number_pages(writer, browser)
    for page in writer.pages:
        page.compress_content_streams()
    writer.add_metadata({
        "/Title": print_site.title(), "/Author": print_site.author(), "/Subject": print_site.description(),
    })  # fmt: skip
    writer.compress_identical_objects()
    with open(target, "wb") as stream:
        writer.write(stream)


def printed_parts(browser):
    """Print each page of the site and return them."""
    site, names, parts = print_site.folder(), print_site.documents(), []
    wanted = linked_places(site, names)
    for name in names:
        page = browser.new_page()
        page.goto((site / f"{name}.html").as_uri())
        headings = [Heading(*each) for each in page.evaluate(PREPARE, [prefix(name), sorted(wanted[name])])]
        printed = page.pdf(prefer_css_page_size=True, print_background=True, tagged=True)
        page.close()
        reader = PdfReader(io.BytesIO(printed))
        parts.append(Part(name, headings, reader, places_in(reader)))
    return parts


def prefix(name):
    """Return what stands before the names of a page's places in the PDF."""
    return name.replace("/", "--") + "--"


def places_in(pdf):
    """Return the places of a PDF to which links may lead, by name."""
    return {str(name).removeprefix("/"): place for name, place in pdf.named_destinations.items()}


def linked_places(site, names):
    """Return for each page the places in it to which other pages link."""
    wanted = {name: set() for name in names}
    for name in names:
        folder = (site / name).parent
        for link in re.findall(r'<a [^>]*href="([^"#:]+)\.html#([^"]+)"', (site / f"{name}.html").read_text("utf-8")):
            target = os.path.relpath(os.path.normpath(folder / link[0]), site)
            if target in wanted:
                wanted[target].add(html.unescape(link[1]))
    return wanted


def lead_within(writer, site, first, places):
    """Turn links from page to page of the site, which are addresses of files, into links within the PDF.

    A link to a file that is no page of the book, such as a notebook, is taken out; so are the links that PREPARE made,
    the only ones that no screen reader is told of: they have done their work.
    """
    start = site.as_uri() + "/"
    for page in writer.pages:
        kept = ArrayObject()
        for reference in page.get("/Annots", ()):
            link = reference.get_object()
            if "/StructParent" not in link:
                continue
            address = str(link.get("/A", {}).get("/URI", ""))
            if address.startswith("file:"):
                target = target_within(writer, address.removeprefix(start), first, places)
                if target is None:
                    continue
                del link["/A"]
                link[NameObject("/Dest")] = target
            kept.append(reference)
        if "/Annots" in page:
            page[NameObject("/Annots")] = kept


def target_within(writer, address, first, places):
    """Return where in the PDF a link to a file of the site leads; None where the file is no page of the book."""
    path, _, place = address.partition("#")
    name = path.removesuffix(".html")
    if name not in first:
        return None
    found = places.get(prefix(name) + place) if place else None
    number, top = first[name], NullObject()
    if found is not None:
        number, top = writer.get_page_number(found.page.get_object()), found.top
    page = writer.pages[number].indirect_reference
    return ArrayObject([page, NameObject("/XYZ"), NullObject(), top, NullObject()])


def add_bookmarks(writer, parts, first):
    """Add a bookmark for each heading, below that of the heading of a higher level before it."""
    above = {}
    writer.add_outline_item(title="Contents", page_number=1)
    for part in parts:
        for heading in part.headings:
            level, place = heading.level, part.places[prefix(part.name) + heading.place]
            parent = next((above[each] for each in range(level - 1, 0, -1) if each in above), None)
            above = {each: item for each, item in above.items() if each < level}
            above[level] = writer.add_outline_item(
                title=heading.text, page_number=first[part.name] + part.page_of(heading), parent=parent,
                fit=Fit.xyz(top=float(place.top)),
            )  # fmt: skip


def add_tags(writer, readers):
    """Add the tags of all parts, whose readers stand under the numbers of their first pages."""
    tree = print_tags.TagTree(writer)
    for first, reader in readers.items():
        tree.add(reader, first)
    tree.finish(print_site.language())
    # A window is named by the title instead of by the file.
    preferences = DictionaryObject({NameObject("/DisplayDocTitle"): BooleanObject(True)})
    writer.root_object[NameObject("/ViewerPreferences")] = preferences


def number_pages(writer, browser):
    """Print a footer below each page but the first."""
    pages, book = len(writer.pages), html.escape(print_site.title())
    lines = [f"<p>{FOOTER.format(title=book, page=number, pages=pages)}</p>" for number in range(2, pages + 1)]
    page = browser.new_page()
    page.set_content(FOOTERS.format(footers="".join(f"<div>{line}</div>" for line in ("", *lines))))
    footers = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    page.close()
    if len(footers.pages) != pages:
        raise build.BuildError(f"expected {pages} footers, the browser printed {len(footers.pages)}")
    for numbered, footer in zip(writer.pages[1:], footers.pages[1:], strict=True):
        content = StreamObject()
        # An artifact, in PDF's words, is what a screen reader does not read out in the middle of a sentence.
        content.set_data(b"/Artifact BMC\n" + footer.get_contents().get_data() + b"\nEMC\n")
        footer[NameObject("/Contents")] = content
        numbered.merge_page(footer)
