"""Constructors are explicit, and what variants repeat of the autoencoder's parameters is the same everywhere."""

import inspect

import pytest
from numpydoc.docscrape import get_doc_object

import ae_toolkit as ae

ESTIMATORS = {
    name: value for name in ae.__all__ if isinstance(value := getattr(ae, name), type) and hasattr(value, "get_params")
}
VARIANTS = [name for name, cls in ESTIMATORS.items() if issubclass(cls, ae.Autoencoder) and cls is not ae.Autoencoder]

# In which respects a variant's parameter is meant to differ from the autoencoder's of the same name, and why.
MEANT = {
    ("SparseAutoencoder", "code_activation"): {
        "default",
        "constraint",
        "type",
        "description",
        "hint",
    },  # of the penalty
    ("ContractiveAutoencoder", "code_activation"): {"default", "type"},  # a sigmoid, as in the paper
    ("VariationalAutoencoder", "output_activation"): {"description"},  # of the likelihood
}

# Variants whose codes a linear path would bypass have no parameter of that name.
WITHOUT_LINEAR_PATH = {
    "AdversarialAutoencoder",
    "ContractiveAutoencoder",
    "SparseAutoencoder",
    "VariationalAutoencoder",
}


def shared(variant):
    """Return the autoencoder's parameters that a variant has as well."""
    names = inspect.signature(ae.Autoencoder).parameters
    return [name for name in names if name != "linear_path" or variant not in WITHOUT_LINEAR_PATH]


def described(cls, section="Parameters"):
    """Return name -> (type, description) of a section of a class's docstring."""
    entries = get_doc_object(cls, config={"show_class_members": False})[section]
    return {name: (entry.type, " ".join(entry.desc)) for entry in entries for name in entry.name.split(", ")}


def respects(cls):
    """Return parameter -> what is compared of it."""
    documented, signature = described(cls), inspect.signature(cls).parameters
    return {
        name: {
            "default": parameter.default,
            "constraint": [str(constraint) for constraint in cls._parameter_constraints[name]],
            "type": documented[name][0],
            "description": documented[name][1],
            "hint": parameter.annotation,
        }
        for name, parameter in signature.items()
    }


def differences(found, base):
    """Return parameter -> the respects in which it differs from the base's, for those that do."""
    differing = {name: {what for what in base[name] if base[name][what] != found[name][what]} for name in base}
    return {name: aspects for name, aspects in differing.items() if aspects}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_constructor_names_each_parameter_and_describes_it_and_checks_it(name):
    cls = ESTIMATORS[name]
    parameters = inspect.signature(cls.__init__).parameters
    assert "__init__" in vars(cls)
    assert {parameter.kind for parameter in parameters.values()} == {
        inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    }  # fmt: skip
    names = list(parameters)[1:]
    assert list(described(cls)) == names  # in the same order
    assert set(cls._parameter_constraints) == set(names) == set(cls().get_params())
    assert all(parameters[name].annotation is not inspect.Parameter.empty for name in names)
    for name, value in cls().get_params().items():
        assert value == parameters[name].default


def test_there_are_variants():
    assert {"DenoisingAutoencoder", "VariationalAutoencoder"} <= set(VARIANTS)
    assert {name for name, _ in MEANT} | WITHOUT_LINEAR_PATH <= set(VARIANTS)


@pytest.mark.parametrize("name", VARIANTS)
def test_shared_parameters_are_the_autoencoder_s(name):
    meant = {parameter: aspects for (variant, parameter), aspects in MEANT.items() if variant == name}
    base = respects(ae.Autoencoder)
    assert differences(respects(ESTIMATORS[name]), {parameter: base[parameter] for parameter in shared(name)}) == meant


@pytest.mark.parametrize("name", VARIANTS)
def test_shared_parameters_come_in_the_autoencoder_s_order(name):
    base = list(inspect.signature(ae.Autoencoder).parameters)
    assert [p for p in inspect.signature(ESTIMATORS[name]).parameters if p in base] == shared(name)


@pytest.mark.parametrize("name", VARIANTS)
def test_shared_attributes_are_described_alike(name):
    base, found = described(ae.Autoencoder, "Attributes"), described(ESTIMATORS[name], "Attributes")
    assert [attribute for attribute in found if attribute in base] == list(base)
    for attribute in set(base) - {"model_", "history_"}:  # each has a model and terms of its own
        assert found[attribute] == base[attribute]
    assert found["model_"][1] == base["model_"][1]
    common, _, _ = base["history_"][1].partition("There is one term here")
    assert found["history_"][1].startswith(common)


def test_a_repetition_that_drifts_is_noticed():
    base, drifted = respects(ae.Autoencoder), respects(ae.Autoencoder)
    assert differences(drifted, base) == {}
    drifted["code_dim"]["default"] = 16
    drifted["epochs"]["description"] = "How many epochs."
    assert differences(drifted, base) == {"code_dim": {"default"}, "epochs": {"description"}}
