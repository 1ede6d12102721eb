"""The book's figures: each function draws on axes, given or its own, and returns them.

Colours come from a palette made for colour-blind readers and for white and dark pages, and
are never the only mark: classes carry their names, cells their counts, curves their line
styles. Axes say their units. `use_style` sets fonts and lines as in the book.
"""

from ae_toolkit.plots._axes import plain_numbers
from ae_toolkit.plots._colours import INK, MUTED, PALETTE
from ae_toolkit.plots._labels import ERROR_LABEL
from ae_toolkit.plots._style import use_style
from ae_toolkit.plots.classes import confusion, reliability
from ae_toolkit.plots.codes import code_map, code_scatter, latent_grid
from ae_toolkit.plots.curves import learning_curves, sweep, training_curve
from ae_toolkit.plots.images import image_grid, interpolation, reconstructions

__all__ = [
    "ERROR_LABEL",
    "INK",
    "MUTED",
    "PALETTE",
    "code_map",
    "code_scatter",
    "confusion",
    "image_grid",
    "interpolation",
    "latent_grid",
    "learning_curves",
    "plain_numbers",
    "reconstructions",
    "reliability",
    "sweep",
    "training_curve",
    "use_style",
]
