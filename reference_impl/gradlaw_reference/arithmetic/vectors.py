"""Balls in two float64 arrays, for formulas over many elements in a dtype of half of float64's digits or fewer.

A ball is a middle and a radius, and every step does to all elements what flint does to one: the middle is the step's
result in float64, the radius holds what the operands' radii carry on, the step's own error, and the rounding that the
dtype is entitled to. The own error is known exactly (a sum's and a product's are numbers of float64: Dekker 1971,
Knuth's TwoSum) or from the exact residual (a quotient's, a root's), so a result that is exact has the radius 0, as a
ball of flint has. Radii are sums of numbers that are not negative; each is increased by ``UP``, which is more than what
the roundings of its few operations take away (each at most 2**-53 of the result).

An element is left to flint wherever this could fail: numbers so large or small that a product or its error leaves the
range, a divisor whose ball comes near 0, a set past the dtype's largest number. The radii are flint's but for the error
of float64, a part in some 10**8 beside the rounding of float32, and for quotients and roots of wide balls, which both
enclose in ways of their own. A number outside of such a ball is outside of the set.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np
from flint import arb

from gradlaw_reference.arithmetic.protocol import Data, objects
from gradlaw_spec import Dtype

Floats = np.ndarray[Any, np.dtype[np.float64]]
UP: Final = 1 + 2.0**-49
"""More than what eight roundings of float64, one after the other, take away."""
UNIT_ROUNDOFF: Final = 2.0**-53
COARSE: Final = 2.0**-24
"""The unit roundoff of the finest dtype for which float64 has digits to spare."""
SPLITTER: Final = 2.0**27 + 1
LARGE, SMALL = 2.0**400, 2.0**-400
"""Between these a product of two numbers, and its error, are normal numbers."""
MANY: Final = 32
"""Elements from which on arrays are quicker than single balls."""


class Balls(NamedTuple):
    """Balls of all elements, and where they hold."""

    middle: Floats
    radius: Floats
    sure: np.ndarray[Any, np.dtype[np.bool_]]


class FormulaStep(NamedTuple):
    """A step of a formula: what it is called, its k, whether it is correctly rounded, flint's way, and its operands.

    Without operands it is a number, ``ball()``.
    """

    name: str
    accuracy: int
    correct: bool
    ball: Callable[..., arb]
    places: tuple[int, ...]


_known: Final = dict[int, tuple[weakref.ref[Data], Balls]]()
"""What arrays that are still in use are in float64: the value of one step is an operand of several formulas."""


def enclosed(data: Data) -> Balls:
    """Return flint's balls as balls in float64."""
    found = _known.get(id(data))
    if found is not None and found[0]() is data:
        return found[1]
    with np.errstate(all="ignore"):
        middle, radius = (np.asarray(part, np.float64) for part in (_middles(data), _radii(data)))
        inexact = (radius > 0) | np.asarray(data != middle, bool)
        radius = np.where(inexact, (radius + 2 * UNIT_ROUNDOFF * np.abs(middle)) * UP, 0.0)
        balls = Balls(middle, radius, _ordinary(middle) & _ordinary(radius))
    return _remembered(data, balls)


def _remembered(data: Data, balls: Balls) -> Balls:
    """Keep what an array is in float64 as long as the array itself is kept."""
    if data.size >= MANY:
        key = id(data)
        _known[key] = weakref.ref(data, lambda _: _known.pop(key, None)), balls
    return balls


def _radius(ball: arb) -> float:
    return 0.0 if ball.is_exact() else float(ball.rad()) if ball.is_finite() else math.inf


_middles: Final = np.frompyfunc(float, 1, 1)
_radii: Final = np.frompyfunc(_radius, 1, 1)
_balls: Final = np.frompyfunc(arb, 2, 1)


def made(balls: Balls) -> Data:
    """Return balls of flint that have the same numbers inside, or more; those that are not sure are 0."""
    return objects(_balls(*(np.where(balls.sure, part, 0.0) for part in (balls.middle, balls.radius))))


def _ordinary(x: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    size = np.abs(x)
    return np.asarray((size == 0) | ((size > SMALL) & (size < LARGE)))


def _product(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return a product and its error, whose sum is exact (Dekker)."""
    product = x * y
    high_x, high_y = SPLITTER * x, SPLITTER * y
    high_x, high_y = high_x - (high_x - x), high_y - (high_y - y)
    low_x, low_y = x - high_x, y - high_y
    return product, ((high_x * high_y - product) + high_x * low_y + low_x * high_y) + low_x * low_y


def _between(low: Floats, high: Floats, largest: Floats) -> tuple[Floats, Floats]:
    """Return the ball between two ends, each of which is off by at most eight roundings of the largest number there."""
    return (low + high) / 2, (np.abs(high - low) / 2 + 8 * UNIT_ROUNDOFF * largest) * UP


class Steps:
    """Steps of balls, by the names of the primitives; what is not here is computed by flint."""

    @staticmethod
    def add(x: Balls, y: Balls) -> Balls:
        """Add; the error of a sum is a number of float64 (Knuth)."""
        total = x.middle + y.middle
        part = total - x.middle
        error = (x.middle - (total - part)) + (y.middle - part)
        return Balls(total, (x.radius + y.radius + np.abs(error)) * UP, x.sure & y.sure)

    @staticmethod
    def negative(x: Balls) -> Balls:
        """Turn the sign."""
        return Balls(-x.middle, x.radius, x.sure)

    @staticmethod
    def subtract(x: Balls, y: Balls) -> Balls:
        """Subtract."""
        return Steps.add(x, Steps.negative(y))

    @staticmethod
    def multiply(x: Balls, y: Balls) -> Balls:
        """Multiply."""
        product, error = _product(x.middle, y.middle)
        carried = np.abs(x.middle) * y.radius + np.abs(y.middle) * x.radius + x.radius * y.radius
        return Balls(product, (carried + np.abs(error)) * UP, x.sure & y.sure)

    @staticmethod
    def square(x: Balls) -> Balls:
        """Multiply by itself, where 0 is not inside; flint's square is never negative."""
        found = Steps.multiply(x, x)
        return found._replace(sure=found.sure & ((x.radius == 0) | (np.abs(x.middle) > x.radius)))

    @staticmethod
    def divide(x: Balls, y: Balls) -> Balls:
        """Divide, where the divisor's ball keeps away from 0; the residual of an exact quotient is exact."""
        quotient, size = x.middle / y.middle, np.abs(y.middle)
        product, error = _product(quotient, y.middle)
        residual = np.abs((x.middle - product) - error) / size * UP
        sure = x.sure & y.sure & (y.radius <= size / 2) & (size > 0) & _ordinary(quotient)
        tops, bottoms = (x.middle - x.radius, x.middle + x.radius), (y.middle - y.radius, y.middle + y.radius)
        ends = [top / bottom for top in tops for bottom in bottoms]
        largest = (np.abs(x.middle) + x.radius) / (size - y.radius)
        wide = _between(np.minimum.reduce(ends), np.maximum.reduce(ends), largest)
        exact = (x.radius == 0) & (y.radius == 0)
        return Balls(np.where(exact, quotient, wide[0]), np.where(exact, residual, wide[1]), sure)

    @staticmethod
    def reciprocal(x: Balls) -> Balls:
        """Divide 1."""
        one = np.ones_like(x.middle)
        return Steps.divide(Balls(one, np.zeros_like(one), x.sure), x)

    @staticmethod
    def sqrt(x: Balls) -> Balls:
        """Take the root, where the ball keeps away from 0; the residual of an exact root is exact."""
        root = np.sqrt(x.middle)
        product, error = _product(root, root)
        residual = np.abs((x.middle - product) - error) / root * UP
        sure = x.sure & (x.middle > 0) & (x.radius <= x.middle / 2)
        high = np.sqrt(x.middle + x.radius)
        wide = _between(np.sqrt(x.middle - x.radius), high, high)
        exact = x.radius == 0
        return Balls(np.where(exact, root, wide[0]), np.where(exact, residual, wide[1]), sure)

    @staticmethod
    def abs(x: Balls) -> Balls:
        """Take the size, where the sign is known."""
        size = np.abs(x.middle)
        return Balls(size, x.radius, x.sure & ((x.radius == 0) | (size > x.radius)))


def in_vectors(name: str) -> bool:
    """Whether a primitive is a step of arrays."""
    return hasattr(Steps, name)


def widened(exact: Balls, accuracy: int, of: Dtype, tiny: float, *, correct: bool) -> Balls:
    """Widen by the rounding of one result; with ``correct``, one that is exact and held by the dtype stays."""
    size = np.abs(exact.middle)
    tail = max(tiny, accuracy / 2 * of.smallest_subnormal)
    wide = (exact.radius + accuracy * of.unit_roundoff * (size + exact.radius) + tail) * UP
    stays = (size == 0) & (exact.radius == 0)
    if correct:
        kept = exact.middle.astype(of.numpy).astype(np.float64) == exact.middle
        stays |= (exact.radius == 0) & (size >= tiny) & (size <= of.largest) & kept
    radius = np.where(stays, exact.radius, wide)
    inside = stays | ((size + radius) * UP <= of.largest)
    return Balls(exact.middle, radius, exact.sure & inside & _ordinary(exact.middle))


def union(balls: Sequence[Balls]) -> Balls:
    """Return the hull of several balls of each element."""
    first = balls[0]
    for other in balls[1:]:
        low = np.minimum(first.middle - first.radius, other.middle - other.radius)
        high = np.maximum(first.middle + first.radius, other.middle + other.radius)
        same = (first.middle == other.middle) & (first.radius == other.radius)
        middle = np.where(same, first.middle, (low + high) / 2)
        apart = (high - low) / 2 + 4 * UNIT_ROUNDOFF * (np.abs(low) + np.abs(high))
        first = Balls(middle, np.where(same, first.radius, apart * UP), first.sure & other.sure)
    return first


def evaluated(
    steps: Sequence[FormulaStep],
    ends: Sequence[int],
    inputs: Sequence[Data],
    constants: Sequence[arb],
    of: Dtype,
    tiny: float,
    slow: Callable[..., arb],
) -> Data:
    """Return the hull of what formulas may give, element by element; ``slow`` computes the elements that are left out.

    Inputs broadcast; places count the inputs, then the constants, then the steps.
    """
    with np.errstate(all="ignore"):
        known = [enclosed(data) for data in (*inputs, *map(objects, constants))]
        for step in steps:
            known.append(_taken(step, [known[place] for place in step.places], of, tiny))
        found = union([known[end] for end in ends])
    shape = np.broadcast_shapes(*(data.shape for data in inputs))
    middle, radius, sure = np.broadcast_to(found.middle, shape), np.broadcast_to(found.radius, shape), found.sure
    found = Balls(middle, radius, np.broadcast_to(sure, shape))
    result = made(found)
    if found.sure.all():
        _remembered(result, found)
        return result
    left = ~found.sure
    spread = [np.broadcast_to(data, shape)[left] for data in inputs]
    result[left] = np.frompyfunc(slow, len(inputs), 1)(*spread)
    return result


def _taken(step: FormulaStep, operands: list[Balls], of: Dtype, tiny: float) -> Balls:
    """Return the balls of a step, with its rounding."""
    if not operands:
        return enclosed(objects(step.ball()))
    vector = getattr(Steps, step.name, None)
    if vector is not None:
        exact: Balls = vector(*operands)
        return widened(exact, step.accuracy, of, tiny, correct=step.correct) if step.accuracy else exact
    balls = list(map(made, operands))
    found = enclosed(objects(np.frompyfunc(step.ball, len(balls), 1)(*balls)))
    return found._replace(sure=reduce(np.logical_and, (operand.sure for operand in operands), found.sure))
