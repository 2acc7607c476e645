"""Windows: neighbouring elements along some axes, of which each may stand in several."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gradlaw_reference.arithmetic import Arithmetic, Data
from gradlaw_reference.engine import Array
from gradlaw_reference.rules.elementwise import call
from gradlaw_reference.rules.table import data_rule, function


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


def _under(shape: tuple[int, ...], weights: tuple[int, ...], *, stride: int, padding: int, dilation: int) -> Data:
    """Return the windows as long as weights along each axis behind a batch and channels."""
    if len(shape) != len(weights):
        raise ValueError(f"weight.shape={weights}; expected {len(shape)} axes, as many as x has")
    axes = tuple(range(2, len(shape)))
    return _windows(shape, axes, weights[2:], stride, padding=padding, dilation=dilation)


def _unfold_like(used: Arithmetic, x: Data, weight: Data, **windows: int) -> Data:
    padded = np.concatenate([x.ravel(), used.asarray(0).reshape(1)])
    return np.asarray(padded[_under(x.shape, weight.shape, **windows)], dtype=x.dtype)


def _convolved(x: Array, weight: Array, **windows: int) -> Array:
    axes = weight.ndim - 2
    taken = call("unfold_like", x, weight, **windows)
    kernel = call("reshape", weight, shape=(*weight.shape[:2], *(1,) * axes, *weight.shape[2:]))
    products = call("expand_dims", taken, axis=1) * kernel
    return call("sum", products, axis=(2, *range(3 + axes, 3 + 2 * axes)), keepdims=False)


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

for _name in ("conv1d", "conv2d"):
    function(_name, _convolved)

# Steps that rules and formulas are made of.
data_rule(
    "fold",
    lambda used, x, like, **windows: _added(used, x, like.shape, _along(like.shape, **windows)),
    lambda g, value, x, like, axis, size, step: call("unfold", g, axis=axis, size=size, step=step),
)
data_rule(
    "unfold_like",
    _unfold_like,
    lambda g, value, x, weight, **windows: call("fold_like", call("expand_dims", g, axis=0), x, weight, **windows),
)
data_rule(
    "fold_like",
    lambda used, x, like, weight, **windows: _added(used, x, like.shape, _under(like.shape, weight.shape, **windows)),
    lambda g, value, x, like, weight, **windows: call(
        "unreduce", call("unfold_like", g, weight, **windows), x, axis=0, keepdims=False
    ),
)
