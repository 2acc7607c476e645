"""Domains of operands as sets of numbers of a dtype, and the values at which gradients tend to break."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from gradlaw_spec import Array, Dtype, Operand, Primitive, SpecError


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of real numbers with open or closed ends."""

    lower: float
    upper: float
    lower_closed: bool
    upper_closed: bool

    @staticmethod
    def read(text: str) -> Interval:
        """Read ``"(0, inf)"`` or ``"[-1, 1]"``; raise SpecError for anything else."""
        ends = text.strip()[1:-1].split(",")
        try:
            lower, upper = (float(end) for end in ends)
        except ValueError:
            lower = upper = math.nan
        if not lower < upper or text.strip()[0] not in "([" or text.strip()[-1] not in ")]":
            raise SpecError("domain", f"domain={text!r}", "an interval such as '(0, inf)'", "Mend it on the page.")
        return Interval(lower, upper, text.strip()[0] == "[", text.strip()[-1] == "]")

    def contains(self, values: Array) -> Array:
        """Return where float64 values lie in the interval."""
        above = values >= self.lower if self.lower_closed else values > self.lower
        below = values <= self.upper if self.upper_closed else values < self.upper
        return np.asarray(above & below)

    def intersect(self, other: Interval) -> Interval | None:
        """Return what two intervals share; None where that is nothing, or one point."""
        lower, upper = max(self.lower, other.lower), min(self.upper, other.upper)
        lower_closed = all(i.lower_closed for i in (self, other) if i.lower == lower)
        upper_closed = all(i.upper_closed for i in (self, other) if i.upper == upper)
        return Interval(lower, upper, lower_closed, upper_closed) if lower < upper else None

    def fold(self, values: Array) -> Array:
        """Return values moved into the interval, up to its ends: reflected at one, wrapped between two."""
        if math.isfinite(self.lower) and math.isfinite(self.upper):
            return np.asarray(self.lower + np.mod(values - self.lower, self.upper - self.lower))
        if math.isfinite(self.lower):
            return np.asarray(self.lower + np.abs(values - self.lower))
        return np.asarray(self.upper - np.abs(values - self.upper)) if math.isfinite(self.upper) else values


def _intersection(first: tuple[Interval, ...], second: tuple[Interval, ...]) -> tuple[Interval, ...]:
    return tuple(both for one in first for other in second if (both := one.intersect(other)) is not None)


@dataclass(frozen=True)
class Domain:
    """A union of intervals."""

    intervals: tuple[Interval, ...]

    @staticmethod
    def of(*operands: Operand) -> Domain:
        """Read the domain of an operand, or of several that are one and the same variable."""
        found = [tuple(Interval.read(text) for text in operand.domain) for operand in operands]
        return Domain(reduce(_intersection, found))

    @cached_property
    def whole(self) -> bool:
        """Whether every finite number is in it."""
        return any(math.isinf(i.lower) and math.isinf(i.upper) for i in self.intervals)

    def contains(self, values: Array) -> Array:
        """Return where float64 values lie in the domain."""
        result = self.intervals[0].contains(values)
        for interval in self.intervals[1:]:
            result = result | interval.contains(values)
        return result

    def contains_with_room(self, values: Array, room: float) -> bool:
        """Whether all values lie in the domain, that far from its finite ends."""
        if self.whole:
            return True
        inside = [(values >= i.lower + room) & (values <= i.upper - room) for i in self.intervals]
        return bool(np.logical_or.reduce(inside).all())

    def fold(self, values: Array) -> Array:
        """Move the values outside the domain to its first interval."""
        if self.whole:
            return values
        inside = self.contains(values)
        return values if inside.all() else np.where(inside, values, self.intervals[0].fold(values))

    def edges(self, facts: Dtype) -> Iterable[float]:
        """Return the ends and their neighbours in a dtype."""
        for interval in self.intervals:
            for end, inwards in ((interval.lower, math.inf), (interval.upper, -math.inf)):
                if math.isfinite(end):
                    near = np.asarray(end).astype(facts.numpy)
                    yield from (end, float(np.nextafter(near, np.asarray(inwards).astype(facts.numpy))))


def rounded(values: Array, facts: Dtype) -> Array:
    """Round float64 values to finite numbers of a dtype, kept as float64."""
    return np.clip(values, -facts.largest, facts.largest).astype(facts.numpy).astype(np.float64)


def kink_numbers(page: Primitive, operand: Operand) -> tuple[float, ...]:
    """Return the numbers at which an operand meets a kink of the page, such as 0 for ``x == 0``."""
    found = []
    for kink in page.kinks:
        left, _, right = kink.where.partition(" == ")
        if left == operand.name:
            try:
                found.append(float(right))
            except ValueError:  # an operand or an attribute, which the case knows
                continue
    return tuple(found)


def boundary(page: Primitive, operands: tuple[Operand, ...], facts: Dtype) -> Array:
    """Return the values of a dtype at which a variable's gradient tends to break, the simplest first.

    The variable is used as each of the operands.
    """
    domain = Domain.of(*operands)
    tiny, small, huge = facts.smallest_subnormal, facts.smallest_normal, facts.largest
    numbers = [
        *(number for operand in operands for number in kink_numbers(page, operand)),
        *(0.0, -0.0, 1.0, -1.0),
        *(number for operand in operands for number in operand.boundary),
        *domain.edges(facts),
        *(tiny, -tiny, small, -small, huge, -huge),
    ]
    values = rounded(np.array(numbers), facts)
    values = values[domain.contains(values)]
    distinct = dict.fromkeys(zip(values.tolist(), np.signbit(values).tolist(), strict=True))
    return np.array([value for value, _ in distinct])
