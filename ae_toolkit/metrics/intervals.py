"""How sure a comparison is: an interval for the difference of two means, over seeds and over test images."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ae_toolkit._validation import check_count, check_finite


@dataclass(frozen=True)
class DifferenceInterval:
    """The difference of two means, with the interval in which it lies.

    Parameters
    ----------
    value : float
        Left mean minus right mean, as measured.
    low, high : float
        Ends of the interval.
    seed_variance, image_variance : float
        The shares of seeds and of images in the variance of `value`; 0 where there is no
        more than one.
    n_seeds, n_images : int
        How many of each there were; the larger number if the sides differ.

    Examples
    --------
    >>> from ae_toolkit.metrics import DifferenceInterval
    >>> DifferenceInterval(0.5, 0.1, 0.9, 0.04, 0.0, 3, 1).excludes(0.0)
    True
    """

    value: float
    low: float
    high: float
    seed_variance: float
    image_variance: float
    n_seeds: int
    n_images: int

    def excludes(self, threshold: float) -> bool:
        """Return whether the threshold lies outside the interval.

        Parameters
        ----------
        threshold : float

        Returns
        -------
        bool
        """
        return threshold < self.low or threshold > self.high

    def to_decide(self, threshold: float) -> dict[str, int]:
        """Return how many seeds or images would bring the interval clear of a threshold.

        The estimate supposes that the measured difference stays, and that variances fall
        with the numbers.

        Parameters
        ----------
        threshold : float

        Returns
        -------
        dict of str to int
            ``"images"`` if more images alone would do, ``"seeds"`` if more seeds alone
            would; both keys where only both together do. Empty if the interval excludes
            the threshold already, or if the difference is exactly the threshold, which no
            number decides.

        Examples
        --------
        >>> from ae_toolkit.metrics import DifferenceInterval
        >>> DifferenceInterval(1.0, -1.0, 3.0, 0.0, 1.0, 1, 100).to_decide(0.0)
        {'images': 400}
        """
        distance = abs(self.value - threshold)
        if self.excludes(threshold) or distance == 0:
            return {}
        variance = self.seed_variance + self.image_variance
        if variance == 0:
            return {}
        # The half-width on the threshold's side, in standard deviations of the mean.
        reach = max(self.high - self.value if threshold > self.value else self.value - self.low, distance)
        allowed = variance * (distance / reach) ** 2
        alone = {
            "images": _needed(self.n_images, self.image_variance, allowed - self.seed_variance),
            "seeds": _needed(self.n_seeds, self.seed_variance, allowed - self.image_variance),
        }
        if possible := {name: number for name, number in alone.items() if number}:
            return possible
        times = variance / allowed
        return {"seeds": math.ceil(self.n_seeds * times), "images": math.ceil(self.n_images * times)}


def _needed(n, variance, allowed):
    """Return the number with which a variance falls to what is allowed, or 0 if none does."""
    return math.ceil(n * variance / allowed) if variance > 0 and allowed > 0 else 0


def difference_interval(
    left: ArrayLike,
    right: ArrayLike = 0.0,
    *,
    paired: bool = True,
    level: float = 0.95,
    n_resamples: int = 2000,
    random_state: int = 0,
) -> DifferenceInterval:
    """Return the difference of two means with a bootstrap interval over seeds and over images.

    Each resample draws seeds first, then images, both with replacement, and takes the mean
    of what it has drawn.

    Parameters
    ----------
    left, right : array-like
        What is compared. Of shape (seeds, images), with a value for each image under each
        seed, such as its squared error, or whether its class was found (0 or 1); one row
        for a method without randomness. Of shape (seeds,), with one value per seed, for
        measures of all images together. Or a number, that is taken as it is.
    paired : bool, default=True
        Whether both sides saw the same images, and the same seeds. Then equal numbers of
        them are resampled together, and only what differs between the sides counts.
    level : float, default=0.95
        The probability that the interval is meant to cover.
    n_resamples : int, default=2000
    random_state : int, default=0
        Seeds the resampling, so that equal values have equal intervals.

    Returns
    -------
    DifferenceInterval

    Raises
    ------
    ValueError
        If a side has no value, one that is not finite, or more than two axes; if there is
        neither a second seed nor a second image on any side, since one value has no
        interval; or if `level` is not between 0 and 1.

    Notes
    -----
    Resampling S seeds underestimates their variance by the factor (S - 1) / S, which is
    much for three. The deviations of the seeds' means from their mean are therefore drawn
    out by the root of S / (S - 1).

    References
    ----------
    Efron, B. and Tibshirani, R. J. (1993). An introduction to the bootstrap. Chapman & Hall.

    Davison, A. C. and Hinkley, D. V. (1997). Bootstrap methods and their application.
    Cambridge University Press. (Section 3.8: data with several sources of variation.)

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.metrics import difference_interval
    >>> rng = np.random.default_rng(0)
    >>> hard = rng.normal(10, 3, 500)  # what makes an image difficult, for both methods
    >>> ours, theirs = hard + rng.normal(0, 0.5, (3, 500)), hard[None] + 0.2
    >>> found = difference_interval(ours, theirs)
    >>> found.excludes(0.0), difference_interval(ours, theirs, paired=False).excludes(0.0)
    (True, False)
    """
    sides = [_values(side, name) for side, name in ((left, "left"), (right, "right"))]
    if all(values.size == 1 for values in sides):
        raise ValueError("expected several seeds or several images on one side, got one value: it has no interval")
    if not 0 < level < 1:
        raise ValueError(f"expected level to be between 0 and 1, got {level!r}")
    n_resamples = check_count(n_resamples, "n_resamples")
    same_seeds, same_images = (paired and sides[0].shape[axis] == sides[1].shape[axis] for axis in (0, 1))
    rng = np.random.default_rng(random_state)
    means = _means_of_drawn_images(sides, same_images, n_resamples, rng)
    drawn = np.subtract(*_means_of_drawn_seeds(means, same_seeds, rng))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return DifferenceInterval(
        value=float(sides[0].mean() - sides[1].mean()), low=float(low), high=float(high),
        seed_variance=_variance_of_difference([values.mean(axis=1) for values in sides], same_seeds),
        image_variance=_variance_of_difference([values.mean(axis=0) for values in sides], same_images),
        n_seeds=max(len(values) for values in sides), n_images=max(values.shape[1] for values in sides),
    )  # fmt: skip


def _values(side: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return one side of a comparison as (seeds, images)."""
    values = np.asarray(side, dtype=np.float64)
    if values.ndim > 2 or values.size == 0:
        raise ValueError(
            f"expected {name} as a number, one value per seed, or (seeds, images), got an array of shape {values.shape}"
        )
    check_finite(values, "values", name)
    return values.reshape(-1, 1) if values.ndim < 2 else values


def _means_of_drawn_images(sides: list[NDArray], together: bool, n_resamples: int, rng: Any) -> list[NDArray]:
    """Return for each side the means under each seed, (resamples, seeds), over images drawn with replacement."""

    def draws(n):
        rows = np.arange(n_resamples)
        for some in np.array_split(rows, math.ceil(n_resamples * n / 2_000_000)):  # so that memory stays small
            drawn = rng.integers(n, size=(len(some), n)) + n * np.arange(len(some))[:, None]
            yield np.bincount(drawn.ravel(), minlength=n * len(some)).reshape(-1, n) / n

    if together:
        found = [[weights @ values.T for values in sides] for weights in draws(sides[0].shape[1])]
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]
    return [np.concatenate([weights @ values.T for weights in draws(values.shape[1])]) for values in sides]


def _means_of_drawn_seeds(means: list[NDArray], together: bool, rng: Any) -> list[NDArray]:
    """Return for each side the mean, (resamples,), over seeds drawn with replacement."""
    found: list[NDArray] = []
    drawn = None
    for of_side in means:
        n_resamples, n_seeds = of_side.shape
        if drawn is None or not together:
            drawn = rng.integers(n_seeds, size=(n_resamples, n_seeds))
        centre = of_side.mean(axis=1)
        deviation = np.take_along_axis(of_side, drawn, axis=1).mean(axis=1) - centre
        found.append(centre + deviation * (math.sqrt(n_seeds / (n_seeds - 1)) if n_seeds > 1 else 0.0))
    return found


def _variance_of_difference(sides: list[NDArray], together: bool) -> float:
    """Return the variance of the difference of two means; a side with a single value has none."""
    if together:
        sides = [sides[0] - sides[1]]
    return float(sum(np.var(values, ddof=1) / len(values) for values in sides if len(values) > 1))
