"""The package's public names, and which of them a notebook uses: read from the code, so that nobody keeps a list.

The package and each of its rooms say in ``__all__`` what they offer: names, and modules of
which every class, function and constant without a leading underscore is public. A name has
one entry, under the shortest path by which a program can write it: ``ae_toolkit.Autoencoder``
from the first floor, ``ae_toolkit.metrics.linear_probe`` from a room, and
``ae_toolkit.networks.losses.squared_error`` from a module.
"""

import ast
import importlib
import inspect
import json
import pkgutil
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

import ae_toolkit

PACKAGE = ae_toolkit.__name__

# The reference's pages, and the rooms on each. A room that is not named here follows on the first page.
GROUPS = {
    "estimators": ("estimators",),
    "saving": ("storage", "export"),
    "data": ("data",),
    "training": ("training",),
    "networks": ("networks",),
    "metrics": ("metrics",),
    "plots": ("plots",),
    "book": ("book",),
}

# The modules that come first on their page, in this order. The others follow by their names.
FIRST = (
    "estimators.autoencoder",
    "estimators.denoising",
    "estimators.sparse",
    "estimators.contractive",
    "estimators.variational",
    "estimators.adversarial",
    "estimators.generation",
    "estimators.anomaly",
    "data.datasets",
    "metrics.reconstruction",
    "networks.builder",
    "training.fitting",
)


class Name(NamedTuple):
    """A public name: its entry (``ae_toolkit.Autoencoder``), the module that defines it, its kind and its value."""

    entry: str
    module: str
    kind: str
    value: object


def modules():
    """Return the names of the rooms and of all modules in them, without private ones and without the backends."""
    return sorted(name for name in _below(PACKAGE, ae_toolkit.__path__) if not is_private(name))


def is_private(module):
    """Return whether a module says by an underscore that only its own room uses it."""
    return any(part.startswith("_") for part in module.split("."))


def _below(package, path):
    # Not `pkgutil.walk_packages`, which imports what it walks through: a backend's file needs that backend.
    for info in pkgutil.iter_modules(path):
        name = f"{package}.{info.name}".removeprefix(f"{PACKAGE}.")
        if name == "training.backend":
            continue
        yield name
        if info.ispkg:
            yield from _below(f"{package}.{info.name}", [Path(info.module_finder.path) / info.name])


def groups():
    """Return the modules of each page: a room before its modules, and on the first page also what is on no other.

    A private module is among them if its room offers a name that it defines.
    """
    pages = {room: group for group, rooms in GROUPS.items() for room in rooms}
    found = {group: [] for group in GROUPS}
    taken_from = {path.rpartition(".")[0].removeprefix(f"{PACKAGE}.") for path in _offered()}
    private = (name for name in _below(PACKAGE, ae_toolkit.__path__) if is_private(name) and name in taken_from)
    for module in (*modules(), *private):
        found[pages.get(module.partition(".")[0], next(iter(GROUPS)))].append(module)
    return {group: tuple(sorted(members, key=_place)) for group, members in found.items()}


def _place(module):
    room, _, rest = module.partition(".")
    rooms = [room for rooms in GROUPS.values() for room in rooms]
    rank = FIRST.index(module) if module in FIRST else len(FIRST)
    return (rooms.index(room) if room in rooms else len(rooms), room, rest != "", rank, rest)


def public_names():
    """Return all public names by their entries, in the order of the reference."""
    offered, found = _offered(), {}
    for members in groups().values():
        for module in members:
            own = []
            for name, kind, value in _defined(importlib.import_module(f"{PACKAGE}.{module}")):
                paths = _paths(module, name, offered)
                if paths:
                    own.append(Name(min(paths, key=_length), module, kind, value))
            # What hangs from the package itself is what a reader looks for first.
            own.sort(key=lambda name: name.entry.count("."))
            found |= {name.entry: name for name in own}
    return found


def spellings(names):
    """Return the entry for each path by which a program can write one of the public names."""
    offered, found = _offered(), {}
    for entry, name in names.items():
        short = entry.rpartition(".")[2]
        paths = {f"{PACKAGE}.{name.module}.{short}", *_paths(name.module, short, offered)}
        found |= dict.fromkeys(paths, entry)
    return found


def _length(path):
    return path.count("."), path


def _paths(module, name, offered):
    """Return the paths under which the package and its rooms offer a name that a module defines."""
    full = f"{PACKAGE}.{module}"
    return [*offered.get(f"{full}.{name}", ()), *(f"{place}.{name}" for place in offered.get(full, ()))]


def _offered():
    """Return where the package and its rooms offer what they import: full path -> paths, of names and of modules."""
    rooms = [name for name in modules() if hasattr(importlib.import_module(f"{PACKAGE}.{name}"), "__path__")]
    found = {}
    for package in (PACKAGE, *(f"{PACKAGE}.{room}" for room in rooms)):
        module = importlib.import_module(package)
        stub = Path(module.__file__).with_suffix(".pyi")  # of a lazy package, which imports nothing itself
        source = stub if stub.is_file() else Path(module.__file__)
        for node in ast.parse(source.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ImportFrom):
                continue
            origin = ".".join(filter(None, (package, node.module))) if node.level else node.module
            for item in node.names:
                if (name := item.asname or item.name) in module.__all__:
                    found.setdefault(f"{origin}.{item.name}", []).append(f"{package}.{name}")
    return found


def _defined(module):
    """Yield the name, kind and value of what a module's source defines, not of what it uses."""
    for name in _bound(ast.parse(inspect.getsource(module)).body):
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
    entries = spellings(names)
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
