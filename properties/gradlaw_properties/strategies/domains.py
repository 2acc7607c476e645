"""Domains of operands as sets of numbers of a dtype, and the values at which gradients tend to break."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from gradlaw_spec import Array, Dtype, Interval, Operand, Primitive


def _intersection(first: tuple[Interval, ...], second: tuple[Interval, ...]) -> tuple[Interval, ...]:
    return tuple(both for one in first for other in second if (both := one.intersect(other)) is not None)


@dataclass(frozen=True)
class Domain:
    """A union of intervals."""

    intervals: tuple[Interval, ...]

    @staticmethod
    def of(*operands: Operand) -> Domain:
        """Read the domain of an operand, or of several that are one and the same variable."""
        return Domain(reduce(_intersection, (operand.domain for operand in operands)))

    @cached_property
    def whole(self) -> bool:
        """Whether every finite number is in it."""
        return any(math.isinf(i.lower) and math.isinf(i.upper) and not i.broken for i in self.intervals)

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
        inside = [interval.contains_with_room(values, room) for interval in self.intervals]
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
    meetings = (kink.where for kink in page.kinks if kink.where.operand == operand.name)
    return tuple(meeting.other for meeting in meetings if isinstance(meeting.other, float))


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
