"""Verdicts: a box can say only what its figures say, and carries it for reader and machine."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from ae_toolkit.book import claims
from ae_toolkit.book.claims import ClaimError, Prediction, settle

SECTIONS = {
    "C01": "1.1", "C02": "1.1.1, 3.1.1", "C03": "1.1.2", "C04": "1.2", "C05": "1.3.1", "C06": "1.3.2",
    "C07": "2.1.1, 6.1", "C08": "2.1.2", "C09": "2.2, 6.2", "C10": "2.2.1", "C11": "2.2.1", "C12": "2.2.2",
    "C13": "2.2.2", "C14": "2.3.1", "C15": "2.3.2", "C16": "3.2.1", "C17": "3.2.2", "C18": "3.2.3", "C19": "3.3",
    "C20": "4", "C21": "5.1", "C22": "5.1", "C23": "5.1", "C24": "5.2, 6.3", "C25": "5.2, 6.3", "C26": "5.2, 6.3",
    "C27": "6.2", "C28": "6.2, 7",
}  # fmt: skip

TRUE, FALSE = (1.0, "<", 2.0), (2.0, "<", 1.0)


def test_every_claim_of_the_article_has_its_section_and_a_statement():
    known = claims.article()
    assert {number: claim["section"] for number, claim in known.items()} == SECTIONS
    for claim in known.values():
        assert set(claim) == {"section", "statement"}
        assert claim["statement"].endswith(".")
        assert len(claim["statement"]) > 20
    assert len({claim["statement"] for claim in known.values()}) == 28


# ------------------------------------------------------------------------- predictions


@pytest.mark.parametrize(
    ("sign", "below", "equal", "above"),
    [("<", True, False, False), ("<=", True, True, False), (">", False, False, True),
     (">=", False, True, True), ("==", False, True, False), ("!=", True, False, True)],
)  # fmt: skip
def test_comparisons(sign, below, equal, above):
    assert [Prediction("p", left, sign, 2.0).outcome for left in (1, 2, 3)] == [below, equal, above]


def test_means_over_seeds_are_compared():
    assert Prediction("p", [1.0, 4.0], "<", [2.6, 2.6]).outcome is True  # 2.5 < 2.6
    assert Prediction("p", [1.0, 4.0], "<", [2.4, 2.4]).outcome is False
    assert Prediction("p", np.array([1.0, 4.0]), "==", 2.5).outcome is True


@pytest.mark.parametrize("sign", ["=", "=<", "≤", "is", ""])
def test_unknown_comparison(sign):
    with pytest.raises(ValueError, match=rf"one of \['<', .*got '{sign}'"):
        Prediction("p", 1, sign, 2)


@pytest.mark.parametrize("figure", [np.nan, np.inf, [1.0, np.nan], [], None])
@pytest.mark.parametrize("side", ["left", "right"])
def test_figures_must_be_finite(figure, side):
    given = {"says": "the error is low", "left": 1.0, "sign": "!=", "right": 2.0, side: figure}
    with pytest.raises(ValueError, match="expected finite values for 'the error is low', got"):
        Prediction(**given)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (13.8659, "13.9"), (0.5, "0.5"), (3, "3"), (0, "0"), (-2.345, "-2.35"), (1.0, "1"), (0.98765, "0.988"),
        (0.000123456, "0.000123"), (0.0000123456, "1.23e-5"), (1.5e-10, "1.5e-10"), (60000, "60000"),
        (1234.56, "1235"), (999.4, "999"), (999.6, "1000"), (99.96, "100"), (9999999, "9999999"),
        (123456789.0, "1.23e+8"), (True, "1"), ([2.0], "2"), (np.float32(0.1), "0.1"),
        ([1.0, 1.5], "1.25 ± 0.35"), ([2.0, 2.0], "2 ± 0"), ([1, 2, 3], "2 ± 1"),
        ([0.0, 200.0], "100 ± 141"), ([0.0, 141.0], "70.5 ± 100"), (np.array([[1.0], [1.5]]), "1.25 ± 0.35"),
    ],
)  # fmt: skip
def test_figures_as_text(figure, text):
    assert claims.as_text(figure) == text


@pytest.mark.parametrize(
    ("sign", "below", "equal", "above"),
    [
        ("<", "1 < 2", "2 ≥ 2", "3 ≥ 2"), ("<=", "1 ≤ 2", "2 ≤ 2", "3 > 2"),
        (">", "1 ≤ 2", "2 ≤ 2", "3 > 2"), (">=", "1 < 2", "2 ≥ 2", "3 ≥ 2"),
        ("==", "1 ≠ 2", "2 = 2", "3 ≠ 2"), ("!=", "1 ≠ 2", "2 = 2", "3 ≠ 2"),
    ],
)  # fmt: skip
def test_figures_are_shown_as_they_compare_not_as_was_predicted(sign, below, equal, above):
    assert [Prediction("p", left, sign, 2).figures() for left in (1, 2, 3)] == [below, equal, above]


def test_figures_are_shown_with_their_spread():
    assert Prediction("p", [1.0, 1.5], "<", [2.0, 3.0]).figures() == "1.25 ± 0.35 < 2.5 ± 0.71"


# ---------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("outcomes", "follows"),
    [([TRUE], "confirmed"), ([TRUE, TRUE], "confirmed"), ([FALSE], "refuted"), ([FALSE, FALSE], "refuted"),
     ([TRUE, FALSE], "depends"), ([FALSE, TRUE, TRUE], "depends")],
)  # fmt: skip
def test_the_verdict_follows_from_the_predictions(outcomes, follows):
    predictions = [Prediction("p", *outcome, holds=outcome is TRUE) for outcome in outcomes]
    for verdict in claims.VERDICTS:
        if verdict == follows:
            assert settle("C07", verdict, *predictions, because="b").record["verdict"] == verdict
        else:
            with pytest.raises(ClaimError, match=rf"C07 says '{verdict}'.*that is '{follows}'"):
                settle("C07", verdict, *predictions, because="b")


@pytest.mark.parametrize(
    ("outcome", "holds", "words"),
    [(FALSE, True, r"'its error is lower' is False, not True: 2 ≥ 1"),
     (TRUE, False, r"'its error is lower' is True, not False: 1 < 2")],
)  # fmt: skip
@pytest.mark.parametrize("verdict", claims.VERDICTS)
def test_a_prediction_that_came_out_otherwise_stops_with_its_figures(outcome, holds, words, verdict):
    fine = Prediction("this one is fine", *TRUE)
    with pytest.raises(ClaimError, match=words) as caught:
        settle("C07", verdict, fine, Prediction("its error is lower", *outcome, holds=holds), because="b")
    assert "this one is fine" not in str(caught.value)
    assert isinstance(caught.value, AssertionError)


def test_no_prediction_is_no_verdict():
    with pytest.raises(ValueError, match="at least one prediction of C07"):
        settle("C07", "refuted", because="b")


@pytest.mark.parametrize("claim", ["C00", "C29", "c01", "1", ""])
def test_unknown_claim(claim):
    with pytest.raises(ValueError, match=rf"from C01 to C28, got '{claim}'"):
        settle(claim, "confirmed", Prediction("p", *TRUE), because="b")


def test_unknown_verdict():
    with pytest.raises(ValueError, match=r"'confirmed', 'depends', 'refuted'.*got 'proved'"):
        settle("C01", "proved", Prediction("p", *TRUE), because="b")


# ------------------------------------------------------------------------------- boxes


@pytest.fixture
def box():
    return settle(
        "C06", "depends",
        Prediction("codes beat pixels", [0.5, 0.7, 0.9], ">", np.float32(0.25), unit="share of images"),
        Prediction("<b>x</b> & y", 1, "==", 2, holds=False, unit="<i>u</i>"),
        because="It <script>alert(1)</script> depends.", profile="full",
    )  # fmt: skip


def test_record_says_everything(box):
    assert box.record == {
        "claim": "C06",
        "section": "1.3.2",
        "statement": "k-means on the codes clusters images.",
        "verdict": "depends",
        "because": "It <script>alert(1)</script> depends.",
        "profile": "full",
        "predictions": [
            {"says": "codes beat pixels", "figures": "0.7 ± 0.2 > 0.25", "unit": "share of images", "held": True},
            {"says": "<b>x</b> & y", "figures": "1 ≠ 2", "unit": "<i>u</i>", "held": False},
        ],
    }


def test_bundle_carries_the_record_as_json(box):
    bundle = box._repr_mimebundle_()
    assert set(bundle) == {claims.MIME_TYPE, "text/html", "text/plain"}
    assert claims.MIME_TYPE.endswith("+json")
    assert json.loads(json.dumps(bundle[claims.MIME_TYPE])) == box.record


class Reader(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.attributes, self.open = [], "", {}, []
        self.feed(page)
        assert self.open == []  # every tag is closed

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.update(attrs)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_says_everything_and_escapes_what_authors_wrote(box):
    reader = Reader(box._repr_mimebundle_()["text/html"])
    assert "script" not in reader.tags
    assert "i" in reader.tags  # the statement's own
    assert reader.tags.count("li") == 2
    for words in ("C06", "1.3.2", "depends", "k-means on the codes clusters images.", "codes beat pixels",
                  "0.7 ± 0.2 > 0.25", "share of images", "<b>x</b> & y", "<i>u</i>",
                  "It <script>alert(1)</script> depends.", "held", "did not hold"):  # fmt: skip
        assert words in reader.text
    assert reader.attributes["id"] == "claim-C06"


def test_html_marks_each_verdict_by_more_than_colour():
    marks = set()
    for verdict, outcomes in (("confirmed", [TRUE]), ("refuted", [FALSE]), ("depends", [TRUE, FALSE])):
        predictions = [Prediction("p", *outcome, holds=outcome is TRUE) for outcome in outcomes]
        page = settle("C01", verdict, *predictions, because="b")._repr_mimebundle_()["text/html"]
        assert f"ae-{verdict}" in page
        assert verdict in Reader(page).text
        marks |= {mark for mark in "✓◐✗" if mark in page}
    assert marks == set("✓◐✗")


def test_plain_text_says_what_held(box):
    assert repr(box).splitlines() == [
        "C06 depends: k-means on the codes clusters images.",
        "  held: codes beat pixels: 0.7 ± 0.2 > 0.25",
        "  did not hold: <b>x</b> & y: 1 ≠ 2",
    ]
    assert box._repr_mimebundle_()["text/plain"] == repr(box)
