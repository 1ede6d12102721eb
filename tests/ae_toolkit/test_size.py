"""The package stays small enough to be read: its lines of code are counted, and those of each module."""

import ast
import io
import tokenize
from pathlib import Path

import pytest

import ae_toolkit

MODULES = sorted(Path(ae_toolkit.__file__).parent.glob("*.py"))
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(text):
    """Return how many lines hold code: neither blank, nor comment, nor docstring."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {line for token in tokens if token.type not in NO_CODE for line in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def test_lines_are_counted():
    assert code_lines('"""A docstring\n\nof lines."""\n\n# a comment\nx = (1,\n     2)  # and another\n') == 2
    assert code_lines('def f():\n    """Return."""\n    return """a\nb"""\n') == 3


def test_the_package_is_below_3000_lines_of_code():
    assert len(MODULES) > 20
    assert sum(code_lines(path.read_text(encoding="utf-8")) for path in MODULES) < 3000


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_not_above_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
