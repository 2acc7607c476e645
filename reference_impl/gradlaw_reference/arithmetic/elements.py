"""The rounding of single balls: what an implementation in a dtype may return for one result."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from flint import arb

from gradlaw_reference.arithmetic.ball import ball_function
from gradlaw_reference.arithmetic.digits import digits_of
from gradlaw_reference.arithmetic.sets import ANYTHING, ZERO
from gradlaw_spec import Dtype, Primitive, load_primitives

Element = Callable[..., arb]
"""A function of single balls."""


@cache
def widening(accuracy: int, of: Dtype, tiny: float) -> Element:
    """Return the rounding of one result: ``|r~ - r| <= k u |r| + t``, anything past the largest number.

    Among the subnormals, k half units are ``k / 2`` times the smallest one: *t* is at least that.
    """
    tail = arb(0, max(tiny, accuracy / 2 * of.smallest_subnormal))
    factor, largest = arb(1, accuracy * of.unit_roundoff), arb(of.largest)

    def widen(exact: arb) -> arb:
        if exact == ZERO:
            return exact
        rounded = exact * factor + tail
        return rounded if abs(rounded) <= largest else _infinite(exact)

    return widen


def _infinite(exact: arb) -> arb:
    """Return a result past the largest number: an infinity that a program was given stays, all else is anything."""
    middle = exact.mid()
    return arb(middle) if not (middle.is_finite() or exact.is_nan()) and exact.rad().is_finite() else ANYTHING


@cache
def rounded(name: str, accuracy: int, of: Dtype, tiny: float) -> Element:
    """Return an elementwise primitive as a function of single balls, with the rounding of its result."""
    function, page = ball_function(name), load_primitives()[name]
    if page.pattern == "max-routes" and len(page.operands) == 2 and tiny == of.smallest_normal:
        return _flushed_comparison(function, of)
    if accuracy == 0:
        return function
    widen = (nearest if is_correct(page, accuracy) else widening)(accuracy, of, tiny)
    if page.numbers == 1:
        return lambda x: widen(function(x))
    return lambda *numbers: widen(function(*numbers))


def is_correct(page: Primitive, accuracy: int) -> bool:
    """Whether a result that the dtype holds is the exact one: IEEE 754 asks so, and no larger k was declared."""
    return page.rounding == "correct" and accuracy == page.accuracy


@cache
def regrouped(name: str, accuracy: int, of: Dtype, tiny: float) -> Element:
    """Return a product or quotient as a function of single balls, rounded where it is exact too.

    One step of a chain of products may be exact, and those of the same chain in another order need not be; only times
    a power of two, and by one, is exact in every order.
    """
    function = ball_function(name)
    widen, once = widening(accuracy, of, tiny), nearest(accuracy, of, tiny)

    def of_factors(*factors: arb) -> arb:
        scaled = any(digits_of(factor) <= 1 for factor in (factors[1:] if name == "divide" else factors))
        return (once if scaled else widen)(function(*factors))

    return of_factors


def _flushed_comparison(function: Element, of: Dtype) -> Element:
    """Return a choice of the larger (or smaller) operand for who compares subnormal numbers as zeros."""

    def choose(x: arb, y: arb) -> arb:
        subnormal = abs(x) < of.smallest_normal and abs(y) < of.smallest_normal
        return x.union(y) if subnormal else function(x, y)

    return choose


@cache
def nearest(accuracy: int, of: Dtype, tiny: float) -> Element:
    """Return the rounding of a result that, where the dtype holds it, is rounded to itself."""
    widen, held = widening(accuracy, of, tiny), _holding(of, tiny)
    return lambda exact: exact if exact.is_exact() and held(exact) else widen(exact)


@cache
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
