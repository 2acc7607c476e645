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


def whole_logarithm(above: int, below: int, one: int) -> int:
    """The logarithm of a fraction of at least 1, in parts of ``one``: of a power of 2, and a series."""
    twos = above.bit_length() - below.bit_length() - 1
    if twos < 0:
        return 0 if above == below else whole_logarithm(4 * above, below, one) - whole_logarithm(4, 1, one)
    down, up, total = above - (below << twos), above + (below << twos), 0
    for times, first, second in ((2 * twos, 1, 3), (2, down, up)):
        power, k = one * first // second, 1
        while power:
            total, power, k = total + times * power // k, power * first**2 // second**2, k + 2
    return total


def bernoulli() -> list[tuple[int, int]]:
    """The Bernoulli numbers of even order from 2 on, as fractions."""
    return [(1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510), (43867, 798)]


def cotangent_slope(order: int, x: float) -> float:
    """The derivative of that order of cot(pi x), a polynomial in it."""
    factors = [0, 1]
    for _ in range(order):
        slope = [power * factor for power, factor in enumerate(factors)][1:]
        factors = [-(low + high) for low, high in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    cotangent = 1 / math.tan(math.pi * (x - round(x)))
    return math.pi**order * sum(factor * cotangent**power for power, factor in enumerate(factors))


def psi(order: int, x: float) -> float:
    """The derivative of that order of the digamma function: in integers, up to its series for large ones."""
    if x <= 0 and x == math.floor(x):
        return math.nan
    if x < -1000:
        return (-psi(order, 1 - x) if order % 2 else psi(order, 1 - x)) - math.pi * cotangent_slope(order, x)
    above, below = x.as_integer_ratio()
    total: int = 0
    sign, size = 1 if order % 2 else -1, math.factorial(order)
    one = (1 << 300) * max(1, above // below) ** (order + 1)
    while above < (60 + order) * below:
        total += sign * size * one * below ** (order + 1) // above ** (order + 1)
        above += below
    rest = size * one * below // (2 * above) + (math.factorial(order - 1) * one if order else 0)
    for k, (b, c) in enumerate(bernoulli(), 1):
        factor = b * math.factorial(2 * k - 1 + order) * below ** (2 * k)
        rest += one * factor // (c * math.factorial(2 * k) * above ** (2 * k))
    total += sign * rest * below**order // above**order
    total += 0 if order else whole_logarithm(above, below, one)
    try:
        return float(total / one)
    except OverflowError:
        return sign * math.inf


def stirling(x: float) -> int:
    """The logarithm of the gamma function's magnitude and of a constant, in integers: 2**300 is one."""
    above, below = x.as_integer_ratio()
    one, top, bottom = 1 << 300, 1, 1
    while above < 60 * below:
        top, bottom, above = top * abs(above), bottom * below, above + below
    total = (2 * above - below) * whole_logarithm(above, below, one) // (2 * below) - one * above // below
    for k, (b, c) in enumerate(bernoulli(), 1):
        total += one * b * below ** (2 * k - 1) // (c * 2 * k * (2 * k - 1) * above ** (2 * k - 1))
    low, high = sorted((top, bottom))
    return total - (1 if top > bottom else -1) * whole_logarithm(high, low, one)


def log_gamma(x: float) -> float:
    """The logarithm of the magnitude of the gamma function: that of 1 is 0."""
    if x <= 0 and x == math.floor(x):
        return math.inf
    if x < -1000:
        return math.log(math.pi / abs(math.sin(math.pi * (x - round(x))))) - log_gamma(1 - x)
    return (stirling(x) - stirling(1.0)) / (1 << 300) if x < 1e300 else x * (math.log(x) - 1)


def digamma(x: float) -> float:
    """The derivative of the logarithm of the gamma function."""
    return psi(0, x)


def polygamma(x: float, n: int) -> float:
    """The derivative of order n of the digamma function."""
    return psi(int(n), x)


def gammaln(x: float) -> float:
    """The logarithm of the magnitude of the gamma function."""
    return log_gamma(x)


def ldexp(x: float, n: int) -> float:
    """A number times a power of two."""
    return x * 2.0**n


def log_tail(x: float) -> float:
    """The logarithm of the normal distribution function: far below 0, of its density and a continued fraction."""
    if x > 0:
        return math.log1p(-math.erfc(x / math.sqrt(2)) / 2)
    if x > -5:
        return math.log(math.erfc(-x / math.sqrt(2)) / 2)
    fraction = -x
    for k in range(60, 0, -1):
        fraction = k / fraction - x
    return -x * x / 2 - math.log(2 * math.pi) / 2 - math.log(fraction)


def log_ndtr(x: float) -> float:
    """The logarithm of the normal distribution function."""
    return log_tail(x)


def erfinv(x: float) -> float:
    """The inverse of the error function."""
    return inverse_erf(x)


def i0(x: float) -> float:
    """The modified Bessel function of order 0."""
    return bessel_i(0, x)


def i1(x: float) -> float:
    """The modified Bessel function of order 1."""
    return bessel_i(1, x)
