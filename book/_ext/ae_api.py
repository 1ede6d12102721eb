"""The reference in the book: an entry for each public name from its docstring, linked with the chapters both ways.

Nothing is written into the source tree: two directives make the tables and the entries
while a page is read. Which chapter uses which name is read from the notebooks' code.
"""

import inspect
import re
from pathlib import Path

import ae_names
from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import stringify_signature

from ae_toolkit.book import words

PAGES = "book/api/"
DIRECTIVES = {"class": "autoclass", "exception": "autoexception", "function": "autofunction", "data": "autodata"}


class _Generated(SphinxDirective):
    """A directive with a page of the reference as its argument, whose content is reStructuredText made here."""

    required_arguments = 1

    def run(self):
        group = self.arguments[0]
        if group not in ae_names.GROUPS:
            raise self.error(f"{self.name}: expected one of {', '.join(ae_names.GROUPS)}, got {group!r}")
        # The pages are Markdown, autodoc speaks reStructuredText: MyST's own door between the two.
        lines = ["````{eval-rst}", *self.lines(group), "````"]
        parent = nodes.Element()
        self.state.nested_parse(StringList(lines, source=self.env.docname), self.content_offset, parent)
        return parent.children

    def lines(self, group):
        raise NotImplementedError


class OverviewDirective(_Generated):
    """``{ae-overview}``: the names of one page, each with the first sentence of its docstring."""

    def lines(self, group):
        members = ae_names.groups()[group]
        entries = [entry for entry, name in ae_names.public_names().items() if name.module in members]
        return [".. autosummary::", "   :nosignatures:", "", *(f"   {entry}" for entry in entries)]

    def run(self):
        content = super().run()
        for link in (link for node in content for link in node.findall(addnodes.pending_xref)):
            if link["reftarget"].startswith(f"{ae_names.PACKAGE}."):
                link[:] = [_breakable(_written(link["reftarget"]))]
        return content


def _breakable(name):
    """Return a name as code that may break after each dot; copied from the page, it is the name and nothing else."""
    code = nodes.literal(classes=["xref", "py", "py-obj"])
    first, *rest = name.split(".")
    code += nodes.Text(first)
    for part in rest:
        code += [nodes.Text("."), nodes.raw("", "<wbr>", format="html"), nodes.Text(part)]
    return code


class EntriesDirective(_Generated):
    """``{ae-entries}``: the modules of one page, and of each all public names with their whole docstrings."""

    def lines(self, group):
        names, lines = ae_names.public_names(), []
        for module in ae_names.groups()[group]:
            full = f"{ae_names.PACKAGE}.{module}"
            own = [name for name in names.values() if name.module == module]
            is_room = "." not in module
            if is_room or (own and not ae_names.is_private(module)):
                lines += [f".. rubric:: {full}", "", f".. automodule:: {full}", ""]
            for name in own:
                lines += [f".. {DIRECTIVES[name.kind]}:: {name.entry}", *_options(name), ""]
        return lines


def _options(name):
    """List a class's methods one by one: autodoc's own choice would take what scikit-learn adds as well.

    A constant that holds objects ("<... object at 0x7f>") fills a screen that nobody can read: its comment is enough.
    """
    if name.kind == "data":
        return ["   :no-value:"] * ("<" in repr(name.value))
    if name.kind != "class":
        return []
    own = [method for method, value in ae_names.methods(name.value).items() if value.__doc__]
    options = [f"   :members: {', '.join(own)}", "   :member-order: bysource"] if own else []
    # What a class does not say itself, its base in the package does.
    return options + ["   :show-inheritance:"] * any(map(_is_ours, name.value.__bases__))


def _is_ours(cls):
    """Whether a class is a public one of the package, which has an entry."""
    package, *rooms = cls.__module__.split(".")
    return package == ae_names.PACKAGE and not any(name.startswith("_") for name in (*rooms, cls.__name__))


def _written(entry):
    """Return a name as a program writes it after ``import ae_toolkit as ae``."""
    return entry.replace(f"{ae_names.PACKAGE}.", "ae.", 1)


def find_uses(app, env, docnames):
    """Note which public names each notebook uses, before any page is read."""
    env.ae_uses, env.ae_modules, env.ae_spellings = {}, {}, {}
    if not any(docname.startswith(PAGES) for docname in env.found_docs):
        return  # a book without the reference: there is nothing to link to
    names = ae_names.public_names()
    env.ae_modules = {entry: name.module for entry, name in names.items()}
    env.ae_spellings = ae_names.spellings(names)
    for docname in sorted(env.found_docs):
        path = Path(env.doc2path(docname))
        if path.suffix == ".ipynb":
            env.ae_uses[docname] = ae_names.used(ae_names.cells(path), names)


def make_readable(app, what, name, value, options, lines):
    """Escape what docstrings say plainly and reStructuredText takes for markup: (n, *image_shape), model_."""
    doctest = False
    for index, line in enumerate(lines):
        doctest = line.lstrip().startswith(">>>") or (doctest and bool(line.strip()))
        if not doctest:
            head, colon, tail = line.partition(" : ") if re.match(r"\S+(, \S+)* : ", line) else ("", "", line)
            lines[index] = head + colon + _escaped(tail)


def describe_constants(app, what, name, value, options, lines):
    """Describe a constant by the comment where it is defined: Python would describe its type, at length."""
    if what != "data":
        return
    place, _, short = name.rpartition(".")
    module = f"{ae_names.PACKAGE}.{app.env.ae_modules[name]}" if name in app.env.ae_modules else place
    lines[:] = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", short), [])
    make_readable(app, what, name, value, options, lines)


def _escaped(line):
    if re.fullmatch(r"\w[\w*, ]*|\*+\w+", line):  # a name that stands alone as the head of an entry
        return line
    # Code and emphasis stay as they are.
    parts = re.split(r"(``.+?``|`[^`]+`_*|\*\*?(?=[^*\s])[^*]*[^*\s]\*\*?(?!\w))", line)
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"\*(?=\w)|(?<=\w)_(?!\w)", lambda found: "\\" + found.group(), parts[index])
    return "".join(parts)


def keep_underscores(app, what, name, value, options, lines):
    """Escape the end of ``model_`` in a list of attributes, where Napoleon forgets it and it would be cut off."""
    lines[:] = [re.sub(r"^(:(?:ivar|vartype) \w*)_:", r"\1\\_:", line) for line in lines]


def add_chapters(app, what, name, value, options, lines):
    """End an entry with links to the chapters that use the name."""
    chapters = [docname for docname, entries in app.env.ae_uses.items() if name in entries]
    if chapters and lines:  # an overview would take the links of a name without description for its summary
        links = " · ".join(f":doc:`/{docname}`" for docname in chapters)
        lines += ["", ".. container:: ae-used-in", "", f"   {words.USED_IN}{links}", ""]


def name_bases(app, name, value, options, bases):
    """Name only bases that have an entry, not those from Keras or scikit-learn."""
    bases[:] = [base for base in bases if _is_ours(base)]


def set_signature(app, what, name, value, options, signature, annotation):
    """Show what a class's constructor takes, where Keras hides it behind ``*args, **kwargs``."""
    if what == "class" and signature == "(*args, **kwargs)" and "__init__" in vars(value):
        parameters = list(inspect.signature(value.__init__).parameters.values())[1:]
        return stringify_signature(inspect.Signature(parameters), show_annotation=False), annotation
    return None


def find_entry(app, env, node, content):
    """Lead a link that names the module which defines something to its entry, which has a shorter name."""
    entry = env.ae_spellings.get(node.get("reftarget"))
    if node.get("refdomain") != "py" or entry is None:
        return None
    return env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, "obj", entry, node, content)


def rename_attributes(app, doctree):
    """Call a class's attributes what its docstring calls them; Sphinx's word is Variables."""
    for name in doctree.findall(nodes.field_name):
        if name.astext() == "Variables" and app.env.docname.startswith(PAGES):
            name[:] = [nodes.Text(words.ATTRIBUTES)]


def add_names(app, doctree):
    """Name what a chapter uses of the package, before its colophon, each name linked to its entry."""
    entries = app.env.ae_uses.get(app.env.docname)
    if not entries:
        return
    line = nodes.paragraph("", words.FUNCTIONS_USED, classes=["ae-functions-used"])
    for index, entry in enumerate(entries):
        line += [nodes.Text(", ")] if index else []
        line += addnodes.pending_xref(
            "", nodes.literal("", _written(entry), classes=["xref", "py", "py-obj"]), refdomain="py", reftype="obj",
            reftarget=entry, refdoc=app.env.docname, refexplicit=True, refwarn=True,
        )  # fmt: skip
    line += nodes.Text(".")
    # The chapter's last cell is its colophon.
    last = [node for node in doctree.findall(nodes.container) if "cell" in node["classes"]][-1]
    last.parent.insert(last.parent.index(last), line)


def setup(app):
    """Register everything with Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("ae-overview", OverviewDirective)
    app.add_directive("ae-entries", EntriesDirective)
    app.connect("env-before-read-docs", find_uses)
    app.connect("autodoc-process-docstring", make_readable, priority=400)  # before Napoleon, at 500
    app.connect("autodoc-process-docstring", keep_underscores, priority=600)  # after it
    # After it, too: Napoleon takes what stands before a colon in a constant's comment for a type.
    app.connect("autodoc-process-docstring", describe_constants, priority=600)
    app.connect("autodoc-process-docstring", add_chapters, priority=600)
    app.connect("autodoc-process-bases", name_bases)
    app.connect("autodoc-process-signature", set_signature)
    app.connect("missing-reference", find_entry)
    app.connect("doctree-read", rename_attributes)
    app.connect("doctree-read", add_names)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
