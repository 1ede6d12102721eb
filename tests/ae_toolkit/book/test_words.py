"""Every word that the book's machinery puts on a page stands in one catalogue, which an edition translates."""

import html
import re

import ae_book
import numpy as np
import pytest
from docutils import nodes

from ae_toolkit.book import Prediction, chapter, claims, settle, words

RECORD = {"profile": "quick", "data": "digits", "seeds": [0, 1], "versions": {"numpy": "2"}, "seconds": 1.5}


@pytest.fixture
def translated(monkeypatch):
    """Put another language in the place of the catalogue: each of its words doubled, what is filled in as it was."""

    def doubled(text):
        return re.sub(r"\{\w+\}|[A-Za-z']+", lambda found: found[0] if found[0][0] == "{" else found[0] * 2, text)

    for name, value in list(vars(words).items()):
        if name.isupper():
            if isinstance(value, dict):
                value = {key: doubled(text) for key, text in value.items()}
            else:
                value = doubled(value) if isinstance(value, str) else tuple(map(doubled, value))
            monkeypatch.setattr(words, name, value)


def english(text):
    """Return the words of a text that are neither doubled nor filled in by this test."""
    filled_in = {"says", "unit", "because", "statement", "quick", "digits", "numpy", "reason", "s", "C"}
    found = set(re.findall(r"[A-Za-z']+", text))
    return {word for word in found if word not in filled_in and word[: len(word) // 2] * 2 != word}


@pytest.fixture
def box(monkeypatch):
    monkeypatch.setattr(claims, "article", lambda: {"C01": {"section": "1.1", "statement": "statement"}})
    predictions = [
        Prediction("says", 1, "<", 2, "reason", unit="unit", exact=True, setting="quick"),
        Prediction("says", [2.0, 2.1], "<", 1, "reason", setting="digits"),
        Prediction("says", [1.0, -0.9, 0.1], "<", 0, "reason", setting="numpy"),
        Prediction("says", 1, "<", 2, "reason", exact=True, decisive=False),
    ]
    return settle("C01", "depends", *predictions, because="because", condition="quick")


@pytest.fixture
def open_box(box):
    opened = Prediction("says", np.random.default_rng(0).normal(0.05, 1, (2, 50)), ">", 0.0, "reason")
    return settle("C01", "confirmed", opened, Prediction("says", [1.0, -1.0], ">", 0, "reason"), because="because")


def test_the_test_sees_words_that_are_not_translated(box):
    assert english(repr(box)) >= {"depends", "held", "failed", "difference", "interval", "sanity"}
    assert english(chapter.describe(RECORD)) >= {"Produced", "with", "profile", "seeds", "in", "Versions"}


def test_a_verdict_takes_its_words_from_the_catalogue(translated, box, open_box):
    for each in (box, open_box):
        assert english(repr(each)) == set()
        assert english(html.unescape(re.sub(r"<[^>]*>", " ", each._repr_mimebundle_()["text/html"]))) == set()
    page = html.unescape(re.sub(r"<[^>]*>", " ", box._repr_mimebundle_()["text/html"]))
    assert english(page) == set()
    assert "ae-depends" in box._repr_mimebundle_()["text/html"]  # what a machine reads stays
    assert box.record["verdict"] == "depends"


def test_a_colophon_takes_its_words_from_the_catalogue(translated):
    assert english(chapter.describe(RECORD)) == set()
    assert english(chapter.describe({**RECORD, "seeds": [0]})) == set()
    assert english(chapter.describe(RECORD, chapters=7)) == set()
    assert english(repr(chapter.Colophon(RECORD))) == set()


def test_the_ledger_takes_its_words_from_the_catalogue(translated, box, monkeypatch):
    class App:
        class builder:  # noqa: N801 (as Sphinx names it)
            @staticmethod
            def get_relative_uri(*_):
                return "uri"

    known = {"C01": {"section": "1.1", "statement": "statement"}, "C02": {"section": "1.2", "statement": "statement"}}
    monkeypatch.setattr(ae_book, "article", lambda: known)
    table = ae_book._table(App, "ledger", {"C01": ("chapter", box.record)})
    cells = [entry.astext() for entry in table.findall(nodes.entry)]
    assert len(cells) == 9
    assert set().union(*map(english, cells)) == set()


def test_every_verdict_has_a_word():
    assert tuple(words.VERDICTS) == claims.VERDICTS
    assert tuple(words.OUTCOMES) == claims.OUTCOMES


def test_the_sentences_of_a_book_and_of_a_chapter():
    assert chapter.describe(RECORD, chapters=7) == (
        "The book's 7 executed chapters: produced with profile quick (digits), seeds 0, 1, in 1.5 s. Versions: numpy 2."
    )
