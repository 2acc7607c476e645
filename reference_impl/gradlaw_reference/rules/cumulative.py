"""Cumulative primitives: each result is a reduction of the elements up to its place along an axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradlaw_reference.arithmetic import Arithmetic, Data
from gradlaw_reference.engine import Array
from gradlaw_reference.rules.elementwise import call
from gradlaw_reference.rules.table import data_rule, function
from gradlaw_spec import Slice


def _scanned(reduce: Callable[[Data], Data], x: Data, axis: int) -> Data:
    """Return what a reduction along an axis makes of each piece from its beginning."""
    before = (slice(None),) * (axis % x.ndim)
    results = [reduce(x[(*before, slice(0, end + 1))]) for end in range(x.shape[axis])]
    return np.stack(results, axis=axis) if results else x


def _cumulative_sum(used: Arithmetic, x: Data, *, axis: int) -> Data:
    return _scanned(lambda piece: used.sum(piece, (axis % x.ndim,)), x, axis)


def _summed_from_the_end(g: Array, *, axis: int) -> Array:
    return call("flip", call("cumulative_sum", call("flip", g, axis=axis), axis=axis), axis=axis)


def _cumulative_prod(used: Arithmetic, x: Data, *, axis: int) -> Data:
    return _scanned(lambda piece: used.prod(piece, (axis % x.ndim,)), x, axis)


def _piece(x: Array, axis: int, start: int, stop: int) -> Array:
    return call("getitem", x, index=(*(Slice(),) * axis, Slice(start, stop)))


def _sent_by_products(
    g: Array, x: Array, axis: int, sent: Callable[[Array, int], Array] = lambda product, place: product
) -> Array:
    """For each element, add what ``sent`` makes of the products from its place on, with the cotangent in its place."""
    length = x.shape[axis]
    if not length:
        return g
    gradients = []
    for own in range(length):
        terms = []
        for place in range(own, length):
            factors = [_piece(x, axis, 0, own), _piece(g, axis, place, place + 1), _piece(x, axis, own + 1, place + 1)]
            if not place:  # the product of nothing is a factor too: who multiplies by x and divides again rounds
                factors.append(call("broadcast_to", 1, shape=factors[1].shape))
            terms.append(sent(call("prod", call("concat", *factors, axis=axis), axis=axis, keepdims=True), place))
        gradients.append(call("sum", call("concat", *terms, axis=axis), axis=axis, keepdims=True))
    return call("concat", *gradients, axis=axis)


def _cumulative_prod_vjp(g: Array, value: Array, x: Array, *, axis: int) -> Array:
    """Once a product overflows, anything is what it sends, as for a single product."""
    axis %= x.ndim
    return _sent_by_products(
        g, x, axis, lambda product, place: call("after", product, _piece(value, axis, place, place + 1))
    )


data_rule("cumulative_sum", _cumulative_sum, lambda g, value, x, axis: _summed_from_the_end(g, axis=axis))
data_rule("cumulative_prod", _cumulative_prod, _cumulative_prod_vjp)

# Steps that rules and formulas are made of.
function("cumulative_others", lambda g, x, axis: _sent_by_products(g, x, axis % x.ndim))
