"""The table of faults has 68 lines; every one of them is provoked somewhere in this folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

NUMBERS = [f"F{number}" for number in range(1, 69)]
HERE = Path(__file__).parent
MARKS = ("fault", "row")  # pytest.mark.fault("F1"), or a line of a table of them


def test_every_fault_has_a_test():
    found = {number for path in HERE.rglob("test_*.py") for number in _marked(ast.parse(path.read_text()))}
    assert sorted(found, key=_number) == NUMBERS


def _marked(tree: ast.AST) -> Iterator[str]:
    """The faults that are named by the marks in this file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in MARKS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _number(fault: str) -> int:
    return int(fault.removeprefix("F"))
