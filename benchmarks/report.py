"""How rows are kept and shown: results that grow part by part, the table on the screen, the table in the book."""

import json
import os
import statistics
import tempfile
from pathlib import Path

from measure import Row, middle

DIRECTION = "ratio, above 1: the toolkit is better"


def merged(earlier, new, parts):
    """Return the rows of earlier runs and of this one, in the parts' order; a part measured anew replaces the old one.

    Parameters
    ----------
    earlier, new : list of Row
    parts : iterable of str
        All parts in the order in which they are shown. Rows of a part that no longer exists are left out.

    Returns
    -------
    list of Row
    """
    measured = {row.part for row in new}
    rows = [row for row in earlier if row.part not in measured] + list(new)
    return [row for part in parts for row in rows if row.part == part]


def read(path):
    """Return the rows that an earlier run has written; none if there was none."""
    path = Path(path)
    if not path.exists():
        return []
    try:
        return [Row.from_dict(row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    except (KeyError, TypeError, ValueError) as error:
        raise SystemExit(
            f"bench: expected {path} to hold the rows of an earlier run, got {type(error).__name__}: {error}. "
            "Remove it or name another file with --out"
        ) from error


def table(rows):
    """Return the rows as text: value, peer, ratio with its smallest and largest value, target, verdict, day."""
    lines = [("what", "the toolkit", "beside it", "its value", f"{DIRECTION} (min-max)", "target", "", "measured on")]
    for row in rows:
        if row.reason:
            lines.append((row.name, "not measured", row.peer, "", row.reason, "", "", row.date))
            continue
        ours, theirs = _shown(row)
        target = "" if row.target is None else f"{'≤' if row.limits_from_above else '≥'} {row.target:g}"
        verdict = {True: "met", False: "MISSED", None: ""}[row.met]
        lines.append((row.name, ours, row.peer, theirs, _ratio(row, "-"), target, verdict, row.date))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def as_markdown(rows, about):
    """Return what has a peer, or is missing one, as a table for the book, with when and where it was measured."""
    dates, machines = (sorted({getattr(row, name) for row in rows}) for name in ("date", "machine"))
    images = " and ".join(sorted({row.images for row in rows}))
    lines = [
        f"Measured on {_span(dates)} with `make bench`: {', '.join(machines)}, {images}, "
        f"Keras {about['keras']} on {about['backend']}, PyTorch {about['torch']}. "
        "Medians; of the ratio also the smallest and the largest.",
        "",
        f"| what | the toolkit | beside it | its value | {DIRECTION} |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        if row.reason:
            lines.append(f"| {row.name} | | {row.peer} | not measured | |")
        elif row.peer:
            ours, theirs = _shown(row)
            lines.append(f"| {row.name} | {ours} | {row.peer} | {theirs} | {_ratio(row, ' to ')} |")
    return "\n".join(lines) + "\n"


def clusters_as_markdown(rows, about):
    """Return the methods that cluster as a table for the book: means over seeds with their standard deviations.

    Parameters
    ----------
    rows : list of Row
        Of the parts that cluster.
    about : dict

    Returns
    -------
    str
    """
    found = {}
    for row in rows:
        method, key = row.name.rsplit(": ", 1)
        for name, values in ((method, row.values), (row.peer, row.peers)):
            if name and values:
                found.setdefault(name, {})[key] = values
    dates, machines = (sorted({getattr(row, name) for row in rows}) for name in ("date", "machine"))
    images = " and ".join(sorted({row.images for row in rows}))
    lines = [
        f"Measured on {_span(dates)} with `make bench`: {', '.join(machines)}, {images}, training and test images "
        f"together, Keras {about['keras']} on {about['backend']}. Means over seeds ± standard deviations; in seconds, "
        "everything counts, from the first import of a method's libraries on."
        + (f" {about['remark']}" if about.get("remark") else ""),
        "",
        "| method | accuracy | NMI | ARI | seconds | MB | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for method in sorted(found, key=lambda name: statistics.mean(found[name]["accuracy"])):
        of = found[method]
        scores = [_mean(of[key], "{:.3f}") for key in ("accuracy", "nmi", "ari")]
        costs = [_mean(of["seconds"], "{:.0f}"), f"{max(of['megabytes']):,.0f}", str(len(of["seconds"]))]
        lines.append(f"| {method} | {' | '.join([*scores, *costs])} |")
    return "\n".join(lines) + "\n"


def _mean(values, form):
    mean = form.format(statistics.mean(values))
    return mean if len(values) == 1 else f"{mean} ± {form.format(statistics.stdev(values))}"


def save(path, content):
    """Write a text, or anything else as JSON, under a temporary name and rename it."""
    path = Path(path)
    text = content if isinstance(content, str) else json.dumps(content, indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def _shown(row):
    """Return the medians of the row's values and of its peer's, with their unit."""
    return tuple(f"{_short(middle(values)[0])} {row.unit}" if values else "" for values in (row.values, row.peers))


def _ratio(row, to):
    return "{:.2f} ({:.2f}{}{:.2f})".format(*_between(middle(row.ratios), to)) if row.peer else ""


def _between(values, to):
    median, low, high = values
    return median, low, to, high


def _span(dates):
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


def _short(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
