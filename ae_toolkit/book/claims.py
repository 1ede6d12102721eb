"""The article's claims, and the verdict boxes that settle them.

A claim makes predictions: what a run should show if the article is right. A verdict
states for each prediction whether it held, and is checked as it is made: a box that
says something else than its numbers raises `ClaimError` and stops the build. The box
carries the same content as JSON, from which the book's ledger is made.
"""

import html
import json
import operator
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ae_toolkit.book import words

#: Under which a notebook keeps a verdict's record.
MIME_TYPE = "application/vnd.ae-toolkit.claim+json"
#: What a verdict may be.
VERDICTS = ("confirmed", "depends", "refuted")

_COMPARISONS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_OPPOSITES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_SIGNS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}


class ClaimError(AssertionError):
    """A verdict says something else than its numbers."""


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


@dataclass(frozen=True)
class Prediction:
    """One thing that should be seen if a claim is right, and whether it was.

    Parameters
    ----------
    says : str
        The prediction in words, such as "its error is below PCA's".
    left, right : float or array-like
        The values compared. An array holds one value per seed; its mean is compared,
        and its standard deviation is shown with it.
    sign : {"<", "<=", ">", ">=", "==", "!="}
        The comparison that is predicted to be true.
    holds : bool, default=True
        What the book says of it. The verdict fails if the values say otherwise.
    unit : str, optional
        Unit of both values, for the reader.

    Raises
    ------
    ValueError
        If the sign is unknown or a value is missing, NaN or infinite.

    Examples
    --------
    >>> from ae_toolkit.book.claims import Prediction
    >>> Prediction("the error is below 2", [1.0, 1.5], "<", 2.0).outcome
    True
    """

    says: str
    left: ArrayLike
    sign: str
    right: ArrayLike
    holds: bool = True
    unit: str = ""

    def __post_init__(self) -> None:
        if self.sign not in _COMPARISONS:
            raise ValueError(f"expected a comparison, one of {list(_COMPARISONS)}, got {self.sign!r}")
        for side in (self.left, self.right):
            values = np.asarray(side, dtype=float)
            if values.size == 0 or not np.isfinite(values).all():
                raise ValueError(f"expected finite values for {self.says!r}, got {side!r}")

    @property
    def outcome(self) -> bool:
        """Whether the predicted comparison is true of the means."""
        left, right = (np.mean(np.asarray(side, dtype=float)) for side in (self.left, self.right))
        return bool(_COMPARISONS[self.sign](left, right))

    def figures(self) -> str:
        """Return as text how the values compare, which need not be as predicted.

        Returns
        -------
        str
            Such as ``1.25 ± 0.35 < 2``.
        """
        seen = self.sign if self.outcome else _OPPOSITES[self.sign]
        return f"{as_text(self.left)} {_SIGNS.get(seen, seen)} {as_text(self.right)}"


def as_text(value: ArrayLike) -> str:
    """Return a number to three significant digits, an array as mean ± standard deviation (two digits).

    Parameters
    ----------
    value : float or array-like

    Returns
    -------
    str

    Examples
    --------
    >>> from ae_toolkit.book.claims import as_text
    >>> as_text(13.8659), as_text([1.0, 1.5]), as_text(60000)
    ('13.9', '1.25 ± 0.35', '60000')
    """
    values = np.asarray(value, dtype=float)
    if values.size == 1:
        return _digits(values.item(), 3)
    return f"{_digits(values.mean(), 3)} ± {_digits(values.std(ddof=1), 2)}"


def _digits(value, n):
    if abs(value) < 1e7 and (value == int(value) or abs(value) >= 10**n - 0.5):  # never 1e+3 for 999.6
        return f"{value:.0f}"
    return f"{value:.{n}g}".replace("e-0", "e-").replace("e+0", "e+")


class Verdict:
    """A settled claim, shown as a box; made by `settle`.

    Parameters
    ----------
    record : dict
        What the box says, in JSON's types.

    Examples
    --------
    >>> from ae_toolkit.book.claims import Prediction, settle
    >>> box = settle("C04", "confirmed", Prediction("the loss falls", 1.5, "<", 2.0), because="It fell.")
    >>> box.record["verdict"], box.record["section"]
    ('confirmed', '1.2')
    """

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {MIME_TYPE: self.record, "text/html": _as_html(self.record), "text/plain": repr(self)}

    def __repr__(self):
        verdict = words.VERDICTS[self.record["verdict"]]
        lines = [f"{self.record['claim']} {verdict}: {self.record['statement']}"]
        for row in self.record["predictions"]:
            lines.append(f"  {held(row)}: {row['says']}: {row['figures']}")
        return "\n".join(lines)


def held(prediction: dict[str, Any]) -> str:
    """Return what a page says of a prediction: that it held, or that it did not.

    Parameters
    ----------
    prediction : dict
        One of those in a verdict's record.

    Returns
    -------
    str

    Examples
    --------
    >>> from ae_toolkit.book.claims import Prediction, held, settle
    >>> box = settle("C04", "confirmed", Prediction("the loss falls", 1.5, "<", 2.0), because="It fell.")
    >>> held(box.record["predictions"][0])
    'held'
    """
    return words.HELD if prediction["held"] else words.DID_NOT_HOLD


def settle(claim: str, verdict: str, *predictions: Prediction, because: str, profile: str = "quick") -> Verdict:
    """Check a verdict against its numbers and return it as a box to display.

    Parameters
    ----------
    claim : str
        The claim's number, such as ``"C07"``.
    verdict : {"confirmed", "depends", "refuted"}
        *Confirmed* if every prediction held, *refuted* if none did, *depends* otherwise.
    *predictions : Prediction
        At least one; each is a consequence of the article's claim.
    because : str
        One or two sentences for the reader: what decides it, or what it depends on.
    profile : str
        The profile that produced the numbers.

    Returns
    -------
    Verdict

    Raises
    ------
    ClaimError
        If a prediction came out differently than its `holds` says, or the verdict does
        not follow from the predictions.
    ValueError
        If the claim or the verdict is unknown, or there is no prediction.

    Examples
    --------
    >>> from ae_toolkit.book.claims import Prediction, settle
    >>> settle("C04", "confirmed", Prediction("the loss falls", 1.5, "<", 2.0), because="It fell.")
    C04 confirmed: Training runs the network forward, measures the squared error and takes a gradient step back.
      held: the loss falls: 1.5 < 2
    """
    known = article()
    if claim not in known:
        raise ValueError(f"expected a claim's number from C01 to C{len(known):02d}, got {claim!r}")
    if verdict not in VERDICTS:
        raise ValueError(f"expected a verdict, one of {VERDICTS}, got {verdict!r}")
    if not predictions:
        raise ValueError(f"expected at least one prediction of {claim}, got none: nothing would be checked")
    wrong = [p for p in predictions if p.outcome != p.holds]
    if wrong:
        found = "; ".join(f"{p.says!r} is {p.outcome}, not {p.holds}: {p.figures()}" for p in wrong)
        raise ClaimError(f"{claim} says {verdict!r}, but its numbers say otherwise: {found}")
    n_held = sum(p.outcome for p in predictions)
    follows = "confirmed" if n_held == len(predictions) else "depends" if n_held else "refuted"
    if verdict != follows:
        raise ClaimError(
            f"{claim} says {verdict!r}, but {n_held} of its {len(predictions)} predictions held: that is {follows!r}"
        )
    rows = [{"says": p.says, "figures": p.figures(), "unit": p.unit, "held": p.outcome} for p in predictions]
    return Verdict(
        {"claim": claim, **known[claim], "verdict": verdict, "because": because, "profile": profile,
         "predictions": rows}
    )  # fmt: skip


# Colours carry the verdict a second time; the word and the mark say it first.
_LOOKS = {"confirmed": ("✓", "#1a7f4b"), "depends": ("◐", "#8a6100"), "refuted": ("✗", "#b3261e")}


def _as_html(record):
    mark, colour = _LOOKS[record["verdict"]]
    place = words.ARTICLE_SECTION.format(section=record["section"])
    verdict = words.VERDICTS[record["verdict"]]
    rows = "".join(
        f"<li><b>{held(row)}</b>: {html.escape(row['says'])}: "
        f"<span style='white-space:nowrap'>{html.escape(row['figures'])}</span>"
        f"{' ' + html.escape(row['unit']) if row['unit'] else ''}</li>"
        for row in record["predictions"]
    )
    return (
        f"<div class='ae-claim ae-{record['verdict']}' id='claim-{record['claim']}' "
        f"style='border-left:.4rem solid {colour};padding:.6rem 1rem;margin:1rem 0;background:rgba(128,128,128,.08)'>"
        f"<p style='margin:0 0 .4rem'><b>{record['claim']}</b> · {place} · "
        f"<b><span aria-hidden='true' style='color:{colour}'>{mark}</span> {verdict}</b></p>"
        f"<p style='margin:0 0 .4rem'><i>{html.escape(record['statement'])}</i></p>"
        f"<ul style='margin:0 0 .4rem'>{rows}</ul>"
        f"<p style='margin:0'>{html.escape(record['because'])}</p></div>"
    )
