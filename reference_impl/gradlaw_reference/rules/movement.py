"""Data movement: nothing is computed, and every cotangent element goes back to where its value came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradlaw_reference.arithmetic import Arithmetic, Data
from gradlaw_reference.engine import Array, as_array
from gradlaw_reference.rules.elementwise import call
from gradlaw_reference.rules.table import data_rule, raw
from gradlaw_spec import IndexItem, Slice

Index = tuple[IndexItem, ...]


def numpy_index(index: Any) -> tuple[Any, ...]:
    """Return an index attribute (or Python's own index) as NumPy takes it."""
    named = {"newaxis": None, "ellipsis": Ellipsis}
    items = index if isinstance(index, tuple) else (index,)
    return tuple(
        slice(item.start, item.stop, item.step)
        if isinstance(item, Slice)
        else named[item]
        if isinstance(item, str)
        else item
        for item in items
    )


def _array(result: Any, like: Data) -> Data:
    """Keep 0-d results arrays."""
    return np.asarray(result, dtype=like.dtype)


def _scatter(used: Arithmetic, g: Data, *, shape: tuple[int, ...], index: Index) -> Data:
    return used.scatter(g, shape, numpy_index(index))


def _scatter_take(used: Arithmetic, g: Data, indices: Data, *, shape: tuple[int, ...], axis: int) -> Data:
    return used.scatter(g, shape, (*(slice(None),) * (axis % len(shape)), indices))


def _take_vjp(g: Array, value: Array, x: Array, indices: Any, *, axis: int) -> Array:
    return call("scatter_take", g, raw_indices(indices), shape=x.shape, axis=axis)


def raw_indices(indices: Any) -> Data:
    """Return indices as an integer array."""
    return np.asarray(raw(indices) if isinstance(indices, Array) else indices).astype(np.int64)


def _concat_vjp(g: Array, value: Array, *arrays: Array, axis: int, position: int) -> Array:
    axis %= g.ndim
    lengths = [as_array(array).shape[axis] for array in arrays]
    start = sum(lengths[:position])
    return call("getitem", g, index=(*(Slice(),) * axis, Slice(start, start + lengths[position])))


def _stack_vjp(g: Array, value: Array, *arrays: Array, axis: int, position: int) -> Array:
    return call("getitem", g, index=(*(Slice(),) * (axis % g.ndim), position))


def _inverse(axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    return tuple(int(place) for place in np.argsort([axis % ndim for axis in axes]))


data_rule(
    "matrix_transpose",
    lambda used, x: np.swapaxes(x, -1, -2),
    lambda g, value, x: call("matrix_transpose", g),
)
data_rule(
    "permute_dims",
    lambda used, x, axes: np.transpose(x, axes),
    lambda g, value, x, axes: call("permute_dims", g, axes=_inverse(axes, x.ndim)),
)
data_rule(
    "reshape",
    lambda used, x, shape: np.reshape(x, shape),
    lambda g, value, x, shape: call("reshape", g, shape=x.shape),
)
data_rule("broadcast_to", lambda used, x, shape: np.broadcast_to(x, shape), lambda g, value, x, shape: g)
data_rule(
    "expand_dims",
    lambda used, x, axis: np.expand_dims(x, axis),
    lambda g, value, x, axis: call("reshape", g, shape=x.shape),
)
data_rule("concat", lambda used, *arrays, axis: np.concatenate(arrays, axis=axis), _concat_vjp, sequence=True)
data_rule("stack", lambda used, *arrays, axis: np.stack(arrays, axis=axis), _stack_vjp, sequence=True)
data_rule(
    "getitem",
    lambda used, x, index: _array(x[numpy_index(index)], x),
    lambda g, value, x, index: call("scatter", g, shape=x.shape, index=index),
)
data_rule("take", lambda used, x, indices, axis: np.take(x, raw_indices(indices), axis=axis), _take_vjp)

# Steps that rules are made of.
data_rule("scatter", _scatter, lambda g, value, x, shape, index: call("getitem", g, index=index))
data_rule(
    "scatter_take",
    _scatter_take,
    lambda g, value, x, indices, shape, axis: call("take", g, indices, axis=axis),
)
