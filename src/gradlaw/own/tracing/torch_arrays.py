"""What torch's operations on whole arrays are in the law book: orders, running results, windows, matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from gradlaw.own import xp
from gradlaw.own.traced import Traced
from gradlaw.own.tracing.arrays import (
    EIGENVECTORS,
    SINGULAR_VECTORS,
    added_at,
    remainder,
    solved,
    sorted_part,
    triangle,
)
from gradlaw.own.tracing.reference import Gap
from gradlaw.own.tracing.torch_operators import LOWERED, Rule, lowers, windows


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


@lowers("aten.sort")
def _sort(operation: Any) -> Any:
    axis, descending = operation.argument(1, "dim", -1), operation.argument(2, "descending", False)
    return sorted_part(operation.arguments[0], axis, slice(None), descending=bool(descending)), None


@lowers("aten.topk")
def _largest(operation: Any) -> Any:
    axis, largest = operation.argument(2, "dim", -1), operation.argument(3, "largest", True)
    if not operation.argument(4, "sorted", True):
        raise NotImplementedError("elements in no order")
    return sorted_part(operation.arguments[0], axis, slice(0, operation.arguments[1]), descending=bool(largest)), None


@lowers("aten.kthvalue")
def _smallest(operation: Any) -> Any:
    place, axis = operation.arguments[1] - 1, operation.argument(2, "dim", -1)
    return sorted_part(operation.arguments[0], axis, _kept(place, operation.argument(3, "keepdim", False))), None


@lowers("aten.median")
def _middle(operation: Any) -> Any:
    """Return torch's median: of two elements in the middle the smaller one."""
    x = operation.arguments[0]
    if len(operation.arguments) == 1 and "dim" not in operation.named:
        return sorted_part(xp.reshape(x, (math.prod(x.shape),)), 0, (math.prod(x.shape) - 1) // 2)
    axis = operation.argument(1, "dim")
    place = (x.shape[axis] - 1) // 2 if x.shape else 0
    return sorted_part(x, axis, _kept(place, operation.argument(2, "keepdim", False))), None


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
    seen, inside = windows(x, kernel, operation.out.shape[-2:], stride, padding, hop)
    sums = xp.sum(seen, axis=-2)
    counted = operation.argument(5, "count_include_pad", True)
    size = operation.argument(6, "divisor_override") or (len(inside) if counted else inside.sum(axis=0) * 1.0)
    return xp.reshape(sums / size, tuple(operation.out.shape))


@lowers("aten.scatter_add", "aten.scatter_reduce")
def _scattered(operation: Any) -> Any:
    start, axis, index, parts = operation.arguments[:4]
    if operation.argument(4, "reduce", "sum") != "sum" or not operation.named.get("include_self", True):
        raise NotImplementedError("a reduction other than the sum with what was there")
    places = list(np.indices(index.shape))
    places[axis] = index
    used = parts[tuple(slice(0, length) for length in index.shape)]
    return added_at(start, np.ravel_multi_index(places, start.shape), used)


@lowers("aten.index_put")
def _accumulated(operation: Any) -> Any:
    """Return sums into indexed places; without them it moves elements."""
    start, indices, parts = operation.arguments[:3]
    index = tuple(slice(None) if one is None else one for one in indices)
    places = np.arange(math.prod(start.shape)).reshape(start.shape)[index]
    spread = (xp if isinstance(parts, Traced) else np).broadcast_to(parts, places.shape)
    return added_at(start, places, spread)


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
    return remainder(operation.arguments[0], operation.arguments[1], xp.trunc)


@lowers("aten.remainder")
def _remainder(operation: Any) -> Any:
    return remainder(operation.arguments[0], operation.arguments[1], xp.floor)


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
    if len(sides.shape) == len(matrix.shape) - 1:  # one vector for each matrix
        found = xp.reshape(solved(matrix, xp.reshape(sides, (*sides.shape, 1))), sides.shape)
    else:
        found = solved(matrix, sides, left=operation.named.get("left", True))
    return found, FACTORS, None, None


@lowers("aten.linalg_solve_triangular")
def _triangular_solution(operation: Any) -> Any:
    matrix, sides = operation.arguments[:2]
    unit = operation.named.get("unitriangular", False)
    half = triangle(matrix, lower=not operation.named["upper"], unit=unit)
    return solved(half, sides, left=operation.named.get("left", True))


@lowers("aten._linalg_svd")
def _singular_values(operation: Any) -> Any:
    return SINGULAR_VECTORS, xp.svdvals(operation.arguments[0]), SINGULAR_VECTORS


@lowers("aten._linalg_eigh")
def _eigenvalues(operation: Any) -> Any:
    return xp.eigvalsh(operation.arguments[0]), EIGENVECTORS
