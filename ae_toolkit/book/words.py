"""The words that the book's machinery puts on a page: an edition in another language translates this file.

Words in braces are filled in and stay as they are. The keys of `VERDICTS` and `OUTCOMES` are those
that a verdict's record keeps, in every language; the claims themselves stand in ``claims.json``.
"""

#: The words for the verdicts, as a page shows them.
VERDICTS = {"confirmed": "confirmed", "depends": "depends", "refuted": "refuted", "undecided": "undecided"}
#: The mark beside each of them.
MARKS = {"confirmed": "✓", "depends": "◐", "refuted": "✗", "undecided": "?"}
#: The words for how a decisive prediction came out.
OUTCOMES = {"held": "held", "failed": "failed", "open": "too close to tell"}
#: The words before a sanity check, which decides nothing and so has no outcome.
SANITY_CHECK = "sanity check"
#: The words for how far the two sides of a prediction are apart, with the interval.
INTERVAL = "difference {value}, 95% interval {low} to {high}"
#: The sentence that gives the reason for a threshold.
REASON = "Threshold: {reason}."
#: The sentence that names the condition of the verdict "depends".
CONDITION = "It depends on {condition}."
#: The sentence under an undecided verdict of which some predictions are decided.
UNDECIDED = (
    "Of {n} decisive predictions, {held} held and {failed} failed; for {open}, marked “{mark}”, the interval "
    "contains the threshold, so this run does not decide the claim."
)
#: The sentence under an undecided verdict of which no prediction is decided.
NOTHING_DECIDED = "No interval is clear of its threshold, so this run does not decide the claim."
#: The words for how many images or seeds are needed, as they stand in TO_DECIDE.
NEEDED = {"images": "{n} images", "seeds": "{n} seeds"}
#: The sentence that says what would decide a prediction that is too close to tell.
TO_DECIDE = "About {needed} would decide it, if the difference stays."
#: The word between two ways to decide it, both of which stand in TO_DECIDE.
OR = " or "
#: The sentence for a difference that is exactly the threshold.
NOTHING_DECIDES = "No number of images or seeds would decide it."
#: The words in a verdict's box for the section of the article that makes the claim.
ARTICLE_SECTION = "article § {section}"

#: The last line of a chapter.
COLOPHON = "Produced with {run}"
#: The last line of a page without code.
BOOK_COLOPHON = "The book's {chapters} executed chapters: produced with {run}"
#: The part of both last lines that says what produced the page.
RUN = "profile {profile} ({data}), {seeds}, in {seconds} s. Versions: {versions}."
#: The words for the seeds in that part, for one and for several.
ONE_SEED, SEVERAL_SEEDS = "seed {seeds}", "seeds {seeds}"

#: The headings of the ledger's columns.
LEDGER_COLUMNS = ("Claim", "Verdict", "What the article says, and what was seen")
#: The words for a claim in the ledger: what it says, and the article's section.
LEDGER_CLAIM = "{statement} (§ {section})"
#: The words in the ledger in place of a verdict that no chapter has given yet.
NOT_YET_SETTLED = "not yet settled"

#: The headings of the columns of the map of the article.
MAP_COLUMNS = ("Article", "In this book", "Its claims, and what became of them")
#: The words in the map for the cell that settles a claim.
MAP_CELL = "({notebook}, cell {cell})"

#: The headings of the status page's columns.
STATUS_COLUMNS = ("Chapter", "Profile", "Seconds", "Claims tested")
#: The name of its last row.
STATUS_ALL = "All together"
#: The line below its table.
STATUS_VERSIONS = "Versions: {versions}."

#: The name, for readers who hear the page, of the arrow in the sidebar.
PAGES_BELOW = "Show or hide the pages below"

#: The words before the names that a chapter uses.
FUNCTIONS_USED = "Functions used: "
#: The words before the chapters that use a name.
USED_IN = "Used in: "
#: The heading of a class's attributes in the reference.
ATTRIBUTES = "Attributes"
