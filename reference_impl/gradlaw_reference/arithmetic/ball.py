"""Ball arithmetic, and the rounding model of the law book on top of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
from flint import arb, fmpq

from gradlaw_reference.arithmetic.objects import Objects, elementwise
from gradlaw_reference.arithmetic.protocol import Axes, Data, objects
from gradlaw_spec import Dtype, dtype

ANYTHING: Final = arb("nan")
"""The set of all numbers with inf and nan: what is left after an overflow or outside a domain."""
ZERO, ONE, SOME = arb(0), arb(1), arb(0.5, 0.5)
UNIT: Final = arb(0, 1)


def _ball(value: Any) -> arb:
    if isinstance(value, arb):
        return value
    if isinstance(value, fmpq):
        return arb(value)
    number = value if isinstance(value, int) else float(value)
    return arb(number) if math.isfinite(number) else ANYTHING


def _ball_sigmoid(x: arb) -> arb:
    return 1 / (1 + (-x).exp()) if x > 0 else 1 - 1 / (1 + x.exp()) if x > -1 else _decayed(x.exp())


def _decayed(power: arb) -> arb:
    return power / (1 + power)


def _ball_softplus(x: arb) -> arb:
    return x + (-x).exp().log1p() if x > 0 else x.exp().log1p()


def _ball_power(x: arb, y: arb) -> arb:
    if x == 0 and y > 0:
        return ZERO
    return x**y


def _ball_share(x: arb, y: arb) -> arb:
    return ONE if x > y else ZERO if x < y else SOME


def _ball_square(x: arb) -> arb:
    return x * x if x.is_exact() else x**2


BALL_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "add": arb.__add__,
    "subtract": arb.__sub__,
    "multiply": arb.__mul__,
    "divide": arb.__truediv__,
    "negative": arb.__neg__,
    "abs": arb.__abs__,
    "pow": _ball_power,
    "square": _ball_square,
    "reciprocal": lambda x: 1 / x,
    "sigmoid": _ball_sigmoid,
    "softplus": _ball_softplus,
    "maximum": arb.max,
    "minimum": arb.min,
}


def _ball_function(name: str) -> Callable[..., Any]:
    return BALL_FUNCTIONS.get(name) or getattr(arb, name)


def _widening(accuracy: int, of: Dtype, tiny: float) -> Callable[[arb], arb]:
    """Return the rounding of one result: ``|r~ - r| <= k u |r| + t``, anything past the largest number.

    Among the subnormals, k half units are ``k / 2`` times the smallest one: *t* is at least that.
    """
    tail = arb(0, max(tiny, accuracy / 2 * of.smallest_subnormal))
    factor, largest = arb(1, accuracy * of.unit_roundoff), arb(of.largest)

    def widen(exact: arb) -> arb:
        if exact == ZERO:
            return exact
        rounded = exact * factor + tail
        return rounded if abs(rounded) <= largest else ANYTHING

    return widen


FusedStep = tuple[str, int, tuple[int, ...]]
_make: Final = elementwise(_ball, 1)


BINARY: Final = ("add", "subtract", "multiply", "divide", "pow", "maximum", "minimum")


@cache
def _ball_operation(name: str, accuracy: int, of: Dtype | None, tiny: float) -> Callable[..., Data]:
    """Return an elementwise function with its rounding in one pass, the hot path of certification."""
    return elementwise(_rounded_function(name, accuracy, of, tiny), 2 if name in BINARY else 1)


@cache
def _rounded_function(name: str, accuracy: int, of: Dtype | None, tiny: float) -> Callable[..., arb]:
    """Return a function of single balls, with the rounding of its result."""
    function = _ball_function(name)
    if of is None or accuracy == 0:
        return function
    widen = _widening(accuracy, of, tiny)
    if name in ("add", "subtract", "multiply"):
        held = _holding(of, tiny)

        def once(x: arb, y: arb) -> arb:
            # Rounded correctly, as IEEE 754 asks: a result that the dtype holds is that result.
            result = function(x, y)
            return result if result.is_exact() and held(result) else widen(result)

        return once
    if name in BINARY:
        return lambda x, y: widen(function(x, y))
    return lambda x: widen(function(x))


def _holding(of: Dtype, tiny: float) -> Callable[[arb], bool]:
    """Return whether an exact number is one of the dtype's (below ``tiny`` it may be flushed: only 0 is)."""
    numpy, name = of.numpy.type, of.name
    smallest, largest = arb(tiny), arb(of.largest)

    def held(exact: arb) -> bool:
        if exact == 0:
            return True
        near = float(exact)
        if not smallest <= abs(exact) <= largest:
            return False
        return exact == (near if name == "float64" else float(numpy(near)))  # type: ignore[no-any-return]

    return held


@cache
def _widening_pass(accuracy: int, of: Dtype, tiny: float) -> Callable[..., Data]:
    return elementwise(_widening(accuracy, of, tiny), 1)


class Ball(Objects):
    """Ball arithmetic (``flint.arb``): certified values, and with a dtype the rounding model on top.

    ``Ball()`` is exact arithmetic at ``precision`` bits; ``Ball("float32")`` encloses every result that
    an implementation in float32 may return. Source: F. Johansson, Arb: efficient arbitrary-precision
    midpoint-radius interval arithmetic, IEEE Trans. Computers 66 (2017).
    """

    zero, one = ZERO, ONE

    def __init__(self, name: str | None = None, *, flushes_subnormals: bool = False, precision: int = 128) -> None:
        self.name = "ball" if name is None else f"ball of {name}"
        self.dtype = None if name is None else dtype(name)
        self.rounds = name is not None
        self.flushes_subnormals = flushes_subnormals
        self.precision = precision
        self.tiny = 0.0 if self.dtype is None else self.dtype.tiny(flushes_subnormals)
        self.kept: dict[tuple[str, int], Callable[..., Data]] = {}
        self._rounded: dict[tuple[str, int], Callable[..., Data]] = {}

    def asarray(self, value: Any) -> Data:
        made = _make(value if isinstance(value, np.ndarray) else objects(value))
        if self.flushes_subnormals and self.dtype is not None:
            smallest = self.dtype.smallest_normal
            made = elementwise(lambda x: x.union(ZERO) if 0 < abs(x) < smallest else x, 1)(made)
        return made

    def constant(self, value: float) -> Data:
        exact = arb(value)
        if self.dtype is None or float(self.dtype.numpy.type(value)) == value:
            return objects(exact)
        return objects(_widening(1, self.dtype, self.tiny)(exact))

    def widen(self, value: Data, accuracy: int) -> Data:
        if self.dtype is None or accuracy == 0:
            return value
        return _widening_pass(accuracy, self.dtype, self.tiny)(value)

    def elementary(self, function: str, *operands: Data) -> Data:
        return _ball_operation(function, 0, None, 0.0)(*operands)

    def rounded(self, function: str, accuracy: int, *operands: Data) -> Data:
        """Compute an elementwise function and round it, in one pass over the elements."""
        key = (function, accuracy)
        if key not in self._rounded:
            self._rounded[key] = _ball_operation(function, accuracy, self.dtype, self.tiny)
        return self._rounded[key](*operands)

    def after(self, share: Data, value: Data) -> Data:
        return elementwise(lambda x, before: x if before.is_finite() else ANYTHING, 2)(share, value)

    def fused(
        self, operands: int, steps: tuple[FusedStep, ...], constants: tuple[float, ...], ends: tuple[int, ...]
    ) -> Callable[..., Data]:
        """Return several formulas as one function of elements: the hull of what each may give when rounded.

        A step is a function's name, its accuracy and the places of its operands: first the function's own
        operands, then the constants, then the steps' results. ``ends`` are the places of the formulas' results.
        """
        made = [self.constant(number).item() for number in constants]
        plan = [(_rounded_function(name, k, self.dtype, self.tiny), places[0], places[1:]) for name, k, places in steps]

        def compute(*values: arb) -> arb:
            known = [*values, *made]
            for function, first, second in plan:
                known.append(function(known[first], known[second[0]]) if second else function(known[first]))
            result = known[ends[0]]
            for end in ends[1:]:
                result = result.union(known[end])
            return result

        return elementwise(compute, operands)

    def share(self, first: Data, second: Data) -> Data:
        return elementwise(_ball_share, 2)(first, second)

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

    def _reduced(self, value: Data, magnitude: Data, terms: int, accuracy: int) -> Data:
        """Round a sum of that many terms, in any order: ``(n + k) u sum|terms| + 2 n t``.

        Each product of a contraction and each partial sum may be subnormal, and flushed.
        """
        if self.dtype is None or terms < 2:
            return value
        factor, tail = arb((terms + accuracy) * self.dtype.unit_roundoff), arb(2 * terms * self.tiny)
        largest = arb(self.dtype.largest)

        def widen(total: arb, size: arb) -> arb:
            if size == 0:
                return total
            return total + UNIT * (factor * size + tail) if size * (1 + factor) <= largest else ANYTHING

        return elementwise(widen, 2)(value, magnitude)

    def sum(self, value: Data, axes: Axes, accuracy: int) -> Data:
        total = self.exact_sum(value, axes)
        terms = math.prod(value.shape[axis] for axis in axes)
        if self.dtype is None or terms < 2:
            return total
        return self._reduced(total, self.exact_sum(np.absolute(value), axes), terms, accuracy)

    def prod(self, value: Data, axes: Axes, accuracy: int) -> Data:
        total = self.exact_prod(value, axes)
        terms = math.prod(value.shape[axis] for axis in axes)
        if self.dtype is None or terms < 2:
            return total
        # In any order, a partial product is at most the product of the factors above 1, and an
        # underflow in it is carried on by at most that.
        above = self.exact_prod(elementwise(lambda x: abs(x).max(ONE), 1)(value), axes)
        factor, tail = arb((terms + accuracy) * self.dtype.unit_roundoff), arb(terms * self.tiny)
        largest = arb(self.dtype.largest)

        def widen(product: arb, bound: arb) -> arb:
            if not bound * (1 + factor) <= largest:
                return ANYTHING
            return product if product == 0 else product + UNIT * (factor * abs(product) + tail * bound)

        return elementwise(widen, 2)(total, above)

    def matmul(self, first: Data, second: Data, accuracy: int) -> Data:
        total = self.exact_matmul(first, second)
        if self.dtype is None or first.shape[-1] == 0:
            return total
        magnitude = self.exact_matmul(np.absolute(first), np.absolute(second))
        return self._reduced(total, magnitude, max(first.shape[-1], 2), accuracy)

    def scatter(self, value: Data, shape: Axes, index: Any) -> Data:
        total = self.exact_scatter(value, shape, index)
        counts = np.zeros(shape, dtype=int)
        np.add.at(counts, index, 1)
        most = int(counts.max(initial=0))
        if self.dtype is None or most < 2:
            return total
        magnitude = self.exact_scatter(np.absolute(value), shape, index)
        return np.where(counts < 2, total, self._reduced(total, magnitude, most, 1))

    def hull(self, first: Data, second: Data) -> Data:
        return elementwise(arb.union, 2)(first, second)
