"""The report of a finished run, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gradlaw_spec import SPEC_VERSION, Cell, Verdict, load_primitives


@dataclass(frozen=True, slots=True)
class Engine:
    """The target on trial."""

    name: str
    """Its name."""
    version: str
    """Its version."""
    accuracies: dict[str, int] = field(default_factory=dict)
    """The k of primitives of which it declares that it is less accurate than their pages ask."""
    found: tuple[str, ...] = ()
    """What its adapter did not say, and was found in the engine."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of it beside its name: what it declares, and what was found."""
        said = (("Declared accuracy", self.declared), ("Found in the engine", "; ".join(self.found)))
        return tuple(f"{title}: {text}." for title, text in said if text)

    @property
    def declared(self) -> str:
        """The declared accuracies in words; empty where there are none."""
        pages = load_primitives()
        asked = {name: f" (the page asks {pages[name].accuracy})" if name in pages else "" for name in self.accuracies}
        return ", ".join(f"{name} k = {k}{asked[name]}" for name, k in sorted(self.accuracies.items()))


@dataclass(frozen=True, slots=True)
class Report:
    """A finished run, in the order in which it is written."""

    gradlaw: str
    """gradlaw's version."""
    spec: str
    """The law book's version."""
    target: Engine
    """Which engine ran."""
    seed: int | None
    """The seed that decided the run; None with ``--fuzz``."""
    summary: dict[str, int]
    """How many cells have each verdict."""
    cells: tuple[Cell, ...]
    """What was found."""
    finished: bool = True
    """Whether the run came to its end; what is missing of one that did not was not judged."""


def summary(cells: Sequence[Cell]) -> dict[str, int]:
    """Return how many cells have each verdict, in the order of the verdicts."""
    counts = Counter(cell.verdict for cell in cells)
    return {verdict.value: counts[verdict] for verdict in Verdict}


def make_report(
    version: str, target: Engine, seed: int | None, cells: Sequence[Cell], *, finished: bool = True
) -> Report:
    """Return the report of a run, with no text in it that cannot be written to a file."""
    engine = replace(target, name=_encodable(target.name), version=_encodable(target.version))
    kept = tuple(replace(cell, message=_encodable(cell.message), script=_encodable(cell.script)) for cell in cells)
    return Report(version, SPEC_VERSION, engine, seed, summary(cells), kept, finished)


def _encodable(text: str) -> str:
    """Return a text as UTF-8 can have it: half of a character, which an engine's message may end with, is escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
