"""Public signatures say their types: each parameter and each result has a hint."""

import inspect
from functools import cached_property

import ae_names
import pytest

NAMES = ae_names.public_names()


def signatures(names):
    """Return every public function and, of every public class, the constructor and its own public methods."""
    found = {}
    for entry, name in names.items():
        if name.kind == "function":
            found[entry] = name.value
        elif name.kind == "class":
            if inspect.isfunction(constructor := vars(name.value).get("__init__")):
                found[entry] = constructor
            for method, value in ae_names.methods(name.value).items():
                if (
                    value.__doc__
                ):  # what has none overrides a method that is described, with its types, where it is from
                    found[f"{entry}.{method}"] = function_of(value)
    return found


def function_of(value):
    if isinstance(value, property):
        return value.fget
    if isinstance(value, cached_property):
        return value.func
    return value.__func__ if isinstance(value, classmethod | staticmethod) else value


def without_hint(function):
    """Return the parameters without a hint, save self, cls, and what is only handed on as ``**kwargs``."""
    parameters = list(inspect.signature(inspect.unwrap(function)).parameters.values())
    if parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    return [
        parameter.name
        for parameter in parameters
        if parameter.annotation is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]


SIGNATURES = signatures(NAMES)


def test_there_is_something_to_check():
    assert len(SIGNATURES) > 100
    assert {"ae_toolkit.Autoencoder.fit", "ae_toolkit.datasets.load", "ae_toolkit.Chapter"} <= set(SIGNATURES)


@pytest.mark.parametrize("entry", SIGNATURES)
def test_each_parameter_has_a_hint(entry):
    assert without_hint(SIGNATURES[entry]) == []


# The check above is only worth something if it fails on a signature without hints.


class Hinted:
    def __init__(self, one: int, **kwargs) -> None:
        self.one = one

    def method(self, two: int, *more: int) -> int:
        return self.one + two + sum(more)


class Unhinted:
    def __init__(self, one, two: int = 2, *more, three=3):
        self.one = one

    @classmethod
    def method(cls, two):
        return cls(two)


def test_a_parameter_without_a_hint_is_noticed():
    assert without_hint(Hinted.__init__) == without_hint(Hinted.method) == []
    assert without_hint(Unhinted.__init__) == ["one", "more", "three"]
    assert without_hint(function_of(vars(Unhinted)["method"])) == ["two"]
