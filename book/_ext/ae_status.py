"""The status page: what ran to make the book, chapter by chapter, and in how many seconds."""

from ae_tables import table
from docutils import nodes
from docutils.parsers.rst import Directive

from ae_toolkit.book import words


class run_table(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes in lower case)
    """Stands where the table of runs goes."""


class StatusDirective(Directive):
    """``{ae-status}``: the table of all executed chapters, and the versions of what they ran with."""

    def run(self):
        return [run_table()]


def resolve(app, doctree, docname):
    """Put the table in place, from the chapters' colophons."""
    for node in list(doctree.findall(run_table)):
        node.replace_self([_table(app, docname), *_versions(app.env.ae_colophons)])


def _table(app, docname):
    rows = []
    for page, record in app.env.ae_colophons.items():
        address = app.builder.get_relative_uri(docname, page)
        title = nodes.reference("", app.env.titles[page].astext(), refuri=address, internal=True)
        settled = sum(place == page for place, _ in app.env.ae_verdicts.values())
        profile = f"{record['profile']} ({record['data']})"
        rows.append(([nodes.paragraph("", "", title)], profile, f"{record['seconds']:.0f}", str(settled)))
    seconds = sum(record["seconds"] for record in app.env.ae_colophons.values())
    rows.append((words.STATUS_ALL, "", f"{seconds:.0f}", str(len(app.env.ae_verdicts))))
    return table("ae-status", (50, 15, 20, 15), words.STATUS_COLUMNS, rows)


def _versions(colophons):
    """Return a paragraph for each set of versions that chapters ran with: one, unless they were run apart."""
    found = []
    for record in colophons.values():
        if record["versions"] not in found:
            found.append(record["versions"])
    lines = [", ".join(f"{name} {version}" for name, version in versions.items()) for versions in found]
    return [nodes.paragraph("", words.STATUS_VERSIONS.format(versions=line)) for line in lines]


def setup(app):
    """Register the extension with Sphinx."""
    app.add_node(run_table)
    app.add_directive("ae-status", StatusDirective)
    app.connect("doctree-resolved", resolve)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
