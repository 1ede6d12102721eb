"""What every chapter of the book begins and ends with: a profile, its data, a colophon.

A chapter has one parameter, its profile. ``"quick"`` runs on 5,000 images of MNIST;
``"full"`` runs the same cells on all of it, which takes longer.
"""

import ast
import html
import platform
import sys
import time
from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from os import PathLike
from typing import Any

from numpy.typing import ArrayLike

from ae_toolkit.book import claims, figures, words
from ae_toolkit.data import datasets

#: The profiles, and the data set of each.
PROFILES = {"quick": "mnist5k", "full": "mnist"}
_GLUE_PREFIX = "application/papermill.record/"
#: The MIME type under which an executed notebook keeps a colophon's record.
COLOPHON_MIME_TYPE = "application/vnd.ae-toolkit.colophon+json"

_SHOWN_VERSIONS = ("keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy", "scikit-learn", "matplotlib")


class Chapter:
    """One run of a chapter.

    Parameters
    ----------
    profile : {"quick", "full"}
    seeds : sequence of int, default=(0, 1, 2)
        The seeds over which the chapter's stochastic results are averaged.
    data_dir : path-like, optional
        Where the full profile's files are; see `ae_toolkit.datasets.load`.

    Attributes
    ----------
    data : ImageDataset
        The profile's images, loaded when first asked for.
    full : bool
        Whether this is the full profile.

    Raises
    ------
    ValueError
        If the profile is unknown.

    Examples
    --------
    >>> from ae_toolkit import Chapter
    >>> run = Chapter("quick")
    >>> run.data.name, run.pick(quick=30, full=10)
    ('mnist5k', 30)
    """

    def __init__(
        self, profile: str, seeds: Sequence[int] = (0, 1, 2), data_dir: str | PathLike[str] | None = None
    ) -> None:
        if profile not in PROFILES:
            raise ValueError(f"expected PROFILE to be one of {sorted(PROFILES)}, got {profile!r}")
        self.profile, self.seeds, self._data_dir = profile, tuple(seeds), data_dir
        self.full = profile == "full"
        self._start = time.perf_counter()
        figures.show_as_drawings()
        # Here, so that whatever a backend prints on import belongs to the hidden first cell.
        from ae_toolkit import _keras  # noqa: F401 (imported for what it prints)

    @cached_property
    def data(self) -> datasets.ImageDataset:
        """The profile's images, loaded when first asked for."""
        return datasets.load(PROFILES[self.profile], data_dir=self._data_dir)

    def pick(self, *, quick: Any, full: Any) -> Any:
        """Return the value for this run's profile.

        Parameters
        ----------
        quick, full : object
            The values to choose from.

        Returns
        -------
        object
            One of the two.

        Examples
        --------
        >>> from ae_toolkit import Chapter
        >>> Chapter("full").pick(quick=30, full=10)
        10
        """
        return full if self.full else quick

    def settle(
        self, claim: str, verdict: str, *predictions: claims.Prediction, because: str, condition: str = ""
    ) -> claims.Verdict:
        """Settle a claim from this run's numbers; see `ae_toolkit.book.settle`.

        Parameters
        ----------
        claim : str
            The claim's number, such as ``"C07"``.
        verdict : {"confirmed", "depends", "refuted", "undecided"}
        *predictions : Prediction
            What should be seen if the claim is right, and whether it was.
        because : str
            What decides it, for the reader.
        condition : str, default=""
            On what it depends, if it does.

        Returns
        -------
        Verdict

        Examples
        --------
        >>> from ae_toolkit import Chapter
        >>> from ae_toolkit.book import Prediction
        >>> falls = Prediction("error falls", [1.0, 1.1], "<", 2.0, reason="where it began")
        >>> Chapter("quick").settle("C01", "confirmed", falls, because="It did.").record["verdict"]
        'confirmed'
        """
        return claims.settle(claim, verdict, *predictions, because=because, condition=condition, profile=self.profile)

    def glue(self, **values: ArrayLike | str) -> None:
        """Hand values to the page's sentences, which show them by ``{glue:text}`` roles.

        Parameters
        ----------
        **values : float, str or array of float
            Numbers are shown as in a verdict, to three significant digits and with
            their spread over seeds; text as it is.

        Examples
        --------
        >>> from ae_toolkit import Chapter
        >>> Chapter("quick").glue(error=13.8659)  # the page may now say {glue:text}`error`
        """
        from IPython import get_ipython

        shell = get_ipython()
        for name, value in values.items():
            text = value if isinstance(value, str) else claims.as_text(value)
            if shell is not None:  # MyST-NB finds the value by this metadata; the prefix keeps it off the page
                note = {"scrapbook": {"name": name, "mime_prefix": _GLUE_PREFIX}}
                shell.display_pub.publish({_GLUE_PREFIX + "text/plain": _as_myst_reads_it(text)}, metadata=note)

    def says(self, name: str, word: str, left: ArrayLike, sign: str, right: ArrayLike) -> None:
        """Hand a word to a sentence that says how two values compare, and check that they do.

        Parameters
        ----------
        name : str
            Under which the page shows the word.
        word : str
            Such as ``"less"``, as it stands in the sentence.
        left, right : float or array-like
            What the sentence compares; of arrays the means.
        sign : {"<", "<=", ">", ">="}
            The comparison that makes the sentence true.

        Raises
        ------
        ClaimError
            If the values say otherwise, so that the build stops.

        Examples
        --------
        >>> from ae_toolkit import Chapter
        >>> Chapter("quick").says("gain", "less", 1.5, "<", 2.0)  # "it errs {glue:text}`gain` than PCA"
        """
        compared = claims.Prediction(word, left, sign, right, reason="a sentence says so", exact=True)
        if not compared.true_of_means:
            raise claims.ClaimError(f"a sentence says {word!r} ({name}), but {compared.figures()}")
        self.glue(**{name: word})

    def colophon(self) -> "Colophon":
        """Return what produced the page: profile, data, seeds, versions, seconds.

        Returns
        -------
        Colophon

        Examples
        --------
        >>> from ae_toolkit import Chapter
        >>> Chapter("quick").colophon().record["profile"]
        'quick'
        """
        return Colophon(
            {"profile": self.profile, "data": PROFILES[self.profile], "seeds": list(self.seeds),
             "versions": versions(), "seconds": round(time.perf_counter() - self._start, 1)}
        )  # fmt: skip


def _as_myst_reads_it(text):
    """Return a text so that MyST-NB, which evaluates what it can, shows it as it is: "50,826" would be a tuple."""
    try:
        shown = str(ast.literal_eval(text))
    except (SyntaxError, ValueError):
        return text
    return text if shown == text else repr(text)


class Colophon:
    """What produced a page, shown at its end; made by `Chapter.colophon`.

    Parameters
    ----------
    record : dict
        ``profile``, ``data``, ``seeds``, ``versions`` and ``seconds``.

    Examples
    --------
    >>> from ae_toolkit.book.chapter import Colophon
    >>> Colophon({"profile": "quick", "data": "mnist5k", "seeds": [0, 1], "versions": {"numpy": "2"}, "seconds": 1.5})
    Produced with profile quick (mnist5k), seeds 0, 1, in 1.5 s. Versions: numpy 2.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record

    def __repr__(self):
        return describe(self.record)

    def _repr_mimebundle_(self, include=None, exclude=None):
        page = f"<p class='ae-colophon' style='font-size:.85em;opacity:.85'>{html.escape(repr(self))}</p>"
        return {COLOPHON_MIME_TYPE: self.record, "text/html": page, "text/plain": repr(self)}


def describe(record: dict[str, Any], chapters: int | None = None) -> str:
    """Return a colophon's record as a sentence or two.

    Parameters
    ----------
    record : dict
        As a `Colophon` keeps it.
    chapters : int, optional
        Of how many chapters the record is the sum; without it, the record is that of one.

    Returns
    -------
    str

    Examples
    --------
    >>> from ae_toolkit.book.chapter import describe
    >>> describe({"profile": "quick", "data": "mnist5k", "seeds": [0], "versions": {"numpy": "2"}, "seconds": 1.5})
    'Produced with profile quick (mnist5k), seed 0, in 1.5 s. Versions: numpy 2.'
    """
    seeds = words.ONE_SEED if len(record["seeds"]) == 1 else words.SEVERAL_SEEDS
    run = words.RUN.format(
        profile=record["profile"],
        data=record["data"],
        seeds=seeds.format(seeds=", ".join(map(str, record["seeds"]))),
        seconds=record["seconds"],
        versions=", ".join(f"{name} {version}" for name, version in record["versions"].items()),
    )
    return (
        words.COLOPHON.format(run=run) if chapters is None else words.BOOK_COLOPHON.format(chapters=chapters, run=run)
    )


def versions() -> dict[str, str]:
    """Return the versions of Python, this package and what it computes with.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> from ae_toolkit.book.chapter import versions
    >>> list(versions())[:2]
    ['Python', 'ae_toolkit']
    """
    from ae_toolkit import __version__

    found = {"Python": platform.python_version(), "ae_toolkit": __version__}
    for name in _SHOWN_VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if "ipykernel" in sys.modules:
        found["ipykernel"] = metadata.version("ipykernel")
    return found
