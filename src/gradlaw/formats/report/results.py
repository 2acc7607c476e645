"""The verdicts alone: one line a subject and law, in TOML, sorted; so that ``git diff`` says what a run changed.

It has no times, no messages and no witnesses: the same version of an engine gives the same file, byte for byte.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import msgspec

from gradlaw.messages import first_line
from gradlaw.reports.cells import said
from gradlaw.reports.report import Engine, Report, summary
from gradlaw_spec import DTYPES, Address, Cell, Severity, SpecError, Verdict, load_laws
from gradlaw_spec.errors import expectation
from gradlaw_spec.files import read_plain_file
from gradlaw_spec.written import UNREADABLE

FORMAT: Final = "TOML, the verdicts alone, one line a subject and law, as results/ keeps them."


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file has in it; no seed decides a run with ``--fuzz``."""

    gradlaw: str
    spec: str
    target: str
    version: str
    verdicts: dict[str, dict[str, str]]
    seed: int | None = None
    accuracies: dict[str, int] = {}


def render(report: Report, *, strict: bool = False) -> bytes:
    """Return the verdicts of a report as TOML."""
    rows: dict[str, dict[str, str]] = {}
    for cell in report.cells:
        address = Address.parse(cell.address)
        rows.setdefault(str(Address(address.subject, address.law)), {})[address.dtype] = said(cell)
    head = {
        "gradlaw": report.gradlaw,
        "spec": report.spec,
        "target": report.target.name,
        "version": report.target.version,
    }
    lines = [f"{key} = {_text(value)}" for key, value in head.items()]
    lines += [] if report.seed is None else [f"seed = {report.seed}"]
    lines += ["", "[accuracies]"] if report.target.accuracies else []
    lines += [f"{_text(name)} = {k}" for name, k in sorted(report.target.accuracies.items())]
    lines += ["", "[verdicts]"]
    lines += [f"{_text(name)} = {{ {_row(rows[name])} }}" for name in sorted(rows)]
    return ("\n".join(lines) + "\n").encode()


def _row(verdicts: dict[str, str]) -> str:
    order = {name: place for place, name in enumerate(DTYPES)}
    names = sorted(verdicts, key=lambda name: (order.get(name, len(order)), name))
    return ", ".join(f"{name if name in DTYPES else _text(name)} = {_text(verdicts[name])}" for name in names)


def _text(text: str) -> str:
    """Return a text as TOML has it in quotes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def read(path: Path) -> Report:
    """Read the verdicts of a file as a report; raise SpecError with the file's name and the key otherwise."""
    expected, cure = "verdicts as gradlaw check --results writes them", "Write it again, or mend the TOML there."
    try:
        content = msgspec.toml.decode(read_plain_file(path, expected), type=_File)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        where = f"{path}: {place.strip('`') or '$'}"
        raise SpecError(where, first_line(message), expectation(message), cure) from None
    except SpecError:
        raise
    except UNREADABLE as error:
        raise SpecError(str(path), "malformed TOML", expected, f"{error}.") from None
    cells = tuple(
        _cell(f"{path}: {name}", Address.parse(name), dtype, verdict)
        for name, verdicts in content.verdicts.items()
        for dtype, verdict in verdicts.items()
    )
    engine = Engine(content.target, content.version, content.accuracies)
    return Report(content.gradlaw, content.spec, engine, content.seed, summary(cells), cells)


def _cell(where: str, address: Address, dtype: str, text: str) -> Cell:
    """Return a cell of a verdict, behind which a comma and a severity may stand."""
    verdict, _, severity = text.partition(", ")
    if verdict not in list(Verdict) or (severity and severity not in list(Severity)):
        expected = "a verdict, and of a violation its severity, such as 'violation, digits'"
        raise SpecError(where, f"{dtype}={text!r}", expected, "Write it again, or mend the TOML there.")
    law = load_laws().get(address.law)
    return Cell(
        address=str(Address(address.subject, address.law, dtype)),
        verdict=Verdict(verdict),
        severity=Severity(severity) if severity else None,
        clause="" if law is None else law.clause,
    )
