"""The book's contents: everything that pages are made of, loaded once from its owners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gradlaw.formats.report import results
from gradlaw.known import KnownDeviation, known_folder, load_known
from gradlaw.reports.report import Report
from gradlaw_properties.laws import RunnableLaw, all_laws
from gradlaw_spec import (
    PROGRAM,
    Address,
    Chapter,
    Clause,
    Function,
    Law,
    Primitive,
    load_chapters,
    load_clauses,
    load_functions,
    load_laws,
    load_primitives,
)


@dataclass(frozen=True)
class Book:
    """The law book, the laws that run, what is known of engines, and the engines' reports."""

    primitives: Mapping[str, Primitive]
    functions: Mapping[str, Function]
    laws: Mapping[str, Law]
    chapters: Mapping[str, Chapter]
    clauses: Mapping[str, Clause]
    runnable: Mapping[str, RunnableLaw]
    known: Mapping[str, tuple[KnownDeviation, ...]]
    reports: tuple[Report, ...]

    @cached_property
    def targets(self) -> Mapping[str, str]:
        """What prose may name in a code span, and the label of the page that it leads to."""
        found = {name: f"function-{name}" for name in self.functions}
        found |= {name: f"primitive-{name}" for name in self.primitives}
        found |= {name: f"law-{name}" for name in self.laws}
        return found | {name: name for name in self.clauses}

    @cached_property
    def engines(self) -> tuple[str, ...]:
        """The names of the engines of which something is known or reported, those with known deviations first."""
        return tuple(dict.fromkeys((*self.known, *(report.target.name for report in self.reports))))

    def laws_of(self, page: Primitive | None) -> tuple[Law, ...]:
        """Return the laws that apply to a primitive, or with None to whole programs."""
        return tuple(law.page for law in self.runnable.values() if law.applies(page))

    def pattern_clause(self, pattern: str) -> Clause | None:
        """Return the clause of a backward-flow pattern; the plain pattern has none."""
        return next((clause for clause in self.clauses.values() if clause.id.endswith(f"/{pattern}")), None)

    def known_about(self, page: Primitive) -> tuple[tuple[str, KnownDeviation], ...]:
        """Return the known deviations that concern a primitive, each with its engine."""
        laws = [law.id for law in self.laws_of(page)]
        return tuple(
            (engine, entry)
            for engine, entries in self.known.items()
            for entry in entries
            if concerns(entry, page.name, laws)
        )


def concerns(entry: KnownDeviation, name: str, laws: Iterable[str]) -> bool:
    """Whether a known deviation is about a primitive: its address fits, or programs with it are meant."""
    address = Address.parse(entry.address)
    if address.subject == PROGRAM:
        return name in entry.uses
    return any(Address(name, one).matches(Address(address.subject, address.law)) for one in laws)


def load_book(root: Path) -> Book:
    """Load the book; reports are read from ``results`` in a folder, where there are any."""
    lists = sorted(known_folder().glob("*.toml"))
    return Book(
        primitives=load_primitives(),
        functions=load_functions(),
        laws=load_laws(),
        chapters=load_chapters(),
        clauses=load_clauses(),
        runnable=all_laws(),
        known={path.stem: load_known(path) for path in lists},
        reports=tuple(results.read(path) for path in sorted((root / "results").glob("*.toml"))),
    )
