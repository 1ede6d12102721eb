"""The words that the book's machinery puts on a page: an edition in another language translates this file.

Words in braces are filled in and stay as they are. The keys of `VERDICTS` are those that a
verdict's record keeps, in every language; the claims themselves stand in ``claims.json``.
"""

#: What a verdict is called on a page.
VERDICTS = {"confirmed": "confirmed", "depends": "depends", "refuted": "refuted"}
#: What is said of a prediction.
HELD, DID_NOT_HOLD = "held", "did not hold"
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
