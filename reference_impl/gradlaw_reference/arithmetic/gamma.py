"""The logarithm of the gamma function and its derivatives, the polygamma functions, of balls.

flint has them of numbers above 0, and sharp ones of exact numbers. Below 0 they are reflected; of a wide ball between
two poles, the ends or the derivative say what it may be. Source: *NIST Digital Library of Mathematical Functions*,
sections 5.5, 5.15 and 25.11.
"""

from __future__ import annotations

import math
from functools import cache

from flint import arb

from gradlaw_reference.arithmetic.sets import ANYTHING


@cache
def _derivative_of_cotangent(order: int) -> tuple[int, ...]:
    """Return the derivative of that order of ``cot(x)``, a polynomial in it: coefficients, the constant one first."""
    found: tuple[int, ...] = (0, 1)
    for _ in range(order):
        slope = [power * factor for power, factor in enumerate(found)][1:]
        found = tuple(-(low + high) for low, high in zip((*slope, 0, 0), (0, 0, *slope), strict=True))
    return found


def _polygamma_at(order: int, x: arb) -> arb:
    """Return the polygamma function of an exact number that is no pole."""
    if order == 0:
        return x.digamma()
    if x > 0:
        return (-1) ** (order + 1) * arb(math.factorial(order)) * arb(order + 1).zeta(x)
    cotangent, pi = x.cot_pi(), arb.pi()
    total = arb(0)
    for factor in reversed(_derivative_of_cotangent(order)):
        total = total * cotangent + factor
    return (-1) ** order * _polygamma_at(order, 1 - x) - pi ** (order + 1) * total


def _is_regular(x: arb) -> bool:
    """Whether a ball has no pole in it."""
    return bool(x.is_finite()) and bool(x > 0 or arb(x.lower()).floor() == arb(x.upper()).ceil() - 1)


def polygamma(x: arb, order: int) -> arb:
    """Return the derivative of that order of the digamma function.

    It is monotonic between two poles where the order is even, and above 0.
    """
    if not _is_regular(x):
        return ANYTHING
    if x.is_exact():
        return _polygamma_at(order, x)
    if order % 2 and not x > 0:
        middle = arb(x.mid())
        return _polygamma_at(order, middle) + (x - middle) * polygamma(x, order + 1)
    return _polygamma_at(order, arb(x.lower())).union(_polygamma_at(order, arb(x.upper())))


def _gammaln_at(x: arb) -> arb:
    """Return the logarithm of the gamma function's magnitude at an exact number that is no pole."""
    return x.lgamma() if x > 0 else (arb.pi() / abs(x.sin_pi())).log() - (1 - x).lgamma()


def gammaln(x: arb) -> arb:
    """Return the logarithm of the gamma function's magnitude; its slope is the digamma function."""
    if not _is_regular(x):
        return ANYTHING
    if x.is_exact():
        return _gammaln_at(x)
    middle = arb(x.mid())
    return _gammaln_at(middle) + (x - middle) * polygamma(x, 0)
