"""The files of reports that are read back: JSON, or the verdicts alone in TOML."""

from __future__ import annotations

from pathlib import Path

from gradlaw.formats.report import json, results
from gradlaw.reports.report import Report


def read_report(path: Path) -> Report:
    """Read a report by its file's name; raise SpecError with that name and the place otherwise."""
    return results.read(path) if path.suffix == ".toml" else json.read(path)
