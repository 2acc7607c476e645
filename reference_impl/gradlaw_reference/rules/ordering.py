"""Ordering: elements go to the places of an order, and every cotangent goes back to where its value came from."""

from __future__ import annotations

import numpy as np

from gradlaw_reference.arithmetic import Arithmetic, Data
from gradlaw_reference.engine import Array
from gradlaw_reference.rules.elementwise import call
from gradlaw_reference.rules.table import data_rule, function
from gradlaw_spec import Slice


def _order(used: Arithmetic, rows: Data, descending: bool) -> Data:
    """Return the order of rows: places, then elements."""
    order = used.order(rows)
    return order[..., ::-1, :] if descending else order


def _sort(used: Arithmetic, x: Data, *, axis: int, descending: bool) -> Data:
    rows = used.sorted(np.moveaxis(x, axis, -1))
    return np.moveaxis(rows[..., ::-1] if descending else rows, -1, axis)


def _sort_by(used: Arithmetic, x: Data, by: Data, *, axis: int, descending: bool) -> Data:
    order = _order(used, np.moveaxis(by, axis, -1), descending)
    return np.moveaxis(used.arranged(np.moveaxis(x, axis, -1), order), -1, axis)


def _unsort_by(used: Arithmetic, x: Data, by: Data, *, axis: int, descending: bool) -> Data:
    order = _order(used, np.moveaxis(by, axis, -1), descending)
    return np.moveaxis(used.arranged(np.moveaxis(x, axis, -1), np.swapaxes(order, -1, -2)), -1, axis)


def _weights(used: Arithmetic, length: int, q: float) -> Data:
    """Return how much of each of so many sorted elements is in a quantile."""
    place = used.elementary("multiply", used.constant(q), used.constant(length - 1))
    distance = used.elementary("abs", used.elementary("subtract", place, used.asarray(np.arange(float(length)))))
    return used.elementary("maximum", used.elementary("subtract", used.asarray(1.0), distance), used.asarray(0.0))


def _quantile(used: Arithmetic, x: Data, *, q: float, axis: int, keepdims: bool) -> Data:
    """Join the elements that have a weight, and no others: so many terms are rounded."""
    rows = used.sorted(np.moveaxis(x, axis, -1))
    if not rows.shape[-1]:
        raise ValueError("the quantile of no elements")
    weights = _weights(used, rows.shape[-1], q)
    live = ~np.equal(weights, 0).astype(bool)
    total = used.matmul(rows[..., live], weights[live][:, np.newaxis])[..., 0]
    return np.expand_dims(total, axis) if keepdims else total


def _quantile_weights(used: Arithmetic, x: Data, *, q: float, axis: int) -> Data:
    rows = np.moveaxis(x, axis, -1)
    return np.moveaxis(np.broadcast_to(_weights(used, rows.shape[-1], q), rows.shape), -1, axis)


def _quantile_vjp(g: Array, value: Array, x: Array, *, q: float, axis: int, keepdims: bool) -> Array:
    handed = call("unreduce", g, x, axis=axis, keepdims=keepdims)
    return call("unsort_by", handed * call("quantile_weights", x, q=q, axis=axis), x, axis=axis)


data_rule("quantile", _quantile, _quantile_vjp)
data_rule("sort", _sort, lambda g, value, x, **order: call("unsort_by", g, x, **order))

# Steps that rules and formulas are made of.
function("leading", lambda x, like: call("scatter", x, like, index=("ellipsis", Slice(None, x.shape[-1]))))
data_rule("sort_by", _sort_by, lambda g, value, x, by, **order: call("unsort_by", g, by, **order))
data_rule("quantile_weights", _quantile_weights)
data_rule("unsort_by", _unsort_by, lambda g, value, x, by, **order: call("sort_by", g, by, **order))
