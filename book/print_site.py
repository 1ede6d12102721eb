"""What is printed: the pages of the built site in their order, and the browser that prints them."""

import base64
import html
import os
import re
import shutil
from contextlib import contextmanager

import build
import yaml

#: The picture of the decoder's plane that the build has drawn.
CARD = "_static/explore/card.png"
#: As LICENSE and README.md say it.
LICENCES = (
    "Text and figures: CC BY 4.0. Code: MIT licence. MNIST is by Yann LeCun, Corinna Cortes and"
    " Christopher J. C. Burges, CC BY-SA 3.0."
)


def require_site(profile):
    """Raise an error that says what to do where the site or its executed notebooks are missing."""
    site, executed = folder(), build.executed(profile)
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


def captions():
    """Return the caption of each part of the table of contents, by the name of its first page."""
    toc = yaml.safe_load((build.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return {part["chapters"][0]["file"]: part["caption"] for part in toc["parts"]}


def folder():
    """Return the folder of the built site."""
    return build.ROOT / "_build" / "html"


def configuration():
    """Return what _config.yml says."""
    return yaml.safe_load((build.ROOT / "_config.yml").read_text(encoding="utf-8"))


def title():
    """Return the book's title."""
    return configuration()["title"]


def author():
    """Return who wrote the book."""
    return configuration()["author"]


def language():
    """Return the language of the book, as a code."""
    return configuration()["sphinx"]["config"]["language"]


def description():
    """Return the sentence with which the first page describes the book."""
    return _of_the_first_page(r'<meta name="description" content="([^"]*)"')


def colophon():
    """Return the last line of the first page, which says with which profile and versions the book was built."""
    return _of_the_first_page(r'<p class="ae-colophon">(.*?)</p>')


def words():
    """Return what a title page says and shows, by name, as parts of HTML."""
    said = {
        "title": title(), "description": description(), "author": author(), "colophon": colophon(),
        "licences": LICENCES,
    }  # fmt: skip
    picture = base64.b64encode((folder() / CARD).read_bytes()).decode("ascii")
    return {name: html.escape(text) for name, text in said.items()} | {"picture": f"data:image/png;base64,{picture}"}


def _of_the_first_page(pattern):
    text = (folder() / f"{documents()[0]}.html").read_text(encoding="utf-8")
    found = re.search(pattern, text, re.DOTALL)
    if found is None:
        raise build.BuildError(f"expected {pattern} in the site's first page, found none")
    return html.unescape(re.sub("<[^>]*>", "", found[1])).strip()


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
