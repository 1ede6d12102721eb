"""The PDF's first pages: what the book is, and the table of contents, with the numbers of the pages."""

import html
import io

import build
import print_site
from pypdf import PdfReader

#: The levels of headings that the table of contents has: chapters and their sections.
LEVELS = (1, 2)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
@page {{ margin: 18mm 16mm; size: A4; }}
body {{ color: #222832; font: 13px/1.5 system-ui, sans-serif; margin: 0; }}
.first {{ break-after: page; }}
.first h1 {{ font-size: 40px; font-weight: 400; margin: 40mm 0 6mm; }}
.first img {{ margin: 10mm 0; width: 100%; }}
.first p {{ margin: 0 0 4mm; }}
.first .what {{ font-size: 17px; }}
.first .small {{ color: #444; font-size: 11px; }}
h2 {{ font-size: 26px; font-weight: 400; margin: 0 0 4mm; }}
h3 {{ break-after: avoid; font-size: 15px; margin: 5mm 0 1mm; }}
ul {{ list-style: none; margin: 0; padding: 0; }}
li {{ break-inside: avoid; }}
li.level1 {{ break-after: avoid; font-weight: 700; margin-top: 1.5mm; }}
li.level2 {{ padding-left: 6mm; }}
a {{ align-items: baseline; color: inherit; display: flex; gap: 2mm; text-decoration: none; }}
a i {{ border-bottom: 1px dotted #767676; flex: 1 1 5mm; }}
</style>
</head>
<body>
<article class="first">
<h1>{title}</h1>
<p class="what">{description}</p>
<p>{author}</p>
<img src="{picture}" alt="">
<p class="small">{colophon}</p>
<p class="small">{licences}</p>
</article>
<article>
<h2>Contents</h2>
{contents}
</article>
</body>
</html>
"""


def print_front(browser, parts):
    """Print the first pages and return a reader of them.

    The numbers in the table of contents depend on how many pages it takes itself, so that it is printed twice.
    """
    pages = [1 + number for number in first_pages(parts, 0)]
    length = len(printed(browser, parts, pages).pages)
    reader = printed(browser, parts, [length + number for number in pages])
    if len(reader.pages) != length:
        raise build.BuildError(f"expected {length} first pages, got {len(reader.pages)} with numbers of pages in them")
    return reader


def first_pages(parts, start):
    """Return where each part begins if the first one begins at page ``start``."""
    found = []
    for part in parts:
        found.append(start)
        start += len(part.reader.pages)
    return found


def printed(browser, parts, pages):
    """Print the first pages for parts that begin at some pages, counted from 1; return a reader."""
    page = browser.new_page()
    page.set_content(written(parts, pages))
    content = page.pdf(prefer_css_page_size=True, print_background=True, tagged=True)
    page.close()
    return PdfReader(io.BytesIO(content))


def written(parts, pages):
    """Return the first pages as HTML."""
    return PAGE.format(**print_site.words(), contents=contents(parts, pages))


def contents(parts, pages):
    """Return the table of contents as HTML: a list for each part of the book, after its caption."""
    captions, lines = print_site.captions(), ["<ul>"]
    for part, first in zip(parts, pages, strict=True):
        if part.name in captions:
            lines += ["</ul>", f"<h3>{html.escape(captions[part.name])}</h3>", "<ul>"]
        lines += [
            entry(part, heading, first + part.page_of(heading)) for heading in part.headings if heading.level in LEVELS
        ]
    return "\n".join([*lines, "</ul>"])


def entry(part, heading, page):
    """Return a line of the table of contents, which leads to its heading as a link of the site does."""
    address = f"{(print_site.folder() / part.name).as_uri()}.html#{heading.place}"
    text = f"<span>{html.escape(heading.text)}</span><i></i><span>{page}</span>"
    return f'<li class="level{heading.level}"><a href="{html.escape(address)}">{text}</a></li>'
