"""Functions of matrices by their definitions, for the second reader of the pages' formulas."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from boxed_numbers import Numbers, boxed


def _untrace(g: Numbers, x: Numbers, offset: int = 0) -> Numbers:
    result = boxed(0 * x)
    for place in np.ndindex(*x.shape):
        if place[-1] - place[-2] == offset:
            result[place] = g[place[:-2]]
    return result


def _trace(x: Numbers, offset: int = 0) -> Numbers:
    result = np.empty(x.shape[:-2], dtype=object)
    for place in np.ndindex(*result.shape):
        matrix, rows = x[place], range(max(0, -offset), min(x.shape[-2], x.shape[-1] - offset))
        result[place] = sum((matrix[row, row + offset] for row in rows), Fraction())
    return result


def _of_each(function: Callable[[Numbers], Any], shape: Callable[[Numbers], tuple[int, ...]]) -> Callable[..., Numbers]:
    """Return a function of single matrices as one of batches; ``shape`` is that of its result."""

    def apply(x: Numbers) -> Numbers:
        result = np.empty(x.shape[:-2] + shape(x), dtype=object)
        for place in np.ndindex(*x.shape[:-2]):
            result[place] = function(x[place])
        return result

    return apply


def _determinant(x: Numbers) -> Any:
    """Expand along the first row."""
    if not x.size:
        return 1
    rest = x[1:]
    return sum((-1) ** j * x[0, j] * _determinant(np.delete(rest, j, 1)) for j in range(len(x)))


def _cofactors(x: Numbers) -> Numbers:
    result = np.empty(x.shape, dtype=object)
    for i, j in np.ndindex(*x.shape):
        result[i, j] = (-1) ** (i + j) * _determinant(np.delete(np.delete(x, i, 0), j, 1))
    return result


def _inverse(x: Numbers) -> Numbers:
    return boxed(_cofactors(x).T / _determinant(x))


def _kron(x1: Numbers, x2: Numbers) -> Numbers:
    batch = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    (rows, columns), (height, width) = x1.shape[-2:], x2.shape[-2:]
    first, second = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (x1, x2))
    result = np.empty((*batch, rows * height, columns * width), dtype=object)
    for *place, i, j in np.ndindex(*result.shape):
        result[*place, i, j] = first[*place, i // height, j // width] * second[*place, i % height, j % width]
    return result


def _cholesky(x: Numbers) -> Numbers:
    given, factor = (x + x.T) / 2, boxed(0 * x)
    for i, j in zip(*np.tril_indices(len(x)), strict=True):
        rest = given[i, j] - sum(factor[i, k] * factor[j, k] for k in range(j))
        factor[i, j] = mpmath.sqrt(rest) if i == j else rest / factor[j, j]
    return factor


def _eigen(x: Numbers) -> tuple[Numbers, Numbers]:
    """Return eigenvalues, ascending, and eigenvectors of the symmetric part of a matrix."""
    if not len(x):
        return x[:, 0:0].ravel(), x
    values, vectors = mpmath.eigsy(mpmath.matrix(((x + x.T) / 2).tolist()))
    return boxed(list(values)), boxed(vectors.tolist())


def _singular(x: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return left singular vectors, singular values, descending, and right singular vectors."""
    if not x.size:
        least = min(x.shape)
        return x[:, :least], x[:0, :0].ravel(), x.T[:, :least]
    left, values, right = mpmath.svd_r(mpmath.matrix(x.tolist()))
    return boxed(left.tolist()), boxed(list(values)), boxed(np.array(right.tolist(), dtype=object).T)


def _pseudo_inverse(x: Numbers) -> Numbers:
    if not x.size:
        return x.T
    if len(x) < x.shape[1]:
        return _pseudo_inverse(x.T).T
    return boxed(np.matmul(_inverse(boxed(np.matmul(x.T, x))), x.T))


def _exponential(x: Numbers) -> Numbers:
    """Let mpmath compute the exponential of a matrix."""
    return boxed(mpmath.expm(mpmath.matrix(x.tolist())).tolist()) if x.size else x


def _exponential_along(x: Numbers, g: Numbers) -> Numbers:
    """Compute the derivative as a quarter of the exponential of a matrix of four."""
    result = np.empty(x.shape, dtype=object)
    for place in np.ndindex(*x.shape[:-2]):
        four = np.block([[x[place], g[place]], [0 * x[place], x[place]]])
        result[place] = _exponential(boxed(four))[: x.shape[-1], x.shape[-1] :]
    return result


FACTORISED: dict[str, Callable[..., Any]] = {
    "cholesky": _of_each(_cholesky, lambda x: x.shape[-2:]),
    "expm": _of_each(_exponential, lambda x: x.shape[-2:]),
    "eigvalsh": _of_each(lambda x: _eigen(x)[0], lambda x: x.shape[-1:]),
    "svdvals": _of_each(lambda x: _singular(x)[1], lambda x: (min(x.shape[-2:]),)),
    "pinv": _of_each(_pseudo_inverse, lambda x: (x.shape[-1], x.shape[-2])),
}
"""Functions of matrices that have roots in them."""
OF_MATRICES: dict[str, Callable[..., Any]] = {
    **FACTORISED,
    "trace": _trace,
    "kron": _kron,
    "det": _of_each(_determinant, lambda x: ()),
    "inv": _of_each(_inverse, lambda x: x.shape[-2:]),
    "solve": lambda x1, x2: boxed(np.matmul(_of_each(_inverse, lambda x: x.shape[-2:])(x1), x2)),
}
"""Functions of matrices, by their definitions."""


def _blocks(g: Numbers, x1: Numbers, x2: Numbers) -> Numbers:
    rows, columns = zip(x1.shape[-2:], x2.shape[-2:], strict=True)
    return np.reshape(g, (*g.shape[:-2], *rows, *columns))


BACK_OF_MATRICES: dict[str, Callable[..., Any]] = {
    "blocks": _blocks,
    "cofactors": lambda g, x: g[..., None, None] * _of_each(_cofactors, lambda x: x.shape[-2:])(x),
    "eigenvectors": _of_each(lambda x: _eigen(x)[1], lambda x: x.shape[-2:]),
    "expm_along": _exponential_along,
    "left_vectors": _of_each(lambda x: _singular(x)[0], lambda x: (x.shape[-2], min(x.shape[-2:]))),
    "right_vectors": _of_each(lambda x: _singular(x)[2], lambda x: (x.shape[-1], min(x.shape[-2:]))),
    "half_lower": lambda x: boxed((np.tril(x) + np.tril(x, -1)) / 2),
    "symmetric": lambda x: boxed((x + np.swapaxes(x, -1, -2)) / 2),
    "untrace": _untrace,
}
"""Steps that formulas of their gradients are made of."""
