"""Ordering: elements go to the places of an order, and every cotangent goes back to where its value came from."""

from __future__ import annotations

import numpy as np

from gradlaw_reference.arithmetic import Arithmetic, Data
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


data_rule("sort", _sort, lambda g, value, x, **order: call("unsort_by", g, x, **order))

# Steps that rules and formulas are made of.
function("leading", lambda x, like: call("scatter", x, like, index=("ellipsis", Slice(None, x.shape[-1]))))
data_rule("sort_by", _sort_by, lambda g, value, x, by, **order: call("unsort_by", g, by, **order))
data_rule("unsort_by", _unsort_by, lambda g, value, x, by, **order: call("sort_by", g, by, **order))
