"""A public dataclass of what is shown says in a line what each of its fields is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "gradlaw"
FOLDERS = ("circuits", "commands", "formats", "reports")
SCRIPTS = {"script"}
"""Modules of reports that write scripts, whose bundles are not shown to anyone."""


def dataclasses(path: Path) -> Iterator[ast.ClassDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        if any("dataclass" in ast.unparse(one) for one in node.decorator_list):
            yield node


def is_text(line: ast.stmt | None) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def undescribed(node: ast.ClassDef) -> list[str]:
    """Return the fields that no text follows."""
    pairs = zip(node.body, [*node.body[1:], None], strict=True)
    fields = [(line, after) for line, after in pairs if isinstance(line, ast.AnnAssign)]
    return [ast.unparse(line.target) for line, after in fields if not is_text(after)]


FOUND = [
    pytest.param(node, id=f"{path.relative_to(SOURCE)}:{node.name}")
    for folder in FOLDERS
    for path in sorted((SOURCE / folder).rglob("*.py"))
    if path.stem not in SCRIPTS
    for node in dataclasses(path)
]


@pytest.mark.parametrize("node", FOUND)
def test_every_field_is_described(node: ast.ClassDef) -> None:
    missing = undescribed(node)
    assert not missing, f"{node.name}: write a line under {', '.join(missing)} that says what it is"


def test_a_field_without_a_line_is_found() -> None:
    (node,) = ast.parse('class A:\n    x: int\n    """One."""\n    y: int\n    z: int = 1').body
    assert isinstance(node, ast.ClassDef)
    assert undescribed(node) == ["y", "z"]
    assert FOUND
