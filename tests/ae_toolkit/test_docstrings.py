"""Every public name is described as numpydoc asks, with an example; what the examples say is tested as doctests."""

import ast
import builtins
import doctest
import inspect

import ae_names
import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate
from sphinx.pycode import ModuleAnalyzer

import ae_toolkit

NAMES = ae_names.public_names()
METHODS = {
    f"{entry}.{method}": (name.value, method)
    for entry, name in NAMES.items()
    if name.kind == "class"
    for method in ae_names.methods(name.value)
}

# numpydoc's complaints that are none here, and why.
IGNORED = {
    "GL01": "the summary stands on the first line, as PEP 257 has it",
    "ES01": "a summary may say everything",
    "SA01": "names in the text are links already, so that few entries need a section for them",
    "SS06": "a summary may be one sentence over two lines",
    "PR03": "parameters of one meaning share an entry (x_train, x_test), whatever stands between them",
    "PR07": "a name and a type may say everything; a sentence that repeats them helps nobody",
    "RT03": "the same",
    "EX01": "asked for by a test of its own, which exempts methods and exceptions",
}


def complaints(value):
    """Return what numpydoc has to say against a docstring, save what is ignored."""
    found = validate(get_doc_object(value, config={"show_class_members": False}))["errors"]
    if inspect.isclass(value) and "__init__" not in vars(value):  # its constructor is its base's
        found = [(code, text) for code, text in found if code != "PR01"]
    # What is only handed on to a base class is described there.
    found = [(code, text) for code, text in found if text != "Parameters {'**kwargs'} not documented"]
    return [f"{code}: {text}" for code, text in found if code not in IGNORED]


def has_example(value):
    doc = inspect.getdoc(value) or ""
    return "\nExamples\n--------\n" in doc and ">>> " in doc.partition("\nExamples\n--------\n")[2]


def not_imported(value):
    """Return the names that an example takes from nowhere: copied from the page, it would fail."""
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(value) or "")
    nodes = list(ast.walk(ast.parse("".join(example.source for example in examples))))
    bound = set(dir(builtins))
    bound |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    bound |= {item.asname or item.name.partition(".")[0] for node in imports for item in node.names}
    return {node.id for node in nodes if isinstance(node, ast.Name)} - bound


def described(kinds):
    return [entry for entry, name in NAMES.items() if name.kind in kinds]


@pytest.mark.parametrize("entry", described({"class", "exception", "function"}))
def test_a_docstring_is_as_numpydoc_asks(entry):
    assert NAMES[entry].value.__doc__, "no docstring of its own"
    assert complaints(NAMES[entry].value) == []


@pytest.mark.parametrize("place", METHODS)
def test_a_method_s_docstring_is_as_numpydoc_asks(place):
    cls, method = METHODS[place]
    value = vars(cls)[method]
    if value.__doc__ is None and ae_names.is_override(cls, method):
        return  # described by the base class
    assert complaints(getattr(cls, method) if callable(getattr(cls, method)) else value) == []


@pytest.mark.parametrize("entry", described({"class", "function"}))
def test_an_entry_has_an_example(entry):
    assert has_example(NAMES[entry].value)


@pytest.mark.parametrize("entry", described({"class", "exception", "function"}))
def test_an_example_imports_what_it_uses(entry):
    assert not_imported(NAMES[entry].value) == set()


@pytest.mark.parametrize("place", METHODS)
def test_a_method_s_example_imports_what_it_uses(place):
    cls, method = METHODS[place]
    assert not_imported(vars(cls)[method]) == set()


@pytest.mark.parametrize("entry", described({"data"}))
def test_a_constant_has_a_line_of_its_own(entry):
    name = NAMES[entry]
    comments = ModuleAnalyzer.for_module(f"{ae_names.PACKAGE}.{name.module}").find_attr_docs()
    assert comments.get(("", entry.rpartition(".")[2])), "expected a comment that begins with #: above the constant"


def test_there_is_something_to_check():
    assert {"ae_toolkit.Autoencoder", "ae_toolkit.metrics.linear_probe", "ae_toolkit.plots.PALETTE"} <= set(NAMES)
    assert {"ae_toolkit.Autoencoder.fit", "ae_toolkit.Chapter.data", "ae_toolkit.book.Prediction.outcome"} <= set(
        METHODS
    )
    assert not [place for place in METHODS if place.endswith("_request")]  # scikit-learn's own


# The checks above are only worth something if they fail on a docstring that is wrong.


def good(images, n=3):
    """Return as many images as asked for.

    Parameters
    ----------
    images : array-like of shape (m, ...)
    n : int, default=3
        How many.

    Returns
    -------
    array-like of shape (n, ...)

    Examples
    --------
    >>> good([1, 2, 3], n=1)
    [1]
    """
    return images[:n]


def bad(images, n=3):
    """returns images

    Parameters
    ----------
    images : array-like of shape (m, ...)
    count : integer
        how many

    Examples
    --------
    There is none.
    """
    return images[:n]


class Bad:
    """A class.

    Parameters
    ----------
    one : int
    """

    def __init__(self, one, two):
        self.sum = one + two

    def undescribed(self):
        return self.sum


def test_a_good_docstring_passes():
    assert complaints(good) == []
    assert has_example(good)
    assert not_imported(ae_toolkit.save) == set()


def test_a_bad_docstring_is_caught():
    codes = {complaint.partition(":")[0] for complaint in complaints(bad)}
    assert codes >= {"SS02", "SS03", "SS05", "PR01", "PR02", "PR06", "PR08", "PR09", "RT01"}
    assert not has_example(bad)
    assert not_imported(good) == {"good"}
    assert any("'two'" in complaint for complaint in complaints(Bad))
    assert complaints(vars(Bad)["undescribed"]) == ["GL08: The object does not have a docstring"]


def test_only_known_complaints_are_ignored():
    from numpydoc.validate import ERROR_MSGS

    assert set(IGNORED) <= set(ERROR_MSGS)
