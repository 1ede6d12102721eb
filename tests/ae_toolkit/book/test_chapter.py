"""What a chapter begins and ends with: its profile, the figures in its sentences, its colophon."""

import json
import sys
import time
from importlib import metadata

import numpy as np
import pytest

import ae_toolkit
from ae_toolkit.book import chapter
from ae_toolkit.book.chapter import Chapter
from ae_toolkit.book.claims import ClaimError, Prediction


@pytest.mark.parametrize("profile", ["fast", "Quick", "", None])
def test_unknown_profile_lists_the_known_ones(profile):
    with pytest.raises(ValueError, match=rf"PROFILE.*\['full', 'quick'\], got {profile!r}"):
        Chapter(profile)


def test_quick_profile():
    run = Chapter("quick")
    assert (run.profile, run.full, run.seeds) == ("quick", False, (0, 1, 2))
    assert run.pick(quick="a", full="b") == "a"
    assert run.data.name == "mnist5k"
    assert run.data is run.data  # loaded once


def test_full_profile(monkeypatch):
    asked = []
    monkeypatch.setattr(chapter.datasets, "load", lambda name, data_dir: asked.append((name, data_dir)) or "images")
    run = Chapter("full", seeds=[5], data_dir="some/where")
    assert (run.profile, run.full, run.seeds) == ("full", True, (5,))
    assert run.pick(quick="a", full="b") == "b"
    assert asked == []  # not before they are asked for
    assert run.data == "images"
    assert asked == [("mnist", "some/where")]


def test_full_profile_with_a_missing_folder(tmp_path):
    with pytest.raises(NotADirectoryError, match="not-here"):
        _ = Chapter("full", data_dir=tmp_path / "not-here").data


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_verdicts_know_their_profile(profile):
    run = Chapter(profile)
    box = run.settle("C01", "confirmed", Prediction("p", 1, "<", 2, "known", exact=True), because="It fell.")
    assert (box.record["profile"], box.record["because"]) == (profile, "It fell.")
    with pytest.raises(ClaimError):
        run.settle("C01", "refuted", Prediction("p", 1, "<", 2, "known", exact=True), because="It fell.")


# -------------------------------------------------------------------------------- glue


@pytest.fixture
def shell():
    """A real IPython shell whose displays are kept."""
    pytest.importorskip("IPython")
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.display_pub = CapturingDisplayPublisher(parent=shell, shell=shell)
    yield shell
    InteractiveShell.clear_instance()


def test_glue_publishes_as_myst_nb_reads_it(shell):
    Chapter("quick").glue(bg_error=13.8659, bg_errors=[1.0, 1.5], bg_name="PCA", bg_count=np.int64(60000))
    found = {output["metadata"]["scrapbook"]["name"]: output for output in shell.display_pub.outputs}
    texts = {name: output["data"] for name, output in found.items()}
    assert texts == {
        name: {"application/papermill.record/text/plain": text}  # under a name that no page shows
        for name, text in
        {"bg_error": "13.9", "bg_errors": "1.25 ± 0.35", "bg_name": "PCA", "bg_count": "60000"}.items()
    }  # fmt: skip
    for output in found.values():
        assert output["metadata"]["scrapbook"]["mime_prefix"] == "application/papermill.record/"


def test_myst_nb_finds_what_was_glued(shell):
    glue = pytest.importorskip("myst_nb.ext.glue")
    nbformat = pytest.importorskip("nbformat")

    Chapter("quick").glue(bg_error=13.8659)
    (output,) = shell.display_pub.outputs
    cell = nbformat.v4.new_code_cell(
        outputs=[nbformat.v4.new_output("display_data", output["data"], metadata=output["metadata"])]
    )
    found = glue.extract_glue_data_cell(cell)
    assert [(name, data["data"]) for name, data in found] == [("bg_error", {"text/plain": "13.9"})]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["50,826", "1e-5", "2.10", "1.25 ± 0.35", "13.9", "60000", "PCA", "it's", "8×8", "(a)", "None", ""]
)
def test_a_page_shows_a_glued_text_as_it_is(shell, text):
    format_plain_text = pytest.importorskip("myst_nb.core.variables").format_plain_text
    Chapter("quick").glue(given=text)
    (output,) = shell.display_pub.outputs
    assert format_plain_text(output["data"]["application/papermill.record/text/plain"], "") == text


def test_glue_outside_of_a_notebook_does_nothing(capsys):
    pytest.importorskip("IPython")
    Chapter("quick").glue(error=1.0)
    assert capsys.readouterr() == ("", "")


def test_a_word_that_the_values_bear_out_is_glued(shell):
    Chapter("quick").says("direction", "less", [1.0, 1.2], "<", 2.0)
    (output,) = shell.display_pub.outputs
    assert output["data"] == {"application/papermill.record/text/plain": "less"}
    assert output["metadata"]["scrapbook"]["name"] == "direction"


@pytest.mark.parametrize(("left", "sign", "right"), [(2, "<", 1), (1, ">=", 2), ([1.0, 4.0], "<", [2.4, 2.4])])
def test_a_word_that_the_values_contradict_stops_the_build(shell, left, sign, right):
    with pytest.raises(ClaimError, match=r"a sentence says 'less' \(direction\), but "):
        Chapter("quick").says("direction", "less", left, sign, right)
    assert shell.display_pub.outputs == []


# ---------------------------------------------------------------------------- colophon


def test_colophon_says_what_produced_the_page():
    run = Chapter("quick", seeds=[3, 4])
    time.sleep(0.06)
    record = run.colophon().record
    assert set(record) == {"profile", "data", "seeds", "versions", "seconds"}
    assert (record["profile"], record["data"], record["seeds"]) == ("quick", "mnist5k", [3, 4])
    assert 0.05 <= record["seconds"] < 30
    assert record["versions"] == chapter.versions()
    assert json.loads(json.dumps(record)) == record


def test_colophon_of_the_full_profile_names_its_data():
    assert Chapter("full").colophon().record["data"] == "mnist"


def test_colophon_as_page_and_as_text():
    colophon = chapter.Colophon(
        {"profile": "quick", "data": "digits", "seeds": [0, 1], "versions": {"a<b": "1"}, "seconds": 2.5}
    )
    assert repr(colophon) == (
        "Produced with profile quick (digits), seeds 0, 1, in 2.5 s. Versions: a<b 1."
    )  # fmt: skip
    bundle = colophon._repr_mimebundle_()
    assert bundle["text/plain"] == repr(colophon)
    assert bundle[chapter.COLOPHON_MIME_TYPE] == colophon.record
    assert "a&lt;b 1" in bundle["text/html"]
    assert "a<b" not in bundle["text/html"]


def test_versions_are_those_installed():
    found = chapter.versions()
    assert found["Python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["ae_toolkit"] == ae_toolkit.__version__
    for name in ("keras", "numpy", "scikit-learn", "matplotlib"):
        assert found[name] == metadata.version(name)
    assert "no-such-package" not in found
    assert any(name in found for name in ("tensorflow", "tensorflow-cpu", "jax", "torch"))
