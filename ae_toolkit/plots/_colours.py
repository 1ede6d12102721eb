"""The colours of the figures."""

#: Ten colours that colour-blind readers can tell apart.
#: Petroff, M. A. (2021). Accessible color sequences for data visualization. arXiv:2107.02270.
PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
