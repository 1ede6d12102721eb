"""From the book's Markdown to Markdown that any notebook shows: references, citations, boxes, figures.

The book is written in MyST: ``{ref}`sec-1-1```, ``{cite}`...```, directives between fences,
labels. JupyterLab and Colab know none of it. A `Book` reads all pages and notebooks once
and knows what a reference can lead to; a `Text` writes one notebook's Markdown without
MyST. Numbers of sections, figures and equations are those of the site.

What cannot be resolved is kept in ``Text.problems``, with its place; `leftovers` looks at a
finished text for whatever is still MyST.
"""

import ast
import base64
import html
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat
import yaml
from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser
from myst_parser.parsers.options import options_to_items
from pybtex.database import parse_file
from pybtex.plugin import find_plugin
from pybtex.richtext import Text as RichText

from ae_toolkit.book.claims import MIME_TYPE, VERDICTS, article

#: Directives that are a box with a title of their own, or the one given.
BOXES = (
    "admonition",
    "attention",
    "caution",
    "danger",
    "error",
    "hint",
    "important",
    "note",
    "seealso",
    "tip",
    "warning",
)
IMAGE_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
#: Roles that name a piece of code.
CODE_ROLES = ("class", "func", "meth", "attr", "mod", "data", "exc", "obj")

INLINE = re.compile(
    r"\\[\\`{$]"
    r"|\{(?P<role>[\w:.+-]+)\}(?P<ticks>`+)(?P<content>(?:(?!\n\s*\n).)+?)(?<!`)(?P=ticks)(?!`)"
    r"|(?P<code>`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)(?P=code)(?!`)"
    r"|(?P<math>\$\$?)(?!\$)(?:(?!\n\s*\n)(?:\\.|[^\\$]))+?(?P=math)",
    re.DOTALL,
)
WITH_TITLE = re.compile(r"^(?P<title>.+?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)


@cache
def parser(root):
    """Return a parser of the book's Markdown, with the extensions that ``_config.yml`` turns on."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    extensions = set(config.get("parse", {}).get("myst_enable_extensions", []))
    return create_md_parser(MdParserConfig(enable_extensions=extensions), RendererHTML)


@dataclass
class Target:
    """What a label stands for."""

    kind: str
    document: str
    anchor: str
    number: str = ""
    title: str = ""


@dataclass
class Figure:
    """A picture that the text shows: a cell of its own, since Colab's text cells show no SVG."""

    alt: str
    address: str
    caption: str = ""


@dataclass
class Document:
    """A page or a notebook of the book: its name, its chapter's number if it has one, its text cell by cell."""

    name: str
    number: int | None
    notebook: nbformat.NotebookNode | None = None
    source: str = ""
    title: str = ""
    counted: dict = field(default_factory=dict)

    def cells(self):
        """Yield each cell's number, counted from 1, its kind and the cell."""
        cells = self.notebook.cells if self.notebook else [nbformat.v4.new_markdown_cell(self.source)]
        yield from ((number, cell.cell_type, cell) for number, cell in enumerate(cells, start=1))


class Book:
    """All that a reference may lead to.

    Parameters
    ----------
    root : pathlib.Path
        The folder of ``_toc.yml``, ``_config.yml`` and the pages.
    executed : pathlib.Path
        The folder of the executed notebooks.
    site : str, default=""
        The address at which the book is published; without it, references to other pages are no links.
    """

    def __init__(self, root, executed, site=""):
        self.root, self.site = root, site.rstrip("/")
        self.targets, self.terms, self.counts = {}, {}, {"claims": len(article()), "settled": 0}
        self.counts |= dict.fromkeys(VERDICTS, 0)
        config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
        files = [root / name for name in config.get("bibtex_bibfiles", [])]
        self.works = {key: entry for file in files for key, entry in parse_file(str(file)).entries.items()}
        self.documents = {document.name: document for document in self._read(executed)}
        running = {}
        for document in self.documents.values():
            document.counted = dict(running)
            text = Text(self, document, strict=False)
            text.number_everything()
            running = text.counted  # pages without a chapter's number share their counts

    def _read(self, executed):
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))
        entries, number = [(toc["root"], None)], 0
        for part in [*toc.get("parts", []), *([toc] if "chapters" in toc else [])]:
            for chapter in part["chapters"]:
                number += bool(part.get("numbered"))
                entries.append((chapter["file"], number if part.get("numbered") else None))
                entries += [(section["file"], None) for section in chapter.get("sections", [])]
        for name, chapter in entries:
            if (executed / f"{Path(name).name}.ipynb").is_file() and name.startswith("notebooks/"):
                notebook = nbformat.read(executed / f"{Path(name).name}.ipynb", as_version=4)
                self._count_verdicts(notebook)
                yield Document(name, chapter, notebook)
            elif (self.root / f"{name}.md").is_file():
                yield Document(name, chapter, source=(self.root / f"{name}.md").read_text(encoding="utf-8"))

    def _count_verdicts(self, notebook):
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                record = output.get("data", {}).get(MIME_TYPE)
                if record:
                    self.counts["settled"] += 1
                    self.counts[record["verdict"]] += 1

    def address(self, target, seen_from):
        """Return where a target is on the site, or nothing if it is near or there is no site."""
        if not self.site or target.document == seen_from:
            return ""
        return f"{self.site}/{target.document}.html" + (f"#{target.anchor}" if target.anchor else "")


class Text:
    """One notebook's Markdown, written without MyST.

    Parameters
    ----------
    book : Book
    document : Document
    strict : bool, default=True
        Whether what cannot be resolved is a problem. The first reading only counts.
    """

    def __init__(self, book, document, strict=True):
        self.book, self.document, self.strict = book, document, strict
        self.problems, self.cited, self.used_terms = [], [], []
        self.place, self._labels, self._headings = "", [], []
        self.counted = dict(document.counted)
        self.glued = dict(_glued(document.notebook)) if document.notebook else {}

    def fail(self, message):
        """Keep a problem with its place and return a mark that stands for what is missing."""
        if self.strict:
            self.problems.append(f"{self.place}: {message}")
        return "(?)"

    # -------------------------------------------------------------------- numbers

    def number_everything(self):
        """Read the document once, so that its labels and numbers are known."""
        for place, kind, cell in self.document.cells():
            self.place = f"{self.document.name}, cell {place}"
            if kind == "markdown":
                self.convert(cell.source)
            elif kind == "code":
                self.caption_of(cell)
        self.flush_labels()

    def _count(self, kind):
        part = self.document.number
        self.counted[kind, part] = self.counted.get((kind, part), 0) + 1
        return f"{part}.{self.counted[kind, part]}" if part else str(self.counted[kind, part])

    def _note(self, kind, name, number, title=""):
        if name:
            anchor = f"equation-{name}" if kind == "equation" else name
            self.book.targets[name.lower()] = Target(kind, self.document.name, anchor, number, title)

    def flush_labels(self, kind="section", number="", title=""):
        """Let the labels that stand before something mean it."""
        for label in self._labels:
            self._note(kind, label, number, title)
        self._labels = []

    def _heading(self, level, title):
        del self._headings[level:]
        self._headings += [0] * (level - len(self._headings))
        self._headings[level - 1] += 1
        number = ".".join(map(str, (self.document.number, *self._headings[1:]))) if self.document.number else ""
        if level == 1 and not self.document.title:
            self.document.title = title
        self.flush_labels("section", number, title)
        return " ".join(filter(None, ("#" * level, number, title)))

    # --------------------------------------------------------------------- blocks

    def convert(self, source):
        """Return a Markdown text's pieces: texts without MyST, and figures between them.

        Parameters
        ----------
        source : str

        Returns
        -------
        list of str and Figure
        """
        lines, pieces, text, done = source.split("\n"), [], [], 0
        for begin, end, block in self._blocks(parser(self.book.root).parse(source), lines):
            text += self._inline_lines(lines[done:begin])
            done = end
            if isinstance(block, Figure):
                pieces += ["\n".join(text).strip("\n"), block]
                text = []
            elif block:
                text += block.split("\n")
        text += self._inline_lines(lines[done:])
        return [piece for piece in (*pieces, "\n".join(text).strip("\n")) if piece]

    def _inline_lines(self, lines):
        return self.inline("\n".join(lines)).split("\n") if lines else []

    def _blocks(self, tokens, lines):
        """Yield the first line, the line after the last, and the new text of each block that is not plain text."""
        taken = 0
        for index, token in enumerate(tokens):
            if token.map is None or token.map[0] < taken:
                continue
            begin, end = token.map
            while end > begin + 1 and not lines[end - 1].strip():  # some end with the empty line behind them
                end -= 1
            block = self._block(token, tokens, index, lines)
            if block is not None:
                taken = end
                before = re.match(r"[\s>]*(?:(?:[-*+]|\d+[.)])\s+)*", lines[begin])[0]
                if before and isinstance(block, Figure):
                    block = self.fail(f"a figure within a list or a box: {block.alt}")
                yield begin, end, _set_in(block, before) if before else block
            elif token.type in ("fence", "code_block", "html_block"):
                taken = end
                yield begin, end, "\n".join(lines[begin:end])
            elif token.type == "paragraph_open":
                self.flush_labels()

    def _block(self, token, tokens, index, lines):
        """Return what a block becomes, or None if it stays as it is but for what stands within its lines."""
        if token.type in ("myst_target", "myst_line_comment", "myst_block_break"):
            self._labels += [token.content] if token.type == "myst_target" else []
            return ""
        if token.type == "heading_open":
            return self._heading(int(token.tag[1:]), self.inline(tokens[index + 1].content))
        if token.type in ("math_block", "math_block_label"):
            return self._equation(token.content, token.info if token.type == "math_block_label" else "")
        if token.type == "dl_open":
            return self._definitions(tokens, index, lines)
        info = token.info if token.type in ("fence", "colon_fence") else ""
        directive = re.match(r"^\{([\w:.+-]+)\}\s*(.*)$", info)
        return self._directive(directive[1], directive[2].strip(), token.content) if directive else None

    def _equation(self, content, label):
        tag = ""
        if label:
            number = self._count("equation")
            self._note("equation", label, number)
            tag = rf" \tag{{{number}}}"
        # As Sphinx does it; and in one line, because a notebook looks for formulas before it looks for boxes.
        parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", content) if part.strip()]
        parts = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
        rows = r" \\ ".join(parts)
        formula = rows if len(parts) == 1 else rf"\begin{{gathered}}{rows}\end{{gathered}}"
        return f"$${formula}{tag}$$"

    def _definitions(self, tokens, index, lines):
        rows, terms = [], []
        for token in tokens[index + 1 :]:
            if token.type == "dl_close" and token.level == tokens[index].level:
                break
            if token.type == "inline" and token.level == tokens[index].level + 2:
                terms.append(self.inline(token.content))
            elif token.type == "dd_open" and token.level == tokens[index].level + 1:
                first, *rest = lines[token.map[0] : token.map[1]]
                body = _dedented([re.sub(r"^(\s*):(\s)", r"\1 \2", first), *rest])
                text = self.nested(body).replace("\n", "\n  ")
                rows.append(f"- **{', '.join(terms)}**: {text}")
                terms = []
        return "\n".join(rows)

    def _directive(self, name, argument, content):
        options, body = _options(content)
        if name in BOXES:
            return self._box(name, argument, options, body)
        if name == "math":
            return self._equation("\n".join(filter(None, (argument, body))), options.get("label", ""))
        if name in ("figure", "image"):
            return self._figure(name, argument, options, body)
        if name in ("code", "code-block", "code-cell"):
            return f"```{argument}\n{body}\n```"
        if name == "include" and not options:
            path = (self.book.root / self.document.name).parent / argument
            if path.is_file():
                return self.nested(path.read_text(encoding="utf-8"))
        if name == "glossary" and not self.strict:
            self._read_glossary(body)
        return self.fail(f"the directive {{{name}}} {argument}".rstrip())

    def _box(self, name, argument, options, body):
        # A box with a fixed title may begin its text beside its name.
        title = self.inline(argument) if name == "admonition" else name.capitalize()
        text = self.nested(body if name == "admonition" else "\n".join(filter(None, (argument, body))))
        if "dropdown" in options.get("class", "").split():
            summary = parser(self.book.root).renderInline(title)
            return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"
        lines = [f"**{title}**", "", *text.split("\n")]
        return "\n".join(f"> {line}".rstrip() for line in lines)

    def _figure(self, kind, argument, options, body):
        path = (self.book.root / self.document.name).parent / argument
        label, alt = options.get("name", ""), options.get("alt", "")
        caption = self.nested(body)
        if kind == "figure" and (label or caption):
            number = self._count("figure")
            self._note("figure", label, number, caption.split("\n\n")[0])
            self.flush_labels("figure", number, caption.split("\n\n")[0])
            caption = f"*Figure {number}.* {caption}".rstrip()
        if not path.is_file() or path.suffix not in IMAGE_TYPES:
            return self.fail(f"expected a file {argument} that is one of {', '.join(IMAGE_TYPES)}")
        return Figure(alt, address_of(path.read_bytes(), IMAGE_TYPES[path.suffix]), caption)

    def caption_of(self, cell):
        """Return the caption under what a code cell draws, with its number; empty if it has none."""
        tags = set(cell.metadata.get("tags", []))
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        if not figure or tags & {"remove-cell", "remove-output"}:
            return ""
        number = self._count("figure")
        caption = self.nested(figure.get("caption", ""))
        self._note("figure", figure.get("name", ""), number, caption)
        return f"*Figure {number}.* {caption}".rstrip()

    def nested(self, source):
        """Return a text that stands within another one; a figure is not possible there."""
        pieces = self.convert(source.strip("\n"))
        for piece in pieces:
            if isinstance(piece, Figure):
                self.fail(f"a figure within a list or a box: {piece.alt}")
        return "".join(piece for piece in pieces if isinstance(piece, str)).strip("\n")

    def _read_glossary(self, body):
        names, text = [], []
        for line in [*body.split("\n"), "end of the list"]:
            if line.strip() and not line[0].isspace():
                if text:
                    self.book.terms |= {name.lower(): (names[0], _dedented(text)) for name in names}
                    names, text = [], []
                names.append(line.strip())
            else:
                text += [line] if names else []

    # ---------------------------------------------------------------------- roles

    def inline(self, source):
        """Return a text with its roles replaced; code and formulas stay as they are."""
        return INLINE.sub(self._one_inline, source)

    def _one_inline(self, found):
        if found["math"]:
            return re.sub(r"\s*\n\s*", " ", found[0])
        if not found["role"]:
            return found[0]
        role, content = found["role"].removeprefix("py:"), " ".join(found["content"].split())
        if role in CODE_ROLES:
            titled = WITH_TITLE.match(content)
            return f"`{titled['title'] if titled else _short(content)}`"
        method = _ROLES.get(role)
        if not self.strict and role != "math":
            return ""
        return method(self, content) if method else self.fail(f"the role {found[0]}")

    def _glue(self, content):
        name, _, spec = content.partition(":")
        if name not in self.glued:
            return self.fail(f"no cell glues {name!r}")
        value = self.glued[name]
        try:
            value = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            pass
        return escaped(f"{value:>{spec}}" if spec else str(value))

    def _target(self, content, *kinds):
        titled = WITH_TITLE.match(content)
        label = (titled["target"] if titled else content).strip()
        target = self.book.targets.get(label.lower())
        if target is None or target.kind not in kinds:
            return None, self.fail(f"no {' or '.join(kinds)} has the label {label!r}")
        return target, titled["title"] if titled else ""

    def _linked(self, text, target):
        address = self.book.address(target, self.document.name)
        return f"[{text}]({address})" if address else text

    def _ref(self, content):
        target, title = self._target(content, "section", "figure")
        if target is None:
            return title
        if not title and not target.title:
            return self.fail(f"{content!r} stands before nothing that has a title")
        if not title and target.kind == "figure":
            title = f"Figure {target.number}"
        return self._linked(title or f"*{' '.join(filter(None, (target.number, target.title)))}*", target)

    def _numref(self, content):
        target, title = self._target(content, "figure", "section")
        if target is None:
            return title
        if not target.number:
            return self.fail(f"{content!r} has no number")
        title = title or f"{target.kind.capitalize()} %s"
        text = title.replace("%s", target.number).replace("{number}", target.number).replace("{name}", target.title)
        return self._linked(text, target)

    def _eq(self, content):
        target, title = self._target(content, "equation")
        return title if target is None else self._linked(title or f"({target.number})", target)

    def _doc(self, content):
        titled = WITH_TITLE.match(content)
        path = titled["target"] if titled else content
        base = self.book.root / (path.lstrip("/") if path.startswith("/") else Path(self.document.name).parent / path)
        name = base.resolve().relative_to(self.book.root.resolve()).as_posix()
        if name not in self.book.documents:
            return self.fail(f"no page {path!r}")
        target = Target("page", name, "")
        return self._linked(titled["title"] if titled else f"*{self.book.documents[name].title}*", target)

    def _term(self, content):
        titled = WITH_TITLE.match(content)
        term = (titled["target"] if titled else content).strip().lower()
        if term not in self.book.terms:
            return self.fail(f"the glossary has no term {term!r}")
        if term not in self.used_terms:
            self.used_terms.append(term)
        return titled["title"] if titled else content

    def _cite(self, content):
        return f"({'; '.join(self._works(content, '{}, {}'))})"

    def _cite_in_text(self, content):
        return ", ".join(self._works(content, "{} ({})"))

    def _works(self, content, form):
        for key in (key.strip() for key in content.split(",")):
            if key not in self.book.works:
                yield self.fail(f"the bibliography has no entry {key!r}")
                continue
            if key not in self.cited:
                self.cited.append(key)
            work = self.book.works[key]
            names = [_last_name(person) for person in work.persons.get("author", work.persons.get("editor", []))]
            names = f"{names[0]} et al." if len(names) > 2 else " and ".join(names) or work.fields.get("title", key)
            yield form.format(names, work.fields.get("year", "no year"))

    def _count_of_claims(self, content):
        if content not in self.book.counts:
            return self.fail(f"{{ae-count}} does not count {content!r}")
        return str(self.book.counts[content])

    # ------------------------------------------------------------------ at the end

    def glossary(self):
        """Return the terms that the text has used, with their definitions, as Markdown; empty if there are none."""
        self.place = f"{self.document.name}, its terms"
        rows = []
        for term in sorted(self.used_terms):
            name, definition = self.book.terms[term]
            text = self.nested(definition).replace("\n", "\n  ")
            rows.append(f"- **{name}**: {text}")
        return "\n".join(["## Terms used here", "", *rows]) if rows else ""

    def references(self):
        """Return the works that the text has cited as Markdown; empty if there are none."""
        if not self.cited:
            return ""
        style = find_plugin("pybtex.style.formatting", "plain")(abbreviate_names=False)
        backend = find_plugin("pybtex.backends", "markdown")()
        formatted = style.format_entries([self.book.works[key] for key in self.cited])
        return "\n".join(
            ["## References", "", *(f"- {' '.join(work.text.render(backend).split())}" for work in formatted)]
        )


_ROLES = {
    "glue:text": Text._glue, "ref": Text._ref, "numref": Text._numref, "eq": Text._eq, "doc": Text._doc,
    "term": Text._term, "cite": Text._cite, "cite:p": Text._cite, "cite:t": Text._cite_in_text,
    "ae-count": Text._count_of_claims, "math": lambda text, content: f"${content}$",
}  # fmt: skip


def escaped(text):
    """Return a text so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_\[\]|$])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;")


def address_of(content, kind):
    """Return an address that holds the content itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def image(figure, width=None):
    """Return a figure as HTML that needs no other file."""
    wide = f' width="{width}"' if width else ""
    return f'<img alt="{html.escape(figure.alt)}" src="{figure.address}"{wide} style="max-width:100%">'


def leftovers(source, root):
    """Return what in a Markdown text is still MyST, or leads to a file that the reader does not have.

    Parameters
    ----------
    source : str
    root : pathlib.Path

    Returns
    -------
    list of str
    """
    found = []
    tokens = parser(root).parse(source)
    while tokens:
        token = tokens.pop(0)
        tokens = [*(token.children or []), *tokens]
        if token.type in _NOT_PLAIN:
            found.append(f"{_NOT_PLAIN[token.type]} {token.meta.get('name', '')} {token.content or token.info}".strip())
        elif token.type in ("fence", "colon_fence") and (token.info.startswith("{") or token.type == "colon_fence"):
            found.append(f"the directive {token.info}")
        elif token.type == "text":
            found += re.findall(r"\{[\w:.+-]+\}`[^`]*`|^\([\w-]+\)=|^\s*\(eq-[\w-]+\)\s*$", token.content)
        elif token.type in ("link_open", "image"):
            address = token.attrs.get("href") or token.attrs.get("src") or ""
            if not re.match(r"(https?://|mailto:|data:)", str(address)):
                found.append(f"the file {address!r}")
        elif token.type in ("html_inline", "html_block"):
            found += [f"the file {name!r}" for name in re.findall(r'src="(?!data:|https?:)([^"]*)"', token.content)]
    return found


_NOT_PLAIN = {
    "myst_role": "the role", "myst_target": "the label", "myst_line_comment": "the comment",
    "substitution_inline": "the substitution", "substitution_block": "the substitution", "dl_open": "a definition list",
    "math_block_label": "the equation with the label", "footnote_ref": "a footnote",
    "front_matter": "settings of the page",
}  # fmt: skip


def _glued(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            note = output.get("metadata", {}).get("scrapbook", {})
            if "name" in note:
                yield note["name"], output["data"].get(f"{note.get('mime_prefix', '')}text/plain", "")


def _options(content):
    """Return a directive's options and what follows them."""
    lines = content.rstrip("\n").split("\n")
    if lines[0].strip() == "---" and "---" in lines[1:]:
        end = lines.index("---", 1)
        return dict(options_to_items("\n".join(lines[1:end]))[0]), "\n".join(lines[end + 1 :]).strip("\n")
    n_options = next((n for n, line in enumerate(lines) if not line.startswith(":")), len(lines))
    options, _ = options_to_items("\n".join(line[1:] for line in lines[:n_options]))
    return dict(options), "\n".join(lines[n_options:]).strip("\n")


def _set_in(block, before):
    """Return a block's new text with what stood before the old one in its first line: a list's mark, a quotation's."""
    first, *rest = block.split("\n")
    return "\n".join([before + first, *(re.sub(r"[^\s>]", " ", before) + line if line else line for line in rest)])


def _dedented(lines):
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines).strip("\n")


def _short(name):
    return name[1:].rsplit(".", 1)[-1] if name.startswith("~") else name


def _last_name(person):
    return str(
        RichText(*(part for name in person.rich_prelast_names + person.rich_last_names for part in (name, " ")))
    ).strip()
