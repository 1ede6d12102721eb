"""Figures: what is drawn is what was given, on the axes that were given, told apart without colour."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from ae_toolkit import plots

CALLS = {
    "image_grid": lambda **options: plots.image_grid(np.zeros((3, 4, 5, 1)), **options),
    "reconstructions": lambda **options: plots.reconstructions(*np.zeros((2, 3, 4, 5, 1)), **options),
    "code_scatter": lambda **options: plots.code_scatter([[0.0, 0.0], [1.0, 1.0]], [0, 1], **options),
    "confusion": lambda **options: plots.confusion([0, 1, 1], [0, 0, 1], **options),
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
    assert public == set(CALLS)
    assert set(plots.__all__) == public | {"PALETTE", "ERROR_LABEL"}


@pytest.mark.parametrize("name", sorted(CALLS.keys() - {"image_grid", "reconstructions"}))
def test_axes_say_what_they_measure(name, ax):
    CALLS[name](ax=ax)
    assert ax.get_xlabel()
    assert ax.get_ylabel() or name == "interpolation"  # its rows may carry names instead


def test_colours_are_ten_and_distinct():
    assert len(plots.PALETTE) == len({mpl.colors.to_hex(colour) for colour in plots.PALETTE}) == 10
