"""Causes: the cells that one fault has made bad, together.

A law that most primitives break is broken by the engine, whatever the primitive. A wrong program is the fault of a
primitive where the experiment of ``gradlaw_properties.causes`` says so. All else is of its own subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gradlaw.reports.cells import dtype_of, law_of, rank, said, subject_of
from gradlaw_spec import PROGRAM, Cell, Verdict

FEW: Final = 3
"""Fewer primitives that break a law are each to blame themselves."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What is to blame, in words, and the cells that it has made bad, the worst first."""

    title: str
    """What is to blame."""
    cells: tuple[Cell, ...]
    """The cells that it has made bad."""

    @property
    def worst(self) -> Cell:
        """The cell that says most."""
        return self.cells[0]

    @property
    def heading(self) -> str:
        """What is to blame, and how bad it is."""
        return f"{self.title}: {said(self.worst)}"


def causes(cells: Iterable[Cell], chosen: Iterable[Cell]) -> tuple[Cause, ...]:
    """Return the causes of the chosen ones among the cells of a run, the worst first."""
    broken = _broken_laws(tuple(cells))
    groups: dict[str, list[Cell]] = {}
    for cell in chosen:
        law = law_of(cell)
        title = broken[law] if law in broken and not cell.cause else cell.cause or subject_of(cell)
        groups.setdefault(title, []).append(cell)
    found = (Cause(title, tuple(sorted(group, key=rank))) for title, group in groups.items())
    return tuple(sorted(found, key=lambda cause: rank(cause.worst)))


def _broken_laws(cells: Sequence[Cell]) -> dict[str, str]:
    """Return the laws that most of the primitives break, each with that in words."""
    found = {}
    for law in {law_of(cell) for cell in cells}:
        judged: dict[str, bool] = {}
        for cell in cells:
            if law_of(cell) == law and subject_of(cell) != PROGRAM and _is_judged(cell):
                name = subject_of(cell)
                judged[name] = judged.get(name, False) or cell.verdict.is_bad
        bad = sum(judged.values())
        if bad >= FEW and 2 * bad > len(judged):
            found[law] = f"{law}, of {bad} of {len(judged)} primitives"
    return found


def _is_judged(cell: Cell) -> bool:
    return cell.verdict.is_bad or cell.verdict in (Verdict.PASS, Verdict.KNOWN, Verdict.FIXED)


def addresses_text(cells: Iterable[Cell]) -> str:
    """Write cells' addresses short: the laws of each subject and dtype, ``exp/value, linearity@float64``."""
    laws: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        laws.setdefault((subject_of(cell), dtype_of(cell)), []).append(law_of(cell))
    return "; ".join(f"{subject}/{', '.join(sorted(named))}@{dtype}" for (subject, dtype), named in laws.items())
