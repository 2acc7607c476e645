"""Cumulative primitives: each result is a reduction of the elements up to its place along an axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradlaw_reference.arithmetic import Arithmetic, Data
from gradlaw_reference.engine import Array
from gradlaw_reference.rules.elementwise import call
from gradlaw_reference.rules.table import data_rule


def _scanned(reduce: Callable[[Data], Data], x: Data, axis: int) -> Data:
    """Return what a reduction along an axis makes of each piece from its beginning."""
    before = (slice(None),) * (axis % x.ndim)
    results = [reduce(x[(*before, slice(0, end + 1))]) for end in range(x.shape[axis])]
    return np.stack(results, axis=axis) if results else x


def _cumulative_sum(used: Arithmetic, x: Data, *, axis: int) -> Data:
    return _scanned(lambda piece: used.sum(piece, (axis % x.ndim,)), x, axis)


def _summed_from_the_end(g: Array, *, axis: int) -> Array:
    return call("flip", call("cumulative_sum", call("flip", g, axis=axis), axis=axis), axis=axis)


data_rule("cumulative_sum", _cumulative_sum, lambda g, value, x, axis: _summed_from_the_end(g, axis=axis))
