"""The colours of the figures.

A page is white, or nearly black where a reader prefers that. What is drawn in a colour of the
palette can be seen on both, at a contrast of at least 3:1; the site has a second variant of
each figure, in which only `INK`, the grid and the background change.
"""

#: Ten colours, each of a contrast of at least 3:1 on white and on the dark page. Found by a search for
#: the set whose closest pair is furthest apart, also for readers who cannot tell red from green
#: (as simulated by Machado, Oliveira and Fernandes, 2009).
PALETTE = (
    "#0c92ff", "#f3610c", "#3d9e92", "#5549ff", "#b64924", "#619e61", "#3d6d86", "#c224c2", "#556d55", "#ce6dc2",
)  # fmt: skip
#: The colour of text, axes and ticks; the dark variant of a figure has `INK_IN_THE_DARK` in its place.
INK, INK_IN_THE_DARK = "#262626", "#e0e0e0"
#: The grey of what stands behind the data, such as lines to compare with; it can be seen on both pages.
MUTED = "#767676"
#: The lines of a grid, and those of the dark variant.
GRID, GRID_IN_THE_DARK = "#dcdcdd", "#3a3b3c"
#: Behind everything; the dark variant has none.
PAPER = "#ffffff"
