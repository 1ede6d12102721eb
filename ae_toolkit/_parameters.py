"""How a variant of an estimator says only what is its own.

scikit-learn reads an estimator's parameters from its constructor's signature, and a
reader from the docstring. A variant whose constructor ends in ``**settings`` gets both
completed from its base: the signature with each name, the docstring with each entry.
"""

import inspect
import re

_SECTION = re.compile(r"(Parameters\n    -{3,}\n)(.*?)(?=\n\n    \S[^\n]*\n    -{3,}|\Z)", re.DOTALL)
_ENTRY = re.compile(r"^    (\w+(?:, \w+)*) :.*?(?=^    \w|\Z)", re.DOTALL | re.MULTILINE)


def inherit(cls, base):
    """Complete a class's constructor signature and its docstring's parameters from its base.

    Examples
    --------
    >>> class Base:
    ...     def __init__(self, a=1, *, b=2): ...
    >>> class Variant(Base):
    ...     def __init__(self, a=1, *, c=3, **settings): ...
    >>> inherit(Variant, Base)
    >>> inspect.signature(Variant)
    <Signature (a=1, *, c=3, b=2)>
    """
    own = inspect.signature(cls.__init__).parameters
    if "settings" not in own:
        return
    merged = {name: own[name] for name in own if name != "settings"}
    merged |= {name: p for name, p in inspect.signature(base.__init__).parameters.items() if name not in merged}
    cls.__init__.__signature__ = inspect.Signature(merged.values())
    if cls.__doc__ and base.__doc__:
        cls.__doc__ = _completed(cls.__doc__, base.__doc__)


def _completed(text, base):
    mine, theirs = _SECTION.search(text), _SECTION.search(base)
    if not mine or not theirs:
        return text
    known = set(_names(mine.group(2)))
    entries = [entry.group(0).rstrip("\n") for entry in _ENTRY.finditer(theirs.group(2) + "\n")]
    missing = [entry for entry in entries if _names(entry)[0] not in known]
    return text[: mine.end()].rstrip() + "\n" + "\n".join(missing) + text[mine.end() :]


def _names(section):
    return re.findall(r"^    (\w+(?:, \w+)*) :", section, re.MULTILINE)
