"""Judging: is an engine's array inside an admissible set, element by element?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from flint import arb

from gradlaw_reference import Data
from gradlaw_reference.arithmetic.vectors import MANY, UNIT_ROUNDOFF, enclosed
from gradlaw_spec import Array, Case, Finding, Severity, dtype, ulp

SMALLEST_BITS: Final = 3
"""A set whose radius is above 2**-3 of its midpoint and of the smallest normal number says nothing of its numbers."""


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
    outside: int = 0
    """How many elements were outside of their sets."""
    unbounded: int = 0
    """How many of those too wide to say anything have no end: past an overflow, a pole, or where two such meet."""
    arrays: frozenset[str] = frozenset()
    """The arrays that were judged against sets."""
    told: frozenset[str] = frozenset()
    """Those of them of which some element was decided."""

    @property
    def severity(self) -> Severity:
        """How bad the problem is; one that is about no number is as bad as any."""
        return Severity.WRONG if self.finding is None else self.finding.severity

    @property
    def violated(self) -> bool:
        """Whether the law is violated."""
        return bool(self.problem)


def worse(one: Severity, other: Severity) -> bool:
    """Whether a severity is worse than another."""
    order = list(Severity)
    return order.index(one) < order.index(other)


def combine(outcomes: Iterable[Outcome]) -> Outcome:
    """Add up outcomes; the worst problem stands for all, of equals the first."""
    given = tuple(outcomes)
    first = Outcome()
    for outcome in given:
        if outcome.violated and (not first.violated or worse(outcome.severity, first.severity)):
            first = outcome
    return replace(
        first,
        points=sum(outcome.points for outcome in given),
        inconclusive=sum(outcome.inconclusive for outcome in given),
        notes=frozenset().union(*(outcome.notes for outcome in given)),
        outside=sum(outcome.outside for outcome in given),
        unbounded=sum(outcome.unbounded for outcome in given),
        arrays=frozenset().union(*(outcome.arrays for outcome in given)),
        told=frozenset().union(*(outcome.told for outcome in given)),
    )


def judge(what: str, got: Array, admissible: Data, dtype_name: str, exact: Callable[[], Data] | None = None) -> Outcome:
    """Judge each element of an engine's array against its admissible set.

    Outside a bounded set is a proved violation, inside a narrow one admissible, inside a wide or
    unbounded one inconclusive. Shapes must agree (the ``shape`` law says so where they do not). ``exact`` computes
    the sets without any rounding: one that is no wider than that is a kink's own, and says what there is to say.
    """
    if got.shape != admissible.shape:
        return Outcome(problem=f"{what}: found shape={got.shape}; expected {admissible.shape}")
    numbers = got.astype(np.float64).ravel()
    outside, inconclusive, unbounded, sets = [], 0, 0, admissible.ravel()
    for position in np.flatnonzero(~_surely_inside(got, admissible)).tolist():
        number, allowed = float(numbers[position]), sets[position]
        if not allowed.is_finite():
            unbounded += 1
        elif not (math.isfinite(number) and allowed.contains(arb(number))):
            finding = _finding(what, got.shape, position, number, allowed, dtype_name)
            outside.append(Outcome(problem=_outside(finding, allowed, dtype_name), finding=finding))
        elif _is_wide(allowed, dtype_name) and not (exact and _is_its_own(allowed, exact().ravel()[position])):
            inconclusive += 1
    wide = inconclusive + unbounded
    named = frozenset({what}) if len(numbers) else frozenset[str]()
    return replace(
        combine(outside),
        points=len(numbers),
        inconclusive=wide,
        outside=len(outside),
        unbounded=unbounded,
        arrays=named,
        told=named if wide < len(numbers) else frozenset[str](),
    )


def _surely_inside(got: Array, sets: Data) -> Array:
    """Whether numbers are well inside of narrow sets: most of many are, and need no closer look.

    The balls in float64 enclose the sets, so all that their middles and radii may be off is kept away from the ends: in
    float64 that is as much as the sets are wide, and each number has its closer look.
    """
    if sets.size < MANY:
        return np.zeros(sets.size, bool)
    with np.errstate(all="ignore"):
        known = enclosed(sets)
        size, distance = np.abs(known.middle), np.abs(got.astype(np.float64) - known.middle)
        inner = known.radius * (1 - 2.0**-20) - 16 * UNIT_ROUNDOFF * size
        narrow = known.radius <= size * 2.0 ** -(SMALLEST_BITS + 1)
        return np.asarray(known.sure & narrow & (inner > 0) & (distance <= inner)).ravel()


def _is_wide(allowed: arb, dtype_name: str) -> bool:
    """Whether a set says nothing about a number inside of it."""
    narrowest = dtype(dtype_name).smallest_normal * 2.0**-SMALLEST_BITS
    return bool(allowed.rel_accuracy_bits() < SMALLEST_BITS and allowed.rad() > narrowest)


def _is_its_own(allowed: arb, exact: arb) -> bool:
    """Whether a set is as wide as a kink makes it, and hardly wider."""
    return bool(exact.is_finite() and allowed.rad() <= exact.rad() * (1 + 2.0**-SMALLEST_BITS))


def equal(what: str, got: Array, expected: Array, dtype_name: str) -> Outcome:
    """Judge that two arrays are equal, element by element (0 equals -0, nan equals nan)."""
    if got.shape != expected.shape:
        return Outcome(problem=f"{what}: found shape={got.shape}; expected {expected.shape}")
    first, second = got.astype(np.float64), expected.astype(np.float64)
    differ = ~((first == second) | (np.isnan(first) & np.isnan(second)))
    outside = []
    for position in np.flatnonzero(differ).tolist():
        one, other = float(first.ravel()[position]), float(second.ravel()[position])
        finding = _finding(what, got.shape, position, one, arb(other), dtype_name)
        finding = replace(finding, low=other, high=other, width=0.0)
        problem = f"{_place(what, finding.index)}: got {one!r}; expected exactly {other!r}"
        outside.append(Outcome(problem=problem, finding=finding))
    return replace(combine(outside), points=got.size)


def difference(
    what: str, first: Array | Data, first_set: Data, second: Data, second_set: Data, dtype_name: str
) -> Outcome:
    """Judge that two ways to compute one thing agree: their difference lies in the difference of their sets.

    ``second`` is object data (the engine's numbers combined exactly), and ``first`` may be; nothing is asked where
    a set is unbounded. It needs no truth: only how far rounding may carry the two apart.
    """
    exact = np.asarray(first_set - second_set, dtype=object)
    numbers = first.astype(np.float64).ravel().tolist()
    given = first.ravel().tolist() if first.dtype == object else numbers
    apart = [arb(x) - y for x, y in zip(given, second.ravel().tolist(), strict=True)]
    outside, unbounded = [], 0
    for position, (distance, allowed) in enumerate(zip(apart, exact.ravel().tolist(), strict=True)):
        got = numbers[position]
        if not allowed.is_finite() or not (math.isfinite(got) or second.ravel()[position].is_finite()):
            unbounded += 1
        elif not (distance.is_finite() and allowed.overlaps(distance)):
            exact_other = second.ravel()[position]
            finding = _finding(what, first.shape, position, got, exact_other + allowed, dtype_name)
            where, other = _place(what, finding.index), exact_other.str(17, radius=False)
            near = max(abs(got), abs(float(exact_other.mid()))) if exact_other.is_finite() else math.inf
            units = _units(_gap(distance, allowed), near, dtype_name)
            opposite = exact_other.is_finite() and _opposed(got, float(exact_other.mid()))
            finding = replace(finding, ulps=units, severity=_severity(units, opposite, dtype_name))
            problem = f"{where}: got {got!r} one way and {other} the other; {distance_text(finding)} from agreeing"
            outside.append(Outcome(problem=problem, finding=finding))
    return replace(combine(outside), points=len(apart), inconclusive=unbounded, unbounded=unbounded)


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


MOST_DIGITS: Final = 32.0
"""Fewer units in the last place than these are the last five bits."""


def distance_text(finding: Finding) -> str:
    """Write how far a number is from its set, in the unit that says something."""
    if not math.isfinite(finding.ulps):
        return "far away"
    if finding.ulps < 1:
        return "less than 1 ulp away"
    if finding.severity is not Severity.WRONG:
        return f"{finding.ulps:.3g} ulps away"
    end = finding.low if finding.distance < 0 else finding.high
    if end == 0 or not math.isfinite(finding.distance / end):
        return f"{abs(finding.distance):.3g} away"
    if _opposed(finding.got, end):
        return "and of the other sign"
    part = abs(finding.distance / end)
    if part >= 10:
        return f"{part:.2g} times its size away"
    return f"{100 * part:.0f} % away" if part >= 0.01 else f"{part:.2g} of its size away"


def _opposed(one: float, other: float) -> bool:
    """Whether two numbers have opposite signs; their product may underflow to 0."""
    return min(one, other) < 0 < max(one, other)


def _severity(units: float, opposite: bool, dtype_name: str) -> Severity:
    """Return how bad a number is that is so many units outside of its set, or has the other sign."""
    half = 2.0 ** (-math.log2(dtype(dtype_name).unit_roundoff) / 2)
    if opposite or not units <= half:
        return Severity.WRONG
    return Severity.DIGITS if units < MOST_DIGITS else Severity.INACCURATE


def _units(distance: arb, near: float, dtype_name: str) -> float:
    """Return a distance in units in the last place of the larger of two numbers.

    Where both are below the smallest normal number the result has underflowed, and is measured by that number: digits
    are lost there by every engine that computes a step apart.
    """
    facts = dtype(dtype_name)
    if not distance.is_finite() or not math.isfinite(near):
        return math.inf
    unit = facts.smallest_normal if near < facts.smallest_normal else ulp(near, facts)
    return float(distance) / unit


def _finding(what: str, shape: tuple[int, ...], position: int, number: float, allowed: arb, dtype_name: str) -> Finding:
    """Return what is known of the element at a position, which is outside of its set."""
    index = tuple(int(i) for i in np.unravel_index(position, shape)) if shape else ()
    lower, upper = allowed.lower(), allowed.upper()
    distance, units, opposite = math.nan, math.inf, False
    if math.isfinite(number) and allowed.is_finite():
        exact = arb(number)
        below = bool(exact < allowed)
        away = lower - exact if below else exact - upper
        end = float(lower if below else upper)
        units = _units(away, max(abs(number), abs(end)), dtype_name)
        opposite = _opposed(number, end) and units >= 1
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
        severity=_severity(units, opposite, dtype_name),
    )


def _outside(finding: Finding, allowed: arb, dtype_name: str) -> str:
    text = f"{_place(finding.what, finding.index)}: got {finding.got!r}; admissible {interval(allowed)}"
    if not math.isfinite(finding.got):
        return text
    smallest = dtype(dtype_name).smallest_normal
    if max(abs(finding.got), abs(finding.low), abs(finding.high)) < smallest:
        return f"{text}; an underflow: both are below the smallest normal number, {smallest:.3g}"
    return f"{text}; {distance_text(finding)}"
