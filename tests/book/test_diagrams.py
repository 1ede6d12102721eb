"""The drawn diagrams: they stand alone, tell everyone what they show, and can be read on a phone and in the dark."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from ae_toolkit import plots
from ae_toolkit.networks import default_hidden_units
from ae_toolkit.plots import _colours

FOLDER = Path(__file__).resolve().parents[2] / "book" / "diagrams"
NAMES = [
    "adversarial", "contractive", "convolution", "data-flow", "flat-against-curved", "forward-backward", "hourglass",
    "kmeans-on-codes", "ladder", "other-target", "pca-as-a-network", "rows-against-flattened", "self-training",
    "shapes", "sparse", "variational",
]  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {"circle", "defs", "desc", "g", "marker", "path", "rect", "svg", "text", "title", "tspan", "use"}
COLOURS = {*plots.PALETTE, plots.INK, plots.MUTED, _colours.GRID, _colours.PAPER}
PHONE = 350  # pixels that a diagram has there


def source(name):
    return (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def root(name):
    return ElementTree.parse(FOLDER / f"{name}.svg").getroot()


def elements(name):
    return [(element.tag.removeprefix(SVG), element.attrib) for element in root(name).iter()]


def text(element):
    return " ".join("".join(element.itertext()).split())


def numbers(element, shape):
    """Return a grid of the numbers written in an element, row by row; what is not yet filled in is missing."""
    found = [float(text(each).replace("−", "-")) for each in element.iter(f"{SVG}text")]
    return np.array([*found, *[np.nan] * (np.prod(shape) - len(found))]).reshape(shape)


def test_the_folder_holds_these_diagrams_and_nothing_else():
    assert sorted(path.name for path in FOLDER.iterdir()) == [f"{name}.svg" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_shows(name):
    diagram = root(name)
    title, description = list(diagram)[:2]
    assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
    assert diagram.get("role") == "img"
    assert diagram.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}" == f"{name}-title {name}-desc"
    assert 0 < len(text(title)) < 80 < len(text(description))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_drawn_and_needs_nothing_else(name):
    kinds = [kind for kind, _ in elements(name)]
    assert set(kinds) <= DRAWN
    assert "text" in kinds
    identifiers = [found["id"] for _, found in elements(name) if "id" in found]
    assert len(set(identifiers)) == len(identifiers)
    for _, found in elements(name):
        assert not found.keys() & {"class", "style"}
        links = [link for value in found.values() for link in re.findall(r"url\((.*?)\)", value)]
        links += [value for key, value in found.items() if key.endswith("href")]
        assert all(link.startswith("#") and link[1:] in identifiers for link in links)


@pytest.mark.parametrize("name", NAMES)
def test_its_colours_have_a_dark_variant(name):
    assert set(re.findall(r"#[\da-fA-F]{3,8}\b", re.sub(r"(href=\"|url\()#[\w-]+", "", source(name)))) <= COLOURS
    given = [(kind, found[key]) for kind, found in elements(name) for key in ("fill", "stroke") if key in found]
    assert {colour for _, colour in given} <= COLOURS | {"none"}
    # Nothing but the paper is white, so that nothing is lost where there is none.
    assert [kind for kind, colour in given if colour == _colours.PAPER] == ["rect"]
    _, _, paper, *_ = (element for element in root(name))
    assert paper.attrib == {"width": root(name).get("width"), "height": root(name).get("height"), "fill": "#ffffff"}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_legible_on_a_phone(name):
    diagram = root(name)
    width, height = int(diagram.get("width")), int(diagram.get("height"))
    assert diagram.get("viewBox") == f"0 0 {width} {height}"
    assert 640 <= width <= 720
    assert height <= 420
    assert len(source(name).encode()) < 40_000
    sizes = [float(found["font-size"]) for _, found in elements(name) if "font-size" in found]
    assert min(sizes) * PHONE / width >= 9.5
    letters = [each for each in diagram.iter(f"{SVG}g") if "scale" in each.get("transform", "") and text(each)]
    assert not letters  # they would be of another size than it says


def test_the_numbers_of_the_convolution_are_right():
    parts = {element.get("id"): element for element in root("convolution").iter(f"{SVG}g")}
    image = numbers(parts["convolution-image"], (7, 7))
    weights = numbers(parts["convolution-weights"], (3, 3))
    shown = numbers(parts["convolution-map"], (5, 5))
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    filled = ~np.isnan(shown)
    assert filled.sum() == 13
    np.testing.assert_array_equal(shown[filled], (windows * weights).sum((2, 3))[filled])
    assert text(root("convolution")).endswith(f"(6 + 9 + 8) − (3 + 0 + 0) = {shown[filled][-1]:.0f}")


def test_the_shapes_are_the_default_ones():
    first, second = default_hidden_units(28 * 28)
    widths = [784, first, second, 10, second, first, 784]
    texts = [text(element) for element in root("shapes").iter(f"{SVG}text")]
    assert [int(each) for each in texts if each.isdigit()] == widths
    bars = [element for element in root("shapes") if element.tag == f"{SVG}rect" and element.get("height") == "14"]
    np.testing.assert_allclose([float(bar.get("width")) for bar in bars], 0.42 * np.array(widths), atol=0.05)
