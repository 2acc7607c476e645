"""Functions that order, pick and move elements, for the second reader of the pages' formulas: by loops."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from boxed_numbers import Numbers, boxed


def numpy_index(index: Any) -> tuple[Any, ...]:
    """Return an index attribute as NumPy takes it."""
    words = {"newaxis": None, "ellipsis": Ellipsis}
    return tuple(
        words[item]
        if isinstance(item, str)
        else item
        if isinstance(item, int)
        else slice(item.start, item.stop, item.step)
        for item in index
    )


def returned(g: Numbers, x: Numbers, origin: np.ndarray[Any, Any]) -> Numbers:
    """Add each element of g to a zero at the flat position that it came from."""
    total = [0 * number for number in x.ravel()]
    for place in np.ndindex(*g.shape):
        total[int(origin[place])] += g[place]
    result = np.empty(x.size, dtype=object)
    result[:] = total
    return result.reshape(x.shape)


def labels(x: Numbers) -> np.ndarray[Any, Any]:
    """Return an array of the same shape with the flat position of each element."""
    return np.arange(x.size).reshape(x.shape)


def _scatter(g: Numbers, x: Numbers, index: Any) -> Numbers:
    return returned(g, x, np.asarray(labels(x)[numpy_index(index)]))


def _scatter_take(g: Numbers, x: Numbers, indices: Any, axis: int = 0) -> Numbers:
    return returned(g, x, np.take(labels(x), np.asarray(indices, dtype=int), axis=axis))


def _order(x: Numbers, axis: int, descending: bool) -> np.ndarray[Any, Any]:
    """Return positions in order along an axis; of equal elements the first comes first."""
    order = np.argsort(-x if descending else x, axis=axis, kind="stable")
    return np.asarray(order)


def _sort(x: Numbers, axis: int = -1, descending: bool = False) -> Numbers:
    return np.take_along_axis(x, _order(x, axis, descending), axis)


def _unsort_by(g: Numbers, x: Numbers, axis: int = -1, descending: bool = False) -> Numbers:
    result = np.empty(x.shape, dtype=object)
    np.put_along_axis(result, _order(x, axis, descending), g, axis)
    return result


def _pad(x: Numbers, pad_width: tuple[int, int]) -> Numbers:
    result = np.full([length + sum(pad_width) for length in x.shape], 0, dtype=object)
    for place in np.ndindex(*x.shape):
        result[tuple(number + pad_width[0] for number in place)] = x[place]
    return result


def _quantile_weights(x: Numbers, q: Any, axis: int = -1) -> Numbers:
    result = np.empty(x.shape, dtype=object)
    for place in np.ndindex(*x.shape):
        result[place] = max(1 - abs(Fraction(q) * (x.shape[axis] - 1) - place[axis]), Fraction(0))
    return result


def _quantile(x: Numbers, q: Any, axis: int = -1, keepdims: bool = False) -> Numbers:
    parts = _quantile_weights(x, q, axis) * _sort(x, axis)
    return boxed(boxed(parts).sum(axis=axis, keepdims=keepdims))


def _index_add(x: Numbers, indices: Any, updates: Numbers, axis: int = 0) -> Numbers:
    return boxed(x + returned(updates, x, np.take(labels(x), np.asarray(indices, dtype=int), axis=axis)))


def _index_copy(x: Numbers, indices: Any, updates: Numbers, axis: int = 0) -> Numbers:
    return _index_add(_cleared(x, indices, axis), indices, updates, axis)


def _cleared(x: Numbers, indices: Any, axis: int = 0) -> Numbers:
    replaced = np.isin(np.indices(x.shape)[axis], np.asarray(indices, dtype=int))
    return boxed(np.where(replaced, 0 * x, x))


def _leading(g: Numbers, x: Numbers) -> Numbers:
    result = boxed(0 * x)
    result[..., : g.shape[-1]] = g
    return result


def _cumulative_max(x: Numbers, axis: int) -> Numbers:
    result = np.empty(x.shape, dtype=object)
    for place in np.ndindex(*x.shape):
        row = np.moveaxis(x, axis, 0)[(slice(None), *np.delete(place, axis))]
        result[place] = max(row[: place[axis] + 1])
    return result


def _route_to_records(g: Numbers, x: Numbers, axis: int) -> Numbers:
    result = boxed(0 * x)
    for place in np.ndindex(*x.shape):
        row = list(np.moveaxis(x, axis, 0)[(slice(None), *np.delete(place, axis))])[: place[axis] + 1]
        record = list(place)
        record[axis] = row.index(max(row))
        result[tuple(record)] += g[place]
    return result


OF_ORDERS: dict[str, Callable[..., Any]] = {
    "cumulative_max": _cumulative_max,
    "quantile": _quantile,
    "sort": _sort,
}
"""Functions of orders, by comparing."""
OF_PLACES: dict[str, Callable[..., Any]] = {
    "diagonal": lambda x, offset=0: boxed(np.diagonal(x, offset, -2, -1)),
    "index_add": _index_add,
    "index_copy": _index_copy,
    "pad": _pad,
    "tile": lambda x, repetitions: np.tile(x, repetitions),
}
"""Functions that move elements, which NumPy has in another way."""
BACK_OF_PLACES: dict[str, Callable[..., Any]] = {
    "cleared": _cleared,
    "scatter": _scatter,
    "scatter_take": _scatter_take,
    "leading": _leading,
    "route_to_records": _route_to_records,
    "on_diagonal": lambda g, x, offset=0: returned(g, x, np.diagonal(labels(x), offset, -2, -1)),
    "scatter_along_axis": lambda g, x, indices, axis=-1: returned(
        g, x, np.take_along_axis(labels(x), np.asarray(indices, dtype=int), axis)
    ),
    "quantile_weights": _quantile_weights,
    "unpad": lambda g, x, pad_width: boxed(g[tuple(slice(pad_width[0], pad_width[0] + n) for n in x.shape)]),
    "unrepeat": lambda g, x, repeats, axis: returned(g, x, np.repeat(labels(x), repeats, axis)),
    "untile": lambda g, x, repetitions: returned(g, x, np.tile(labels(x), repetitions)),
    "unsort_by": _unsort_by,
}
"""Steps that formulas of their gradients are made of."""
