"""The ePub: rendered by Sphinx, then made what a reader without scripts can show."""

import html
import os
import re
import shutil
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path

import build
import print_site
import yaml

#: How an ePub's pages look besides: code has a line at its side, and a long line of it goes on in the next one.
EPUB_STYLE = """
pre { border-left: 3px solid #767676; overflow-wrap: anywhere; padding-left: 0.6em; white-space: pre-wrap; }
img { height: auto; max-width: 100%; }
dt, dd { overflow-wrap: anywhere; }
/* The room of what moves on the site, which needs scripts; and a second colon after the names of fields. */
.ae-explore { min-height: 0 !important; }
dl.field-list > dt::after { content: none; }
"""
#: The cover, of which the browser makes a picture; with its size, which is what readers and shops ask for.
COVER = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<style>
body {{ background: #000; color: #fff; display: flex; flex-direction: column; font-family: system-ui, sans-serif;
  height: 100vh; margin: 0; }}
h1 {{ font-size: 84px; font-weight: 400; line-height: 1.15; margin: 80px 60px 30px; }}
p {{ font-size: 27px; line-height: 1.4; margin: 0 60px 40px; }}
img {{ flex: 1 1 0; min-height: 0; object-fit: cover; width: 100%; }}
p:last-child {{ margin: 40px 60px; }}
</style>
</head>
<body><h1>{title}</h1><p>{description}</p><img src="{picture}" alt=""><p>{author}</p></body>
</html>
"""
COVER_SIZE = {"width": 800, "height": 1280}
COVER_FILE = "_static/cover.png"
TO_MATHML = """async formulas => {
  await MathJax.startup.promise;
  const found = [];
  for (const [tex, display] of formulas) found.push(await MathJax.tex2mmlPromise(tex, {display}));
  return found;
}"""


def write_epub(browser, profile, target):
    """Render the ePub with Sphinx, and make of it what a reader without scripts can show."""
    folder = target.parent
    stage, work, log = folder / "source", folder / "rendering", folder / "sphinx.log"
    for each in (stage, work):
        shutil.rmtree(each, ignore_errors=True)
    build.stage_sources(stage, profile)
    configure(stage / "_config.yml")
    (stage / "book" / COVER_FILE).write_bytes(cover(browser))
    (stage / "book" / "_static" / "epub_pages.css").write_text(EPUB_STYLE, encoding="utf-8")
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", str(stage), "--path-output", str(work), "-W", "--keep-going"]
    command += ["--builder", "custom", "--custom-builder", "epub"]
    with open(log, "w", encoding="utf-8") as stream:
        status = subprocess.call(
            command, stdout=stream, stderr=subprocess.STDOUT, cwd=stage, env={**os.environ, "NO_COLOR": "1"}
        )
    made = work / "_build" / "epub" / f"{build.PRINTED}.epub"
    if status or not made.is_file():
        raise build.BuildError(f"the ePub could not be rendered, status {status}; the whole log is {log}")
    finish_epub(browser, made, target)
    for each in (stage, work):
        shutil.rmtree(each)


def cover(browser):
    """Return the picture on the cover as PNG: the title above digits that a decoder has drawn."""
    page = browser.new_page()
    page.set_viewport_size(COVER_SIZE)
    page.set_content(COVER.format(**print_site.words()))
    page.evaluate("document.querySelector('img').decode()")
    picture = page.screenshot()
    page.close()
    return picture


def configure(path):
    """Change the staged configuration to that of an ePub."""
    from ae_toolkit import __version__

    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    sphinx = config["sphinx"]["config"]
    sphinx |= {
        "project": config["title"],
        "version": __version__,
        "epub_basename": build.PRINTED,
        "epub_title": config["title"],
        "epub_description": print_site.description(),
        "epub_copyright": print_site.LICENCES,
        # Sphinx writes the one at one place and the other at another, where both have to be the same and a name.
        "epub_identifier": f"uuid-{uuid.uuid5(uuid.NAMESPACE_URL, build.PRINTED)}",
        "epub_uid": f"uuid-{uuid.uuid5(uuid.NAMESPACE_URL, build.PRINTED)}",
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
    order = [f"{name}.xhtml" for name in print_site.documents()]
    rest = [name for name in names if name.endswith(".xhtml") and name not in (*order, "nav.xhtml")]
    spine = "".join(f'<itemref idref="{names[name]}" />\n' for name in (*order, *rest))
    # EPUB 3 names the cover in the list, EPUB 2 and many readers in a line of its own. Sphinx's epub_cover, a pair,
    # cannot be written into _config.yml, and does only the latter.
    package = package.replace(f'href="{COVER_FILE}"', f'href="{COVER_FILE}" properties="cover-image"')
    package = package.replace("</metadata>", f'<meta name="cover" content="{names[COVER_FILE]}"/>\n</metadata>')
    package = package.replace("<dc:contributor>unknown</dc:contributor>", "")
    return re.sub(r"(<spine[^>]*>).*?(</spine>)", rf"\1\n{spine}\2", package, flags=re.DOTALL)


def written_formula(match, mathml):
    """Return the element of a formula with MathML in it."""
    mathml = re.sub(r">\s+<", "><", mathml)
    return f'<{match["tag"]} class="math"{match["rest"]}>{match["number"] or ""}{mathml}</{match["tag"]}>'
