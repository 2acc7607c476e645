"""Defects of packages: each has what a reader needs to see it alone, and stands on the page of findings."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "known" / "packages").glob("*.toml"))
ENTRIES = [
    pytest.param(path, entry, id=f"{path.stem}-{entry['id']}")
    for path in FILES
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["deviation"]
]


@pytest.mark.parametrize(("path", "entry"), ENTRIES)
def test_an_entry_is_complete(path: Path, entry: dict[str, Any]) -> None:
    assert set(entry) == {"id", "function", "reason", "source", "versions", "script"}
    text = ast.dump(ast.parse(entry["script"]))
    assert "gradlaw" not in text, "the script shows the defect alone"
    assert "'print'" in text
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    name = entry["function"].partition("(")[0].rpartition(".")[2]
    assert name in page, f"docs/findings.md does not name {entry['function']}"
    assert all(version in page for version in entry["versions"])


def test_entries_have_names_of_their_own() -> None:
    for path in FILES:
        names = [entry["id"] for entry in tomllib.loads(path.read_text(encoding="utf-8"))["deviation"]]
        assert len(names) == len(set(names))
