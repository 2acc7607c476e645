"""Cumulative primitives: each result is a reduction of the elements up to its place along an axis."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

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


def _accumulated(step: Callable[[Arithmetic, Data, Data], Data]) -> Callable[..., Data]:
    """Return a scan: from the left, with a function of what is so far and the next element."""

    def scan(used: Arithmetic, x: Data, *, axis: int) -> Data:
        pieces = [np.take(x, [place], axis=axis) for place in range(x.shape[axis])]
        found = list(accumulate(pieces, lambda so_far, piece: step(used, so_far, piece)))
        return np.concatenate(found, axis) if found else x

    return scan


def _larger(used: Arithmetic, so_far: Data, piece: Data) -> Data:
    return used.elementary("maximum", so_far, piece)


def _smoothly_larger(used: Arithmetic, so_far: Data, piece: Data) -> Data:
    """Add the logarithm of a sum to the larger one: whoever computes that at once has its error too."""
    apart = used.elementary("abs", used.elementary("subtract", so_far, piece))
    beside = used.elementary("exp", used.elementary("negative", apart))
    rest = used.elementary("log", used.elementary("add", used.asarray(1), beside))
    return used.elementary("add", _larger(used, so_far, piece), rest)


def _cumulative_logsumexp_vjp(g: Array, value: Array, x: Array, *, axis: int) -> Array:
    """Each element times its weight at each place from its own on."""
    sent, element, end = (call("moveaxis", array, source=axis, destination=-1) for array in (g, x, value))
    apart = call("triu", call("expand_dims", element, axis=-1) - call("expand_dims", end, axis=-2), k=0)
    parts = call("triu", call("expand_dims", sent, axis=-2) * call("exp", apart), k=0)
    return call("moveaxis", call("sum", parts, axis=-1, keepdims=False), source=-1, destination=axis)


def _records(used: Arithmetic, by: Data) -> Data:
    """Return for each place how much of each element is the largest so far: places, then elements."""
    length = by.shape[-1]
    parts = np.broadcast_to(used.asarray(0), (*by.shape, length)).copy()
    for place in range(length):
        parts[..., place, : place + 1] = used.share_of_maximum(by[..., : place + 1], -1)
    return parts


def _sent(used: Arithmetic, x: Data, parts: Data) -> Data:
    """Add to each element of the last axis what is routed to it from those of the axis before it.

    Where nothing is routed, nothing is added: the sum has no more terms than parts. But nothing of a number that may be
    nan may be nan too, as for one maximum.
    """
    size, live = x.size, np.not_equal(parts, 0) if parts.dtype != object else ~np.equal(parts, 0).astype(bool)
    routed = used.route(np.broadcast_to(x[..., np.newaxis], parts.shape), parts)
    places = np.broadcast_to(np.arange(size).reshape(x.shape)[..., np.newaxis, :], parts.shape)
    total = used.scatter(routed.ravel(), (size + 1,), (np.where(live, places, size).ravel(),))[:size]
    total = total.reshape(x.shape)
    if x.dtype == object:
        total = total + np.sum(used.route(x, np.broadcast_to(used.asarray(0), x.shape)), axis=-1, keepdims=True)
    return used.several(total, int(live.sum(axis=-2).max(initial=1)))


def _route_to_records(used: Arithmetic, x: Data, by: Data, *, axis: int) -> Data:
    parts = _records(used, np.moveaxis(by, axis, -1))
    return np.moveaxis(_sent(used, np.moveaxis(x, axis, -1), parts), -1, axis)


def _pick_records(used: Arithmetic, x: Data, by: Data, *, axis: int) -> Data:
    parts = _records(used, np.moveaxis(by, axis, -1))
    return np.moveaxis(_sent(used, np.moveaxis(x, axis, -1), np.swapaxes(parts, -1, -2)), -1, axis)


data_rule("cumulative_sum", _cumulative_sum, lambda g, value, x, axis: _summed_from_the_end(g, axis=axis))
data_rule("cumulative_prod", _cumulative_prod, _cumulative_prod_vjp)
data_rule("cumulative_logsumexp", _accumulated(_smoothly_larger), _cumulative_logsumexp_vjp)
data_rule("cumulative_max", _accumulated(_larger), lambda g, value, x, axis: call("route_to_records", g, x, axis=axis))

# Steps that rules and formulas are made of.
data_rule("route_to_records", _route_to_records, lambda g, value, x, by, axis: call("pick_records", g, by, axis=axis))
data_rule("pick_records", _pick_records, lambda g, value, x, by, axis: call("route_to_records", g, by, axis=axis))
function("cumulative_others", lambda g, x, axis: _sent_by_products(g, x, axis % x.ndim))
