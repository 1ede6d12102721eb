"""The words that the book's machinery puts on a page: an edition in another language translates this file.

Words in braces are filled in and stay as they are. The keys of `VERDICTS` and `OUTCOMES` are those
that a verdict's record keeps, in every language; the claims themselves stand in ``claims.json``.
"""

#: What a verdict is called on a page.
VERDICTS = {"confirmed": "confirmed", "depends": "depends", "refuted": "refuted", "undecided": "undecided"}
#: How a decisive prediction came out.
OUTCOMES = {"held": "held", "failed": "failed", "open": "too close to tell"}
#: In place of an outcome, before something that decides nothing.
SANITY_CHECK = "sanity check"
#: How far two sides are apart, after their values.
INTERVAL = "difference {value}, 95% interval {low} to {high}"
#: Why a threshold is what it is, after the values.
REASON = "Threshold: {reason}."
#: On what a verdict depends.
CONDITION = "It depends on {condition}."
#: Under an undecided verdict.
UNDECIDED = "An interval contains its threshold, so this run decides nothing."
#: How many would decide it: what stands in TO_DECIDE, and what stands between two.
NEEDED = {"images": "{n} images", "seeds": "{n} seeds"}
#: What would decide a prediction that is open.
TO_DECIDE = "About {needed} would decide it, if the difference stays."
#: Between two ways to decide it.
OR = " or "
#: Where the difference is exactly the threshold.
NOTHING_DECIDES = "No number of images or seeds would decide it."
#: Where in the article a claim stands, in a verdict's box.
ARTICLE_SECTION = "article § {section}"

#: A chapter's last line.
COLOPHON = "Produced with {run}"
#: The last line of a page without code.
BOOK_COLOPHON = "The book's {chapters} executed chapters: produced with {run}"
#: What produced a page, within both.
RUN = "profile {profile} ({data}), {seeds}, in {seconds} s. Versions: {versions}."
#: The seeds in it, of one and of several.
ONE_SEED, SEVERAL_SEEDS = "seed {seeds}", "seeds {seeds}"

#: The ledger's columns.
LEDGER_COLUMNS = ("Claim", "Verdict", "What the article says, and what was seen")
#: A claim in the ledger.
LEDGER_CLAIM = "{statement} (§ {section})"
#: In the place of a verdict that no chapter has given yet.
NOT_YET_SETTLED = "not yet settled"

#: Before the names that a chapter uses.
FUNCTIONS_USED = "Functions used: "
#: Before the chapters that use a name.
USED_IN = "Used in: "
#: What the reference calls the attributes of a class.
ATTRIBUTES = "Attributes"
