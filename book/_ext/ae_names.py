"""The package's public names, and which of them a notebook uses: read from the code, so that nobody keeps a list.

Public is every class, function and constant without a leading underscore that a public
module defines, or takes from a private one into its ``__all__``. What the package offers
under its own name, such as ``ae.Autoencoder``, has its entry there; everything else has it
in its module.
"""

import ast
import importlib
import inspect
import json
import pkgutil
from functools import cached_property
from types import ModuleType
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

import ae_toolkit

PACKAGE = ae_toolkit.__name__

# The reference's pages, and the modules on each. A module that is not named here follows on the first page.
GROUPS = {
    "estimators": (
        "autoencoder",
        "denoising",
        "sparse",
        "contractive",
        "variational",
        "adversarial",
        "generation",
        "anomaly",
    ),
    "saving": ("storage", "export"),
    "data": ("datasets", "streams", "augmentation"),
    "training": ("training", "checkpoints"),
    "networks": ("networks", "layers", "models"),
    "losses": ("losses",),
    "metrics": ("metrics",),
    "plots": ("plots",),
    "book_tools": ("chapter", "claims"),
}


class Name(NamedTuple):
    """A public name: its entry (``ae_toolkit.Autoencoder``), the module that defines it, its kind and its value."""

    entry: str
    module: str
    kind: str
    value: object


def modules():
    """Return the names of the public modules, without the package's own."""
    found = (info.name for info in pkgutil.iter_modules(ae_toolkit.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def groups():
    """Return the modules of each page: those named above, and on the first page then all others."""
    named = {module for group in GROUPS.values() for module in group}
    rest = tuple(name for name in modules() if name not in named)
    first = next(iter(GROUPS))
    return {group: members + (rest if group == first else ()) for group, members in GROUPS.items()}


def public_names():
    """Return all public names by their entries, in the order of the reference."""
    exported = {}
    for name in ae_toolkit.__all__:
        value = getattr(ae_toolkit, name)
        if not isinstance(value, ModuleType):
            exported[f"{value.__module__}.{value.__name__}"] = f"{PACKAGE}.{name}"
    found = {}
    for members in groups().values():
        for module in members:
            own = [
                Name(exported.get(f"{PACKAGE}.{module}.{name}", f"{PACKAGE}.{module}.{name}"), module, kind, value)
                for name, kind, value in _defined(importlib.import_module(f"{PACKAGE}.{module}"))
            ]
            # What hangs from the package itself is what a reader looks for first.
            own.sort(key=lambda name: name.entry not in exported.values())
            found |= {name.entry: name for name in own}
    return found


def _defined(module):
    """Yield the name, kind and value of what a module's source defines or offers as its own, not of what it uses."""
    statements = ast.parse(inspect.getsource(module)).body
    private = (node for node in statements if isinstance(node, ast.ImportFrom) and "._" in f".{node.module}")
    offered = [item.name for node in private for item in node.names if item.name in getattr(module, "__all__", ())]
    for name in dict.fromkeys((*_bound(statements), *offered)):
        value = getattr(module, name, None)
        if name.startswith("_") or isinstance(value, ModuleType):
            continue
        if inspect.isclass(value):
            yield name, "exception" if issubclass(value, BaseException) else "class", value
        elif callable(value):
            yield name, "function", value
        else:
            yield name, "data", value


def _bound(statements):
    """Return the names that statements bind, in order, each once."""
    names = {}
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names[statement.name] = None
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for node in (node for target in targets for node in ast.walk(target)):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    names[node.id] = None
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            names |= dict.fromkeys(_bound(getattr(statement, "body", []) + getattr(statement, "orelse", [])))
    return list(names)


def methods(cls):
    """Return the public methods and properties that a class itself defines, by name.

    What scikit-learn and dataclasses add to a class is not among them, nor what it inherits.
    """
    found = {}
    for name, value in vars(cls).items():
        function = value
        if isinstance(value, property):
            function = value.fget
        elif isinstance(value, cached_property):
            function = value.func
        elif isinstance(value, classmethod | staticmethod):
            function = value.__func__
        if not name.startswith("_") and inspect.isfunction(function) and function.__module__ == cls.__module__:
            found[name] = value
    return found


def is_override(cls, name):
    """Return whether a base class has the method too, and with it a description that may be inherited."""
    return any(name in vars(base) for base in cls.__mro__[1:])


def cells(path):
    """Return the source of each code cell of a notebook."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def used(sources, names=None):
    """Return the entries of the public names that code cells use, in the order of the reference.

    A name counts if the code mentions it, under whatever alias it was imported; its import does not count.
    """
    names = public_names() if names is None else names
    entries = {f"{PACKAGE}.{name.module}.{entry.rpartition('.')[2]}": entry for entry, name in names.items()}
    entries |= {entry: entry for entry in names}
    trees = [tree for source in sources if (tree := _parsed(source)) is not None]
    aliases = {}
    for node in (node for tree in trees for node in ast.walk(tree)):
        aliases |= _aliases(node, aliases)
    mentioned = {_dotted(node, aliases) for tree in trees for node in ast.walk(tree)}
    found = {entries[dotted] for dotted in mentioned if dotted in entries}
    return [entry for entry in names if entry in found]


def _parsed(source):
    try:
        return ast.parse(TransformerManager().transform_cell(source))  # notebooks know more than Python: %time, !ls
    except SyntaxError:  # a cell that is meant to fail
        return None


def _aliases(node, known):
    """Return the names that a statement binds to the package or to a part of it, with what they stand for."""
    if isinstance(node, ast.Import):
        ours = [item for item in node.names if item.name.split(".")[0] == PACKAGE]
        return {item.asname or PACKAGE: item.name if item.asname else PACKAGE for item in ours}
    if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
        return {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
    if isinstance(node, ast.Assign) and (dotted := _dotted(node.value, known)):
        return {target.id: dotted for target in node.targets if isinstance(target, ast.Name)}
    return {}


def _dotted(node, aliases):
    """Return what ``ae.metrics.linear_probe`` stands for in full, or None if it is nothing of the package."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return aliases.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        above = _dotted(node.value, aliases)
        return above and f"{above}.{node.attr}"
    return None
