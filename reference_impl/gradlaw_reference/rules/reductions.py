"""Reductions along axes: sums hand their cotangent to every element, maxima route it, products swap."""

from __future__ import annotations

import math

import numpy as np

from gradlaw_reference.arithmetic import Arithmetic, Data
from gradlaw_reference.engine import Array, vjp
from gradlaw_reference.rules.elementwise import call, route
from gradlaw_reference.rules.table import data_rule, function, raw

Axis = int | tuple[int, ...] | None


def normalised(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the axes of a reduction as sorted non-negative integers (None: all)."""
    chosen = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return tuple(sorted(item % ndim if ndim else item for item in chosen))


def _kept(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if axis in axes else length for axis, length in enumerate(shape))


def _finish(result: Data, shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> Data:
    return result.reshape(_kept(shape, axes)) if keepdims else result


def _unreduce(used: Arithmetic, x: Data, like: Data, *, axis: Axis, keepdims: bool) -> Data:
    kept = _kept(like.shape, normalised(axis, like.ndim))
    return np.broadcast_to(x.reshape(kept), like.shape)


def _count(used: Arithmetic, x: Data, *, axis: Axis, keepdims: bool) -> Data:
    axes = normalised(axis, x.ndim)
    kept = np.sum(np.ones(x.shape), axis=axes, keepdims=keepdims).shape
    return np.broadcast_to(used.asarray(math.prod(x.shape[position] for position in axes)), kept)


def _last(x: Array, axes: tuple[int, ...]) -> Array:
    """Bring the axes to the end and join them into one."""
    others = tuple(axis for axis in range(x.ndim) if axis not in axes)
    moved = call("permute_dims", x, axes=(*others, *axes))
    return call("reshape", moved, shape=(*moved.shape[: len(others)], math.prod(moved.shape[len(others) :])))


def _back(x: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """Undo `_last`."""
    others = tuple(axis for axis in range(len(shape)) if axis not in axes)
    order = (*others, *axes)
    moved = call("reshape", x, shape=tuple(shape[axis] for axis in order))
    return call("permute_dims", moved, axes=tuple(int(axis) for axis in np.argsort(order)))


def _sum(used: Arithmetic, x: Data, *, axis: Axis, keepdims: bool) -> Data:
    axes = normalised(axis, x.ndim)
    return _finish(used.sum(x, axes), x.shape, axes, keepdims)


def _prod(used: Arithmetic, x: Data, *, axis: Axis, keepdims: bool) -> Data:
    axes = normalised(axis, x.ndim)
    return _finish(used.prod(x, axes), x.shape, axes, keepdims)


def _replaced(x: Array, g: Array, axes: tuple[int, ...]) -> Array:
    """For each element, the product along the axes with g in its place: right at zeros too, and one product of all."""
    rows = _last(x, axes)
    length = rows.shape[-1]
    square = call("broadcast_to", call("expand_dims", rows, axis=-2), shape=(*rows.shape[:-1], length, length))
    diagonal = np.broadcast_to(np.eye(length, dtype=bool), square.shape)
    own = call("broadcast_to", call("expand_dims", _last(g, axes), axis=-1), shape=square.shape)
    products = call("prod", call("where", diagonal, own, square), axis=-1, keepdims=False)
    return _back(products, x.shape, axes)


def _others(x: Array, *, axis: Axis) -> Array:
    return _replaced(x, call("broadcast_to", 1, shape=x.shape), normalised(axis, x.ndim))


def _prod_vjp(g: Array, value: Array, x: Array, *, axis: Axis, keepdims: bool) -> Array:
    """Each element's share is g times the others, in any order; once the product itself overflows, anything is."""
    share = _replaced(x, call("unreduce", g, x, axis=axis, keepdims=keepdims), normalised(axis, x.ndim))
    return call("after", share, call("unreduce", value, x, axis=axis, keepdims=keepdims))


def _largest(used: Arithmetic, x: Data, *, axis: Axis, keepdims: bool) -> Data:
    axes = normalised(axis, x.ndim)
    result = x
    for position in sorted(axes, reverse=True):
        pieces = [np.take(result, i, axis=position) for i in range(result.shape[position])]
        result = pieces[0]
        for piece in pieces[1:]:
            result = used.elementary("maximum", np.asarray(result, dtype=x.dtype), np.asarray(piece, dtype=x.dtype))
    return _finish(np.asarray(result, dtype=x.dtype), x.shape, axes, keepdims)


def _max_vjp(g: Array, value: Array, x: Array, *, axis: Axis, keepdims: bool) -> Array:
    axes = normalised(axis, x.ndim)
    part = call("share_of_maximum", _last(x, axes)) if axes else None
    handed = call("unreduce", g, x, axis=axis, keepdims=keepdims)
    return handed if part is None else route(handed, _back(part, x.shape, axes))


def _harmonic(x: Array, *, axis: Axis, keepdims: bool) -> Array:
    """Where an element is 0 so is the value, which moves with the smallest elements alone."""
    least = call("min", x, axis=axis, keepdims=keepdims)
    away = call("where", np.asarray(raw(x) == 0, dtype=bool), 1, x)
    beside = call("pow", call("sum", call("pow", away, -1), axis=axis, keepdims=keepdims), -1)
    return call("where", np.asarray(raw(least) == 0, dtype=bool), least, beside)


def _harmonic_vjp(g: Array, value: Array, x: Array, *, axis: Axis, keepdims: bool) -> Array:
    """Nothing is said of how the gradient of an element that is 0 moves with it: at that kink it is curved too."""
    own = vjp(lambda varied: _harmonic(varied, axis=axis, keepdims=keepdims), x)[1](g)[0]
    return own + call("settled", np.asarray(raw(x) == 0, dtype=bool), 0 * x)


data_rule("sum", _sum, lambda g, value, x, axis, keepdims: call("unreduce", g, x, axis=axis, keepdims=keepdims))
data_rule("prod", _prod, _prod_vjp)
data_rule("max", _largest, _max_vjp)

# Steps that rules and formulas are made of.
data_rule(
    "unreduce",
    _unreduce,
    lambda g, value, x, like, axis, keepdims: call("sum", g, axis=axis, keepdims=keepdims),
)
data_rule("count", _count)
data_rule("after", lambda used, share, before: used.after(share, before), lambda g, value, share, before: g)
data_rule("share_of_maximum", lambda used, x: used.share_of_maximum(x, -1))
function("others", _others)
function("route_to_largest", lambda x, by, axis: _max_vjp(x, x, by, axis=axis, keepdims=False))
function("harmonic", _harmonic, _harmonic_vjp)
