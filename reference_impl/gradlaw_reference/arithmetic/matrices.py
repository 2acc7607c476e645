"""Square matrices: determinants, cofactors, inverses and solutions, of exact numbers and under rounding.

What is computed by elimination (an LU factorisation with pivoting, and triangular solves) is exact for a matrix near
the given one, and the set is what those matrices give. Source: N. J. Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed. (2002), theorems 8.5, 9.3 and 9.4; spec clause *admissible-sets/elimination*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Final

import numpy as np
from flint import arb, arb_mat

from gradlaw_reference.arithmetic.protocol import Data, objects
from gradlaw_reference.arithmetic.sets import ANYTHING, AROUND
from gradlaw_spec import Dtype

DETERMINANT: Final = "det"
"""The primitive whose page has the k of determinants and cofactors."""
INVERSE: Final = "inv"
"""The primitive whose page has the k of inverses."""
SOLUTION: Final = "solve"
"""The primitive whose page has the k of solutions."""
LOGARITHM: Final = "logabsdet"
"""The primitive whose page has the k of logarithms of determinants."""
BY_TERMS: Final = 3
"""Up to this size a determinant may be written out as its n! terms, and differentiated as such."""
RECIPROCALS: Final = 2
"""So many more where multipliers, and elements of a solution, are products with a reciprocal."""
LOGARITHMS: Final = 3
"""So many roundings more has the logarithm of a pivot."""
MOST_SMALL: Final = 2
"""So many pivots may be as small as the unit roundoff times the largest element, and have digits."""


def each_matrix(value: Data) -> Iterator[tuple[tuple[int, ...], Data]]:
    """Yield the place of each matrix in front of the last two axes, and the matrix."""
    for place in np.ndindex(*value.shape[:-2]):
        yield place, value[place]


def of_each(value: Data, shape: tuple[int, ...], compute: Callable[[Data], Any]) -> Data:
    """Return what is computed of each matrix, in an array of objects of that shape behind the batch."""
    result = np.empty((*value.shape[:-2], *shape), dtype=object)
    for place, matrix in each_matrix(value):
        result[place] = compute(matrix)
    return objects(result)


def of_systems(matrices: Data, sides: Data, solve: Callable[[Data, Data], Any]) -> Data:
    """Return what solves each system of equations, with batches that broadcast."""
    if sides.ndim < 2 or matrices.shape[-1] != sides.shape[-2]:
        raise ValueError(f"found matrices of shape {matrices.shape} and sides of shape {sides.shape}")
    batch = np.broadcast_shapes(matrices.shape[:-2], sides.shape[:-2])
    first = np.broadcast_to(matrices, (*batch, *matrices.shape[-2:]))
    second = np.broadcast_to(sides, (*batch, *sides.shape[-2:]))
    result = np.empty(second.shape, dtype=second.dtype)
    for place in np.ndindex(*batch):
        result[place] = solve(first[place], second[place])
    return result


def minor(matrix: Data, row: int, column: int) -> Data:
    """Return a matrix without one of its rows and one of its columns."""
    return np.asarray(np.delete(np.delete(matrix, row, 0), column, 1), dtype=matrix.dtype)


def cofactors(matrix: Data, determinant: Callable[[Data], Any]) -> Data:
    """Return the signed determinants of all minors, each where its row and column cross."""
    result = np.empty(matrix.shape, dtype=matrix.dtype)
    for row, column in np.ndindex(*matrix.shape):
        number = determinant(minor(matrix, row, column))
        result[row, column] = -number if (row + column) % 2 else number
    return result


def _arb_matrix(matrix: Data) -> arb_mat:
    rows, columns = matrix.shape
    return arb_mat(rows, columns, matrix.ravel().tolist())


def ball_determinant(matrix: Data) -> arb:
    """Return a ball that has the determinant of every matrix in a matrix of balls."""
    if not matrix.size:
        return arb(1)
    if _empty_lines(matrix).any():
        return arb(0)  # what Arb eliminates need not end in an exact 0
    return _arb_matrix(matrix).det()


def ball_inverse(matrix: Data) -> Data:
    """Return a matrix of balls that has the inverse of every matrix in one, and anything where one may have none."""
    if not matrix.size:
        return matrix
    try:
        return objects(_arb_matrix(matrix).inv().tolist())
    except ZeroDivisionError:
        return np.full(matrix.shape, ANYTHING, dtype=object)


def ball_solution(matrix: Data, sides: Data) -> Data:
    """Return balls that have the solutions of every system in one, and anything where a matrix may be singular."""
    if not sides.size:
        return sides
    made = [_arb_matrix(one) for one in (matrix, sides)]
    try:
        return objects(made[0].solve(made[1]).tolist())
    except ZeroDivisionError:
        return np.full(sides.shape, ANYTHING, dtype=object)


def unknown(shape: tuple[int, ...]) -> Data:
    """Return anything, in a shape."""
    return np.full(shape, ANYTHING, dtype=object)


def norm(matrix: Data) -> arb:
    """Return at least the length of all elements together, which no other norm of the matrix exceeds."""
    sizes = (abs(number).upper() for number in matrix.ravel().tolist())
    return sum((size * size for size in sizes), arb(0)).sqrt().upper()


def eliminated(matrix: Data) -> float:
    """Return the determinant of a matrix in floating point, by elimination with pivoting: the product of the pivots."""
    left, result = matrix.astype(np.float64), 1.0
    while left.size:
        row = int(np.argmax(np.abs(left[:, 0])))
        pivot, top = left[row, 0], left[row]
        if pivot == 0:
            return 0.0
        rest = np.delete(left, row, 0)
        left = rest[:, 1:] - (rest[:, :1] / pivot) * top[1:]
        result *= -pivot if row % 2 else pivot
    return float(result)


def permanent(sizes: Data) -> arb:
    """Return the sum of the sizes of a determinant's terms."""
    size = len(sizes)
    terms = (math.prod((sizes[i, place[i]] for i in range(size)), start=arb(1)) for place in permutations(range(size)))
    return sum(terms, arb(0))


@dataclass(frozen=True)
class Elimination:
    """What may come out of an elimination in a dtype: ``tiny`` is what an underflow may lose, k the pages'."""

    dtype: Dtype
    tiny: float
    accuracy: int = 2

    def compound(self, roundings: int) -> arb:
        """Return how far so many roundings, one after the other, may carry a product away."""
        return (1 + arb(self.dtype.unit_roundoff)) ** roundings - 1

    def nearby(self, matrix: Data, times: int) -> tuple[Data, ...]:
        """Return the matrices for one of which an elimination is exact: pivoting by rows, and pivoting by columns.

        Each element has so many roundings for each row: one where the matrix is factorised, three where it is solved.

        No multiplier is larger than 1, so no row of U is larger than ``2 ** (n - 1)`` times the largest elements of the
        columns, and ``|L| |U|`` no larger than ``2 ** n - 1`` times them. A row or column of zeros stays one.
        """
        size = len(matrix)
        if size < 2:
            return (matrix,)
        factor = self.compound(times * size + RECIPROCALS) * (2**size - 1)
        sizes = np.absolute(matrix)
        found = []
        for axis in (0, 1):
            largest = _largest(sizes, axis)
            lost = np.array([2 * size * self.tiny * (1 + 2**size * one) if one > 0 else arb(0) for one in largest])
            errors = np.expand_dims(np.array([factor * one for one in largest]) + lost, axis)
            near = objects(matrix + AROUND * np.broadcast_to(errors, matrix.shape))
            found.append(objects(np.where(_empty_lines(matrix), matrix, near)))
        return tuple(found)

    def overflows(self, matrix: Data) -> bool:
        """Whether a product of pivots, or of elements, may be too large on the way."""
        most = [_bound(np.absolute(matrix), axis, arb.max) for axis in (0, 1)]
        grown = 2 ** (len(matrix) * (len(matrix) - 1) // 2) * math.factorial(min(len(matrix), BY_TERMS))
        return not all(one * grown * 2 <= arb(self.dtype.largest) for one in most)

    def underflows(self, matrix: Data, factor: arb) -> bool:
        """Whether a product of pivots that are not 0, times a factor, may be so small that it loses digits."""
        size, least, unit = len(matrix), arb(self.dtype.smallest_normal), arb(self.dtype.unit_roundoff)
        if not size or _empty_lines(matrix).any():
            return False
        factor, sizes = factor.min(arb(1)).lower(), np.absolute(matrix)
        smallest = _hull([abs(ball_determinant(near)) for near in self.nearby(matrix, 1)]).lower()
        if smallest > 0:  # the pivots beside some of them are not larger than this
            rest = 2 ** (size * size) * _bound(sizes, 0, arb.max).max(_bound(sizes, 1, arb.max))
            return factor > 0 and not factor * smallest / rest > least / unit
        lost = unit ** (1 + min(size - 1, MOST_SMALL))
        return factor > 0 and any(_bound(sizes, axis, arb.min) * factor * lost <= least for axis in (0, 1))

    def determinant(self, matrix: Data) -> arb:
        """Return the set of a determinant: of nearby matrices, and of the sum of its terms where they are few."""
        size = len(matrix)
        if size < 2:
            return ball_determinant(matrix)
        if self.overflows(matrix):
            return ANYTHING
        sizes = np.absolute(matrix)
        factor = 1 + AROUND * self.compound(size + self.accuracy)
        result = _hull([ball_determinant(near) * factor for near in self.nearby(matrix, 1)])
        if size <= BY_TERMS:
            result = result.union(self.by_terms(matrix, sizes, size + math.factorial(size)))
        if result.is_zero():
            return result
        grown = arb(2) ** (size * size) * _bound(sizes, 0, arb.max).max(_bound(sizes, 1, arb.max))
        return result + AROUND * (size * self.tiny * grown)

    def logarithm(self, matrix: Data) -> arb:
        """Return the set of the logarithm of a determinant: a sum of logarithms of pivots, or that of its terms."""
        size = len(matrix)
        if not size:
            return arb(0)
        sizes = np.absolute(matrix)
        if not _reduced(_largest(sizes, 0), arb.max) * 2**size <= arb(self.dtype.largest):
            return ANYTHING
        found = [ball_determinant(near) for near in self.nearby(matrix, 1)]
        if 1 < size <= BY_TERMS and not (self.overflows(matrix) or self.underflows(matrix, arb(1))):
            found.append(self.by_terms(matrix, sizes, size + math.factorial(size)))
        result = _hull([abs(one).log() for one in found])
        grown = [_bound(sizes * 2 ** (size - 1), axis, arb.max).log() for axis in (0, 1)]
        magnitude = abs(result).upper() + 2 * grown[0].max(grown[1]) if size > 1 else abs(result)
        return result + AROUND * (self.compound(size + LOGARITHMS) * magnitude + self.tiny)

    def by_terms(self, matrix: Data, sizes: Data, roundings: int) -> arb:
        """Return the set of a determinant that is added up of its terms, in any order."""
        return ball_determinant(matrix) + AROUND * (self.compound(roundings) * permanent(sizes))

    def cofactors(self, matrix: Data, factor: arb) -> Data:
        """Return the sets of all cofactors: those of nearby matrices, as a solution with the same factors has them.

        A gradient may have the determinant times a factor on its way.
        """
        size = len(matrix)
        if self.overflows(matrix) or self.underflows(matrix, factor):
            return np.full(matrix.shape, ANYTHING, dtype=object)
        rounded = 1 + AROUND * self.compound(size * size + size + self.accuracy)
        result = _hull([cofactors(near, ball_determinant) for near in self.nearby(matrix, 3)]) * rounded
        if 1 < size <= BY_TERMS:
            roundings = size + math.factorial(size)
            result = _hull([result, cofactors(matrix, lambda part: self.by_terms(part, np.absolute(part), roundings))])
        lost = arb(size * self.tiny) * _bound(np.absolute(matrix), 0, arb.max) * 2 ** (size * size)
        return objects(np.where(result == 0, result, result + AROUND * lost) if size > 1 else result)

    def solution(self, matrix: Data, sides: Data) -> Data:
        """Return the set of solutions: those for nearby matrices; anything where one of them is singular."""
        if not sides.size:
            return sides
        found = objects(_hull([ball_solution(near, sides) for near in self.nearby(matrix, 3)]))
        inverses = np.absolute(_hull([ball_inverse(near) for near in self.nearby(matrix, 3)]))
        return self.rounded(matrix, sides, found, inverses)

    def inverse(self, matrix: Data) -> Data:
        """Return the set of an inverse: those of nearby matrices; anything where one of them has none."""
        if not matrix.size:
            return matrix
        found = objects(_hull([ball_inverse(near) for near in self.nearby(matrix, 3)]))
        return self.rounded(matrix, np.array([[arb(1)]]), found, np.absolute(found))

    def rounded(self, matrix: Data, sides: Data, found: Data, inverses: Data) -> Data:
        """Return solutions with their last roundings; anything where a number on the way may overflow.

        A substitution adds up products of factors with what is found, beside a side; an underflow in it is an error of
        the side, which the inverse carries on.
        """
        size, grown = len(matrix), 2 ** len(matrix)
        side = grown * _most(sides)
        factors = grown * (
            sum(_largest(np.absolute(matrix), 0), arb(0)) + sum(_largest(np.absolute(matrix), 1), arb(0))
        )
        numbers = (side + factors * (1 + _most(found) + _most(inverses)), _most(inverses) * (1 + side))
        if not all(number * 2 <= arb(self.dtype.largest) for number in numbers):
            return np.full(found.shape, ANYTHING, dtype=object)
        lost = np.sum(inverses, axis=1, keepdims=True) * (2 * size * self.tiny * (1 + factors + side)) + self.tiny
        widened = found * (1 + AROUND * self.compound(size + self.accuracy)) + AROUND * lost
        return objects(np.where(np.equal(found, 0).astype(bool), found, widened))


def _most(numbers: Data) -> arb:
    """Return the largest size of all numbers; nan where one is not known."""
    return _reduced(np.absolute(numbers).ravel().tolist(), lambda x, y: x.max(y) if x.is_finite() else x).upper()


def _empty_lines(matrix: Data) -> Data:
    """Return which elements are in a row or in a column of zeros."""
    nothing = np.equal(matrix, 0).astype(bool)
    return np.asarray(nothing.all(axis=0, keepdims=True) | nothing.all(axis=1, keepdims=True))


def _largest(sizes: Data, axis: int) -> list[arb]:
    """Return the largest size of each column (axis 0) or row."""
    lines: Sequence[Sequence[arb]] = (sizes.T if axis == 0 else sizes).tolist()
    return [_reduced(line, arb.max).upper() for line in lines]


def _bound(sizes: Data, axis: int, choose: Callable[[arb, arb], arb]) -> arb:
    """Return the product of the largest sizes of the columns (or rows), with 1 for what is smaller (or larger)."""
    return math.prod((choose(one, arb(1)) for one in _largest(sizes, axis)), start=arb(1))


def _reduced(numbers: Sequence[arb], choose: Callable[[arb, arb], arb]) -> arb:
    result = numbers[0]
    for number in numbers[1:]:
        result = choose(result, number)
    return result


def _hull(sets: Sequence[Any]) -> Any:
    result = sets[0]
    for one in sets[1:]:
        result = np.frompyfunc(lambda x, y: x.union(y), 2, 1)(result, one)
    return result
