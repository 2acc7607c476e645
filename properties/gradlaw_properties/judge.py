"""Judging: is an engine's array inside an admissible set, element by element?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import arb

from gradlaw_reference import Data
from gradlaw_spec import Array, Case, Finding, dtype, ulp

SMALLEST_BITS = 3
"""A set whose relative radius is above 2**-3 says nothing about an element inside it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a law found on one case: judged points, those too wide to say anything, and a problem if any.

    ``finding`` is the element that the problem is about, if it is about one; ``notes`` are what was seen of choices
    that the spec leaves free, such as the share that is taken at a kink.
    """

    points: int = 0
    inconclusive: int = 0
    problem: str = ""
    finding: Finding | None = None
    notes: frozenset[str] = frozenset()
    case: Case | None = None
    """Where the problem shows, if the law moved the case there."""

    @property
    def violated(self) -> bool:
        """Whether the law is violated."""
        return bool(self.problem)


def combine(outcomes: Iterable[Outcome]) -> Outcome:
    """Add up outcomes; the first problem stands for all."""
    points = inconclusive = 0
    first = Outcome()
    notes: frozenset[str] = frozenset()
    for outcome in outcomes:
        notes |= outcome.notes
        points += outcome.points
        inconclusive += outcome.inconclusive
        first = first if first.violated else outcome
    return replace(first, points=points, inconclusive=inconclusive, notes=notes)


def judge(what: str, got: Array, admissible: Data, dtype_name: str) -> Outcome:
    """Judge each element of an engine's array against its admissible set.

    Outside a bounded set is a proved violation, inside a narrow one admissible, inside a wide or
    unbounded one inconclusive. Shapes must agree (the ``shape`` law says so where they do not).
    """
    if got.shape != admissible.shape:
        return Outcome(problem=f"{what}: found shape={got.shape}; expected {admissible.shape}")
    numbers = got.astype(np.float64).ravel().tolist()
    points, inconclusive = len(numbers), 0
    for position, (number, allowed) in enumerate(zip(numbers, admissible.ravel().tolist(), strict=True)):
        if not allowed.is_finite():
            inconclusive += 1
        elif not (math.isfinite(number) and allowed.contains(arb(number))):
            finding = _finding(what, got.shape, position, number, allowed, dtype_name)
            return Outcome(points, inconclusive, _outside(finding, allowed), finding)
        elif allowed.rel_accuracy_bits() < SMALLEST_BITS:
            inconclusive += 1
    return Outcome(points, inconclusive)


def equal(what: str, got: Array, expected: Array) -> Outcome:
    """Judge that two arrays are equal, element by element (0 equals -0, nan equals nan)."""
    if got.shape != expected.shape:
        return Outcome(problem=f"{what}: found shape={got.shape}; expected {expected.shape}")
    first, second = got.astype(np.float64), expected.astype(np.float64)
    differ = ~((first == second) | (np.isnan(first) & np.isnan(second)))
    if differ.any():
        place = tuple(int(i) for i in np.argwhere(differ)[0])
        one, other = float(first[place]), float(second[place])
        finding = Finding(what=what, index=place, got=one, low=other, high=other, width=0.0, distance=one - other)
        problem = f"{_place(what, place)}: got {one!r}; expected exactly {other!r}"
        return Outcome(got.size, 0, problem, finding)
    return Outcome(got.size, 0)


def difference(what: str, first: Array, first_set: Data, second: Data, second_set: Data, dtype_name: str) -> Outcome:
    """Judge that two ways to compute one thing agree: their difference lies in the difference of their sets.

    ``second`` is object data (the engine's numbers combined exactly); nothing is asked where a set is
    unbounded. It needs no truth: only how far rounding may carry the two apart.
    """
    exact = np.asarray(first_set - second_set, dtype=object)
    numbers = first.astype(np.float64).ravel().tolist()
    apart = [arb(x) - y for x, y in zip(numbers, second.ravel().tolist(), strict=True)]
    points, inconclusive = len(apart), 0
    for position, (distance, allowed) in enumerate(zip(apart, exact.ravel().tolist(), strict=True)):
        got = float(first.astype(np.float64).ravel()[position])
        if not allowed.is_finite() or not (math.isfinite(got) or second.ravel()[position].is_finite()):
            inconclusive += 1
        elif not (distance.is_finite() and allowed.overlaps(distance)):
            exact_other = second.ravel()[position]
            finding = _finding(what, first.shape, position, got, exact_other + allowed, dtype_name)
            where, other = _place(what, finding.index), exact_other.str(17, radius=False)
            units = _ulps(_gap(distance, allowed), got, dtype_name)
            problem = f"{where}: got {got!r} one way and {other} the other; {units_text(units)} from agreeing"
            return Outcome(points, inconclusive, problem, replace(finding, ulps=units))
    return Outcome(points, inconclusive)


def _gap(distance: arb, allowed: arb) -> arb:
    """Return how far a distance is from a set that it is outside of."""
    return allowed.lower() - distance if distance < allowed else distance - allowed.upper()


def _place(what: str, index: Iterable[Any]) -> str:
    place = ", ".join(str(int(i)) for i in index)
    return f"{what}[{place}]" if place else what


def interval(allowed: arb) -> str:
    """Write a set as its two ends, or its one point, in 17 digits."""
    if allowed.is_exact():
        return repr(float(allowed))
    lower, upper = allowed.lower(), allowed.upper()
    return f"[{lower.str(17, radius=False)}, {upper.str(17, radius=False)}]"


def units_text(units: float) -> str:
    """Write a distance in units in the last place."""
    return f"{units:.3g} ulps away" if math.isfinite(units) else "more than 1e308 ulps away"


def _ulps(distance: arb, near: float, dtype_name: str) -> float:
    return float(distance) / ulp(near, dtype(dtype_name)) if distance.is_finite() else math.inf


def _finding(what: str, shape: tuple[int, ...], position: int, number: float, allowed: arb, dtype_name: str) -> Finding:
    """Return what is known of the element at a position, which is outside of its set."""
    index = tuple(int(i) for i in np.unravel_index(position, shape)) if shape else ()
    lower, upper = allowed.lower(), allowed.upper()
    distance, units = math.nan, math.inf
    if math.isfinite(number) and allowed.is_finite():
        exact = arb(number)
        below = bool(exact < allowed)
        away = lower - exact if below else exact - upper
        units = _ulps(away, float(allowed.mid()), dtype_name)
        distance = -float(away) if below else float(away)
    return Finding(
        what=what,
        index=index,
        got=number,
        low=float(lower),
        high=float(upper),
        width=float(upper - lower),
        distance=distance,
        ulps=units,
    )


def _outside(finding: Finding, allowed: arb) -> str:
    text = f"{_place(finding.what, finding.index)}: got {finding.got!r}; admissible {interval(allowed)}"
    if not math.isfinite(finding.got) or finding.ulps is None:
        return text
    return f"{text}; {units_text(finding.ulps)}"
