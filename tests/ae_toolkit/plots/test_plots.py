"""Figures: what is drawn is what was given, on the axes that were given, told apart without colour."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from ae_toolkit import plots
from ae_toolkit.plots import _colours

CALLS = {
    "image_grid": lambda **options: plots.image_grid(np.zeros((3, 4, 5, 1)), **options),
    "reconstructions": lambda **options: plots.reconstructions(*np.zeros((2, 3, 4, 5, 1)), **options),
    "code_scatter": lambda **options: plots.code_scatter([[0.0, 0.0], [1.0, 1.0]], [0, 1], **options),
    "code_map": lambda **options: plots.code_map([[0.0, 0.0], [1.0, 1.0]], np.zeros((2, 4, 5, 1)), **options),
    "confusion": lambda **options: plots.confusion([0, 1, 1], [0, 0, 1], **options),
    "reliability": lambda **options: plots.reliability([0, 1], [[0.75, 0.25], [0.0, 1.0]], **options),
    "interpolation": lambda **options: plots.interpolation(np.zeros((2, 3, 4, 5, 1)), **options),
    "latent_grid": lambda **options: plots.latent_grid(lambda codes: np.zeros((len(codes), 4, 5, 1)), n=3, **options),
    "learning_curves": lambda **options: plots.learning_curves([{"loss": [4.0, 2.0]}] * 2, **options),
    "training_curve": lambda **options: plots.training_curve({"loss": [4.0, 2.0]}, **options),
    "sweep": lambda **options: plots.sweep([2, 4], {"PCA": [3.0, 2.0]}, "numbers in the code", **options),
}


@pytest.mark.parametrize("name", CALLS)
def test_draws_on_the_axes_given_and_returns_them(name, ax):
    before = plt.get_fignums()
    assert CALLS[name](ax=ax) is ax
    assert plt.get_fignums() == before
    assert ax.has_data()


@pytest.mark.parametrize("name", CALLS)
def test_draws_on_axes_of_its_own(name):
    drawn = CALLS[name]()
    assert plt.get_fignums() == [drawn.figure.number]
    assert drawn.has_data()
    drawn.figure.canvas.draw()  # it can be painted


def test_every_function_of_the_module_is_tested_here():
    public = {
        key for key, value in vars(plots).items()
        if getattr(value, "__module__", "").startswith("ae_toolkit") and not key.startswith("_")
    }  # fmt: skip
    assert public - {"use_style", "plain_numbers"} == set(CALLS)  # test_style.py has these two
    assert set(plots.__all__) == public | {"PALETTE", "INK", "MUTED", "ERROR_LABEL"}


@pytest.mark.parametrize("name", sorted(CALLS.keys() - {"image_grid", "reconstructions"}))
def test_axes_say_what_they_measure(name, ax):
    CALLS[name](ax=ax)
    assert ax.get_xlabel()
    assert ax.get_ylabel() or name == "interpolation"  # its rows may carry names instead


def luminance(colour):
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour)]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True))


def contrast(one, other):
    """Return WCAG 2's contrast between two colours, from 1 to 21."""
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#14181e", "#121212"])  # white; the themes' dark pages
@pytest.mark.parametrize("colour", [*plots.PALETTE, plots.MUTED])
def test_colours_can_be_seen_on_a_white_and_on_a_dark_page(colour, page):
    assert contrast(colour, page) >= 3


def test_text_can_be_read_on_its_page():
    assert contrast(_colours.INK, _colours.PAPER) >= 7
    assert contrast(_colours.INK_IN_THE_DARK, "#14181e") >= 7


def test_colours_are_ten_and_distinct():
    assert len(plots.PALETTE) == len({mpl.colors.to_hex(colour) for colour in plots.PALETTE}) == 10
