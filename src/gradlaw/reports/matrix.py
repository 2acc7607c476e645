"""Comparing engines: what reports say of each primitive, side by side, by law and in all; no engine is ranked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gradlaw.reports.cells import ORDER, keyword, law_of, subject_of
from gradlaw.reports.report import Report
from gradlaw_spec import SPEC_VERSION, Verdict, load_primitives

ALL: Final = "all"
"""The choice of every law."""


@dataclass(frozen=True, slots=True)
class Column:
    """A target and its version."""

    name: str
    """The target's name."""
    version: str
    """The target's version."""
    file: str = ""
    """The file that tells of it, where two columns would be called the same."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one report says of one subject."""

    counts: tuple[tuple[Verdict, int], ...]
    """How many cells have which verdict, the worst first."""

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
    """Subjects × engines."""

    engines: tuple[Column, ...]
    """The columns."""
    rows: Rows
    """What is said of each subject in all."""
    by_law: Mapping[str, Rows]
    """What is said of each subject, law by law."""
    keywords: Mapping[str, str]
    """Each law's keyword."""
    notes: tuple[str, ...] = ()
    """What a reader must know of the reports."""


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
    found = tuple((verdict, counts[verdict]) for verdict in ORDER if counts[verdict])
    return Entry(found) if found else None


def differs(entries: tuple[Entry | None, ...]) -> bool:
    """Whether the reports do not say the same of a subject."""
    return len({None if entry is None else entry.worst for entry in entries}) > 1
