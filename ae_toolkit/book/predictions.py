"""What a run should show if a claim is right, and whether it did.

A prediction compares two values, each with its spread over seeds and images, and says by the
interval of their difference whether it held, failed or is too close to tell.
"""

import operator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from ae_toolkit import metrics
from ae_toolkit.book import words

#: How a prediction may have come out: clearly true, clearly not, or too close to tell.
OUTCOMES = ("held", "failed", "open")

_COMPARISONS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_OPPOSITES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_SIGNS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}


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
    >>> from ae_toolkit.book.predictions import Prediction
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
    >>> from ae_toolkit.book.predictions import as_text
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
