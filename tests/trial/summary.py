"""What the trial found, as data and as a file: killed, equivalent with its proof, and what lives."""

from __future__ import annotations

import json
import tomllib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from workers import ENDLESS, KILLED, LIVES, PROOFS, UNMADE, Noted

from gradlaw_spec import SPEC_VERSION

EQUIVALENTS: Final = Path(__file__).with_name("equivalent.toml")
EQUIVALENT: Final = "equivalent"
NO_ENGINES: Final = ("refuses", UNMADE)
"""What computes nothing is no engine, and is not counted."""


@dataclass(slots=True)
class Summary:
    """What became of each wrong engine, by its name."""

    seeds: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The seeds at which all engines of a primitive were asked."""
    unasked: int = 0
    outcomes: dict[str, str] = field(default_factory=dict)
    proofs: dict[str, str] = field(default_factory=dict)
    kills: list[Noted] = field(default_factory=list)
    subjects: dict[str, str] = field(default_factory=dict)
    survivors: dict[str, str] = field(default_factory=dict)

    def counted(self) -> Counter[str]:
        """Return how many engines had each outcome."""
        return Counter(self.outcomes.values())

    def told(self) -> str:
        """Return it in one line, and the survivors after it."""
        counts = ", ".join(f"{number} {name}" for name, number in sorted(self.counted().items()))
        lines = [f"{len(self.outcomes)} changes: {counts}; {self.unasked} not asked yet"]
        return "\n".join((*lines, *(f"lives: {name}\n  {why}" for name, why in sorted(self.survivors.items()))))


def read_equivalents(path: Path = EQUIVALENTS) -> dict[str, str]:
    """Return the changes that a person proved to be none, by name, with the reason."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["equivalent"]
    return {name: table["reason"] for table in tables for name in table["names"]}


def summarised(notes: Iterable[Noted], equivalents: Mapping[str, str], made: Mapping[str, Collection[str]]) -> Summary:
    """Join the notes of all seeds: an engine is killed where it is at every seed.

    ``made`` has the names of the engines of each primitive; what is noted of others is forgotten.
    """
    names = {name for some in made.values() for name in some}
    by_name: dict[str, list[Noted]] = defaultdict(list)
    for note in notes:
        if note["name"] in names:
            by_name[note["name"]].append(note)
    summary = Summary(unasked=len(names) - len(by_name))
    asked = {(note["name"], note["seed"]) for found in by_name.values() for note in found}
    seeds = sorted({seed for _, seed in asked})
    for subject, some in made.items():
        summary.seeds[subject] = tuple(seed for seed in seeds if all((name, seed) in asked for name in some))
    for name, found in sorted(by_name.items()):
        outcome = summary.outcomes[name] = _outcome(found, name in equivalents)
        summary.subjects[name] = found[0]["subject"]
        if outcome == KILLED:
            summary.kills += [note for note in found if note["outcome"] == KILLED]
        elif outcome == LIVES:
            summary.survivors[name] = _why_it_lives(found)
        elif outcome == EQUIVALENT:
            summary.proofs[name] = equivalents[name]
        elif outcome in PROOFS:
            summary.proofs[name] = f"{outcome}: {next(n['why'] for n in found if n['outcome'] == outcome)}"
    return summary


def _outcome(found: list[Noted], equivalent: bool) -> str:
    """Return what became of one engine at all seeds."""
    outcomes = {note["outcome"] for note in found}
    if LIVES in outcomes or {"same", KILLED} <= outcomes:
        return EQUIVALENT if equivalent else LIVES
    proofs = [proof for proof in PROOFS if proof in outcomes]
    if proofs:
        return proofs[0]
    return UNMADE if UNMADE in outcomes else KILLED if KILLED in outcomes else ENDLESS


def _why_it_lives(found: list[Noted]) -> str:
    """Return where an engine that lives is wrong: at a number that is known, or at the cases of another seed."""
    seeds = [note["seed"] for note in found if note["outcome"] != KILLED]
    why = [note["why"] for note in found if note["outcome"] == LIVES]
    return f"seeds {seeds}: {why[0] if why else 'every bit is right at the cases that are drawn there'}"


def write(summary: Summary, path: Path) -> None:
    """Write a summary as TOML, in an order of its own and without any time."""
    path.write_text("\n".join(_lines(summary)) + "\n", encoding="utf-8")


def _lines(summary: Summary) -> Iterable[str]:
    yield f"spec = {_text(SPEC_VERSION)}"
    yield ""
    yield "[engines]"
    for name, number in sorted(summary.counted().items()):
        yield f"{_text(name)} = {number}"
    yield f'"not asked yet" = {summary.unasked}'
    yield ""
    yield "[laws]"
    for law, kills in sorted(_grouped(summary.kills).items()):
        yield f"{_text(law)} = {_row(kills)}"
    yield ""
    yield "[primitives]"
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for name, outcome in summary.outcomes.items():
        outcomes[summary.subjects[name]][outcome] += 1
    for subject, counts in sorted(outcomes.items()):
        seeds = f"seeds = {list(summary.seeds[subject])}, "
        shown = seeds + ", ".join(f"{_text(outcome)} = {number}" for outcome, number in sorted(counts.items()))
        kills = [note for note in summary.kills if note["subject"] == subject]
        yield f"{_text(subject)} = {{ {shown}, {_medians(kills)} }}" if kills else f"{_text(subject)} = {{ {shown} }}"
    for title, table in (("survivors", summary.survivors), ("proofs", summary.proofs)):
        yield ""
        yield f"[{title}]"
        yield from (f"{_text(name)} = {_text(why)}" for name, why in sorted(table.items()))


def _grouped(kills: Iterable[Noted]) -> dict[str, list[Noted]]:
    found: dict[str, list[Noted]] = defaultdict(list)
    for note in kills:
        found[note["law"]].append(note)
    return found


def _row(kills: list[Noted]) -> str:
    return f"{{ killed = {len(kills)}, {_medians(kills)} }}"


def _medians(kills: list[Noted]) -> str:
    examples, calls = (median(note[key] for note in kills) for key in ("examples", "calls"))
    return f"examples = {examples:g}, calls = {calls:g}"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
