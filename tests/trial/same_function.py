"""Is a changed engine wrong at all? Both are asked for values, gradients and gradients of these, at many cases.

Where every bit is the same in float64, they are one engine. Where bits differ, both are computed there in exact balls
of 400 bits: where these are the same number to more digits than any dtype has, the change is one of rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from planted import Rules, planted, planted_target

from gradlaw_reference import certify, certify_pullback
from gradlaw_reference.arithmetic import Data
from gradlaw_spec import Array, Case

BITS: Final = 400
TIGHT: Final = 2.0**-200
"""The radius of a ball, relative to its middle or to 1, up to which it is one number."""
Numbers = tuple[Data, ...] | Exception


@dataclass(slots=True)
class Compared:
    """How many numbers of two engines were compared, and what was found."""

    cases: int = 0
    bits: int = 0
    same: int = 0
    inside: int = 0
    refused: int = 0
    different: str = ""

    @property
    def outcome(self) -> str:
        """``different``, or the proof that the law book allows the change."""
        if self.different:
            return "different"
        if self.refused:
            return "partly refuses" if self.refused < self.cases else "refuses"
        if self.inside:
            return "inside"
        return "rounding" if self.bits else "same"

    def told(self) -> str:
        """Return the proof in a few words."""
        exact = f", {self.same} exact numbers where bits differ" if self.bits else ""
        sets = f", {self.inside} where other numbers are admitted" if self.inside else ""
        refused = f", {self.refused} refused" if self.refused else ""
        return f"{self.cases} cases{refused}{exact}{sets}"


@dataclass(slots=True)
class Right:
    """The engine without the change; what it computes is kept for all changes of one source."""

    rules: Rules
    bits: dict[int, list[bytes | None]] = field(default_factory=dict)

    def bits_at(self, place: int, case: Case) -> list[bytes | None]:
        """Return its outputs, gradients and theirs in float64."""
        if place not in self.bits:
            self.bits[place] = _bits(self.rules, case)
        return self.bits[place]


def compare(changed: Rules, right: Right, cases: Iterable[Case]) -> Compared:
    """Compare two engines at cases, up to the first number that differs beyond its set."""
    found = Compared()
    for place, case in enumerate(cases):
        expected = right.bits_at(place, case)
        if not expected:
            continue
        found.cases += 1
        got = _bits(changed, case)
        if got == expected:
            continue
        if not got:
            found.refused += 1
            continue
        found.bits += 1
        numbers, others = _exact(right.rules, case), _exact(changed, case)
        if isinstance(numbers, Exception) or isinstance(others, Exception):
            found.different = f"{case.program}: {others}"
            return found
        compared = zip(numbers, others, _claimed(case, numbers), strict=True)
        problem = "; ".join(filter(None, (_compare(found, *three) for three in compared)))
        if problem:
            found.different = f"{case.program}: {problem}"
            return found
    return found


def _claimed(case: Case, numbers: tuple[Data, ...]) -> tuple[Data, ...]:
    """Return where the law book claims something of each number: where its set under rounding is not everything."""
    try:
        sets = _numbers(case, "float64", 128)
    except Exception:
        return tuple(np.ones(np.shape(one), bool) for one in numbers)
    return tuple(np.array([item.is_finite() for item in one.ravel()], bool).reshape(one.shape) for one in sets)


def _exact(rules: Rules, case: Case) -> Numbers:
    """Return outputs, gradients and theirs as balls, or the error that the engine raises."""
    with planted(rules):
        try:
            return _numbers(case, None, BITS)
        except Exception as error:
            return error


def _numbers(case: Case, dtype: str | None, precision: int) -> tuple[Data, ...]:
    """Return outputs, gradients and theirs as balls: exact ones, or those that a dtype's rounding admits."""
    given = case.program, case.values
    run = certify(*given, dtype=dtype, precision=precision)
    twice = certify_pullback(*given, case.cotangents, dtype=dtype, precision=precision)
    return (*run.outputs, *run.gradients(case.cotangents), *twice.gradients(_directions(case)))


def _directions(case: Case) -> tuple[Array, ...]:
    """Return cotangents for the gradients of a case: signed quarters."""
    draw = np.random.Generator(np.random.PCG64(case.seed))
    return tuple(draw.integers(-8, 9, size=case.values[name].shape) / 4 for name in case.program.inputs)


def _compare(found: Compared, expected: Data, got: Data, claimed: Data) -> str:
    """Count the numbers of two arrays that are the same; return the first that is not, or nothing."""
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape:
        return f"shape {got.shape} for {expected.shape}"
    for one, other, judged in zip(expected.ravel(), got.ravel(), claimed.ravel(), strict=True):
        if not judged:
            found.inside += not (one.is_finite() and one.overlaps(other))
        elif not one.is_finite() or not _tight(one):
            found.inside += not _same(one, other)
            if one.is_finite() and not one.overlaps(other):
                return f"{other} is outside of {one}"
        elif not one.overlaps(other):
            return f"{other} for {one}"
        else:
            found.same += 1
    return ""


def _same(one: Any, other: Any) -> bool:
    """Whether two balls are one set."""
    return str(one) == str(other)


def _tight(ball: Any) -> bool:
    return float(ball.rad()) <= TIGHT * max(1.0, abs(float(ball.mid())))


def _bits(rules: Rules, case: Case) -> list[bytes | None]:
    """Return outputs, gradients and theirs in float64, bit by bit."""
    target = planted_target(rules)
    values = {name: value.copy() for name, value in case.values.items()}
    with np.errstate(all="ignore"):
        try:
            outputs, pull = target.pullback(case.program, values)
            found = [*outputs, *pull(case.cotangents)]
            if target.second_order is not None:
                found += target.second_order(case.program, values, case.cotangents, _directions(case))
            return [None if one is None else one.tobytes() for one in found]
        except Exception:
            return []
