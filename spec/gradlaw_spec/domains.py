"""Where an operand may lie, and where it meets a kink: parsed once, where a page is loaded."""

from __future__ import annotations

import math
import re
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from gradlaw_spec.array import Array

TIES: Final = "ties"
"""How a page writes that several elements of a reduction are the largest (or the smallest) alike."""

HOLES: Final = MappingProxyType({" without integers": 0.0, " without halves": 0.5})
"""What stands behind an interval whose integers are left out, or the numbers halfway between them."""


class Read:
    """A value that a page writes as text.

    It is no dataclass, since msgspec would then ask the page for its fields one by one.
    """

    __slots__: tuple[str, ...] = ()

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is read-only")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Read) and type(self) is type(other) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        return f"{type(self).__name__}.read({str(self)!r})"


class Interval(Read):
    """An interval of real numbers.

    ``lower`` and ``upper`` are its ends, which may be infinite; ``lower_closed`` and ``upper_closed`` say whether an
    end belongs to it. Where it is ``broken``, integers plus ``hole`` are left out: the poles of a function, or where it
    jumps.
    """

    __slots__ = ("broken", "hole", "lower", "lower_closed", "upper", "upper_closed")
    lower: float
    upper: float
    lower_closed: bool
    upper_closed: bool
    broken: bool
    hole: float

    def __init__(
        self,
        lower: float,
        upper: float,
        lower_closed: bool,
        upper_closed: bool,
        broken: bool = False,
        hole: float = 0.0,
    ) -> None:
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        object.__setattr__(self, "lower_closed", lower_closed)
        object.__setattr__(self, "upper_closed", upper_closed)
        object.__setattr__(self, "broken", broken)
        object.__setattr__(self, "hole", hole)

    @staticmethod
    def read(text: str) -> Interval:
        """Read ``"(0, inf)"``, ``"[-1, 1]"``, ``"(-inf, 0) without integers"``; raise ValueError for anything else."""
        hole = next((words for words in HOLES if text.strip().endswith(words)), "")
        ends = text.strip().removesuffix(hole)
        opening, inner, closing = ends[:1], ends[1:-1], ends[-1:]
        try:
            lower, upper = (float(end) for end in inner.split(","))
        except ValueError:
            lower = upper = math.nan
        if not lower < upper or opening not in ("(", "[") or closing not in (")", "]"):
            raise ValueError("Expected an interval such as '(0, inf)'")
        return Interval(lower, upper, opening == "[", closing == "]", bool(hole), HOLES.get(hole, 0.0))

    def __str__(self) -> str:
        ends = f"{'[' if self.lower_closed else '('}{self.lower:g}, {self.upper:g}{']' if self.upper_closed else ')'}"
        return ends + next((words for words, hole in HOLES.items() if self.broken and hole == self.hole), "")

    @property
    def open_ends(self) -> tuple[float, ...]:
        """The finite ends that do not belong to it, where a local derivative may be infinite."""
        ends = ((self.lower, self.lower_closed), (self.upper, self.upper_closed))
        return tuple(end for end, closed in ends if math.isfinite(end) and not closed)

    def contains(self, values: Array) -> Array:
        """Return where float64 values lie in the interval."""
        above = values >= self.lower if self.lower_closed else values > self.lower
        below = values <= self.upper if self.upper_closed else values < self.upper
        return np.asarray(above & below & (np.mod(values, 1) != self.hole) if self.broken else above & below)

    def contains_with_room(self, values: Array, room: float) -> Array:
        """Return where float64 values lie in the interval, that far from its ends and from what it leaves out."""
        inside = (values >= self.lower + room) & (values <= self.upper - room)
        if not self.broken:
            return np.asarray(inside)
        return np.asarray(inside & (np.abs(values - self.hole - np.round(values - self.hole)) >= room))

    def intersect(self, other: Interval) -> Interval | None:
        """Return what two intervals share; None where that is nothing, or one point."""
        lower, upper = max(self.lower, other.lower), min(self.upper, other.upper)
        lower_closed = all(i.lower_closed for i in (self, other) if i.lower == lower)
        upper_closed = all(i.upper_closed for i in (self, other) if i.upper == upper)
        holes = {interval.hole for interval in (self, other) if interval.broken}
        if len(holes) > 1:
            raise ValueError(f"Expected no intervals with holes of two kinds: {self}, {other}")
        return Interval(lower, upper, lower_closed, upper_closed, bool(holes), *holes) if lower < upper else None

    def fold(self, values: Array) -> Array:
        """Return values moved into the interval, up to its ends: reflected at one, wrapped between two."""
        if math.isfinite(self.lower) and math.isfinite(self.upper):
            return np.asarray(self.lower + np.mod(values - self.lower, self.upper - self.lower))
        if math.isfinite(self.lower):
            return np.asarray(self.lower + np.abs(values - self.lower))
        if math.isfinite(self.upper):
            return np.asarray(self.upper - np.abs(values - self.upper))
        beside = 0.5 + self.hole + np.mod(np.floor(values), 4)  # a number that every dtype holds
        return np.where(self.contains(values), values, beside) if self.broken else values


WHOLE: Final = Interval(-math.inf, math.inf, False, False)
"""The domain that has every finite number."""
INTEGERS: Final = "integers"
"""How a page writes that a number is whole."""


class Values(Read):
    """The numbers that an operand may have in a region: one number, an interval, or the integers.

    ``interval`` has them all; ``whole`` says that only integers count.
    """

    __slots__ = ("interval", "whole")
    interval: Interval
    whole: bool

    def __init__(self, interval: Interval, whole: bool) -> None:
        object.__setattr__(self, "interval", interval)
        object.__setattr__(self, "whole", whole)

    @staticmethod
    def read(text: str) -> Values:
        """Read ``"0"``, ``"[0, inf)"`` or ``"integers"``; raise ValueError for anything else."""
        if text == INTEGERS:
            return Values(Interval(-math.inf, math.inf, False, False), True)
        if text[:1] in ("(", "["):
            return Values(Interval.read(text), False)
        try:
            number = float(text)
        except ValueError:
            raise ValueError("Expected a number, an interval such as '[0, inf)', or 'integers'") from None
        return Values(Interval(number, number, True, True), False)

    def __str__(self) -> str:
        one = self.interval.lower == self.interval.upper
        return INTEGERS if self.whole else f"{self.interval.lower:g}" if one else str(self.interval)

    def contains(self, values: Array) -> Array:
        """Return where finite float64 values are such numbers."""
        inside = self.interval.contains(values)
        return np.asarray(inside & (values == np.floor(values))) if self.whole else inside


class Meeting(Read):
    """Where a kink is: an operand meets a number, another operand or an attribute; or elements of a reduction tie.

    ``operand`` is the operand's name (empty: ties); ``other`` a number, or the name of an operand or attribute.
    """

    __slots__ = ("operand", "other")
    operand: str
    other: float | str

    def __init__(self, operand: str, other: float | str) -> None:
        object.__setattr__(self, "operand", operand)
        object.__setattr__(self, "other", other)

    @staticmethod
    def read(text: str) -> Meeting:
        """Read ``"x == 0"``, ``"x1 == x2"``, ``"x == min"`` or ``"ties"``; raise ValueError for anything else."""
        if text == TIES:
            return Meeting("", TIES)
        found = re.fullmatch(r"([A-Za-z_]\w*) == (\S+)", text)
        if found is None:
            raise ValueError("Expected an equality such as 'x == 0', or 'ties'")
        operand, other = found.groups()
        if other.isidentifier():
            return Meeting(operand, other)
        try:
            return Meeting(operand, float(other))
        except ValueError:
            raise ValueError("Expected a number or a name after ==, such as 'x == 0'") from None

    @property
    def ties(self) -> bool:
        """Whether it is where elements of a reduction tie."""
        return not self.operand

    def __str__(self) -> str:
        if self.ties:
            return TIES
        return f"{self.operand} == {self.other if isinstance(self.other, str) else format(self.other, 'g')}"
