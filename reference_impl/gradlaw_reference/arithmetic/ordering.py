"""Orders of balls: which element may stand at which place when all are sorted, and what may stand there.

Where two balls overlap their order is open, and both orders are meant: what is arranged by it is the hull of both.
"""

from __future__ import annotations

import numpy as np
from flint import arb

from gradlaw_reference.arithmetic.sets import ONE, SOME, ZERO
from gradlaw_spec import Array as Data


def order_of(value: Data) -> Data:
    """Return for each place along the last axis of the ascending order how much of each element may stand there.

    An element is behind all that are certainly less, and before all that are certainly greater. The result has one
    more axis than the value: places, then elements.
    """
    length = value.shape[-1]
    less = np.less(value[..., :, np.newaxis], value[..., np.newaxis, :]).astype(bool)
    first, last = less.sum(axis=-2), length - 1 - less.sum(axis=-1)
    places = np.arange(length)[:, np.newaxis]
    may = (first[..., np.newaxis, :] <= places) & (places <= last[..., np.newaxis, :])
    result = np.empty(may.shape, dtype=object)
    result[...] = ZERO
    result[may] = SOME
    result[may & (may.sum(axis=-1, keepdims=True) == 1)] = ONE
    return result


def arranged(value: Data, order: Data) -> Data:
    """Return what may stand at each place of an order: the hull of the elements that may."""
    result = np.empty(order.shape[:-1], dtype=object)
    for place in np.ndindex(*result.shape):
        result[place] = _hull(_chosen(value[place[:-1]].tolist(), order[place]))
    return result


def in_order(value: Data, order: Data, smallest: float) -> Data:
    """Return the sorted elements: where their order is open, the numbers between the least and the largest possible.

    Who takes numbers below ``smallest`` for zeros may leave any of them at the place of another.
    """
    result = arranged(value, order)
    for place in np.ndindex(*result.shape):
        row: list[arb] = value[place[:-1]].tolist()
        chosen = _chosen(row, order[place])
        if len(chosen) > 1 and result.item(place).is_finite():
            lower, upper = (sorted(ends)[place[-1]] for ends in ([x.lower() for x in row], [x.upper() for x in row]))
            subnormal = [number for number in chosen if abs(number) < smallest]
            result[place] = _hull([arb(lower), arb(upper), *subnormal])
    return result


def _chosen(row: list[arb], parts: Data) -> list[arb]:
    """Return the elements that may stand at a place; an open part is not certainly another number than 0."""
    nothing = [part == ZERO for part in parts.tolist()]
    return [number for number, none in zip(row, nothing, strict=True) if not none]


def _hull(numbers: list[arb]) -> arb:
    result = numbers[0]
    for number in numbers[1:]:
        if not (result.is_exact() and number.is_exact() and result == number):
            result = result.union(number)
    return result
