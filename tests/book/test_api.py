"""The reference: an entry for each public name, and links with the chapters that hold both ways."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import ae_api
import ae_names
import pytest
import site_reader
from numpydoc.docscrape import get_doc_object
from site_reader import ROOT, SITE
from sphinx.pycode import ModuleAnalyzer

import ae_toolkit

REFERENCE = SITE / "book" / "api"
NAMES = ae_names.public_names()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
USES = {path.stem: ae_names.used(ae_names.cells(path), NAMES) for path in NOTEBOOKS}

site = pytest.mark.skipif(not REFERENCE.is_dir(), reason="no built reference: run `make book` first")


def entries():
    """Return where each entry of the reference stands: its page and its description there."""
    found = {}
    for path in sorted(REFERENCE.glob("*.html")):
        for term in site_reader.page(path).select("article dl.py > dt.sig-object[id]"):
            assert term["id"] not in found, f"{term['id']} has two entries"
            found[term["id"]] = path, term.parent
    return found


def plain(text):
    """Return text without markup, line breaks and typographic quotation marks."""
    return " ".join(re.sub("[`*]", "", re.sub('[’‘“”"]', "'", text)).split())


@pytest.mark.slow
@site
def test_each_public_name_has_one_entry_with_an_anchor():
    assert len(NAMES) > 40
    assert set(NAMES) <= set(entries())


@site
def test_an_entry_stands_on_the_page_of_its_group():
    places = entries()
    for group, modules in ae_names.groups().items():
        for entry, name in NAMES.items():
            if name.module in modules:
                assert places[entry][0].stem == group


@pytest.mark.slow
@site
@pytest.mark.parametrize("entry", [entry for entry, name in NAMES.items() if name.kind in ("class", "function")])
def test_an_entry_holds_the_whole_docstring(entry):
    _, description = entries()[entry]
    shown, summary = description.get_text(), NAMES[entry].value.__doc__.split("\n\n")[0]
    assert plain(summary) in plain(shown)
    assert description.select_one(".highlight .gp"), "the example is not there"
    if NAMES[entry].kind == "class":
        for method, value in ae_names.methods(NAMES[entry].value).items():
            assert not value.__doc__ or description.find(id=f"{entry}.{method}"), method


@pytest.mark.slow
@site
@pytest.mark.parametrize("entry", [entry for entry, name in NAMES.items() if name.kind == "class"])
def test_parameters_and_attributes_are_listed_under_their_own_names(entry):
    doc = get_doc_object(NAMES[entry].value, config={"show_class_members": False})
    listed = [name for item in doc["Parameters"] + doc["Attributes"] for name in item.name.split(", ")]
    shown = [node.get_text() for node in entries()[entry][1].select("dl.field-list strong")]
    assert set(listed) <= set(shown)


@site
def test_a_class_leads_to_its_bases_in_the_package_and_names_no_other():
    places, shown = entries(), {}
    for entry in (entry for entry, name in NAMES.items() if name.kind == "class"):
        lines = [line for line in places[entry][1].select("dd > p") if line.get_text().startswith("Bases: ")]
        links = [link for line in lines for link in line.select("a")]
        assert [line.get_text() for line in lines] == (
            ["Bases: " + ", ".join(link.get_text() for link in links)] if links else []
        )
        shown[entry] = [link["title"] for link in links]
    assert shown["ae_toolkit.Autoencoder"] == []
    assert shown["ae_toolkit.estimators.models.AutoencoderModel"] == ["ae_toolkit.training.trainable.TrainableModel"]
    assert shown["ae_toolkit.DenoisingAutoencoder"] == ["ae_toolkit.estimators.autoencoder.Autoencoder"]


@site
def test_what_others_add_to_a_class_is_no_entry():
    assert not [place for place in entries() if place.endswith(("_request", ".get_params", ".set_output"))]


@site
def test_the_overview_names_everything_once_and_leads_to_it():
    links = site_reader.page(SITE / "book" / "api.html").select("article table.autosummary td:first-child a")
    rows = [link["href"] for link in links]
    places = entries()
    assert sorted(rows) == sorted(f"api/{places[entry][0].name}#{entry}" for entry in NAMES)
    assert all(link.get_text().startswith("ae.") for link in links)
    tables = site_reader.page(SITE / "book" / "api.html").select("article table.autosummary")
    assert len(tables) == len(ae_names.GROUPS)
    for row in (row for table in tables for row in table.select("tr")):
        assert len(row.select("td")[1].get_text().split()) >= 2, row.get_text()


@pytest.mark.slow
@site
def test_a_constant_shows_its_value_unless_nobody_could_read_it():
    shown = {
        entry: " ".join(description.find("dt").get_text().split()) for entry, (_, description) in entries().items()
    }
    assert "= 8000" in shown["ae_toolkit.estimators.classification.STEPS"]
    assert "mixed_bfloat16" in shown["ae_toolkit.networks.PRECISIONS"]
    assert "ae_toolkit.estimators.autoencoder.CONSTRAINTS_WITHOUT_LINEAR_PATH" in shown
    assert not [entry for entry, text in shown.items() if re.search(r"= .*<", text)]


@site
def test_a_constant_s_comment_is_shown_as_a_whole():
    places = entries()
    for entry in (entry for entry, name in NAMES.items() if name.kind == "data"):
        comments = ModuleAnalyzer.for_module(f"ae_toolkit.{NAMES[entry].module}").find_attr_docs()
        comment = " ".join(comments["", entry.rpartition(".")[2]])
        assert plain(comment) in plain(places[entry][1].get_text()), entry


@site
def test_an_entry_leads_to_the_chapters_that_use_it_and_to_no_other():
    for entry, (_, description) in entries().items():
        lines = [
            line for line in description.select(".ae-used-in") if line.find_parent("dl", class_="py") is description
        ]
        chapters = [link["href"] for line in lines for link in line.select("a")]
        assert chapters == [f"../../notebooks/{name}.html" for name, used in USES.items() if entry in used], entry
        assert len(lines) == bool(chapters)


@site
@pytest.mark.parametrize("name", USES)
def test_a_chapter_leads_to_the_entries_of_what_it_uses_and_to_no_other(name):
    places = entries()
    (line,) = site_reader.page(SITE / "notebooks" / f"{name}.html").select("article .ae-functions-used")
    assert line.get_text().startswith("Functions used: ")
    links = [(link.get_text(), link["href"]) for link in line.select("a")]
    assert links == [
        (entry.replace("ae_toolkit.", "ae."), f"../book/api/{places[entry][0].name}#{entry}") for entry in USES[name]
    ]
    assert len(links) >= 3


@site
@pytest.mark.parametrize("name", USES)
def test_a_chapter_s_last_line_is_still_its_colophon(name):
    found = site_reader.page(SITE / "notebooks" / f"{name}.html").select(
        "article .ae-functions-used, article .ae-colophon"
    )
    assert [node["class"][-1] for node in found] == ["ae-functions-used", "ae-colophon"]


@pytest.mark.parametrize(("entry", "written"), [
    ("ae_toolkit.metrics.linear_probe", r"\bae\.metrics\.linear_probe\b"),
    ("ae_toolkit.Autoencoder", r"\bae\.Autoencoder[(\)]"),
    ("ae_toolkit.plots.PALETTE", r"\bae\.plots\.PALETTE\b"),
    ("ae_toolkit.book.Prediction", r"(?<!import )\bPrediction\("),
])  # fmt: skip
def test_uses_are_those_that_a_search_of_the_cells_finds(entry, written):
    found = {path.stem for path in NOTEBOOKS if re.search(written, "\n".join(ae_names.cells(path)))}
    assert found
    assert {name for name, used in USES.items() if entry in used} == found


@pytest.mark.parametrize(("cell", "uses"), [
    ("import ae_toolkit as ae\nae.metrics.knn_probe", ["metrics.knn_probe"]),
    ("import ae_toolkit\nae_toolkit.metrics.knn_probe", ["metrics.knn_probe"]),
    ("import ae_toolkit.metrics\nae_toolkit.metrics.knn_probe", ["metrics.knn_probe"]),
    ("import ae_toolkit.metrics as m\nm.knn_probe", ["metrics.knn_probe"]),
    ("from ae_toolkit import metrics, plots as p\np.sweep(metrics.knn_probe)", ["metrics.knn_probe", "plots.sweep"]),
    ("from ae_toolkit.metrics import knn_probe as vote\nvote(1)", ["metrics.knn_probe"]),
    ("from ae_toolkit.estimators.autoencoder import Autoencoder\nAutoencoder().fit(x)", ["Autoencoder"]),
    ("import ae_toolkit as ae\nmetrics = ae.metrics\nmetrics.knn_probe(1)", ["metrics.knn_probe"]),
    ("import ae_toolkit as ae\nae.book.claims.settle", ["book.settle"]),
    ("from ae_toolkit.book import Prediction as P\nP()", ["book.Prediction"]),
    ("import ae_toolkit as ae\nae.data.datasets.load", ["datasets.load"]),
    ("from ae_toolkit.metrics.reconstruction import psnr\npsnr()", ["metrics.psnr"]),
    ("from ae_toolkit.networks import losses\nlosses.squared_error", ["networks.losses.squared_error"]),
    ("%matplotlib inline\nimport ae_toolkit as ae\n!ls\nae.Autoencoder", ["Autoencoder"]),
    ("from ae_toolkit.metrics import knn_probe", []),  # an import alone is no use
    ("import ae_toolkit as ae\n'ae.Autoencoder'  # ae.Autoencoder", []),
    ("import numpy as ae\nae.Autoencoder", []),
    ("import ae_toolkit as ae\nae.no_such_name.at_all", []),
    ("ae.Autoencoder(", []),  # a cell that is meant to fail
])  # fmt: skip
def test_a_use_is_found_under_any_alias_and_nowhere_else(cell, uses):
    assert ae_names.used([cell], NAMES) == [f"ae_toolkit.{name}" for name in uses]


def test_an_alias_holds_in_later_cells():
    assert ae_names.used(["import ae_toolkit as ae", "ae.Autoencoder"], NAMES) == ["ae_toolkit.Autoencoder"]


@pytest.mark.parametrize(("entry", "module"), [
    ("ae_toolkit.Autoencoder", "estimators.autoencoder"),
    ("ae_toolkit.ImageDataset", "data.datasets"),
    ("ae_toolkit.datasets.load", "data.datasets"),
    ("ae_toolkit.data.streams.open_stream", "data.streams"),
    ("ae_toolkit.metrics.psnr", "metrics.reconstruction"),
    ("ae_toolkit.networks.build", "networks.builder"),
    ("ae_toolkit.networks.losses.squared_error", "networks.losses"),
    ("ae_toolkit.training.fit", "training.fitting"),
    ("ae_toolkit.estimators.models.AutoencoderModel", "estimators.models"),
    ("ae_toolkit.book.settle", "book.claims"),
    ("ae_toolkit.book.chapter.describe", "book.chapter"),
])  # fmt: skip
def test_an_entry_is_the_shortest_path_that_a_user_writes(entry, module):
    assert NAMES[entry].module == module
    assert ae_names.spellings(NAMES)[f"ae_toolkit.{module}.{entry.rpartition('.')[2]}"] == entry


def test_a_constant_has_its_entry_where_the_room_offers_it():
    assert NAMES["ae_toolkit.plots.PALETTE"].kind == "data"
    assert NAMES["ae_toolkit.networks.KINDS"].kind == "data"


def test_a_name_has_one_entry():
    defined = [(name.module, entry.rpartition(".")[2]) for entry, name in NAMES.items()]
    assert len(defined) == len(set(defined))
    for entry in NAMES:
        value = ae_toolkit
        for part in entry.split(".")[1:]:
            value = getattr(value, part)
        assert value is NAMES[entry].value


def public_files():
    """Return the module of each file of the package that is neither private nor a backend of the engine."""
    package = Path(ae_toolkit.__file__).parent
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts[:2] == ("training", "backend") or any(part.startswith("_") for part in parts):
            continue
        yield ".".join(parts)


def test_the_walk_misses_no_file():
    files = set(public_files())
    assert {"data.streams", "estimators.models", "networks.losses", "storage"} <= files
    assert files <= set(ae_names.modules())
    missing = files - {name.module for name in NAMES.values()}
    # The insides of the engine and of saving, which their rooms do not offer, are described where they are written.
    inside = {module for module in missing if module.startswith("training.")} | {"networks.configurations"}
    assert missing == inside
    for module in inside:
        room, _, name = module.partition(".")
        assert name not in getattr(ae_toolkit, room).__all__


def test_what_a_room_offers_is_in_the_reference():
    for room in ("data", "metrics", "plots", "networks", "training", "estimators", "book"):
        place = getattr(ae_toolkit, room)
        for name in place.__all__:
            value = getattr(place, name)
            if isinstance(value, ModuleType):
                module = value.__name__.removeprefix("ae_toolkit.")
                assert any(public.module == module for public in NAMES.values()), module
            else:
                entries = [f"ae_toolkit.{name}", f"ae_toolkit.{room}.{name}"]
                assert any(entry in NAMES for entry in entries), entries


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A package of two rooms in the place of the toolkit."""
    (tmp_path / "house" / "room").mkdir(parents=True)
    (tmp_path / "house" / "hall").mkdir()
    texts = {
        "__init__.py": "from house import hall, room\nfrom house.room import inner\n"
        "__all__ = ['hall', 'inner', 'room']\n",
        "room/__init__.py": "from house.room import inner\nfrom house.room._labels import LABEL\n"
        "from house.room.wide import offered\n__all__ = ['LABEL', 'inner', 'offered']\n",
        "room/inner.py": "import math\nfrom house.hall import knock\n_hidden, SHOWN = 1, 2\nops = math\n"
        "def function(): ...\ndef _private(): ...\nclass Class: ...\nclass Problem(Exception): ...\n",
        "room/wide.py": "def offered(): ...\ndef kept_inside(): ...\n",
        "room/_labels.py": "LABEL, OTHER = 'a', 'b'\n",
        "hall/__init__.py": "import lazy_loader\n"
        "__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)\n",
        "hall/__init__.pyi": "from .door import knock as knock\n",
        "hall/door.py": "def knock(): ...\n",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / "house" / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(ae_names, "ae_toolkit", importlib.import_module("house"))
    monkeypatch.setattr(ae_names, "PACKAGE", "house")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "house"]:
        del sys.modules[name]


def test_what_is_public_follows_from_what_the_rooms_offer(house):
    names = ae_names.public_names()
    assert {entry: (name.module, name.kind) for entry, name in names.items()} == {
        "house.inner.SHOWN": ("room.inner", "data"),
        "house.inner.function": ("room.inner", "function"),
        "house.inner.Class": ("room.inner", "class"),
        "house.inner.Problem": ("room.inner", "exception"),
        "house.room.offered": ("room.wide", "function"),
        "house.room.LABEL": ("room._labels", "data"),
        "house.hall.knock": ("hall.door", "function"),
    }
    # A room that no page names is on the first.
    assert {"hall", "hall.door", "room", "room.inner", "room.wide", "room._labels"} == set(
        ae_names.groups()["estimators"]
    )
    assert ae_names.spellings(names)["house.room.inner.function"] == "house.inner.function"


def test_every_module_is_on_one_page_and_every_page_in_the_book():
    placed = [module for modules in ae_names.groups().values() for module in modules]
    assert sorted(module for module in placed if not ae_names.is_private(module)) == ae_names.modules()
    rooms = {module for module in ae_names.modules() if "." not in module}
    assert rooms == {room for rooms in ae_names.GROUPS.values() for room in rooms}
    assert set(ae_names.FIRST) <= set(ae_names.modules())
    toc, overview = (ROOT / "_toc.yml").read_text(), (ROOT / "book" / "api.md").read_text()
    for group in ae_names.GROUPS:
        assert f"file: book/api/{group}\n" in toc
        assert f"```{{ae-overview}} {group}\n" in overview
        assert f"```{{ae-entries}} {group}\n" in (ROOT / "book" / "api" / f"{group}.md").read_text()


@pytest.mark.parametrize(("plain", "escaped"), [
    (["(n, *image_shape) -> (n, *code)"], [r"(n, \*image_shape) -> (n, \*code)"]),
    (["(n, *image_shape) -> (n, 2 * code_dim)"], [r"(n, \*image_shape) -> (n, 2 * code_dim)"]),
    (["of shape (n, *image_shape_)"], [r"of shape (n, \*image_shape\_)"]),
    (["*Confirmed* if ``(n, *image_shape_)`` is `model_`"], ["*Confirmed* if ``(n, *image_shape_)`` is `model_`"]),
    (["model_ : Model, (*image_shape)"], [r"model_ : Model, (\*image_shape)"]),
    (["*predictions : Prediction", "**kwargs"], ["*predictions : Prediction", "**kwargs"]),
    ([">>> f(*x_)", "(*x_)", "", "(*x_)"], [">>> f(*x_)", "(*x_)", "", r"(\*x\_)"]),
])  # fmt: skip
def test_what_docstrings_say_plainly_is_no_markup(plain, escaped):
    ae_api.make_readable(None, "function", "name", None, None, plain)
    assert plain == escaped


def shown_to_readers():
    """Return the names of the first floor, of the metrics and of the plots: what a reader is to meet in a chapter."""
    rooms = {"ae_toolkit", "ae_toolkit.metrics", "ae_toolkit.plots"}
    found = {entry: name for entry, name in NAMES.items() if entry.rpartition(".")[0] in rooms}
    results = {"ReliabilityBins", "FrechetDistance", "PrecisionRecall", "DifferenceInterval"}  # what a function returns
    return {entry for entry, name in found.items() if name.kind != "data" and entry.rpartition(".")[2] not in results}


def test_each_name_that_a_reader_needs_appears_in_a_chapter():
    """In code that is run, or in the text as a link to its entry."""
    texts = "\n".join(path.read_text(encoding="utf-8") for path in NOTEBOOKS)
    linked = set(re.findall(r"\{(?:class|func)\}`(?:~|[^`<]*<)(ae_toolkit[\w.]+)>?`", texts))
    used = {name for names in USES.values() for name in names}
    assert len(shown_to_readers()) > 50
    assert sorted(shown_to_readers() - used - linked) == []
