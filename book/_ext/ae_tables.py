"""Tables that the book's extensions put together while it is built."""

from docutils import nodes


def table(kind, widths, titles, rows):
    """Return a table.

    Parameters
    ----------
    kind : str
        Its class, for the style sheet.
    widths : sequence of int
        Of the columns, in percent.
    titles : sequence of str
        The heading of each column.
    rows : iterable of sequence
        A cell is a text, or a list of nodes.

    Returns
    -------
    docutils.nodes.table
    """
    found, group = nodes.table(classes=[kind]), nodes.tgroup(cols=len(titles))
    found += group
    for width in widths:
        group += nodes.colspec(colwidth=width)
    head, body = nodes.thead(), nodes.tbody()
    head += _row(titles)
    for cells in rows:
        body += _row(cells)
    group += [head, body]
    return found


def _row(cells):
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", *([nodes.paragraph("", cell)] if isinstance(cell, str) else cell))
    return row
