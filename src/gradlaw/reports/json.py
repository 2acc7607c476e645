"""The JSON report: what was examined, and each cell with its witness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import msgspec

from gradlaw_spec import SPEC_VERSION, Cell, Verdict
from gradlaw_spec.written import WrittenWitness, witness_of, written_witness

REPORT: Final = "JSON, each cell with its witness, as gradlaw compare and replay read it."
KEYS: Final = (
    "address",
    "verdict",
    "examples",
    "points",
    "inconclusive",
    "seconds",
    "clause",
    "message",
    "witness",
    "script",
)
"""What the file has of a cell."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The target on trial."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Report:
    """A finished run, in the order in which it is written; no seed decides one with ``--fuzz``."""

    gradlaw: str
    spec: str
    target: Engine
    seed: int | None
    summary: dict[str, int]
    cells: tuple[Cell, ...]


def summary(cells: Sequence[Cell]) -> dict[str, int]:
    """Return how many cells have each verdict, in the order of the verdicts."""
    counts = Counter(cell.verdict for cell in cells)
    return {verdict.value: counts[verdict] for verdict in Verdict}


def make_report(version: str, target: Engine, seed: int | None, cells: Sequence[Cell]) -> Report:
    """Return the report of a run, with no text in it that cannot be written to a file."""
    engine = Engine(_encodable(target.name), _encodable(target.version))
    kept = tuple(replace(cell, message=_encodable(cell.message), script=_encodable(cell.script)) for cell in cells)
    return Report(version, SPEC_VERSION, engine, seed, summary(cells), kept)


def _encodable(text: str) -> str:
    """Return a text as UTF-8 can have it: half of a character, which an engine's message may end with, is escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write(report: Report, *, strict: bool = False) -> bytes:
    """Return a report as indented JSON."""
    written = {field.name: getattr(report, field.name) for field in fields(report)}
    written["cells"] = [_written(cell) for cell in report.cells]
    return msgspec.json.format(msgspec.json.encode(written), indent=1) + b"\n"


def _written(cell: Cell) -> dict[str, Any]:
    """Return what the file has of a cell."""
    kept = {key: getattr(cell, key) for key in KEYS}
    return kept if cell.witness is None else {**kept, "witness": written_witness(cell.witness)}


class _WrittenCell(msgspec.Struct):
    """A cell in the file."""

    address: str
    verdict: Verdict
    examples: int
    points: int
    inconclusive: int
    seconds: float
    clause: str
    message: str = ""
    witness: WrittenWitness | None = None
    script: str = ""

    def cell(self) -> Cell:
        kept = {key: getattr(self, key) for key in KEYS}
        return Cell(**{**kept, "witness": None if self.witness is None else witness_of(self.witness)})


class _WrittenReport(msgspec.Struct):
    """A report in the file."""

    gradlaw: str
    spec: str
    target: Engine
    seed: int | None
    summary: dict[str, int]
    cells: tuple[_WrittenCell, ...]


def read(content: bytes) -> Report:
    """Read what `write` wrote; raise msgspec's errors, or SpecError, where it is none."""
    found = msgspec.json.decode(content, type=_WrittenReport)
    cells = tuple(written.cell() for written in found.cells)
    return Report(found.gradlaw, found.spec, found.target, found.seed, found.summary, cells)
