"""How many digits exact numbers have."""

from __future__ import annotations

import math

from flint import arb

from gradlaw_reference.arithmetic.protocol import Data


def quantum_of(value: Data) -> float:
    """Return the largest power of two of which all numbers are multiples; 0 where one is not known exactly."""
    smallest = math.inf
    for number in value.flat:
        if not (number.is_exact() and number.is_finite()):
            return 0.0
        digits, exponent = number.mid().man_exp()
        if digits:
            smallest = min(smallest, int(exponent))
    return 0.0 if math.isinf(smallest) else float(arb(2) ** smallest)


def digits_of(number: arb) -> float:
    """Return how many bits a number's digits take, from the first to the last that is not 0; inf: it is not exact."""
    return int(number.mid().man_exp()[0]).bit_length() if number.is_exact() and number.is_finite() else math.inf
