"""What torch's operations on whole arrays are in the law book: orders, running results, windows, matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from gradlaw.own import xp
from gradlaw.own.traced import Traced
from gradlaw.own.tracing.reference import Gap
from gradlaw.own.tracing.torch_operators import LOWERED, Rule, lowers, patches


def _along(function: Callable[..., Any], *, placed: bool = False) -> Rule:
    """Return the rule of what runs along an axis, some with the places of their results, which stay torch's."""

    def rule(operation: Any) -> Any:
        x, axis = operation.arguments[0], operation.argument(1, "dim", -1)
        found = function(x, axis=axis) if x.shape else x
        return (found, None) if placed else found

    return rule


LOWERED["aten.cumsum"] = _along(xp.cumulative_sum)
LOWERED["aten.cumprod"] = _along(xp.cumulative_prod)
LOWERED["aten.logcumsumexp"] = _along(xp.cumulative_logsumexp)
LOWERED["aten.cummax"] = _along(xp.cumulative_max, placed=True)
LOWERED["aten.cummin"] = _along(xp.cumulative_min, placed=True)


def _ordered(x: Any, axis: int, chosen: Any, *, descending: bool = False) -> Any:
    """Return elements of a sorted axis, those that an index takes."""
    if not x.shape:
        return x
    index: list[Any] = [slice(None)] * len(x.shape)
    index[axis] = chosen
    return xp.sort(x, axis=axis, descending=descending)[tuple(index)]


@lowers("aten.sort")
def _sort(operation: Any) -> Any:
    axis, descending = operation.argument(1, "dim", -1), operation.argument(2, "descending", False)
    return _ordered(operation.arguments[0], axis, slice(None), descending=bool(descending)), None


@lowers("aten.topk")
def _largest(operation: Any) -> Any:
    count, axis, largest = (
        operation.arguments[1],
        operation.argument(2, "dim", -1),
        operation.argument(3, "largest", True),
    )
    if not operation.argument(4, "sorted", True):
        raise NotImplementedError("elements in no order")
    return _ordered(operation.arguments[0], axis, slice(0, count), descending=bool(largest)), None


@lowers("aten.kthvalue")
def _smallest(operation: Any) -> Any:
    place, axis = operation.arguments[1] - 1, operation.argument(2, "dim", -1)
    return _ordered(operation.arguments[0], axis, _kept(place, operation.argument(3, "keepdim", False))), None


@lowers("aten.median")
def _middle(operation: Any) -> Any:
    """Return torch's median: of two elements in the middle the smaller one."""
    x = operation.arguments[0]
    if len(operation.arguments) == 1 and "dim" not in operation.named:
        return _ordered(xp.reshape(x, (math.prod(x.shape),)), 0, (math.prod(x.shape) - 1) // 2)
    axis = operation.argument(1, "dim")
    place = (x.shape[axis] - 1) // 2 if x.shape else 0
    return _ordered(x, axis, _kept(place, operation.argument(2, "keepdim", False))), None


def _kept(place: int, keepdim: bool) -> Any:
    return slice(place, place + 1) if keepdim else place


@lowers("aten.avg_pool2d")
def _means_of_windows(operation: Any) -> Any:
    """Return the sums of windows over their sizes; zeros of the padding count unless torch is told otherwise."""
    x, kernel = operation.arguments[:2]
    stride, padding = operation.argument(2, "stride") or kernel, operation.argument(3, "padding", 0)
    if operation.argument(4, "ceil_mode", False):
        raise NotImplementedError("windows that reach beyond the padding")
    both = [pair if isinstance(pair, list | tuple) else (pair, pair) for pair in (kernel, stride, padding, 1)]
    kernel, stride, padding, hop = (tuple(pair) * (2 // len(pair)) for pair in both)
    places, inside = patches(x.shape[-2:], kernel, operation.out.shape[-2:], stride, padding, hop)
    flat = xp.reshape(x, (*x.shape[:-2], math.prod(x.shape[-2:])))
    taken = xp.reshape(xp.take(flat, places.ravel(), axis=-1), (*x.shape[:-2], *places.shape))
    sums = xp.sum(taken if inside.all() else xp.where(inside, taken, 0.0), axis=-2)
    counted = operation.argument(5, "count_include_pad", True)
    size = operation.argument(6, "divisor_override") or (len(places) if counted else inside.sum(axis=0) * 1.0)
    return xp.reshape(sums / size, tuple(operation.out.shape))


def _added_at(start: Any, places: Any, parts: Any) -> Any:
    """Return an array with parts added at flat places of it, as often as each stands there."""
    if not places.size:
        return start
    whole, flat = (
        xp.reshape(one, (math.prod(one.shape),)) if isinstance(one, Traced) else np.ravel(one) for one in (start, parts)
    )
    return xp.reshape(xp.index_add(whole, places.ravel(), flat, axis=0), start.shape)


@lowers("aten.scatter_add", "aten.scatter_reduce")
def _scattered(operation: Any) -> Any:
    start, axis, index, parts = operation.arguments[:4]
    if operation.argument(4, "reduce", "sum") != "sum" or not operation.named.get("include_self", True):
        raise NotImplementedError("a reduction other than the sum with what was there")
    places = list(np.indices(index.shape))
    places[axis] = index
    used = parts[tuple(slice(0, length) for length in index.shape)]
    return _added_at(start, np.ravel_multi_index(places, start.shape), used)


@lowers("aten.index_put")
def _accumulated(operation: Any) -> Any:
    """Return sums into indexed places; without them it moves elements."""
    start, indices, parts = operation.arguments[:3]
    index = tuple(slice(None) if one is None else one for one in indices)
    places = np.arange(math.prod(start.shape)).reshape(start.shape)[index]
    spread = (xp if isinstance(parts, Traced) else np).broadcast_to(parts, places.shape)
    return _added_at(start, places, spread)


@lowers("prims.var")
def _variance(operation: Any) -> Any:
    axes = operation.arguments[1]
    return xp.var(
        operation.arguments[0],
        axis=None if axes is None else tuple(axes),
        correction=operation.argument(2, "correction", 1),
    )


@lowers("prims.prod")
def _product(operation: Any) -> Any:
    axes = operation.arguments[1]
    return xp.prod(operation.arguments[0], axis=None if axes is None else tuple(axes))


@lowers("aten.fmod")
def _remainder_to_zero(operation: Any) -> Any:
    first, second = operation.arguments[:2]
    return first - xp.trunc(first / second) * second


@lowers("aten.remainder")
def _remainder(operation: Any) -> Any:
    first, second = operation.arguments[:2]
    return first - xp.floor(first / second) * second


@lowers("aten._cdist_forward")
def _distances(operation: Any) -> Any:
    first, second, order = operation.arguments[:3]
    left = xp.reshape(first, (*first.shape[:-1], 1, first.shape[-1]))
    right = xp.reshape(second, (*second.shape[:-2], 1, *second.shape[-2:]))
    if order not in (1.0, 2.0, math.inf):
        raise NotImplementedError(f"distances of the order {order}")
    return xp.vector_norm(left - right, axis=-1, ord=int(order) if order < math.inf else order)


FACTORS: Final = Gap("factors of a matrix, whose order is an engine's choice")
LOWERED["aten.linalg_inv_ex"] = lambda operation: (xp.inv(operation.arguments[0]), None)
LOWERED["aten._linalg_det"] = lambda operation: (xp.det(operation.arguments[0]), FACTORS, None)
LOWERED["aten._linalg_slogdet"] = lambda operation: (None, xp.logabsdet(operation.arguments[0]), FACTORS, None)
LOWERED["aten.linalg_pinv"] = lambda operation: xp.pinv(operation.arguments[0])
LOWERED["aten.linalg_matrix_exp"] = lambda operation: xp.expm(operation.arguments[0])


@lowers("aten.linalg_cholesky_ex")
def _root(operation: Any) -> Any:
    found = xp.cholesky(operation.arguments[0])
    return (xp.matrix_transpose(found) if operation.named.get("upper") else found), None


@lowers("aten._linalg_solve_ex")
def _solution(operation: Any) -> Any:
    matrix, sides = operation.arguments[:2]
    if not operation.named.get("left", True):
        return (
            xp.matrix_transpose(_solved(xp.matrix_transpose(matrix), xp.matrix_transpose(sides))),
            FACTORS,
            None,
            None,
        )
    return _solved(matrix, sides), FACTORS, None, None


@lowers("aten.linalg_solve_triangular")
def _triangular_solution(operation: Any) -> Any:
    matrix, sides = operation.arguments[:2]
    if operation.named.get("unitriangular"):
        raise NotImplementedError("a matrix whose diagonal is not read")
    half = (xp.triu if operation.named["upper"] else xp.tril)(matrix)
    if not operation.named.get("left", True):
        return xp.matrix_transpose(_solved(xp.matrix_transpose(half), xp.matrix_transpose(sides)))
    return _solved(half, sides)


def _solved(matrix: Any, sides: Any) -> Any:
    """Return the solution; a right side with fewer axes than the matrix is one vector for each."""
    if len(sides.shape) == len(matrix.shape) - 1:
        return xp.reshape(xp.solve(matrix, xp.reshape(sides, (*sides.shape, 1))), sides.shape)
    return xp.solve(matrix, sides)


@lowers("aten._linalg_svd")
def _singular_values(operation: Any) -> Any:
    vectors = Gap("singular vectors, whose signs are an engine's choice")
    return vectors, xp.svdvals(operation.arguments[0]), vectors


@lowers("aten._linalg_eigh")
def _eigenvalues(operation: Any) -> Any:
    return xp.eigvalsh(operation.arguments[0]), Gap("eigenvectors, whose signs are an engine's choice")
