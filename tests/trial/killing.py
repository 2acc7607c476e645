"""Does a law see that an engine is wrong? The cases are those that ``gradlaw check`` draws, at its default number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from zlib import crc32

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from planted import Calls, Rules, planted_target

import gradlaw_properties.trial as trial_module
from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import Settings, Unit, judge_case, plan, strategy
from gradlaw_properties.laws import all_laws
from gradlaw_properties.trial import Trial, UnsupportedCase
from gradlaw_reference import Certified, certify, certify_pullback
from gradlaw_spec import Case, Program, Target

DTYPE: Final = "float64"
FIRST: Final = ("value", "gradient", "shape")
"""Laws that see most; the others are asked only where these let an engine live."""
KEPT: Final = 1500
"""How many programs' sets are kept, for the next engine that is asked the same."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How an engine was found wrong: the law, and after how many examples and calls of the engine.

    Without a law it lives. ``refused`` is how many of ``examples`` it did not compute.
    """

    law: str = ""
    examples: int = 0
    calls: int = 0
    refused: int = 0
    message: str = ""


class Remembered:
    """A function of programs and values whose answers are kept, the latest ones."""

    def __init__(self, function: Callable[..., Certified]) -> None:
        self.function, self.kept = function, OrderedDict[Any, Certified]()

    def __call__(self, program: Program, values: Any, *others: Any, **options: Any) -> Certified:
        key = (
            str(program),
            _bytes(values.values()),
            *map(_bytes, others),
            *((name, _plain(option)) for name, option in sorted(options.items())),
        )
        if key not in self.kept:
            self.kept[key] = _remembering(self.function(program, values, *others, **options))
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        return self.kept[key]


def _plain(option: Any) -> Any:
    return tuple(sorted(option.items())) if hasattr(option, "items") else option


def _bytes(arrays: Iterable[Any]) -> tuple[Any, ...]:
    return tuple((array.shape, array.dtype.str, array.tobytes()) for array in map(np.asarray, arrays))


def _remembering(found: Certified) -> Certified:
    """Return certified sets that keep the gradients for cotangents that come again."""
    kept: dict[Any, Any] = {}

    def pullback(cotangents: tuple[Any, ...]) -> Any:
        key = _bytes(cotangents)
        if key not in kept:
            kept[key] = found.pullback(cotangents)
        return kept[key]

    return Certified(found.outputs, found.steps, pullback, found.arithmetic)


remembered_sets: Final = Remembered(certify)
remembered_pullbacks: Final = Remembered(certify_pullback)


def remember() -> None:
    """Let trials share the sets of programs that they have in common."""
    vars(trial_module).update(certify=remembered_sets, certify_pullback=remembered_pullbacks)


def forget() -> None:
    """Drop the sets that are kept: the next primitive has other programs."""
    remembered_sets.kept.clear()
    remembered_pullbacks.kept.clear()


@cache
def unit_of(subject: str) -> Unit:
    """Return the laws of a primitive that are asked without a name of their own."""
    (unit,) = plan(reference_target(), (f"{subject}/*@{DTYPE}",))
    return Unit(unit.subject, unit.dtype, tuple(law for law in unit.laws if not all_laws()[law].page.campaign))


def drawn(subject: str, number: int, examples: int) -> tuple[Case, ...]:
    """Return the cases that are drawn for a primitive at a seed."""
    cases: list[Case] = []

    def keep(case: Case) -> None:
        cases.append(case)

    configured = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    chosen = strategy(unit_of(subject), reference_target(), Settings(examples=examples, seed=number))
    seed(crc32(f"{subject}@{DTYPE}".encode()) ^ number)(configured(given(chosen)(keep)))()
    return tuple(cases)


class Judge:
    """Asks the laws of a primitive about engines, on the same cases."""

    def __init__(self, subject: str, number: int, examples: int = Settings().examples) -> None:
        self.subject, self.number = subject, number
        self.cases = drawn(subject, number, examples)
        self.right: dict[Any, bool] = {}

    def own_cases(self, law: str, target: Target) -> Iterable[Case]:
        """Return the cases that a law has of its own."""
        make = all_laws()[law].cases
        return make(target, self.subject, DTYPE) if make is not None else ()

    def judge(self, rules: Rules, right: Rules, source: str, *, first: bool) -> Seen:
        """Ask the first laws, or all others; ``right`` are the rules of the same source without a change."""
        calls = Calls()
        target, other = planted_target(rules, calls), planted_target(right)
        laws = [law for law in unit_of(self.subject).laws if (law in FIRST) is first]
        laws.sort(key=lambda law: FIRST.index(law) if law in FIRST else 0)
        drawing = [law for law in laws if all_laws()[law].cases is None]
        refused = 0
        for place, case in enumerate(self.cases):
            trial = Trial(target, case)
            try:
                trial.forward_or_unsupported()
            except UnsupportedCase:
                refused += 1
            for law in drawing:
                message = violation(law, trial)
                if message and self.lives(law, case, other, (source, place)):
                    return Seen(law, place + 1, calls.number, refused, message)
        for law in laws:
            for place, case in enumerate(self.own_cases(law, target)):
                message = violation(law, Trial(target, case))
                if message and self.lives(law, case, other, (source, "own", place)):
                    return Seen(law, place + 1, calls.number, refused, message)
        return Seen("", len(self.cases), calls.number, refused)

    def lives(self, law: str, case: Case, right: Target, key: tuple[Any, ...]) -> bool:
        """Whether the engine without the change satisfies a law on a case: what both violate is not the change's."""
        key = (law, *key)
        if key not in self.right:
            self.right[key] = not violation(law, Trial(right, case))
        return self.right[key]


def violation(law: str, trial: Trial) -> str:
    """Return what a law finds on a case; empty where it finds nothing."""
    runnable = all_laws()[law]
    if runnable.lacking(trial.target) or not runnable.takes(trial):
        return ""
    try:
        outcome = judge_case(runnable, trial)
    except UnsupportedCase:
        return ""
    return outcome.problem if outcome.violated else ""
