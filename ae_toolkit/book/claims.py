"""The article's claims, and the verdict boxes that settle them.

A claim makes predictions: what a run should show if the article is right. They are written
down before the run, each with its threshold and the threshold's reason. Decisive ones
decide the verdict, by the interval of what was measured; sanity checks must be true, too,
but decide nothing. A verdict is checked as it is made: a box that says something else than
its numbers raises `ClaimError` and stops the build. The box carries the same content as
JSON, from which the book's ledger is made.
"""

import json
from importlib import resources
from typing import Any

from ae_toolkit.book import _boxes, words
from ae_toolkit.book.predictions import OUTCOMES as OUTCOMES
from ae_toolkit.book.predictions import Prediction as Prediction
from ae_toolkit.book.predictions import as_text as as_text

#: The MIME type under which an executed notebook keeps a verdict's record.
MIME_TYPE = "application/vnd.ae-toolkit.claim+json"
#: The verdicts that a claim may get.
VERDICTS = ("confirmed", "depends", "refuted", "undecided")


class ClaimError(AssertionError):
    """A verdict, or a sentence, says something else than the numbers of the run."""


def article() -> dict[str, dict[str, str]]:
    """Return the article's claims by number.

    Returns
    -------
    dict of str to dict
        For each number ("C01" to "C28") the article's ``section`` and, in the book's
        own words, its ``statement``.

    Examples
    --------
    >>> from ae_toolkit.book.claims import article
    >>> len(article()), article()["C04"]["section"]
    (28, '1.2')
    """
    return json.loads(resources.files("ae_toolkit.book").joinpath("claims.json").read_text(encoding="utf-8"))


class Verdict:
    """A settled claim, shown as a box; made by `settle`.

    Parameters
    ----------
    record : dict
        What the box says, in JSON's types.

    Examples
    --------
    >>> from ae_toolkit.book.claims import Prediction, settle
    >>> falls = Prediction("the loss falls", [1.5, 1.6], "<", 2.0, reason="where it began")
    >>> box = settle("C04", "confirmed", falls, because="It fell.")
    >>> box.record["verdict"], box.record["section"]
    ('confirmed', '1.2')
    """

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {MIME_TYPE: self.record, "text/html": _boxes.as_html(self.record), "text/plain": repr(self)}

    def __repr__(self):
        verdict = words.VERDICTS[self.record["verdict"]]
        lines = [f"{self.record['claim']} {verdict}: {self.record['statement']}"]
        return "\n".join(lines + [f"  {describe_prediction(row)}" for row in self.record["predictions"]])


def describe_prediction(row: dict[str, Any]) -> str:
    """Return what a page says of a prediction, in one line.

    Parameters
    ----------
    row : dict
        One of the predictions in a verdict's record.

    Returns
    -------
    str

    Examples
    --------
    >>> from ae_toolkit.book.claims import Prediction, describe_prediction, settle
    >>> falls = Prediction("the loss falls", 1.5, "<", 2.0, reason="where it began", exact=True)
    >>> describe_prediction(settle("C04", "confirmed", falls, because="It fell.").record["predictions"][0])
    'held: the loss falls: 1.5 < 2'
    """
    found = f"{held(row)}: {row['says']}"
    if row["setting"]:
        found += f" ({row['setting']})"
    return f"{found}: {row['figures']} {row['unit']}".rstrip()


def held(row: dict[str, Any]) -> str:
    """Return how a page says that a prediction came out.

    Parameters
    ----------
    row : dict
        One of the predictions in a verdict's record.

    Returns
    -------
    str

    Examples
    --------
    >>> from ae_toolkit.book.claims import Prediction, held, settle
    >>> falls = Prediction("the loss falls", 1.5, "<", 2.0, reason="where it began", exact=True)
    >>> held(settle("C04", "confirmed", falls, because="It fell.").record["predictions"][0])
    'held'
    """
    return _boxes.outcome_word(row)


def settle(
    claim: str, verdict: str, *predictions: Prediction, because: str, condition: str = "", profile: str = "quick"
) -> Verdict:
    """Check a verdict against its numbers and return it as a box to display.

    Parameters
    ----------
    claim : str
        The claim's number, such as ``"C07"``.
    verdict : {"confirmed", "depends", "refuted", "undecided"}
        *Confirmed* if every decisive prediction held, clear of its threshold, in every
        setting. *Refuted* if in every setting one failed clearly. *Depends* if they held
        clearly in some settings and one failed clearly in others. *Undecided* otherwise:
        an interval straddles its threshold. A run that comes out undecided may be called
        by another verdict, which then is not shown; so the profiles of a chapter may
        differ between undecided and one other verdict.
    *predictions : Prediction
        At least one that is decisive; each is a consequence of the article's claim.
    because : str
        One or two sentences for the reader: what decides it. Shown if the verdict is the
        one that is named.
    condition : str, default=""
        On what it depends; needed for that verdict, and for no other.
    profile : str
        The profile that produced the numbers.

    Returns
    -------
    Verdict

    Raises
    ------
    ClaimError
        If the verdict does not follow from the predictions, or a sanity check is not true.
    ValueError
        If the claim or the verdict is unknown, there is no decisive prediction, or the
        condition is missing.

    Examples
    --------
    >>> from ae_toolkit.book.claims import Prediction, settle
    >>> falls = Prediction("the loss falls", 1.5, "<", 2.0, reason="where it began", exact=True)
    >>> settle("C04", "confirmed", falls, because="It fell.")
    C04 confirmed: Training runs the network forward, measures the squared error and takes a gradient step back.
      held: the loss falls: 1.5 < 2
    """
    known = article()
    if claim not in known:
        raise ValueError(f"expected a claim's number from C01 to C{len(known):02d}, got {claim!r}")
    if verdict not in VERDICTS:
        raise ValueError(f"expected a verdict, one of {VERDICTS}, got {verdict!r}")
    decisive = [p for p in predictions if p.decisive]
    if not decisive:
        came = f"only {len(predictions)} sanity checks" if predictions else "none"
        raise ValueError(f"expected at least one decisive prediction of {claim}, got {came}: nothing would be decided")
    if (verdict == "depends") != bool(condition):
        wanted = "the condition on which it depends" if verdict == "depends" else "no condition"
        raise ValueError(f"expected {wanted} for {claim}, {verdict!r}, got {condition!r}")
    if wrong := [f"{p.says!r}: {p.figures()}" for p in predictions if not p.decisive and not p.true_of_means]:
        raise ClaimError(f"{claim} has a sanity check that is not true: {'; '.join(wrong)}")
    follows = follows_from(decisive)
    if follows not in (verdict, "undecided"):
        seen = "; ".join(f"{p.says!r} {p.outcome}: {p.figures()}" for p in decisive)
        raise ClaimError(f"{claim} says {verdict!r}, but its numbers say {follows!r}: {seen}")
    return Verdict(
        {"claim": claim, **known[claim], "verdict": follows, "because": because if follows == verdict else "",
         "condition": condition if follows == verdict else "", "profile": profile,
         "predictions": [_as_row(p) for p in predictions]}
    )  # fmt: skip


def follows_from(predictions: list[Prediction]) -> str:
    """Return the verdict that follows from decisive predictions.

    Parameters
    ----------
    predictions : list of Prediction

    Returns
    -------
    str
        One of `VERDICTS`.

    Examples
    --------
    >>> from ae_toolkit.book.claims import Prediction, follows_from
    >>> found = {"digits": [1.0, 1.1], "mnist": [3.0, 3.1]}
    >>> follows_from(
    ...     [Prediction("low", errors, "<", 2.0, reason="PCA's", setting=name) for name, errors in found.items()]
    ... )
    'depends'
    """
    outcomes: dict[str, list[str]] = {}
    for prediction in predictions:
        outcomes.setdefault(prediction.setting, []).append(prediction.outcome)
    settings = {_of_setting(found) for found in outcomes.values()}
    if settings == {"held"}:
        return "confirmed"
    if settings == {"failed"}:
        return "refuted"
    return "depends" if {"held", "failed"} <= settings else "undecided"


def _of_setting(outcomes):
    """Return how a setting came out: one clear failure is enough, and only then must all have held."""
    if "failed" in outcomes:
        return "failed"
    return "open" if "open" in outcomes else "held"


def _as_row(prediction):
    interval = prediction.interval
    return {
        "says": prediction.says, "figures": prediction.figures(), "unit": prediction.unit,
        "outcome": prediction.outcome, "decisive": prediction.decisive, "setting": prediction.setting,
        "reason": prediction.reason, "to_decide": prediction.to_decide(),
        "interval": None if interval is None else [interval.low, interval.value, interval.high],
    }  # fmt: skip
