"""Matrices that are factorised: Cholesky's factor, eigenvalues and eigenvectors, pseudo-inverses.

What a stable factorisation computes is exact for a matrix near the given one. Symmetric functions are those of the
symmetric part of a matrix, so that their gradients are unique. Source: N. J. Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed. (2002), theorem 10.3; G. W. Stewart and J. Sun, Matrix Perturbation Theory (1990),
theorems III.3.8 and IV.4.8; spec clause *admissible-sets/factorisation*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from flint import acb_mat, arb, arb_mat

from gradlaw_reference.arithmetic.exponentials import BALL_EXPONENTIALS, REAL_EXPONENTIALS, Squaring
from gradlaw_reference.arithmetic.matrices import Elimination, ball_solution, norm, unknown
from gradlaw_reference.arithmetic.protocol import Data, objects
from gradlaw_reference.arithmetic.sets import AROUND

SPARE: Final = 4
"""So many roundings more: of the symmetric part, of reciprocals, and of what a page's k says."""
STABLE: Final = 10
"""An orthogonal factorisation of n rows and columns has an error of so many n² unit roundoffs of the matrix's norm."""


def of_matrices(value: Data, compute: Callable[[Data], Data]) -> Data:
    """Return what is computed of each matrix in the last two axes; without any, as much as a matrix of zeros gives."""
    batch = value.shape[:-2]
    found = [compute(value[place]) for place in np.ndindex(*batch)] or [
        compute(np.zeros(value.shape[-2:], dtype=object))
    ]
    stacked = np.stack(found) if math.prod(batch) else np.stack(found)[:0]
    return stacked.reshape(*batch, *found[0].shape)


def _transposed(matrix: Data) -> Data:
    return objects(matrix.T)


def symmetric_part(matrix: Data) -> Data:
    """Return the mean of a matrix and its transpose."""
    return objects((matrix + matrix.T) / 2)


def ball_cholesky(matrix: Data) -> Data:
    """Return Cholesky's factor of every symmetric matrix in one; anything where one may not be definite."""
    size = len(matrix)
    factor = np.full(matrix.shape, arb(0), dtype=object)
    for column in range(size):
        before = factor[:, :column]
        pivot = matrix[column, column] - sum((item * item for item in before[column]), arb(0))
        if not pivot > 0:
            return unknown(matrix.shape)
        factor[column, column] = pivot.sqrt()
        for row in range(column + 1, size):
            rest = matrix[row, column] - sum((a * b for a, b in zip(before[row], before[column], strict=True)), arb(0))
            factor[row, column] = rest / factor[column, column]
    return factor


def ball_eigenvalues(matrix: Data) -> Data:
    """Return the eigenvalues of every symmetric matrix in one, ascending: of the middle, moved by what is around it."""
    if not len(matrix):
        return np.empty(0, dtype=object)
    middle = objects(np.frompyfunc(lambda number: number.mid(), 1, 1)(matrix))
    around = objects(np.frompyfunc(lambda number: arb(number.rad()), 1, 1)(matrix))
    try:
        found = [value.real for value in acb_mat(arb_mat(middle.tolist())).eig(multiple=True)]
    except ValueError:
        return unknown((len(matrix),))
    ends = zip(sorted(value.lower() for value in found), sorted(value.upper() for value in found), strict=True)
    return objects([arb(low).union(arb(high)) + AROUND * norm(around) for low, high in ends])


def ball_eigenvectors(matrix: Data) -> Data:
    """Return eigenvectors as columns, in the order of the eigenvalues; anything where two eigenvalues may be equal.

    Each has length 1, and its largest element is positive.
    """
    if len(matrix) < 2:
        return np.full(matrix.shape, arb(1), dtype=object)
    try:
        values, vectors = acb_mat(arb_mat(matrix.tolist())).eig(right=True)
    except ValueError:
        return unknown(matrix.shape)
    columns = objects(vectors.tolist()).T
    order = sorted(range(len(values)), key=lambda place: values[place].real.mid())
    return objects(np.stack([_of_length_one(columns[place]) for place in order], axis=-1))


def _of_length_one(vector: Data) -> Data:
    largest = max(vector.tolist(), key=lambda number: float(abs(number.real).mid() + abs(number.imag).mid()))
    real = objects([(number / largest).real for number in vector.tolist()])
    return objects(real / sum((number * number for number in real.tolist()), arb(0)).sqrt())


def ball_pseudo_inverse(matrix: Data) -> Data:
    """Return the pseudo-inverse of every matrix in one; anything where one may not have full rank."""
    if not matrix.size:
        return _transposed(matrix)
    if matrix.shape[0] < matrix.shape[1]:
        return _transposed(ball_pseudo_inverse(_transposed(matrix)))
    turned = _transposed(matrix)
    return objects(ball_solution(objects(np.matmul(turned, matrix)), turned))


def ball_orthogonal(matrix: Data) -> Data:
    """Return the orthonormal columns of every matrix in one; anything where its first ones may not be independent."""
    used = matrix[:, : min(matrix.shape)]
    if not used.size:
        return used
    triangle = _transposed(ball_cholesky(objects(np.matmul(_transposed(used), used))))
    return _transposed(ball_solution(_transposed(triangle), _transposed(used)))


def ball_singular_values(matrix: Data) -> Data:
    """Return the singular values of every matrix in one, descending: eigenvalues of it beside its transpose."""
    rows, columns = matrix.shape
    if not matrix.size:
        return np.empty(0, dtype=object)
    both = np.full((rows + columns, rows + columns), arb(0), dtype=object)
    both[:rows, rows:], both[rows:, :rows] = matrix, matrix.T
    found = ball_eigenvalues(both)[::-1][: min(rows, columns)]
    return objects([value.max(arb(0)) for value in found.tolist()])


def ball_singular_vectors(matrix: Data) -> tuple[Data, Data]:
    """Return left and right singular vectors as columns, in the order of the values; anything where two may be equal.

    The largest element of each is positive, of the shorter of the two; the other one follows from it.
    """
    if matrix.shape[0] < matrix.shape[1]:
        right, left = ball_singular_vectors(_transposed(matrix))
        return left, right
    if not matrix.size:
        return matrix, objects(matrix[:0].T)
    right = objects(ball_eigenvectors(objects(np.matmul(matrix.T, matrix)))[:, ::-1])
    images = objects(np.matmul(matrix, right))
    lengths = [sum((item * item for item in column), arb(0)).sqrt() for column in images.T.tolist()]
    return objects(images / np.array(lengths, dtype=object)), right


BALL_SINGULAR: Final[Mapping[str, Callable[[Data], Data]]] = {
    "svdvals": ball_singular_values,
    "left_vectors": lambda matrix: ball_singular_vectors(matrix)[0],
    "right_vectors": lambda matrix: ball_singular_vectors(matrix)[1],
}
"""The parts of a singular value decomposition."""
BALL_FACTORISATIONS: Final[Mapping[str, Callable[[Data], Data]]] = {
    "cholesky": lambda matrix: ball_cholesky(symmetric_part(matrix)),
    "eigvalsh": lambda matrix: ball_eigenvalues(symmetric_part(matrix)),
    "eigenvectors": lambda matrix: ball_eigenvectors(symmetric_part(matrix)),
    "pinv": ball_pseudo_inverse,
    "orthogonal": ball_orthogonal,
    **BALL_SINGULAR,
    **BALL_EXPONENTIALS,
}
"""What is computed of each matrix, exactly."""


@dataclass(frozen=True)
class Factorisation(Elimination):
    """What may come out of a stable factorisation in a dtype."""

    def apply(self, name: str, matrix: Data) -> Data:
        """Return the set of what is computed of one matrix."""
        singular: dict[str, Callable[[Data], Data]] = {
            "svdvals": self.singular_values,
            "left_vectors": partial(self.singular_vectors, side=0),
            "right_vectors": partial(self.singular_vectors, side=1),
        }
        sets = {
            "cholesky": self.cholesky,
            "eigvalsh": self.eigenvalues,
            "eigenvectors": self.eigenvectors,
            "pinv": self.pseudo_inverse,
            "orthogonal": self.orthogonal,
            **singular,
            **Squaring(self.dtype, self.tiny).sets,
        }
        return sets[name](matrix)

    def too_large(self, *sizes: arb) -> bool:
        """Whether a number on the way may overflow, such as a sum of squares."""
        return not all(size * size <= arb(self.dtype.largest) for size in sizes)

    def cholesky(self, matrix: Data) -> Data:
        """Return the factors of all matrices with ``|E| <= gamma sqrt(a_ii a_jj)``: no row is longer than its root."""
        size, given = len(matrix), symmetric_part(matrix)
        if not size:
            return matrix
        largest = max(abs(number).upper() for number in given.ravel().tolist())
        if not 4 * size * largest <= arb(self.dtype.largest):
            return unknown(matrix.shape)
        gamma = self.compound(size + 1 + SPARE)
        roots = objects([abs(number).upper().sqrt() for number in np.diag(given)])
        lost = 2 * (size + 1) * arb(self.tiny) * (1 + largest.sqrt())
        errors = objects(np.outer(roots, roots) * (gamma / (1 - gamma)) + lost)
        return ball_cholesky(objects(given + AROUND * errors))

    def backward(self, matrix: Data) -> arb:
        """Return the norm of the error for which an orthogonal factorisation is exact."""
        size = max(matrix.shape)
        return STABLE * size * size * (arb(self.dtype.unit_roundoff) * norm(matrix) + arb(self.tiny))

    def eigenvalues(self, matrix: Data) -> Data:
        """Return the eigenvalues, each moved by no more than the error's norm (Weyl)."""
        if not len(matrix):
            return np.empty(0, dtype=object)
        given = symmetric_part(matrix)
        if self.too_large(2 * norm(given)):
            return unknown((len(matrix),))
        return objects(ball_eigenvalues(given) + AROUND * self.backward(given))

    def eigenvectors(self, matrix: Data) -> Data:
        """Return the eigenvectors of all matrices that are so near, with the loss of their right angles."""
        if not len(matrix):
            return matrix
        given = symmetric_part(matrix)
        if self.too_large(2 * norm(given)):
            return unknown(matrix.shape)
        found = ball_eigenvectors(objects(given + AROUND * self.backward(given)))
        return objects(found + AROUND * (STABLE * len(matrix) ** 2 * arb(self.dtype.unit_roundoff)))

    def orthogonal(self, matrix: Data) -> Data:
        """Return the orthonormal columns of all matrices that are so near, with the loss of their right angles."""
        if not matrix.size:
            return ball_orthogonal(matrix)
        if self.too_large(2 * norm(matrix)):
            return unknown((len(matrix), min(matrix.shape)))
        found = ball_orthogonal(objects(matrix + AROUND * self.backward(matrix)))
        return objects(found + AROUND * (STABLE * max(matrix.shape) ** 2 * arb(self.dtype.unit_roundoff)))

    def singular_values(self, matrix: Data) -> Data:
        """Return the singular values, each moved by no more than the error's norm (Weyl)."""
        found = ball_singular_values(matrix)
        if not matrix.size:
            return found
        if self.too_large(2 * norm(matrix)):
            return unknown(found.shape)
        return objects(found + AROUND * self.backward(matrix))

    def singular_vectors(self, matrix: Data, side: int) -> Data:
        """Return the vectors of all matrices that are so near, with the loss of their right angles."""
        if not matrix.size:
            return ball_singular_vectors(matrix)[side]
        if self.too_large(2 * norm(matrix)):
            return unknown((matrix.shape[side], min(matrix.shape)))
        found = ball_singular_vectors(objects(matrix + AROUND * self.backward(matrix)))[side]
        return objects(found + AROUND * (STABLE * max(matrix.shape) ** 2 * arb(self.dtype.unit_roundoff)))

    def pseudo_inverse(self, matrix: Data) -> Data:
        """Return the pseudo-inverse, moved as far as the error moves it (Wedin), and as far as its factors are off.

        Where a singular value may be taken for 0, anything may follow.
        """
        found = ball_pseudo_inverse(matrix)
        if not matrix.size:
            return found
        size, unit, length, error = max(matrix.shape), arb(self.dtype.unit_roundoff), norm(found), self.backward(matrix)
        cut = 40 * size * unit * norm(matrix) + 2 * error
        if not length * cut < 1 or self.too_large(2 * norm(matrix), 2 * length):
            return unknown(found.shape)
        left = 1 - length * error
        moved = 2 * length * length * error / left + 2 * STABLE * size * size * (unit * length + arb(self.tiny)) / left
        return objects(found + AROUND * moved)


def real_factorisation(name: str, matrix: Data) -> Data:
    """Return what is computed of a matrix in floating point; nan where there is no such."""
    try:
        found: Data = _BY_NUMPY[name](matrix)
    except np.linalg.LinAlgError:
        rows, columns = matrix.shape
        shapes = {"eigvalsh": (rows,), "svdvals": (min(rows, columns),)}
        found = np.full(shapes.get(name, matrix.shape), np.nan)
    return found


def _real_orthogonal(x: Any) -> Any:
    """Return the orthonormal columns, with the signs that Gram and Schmidt give them."""
    columns, triangle = np.linalg.qr(x)
    return columns * np.where(np.diagonal(triangle) < 0, -1.0, 1.0)


def _real_singular_vectors(x: Any, side: int) -> Any:
    """Return one side's singular vectors, with the signs that the larger elements of the shorter ones ask for."""
    left, _, right = np.linalg.svd(x, full_matrices=False)
    if not x.size:
        return np.zeros((x.shape[side], 0))
    chosen = left if x.shape[0] < x.shape[1] else right.T
    signs = np.sign(np.take_along_axis(chosen, np.argmax(np.abs(chosen), axis=0)[np.newaxis], axis=0))
    return (left if side == 0 else right.T) * signs


_SINGULAR_BY_NUMPY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "svdvals": lambda x: np.linalg.svd(x, compute_uv=False),
    "left_vectors": partial(_real_singular_vectors, side=0),
    "right_vectors": partial(_real_singular_vectors, side=1),
}
_BY_NUMPY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "cholesky": lambda x: np.linalg.cholesky(x / 2 + x.T / 2),
    "eigvalsh": lambda x: np.linalg.eigvalsh(x / 2 + x.T / 2),
    "eigenvectors": lambda x: np.linalg.eigh(x / 2 + x.T / 2)[1],
    "pinv": np.linalg.pinv,
    "orthogonal": _real_orthogonal,
    **_SINGULAR_BY_NUMPY,
    **REAL_EXPONENTIALS,
}
