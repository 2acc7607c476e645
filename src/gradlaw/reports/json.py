"""The JSON report: what was examined, and each cell with its witness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from gradlaw_spec import SPEC_VERSION, Cell, Verdict


@dataclass(frozen=True, slots=True)
class Engine:
    """The target on trial."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Report:
    """A finished run, in the order in which it is written."""

    gradlaw: str
    spec: str
    target: Engine
    seed: int
    summary: dict[str, int]
    cells: tuple[Cell, ...]


def summary(cells: Sequence[Cell]) -> dict[str, int]:
    """Return how many cells have each verdict, in the order of the verdicts."""
    counts = Counter(cell.verdict for cell in cells)
    return {verdict.value: counts[verdict] for verdict in Verdict}


def make_report(version: str, target: Engine, seed: int, cells: Sequence[Cell]) -> Report:
    """Return the report of a run."""
    return Report(version, SPEC_VERSION, target, seed, summary(cells), tuple(cells))


def write_json(report: Report) -> bytes:
    """Return a report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"
