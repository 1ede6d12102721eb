"""The article's claims, and the verdict boxes that settle them.

A claim makes predictions: what a run should show if the article is right. They are written
down before the run, each with its threshold and the threshold's reason. Decisive ones
decide the verdict, by the interval of what was measured; sanity checks must be true, too,
but decide nothing. A verdict is checked as it is made: a box that says something else than
its numbers raises `ClaimError` and stops the build. The box carries the same content as
JSON, from which the book's ledger is made.
"""

import html
import json
import operator
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ae_toolkit import metrics
from ae_toolkit.book import words

#: The MIME type under which an executed notebook keeps a verdict's record.
MIME_TYPE = "application/vnd.ae-toolkit.claim+json"
#: The verdicts that a claim may get.
VERDICTS = ("confirmed", "depends", "refuted", "undecided")
#: How a prediction may have come out: clearly true, clearly not, or too close to tell.
OUTCOMES = ("held", "failed", "open")

_COMPARISONS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_OPPOSITES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_SIGNS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}


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


@dataclass(frozen=True)
class Prediction:
    """One thing that should be seen if a claim is right, and whether it was.

    Parameters
    ----------
    says : str
        The prediction in words, such as "its error is below PCA's".
    left, right : float or array-like
        The values compared, as `ae_toolkit.metrics.difference_interval` takes them: of
        shape (seeds, images), with one row for a method without randomness; of shape
        (seeds,), for measures of all images together; or a number, which is a threshold.
    sign : {"<", "<=", ">", ">=", "==", "!="}
        The comparison that is predicted to be true of the means.
    reason : str
        Why the threshold is what it is. Needed where `right` is a number, or `margin` is
        not 0; the comparison of two methods as they are has none.
    margin : float, default=0.0
        With what left minus right is compared.
    setting : str, default=""
        In which setting this was tried, for a claim that is tried in several.
    decisive : bool, default=True
        Whether the verdict depends on it. If not, it is a sanity check: it must be true,
        and decides nothing.
    exact : bool, default=False
        Whether the values are free of chance, so that they are compared without an interval.
    unit : str, optional
        Unit of the values, for the reader.

    Raises
    ------
    ValueError
        If the sign is unknown, a value is missing, NaN or infinite, a threshold has no
        reason, or there is only one value on each side and `exact` is False.

    Examples
    --------
    >>> from ae_toolkit.book.claims import Prediction
    >>> error = [1.0, 1.1, 1.2]  # of three seeds
    >>> Prediction("it is below 2", error, "<", 2.0, reason="guessing has 2").outcome
    'held'
    >>> Prediction("it is below 1.15", error, "<", 1.15, reason="PCA's").outcome
    'open'
    """

    says: str
    left: ArrayLike
    sign: str
    right: ArrayLike
    reason: str = ""
    margin: float = 0.0
    setting: str = ""
    decisive: bool = True
    exact: bool = False
    unit: str = ""

    def __post_init__(self) -> None:
        if self.sign not in _COMPARISONS:
            raise ValueError(f"expected a comparison, one of {list(_COMPARISONS)}, got {self.sign!r}")
        for side in (self.left, self.right):
            values = np.asarray(side, dtype=float)
            if values.size == 0 or not np.isfinite(values).all():
                raise ValueError(f"expected finite values for {self.says!r}, got {side!r}")
        if self.sign in ("==", "!=") and not self.exact:
            raise ValueError(f"expected exact=True for {self.says!r}: an interval cannot show that values are equal")
        if not self.reason and self.sign not in ("==", "!=") and (np.ndim(self.right) == 0 or self.margin):
            raise ValueError(f"expected a reason for the threshold of {self.says!r}, got none")
        if not self.exact and np.size(self.left) == np.size(self.right) == 1:
            raise ValueError(
                f"expected several seeds or images for {self.says!r}, got one value, which has no interval; "
                "exact=True says that chance has no part in it"
            )

    @cached_property
    def interval(self) -> metrics.DifferenceInterval | None:
        """The difference of the means with its interval; None if the prediction is exact."""
        return None if self.exact else metrics.difference_interval(self.left, self.right)

    @property
    def true_of_means(self) -> bool:
        """Whether the predicted comparison is true of the means as they are."""
        left, right = (float(np.mean(np.asarray(side, dtype=float))) for side in (self.left, self.right))
        if self.margin:
            return bool(_COMPARISONS[self.sign](left - right, self.margin))
        return bool(_COMPARISONS[self.sign](left, right))

    @property
    def outcome(self) -> str:
        """One of `OUTCOMES`: ``"open"`` if the interval straddles the threshold."""
        if self.interval is not None and not self.interval.excludes(self.margin):
            return "open"
        return "held" if self.true_of_means else "failed"

    def figures(self) -> str:
        """Return as text how the values compare, which need not be as predicted.

        Returns
        -------
        str
            Such as ``1.25 ± 0.35 < 2 (difference -0.75, 95% interval -1.2 to -0.3)``.
        """
        seen = self.sign if self.true_of_means else _OPPOSITES[self.sign]
        sides = f"{as_text(self.left)} {{}} {as_text(self.right)}"
        if self.margin:
            found = f"{as_text(self.left)} − {as_text(self.right)} {_SIGNS.get(seen, seen)} {as_text(self.margin)}"
        else:
            found = sides.format(_SIGNS.get(seen, seen))
        if self.interval is None:
            return found
        numbers = {name: _digits(getattr(self.interval, name), 3) for name in ("value", "low", "high")}
        return f"{found} ({words.INTERVAL.format(**numbers)})"

    def to_decide(self) -> str:
        """Return as text how many seeds or images would decide it; empty if it is decided.

        Returns
        -------
        str
        """
        if self.outcome != "open" or self.interval is None:
            return ""
        needed = [words.NEEDED[name].format(n=f"{n:,}") for name, n in self.interval.to_decide(self.margin).items()]
        if not needed:
            return words.NOTHING_DECIDES
        return words.TO_DECIDE.format(needed=words.OR.join(needed))


def as_text(value: ArrayLike) -> str:
    """Return a number to three significant digits, an array as mean ± standard deviation (two digits).

    Parameters
    ----------
    value : float or array-like
        Of shape (seeds,), or (seeds, images), whose means over images are taken first.

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
    if values.ndim == 2:
        values = values.mean(axis=1)
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
    >>> falls = Prediction("the loss falls", [1.5, 1.6], "<", 2.0, reason="where it began")
    >>> box = settle("C04", "confirmed", falls, because="It fell.")
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
    return words.OUTCOMES[row["outcome"]] if row["decisive"] else words.SANITY_CHECK


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


# Colours carry the verdict a second time; the word and the mark say it first.
_LOOKS = {"confirmed": ("✓", "#1a7f4b"), "depends": ("◐", "#8a6100"), "refuted": ("✗", "#b3261e"),
          "undecided": ("?", "#5f6368")}  # fmt: skip


def _as_html(record):
    mark, colour = _LOOKS[record["verdict"]]
    place = words.ARTICLE_SECTION.format(section=record["section"])
    verdict = words.VERDICTS[record["verdict"]]
    rows = "".join(_row_as_html(row) for row in record["predictions"])
    sentences = [words.CONDITION.format(condition=record["condition"])] if record["condition"] else []
    sentences += [record["because"]] if record["because"] else []
    sentences += [words.UNDECIDED] if record["verdict"] == "undecided" else []
    return (
        f"<div class='ae-claim ae-{record['verdict']}' id='claim-{record['claim']}' "
        f"style='border-left:.4rem solid {colour};padding:.6rem 1rem;margin:1rem 0;background:rgba(128,128,128,.08)'>"
        f"<p style='margin:0 0 .4rem'><b>{record['claim']}</b> · {place} · "
        f"<b><span aria-hidden='true' style='color:{colour}'>{mark}</span> {verdict}</b></p>"
        f"<p style='margin:0 0 .4rem'><i>{html.escape(record['statement'])}</i></p>"
        f"<ul style='margin:0 0 .4rem'>{rows}</ul>"
        f"<p style='margin:0'>{html.escape(' '.join(sentences))}</p></div>"
    )


def _row_as_html(row):
    says = html.escape(row["says"] + (f" ({row['setting']})" if row["setting"] else ""))
    figures = f"{row['figures']} {row['unit']}".rstrip()
    notes = [words.REASON.format(reason=row["reason"])] if row["reason"] else []
    notes += [row["to_decide"]] if row["to_decide"] else []
    note = f" <small>{html.escape(' '.join(notes))}</small>" if notes else ""
    return f"<li><b>{held(row)}</b>: {says}: {html.escape(figures)}.{note}</li>"
