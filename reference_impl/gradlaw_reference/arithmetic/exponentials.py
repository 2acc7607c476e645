"""Matrix exponentials and their derivatives: of exact numbers, in floating point, and under rounding.

What is computed by scaling and squaring is an approximation near 0, and a product of matrices for each doubling.
Source: N. J. Higham, Functions of Matrices (2008), chapter 10; A. H. Al-Mohy and N. J. Higham, Computing the Fréchet
derivative of the matrix exponential, SIAM Journal on Matrix Analysis and Applications 30 (2009); spec clause
*admissible-sets/factorisation*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np
from flint import arb, arb_mat

from gradlaw_reference.arithmetic.matrices import norm, unknown
from gradlaw_reference.arithmetic.protocol import Data, objects
from gradlaw_reference.arithmetic.sets import AROUND
from gradlaw_spec import Dtype

APPROXIMATE: Final = 10
"""An approximation, and a product, of n rows has an error of so many n unit roundoffs of the norms."""
SHARPENED: Final = 3
"""A norm is found from that of so many squares of squares."""
TERMS: Final = 24
"""So many terms of the power series are enough below 1, in float64."""


def exponential(matrix: Data) -> Data:
    """Return the exponential of every matrix in one of balls; anything where it is not known."""
    return objects(_table(_balls(matrix).exp())) if matrix.size else matrix


def exponential_along(both: Data) -> Data:
    """Return the derivative of the exponential of a matrix along the matrix beside it, for all in balls."""
    if not both.size:
        return both
    size = len(both)
    matrix, direction = np.hsplit(both, 2)
    nothing = np.full(matrix.shape, arb(0), dtype=object)
    stacked = np.block([[matrix, direction], [nothing, matrix]])
    return objects(_table(_balls(stacked).exp())[:size, size:])


def real_exponential(matrix: Data) -> Data:
    """Return the exponential of a matrix in floating point."""
    return _scaled_and_squared(matrix, np.zeros(matrix.shape))[0]


def real_exponential_along(both: Data) -> Data:
    """Return the derivative of the exponential of a matrix along the matrix beside it, in floating point."""
    return _scaled_and_squared(*np.hsplit(both, 2))[1]


VALUE: Final = "expm"
SLOPE: Final = "expm_along"
BALL_EXPONENTIALS: Final[Mapping[str, Callable[[Data], Data]]] = {VALUE: exponential, SLOPE: exponential_along}
"""What is computed of each matrix, exactly."""
REAL_EXPONENTIALS: Final[Mapping[str, Callable[[Data], Data]]] = {
    VALUE: real_exponential,
    SLOPE: real_exponential_along,
}
"""What is computed of each matrix, in floating point."""


def _scaled_and_squared(matrix: Any, direction: Any) -> tuple[Data, Data]:
    """Add up the power series and its derivative near 0, and square so often as the matrix was halved."""
    with np.errstate(all="ignore"):
        largest = float(np.linalg.norm(matrix))
        if not np.isfinite(largest):
            return np.full(matrix.shape, np.nan), np.full(matrix.shape, np.nan)
        times = max(0, int(np.frexp(largest)[1]))
        near, along = np.ldexp(matrix, -times), np.ldexp(direction, -times)
        term, change = np.eye(len(matrix)), np.zeros(matrix.shape)
        value, slope = term, change
        for count in range(1, TERMS):
            term, change = term @ near / count, (change @ near + term @ along) / count
            value, slope = value + term, slope + change
        for _ in range(times):
            value, slope = value @ value, value @ slope + slope @ value
    return np.asarray(value), np.asarray(slope)


def _balls(matrix: Data) -> arb_mat:
    rows, columns = matrix.shape
    return arb_mat(rows, columns, matrix.ravel().tolist())


def _table(matrix: arb_mat) -> Data:
    return objects(matrix.tolist())


def _length(matrix: arb_mat) -> arb:
    return norm(_table(matrix))


def _stretch(matrix: arb_mat) -> arb:
    """Return at least how much longer a matrix makes a vector, and little more: the root of a high power's length."""
    power = reduce(lambda found, _: found * found, range(SHARPENED), matrix.transpose() * matrix)
    longest: arb = _length(power).root(2 ** (SHARPENED + 1)).upper()
    return longest.min(_length(matrix))


@dataclass(frozen=True)
class Squaring:
    """What may come out of scaling and squaring in a dtype: ``tiny`` is what an underflow may lose."""

    dtype: Dtype
    tiny: float

    @property
    def sets(self) -> Mapping[str, Callable[[Data], Data]]:
        """What gives the sets of both."""
        return {VALUE: self.value, SLOPE: self.slope}

    def value(self, matrix: Data) -> Data:
        """Return the set of the exponential of a matrix."""
        if not matrix.size:
            return matrix
        powers = self._powers(matrix)
        return unknown(matrix.shape) if powers is None else objects(_table(powers[-1].power) + AROUND * powers[-1].off)

    def slope(self, both: Data) -> Data:
        """Return the set of the derivative along a matrix; a direction of zeros has exactly 0.

        No product on the way, from the front or from the back, is larger than what the stretches say.
        """
        if not both.size:
            return both
        matrix, direction = np.hsplit(both, 2)
        if np.equal(direction, 0).astype(bool).all():
            return objects(direction)
        powers, times = self._powers(matrix), arb(2)
        if powers is None:
            return unknown(matrix.shape)
        size = norm(direction) / times ** (len(powers) - 1)
        if not norm(direction) * 2 <= arb(self.dtype.largest):
            return unknown(matrix.shape)
        most, off = size * powers[0].stretch, self._off(matrix, size * powers[0].length)
        off += 2 * powers[0].off * size
        for one in powers[:-1]:
            product = 2 * one.length * (most + off)
            if not product * 2 <= arb(self.dtype.largest):
                return unknown(matrix.shape)
            off = 2 * one.stretch * off + 2 * one.off * (most + off) + self._off(matrix, product)
            most *= 2 * one.stretch
        found = exponential_along(both)
        return objects(found + AROUND * off)

    def _off(self, matrix: Data, size: arb) -> arb:
        """Return the error of a step whose numbers are that large."""
        return APPROXIMATE * len(matrix) * (arb(self.dtype.unit_roundoff) * size + arb(self.tiny))

    def _powers(self, matrix: Data) -> list[_Power] | None:
        """Return the exponential of the halved matrix and its squares, with their errors; None for nothing known."""
        large, limit = norm(matrix), arb(self.dtype.largest)
        if not (large * 2 <= limit and self._off(matrix, large) < 1):
            return None
        times = max(0, math.frexp(float(large))[1])
        power = (_balls(matrix) / arb(2) ** times).exp()
        found = [_Power(power, _length(power), _stretch(power), self._off(matrix, _length(power)))]
        for _ in range(times):
            last = found[-1]
            squared = last.length * last.length
            if not squared * 2 <= limit:
                return None
            off = 2 * last.stretch * last.off + last.off * last.off + self._off(matrix, squared)
            power = last.power * last.power
            found.append(_Power(power, _length(power), _stretch(power), off))
        return found


@dataclass(frozen=True)
class _Power:
    """A power of a matrix, its length, how it stretches vectors, and how far what is computed may be off."""

    power: arb_mat
    length: arb
    stretch: arb
    off: arb
