"""Rows of a benchmark: repeated, interleaved measurements and their ratios to a peer."""

import gc
import statistics
from dataclasses import asdict, dataclass, field, fields


@dataclass
class Row:
    """One value beside its peer's.

    Attributes
    ----------
    name, unit : str
    values, peers : list of float
        The repeated measurements, taken in turn: the i-th of both belong together.
    peer : str
        What `peers` are of.
    target : float, optional
        The smallest ratio that is good enough. Without a peer: the smallest value, or the
        largest where smaller values are better.
    smaller_is_better : bool
        True for seconds, errors and memory. Decides the direction of the ratio, which is
        always above 1 where the toolkit is better.
    reason : str
        Why there are no values, if there are none.
    part, date, machine, images : str
        Where the row comes from: the benchmark's part, the day, the processor, and whether
        the images were MNIST's or random ones.
    """

    name: str
    unit: str
    values: list = field(default_factory=list)
    peer: str = ""
    peers: list = field(default_factory=list)
    target: float | None = None
    smaller_is_better: bool = False
    reason: str = ""
    part: str = ""
    date: str = ""
    machine: str = ""
    images: str = ""

    @property
    def ratios(self):
        """Return how many times better than its peer each value is; empty without a peer."""
        pairs = zip(self.values, self.peers, strict=True) if self.peer else ()
        return [peer / value if self.smaller_is_better else value / peer for value, peer in pairs]

    @property
    def met(self):
        """Return whether the median reaches the target; None if there is none or nothing was measured."""
        judged = self.ratios if self.peer else self.values
        if self.target is None or not judged:
            return None
        median = statistics.median(judged)
        return median <= self.target if self.limits_from_above else median >= self.target

    @property
    def limits_from_above(self):
        """Return whether the target is the largest value that is good enough."""
        return self.smaller_is_better and not self.peer

    def as_dict(self):
        """Return the row as plain values, with what was computed from it."""
        return {**asdict(self), "median": middle(self.values), "ratio": middle(self.ratios), "met": self.met}

    @classmethod
    def from_dict(cls, written):
        """Return the row that `as_dict` has described."""
        return cls(**{each.name: written[each.name] for each in fields(cls)})


def middle(values):
    """Return the median, the smallest and the largest value; None for no values.

    Examples
    --------
    >>> middle([3.0, 1.0, 2.0])
    [2.0, 1.0, 3.0]
    """
    return [statistics.median(values), min(values), max(values)] if values else None


def in_turn(contenders, repeats):
    """Call each function `repeats` times, one after the other in every round, and return their results.

    Examples
    --------
    >>> in_turn({"a": lambda: 1, "b": lambda: 2}, repeats=2)
    {'a': [1, 1], 'b': [2, 2]}
    """
    results = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, contender in contenders.items():
            gc.collect()  # what the one before left behind is not this one's to clear away
            results[name].append(contender())
    return results


def best(found, smaller_is_better=False):
    """Return the name whose values have the best median.

    Examples
    --------
    >>> best({"a": [1.0, 9.0, 2.0], "b": [3.0, 3.0, 3.0]})
    'b'
    >>> best({"a": [1.0, 9.0, 2.0], "b": [3.0, 3.0, 3.0]}, smaller_is_better=True)
    'a'
    """
    return (min if smaller_is_better else max)(found, key=lambda name: statistics.median(found[name]))


def promising(first, factor, smaller_is_better=False):
    """Return the names whose first value is within a factor of the best: the others need not be repeated.

    Examples
    --------
    >>> promising({"a": 10.0, "b": 6.0, "c": 4.0}, factor=2)
    ['a', 'b']
    >>> promising({"a": 10.0, "b": 6.0, "c": 4.0}, factor=2, smaller_is_better=True)
    ['b', 'c']
    """
    if smaller_is_better:
        return [name for name, value in first.items() if value <= min(first.values()) * factor]
    return [name for name, value in first.items() if value >= max(first.values()) / factor]
