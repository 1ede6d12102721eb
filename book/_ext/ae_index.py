"""The index: for each term of the glossary, the sections of the chapters that link it.

Sphinx makes the page ``genindex`` of entries that pages bring along. Here they are taken
from the links to the glossary, so that nobody marks a term twice.
"""

from docutils import nodes
from sphinx import addnodes

CHAPTERS = "notebooks/"


def add_terms(app, env):
    """Give each chapter an entry for each term and each section in which it is linked."""
    terms = {name.lower(): name for kind, name in env.get_domain("std").objects if kind == "term"}
    entries = env.get_domain("index").entries
    for docname in sorted(env.found_docs):
        if docname.startswith(CHAPTERS):
            own = entries.setdefault(docname, [])
            own += [entry for entry in entries_of(env.get_doctree(docname), terms) if entry not in own]


def entries_of(doctree, terms):
    """Return the index's entries of a page, each once, in the order of the page.

    Parameters
    ----------
    doctree : docutils.nodes.document
    terms : dict of str to str
        The glossary's terms as it spells them, by their spelling in lower case.

    Returns
    -------
    list of tuple
        As Sphinx's index domain keeps them: a term, and below it the section's heading.
    """
    found = []
    for link in doctree.findall(addnodes.pending_xref):
        term, section = terms.get(link["reftarget"].lower()), _section_of(link)
        if link.get("reftype") == "term" and term and section is not None:
            heading = section.next_node(nodes.title).astext().replace(";", ",")
            found.append(("single", f"{term}; {heading}", section["ids"][0], "", None))
    return list(dict.fromkeys(found))


def _section_of(node):
    while node is not None and not isinstance(node, nodes.section):
        node = node.parent
    return node


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("env-updated", add_terms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
