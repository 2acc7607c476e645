"""Data movement: nothing is computed, and every cotangent element goes back to where its value came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradlaw_reference.arithmetic import Arithmetic, Data
from gradlaw_reference.engine import Array, as_array
from gradlaw_reference.rules.elementwise import call, route
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


def _kept(used: Arithmetic, x: Data, mask: Data) -> Data:
    """Keep what a mask has, and write zeros elsewhere."""
    return np.where(mask, x, used.asarray(0))


def _below(x: Data, k: int) -> Data:
    """Return where a matrix is on or below a diagonal."""
    rows, columns = x.shape[-2:]
    return np.tri(rows, columns, k=k, dtype=np.bool_)


def _scatter_take(used: Arithmetic, x: Data, like: Data, indices: Data, *, axis: int) -> Data:
    return used.scatter(x, like.shape, (*(slice(None),) * (axis % like.ndim), raw_indices(indices)))


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


def _unrepeat(used: Arithmetic, x: Data, like: Data, *, repeats: int, axis: int) -> Data:
    axis %= like.ndim
    split = x.reshape((*like.shape[: axis + 1], repeats, *like.shape[axis + 1 :]))
    return used.sum(split, (axis + 1,))


def _untile(used: Arithmetic, x: Data, like: Data, *, repetitions: tuple[int, ...]) -> Data:
    lengths = (*(1,) * (len(repetitions) - like.ndim), *like.shape)
    times = (*(1,) * (like.ndim - len(repetitions)), *repetitions)
    split = x.reshape([number for pair in zip(times, lengths, strict=True) for number in pair])
    return used.sum(split, tuple(range(0, split.ndim, 2))).reshape(like.shape)


def _inside(shape: tuple[int, ...], margins: tuple[int, int]) -> tuple[slice, ...]:
    """Return where the elements stand in an array with margins."""
    return tuple(slice(margins[0], margins[0] + length) for length in shape)


def _pad(used: Arithmetic, x: Data, *, pad_width: tuple[int, int]) -> Data:
    result = np.broadcast_to(used.asarray(0), tuple(length + sum(pad_width) for length in x.shape)).copy()
    result[_inside(x.shape, pad_width)] = x
    return result if x.ndim else x


def _on_diagonal(used: Arithmetic, x: Data, like: Data, *, offset: int) -> Data:
    result = np.broadcast_to(used.asarray(0), like.shape).copy()
    rows, columns = np.nonzero(np.eye(like.shape[-2], like.shape[-1], k=offset, dtype=bool))
    result[..., rows, columns] = x
    return result


def _places_along(indices: Any, shape: tuple[int, ...], axis: int) -> tuple[Any, ...]:
    """Return indices along an axis as an index of all axes; raise ValueError where other axes differ in length."""
    numbers = raw_indices(indices)
    others = [np.delete(lengths, axis).tolist() for lengths in (numbers.shape, shape)]
    if others[0] != others[1]:
        raise ValueError(f"indices.shape={numbers.shape}; expected {shape}, but for axis {axis}")
    places: list[Any] = list(np.indices(numbers.shape, sparse=True))
    places[axis] = numbers
    return tuple(places)


def _rows(indices: Any, axis: int, ndim: int) -> tuple[Any, ...]:
    """Return an index of positions along an axis."""
    return (*(slice(None),) * (axis % ndim), raw_indices(indices))


def _require_updates(x: Data, indices: Any, updates: Data, axis: int) -> None:
    """Raise ValueError where updates have not the shape of what the indices take from an array."""
    expected = np.take(np.empty(x.shape), raw_indices(indices), axis=axis).shape
    if updates.shape != expected:
        raise ValueError(f"updates.shape={updates.shape}; expected {expected}")


def _index_add(used: Arithmetic, x: Data, indices: Data, updates: Data, *, axis: int) -> Data:
    """Add all at once, so that an element and its updates are one sum, in any order."""
    _require_updates(x, indices, updates, axis)
    own = np.arange(x.size)
    places = own.reshape(x.shape)[_rows(indices, axis, x.ndim)]
    total = used.scatter(
        np.concatenate([x.ravel(), updates.ravel()]), own.shape, (np.concatenate([own, places.ravel()]),)
    )
    return total.reshape(x.shape)


def _index_copy(used: Arithmetic, x: Data, indices: Data, updates: Data, *, axis: int) -> Data:
    _require_updates(x, indices, updates, axis)
    result = x.copy()
    result[_rows(indices, axis, x.ndim)] = updates
    return result


def _cleared(used: Arithmetic, x: Data, indices: Data, *, axis: int) -> Data:
    result = x.copy()
    result[_rows(indices, axis, x.ndim)] = used.asarray(0)
    return result


def _index_max(used: Arithmetic, x: Data, indices: Data, updates: Data, *, axis: int) -> Data:
    _require_updates(x, indices, updates, axis)
    largest = used.elementary("maximum", x[_rows(indices, axis, x.ndim)], updates)
    return _index_copy(used, x, indices, largest, axis=axis)


def _kept_vjp(g: Array, value: Array, x: Array, indices: Any, updates: Array, *, axis: int) -> Array:
    """What an update may replace gets its share, all else the whole."""
    own = call("share", call("take", x, indices, axis=axis), updates)
    part = route(call("take", g, indices, axis=axis), own)
    return call("cleared", g, indices, axis=axis) + call("scatter_take", part, x, indices, axis=axis)


def _larger_updates_vjp(g: Array, value: Array, x: Array, indices: Any, updates: Array, *, axis: int) -> Array:
    own = call("share", updates, call("take", x, indices, axis=axis))
    return route(call("take", g, indices, axis=axis), own)


def _updates_vjp(g: Array, value: Array, x: Array, indices: Any, updates: Array, *, axis: int) -> Array:
    return call("take", g, indices, axis=axis)


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
    lambda g, value, x, axes: call("permute_back", g, axes=axes),
)
data_rule(
    "reshape",
    lambda used, x, shape: np.reshape(x, shape),
    lambda g, value, x, shape: call("like", g, x),
)
data_rule("broadcast_to", lambda used, x, shape: np.broadcast_to(x, shape), lambda g, value, x, shape: g)
data_rule(
    "expand_dims",
    lambda used, x, axis: np.expand_dims(x, axis),
    lambda g, value, x, axis: call("like", g, x),
)
data_rule(
    "flip",
    lambda used, x, axis: _array(np.flip(x, axis), x),
    lambda g, value, x, axis: call("flip", g, axis=axis),
)
data_rule(
    "roll",
    lambda used, x, shift, axis: _array(np.roll(x, shift, axis), x),
    lambda g, value, x, shift, axis: call("roll", g, shift=-shift, axis=axis),
)
data_rule(
    "moveaxis",
    lambda used, x, source, destination: np.moveaxis(x, source, destination),
    lambda g, value, x, source, destination: call("moveaxis", g, source=destination, destination=source),
)
data_rule(
    "squeeze",
    lambda used, x, axis: _array(np.squeeze(x, axis), x),
    lambda g, value, x, axis: call("like", g, x),
)
data_rule(
    "tril",
    lambda used, x, k: _kept(used, x, _below(x, k)),
    lambda g, value, x, k: call("tril", g, k=k),
)
data_rule(
    "triu",
    lambda used, x, k: _kept(used, x, ~_below(x, k - 1)),
    lambda g, value, x, k: call("triu", g, k=k),
)
data_rule("concat", lambda used, *arrays, axis: np.concatenate(arrays, axis=axis), _concat_vjp, sequence=True)
data_rule("stack", lambda used, *arrays, axis: np.stack(arrays, axis=axis), _stack_vjp, sequence=True)
data_rule(
    "getitem",
    lambda used, x, index: _array(x[numpy_index(index)], x),
    lambda g, value, x, index: call("scatter", g, x, index=index),
)
data_rule(
    "take",
    lambda used, x, indices, axis: np.take(x, raw_indices(indices), axis=axis),
    lambda g, value, x, indices, axis: call("scatter_take", g, x, indices, axis=axis),
)
data_rule(
    "repeat",
    lambda used, x, repeats, axis: np.repeat(x, repeats, axis),
    lambda g, value, x, **copies: call("unrepeat", g, x, **copies),
)
data_rule(
    "tile",
    lambda used, x, repetitions: np.tile(x, repetitions),
    lambda g, value, x, repetitions: call("untile", g, x, repetitions=repetitions),
)
data_rule("pad", _pad, lambda g, value, x, pad_width: call("unpad", g, x, pad_width=pad_width))
data_rule(
    "diagonal",
    lambda used, x, offset: np.diagonal(x, offset, -2, -1),
    lambda g, value, x, offset: call("on_diagonal", g, x, offset=offset),
)
data_rule(
    "take_along_axis",
    lambda used, x, indices, axis: x[_places_along(indices, x.shape, axis)],
    lambda g, value, x, indices, axis: call("scatter_along_axis", g, x, indices, axis=axis),
)
data_rule(
    "index_add",
    _index_add,
    lambda g, value, x, indices, updates, axis: g,
    lambda g, value, x, indices, updates, axis: 0 * g,
    _updates_vjp,
)
data_rule(
    "index_max",
    _index_max,
    _kept_vjp,
    lambda g, value, x, indices, updates, axis: 0 * g,
    _larger_updates_vjp,
)
data_rule(
    "index_copy",
    _index_copy,
    lambda g, value, x, indices, updates, axis: call("cleared", g, indices, axis=axis),
    lambda g, value, x, indices, updates, axis: 0 * g,
    _updates_vjp,
)

# Steps that rules and formulas are made of.
data_rule("cleared", _cleared, lambda g, value, x, indices, axis: call("cleared", g, indices, axis=axis))
data_rule(
    "unrepeat",
    _unrepeat,
    lambda g, value, x, like, **copies: call("repeat", g, **copies),
)
data_rule("untile", _untile, lambda g, value, x, like, repetitions: call("tile", g, repetitions=repetitions))
data_rule(
    "unpad",
    lambda used, x, like, pad_width: _array(x[_inside(like.shape, pad_width)], x),
    lambda g, value, x, like, pad_width: call("pad", g, pad_width=pad_width),
)
data_rule("on_diagonal", _on_diagonal, lambda g, value, x, like, offset: call("diagonal", g, offset=offset))
data_rule(
    "scatter_along_axis",
    lambda used, x, like, indices, axis: used.scatter(x, like.shape, _places_along(indices, like.shape, axis)),
    lambda g, value, x, like, indices, axis: call("take_along_axis", g, indices, axis=axis),
)
data_rule(
    "scatter",
    lambda used, x, like, index: used.scatter(x, like.shape, numpy_index(index)),
    lambda g, value, x, like, index: call("getitem", g, index=index),
)
data_rule(
    "scatter_take",
    _scatter_take,
    lambda g, value, x, like, indices, axis: call("take", g, indices, axis=axis),
)
data_rule("like", lambda used, x, like: x.reshape(like.shape), lambda g, value, x, like: call("like", g, x))
data_rule(
    "permute_back",
    lambda used, x, axes: np.transpose(x, _inverse(axes, x.ndim)),
    lambda g, value, x, axes: call("permute_dims", g, axes=axes),
)
