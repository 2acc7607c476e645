"""Examining: plan the cells of a target, run Hypothesis over each unit, judge, shrink what fails.

One example is one case for every law that applies to its subject; forward, pullback and truth are
shared between them. A law that fails is run again alone, from the same seed, to shrink its witness.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal
from zlib import crc32

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from gradlaw_properties.causes import culprit
from gradlaw_properties.compose import expand
from gradlaw_properties.judge import Outcome, worse
from gradlaw_properties.laws import RunnableLaw, all_laws
from gradlaw_properties.reducing import reduce_case
from gradlaw_properties.strategies import primitive_cases, program_cases
from gradlaw_properties.trial import DifferentiationError, Trial, UnsupportedCase, WrongShape, WrongValueShape
from gradlaw_spec import (
    PROGRAM,
    Address,
    Case,
    Cell,
    Finding,
    Primitive,
    Program,
    Severity,
    SpecError,
    Step,
    Target,
    Verdict,
    Witness,
    load_clauses,
    load_primitives,
)

OnCase = Callable[[Case, str], None]
MOST_UNDECIDED: Final = 0.1
"""The share of a cell's points that may be undecided where the cell passes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to search: examples a unit, the seed, and whether no seed decides (``fuzz``).

    ``shrinks`` is how many cases more are tried to shrink one witness; 0 keeps the case that was found.
    """

    examples: int = 50
    seed: int = 0
    fuzz: bool = False
    shrinks: int = 400


@dataclass(frozen=True, slots=True)
class Unit:
    """What is run in one go: every law of one subject in one dtype."""

    subject: str
    dtype: str
    laws: tuple[str, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of the unit's cells, ``subject/law@dtype``."""
        return tuple(str(Address(self.subject, law, self.dtype)) for law in self.laws)


def plan(
    target: Target,
    globs: Iterable[str] = (),
    level: str | None = None,
    dtype: str | None = None,
    *,
    campaigns: bool = False,
) -> tuple[Unit, ...]:
    """Return the units that a target is examined in: its dtypes × subjects × the laws that apply.

    ``globs`` are address patterns (none: everything), ``level`` and ``dtype`` limit further. A primitive
    that the target claims by its level but lacks is in the plan, and comes out unsupported. A law that is a campaign is
    in it only where a pattern has the law's own name, and no glob for it, or with ``campaigns``.
    """
    chosen = tuple(globs)
    asked = {Address.parse(pattern).law for pattern in chosen}
    subjects: list[Primitive | None] = [
        page
        for page in load_primitives().values()
        if page.level in target.levels and (level is None or page.level == level)
    ]
    if level is None or level in target.levels:
        subjects.append(None)
    units = []
    for page in subjects:
        name = PROGRAM if page is None else page.name
        for kind in target.dtypes:
            laws = tuple(
                law
                for law, runnable in all_laws().items()
                if runnable.applies(page)
                and runnable.judges(kind)
                and (campaigns or law in asked or not runnable.page.campaign)
                and runnable.page.level in (*target.levels, "scalar")
                and (not chosen or any(Address(name, law, kind).matches(pattern) for pattern in chosen))
            )
            if laws and (dtype is None or kind == dtype):
                units.append(Unit(name, kind, laws))
    return tuple(units)


@dataclass(slots=True)
class _Tally:
    """What is known so far of one law in a unit."""

    examples: int = 0
    points: int = 0
    inconclusive: int = 0
    seconds: float = 0.0
    unsupported: str = ""
    problem: str = ""
    finding: Finding | None = None
    case: Case | None = None
    severity: Severity | None = None
    refused: int = 0
    notes: frozenset[str] = frozenset()
    outside: int = 0
    unbounded: int = 0
    arrays: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    cause: str = ""
    elsewhere: str = ""
    """What an engine does that is no wrong number (it raises, say) at other cases than the one that is kept."""

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.examples += 1
        self.points += outcome.points
        self.inconclusive += outcome.inconclusive
        self.outside += outcome.outside
        self.unbounded += outcome.unbounded
        self.notes |= outcome.notes
        self.arrays |= outcome.arrays
        self.told |= outcome.told

    @property
    def undecided(self) -> str:
        """What of the law was left open, in words that are the same for all cells of one cause; empty for little."""
        if not self.inconclusive:
            return ""
        if silent := sorted(self.arrays - self.told):
            return f"no set said anything of: {', '.join(silent)}"
        if self.inconclusive <= MOST_UNDECIDED * self.points:
            return ""
        cause = "have no end (overflow, or a pole)" if self.unbounded > self.inconclusive / 2 else "are too wide"
        return f"more than a tenth of the points are undecided: most of their sets {cause}"

    def counts(self, outcome: Outcome) -> bool:
        """Whether an outcome says more than what is known: something worse, or a wrong number and no mere error."""
        if not outcome.violated:
            return False
        if self.severity is None or worse(outcome.severity, self.severity):
            return True
        return outcome.severity is self.severity and self.finding is None and outcome.finding is not None

    def take(self, outcome: Outcome, case: Case) -> None:
        """Keep the problem of an outcome, and where it shows."""
        if self.problem and self.finding is None and outcome.finding is not None:
            self.elsewhere = self.problem
        self.problem, self.finding, self.severity = outcome.problem, outcome.finding, outcome.severity
        self.case = outcome.case or case

    @property
    def open(self) -> bool:
        """Whether another case may show something worse than what is known."""
        return self.severity is not Severity.WRONG or self.finding is None


def _without(law: RunnableLaw, target: Target) -> str:
    """Say what a law needs that a target has not; empty where it has all."""
    lacking = law.lacking(target)
    return f"{target.name} has not what the law needs: {lacking}" if lacking else ""


def judge_case(law: RunnableLaw, trial: Trial) -> Outcome:
    """Run one law's check; an error that appears only under differentiation violates it, as does a wrong shape.

    Where the plain case has that fault already, only the law ``gradient`` (and ``shape``) says so: the others have
    nothing to compare, and one fault is told once. A value of the wrong shape is the law ``value``'s alone. Raises
    UnsupportedCase where the target lacks what the law needs.
    """
    if lacking := _without(law, trial.target):
        raise UnsupportedCase(lacking)
    if not law.takes(trial):
        return Outcome()
    try:
        return law.check(trial)
    except WrongValueShape:
        return Outcome()
    except (DifferentiationError, WrongShape) as error:
        told = law.page.id == "gradient" or (law.page.id == "shape" and isinstance(error, WrongShape))
        return Outcome(1, 0, str(error)) if told or _differentiates(trial) else Outcome()


def _differentiates(trial: Trial) -> bool:
    """Whether the target gives gradients of the right shapes for the plain case."""
    try:
        trial.pull()
    except (DifferentiationError, WrongShape, UnsupportedCase):
        return False
    return True


def strategy(unit: Unit, target: Target, chosen: Settings) -> SearchStrategy[Case]:
    """Return the cases of a unit, as far as the target can take them."""
    cotangents: Literal["any", "ones"] = "ones" if target.cotangent == "ones" else "any"
    if unit.subject != PROGRAM:
        page = load_primitives()[unit.subject]
        return primitive_cases(
            page,
            unit.dtype,
            scalar=target.scalar,
            cotangents=cotangents,
            dtypes=target.dtypes,
            seed=chosen.seed,
        )
    return program_cases(
        runnable_primitives(target),
        unit.dtype,
        scalar=target.scalar,
        cotangents=cotangents,
        dtypes=target.dtypes,
        seed=chosen.seed,
    )


def runnable_primitives(target: Target) -> dict[str, Primitive]:
    """Return the primitives of the target's levels that it has, or that can be composed for it."""
    available = frozenset(target.primitives)
    return {
        name: page
        for name, page in load_primitives().items()
        if page.level in target.levels and (name in available or (target.composed and _composable(page, available)))
    }


def _composable(page: Primitive, available: frozenset[str]) -> bool:
    if not page.composition:
        return False
    operands = tuple(operand.name for operand in page.operands)
    try:
        return expand(Program(operands, (Step(("y",), page.name, operands),), ("y",)), available) is not None
    except ValueError:
        return False


def _search(
    cases: SearchStrategy[Case],
    number: int,
    examples: int,
    phases: tuple[Phase, ...],
    test: Callable[[Case], None],
) -> None:
    """Run Hypothesis over cases; the same seed draws the same ones."""
    configured = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=phases,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType],
    )
    seed(number)(configured(given(cases)(test)))()


def examine(
    unit: Unit,
    target: Target,
    chosen: Settings,
    on_case: OnCase | None = None,
    on_cell: Callable[[Cell], None] = lambda cell: None,
    cases: SearchStrategy[Case] | None = None,
    *,
    only_first: bool = False,
) -> tuple[Cell, ...]:
    """Run every law of a unit and return a cell for each, in the unit's order.

    ``cases`` are those of the unit where they are given, else `strategy` makes them. With ``only_first``, the first
    problem alone is made small.
    ``on_case(case, law)`` is called before a law runs on a case, so that a crash can be told of; ``on_cell`` for each
    cell as it is finished, so that what comes after it cannot take it away.
    """
    watch = on_case or (lambda case, law: None)
    if unit.subject != PROGRAM and unit.subject not in target.primitives:
        missing = f"{target.name} has no {unit.subject}"
        return tuple(_cell(unit, law, _Tally(unsupported=missing)) for law in unit.laws)
    tallies = {law: _Tally(unsupported=_without(all_laws()[law], target)) for law in unit.laws}
    number = crc32(f"{unit.subject}@{unit.dtype}".encode()) ^ (secrets.randbits(32) if chosen.fuzz else chosen.seed)
    cases = strategy(unit, target, chosen) if cases is None else cases
    drawn = {name: tally for name, tally in tallies.items() if all_laws()[name].cases is None}
    searched = {name: tally for name, tally in drawn.items() if not all_laws()[name].lacking(target)}

    def test(case: Case) -> None:
        trial = Trial(target, case)
        for name, tally in searched.items():
            law = all_laws()[name]
            if tally.open and law.takes(trial):
                watch(case, name)
                _run(law, trial, tally)
        if not any(tally.open for tally in searched.values()):
            raise _Found

    if searched:
        with suppress(_Found):
            _search(cases, number, chosen.examples, (Phase.generate,), test)
    for name in tallies.keys() - drawn.keys():
        _run_own_cases(all_laws()[name], target, unit, tallies[name], watch)
    cells: dict[str, Cell] = {}
    for name, tally in sorted(tallies.items(), key=lambda item: bool(item[1].problem)):
        small = only_first and any(cell.verdict.is_bad for cell in cells.values())
        if tally.problem and name in drawn and chosen.shrinks and not small:
            _shrink(all_laws()[name], target, cases, number, chosen, tally, watch)
        if tally.case is not None and unit.subject == PROGRAM and chosen.shrinks:
            tally.cause = culprit(tally.case, name, target)
        cells[name] = _cell(unit, name, tally, target.name)
        on_cell(cells[name])
    return tuple(cells[name] for name in unit.laws)


def _run_own_cases(law: RunnableLaw, target: Target, unit: Unit, tally: _Tally, watch: OnCase) -> None:
    """Run a law on the cases that it has of its own, and reduce the one that shows a problem."""
    if law.cases is None or law.lacking(target):
        return
    for case in law.cases(target, unit.subject, unit.dtype):
        watch(case, law.page.id)
        _run(law, Trial(target, case), tally)
    _reduce(law, target, tally, watch)


def _run(law: RunnableLaw, trial: Trial, tally: _Tally) -> None:
    begin = time.perf_counter()
    try:
        outcome = judge_case(law, trial)
    except UnsupportedCase as error:
        tally.refused += 1
        tally.unsupported = tally.unsupported or str(error)
    else:
        tally.add(outcome)
        if tally.counts(outcome):
            tally.take(outcome, trial.case)
    tally.seconds += time.perf_counter() - begin


class _Found(Exception):
    """A failing case, thrown so that Hypothesis ends its search, or shrinks it."""


def _shrink(
    law: RunnableLaw,
    target: Target,
    cases: SearchStrategy[Case],
    number: int,
    chosen: Settings,
    tally: _Tally,
    watch: OnCase,
) -> None:
    """Run a failing law again alone; keep the smallest case of the same severity that Hypothesis finds, reduced."""
    begin, tried, shows = time.perf_counter(), 0, _showing(law, target, tally, watch)

    def test(case: Case) -> None:
        nonlocal tried
        tried += 1
        outcome = shows(case) if tried <= chosen.shrinks + chosen.examples else None
        if outcome is not None:
            tally.take(outcome, case)
            raise _Found

    with suppress(_Found, BaseExceptionGroup):
        _search(cases, number, chosen.examples, (Phase.generate, Phase.shrink), test)
    _reduce(law, target, tally, watch)
    tally.seconds += time.perf_counter() - begin


def _showing(law: RunnableLaw, target: Target, tally: _Tally, watch: OnCase) -> Callable[[Case], Outcome | None]:
    """Return what says whether a case shows what is known of a law, and as bad."""
    severity, about_none = tally.severity, tally.finding is None

    def shows(case: Case) -> Outcome | None:
        watch(case, law.page.id)
        try:
            outcome = judge_case(law, Trial(target, case))
        except UnsupportedCase:
            return None
        alike = outcome.severity is severity and (outcome.finding is None) is about_none
        return outcome if outcome.violated and alike else None

    return shows


def _reduce(law: RunnableLaw, target: Target, tally: _Tally, watch: OnCase) -> None:
    """Put the smallest case that still shows it in place of the case that shows a problem."""
    if tally.case is not None:
        smaller = reduce_case(tally.case, tally.finding, _showing(law, target, tally, watch))
        if smaller is not None:
            tally.take(smaller[1], smaller[0])


def _verdict(tally: _Tally) -> Verdict:
    if tally.problem:
        return Verdict.VIOLATION
    if tally.unsupported and tally.points == 0:
        return Verdict.UNSUPPORTED
    if tally.points == tally.inconclusive or tally.undecided:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def _cell(unit: Unit, law: str, tally: _Tally, target: str = "") -> Cell:
    verdict = _verdict(tally)
    message = tally.problem
    if verdict is Verdict.UNSUPPORTED:
        message = tally.unsupported
    elif verdict is Verdict.INCONCLUSIVE:
        silent = "; ".join(sorted(tally.notes)) or "no example reached a point that this law can judge"
        message = tally.undecided if tally.points else silent
    elif not message and tally.notes:
        message = "; ".join(sorted(tally.notes))
    elif not message and tally.refused:
        message = f"{tally.refused} cases unsupported: {tally.unsupported}"
    if verdict is Verdict.VIOLATION and all_laws()[law].sweeps and tally.outside:
        message = f"{message} ({tally.outside} of {tally.points} points are outside)"
    if tally.elsewhere:
        message = f"{message}\nElsewhere: {tally.elsewhere.splitlines()[0]}"
    return Cell(
        address=str(Address(unit.subject, law, unit.dtype)),
        verdict=verdict,
        examples=tally.examples,
        points=tally.points,
        inconclusive=tally.inconclusive,
        seconds=tally.seconds,
        clause=all_laws()[law].page.clause,
        message=message,
        witness=None if tally.case is None else Witness(tally.case, law, target),
        finding=tally.finding,
        severity=tally.severity if verdict is Verdict.VIOLATION else None,
        cause=tally.cause,
        refused=tally.unsupported if tally.refused and verdict is not Verdict.UNSUPPORTED else "",
    )


def replay(witness: Witness, target: Target) -> Cell:
    """Run a witness's law on its one case; raise SpecError where it names no law of the book."""
    laws, case, law = all_laws(), witness.case, witness.law
    if law not in laws:
        raise SpecError("$.law", f"law={law!r}", "a law of the book (gradlaw laws)", "Name one.")
    page = None if case.subject == PROGRAM else load_primitives().get(case.subject)
    if not (laws[law].applies(page) and laws[law].judges(case.dtype)):
        expected = "a law that speaks about its subject (gradlaw laws)"
        raise SpecError("$.law", f"law={law!r} of {case.subject!r} in {case.dtype}", expected, "Name another one.")
    tally = _Tally()
    _run(laws[law], Trial(target, case), tally)
    return _cell(Unit(case.subject, case.dtype, (law,)), law, tally, target.name)


def clause_text(cell: Cell) -> str:
    """Return the text of the clause that a cell is about."""
    clauses = load_clauses()
    return clauses[cell.clause].text if cell.clause in clauses else ""


def cells(units: Iterable[Unit], target: Target, chosen: Settings) -> Iterator[Cell]:
    """Examine units one after the other, in this process."""
    for unit in units:
        yield from examine(unit, target, chosen)
