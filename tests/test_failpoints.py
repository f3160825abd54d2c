"""The places where tests kill are nothing elsewhere, and nobody but a test can make them something."""

from __future__ import annotations

import ast
from pathlib import Path

import imagen
import project
from imagen import failpoints

CODE = [path for package in (imagen, project) for path in Path(str(package.__path__[0])).rglob("*.py")]
HOME = Path(str(failpoints.__file__))


def test_nothing_happens_at_a_place_unless_a_test_says_so():
    assert failpoints.hook is None
    assert failpoints.reach("departing") is None


def test_a_test_hears_of_the_place_that_is_reached(monkeypatch):
    heard: list[str] = []
    monkeypatch.setattr(failpoints, "hook", heard.append)
    failpoints.reach("departing")
    assert heard == ["departing"]


def test_no_line_of_the_product_makes_a_place_something():
    """Neither the module, which looks at nothing outside itself, nor any other that names it."""
    imported = [node for node in ast.walk(ast.parse(HOME.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {getattr(node, "module", "") for node in imported} == {"__future__", "collections.abc"}
    others = [path for path in CODE if path != HOME and "failpoints" in path.read_text()]
    assert others
    for path in others:
        named = [node for node in ast.walk(ast.parse(path.read_text())) if _is_ours(node)]
        assert {node.attr for node in named} == {"reach"}, path


def _is_ours(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "failpoints"
