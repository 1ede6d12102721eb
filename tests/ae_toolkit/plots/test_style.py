"""The style of the figures: its colours are those that are named, and text stays readable where a figure is small."""

import io
import re

import matplotlib as mpl
import numpy as np
import pytest

from ae_toolkit import plots
from ae_toolkit.plots import _colours


@pytest.fixture(autouse=True)
def style():
    with mpl.rc_context():
        plots.use_style()
        yield


def as_svg(figure):
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def test_colours_are_those_of_the_module():
    rc = mpl.rcParams
    ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "legend.labelcolor")
    assert {mpl.colors.to_hex(rc[key]) for key in ink} == {_colours.INK}
    assert mpl.colors.to_hex(rc["grid.color"]) == _colours.GRID
    assert {mpl.colors.to_hex(rc[key]) for key in ("figure.facecolor", "savefig.facecolor")} == {_colours.PAPER}
    assert [f"#{one['color'].lstrip('#')}" for one in rc["axes.prop_cycle"]] == list(_colours.PALETTE)


def test_a_drawing_holds_no_other_colours_than_a_dark_page_can_change():
    ax = plots.sweep([2, 4], {"PCA": [[3.0, 3.1], [2.0, 2.2]], "network": [2.0, 1.0]}, "numbers in the code")
    svg = as_svg(ax.figure)
    used = {colour.lower() for colour in re.findall(r"#[0-9a-fA-F]{6}\b", svg)}
    assert used <= {_colours.INK, _colours.GRID, _colours.PAPER, _colours.MUTED, *_colours.PALETTE}
    assert "rgb(" not in svg


def test_letters_can_be_read_on_a_phone():
    # 6 inches are 576 pixels; a phone's page shows them on 350.
    sizes = [mpl.rcParams[key] for key in ("font.size", "axes.labelsize", "xtick.labelsize", "legend.fontsize")]
    assert min(sizes) * 96 / 72 * 350 / 576 >= 8


def test_no_figure_of_images_is_wider_than_a_page():
    for n_columns in (1, 10, 40):
        ax = plots.image_grid(np.zeros((2 * n_columns, 28, 28, 1)), n_columns=n_columns)
        assert ax.figure.get_figwidth() <= 6


def test_equal_figures_are_equal_files_and_images_stay_pixels():
    images = np.linspace(0, 1, 3 * 28 * 28).reshape(3, 28, 28, 1)
    first, second = (as_svg(plots.image_grid(images).figure) for _ in range(2))
    assert first == second
    assert len(first) < 30_000
    assert first.count("<image") == 1


@pytest.mark.parametrize("values", [[12.0, 90.0], [0.02, 3.0], [15.0, 17.0]])
def test_a_logarithmic_axis_has_plain_numbers(values):
    ax = plots.training_curve({"loss": values})
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    written = [label.get_text() for label in ax.get_yticklabels() if low <= label.get_position()[1] <= high]
    assert len(written) >= 2
    assert all(float(text) > 0 for text in written)


def test_a_linear_axis_keeps_its_numbers(ax):
    before = ax.yaxis.get_major_formatter()
    plots.plain_numbers(ax.xaxis, ax.yaxis)
    assert ax.yaxis.get_major_formatter() is before


def test_epochs_are_whole_numbers():
    ax = plots.training_curve({"loss": [3.0, 2.0, 1.5]})
    assert all(tick == int(tick) for tick in ax.get_xticks())
