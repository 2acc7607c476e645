"""Numbers as the law book writes them: exact, or a string with digits that are right to half a unit."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from flint import arb, fmpq
from formula_evaluator import DIGITS


def written(number: int | float | str) -> tuple[Fraction, Fraction]:
    """Return a page's number and how far it may be off: half a unit of the last digit of a decimal string."""
    text = str(number)
    if isinstance(number, str) and "." in text:
        return Fraction(text), Fraction(1, 2 * 10 ** len(text.partition(".")[2]))
    return Fraction(text), Fraction(0)


def array_of(nested: Any) -> np.ndarray[Any, Any]:
    """Return an example's operand as an array; its numbers are exact in float64."""
    exact = np.frompyfunc(lambda number: written(number)[0], 1, 1)(np.asarray(nested, dtype=object))
    result = np.asarray(exact, dtype=object).astype(np.float64)
    for number, own in zip(np.ravel(exact), np.ravel(result), strict=True):
        assert Fraction(float(own)) == number, f"{number} is not exact in float64: choose another"
    return result


def assert_written(what: str, nested: Any, got: Any) -> None:
    """Assert that a result is what an example says, to half a unit of its last digit."""
    if isinstance(got, list):
        assert len(got) == len(nested), what
        for position, (one, other) in enumerate(zip(nested, got, strict=True)):
            assert_written(f"{what}[{position}]", one, other)
        return
    expected = np.asarray(nested, dtype=object)
    assert expected.shape == got.shape, f"{what}: found shape={got.shape}; expected {expected.shape}"
    for place in np.ndindex(*expected.shape):
        number, off = written(expected[place])
        where = f"{what}{list(place)}: the example says {expected[place]}, found {got[place]}"
        assert _agrees(number, off, got[place]), where


def _agrees(number: Fraction, off: Fraction, result: Any) -> bool:
    if isinstance(result, Fraction | int):
        return abs(result - number) <= off
    if isinstance(result, fmpq):
        return abs(Fraction(int(result.p), int(result.q)) - number) <= off
    exact = fmpq(number.numerator, number.denominator)
    if isinstance(result, arb):
        if not off:
            return bool(result.contains(exact))
        return bool(abs(result - arb(exact)) <= arb(fmpq(off.numerator, off.denominator)))
    rounding = Fraction(1, 10 ** (DIGITS - 10))
    return bool(abs(Fraction(*mpmath.libmp.to_rational(result._mpf_)) - number) <= off + rounding)
