"""Judging: is an engine's array inside an admissible set, element by element?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from gradlaw_reference import Data
from gradlaw_spec import Array, dtype, ulp

SMALLEST_BITS = 3
"""A set whose relative radius is above 2**-3 says nothing about an element inside it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a law found on one case: judged points, those too wide to say anything, and a problem if any."""

    points: int = 0
    inconclusive: int = 0
    problem: str = ""

    @property
    def violated(self) -> bool:
        """Whether the law is violated."""
        return bool(self.problem)


def combine(outcomes: Iterable[Outcome]) -> Outcome:
    """Add up outcomes; the first problem stands for all."""
    points = inconclusive = 0
    problem = ""
    for outcome in outcomes:
        points += outcome.points
        inconclusive += outcome.inconclusive
        problem = problem or outcome.problem
    return Outcome(points, inconclusive, problem)


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
            problem = _outside(what, got.shape, position, number, allowed, dtype_name)
            return Outcome(points, inconclusive, problem)
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
        where = _place(what, place)
        return Outcome(got.size, 0, f"{where}: got {float(first[place])!r}; expected exactly {float(second[place])!r}")
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
            where = _place(what, np.unravel_index(position, first.shape))
            other = second.ravel()[position].str(17, radius=False)
            units = _ulps(abs(distance) - arb(allowed.abs_upper()), got, dtype_name)
            return Outcome(points, inconclusive, f"{where}: got {got!r} one way and {other} the other; {units}")
    return Outcome(points, inconclusive)


def _place(what: str, index: Iterable[Any]) -> str:
    place = ", ".join(str(int(i)) for i in index)
    return f"{what}[{place}]" if place else what


def interval(allowed: arb) -> str:
    """Write a set as its two ends, or its one point, in 17 digits."""
    if allowed.is_exact():
        return repr(float(allowed))
    lower, upper = allowed.lower(), allowed.upper()
    return f"[{lower.str(17, radius=False)}, {upper.str(17, radius=False)}]"


def _ulps(distance: arb, near: float, dtype_name: str) -> str:
    if not distance.is_finite():
        return "infinitely far away"
    units = float(distance) / ulp(near, dtype(dtype_name))
    return f"{units:.3g} ulps away"


def _outside(what: str, shape: tuple[int, ...], position: int, number: float, allowed: arb, dtype_name: str) -> str:
    where = _place(what, np.unravel_index(position, shape) if shape else ())
    text = f"{where}: got {number!r}; admissible {interval(allowed)}"
    if not math.isfinite(number):
        return text
    exact = arb(number)
    distance = allowed.lower() - exact if exact < allowed else exact - allowed.upper()
    return f"{text}; {_ulps(distance, float(allowed.mid()), dtype_name)}"
