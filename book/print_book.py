"""Write the book as one PDF and as one ePub, from what `make book` has executed and rendered.

    python book/print_book.py [--profile quick|full] [--output FOLDER]

For the PDF, an installed Chromium or Chrome prints each page of ``_build/html`` that the table
of contents names, and pypdf joins them: bookmarks, page numbers, and links that lead from page to page. For the
ePub, Sphinx's own builder reads what the site was rendered from; the formulas become MathML, which MathJax,
in the same browser, makes of their TeX. Both are written to ``_build/print``, or to FOLDER, under a
temporary name first.
"""

import argparse
import html
import io
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
import zipfile
from contextlib import contextmanager
from pathlib import Path

import build
import yaml

NAME = "autoencoders-tested"
#: The words under each page of the PDF.
FOOTER = "{title} · {page} / {pages}"

#: How an ePub's pages look besides: code has a line at its side, and a long line of it goes on in the next one.
EPUB_STYLE = """
pre { border-left: 3px solid #767676; overflow-wrap: anywhere; padding-left: 0.6em; white-space: pre-wrap; }
img { height: auto; max-width: 100%; }
"""

# Before a page is printed: formulas are set and figures loaded, which a browser puts off until they are scrolled to;
# the names of places get the page's name before them, since all pages become one document; and there is a link to each
# heading, for the bookmarks, and to each place to which another page links: a browser writes no others into a PDF.
PREPARE = """async ([prefix, wanted]) => {
  await window.MathJax?.startup?.promise;
  const article = document.querySelector("article");
  for (const image of article.querySelectorAll("img")) image.loading = "eager";
  const shown = [...article.querySelectorAll("img")].filter(image => getComputedStyle(image).display !== "none");
  await Promise.all(shown.map(image => image.decode()));
  for (const link of article.querySelectorAll('a[href^="#"]')) {
    const name = link.getAttribute("href").slice(1);
    if (name) link.setAttribute("href", "#" + prefix + name);
  }
  const headings = [...article.querySelectorAll("section[id] > :is(h1, h2, h3)")].map(heading => {
    const text = heading.cloneNode(true);
    for (const mark of text.querySelectorAll(".headerlink")) mark.remove();
    return [Number(heading.tagName[1]), text.textContent.trim(), heading.parentNode.id];
  });
  const links = document.createElement("p");
  for (const name of new Set([...wanted, ...headings.map(heading => heading[2])])) {
    const link = document.createElement("a");
    link.href = "#" + prefix + name;
    link.textContent = "\\u00a0";
    links.append(link);
  }
  links.style = "font-size: 1px; line-height: 1px; margin: 0; overflow: hidden";
  for (const place of article.querySelectorAll("[id]")) place.id = prefix + place.id;
  article.append(links);
  return headings;
}"""
TO_MATHML = """async formulas => {
  await MathJax.startup.promise;
  const found = [];
  for (const [tex, display] of formulas) found.push(await MathJax.tex2mmlPromise(tex, {display}));
  return found;
}"""


def main(argv=None):
    """Write both files and print where they are; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--profile", default="quick", help="the profile that the site was built with")
    parser.add_argument("--output", default=str(build.ROOT / "_build" / "print"), help="the folder to write to")
    arguments = parser.parse_args(argv)
    try:
        print_book(arguments.profile, Path(arguments.output).resolve())
    except (build.BuildError, OSError) as error:
        print(f"print: FAILED: {error}", file=sys.stderr)
        return 1
    return 0


def print_book(profile, folder, writers=None):
    """Write the PDF and the ePub into a folder, a line with size and seconds for each.

    Parameters
    ----------
    profile : str
        The profile with which the site was built.
    folder : pathlib.Path
    writers : dict of str to callable, optional
        What writes a file of which ending; both without this.
    """
    require_site(profile)
    folder.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        for ending, write in (writers or {"pdf": write_pdf, "epub": write_epub}).items():
            start, target = time.perf_counter(), folder / f"{NAME}.{ending}"
            part = target.with_suffix(f".part.{ending}")
            write(browser, profile, part)
            os.replace(part, target)
            size = target.stat().st_size / 1e6
            print(f"print: {target} ({size:.1f} MB, {time.perf_counter() - start:.0f} s)", flush=True)


def require_site(profile):
    """Raise an error that says what to do where the site or its executed notebooks are missing."""
    site, executed = build.ROOT / "_build" / "html", build.executed(profile)
    missing = [name for name in documents() if not (site / f"{name}.html").is_file()]
    if missing:
        raise build.BuildError(f"expected the built site in {site}, found no {missing[0]}.html: run `make book` first")
    if not all((executed / path.name).is_file() for path in build.chapters()):
        raise build.BuildError(f"expected executed notebooks in {executed}: run `make book PROFILE={profile}` first")


def documents():
    """Return the names of all pages in the order of the table of contents, the first page first."""
    toc = yaml.safe_load((build.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = [toc["root"]]
    for part in toc["parts"]:
        for entry in part["chapters"]:
            found += [entry["file"], *(section["file"] for section in entry.get("sections", []))]
    return found


def title():
    """Return the book's title."""
    return yaml.safe_load((build.ROOT / "_config.yml").read_text(encoding="utf-8"))["title"]


def browser_program():
    """Return the path of an installed browser: what CHROME names, or what the PATH has; None where there is none."""
    return os.environ.get("CHROME") or next(
        filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None
    )


@contextmanager
def launched():
    """Launch a browser that can reach nothing but files, and close it in the end."""
    from playwright.sync_api import Error, sync_playwright

    program = browser_program()
    if program is None:
        raise build.BuildError(
            "expected a browser that prints: Chromium or Chrome on the PATH, or its path in CHROME; found none"
        )
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            context = browser.new_context(color_scheme="light", viewport={"width": 1000, "height": 1400})
            context.route(lambda url: not url.startswith(("file:", "data:", "blob:")), lambda route: route.abort())
            try:
                yield context
            finally:
                browser.close()
    except Error as error:
        raise build.BuildError(f"the browser {program} failed: {error}") from error


def write_pdf(browser, profile, target):
    """Print each page of the site and write all of them as one PDF."""
    from pypdf import PdfReader, PdfWriter

    site = build.ROOT / "_build" / "html"
    names = documents()
    wanted = linked_places(site, names)
    writer, first, headings = PdfWriter(), {}, []
    for name in names:
        page = browser.new_page()
        page.goto((site / f"{name}.html").as_uri())
        found = page.evaluate(PREPARE, [prefix(name), sorted(wanted[name])])
        headings += [(level, text, prefix(name) + place) for level, text, place in found]
        printed = page.pdf(prefer_css_page_size=True, print_background=True, tagged=False)
        page.close()
        first[name] = len(writer.pages)
        writer.append(PdfReader(io.BytesIO(printed)))
    places = {str(name).removeprefix("/"): place for name, place in writer.named_destinations.items()}
    lead_within(writer, site, first, places)
    add_bookmarks(writer, headings, places)
    number_pages(writer, browser)
    for page in writer.pages:
        page.compress_content_streams()
    writer.add_metadata({"/Title": title(), "/Author": "The ae_toolkit authors"})
    writer.compress_identical_objects()
    with open(target, "wb") as stream:
        writer.write(stream)


def prefix(name):
    """Return what stands before the names of a page's places in the PDF."""
    return name.replace("/", "--") + "--"


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

    A link to a file that is no page of the book, such as a notebook, is taken out.
    """
    from pypdf.generic import ArrayObject, NameObject, NullObject

    start = site.as_uri() + "/"
    for page in writer.pages:
        kept = ArrayObject()
        for reference in page.get("/Annots", ()):
            link = reference.get_object()
            address = str(link.get("/A", {}).get("/URI", ""))
            if not address.startswith("file:"):
                kept.append(reference)
                continue
            path, _, place = address.removeprefix(start).partition("#")
            name = path.removesuffix(".html")
            if name not in first:
                continue
            found = places.get(prefix(name) + place) if place else None
            number, top = first[name], NullObject()
            if found is not None:
                number, top = writer.get_page_number(found.page.get_object()), found.top
            del link["/A"]
            target = ArrayObject([writer.pages[number].indirect_reference, NameObject("/XYZ"), NullObject(), top])
            link[NameObject("/Dest")] = ArrayObject([*target, NullObject()])
            kept.append(reference)
        if "/Annots" in page:
            page[NameObject("/Annots")] = kept


def add_bookmarks(writer, headings, places):
    """Add a bookmark for each heading, below that of the heading of a higher level before it."""
    from pypdf.generic import Fit

    above = {}
    for level, text, place in headings:
        found = places[place]
        number = writer.get_page_number(found.page.get_object())
        parent = next((above[each] for each in range(level - 1, 0, -1) if each in above), None)
        above = {each: item for each, item in above.items() if each < level}
        above[level] = writer.add_outline_item(
            title=text, page_number=number, parent=parent, fit=Fit.xyz(top=float(found.top))
        )


def number_pages(writer, browser):
    """Print a footer below each page: the browser could number only the pages of each part."""
    from pypdf import PdfReader

    pages, book = len(writer.pages), html.escape(title())
    lines = [
        f"<div><p>{FOOTER.format(title=book, page=number, pages=pages)}</p></div>" for number in range(1, pages + 1)
    ]
    page = browser.new_page()
    page.set_content(
        "<style>@page { margin: 0; size: A4 } body { margin: 0 } div { break-after: page; height: 296mm;"
        " position: relative } div:last-child { break-after: auto } p { bottom: 7mm; color: #444; font: 8pt sans-serif;"
        f" margin: 0; position: absolute; text-align: center; width: 100% }}</style>{''.join(lines)}"
    )
    footers = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    page.close()
    if len(footers.pages) != pages:
        raise build.BuildError(f"expected {pages} footers, the browser printed {len(footers.pages)}")
    for numbered, footer in zip(writer.pages, footers.pages, strict=True):
        numbered.merge_page(footer)


def write_epub(browser, profile, target):
    """Render the ePub with Sphinx, and make of it what a reader without scripts can show."""
    folder = target.parent
    stage, work, log = folder / "source", folder / "rendering", folder / "sphinx.log"
    for each in (stage, work):
        shutil.rmtree(each, ignore_errors=True)
    build.stage_sources(stage, profile)
    configure(stage / "_config.yml")
    (stage / "book" / "_static" / "epub_pages.css").write_text(EPUB_STYLE, encoding="utf-8")
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", str(stage), "--path-output", str(work), "-W", "--keep-going"]
    command += ["--builder", "custom", "--custom-builder", "epub"]
    with open(log, "w", encoding="utf-8") as stream:
        status = subprocess.call(
            command, stdout=stream, stderr=subprocess.STDOUT, cwd=stage, env={**os.environ, "NO_COLOR": "1"}
        )
    made = work / "_build" / "epub" / f"{NAME}.epub"
    if status or not made.is_file():
        raise build.BuildError(f"the ePub could not be rendered, status {status}; the whole log is {log}")
    finish_epub(browser, made, target)
    for each in (stage, work):
        shutil.rmtree(each)


def configure(path):
    """Change the staged configuration to that of an ePub."""
    from ae_toolkit import __version__

    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    sphinx = config["sphinx"]["config"]
    sphinx |= {
        "project": config["title"],
        "version": __version__,
        "epub_basename": NAME,
        "epub_title": config["title"],
        "epub_description": config["title"],
        # Sphinx writes the one at one place and the other at another, where both have to be the same and a name.
        "epub_identifier": f"uuid-{uuid.uuid5(uuid.NAMESPACE_URL, NAME)}",
        "epub_uid": f"uuid-{uuid.uuid5(uuid.NAMESPACE_URL, NAME)}",
        "epub_show_urls": "no",
        "epub_tocscope": "includehidden",
        "epub_use_index": True,
        "maximum_signature_line_length": 1_000_000,  # a signature in several lines is a list without terms
        "pygments_style": "a11y-high-contrast-light",  # the light half of what the site's theme takes
        "html_css_files": ["ae.css", "epub_pages.css"],
        "html_js_files": [],
    }
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")


FORMULA = re.compile(
    r'<(?P<tag>span|div) class="(?:amsmath )?math notranslate nohighlight"(?P<rest>[^>]*)>'
    r'(?P<number>\s*<span class="eqno">.*?</span>)?(?P<tex>[^<]*)</(?P=tag)>',
    re.DOTALL,
)
#: What an ePub may not hold, or what its readers do not show, and what is to stand there instead.
CHANGES = {
    re.compile(r"<script\b[^>]*?(?:/>|>.*?</script>)", re.DOTALL): "",
    re.compile(r"<noscript>(.*?)</noscript>", re.DOTALL): r"\1",
    # Hidden code, which is shown.
    re.compile(r'<details class="[^"]*\bhide\b[^"]*"[^>]*>\s*<summary\b.*?</summary>(.*?)</details>', re.DOTALL): (
        r"<div>\1</div>"
    ),
    re.compile(r"<wbr>"): "<wbr />",
    re.compile(r'<p>(<ul class="simple">.*?</ul>)\s*</p>', re.DOTALL): r"\1",
    re.compile(r' role="doc-biblio(?:entry|graphy)"'): "",  # is deprecated
    # The style sheet of MyST-NB, which is written only once the ePub has been packed.
    re.compile(r"<link [^>]*\bmystnb\.[^>]*>"): "",
}


def tex_of(match):
    """Return a formula's TeX without the marks around it, and whether it stands on a line of its own."""
    tex = html.unescape(match["tex"]).strip()
    for opening, closing in ((r"\(", r"\)"), (r"\[", r"\]")):
        if tex.startswith(opening) and tex.endswith(closing):
            tex = tex[2:-2].strip()
    return tex, match["tag"] == "div"


def finish_epub(browser, made, target):
    """Copy an ePub with its formulas as MathML, its hidden code shown, and without scripts."""
    with zipfile.ZipFile(made) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    pages = {name: content.decode() for name, content in files.items() if name.endswith(".xhtml")}
    formulas = sorted({tex_of(match) for text in pages.values() for match in FORMULA.finditer(text)})
    page = browser.new_page()
    page.goto((build.ROOT / "_build" / "html" / "notebooks" / "01_background.html").as_uri())
    mathml = dict(zip(formulas, page.evaluate(TO_MATHML, [list(each) for each in formulas]), strict=True))
    page.close()
    for formula, written in mathml.items():
        if "<merror" in written:
            raise build.BuildError(f"MathJax cannot read the formula {formula[0]!r}")
    for name, text in pages.items():
        for before, after in CHANGES.items():
            text = before.sub(after, text)
        files[name] = FORMULA.sub(lambda match: written_formula(match, mathml[tex_of(match)]), text).encode()
    files["content.opf"] = described(files["content.opf"].decode(), files).encode()
    for name in ("nav.xhtml", "toc.ncx"):
        files[name] = files[name].replace(b"book/../", b"")
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("mimetype", files.pop("mimetype"), zipfile.ZIP_STORED)  # first, and as it is
        for name, content in files.items():
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)


def described(package, files):
    """Return the ePub's list of files with what is special about some, and with the order in which pages are read.

    Sphinx's own order lacks the chapters, since the first page does not lie in the folder above them.
    """
    names = {name: identity for identity, name in re.findall(r'<item id="([^"]+)" href="([^"]+)"', package)}
    for name in names:
        if name.endswith(".xhtml") and b"<math " in files[name]:
            package = package.replace(f'href="{name}"', f'href="{name}" properties="mathml"')
    order = [f"{name}.xhtml" for name in documents()]
    rest = [name for name in names if name.endswith(".xhtml") and name not in (*order, "nav.xhtml")]
    spine = "".join(f'<itemref idref="{names[name]}" />\n' for name in (*order, *rest))
    return re.sub(r"(<spine[^>]*>).*?(</spine>)", rf"\1\n{spine}\2", package, flags=re.DOTALL)


def written_formula(match, mathml):
    """Return the element of a formula with MathML in it."""
    mathml = re.sub(r">\s+<", "><", mathml)
    return f'<{match["tag"]} class="math"{match["rest"]}>{match["number"] or ""}{mathml}</{match["tag"]}>'


if __name__ == "__main__":
    sys.exit(main())
