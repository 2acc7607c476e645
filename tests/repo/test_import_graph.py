"""Inside of src/gradlaw nothing imports in a circle: not at run time, not for types, not inside of functions."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.AST, modules: set[str]) -> set[str]:
    """Return the modules that a source imports, wherever in it: a package's name is that module where there is one."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & modules
            if not inner <= modules:
                found.add(node.module)
    return found & modules


def graph() -> dict[str, set[str]]:
    paths = {module_name(path): path for path in sorted((SOURCE / "gradlaw").rglob("*.py"))}
    modules = set(paths)
    return {name: imported(ast.parse(path.read_text(encoding="utf-8")), modules) for name, path in paths.items()}


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Return the modules of a circle, each imported by the one before it; none where there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_nothing_imports_in_a_circle() -> None:
    found = circle(graph())
    cure = "move what the lower one needs to a module below both"
    assert not found, f"{' -> '.join(found)}: {cure}"


@pytest.mark.parametrize("edges", [{"a": {"b"}, "b": {"a"}}, {"a": {"b"}, "b": {"c"}, "c": {"a"}}])
def test_a_circle_is_found(edges: dict[str, set[str]]) -> None:
    assert set(circle(edges)) == set(edges)
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
