"""The report as JSON, both ways: what was examined, and each cell with its witness."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import msgspec

from gradlaw.reports.report import Engine, Report
from gradlaw_spec import Cell, Severity, SpecError, Verdict
from gradlaw_spec.errors import expectation, missing_key
from gradlaw_spec.files import read_plain_file
from gradlaw_spec.written import UNREADABLE, WrittenWitness, witness_of, written_witness

FORMAT: Final = "JSON, each cell with its witness, as gradlaw compare and replay read it."
MOST: Final = 2**28
"""Bytes of a report that is read."""
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
    "severity",
    "cause",
    "refused",
)
"""What the file has of a cell."""


def render(report: Report, *, strict: bool = False) -> bytes:
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
    severity: Severity | None = None
    cause: str = ""
    refused: str = ""

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
    finished: bool = True


def decoded(content: bytes) -> Report:
    """Read what `render` wrote; raise msgspec's errors, or SpecError, where it is none."""
    found = msgspec.json.decode(content, type=_WrittenReport)
    cells = tuple(written.cell() for written in found.cells)
    return Report(found.gradlaw, found.spec, found.target, found.seed, found.summary, cells, found.finished)


def read(path: Path) -> Report:
    """Read a report in JSON; raise SpecError with the file's name and the path inside the JSON otherwise."""
    expected, cure = "a report as gradlaw check --json writes it", "Write it again, or mend the JSON there."
    try:
        return decoded(read_plain_file(path, expected, MOST))
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        missing = missing_key(message)
        found = f"no {missing}" if missing else re.sub(r"^.*, got ", "", message)
        where = f"{path}: {place.strip('`') or '$'}"
        raise SpecError(where, found, expectation(message), cure) from None
    except SpecError as error:
        where = error.where if error.where == str(path) else f"{path}: {error.where}"
        raise SpecError(where, error.found, error.expected, error.cure) from None
    except UNREADABLE as error:
        raise SpecError(str(path), "malformed JSON", expected, f"{error}.") from None
