"""The book's style of figures, for users' own as well."""

from importlib import resources

import matplotlib.pyplot as plt


def use_style() -> None:
    """Draw all further figures in the book's style: its colours, fonts and lines.

    Sets Matplotlib's settings as ``plt.style.use`` does; ``plt.rcdefaults()`` takes them back.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from ae_toolkit import plots
    >>> plots.use_style()
    >>> plt.rcParams["axes.edgecolor"] == plots.INK
    True
    >>> plt.rcdefaults()
    """
    with resources.as_file(resources.files("ae_toolkit.plots").joinpath("house.mplstyle")) as path:
        plt.style.use(path)
