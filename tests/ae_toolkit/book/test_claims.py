"""Verdicts: a box can say only what its figures say, and carries it for reader and machine."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from ae_toolkit.book import claims
from ae_toolkit.book.claims import ClaimError, Prediction, settle
from ae_toolkit.metrics import difference_interval

SECTIONS = {
    "C01": "1.1", "C02": "1.1.1, 3.1.1", "C03": "1.1.2", "C04": "1.2", "C05": "1.3.1", "C06": "1.3.2",
    "C07": "2.1.1, 6.1", "C08": "2.1.2", "C09": "2.2, 6.2", "C10": "2.2.1", "C11": "2.2.1", "C12": "2.2.2",
    "C13": "2.2.2", "C14": "2.3.1", "C15": "2.3.2", "C16": "3.2.1", "C17": "3.2.2", "C18": "3.2.3", "C19": "3.3",
    "C20": "4", "C21": "5.1", "C22": "5.1", "C23": "5.1", "C24": "5.2, 6.3", "C25": "5.2, 6.3", "C26": "5.2, 6.3",
    "C27": "6.2", "C28": "6.2, 7",
}  # fmt: skip

THRESHOLD = {"reason": "so it was said"}


def held(**more):
    return Prediction("p", [1.0, 1.1, 1.2], "<", 2.0, **THRESHOLD, **more)


def failed(**more):
    return Prediction("p", [3.0, 3.1, 3.2], "<", 2.0, **THRESHOLD, **more)


def undecided(**more):
    return Prediction("p", [1.0, 2.0, 2.9], "<", 2.0, **THRESHOLD, **more)


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
def test_comparisons_without_chance(sign, below, equal, above):
    found = [Prediction("p", left, sign, 2.0, exact=True, **THRESHOLD) for left in (1, 2, 3)]
    assert [prediction.true_of_means for prediction in found] == [below, equal, above]
    assert [prediction.outcome for prediction in found] == [
        "held" if was else "failed" for was in (below, equal, above)
    ]
    assert [prediction.interval for prediction in found] == [None] * 3


@pytest.mark.parametrize(("sign", "outcomes"), [("<", ["held", "open", "failed"]), (">", ["failed", "open", "held"])])
def test_a_prediction_is_open_where_its_interval_straddles_the_threshold(sign, outcomes):
    sides = ([1.0, 1.1, 1.2], [1.0, 2.0, 2.9], [3.0, 3.1, 3.2])
    assert [Prediction("p", left, sign, 2.0, **THRESHOLD).outcome for left in sides] == outcomes


def test_means_of_seeds_and_images_are_compared():
    left, right = np.arange(12.0).reshape(3, 4) / 10, np.full((1, 4), 2.0)
    found = Prediction("p", left, "<", right)
    assert found.outcome == "held"
    assert found.interval.value == pytest.approx(0.55 - 2.0)
    assert (found.interval.n_seeds, found.interval.n_images) == (3, 4)


@pytest.mark.parametrize(("margin", "outcome"), [(0.5, "held"), (0.98, "open"), (1.5, "failed")])
def test_a_margin_is_what_the_difference_is_compared_with(margin, outcome):
    left, right = [3.0, 3.05, 2.9], [2.0, 2.0, 2.0]
    assert Prediction("p", left, ">", right, margin=margin, **THRESHOLD).outcome == outcome


@pytest.mark.parametrize("sign", ["=", "=<", "≤", "is", ""])
def test_unknown_comparison(sign):
    with pytest.raises(ValueError, match=rf"one of \['<', .*got '{sign}'"):
        Prediction("p", 1, sign, 2)


@pytest.mark.parametrize("figure", [np.nan, np.inf, [1.0, np.nan], [], None])
@pytest.mark.parametrize("side", ["left", "right"])
def test_figures_must_be_finite(figure, side):
    given = {"says": "the error is low", "left": 1.0, "sign": "!=", "right": 2.0, "exact": True, side: figure}
    with pytest.raises(ValueError, match="expected finite values for 'the error is low', got"):
        Prediction(**given)


@pytest.mark.parametrize("given", [{"right": 2.0}, {"right": [2.0, 2.0], "margin": 0.1}, {"right": 2, "exact": True}])
def test_a_threshold_needs_a_reason(given):
    with pytest.raises(ValueError, match="expected a reason for the threshold of 'it is low', got none"):
        Prediction("it is low", [1.0, 1.1], "<", **given)


def test_two_methods_as_they_are_need_no_reason():
    assert Prediction("it is lower", [1.0, 1.1], "<", [2.0, 2.1]).outcome == "held"
    assert Prediction("they are equal", 2, "==", 2, exact=True).outcome == "held"


@pytest.mark.parametrize("sign", ["==", "!="])
def test_an_interval_shows_no_equality(sign):
    with pytest.raises(ValueError, match="expected exact=True"):
        Prediction("p", [1.0, 2.0], sign, 2.0)


@pytest.mark.parametrize("one", [1.0, [1.0], [[1.0]], np.float32(1)])
def test_one_value_has_no_interval(one):
    with pytest.raises(ValueError, match=r"several seeds or images for 'p', got one value.*exact=True"):
        Prediction("p", one, "<", 2.0, **THRESHOLD)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (13.8659, "13.9"), (0.5, "0.5"), (3, "3"), (0, "0"), (-2.345, "-2.35"), (1.0, "1"), (0.98765, "0.988"),
        (0.000123456, "0.000123"), (0.0000123456, "1.23e-5"), (1.5e-10, "1.5e-10"), (60000, "60000"),
        (1234.56, "1235"), (999.4, "999"), (999.6, "1000"), (99.96, "100"), (9999999, "9999999"),
        (123456789.0, "1.23e+8"), (True, "1"), ([2.0], "2"), (np.float32(0.1), "0.1"),
        ([1.0, 1.5], "1.25 ± 0.35"), ([2.0, 2.0], "2 ± 0"), ([1, 2, 3], "2 ± 1"),
        ([0.0, 200.0], "100 ± 141"), ([0.0, 141.0], "70.5 ± 100"), (np.array([[1.0], [1.5]]), "1.25 ± 0.35"),
        (np.array([[0.0, 2.0], [1.0, 2.0]]), "1.25 ± 0.35"), (np.array([[1.0, 2.0, 4.5]]), "2.5"),
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
    found = [Prediction("p", left, sign, 2, exact=True, **THRESHOLD).figures() for left in (1, 2, 3)]
    assert found == [below, equal, above]


def test_figures_are_shown_with_spread_and_interval():
    interval = difference_interval([1.0, 1.5], [2.0, 3.0])
    assert Prediction("p", [1.0, 1.5], "<", [2.0, 3.0]).figures() == (
        f"1.25 ± 0.35 < 2.5 ± 0.71 (difference -1.25, 95% interval {interval.low:.3g} to {interval.high:.3g})"
    )


def test_figures_with_a_margin():
    found = Prediction("p", [3.0, 3.2], ">", [2.0, 2.0], margin=0.5, **THRESHOLD).figures()
    assert found.startswith("3.1 ± 0.14 − 2 ± 0 > 0.5 (difference 1.1, 95% interval ")


def test_what_would_decide_it_is_said():
    assert held().to_decide() == failed().to_decide() == ""
    rng = np.random.default_rng(0)
    open_by_images = Prediction("p", rng.normal(0.05, 1, (1, 100)), ">", 0.0, **THRESHOLD)
    n = open_by_images.interval.to_decide(0.0)["images"]
    assert n > 100
    assert open_by_images.to_decide() == f"About {n:,} images would decide it, if the difference stays."
    assert "seeds would decide it" in Prediction("p", [0.9, -0.5, 0.3], ">", 0.0, **THRESHOLD).to_decide()
    assert Prediction("p", [1.0, -1.0], ">", 0.0, **THRESHOLD).to_decide() == claims.words.NOTHING_DECIDES


# ---------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("predictions", "follows"),
    [
        ([held()], "confirmed"),
        ([held(), held()], "confirmed"),
        ([failed()], "refuted"),
        ([held(), failed()], "refuted"),  # one clear failure is enough in the only setting
        ([undecided()], "undecided"),
        ([held(), undecided()], "undecided"),
        ([failed(), undecided()], "refuted"),
        ([held(setting="a"), held(setting="b")], "confirmed"),
        ([failed(setting="a"), failed(setting="b"), held(setting="b")], "refuted"),
        ([held(setting="a"), failed(setting="b")], "depends"),
        ([held(setting="a"), failed(setting="b"), undecided(setting="c")], "depends"),
        ([held(setting="a"), undecided(setting="b")], "undecided"),
        ([failed(setting="a"), undecided(setting="b")], "undecided"),
    ],
)
def test_the_verdict_follows_from_the_decisive_predictions(predictions, follows):
    assert claims.follows_from(predictions) == follows
    for verdict in claims.VERDICTS:
        condition = {"condition": "the images"} if verdict == "depends" else {}
        if follows in (verdict, "undecided"):  # a run that decides nothing contradicts no verdict
            box = settle("C07", verdict, *predictions, because="b", **condition)
            assert box.record["verdict"] == follows
            assert box.record["because"] == ("b" if verdict == follows else "")
        else:
            with pytest.raises(ClaimError, match=rf"C07 says '{verdict}'.*say '{follows}'"):
                settle("C07", verdict, *predictions, because="b", **condition)


def test_a_sanity_check_must_be_true_and_decides_nothing():
    assert settle("C07", "refuted", failed(), held(decisive=False), because="b").record["verdict"] == "refuted"
    # It may be open, as long as it is true of the means.
    slightly = Prediction("p", [1.0, 1.9, 2.9], "<", 2.0, decisive=False, **THRESHOLD)
    assert slightly.outcome == "open"
    assert settle("C07", "confirmed", held(), slightly, because="b").record["verdict"] == "confirmed"
    with pytest.raises(ClaimError, match=r"C07 has a sanity check that is not true: 'p': 3.1"):
        settle("C07", "confirmed", held(), failed(decisive=False), because="b")


@pytest.mark.parametrize(("predictions", "came"), [([], "none"), ([held(decisive=False)], "only 1 sanity checks")])
def test_nothing_decisive_is_no_verdict(predictions, came):
    with pytest.raises(ValueError, match=rf"at least one decisive prediction of C07, got {came}"):
        settle("C07", "confirmed", *predictions, because="b")


def test_a_verdict_that_depends_names_its_condition_and_no_other_does():
    both = [held(setting="a"), failed(setting="b")]
    with pytest.raises(ValueError, match="expected the condition on which it depends for C07"):
        settle("C07", "depends", *both, because="b")
    with pytest.raises(ValueError, match="expected no condition for C07, 'confirmed', got 'the images'"):
        settle("C07", "confirmed", held(), because="b", condition="the images")


def test_the_error_has_the_figures():
    with pytest.raises(ClaimError, match=r"'its error is lower' failed: 3.1 ± 0.1 ≥ 2") as caught:
        settle(
            "C07", "confirmed", Prediction("its error is lower", [3.0, 3.1, 3.2], "<", 2.0, **THRESHOLD), because="b"
        )
    assert isinstance(caught.value, AssertionError)


@pytest.mark.parametrize("claim", ["C00", "C29", "c01", "1", ""])
def test_unknown_claim(claim):
    with pytest.raises(ValueError, match=rf"from C01 to C28, got '{claim}'"):
        settle(claim, "confirmed", held(), because="b")


def test_unknown_verdict():
    with pytest.raises(ValueError, match=r"'confirmed', 'depends', 'refuted', 'undecided'.*got 'proved'"):
        settle("C01", "proved", held(), because="b")


# ------------------------------------------------------------------------------- boxes


@pytest.fixture
def box():
    return settle(
        "C06", "depends",
        Prediction("codes beat pixels", [0.5, 0.7, 0.9], ">", np.float32(0.25), "chance", unit="share", setting="a"),
        Prediction("<b>x</b> & y", 1, "==", 2, exact=True, unit="<i>u</i>", setting="b"),
        Prediction("it is sane", 1, "<", 2, "of course", exact=True, decisive=False),
        because="It <script>alert(1)</script> depends.", condition="the <b>letter</b>", profile="full",
    )  # fmt: skip


def test_record_says_everything(box):
    low, high = (difference_interval([0.5, 0.7, 0.9], 0.25).low, difference_interval([0.5, 0.7, 0.9], 0.25).high)
    plain = {"decisive": True, "reason": "", "to_decide": "", "interval": None}
    assert box.record == {
        "claim": "C06",
        "section": "1.3.2",
        "statement": "k-means on the codes clusters images.",
        "verdict": "depends",
        "because": "It <script>alert(1)</script> depends.",
        "condition": "the <b>letter</b>",
        "profile": "full",
        "predictions": [
            {**plain, "says": "codes beat pixels", "unit": "share", "outcome": "held", "setting": "a",
             "figures": f"0.7 ± 0.2 > 0.25 (difference 0.45, 95% interval {low:.3g} to {high:.3g})",
             "reason": "chance", "interval": [low, pytest.approx(0.45), high]},
            {**plain, "says": "<b>x</b> & y", "figures": "1 ≠ 2", "unit": "<i>u</i>", "outcome": "failed",
             "setting": "b"},
            {**plain, "says": "it is sane", "figures": "1 < 2", "unit": "", "outcome": "held", "setting": "",
             "reason": "of course", "decisive": False},
        ],
    }  # fmt: skip


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
    assert reader.tags.count("li") == 3
    for words in ("C06", "1.3.2", "depends", "k-means on the codes clusters images.", "codes beat pixels (a)",
                  "0.7 ± 0.2 > 0.25", "95% interval", "share", "<b>x</b> & y", "<i>u</i>", "Threshold: chance.",
                  "It depends on the <b>letter</b>.", "It <script>alert(1)</script> depends.", "held", "failed",
                  "sanity check"):  # fmt: skip
        assert words in reader.text
    assert reader.attributes["id"] == "claim-C06"


def test_html_marks_each_verdict_by_more_than_colour():
    marks = set()
    cases = {
        "confirmed": [held()],
        "refuted": [failed()],
        "depends": [held(setting="a"), failed(setting="b")],
        "undecided": [undecided()],
    }
    for verdict, predictions in cases.items():
        condition = "the letter" if verdict == "depends" else ""
        box = settle("C01", verdict, *predictions, because="b", condition=condition)
        page = box._repr_mimebundle_()["text/html"]
        assert f"ae-{verdict}" in page
        assert verdict in Reader(page).text
        marks |= {mark for mark in "✓◐✗?" if mark in page}
    assert marks == set("✓◐✗?")


def test_an_undecided_box_says_so_and_what_would_decide_it():
    box = settle("C01", "confirmed", undecided(), because="It is so.")
    text = Reader(box._repr_mimebundle_()["text/html"]).text
    assert "too close to tell" in text
    assert "seeds would decide it" in text
    assert "No interval is clear of its threshold" in text
    assert "It is so." not in text


def test_an_undecided_box_counts_what_is_decided():
    rows = [held(), held(), held(decisive=False), undecided(), failed(setting="b"), undecided(setting="c")]
    box = settle("C01", "undecided", *rows[:4], *[undecided(setting="d")], because="b")
    text = Reader(box._repr_mimebundle_()["text/html"]).text
    assert "Of 4 decisive predictions, 2 held and 0 failed; for 2, marked “too close to tell”, the interval" in text
    box = settle("C01", "undecided", rows[3], *rows[4:], because="b")
    assert "Of 3 decisive predictions, 0 held and 1 failed; for 2," in Reader(box._repr_mimebundle_()["text/html"]).text


def test_plain_text_says_what_held(box):
    first, *rest = repr(box).splitlines()
    assert first == "C06 depends: k-means on the codes clusters images."
    assert rest[0].startswith("  held: codes beat pixels (a): 0.7 ± 0.2 > 0.25 (difference 0.45, ")
    assert rest[1:] == ["  failed: <b>x</b> & y (b): 1 ≠ 2 <i>u</i>", "  sanity check: it is sane: 1 < 2"]
    assert box._repr_mimebundle_()["text/plain"] == repr(box)
