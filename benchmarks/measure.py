"""Rows of a benchmark: repeated, interleaved measurements, their ratios to a peer, and how they are shown."""

import json
import os
import statistics
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Row:
    """One figure beside its peer.

    Attributes
    ----------
    name, unit : str
    values, peers : list of float
        The repeated measurements, taken in turn: the i-th of both belong together.
    peer : str
        What `peers` are of. The ratio is values / peers.
    target : float, optional
        What the ratio, or without a peer the figure, has to reach.
    at_most : bool
        Whether a smaller figure is the better one.
    reason : str
        Why there are no values, if there are none.
    """

    name: str
    unit: str
    values: list = field(default_factory=list)
    peer: str = ""
    peers: list = field(default_factory=list)
    target: float | None = None
    at_most: bool = False
    reason: str = ""

    @property
    def judged(self):
        """Return the numbers of which the median is compared with the target."""
        if not self.peer:
            return self.values
        return [value / peer for value, peer in zip(self.values, self.peers, strict=True)]

    @property
    def met(self):
        """Return whether the target is reached; None if there is none or nothing was measured."""
        if self.target is None or not self.judged:
            return None
        median = statistics.median(self.judged)
        return median <= self.target if self.at_most else median >= self.target

    def as_dict(self):
        """Return the row as plain values, with what was computed from it."""
        computed = {"median": middle(self.values), "ratio": middle(self.judged) if self.peer else None, "met": self.met}
        return {**asdict(self), **computed}


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
            results[name].append(contender())
    return results


def table(rows):
    """Return the rows as text: figure, peer, ratio with its smallest and largest value, target, verdict."""
    lines = [("figure", "measured", "peer", "peer's", "ratio (min-max)", "target", "")]
    for row in rows:
        if row.reason:
            lines.append((row.name, "not measured", row.peer, "", row.reason, "", ""))
            continue
        ratio, target = "", ""
        if row.peer:
            ratio = "{:.2f} ({:.2f}-{:.2f})".format(*middle(row.judged))
        if row.target is not None:
            target = f"{'≤' if row.at_most else '≥'} {row.target:g}"
        verdict = {True: "met", False: "MISSED", None: ""}[row.met]
        theirs = _short(middle(row.peers)[0]) if row.peers else ""
        lines.append(
            (row.name, f"{_short(middle(row.values)[0])} {row.unit}", row.peer, theirs, ratio, target, verdict)
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def as_markdown(rows, about):
    """Return what has a peer, or is missing one, as a table for the book, with when and where it was measured."""
    lines = [
        f"Measured on {about['date']} with `make bench`: {about['processor']}, {about['cores']} cores, "
        f"{about['images']}, Keras {about['keras']} on {about['backend']}, PyTorch {about['torch']}. "
        "Medians; of the ratio also the smallest and the largest.",
        "",
        "| figure | the toolkit | beside it | its figure | ratio |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        if row.reason:
            lines.append(f"| {row.name} | | {row.peer} | not measured | |")
        elif row.peer:
            ours, theirs = (f"{_short(middle(values)[0])} {row.unit}" for values in (row.values, row.peers))
            ratio = "{:.2f} ({:.2f} to {:.2f})".format(*middle(row.judged))
            lines.append(f"| {row.name} | {ours} | {row.peer} | {theirs} | {ratio} |")
    return "\n".join(lines) + "\n"


def _short(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def save(path, content):
    """Write a text, or anything else as JSON, under a temporary name and rename it."""
    path = Path(path)
    text = content if isinstance(content, str) else json.dumps(content, indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
