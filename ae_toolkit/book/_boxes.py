"""A verdict as a box of HTML: the word and the mark carry it, the colour only repeats them."""

import html

from ae_toolkit.book import words

_COLOURS = {"confirmed": "#1a7f4b", "depends": "#8a6100", "refuted": "#b3261e", "undecided": "#5f6368"}


def as_html(record):
    """Return the box of a verdict's record."""
    mark, colour = words.MARKS[record["verdict"]], _COLOURS[record["verdict"]]
    place = words.ARTICLE_SECTION.format(section=record["section"])
    verdict = words.VERDICTS[record["verdict"]]
    rows = "".join(_row_as_html(row) for row in record["predictions"])
    sentences = [words.CONDITION.format(condition=record["condition"])] if record["condition"] else []
    sentences += [record["because"]] if record["because"] else []
    sentences += [_undecided(record["predictions"])] if record["verdict"] == "undecided" else []
    return (
        f"<div class='ae-claim ae-{record['verdict']}' id='claim-{record['claim']}' "
        f"style='border-left:.4rem solid {colour};padding:.6rem 1rem;margin:1rem 0;background:rgba(128,128,128,.08)'>"
        f"<p style='margin:0 0 .4rem'><b>{record['claim']}</b> · {place} · "
        f"<b><span aria-hidden='true' style='color:{colour}'>{mark}</span> {verdict}</b></p>"
        f"<p style='margin:0 0 .4rem'><i>{html.escape(record['statement'])}</i></p>"
        f"<ul style='margin:0 0 .4rem'>{rows}</ul>"
        f"<p style='margin:0'>{html.escape(' '.join(sentences))}</p></div>"
    )


def _undecided(rows):
    """Return the sentence that says how many decisive predictions are decided, and how many are not."""
    outcomes = [row["outcome"] for row in rows if row["decisive"]]
    counts = {outcome: outcomes.count(outcome) for outcome in words.OUTCOMES}
    if counts["open"] == len(outcomes):
        return words.NOTHING_DECIDED
    return words.UNDECIDED.format(n=len(outcomes), mark=words.OUTCOMES["open"], **counts)


def _row_as_html(row):
    says = html.escape(row["says"] + (f" ({row['setting']})" if row["setting"] else ""))
    figures = f"{row['figures']} {row['unit']}".rstrip()
    notes = [words.REASON.format(reason=row["reason"])] if row["reason"] else []
    notes += [row["to_decide"]] if row["to_decide"] else []
    note = f" <small>{html.escape(' '.join(notes))}</small>" if notes else ""
    return f"<li><b>{outcome_word(row)}</b>: {says}: {html.escape(figures)}.{note}</li>"


def outcome_word(row):
    """Return how a page says that a prediction came out."""
    return words.OUTCOMES[row["outcome"]] if row["decisive"] else words.SANITY_CHECK
