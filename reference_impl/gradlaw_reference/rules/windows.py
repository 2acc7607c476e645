"""Windows: neighbouring elements along some axes, of which each may stand in several."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gradlaw_reference.arithmetic import Arithmetic, Data
from gradlaw_reference.rules.elementwise import call
from gradlaw_reference.rules.table import data_rule


def _windows(
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    sizes: tuple[int, ...],
    step: int,
    *,
    padding: int = 0,
    dilation: int = 1,
) -> Data:
    """Return which element of an array, in row-major order, stands at each place of its windows; −1 for padding.

    Raises ValueError where no window fits.
    """
    margins = [(padding, padding) if axis in axes else (0, 0) for axis in range(len(shape))]
    own = np.arange(math.prod(shape)).reshape(shape)
    padded = np.pad(own, margins, constant_values=-1) if padding else own
    spans = tuple(dilation * (size - 1) + 1 for size in sizes)
    every = (slice(None, None, step if axis in axes else None) for axis in range(len(shape)))
    chosen = (*every, *(slice(None, None, dilation),) * len(axes), ...)
    return sliding_window_view(padded, spans, axes)[chosen]


def _along(shape: tuple[int, ...], *, axis: Any, size: int, step: int | None) -> Data:
    """Return the windows along axes, in their order, all of one length; beside each other without a step."""
    chosen = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = tuple(item % len(shape) for item in chosen)
    return _windows(shape, axes, (size,) * len(axes), size if step is None else step)


def _added(used: Arithmetic, x: Data, shape: tuple[int, ...], origin: Data) -> Data:
    """Add each element to a zero at the place that it came from; what was padding goes nowhere."""
    places = np.broadcast_to(origin, x.shape).ravel()
    total = used.scatter(x.ravel()[places >= 0], (math.prod(shape),), (places[places >= 0],))
    return total.reshape(shape)


data_rule(
    "unfold",
    lambda used, x, **windows: np.asarray(x.ravel()[_along(x.shape, **windows)], dtype=x.dtype),
    lambda g, value, x, axis, size, step: call("fold", g, x, axis=axis, size=size, step=step),
)

# Steps that rules and formulas are made of.
data_rule(
    "fold",
    lambda used, x, like, **windows: _added(used, x, like.shape, _along(like.shape, **windows)),
    lambda g, value, x, like, axis, size, step: call("unfold", g, axis=axis, size=size, step=step),
)
