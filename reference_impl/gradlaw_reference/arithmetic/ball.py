"""Ball arithmetic: certified values, each a midpoint with a radius that has the exact value inside."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any, Final, Self, cast

import numpy as np
from flint import arb, fmpq

from gradlaw_reference.arithmetic.factorisations import BALL_FACTORISATIONS, of_matrices
from gradlaw_reference.arithmetic.gamma import gammaln, polygamma
from gradlaw_reference.arithmetic.matrices import ball_determinant, ball_inverse, ball_solution, of_each
from gradlaw_reference.arithmetic.objects import Objects, elementwise
from gradlaw_reference.arithmetic.ordering import arranged, in_order, order_of
from gradlaw_reference.arithmetic.protocol import Data, objects
from gradlaw_reference.arithmetic.sets import ANYTHING, ONE, SOME, ZERO
from gradlaw_spec import Step, interpret, load_primitives, parse_formula

MOST_EXPONENT: Final = 2**12
"""An exponential of more overflows in every dtype."""
FAR_OUT, SERIES_TERMS = 1000, 20
"""From here on so many terms of an asymptotic series have more digits than are asked for."""


def _ball(value: Any) -> arb:
    if isinstance(value, arb):
        return value
    if isinstance(value, fmpq):
        return arb(value)
    number = value if isinstance(value, int) else float(value)
    return ANYTHING if math.isnan(number) else arb(number)


def _sigmoid(x: arb) -> arb:
    return 1 / (1 + (-x).exp()) if x > 0 else 1 - 1 / (1 + x.exp()) if x > -1 else _decayed(x.exp())


def _decayed(power: arb) -> arb:
    return power / (1 + power)


def _softplus(x: arb) -> arb:
    return x + (-x).exp().log1p() if x > 0 else x.exp().log1p()


def _power(x: arb, y: arb) -> arb:
    return ZERO if x == 0 and y > 0 else x**y


def _share(x: arb, y: arb) -> arb:
    return ONE if x > y else ZERO if x < y else SOME


def _blend(part: arb, first: arb, second: arb) -> arb:
    return first if part == 1 else second if part == 0 else first.union(second)


def _bessel(x: arb, order: arb) -> arb:
    """Both functions grow with their operand, that of order 0 to either side of 0; a wide ball's series is slow."""
    if x.is_exact() and abs(x) < MOST_EXPONENT:
        return x.bessel_i(order)
    ends = (arb(x.lower()), arb(x.upper()))
    if not all(abs(end) < MOST_EXPONENT for end in ends):
        return ANYTHING
    found: arb = ends[0].bessel_i(order).union(ends[1].bessel_i(order))
    return found if order == 1 or not x.contains(ZERO) else found.union(ONE)


def _log_ndtr_at(x: arb) -> arb:
    """Far out an asymptotic series has the exact value between two of its sums; elsewhere flint has the function."""
    if x > 0:
        return (-(x / arb(2).sqrt()).erfc() / 2).log1p()
    if x > -FAR_OUT:
        return ((-x / arb(2).sqrt()).erfc() / 2).log()
    total, term, step = arb(0), arb(1), -1 / (x * x)
    for odd in range(1, 2 * SERIES_TERMS, 2):
        total, term = total + term, term * odd * step
    return -(x * x) / 2 - (-x * (2 * arb.pi()).sqrt()).log() + total.union(total + term).log()


def _log_ndtr(x: arb) -> arb:
    """The function grows with its operand."""
    if not x.is_finite():
        return ANYTHING
    return _log_ndtr_at(x) if x.is_exact() else _log_ndtr_at(arb(x.lower())).union(_log_ndtr_at(arb(x.upper())))


def _angle(x: arb, y: arb) -> arb:
    """On the negative axis the sign of a zero says which end it is; balls have no signed zeros, so both are meant."""
    angle: arb = arb.atan2(x, y)
    return angle.union(-angle) if x == 0 and y < 0 else angle


def _square(x: arb) -> arb:
    if x.is_exact() or not x.contains(ZERO):
        return x * x
    most = abs(x).upper()  # flint's x**2 is nan here
    return ZERO.union(most * most)


def _nearest_integer(x: arb) -> arb:
    """Return the integer that is nearest to an exact number; the even one of two."""
    above = (x + arb(0.5)).floor()
    tie = above - x == arb(0.5)
    return above - 1 if tie and not (above / 2).is_integer() else above


def _integer(nearby: Callable[[arb], arb]) -> Callable[[arb], arb]:
    """Return a step function that does not fall, of balls: from the step of one end to that of the other."""

    def step(x: arb) -> arb:
        if not x.is_finite():
            return x if x.is_exact() and not x.is_nan() else ANYTHING
        return nearby(x) if x.is_exact() else nearby(arb(x.lower())).union(nearby(arb(x.upper())))

    return step


BALL_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "add": arb.__add__,
    "subtract": arb.__sub__,
    "multiply": arb.__mul__,
    "divide": arb.__truediv__,
    "negative": arb.__neg__,
    "abs": arb.__abs__,
    "pow": _power,
    "square": _square,
    "reciprocal": lambda x: 1 / x,
    "atan2": _angle,
    "elu": lambda x: x.max(ZERO) + x.min(ZERO).expm1(),
    "exp2": lambda x: arb(2) ** x,
    "log2": lambda x: x.log() / arb(2).log(),
    "log10": lambda x: x.log() / arb(10).log(),
    "i0": lambda x: _bessel(x, ZERO),
    "i1": lambda x: _bessel(x, ONE),
    "digamma": lambda x: polygamma(x, 0),
    "polygamma": lambda x, n: polygamma(x, int(n.unique_fmpz())),
    "gammaln": gammaln,
    "log_ndtr": _log_ndtr,
    "sign": arb.sgn,
    "floor": _integer(arb.floor),
    "ceil": _integer(arb.ceil),
    "trunc": _integer(lambda x: x.ceil() if x < 0 else x.floor()),
    "round": _integer(_nearest_integer),
    "hypot": lambda x, y: (x * x + y * y).sqrt(),
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "maximum": arb.max,
    "minimum": arb.min,
}
"""What flint does not have under the primitive's own name."""

_make: Final = elementwise(_ball, 1)


def ball_function(name: str) -> Callable[..., arb]:
    """Return an elementwise primitive as a function of single balls, unrounded: flint's, else the page's formula."""
    return BALL_FUNCTIONS.get(name) or getattr(arb, name, None) or _written(name)


@cache
def _written(name: str) -> Callable[..., arb]:
    """Return the formula of a page's value as a function of balls: operands, then attributes."""
    page = load_primitives()[name]
    names = (*(operand.name for operand in page.operands), *(attribute.name for attribute in page.attributes))
    program = parse_formula(page.value, names, load_primitives())

    def compute(*numbers: arb) -> arb:
        known = interpret(program, dict(zip(names, numbers, strict=True)), _step)
        return known[program.outputs[0]]

    return compute


def _step(step: Step, operands: tuple[Any, ...]) -> Any:
    """Compute a step of a formula; a comparison that balls leave open selects both sides."""
    if step.primitive == "where":
        condition, first, second = operands
        return _ball(first).union(_ball(second)) if condition is None else _ball(first if condition else second)
    balls = tuple(map(_ball, operands))
    compared = {"greater": operator.gt, "less": operator.lt, "equal": operator.eq}.get(step.primitive)
    if compared is None:
        return ball_function(step.primitive)(*balls)
    open_still = not compared(*balls) and balls[0].overlaps(balls[1]) and not all(ball.is_exact() for ball in balls)
    return None if open_still else compared(*balls)


@cache
def _exact(name: str) -> Callable[..., Data]:
    return elementwise(ball_function(name), load_primitives()[name].numbers)


class Ball(Objects):
    """Ball arithmetic (``flint.arb``) at ``precision`` bits: certified values.

    ``Ball("float32")`` is `Rounding`, which encloses every result that an implementation in float32 may return.
    Source: F. Johansson, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic, IEEE Trans.
    Computers 66 (2017).
    """

    name = "ball"
    zero, one = ZERO, ONE
    least_kept = 0.0
    """What is smaller may be taken for 0 where numbers are compared."""

    def __new__(cls, dtype_name: str | None = None, **options: Any) -> Self:
        """Make a `Rounding` where a dtype is named."""
        from gradlaw_reference.arithmetic.rounding import (
            Rounding,
        )  # a subclass: it cannot be imported before this class

        plain = dtype_name is None or cls is not Ball
        return object.__new__(cls if plain else cast(type[Self], Rounding))

    def __init__(self, dtype_name: str | None = None, *, precision: int = 128) -> None:
        self.precision = precision

    def asarray(self, value: Any) -> Data:
        return _make(value if isinstance(value, np.ndarray) else objects(value))

    def constant(self, value: float) -> Data:
        return objects(arb(value))

    def elementary(self, name: str, *operands: Data) -> Data:
        return _exact(name)(*operands)

    def determinant(self, matrix: Data) -> arb:
        return ball_determinant(matrix)

    def logarithms(self, value: Data) -> Data:
        return of_each(value, (), lambda matrix: abs(ball_determinant(matrix)).log())

    def factorised(self, name: str, value: Data) -> Data:
        return of_matrices(value, BALL_FACTORISATIONS[name])

    def inverse(self, matrix: Data) -> Data:
        return ball_inverse(matrix)

    def solution(self, matrix: Data, sides: Data) -> Data:
        return ball_solution(matrix, sides)

    def route(self, cotangent: Data, part: Data) -> Data:
        return _exact("multiply")(cotangent, part)

    def share(self, first: Data, second: Data) -> Data:
        return elementwise(_share, 2)(first, second)

    def blend(self, part: Data, first: Data, second: Data) -> Data:
        return elementwise(_blend, 3)(part, first, second)

    def within(self, cotangent: Data, squared: Fraction) -> Data:
        root = (arb(squared.numerator) / squared.denominator).sqrt()
        return elementwise(lambda g: g * root * arb(0, 1), 1)(cotangent)

    def opened(self, share: Data, where: Data) -> Data:
        return objects(np.where(where, objects(ANYTHING), share))

    def order(self, value: Data) -> Data:
        return order_of(value)

    def arranged(self, value: Data, order: Data) -> Data:
        return arranged(value, order)

    def sorted(self, value: Data) -> Data:
        return in_order(value, order_of(value), self.least_kept)

    def share_of_maximum(self, value: Data, axis: int) -> Data:
        if value.size == 0:
            return value
        floor = elementwise(lambda x: arb(x.lower()), 1)(value)
        largest = np.expand_dims(objects(np.maximum.reduce(floor, axis=axis)), axis)
        candidates = ~np.less(value, largest).astype(bool)
        alone = np.sum(candidates, axis=axis, keepdims=True) == 1
        result = self.filled(value.shape, ZERO)
        result[candidates] = SOME
        result[candidates & alone] = ONE
        return result
