"""Corners: where a primitive's value is 0, as a length is at the origin, its gradient is one of a set of vectors.

Source: F. H. Clarke, Optimization and Nonsmooth Analysis (1983); spec chapter *kinks*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

import numpy as np

from gradlaw_spec import Array as Data
from gradlaw_spec import Kink

IS_ZERO: Final = np.frompyfunc(lambda number: bool(number == 0), 1, 1)


def spread(data: Data, shape: tuple[int, ...], attributes: Mapping[str, Any]) -> Data:
    """Return the data of a value at each element of an operand that it was computed of."""
    if "axis" in attributes and data.shape != shape:
        axis = attributes["axis"]
        chosen = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
        axes = {position % len(shape) for position in chosen}
        data = data.reshape(tuple(1 if place in axes else length for place, length in enumerate(shape)))
    elif data.ndim < len(shape):  # of a vector or a matrix behind axes of a batch
        data = data.reshape((*data.shape, *(1,) * (len(shape) - data.ndim)))
    return np.broadcast_to(data, shape)


def at_corner(kink: Kink, value: Data, shape: tuple[int, ...], attributes: Mapping[str, Any]) -> Data:
    """Return at which elements of an operand the value is 0, exactly; that of one distance from a mean always is."""
    if kink.joint == "centred-ball" and elements_of(value, shape) == 1:
        return np.full(shape, kink.counted(1, attributes) > 0)
    return spread(np.asarray(IS_ZERO(value)).astype(bool), shape, attributes)


def reach(kink: Kink, elements: int, attributes: Mapping[str, Any]) -> Fraction:
    """Return the square of how far one of so many elements goes from 0, where the cotangent is 1."""
    level = Fraction(elements - 1, elements) if kink.joint == "centred-ball" else Fraction(1)
    if kink.joint == "dual-ball":
        return level
    return level / Fraction(kink.counted(elements, attributes))


def elements_of(value: Data, shape: tuple[int, ...]) -> int:
    """Return of how many elements of an operand each element of a value is made."""
    return math.prod(shape) // max(value.size, 1)
