"""How a notebook shows the chapters' figures: as drawings, which are sharp at every size."""

import contextlib

from ae_toolkit import plots


def show_as_drawings() -> None:
    """Use the book's style, and show figures as SVG if this is a notebook.

    Images within a figure are kept in it pixel by pixel. Outside of a notebook only the style is set.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from ae_toolkit.book.figures import show_as_drawings
    >>> show_as_drawings()
    >>> plt.rcParams["svg.fonttype"]
    'path'
    >>> plt.rcdefaults()
    """
    plots.use_style()
    with contextlib.suppress(ImportError):  # no IPython, no notebook
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        if get_ipython() is not None:
            # Without the time of day, so that a figure that has not changed is the same file.
            set_matplotlib_formats("svg", metadata={"Date": None})
