"""Steps on single numbers, in plain Python."""

from __future__ import annotations

import math


def share(x1: float, x2: float) -> float:
    """1 if x1 is larger, 0 if x2 is; equal ones share."""
    return 1.0 if x1 > x2 else 0.0 if x1 < x2 else 0.5


def inverse_erf(x: float) -> float:
    """The number whose error function is x: a first guess, and Newton's steps by erf or, near 1, by erfc."""
    size = abs(x)
    if size >= 1:
        return math.copysign(math.inf, x) if size == 1 else math.nan
    if size < 1e-8:
        return x * math.sqrt(math.pi) / 2
    rest = math.log1p(-size * size)
    half = 2 / (0.147 * math.pi) + rest / 2
    z = math.sqrt(math.sqrt(half * half - rest / 0.147) - half)
    for _ in range(4):
        over = math.erf(z) - size if size < 0.5 else (1 - size) - math.erfc(z)
        z -= over * math.sqrt(math.pi) / 2 * math.exp(z * z)
    return math.copysign(z, x)


def bessel_i(order: int, x: float) -> float:
    """The modified Bessel function of the first kind: its power series, in integers."""
    if abs(x) > 720:
        return math.inf if x > 0 or order == 0 else -math.inf
    above, below = x.as_integer_ratio()
    one = 1 << 200
    term, total, k = one, one, 0
    while term:
        k += 1
        term = term * above * above // (4 * below * below * k * (k + order))
        total += term
    try:
        return total / one * (x / 2) ** order
    except OverflowError:
        return math.copysign(math.inf, x) if order else math.inf


def erfinv(x: float) -> float:
    """The inverse of the error function."""
    return inverse_erf(x)


def i0(x: float) -> float:
    """The modified Bessel function of order 0."""
    return bessel_i(0, x)


def i1(x: float) -> float:
    """The modified Bessel function of order 1."""
    return bessel_i(1, x)
