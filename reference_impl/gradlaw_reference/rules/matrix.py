"""Matrices: products, whose gradients swap factors, and what is computed by elimination."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from gradlaw_reference.arithmetic import Arithmetic, Data
from gradlaw_reference.engine import Array, vjp
from gradlaw_reference.rule import LocalRule
from gradlaw_reference.rules.elementwise import call, route
from gradlaw_reference.rules.table import data_rule, function


def _matmul(used: Arithmetic, x1: Data, x2: Data) -> Data:
    return used.matmul(x1, x2)


def _matrices(g: Array, x1: Array, x2: Array) -> tuple[Array, Array, Array]:
    """View vectors as the row or column matrices that they stand for."""
    if x1.ndim == 1:
        g = call("expand_dims", g, axis=-1 if x2.ndim == 1 else -2)
        x1 = call("expand_dims", x1, axis=0)
        if x2.ndim == 1:
            g = call("expand_dims", g, axis=0)
            g = call("reshape", g, shape=(1, 1))
    elif x2.ndim == 1:
        g = call("expand_dims", g, axis=-1)
    if x2.ndim == 1:
        x2 = call("expand_dims", x2, axis=-1)
    return g, x1, x2


def _contract(left: Array, right: Array, shape: tuple[int, ...]) -> Array:
    """Multiply matrices and sum over the batch axes that the result's shape lacks, as one sum in any order."""
    result = call("matmul", left, right)
    if result.shape == shape:
        return result
    terms = call("expand_dims", left, axis=-1) * call("expand_dims", right, axis=-3)
    added = terms.ndim - 1 - len(shape)
    stretched = (axis for axis in range(len(shape) - 2) if shape[axis] == 1 != terms.shape[added + axis])
    axes = (*range(added), *(added + axis for axis in stretched), terms.ndim - 2)
    return call("reshape", call("sum", terms, axis=axes, keepdims=False), shape=shape)


def _first(g: Array, value: Array, x1: Array, x2: Array) -> Array:
    g, left, right = _matrices(g, x1, x2)
    gradient = _contract(g, call("matrix_transpose", right), left.shape)
    return call("reshape", gradient, shape=x1.shape)


def _second(g: Array, value: Array, x1: Array, x2: Array) -> Array:
    g, left, right = _matrices(g, x1, x2)
    gradient = _contract(call("matrix_transpose", left), g, right.shape)
    return call("reshape", gradient, shape=x2.shape)


def _trace(used: Arithmetic, x: Data, *, offset: int) -> Data:
    return used.sum(np.diagonal(x, offset, -2, -1), (x.ndim - 2,))


def _untrace(used: Arithmetic, x: Data, like: Data, *, offset: int) -> Data:
    here = np.broadcast_to(np.eye(like.shape[-2], like.shape[-1], offset, dtype=bool), like.shape)
    return np.where(here, x[..., np.newaxis, np.newaxis], used.asarray(0))


def _times_minors(factor: Array, x: Array) -> Array:
    """Return a factor times the cofactors, each a determinant: how their own gradients are found."""
    size = x.shape[-1]
    found = []
    for row, column in np.ndindex(size, size):
        left = call("take", x, np.delete(np.arange(size), row), axis=-2)
        part = call("det", call("take", left, np.delete(np.arange(size), column), axis=-1))
        found.append(-part if (row + column) % 2 else part)
    minors = call("reshape", call("stack", *found, axis=-1), shape=x.shape)
    return _spread(factor) * minors


def _by_inverse(factor: Array, x: Array) -> Array:
    """Return a factor times the cofactors, by the inverse: engines differentiate that."""
    both = call("expand_dims", call("expand_dims", factor * call("det", x), axis=-1), axis=-1)
    return both * call("matrix_transpose", call("inv", x))


def _cofactors_vjp(position: int, written: Callable[[Array, Array], Array] = _times_minors) -> LocalRule:
    def rule(g: Array, value: Array, factor: Array, x: Array) -> Array:
        if not x.shape[-1]:
            return call("unreduce", 0, (factor, x)[position], axis=None, keepdims=False)
        return vjp(written, factor, x)[1](g)[position]

    return rule


def _spread(g: Array) -> Array:
    """Return a number for each matrix as matrices with one element."""
    return call("expand_dims", call("expand_dims", g, axis=-1), axis=-1)


def _transposed_solve(x1: Array, g: Array) -> Array:
    return call("solve", call("matrix_transpose", x1), g)


def _contracted(left: Array, right: Array, shape: tuple[int, ...]) -> Array:
    """Multiply by a transposed matrix, and sum over the batch axes that the operand lacks."""
    return _contract(left, call("matrix_transpose", right), shape)


def _square(x: Data) -> Data:
    """Return matrices that are square; raise ValueError where they are not, as NumPy does."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"found shape={x.shape}; expected square matrices")
    return x


def _inv_vjp(g: Array, value: Array, x: Array) -> Array:
    turned = call("matrix_transpose", value)
    return -call("matmul", call("matmul", turned, g), turned)


def _symmetric(x: Array) -> Array:
    return (x + call("matrix_transpose", x)) / 2


def _half_lower(x: Array) -> Array:
    return (call("tril", x, k=0) + call("tril", x, k=-1)) / 2


def _between_inverses(factor: Array, x: Array) -> Array:
    """Multiply by the transposed inverse of a factor on the left, and by its inverse on the right."""
    turned = call("matrix_transpose", factor)
    return call("solve", turned, call("matrix_transpose", call("solve", turned, x)))


def _cholesky_vjp(g: Array, value: Array, x: Array) -> Array:
    """What stands above the diagonal is 0 only where the value is known."""
    kept = call("after", call("tril", call("broadcast_to", 1, shape=value.shape), k=0), value)
    within = call("half_lower", call("matmul", call("matrix_transpose", value), route(g, kept)))
    return call("symmetric", _between_inverses(value, within))


def _eigvalsh_vjp(g: Array, value: Array, x: Array) -> Array:
    vectors = call("eigenvectors", x)
    scaled = vectors * call("expand_dims", g, axis=-2)
    return call("symmetric", call("matmul", scaled, call("matrix_transpose", vectors)))


def _eigenvectors_vjp(g: Array, value: Array, x: Array) -> Array:
    """Turn each vector towards the others, by what the cotangent says over the distance of their eigenvalues."""
    values, turned = call("eigvalsh", x), call("matrix_transpose", value)
    distances = call("expand_dims", values, axis=-2) - call("expand_dims", values, axis=-1)
    same = np.broadcast_to(np.eye(x.shape[-1], dtype=bool), x.shape)
    turning = call("where", same, 0, call("matmul", turned, g) / call("where", same, 1, distances))
    return call("symmetric", call("matmul", call("matmul", value, turning), turned))


def _along_last(x: Array) -> Array:
    return call("expand_dims", x, axis=-2)


def _svdvals_vjp(g: Array, value: Array, x: Array) -> Array:
    scaled = call("left_vectors", x) * _along_last(g)
    return call("matmul", scaled, call("matrix_transpose", call("right_vectors", x)))


def _singular_vjp(g: Array, own: Array, other: Array, values: Array) -> Array:
    """Turn vectors of one side towards each other, with the other side, and out of the plane that they span."""
    product, same = call("matmul", call("matrix_transpose", own), g), np.eye(own.shape[-1], dtype=bool)
    columns, rows = _along_last(values), call("expand_dims", values, axis=-1)
    distances = (columns - rows) * (columns + rows)
    same = np.broadcast_to(same, distances.shape)
    turning = call("where", same, 0, product / call("where", same, 1, distances))
    within = (turning + call("matrix_transpose", turning)) * columns
    beside = (g - call("matmul", own, product)) / columns
    return call("matmul", call("matmul", own, within) + beside, call("matrix_transpose", other))


def _left_vjp(g: Array, value: Array, x: Array) -> Array:
    return _singular_vjp(g, value, call("right_vectors", x), call("svdvals", x))


def _right_vjp(g: Array, value: Array, x: Array) -> Array:
    return call("matrix_transpose", _singular_vjp(g, value, call("left_vectors", x), call("svdvals", x)))


def _leading(x: Array, columns: int) -> Array:
    """Return so many columns of a matrix, the first."""
    return call("take", x, np.arange(columns), axis=-1)


def _orthogonal_vjp(g: Array, value: Array, x: Array) -> Array:
    """Turn the columns that are used; the others get nothing."""
    turned, used = call("matrix_transpose", value), value.shape[-1]
    triangle = call("triu", call("matmul", turned, _leading(x, used)), k=0)
    lower = call("tril", -call("matmul", call("matrix_transpose", g), value), k=0)
    both = lower + call("matrix_transpose", call("tril", lower, k=-1))
    sent = g + call("matmul", value, both)
    found = call("matrix_transpose", call("solve", triangle, call("matrix_transpose", sent)))
    if x.shape[-1] == used:
        return found
    return call("concat", found, call("broadcast_to", 0, shape=(*x.shape[:-1], x.shape[-1] - used)), axis=-1)


def _triangle(q: Array, x: Array) -> Array:
    """What stands below the diagonal is 0 only where the product is known."""
    product = call("matmul", call("matrix_transpose", q), x)
    return product * call("after", call("triu", call("broadcast_to", 1, shape=product.shape), k=0), product)


def _pinv_vjp(g: Array, value: Array, x: Array) -> Array:
    def product(*factors: Array) -> Array:
        return reduce(lambda left, right: call("matmul", left, right), factors)

    v, h = call("matrix_transpose", value), call("matrix_transpose", g)
    rows, columns = product(h, value, v), product(v, value, h)
    beside = rows - product(x, product(value, rows))
    return -product(v, g, v) + beside + (columns - product(product(columns, value), x))


def _quarters(*parts: Array) -> Array:
    """Return four square matrices as one."""
    rows = [call("concat", *pair, axis=-1) for pair in (parts[:2], parts[2:])]
    return call("concat", *rows, axis=-2)


def _along(used: Arithmetic, x: Data, g: Data) -> Data:
    return used.factorised("expm_along", np.concatenate(np.broadcast_arrays(_square(x), g), axis=-1))


def _along_vjp(g: Array, value: Array, x: Array, direction: Array) -> Array:
    """What depends on x twice: the exponential of a matrix of four, of which two are x."""
    size, nothing = x.shape[-1], call("like", call("broadcast_to", 0, shape=x.shape), x)
    turned = call("matrix_transpose", x)
    whole = _quarters(turned, nothing, call("matrix_transpose", direction), turned)
    found = call("expm_along", whole, _quarters(nothing, g, nothing, nothing))
    places = np.arange(size)
    first, second = (
        call("take", call("take", found, half, axis=-2), half, axis=-1) for half in (places, places + size)
    )
    return first + second


def _kron(used: Arithmetic, x1: Data, x2: Data) -> Data:
    product = used.elementary("multiply", x1[..., :, None, :, None], x2[..., None, :, None, :])
    rows, of_rows, columns, of_columns = product.shape[-4:]
    return product.reshape(*product.shape[:-4], rows * of_rows, columns * of_columns)


def _blocks(used: Arithmetic, x: Data, x1: Data, x2: Data) -> Data:
    rows, columns = zip(x1.shape[-2:], x2.shape[-2:], strict=True)
    return x.reshape(*x.shape[:-2], *rows, *columns)


def _inserted(x: Array, *axes: int) -> Array:
    for axis in axes:
        x = call("expand_dims", x, axis=axis)
    return x


def _block_sums(g: Array, x: Array, axes: tuple[int, int]) -> Array:
    return call("sum", g * x, axis=axes, keepdims=False)


data_rule("matmul", _matmul, _first, _second)
data_rule(
    "kron",
    _kron,
    lambda g, value, x1, x2: _block_sums(call("blocks", g, x1, x2), _inserted(x2, -2, -4), (-3, -1)),
    lambda g, value, x1, x2: _block_sums(call("blocks", g, x1, x2), _inserted(x1, -1, -3), (-4, -2)),
)
data_rule("trace", _trace, lambda g, value, x, offset: call("untrace", g, x, offset=offset))
data_rule("det", lambda used, x: used.determinants(_square(x)), lambda g, value, x: call("cofactors", g, x))
data_rule(
    "logabsdet",
    lambda used, x: used.logarithms(_square(x)),
    lambda g, value, x: _spread(g) * call("matrix_transpose", call("inv", x)),
)
data_rule("inv", lambda used, x: used.inverses(_square(x)), _inv_vjp)
data_rule(
    "solve",
    lambda used, x1, x2: used.solutions(_square(x1), x2),
    lambda g, value, x1, x2: _contracted(-_transposed_solve(x1, g), value, x1.shape),
    lambda g, value, x1, x2: _transposed_solve(x1, g),
)

data_rule("cholesky", lambda used, x: used.factorised("cholesky", _square(x)), _cholesky_vjp)
data_rule("eigvalsh", lambda used, x: used.factorised("eigvalsh", _square(x)), _eigvalsh_vjp)
data_rule(
    "expm",
    lambda used, x: used.factorised("expm", _square(x)),
    lambda g, value, x: call("expm_along", call("matrix_transpose", x), g),
)
data_rule("pinv", lambda used, x: used.factorised("pinv", x), _pinv_vjp)
data_rule("svdvals", lambda used, x: used.factorised("svdvals", x), _svdvals_vjp)
data_rule("left_vectors", lambda used, x: used.factorised("left_vectors", x), _left_vjp)
data_rule("right_vectors", lambda used, x: used.factorised("right_vectors", x), _right_vjp)
data_rule("orthogonal", lambda used, x: used.factorised("orthogonal", x), _orthogonal_vjp)

# Steps that rules and formulas are made of.
function("symmetric", _symmetric)
function("half_lower", _half_lower)
function("triangle", _triangle)
data_rule("eigenvectors", lambda used, x: used.factorised("eigenvectors", _square(x)), _eigenvectors_vjp)
data_rule(
    "expm_along",
    _along,
    _along_vjp,
    lambda g, value, x, direction: call("expm_along", call("matrix_transpose", x), g),
)
data_rule("blocks", _blocks, lambda g, value, x, x1, x2: call("like", g, x))
data_rule("untrace", _untrace, lambda g, value, x, like, offset: call("trace", g, offset=offset))
data_rule(
    "cofactors",
    lambda used, g, x: used.cofactors(g, x),
    _cofactors_vjp(0),
    _cofactors_vjp(1),
    alternatives=((_cofactors_vjp(0, _by_inverse),), (_cofactors_vjp(1, _by_inverse),)),
)
