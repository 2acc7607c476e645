"""Comparing engines: what reports say of each primitive, side by side, by law and in all; no engine is ranked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradlaw.reports import results
from gradlaw.reports.cells import GLYPHS, SEVERITY, keyword, law_of, printable, subject_of
from gradlaw.reports.json import Report, read
from gradlaw.reports.markdown import in_table, span
from gradlaw.reports.page import render
from gradlaw.reports.text import SHORT, STYLES
from gradlaw_spec import SPEC_VERSION, SpecError, Verdict, load_primitives
from gradlaw_spec.errors import expectation, missing_key

ALL: Final = "all"
"""The choice of every law."""


@dataclass(frozen=True, slots=True)
class Column:
    """A target and its version, and the file that tells of it where two columns would be called the same."""

    name: str
    version: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one report says of one subject: how many cells have which verdict, the worst first."""

    counts: tuple[tuple[Verdict, int], ...]

    @property
    def worst(self) -> Verdict:
        """The worst verdict."""
        return self.counts[0][0]

    @property
    def total(self) -> int:
        """How many cells there are."""
        return sum(count for _, count in self.counts)


Rows = Mapping[str, tuple[Entry | None, ...]]
"""For each subject, what each report says of it (None: nothing)."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Subjects × engines, in all and for each law; ``notes`` say what a reader must know of the reports."""

    engines: tuple[Column, ...]
    rows: Rows
    by_law: Mapping[str, Rows]
    keywords: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read_report(path: Path) -> Report:
    """Read a report in JSON, or verdicts in TOML; raise SpecError with the file's name and the place otherwise."""
    if path.suffix == ".toml":
        return results.read(path)
    expected, cure = "a report as gradlaw check --json writes it", "Write it again, or mend the JSON there."
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise SpecError(str(path), "no readable file", expected, str(error.strerror)) from None
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        missing = missing_key(message)
        found = f"no {missing}" if missing else re.sub(r"^.*, got ", "", message)
        where = f"{path}: {place.strip('`') or '$'}"
        raise SpecError(where, found, expectation(message), cure) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SpecError(str(path), "malformed JSON", expected, f"{error}.") from None


def make_matrix(reports: tuple[tuple[Path, Report], ...]) -> Matrix:
    """Return the matrix of reports, one column each, in the order given."""
    named = Counter((report.target.name, report.target.version) for _, report in reports)
    engines = tuple(
        Column(name, version, str(path) if named[name, version] > 1 else "")
        for path, report in reports
        for name, version in ((report.target.name, report.target.version),)
    )
    cells = [cell for _, report in reports for cell in report.cells]
    keywords = {law_of(cell): keyword(cell) for cell in cells}
    notes = tuple(
        f"{path} is of law book {report.spec}, and this is law book {SPEC_VERSION}: its cells may mean something else."
        for path, report in reports
        if report.spec != SPEC_VERSION
    )
    plain = [report for _, report in reports]
    by_law = {law: _rows(plain, law) for law in sorted(keywords)}
    return Matrix(engines, _rows(plain, ALL), by_law, keywords, notes)


def _rows(reports: list[Report], law: str) -> Rows:
    counted: dict[str, list[Counter[Verdict]]] = {}
    for column, report in enumerate(reports):
        for cell in report.cells:
            if law in (ALL, law_of(cell)):
                counts = counted.setdefault(subject_of(cell), [Counter() for _ in reports])
                counts[column][cell.verdict] += 1
    order = {name: place for place, name in enumerate(load_primitives())}
    named = sorted(counted, key=lambda subject: order.get(subject, len(order)))
    return {subject: tuple(_entry(counts) for counts in counted[subject]) for subject in named}


def _entry(counts: Counter[Verdict]) -> Entry | None:
    found = tuple((verdict, counts[verdict]) for verdict in SEVERITY if counts[verdict])
    return Entry(found) if found else None


def differs(entries: tuple[Entry | None, ...]) -> bool:
    """Whether the reports do not say the same of a subject."""
    return len({None if entry is None else entry.worst for entry in entries}) > 1


def matrix_text(console: Console, matrix: Matrix) -> None:
    """Print the matrix of all laws: 80 columns have room for four engines."""
    for note in matrix.notes:
        console.print(Text(f"Note: {printable(note)}"))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for engine in matrix.engines:
        lines = (engine.name, engine.version, engine.file)
        table.add_column(Text("\n".join(printable(line) for line in lines if line)), overflow="fold")
    for subject, entries in matrix.rows.items():
        table.add_row(Text(printable(subject)), *(_short(entry) for entry in entries))
    console.print(table)
    console.print(Text("\nThe worst verdict of each primitive's cells, and how many have it.", style="dim"))


def _short(entry: Entry | None) -> Text:
    if entry is None:
        return Text("")
    worst, count = entry.counts[0]
    return Text(f"{GLYPHS[worst]} {SHORT.get(worst, worst.value)} {count}", style=STYLES[worst])


def matrix_markdown(matrix: Matrix) -> bytes:
    """Return the matrix of all laws as a table in GitHub flavoured Markdown, then what is wrong by law."""
    names = [" ".join(in_table(part) for part in (e.name, e.version, e.file) if part) for e in matrix.engines]
    head = f"| | {' | '.join(names)} |\n|---|{'---|' * len(names)}"
    rows = [
        f"| {in_table(subject)} | {' | '.join(map(_counts, entries))} |" for subject, entries in matrix.rows.items()
    ]
    notes = [f"Note: {span(note)}" for note in matrix.notes]
    return ("\n\n".join(("## gradlaw compare", *notes, "\n".join((head, *rows)))) + "\n").encode()


def _counts(entry: Entry | None) -> str:
    if entry is None:
        return ""
    worst, count = entry.counts[0]
    return f"{GLYPHS[worst]} {worst.value} {count} of {entry.total}"


def matrix_html(matrix: Matrix) -> bytes:
    """Return the matrix as a page in which one chooses a law."""
    laws = {law: law if matrix.keywords[law] == "MUST" else f"{law} ({matrix.keywords[law]})" for law in matrix.by_law}
    return render(
        "compare.html",
        matrix=matrix,
        everything=ALL,
        laws=laws,
        tables={ALL: matrix.rows, **matrix.by_law},
        differs=differs,
    )
