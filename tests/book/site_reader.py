"""Reads the built site for the tests: its pages, what they load, where they link."""

import os
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"

# What a browser fetches by itself when it shows a page. Links that a reader may follow are not among it.
LOADING = (
    ("script", "src"), ("link", "href"), ("img", "src"), ("img", "srcset"), ("iframe", "src"), ("source", "src"),
    ("video", "src"), ("audio", "src"), ("embed", "src"), ("object", "data"), ("form", "action"),
)  # fmt: skip
_ELSEWHERE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_CSS_ADDRESS = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""")
_SCRIPT_ADDRESS = re.compile(r"""["'`](?:https?:)?//[\w.-]+\.[a-z]{2,}[^"'`\s]*["'`]""")


@cache
def page(path):
    """Return a parsed page."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def pages(site=SITE):
    """Return the paths of all pages, those in _static (templates of the theme) left out."""
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.relative_to(site).parts)


def foreign_loads(path):
    """Return each address on another host that showing this page would fetch."""
    soup, found = page(path), []
    for tag, attribute in LOADING:
        found += [node[attribute] for node in soup.find_all(tag, attrs={attribute: _ELSEWHERE})]
    for script in soup.find_all("script", src=False):
        found += _SCRIPT_ADDRESS.findall(script.get_text())
    for style in [node.get_text() for node in soup.find_all("style")] + [n["style"] for n in soup.find_all(style=True)]:
        found += foreign_css(style)
    return found


def foreign_css(text):
    """Return each address on another host that a style sheet would fetch."""
    return [address for address in _CSS_ADDRESS.findall(text) if _ELSEWHERE.match(address)]


def broken_links(path, site=SITE):
    """Return each link within the site whose file or place in the file does not exist."""
    broken = []
    for node in page(path).find_all("a", href=True):
        parts = urlsplit(node["href"])
        if parts.scheme or parts.netloc:
            continue
        target = path if not parts.path else Path(os.path.normpath(path.parent / unquote(parts.path)))
        if not target.is_relative_to(site) or not target.is_file():
            broken.append(node["href"])
        elif parts.fragment and target.suffix == ".html" and parts.fragment not in anchors(target):
            broken.append(node["href"])
    return broken


@cache
def anchors(path):
    """Return the ids on a page."""
    soup = page(path)
    return {node["id"] for node in soup.find_all(id=True)} | {
        node["name"] for node in soup.find_all("a", attrs={"name": True})
    }
