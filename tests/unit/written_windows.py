"""Windows of arrays, for the second reader of the pages' formulas: cut one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from boxed_numbers import Numbers
from written_places import labels, returned


def _starts(length: int, size: int, step: int) -> list[int]:
    """Return where windows begin along an axis, as long as one fits."""
    found = [start for start in range(0, length, step) if start + size <= length]
    if not found:
        raise ValueError(f"size={size}: found an axis of length {length}; expected one at least as long")
    return found


def _unfold(x: Numbers, axis: Any = None, *, size: int, step: int | None) -> Numbers:
    """Cut one axis after the other: the windows beside each other in its place, what they have at the end."""
    chosen = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    for one in [number % x.ndim for number in chosen]:
        starts = _starts(x.shape[one], size, step or size)
        rows = [np.moveaxis(np.take(x, range(start, start + size), axis=one), one, -1) for start in starts]
        x = np.stack(rows, axis=one)
    return x


def _unfold_like(x: Numbers, weight: Numbers, stride: int = 1, padding: int = 0, dilation: int = 1) -> Numbers:
    """Look up each place of each window by its number along each axis; what lies outside is 0."""
    inner, widths = x.shape[2:], weight.shape[2:]
    counts = [
        (length + 2 * padding - dilation * (width - 1) - 1) // stride + 1
        for length, width in zip(inner, widths, strict=True)
    ]
    if min(counts) < 1:
        raise ValueError(f"weight.shape={weight.shape}: found no window; expected one")
    found = np.full([*x.shape[:2], *counts, *widths], 0 * x.ravel()[0] if x.size else 0, dtype=object)
    for place in np.ndindex(*found.shape):
        begins, inside = place[2 : 2 + len(inner)], place[2 + len(inner) :]
        at = [stride * one + dilation * other - padding for one, other in zip(begins, inside, strict=True)]
        if all(0 <= one < length for one, length in zip(at, inner, strict=True)):
            found[place] = x[(*place[:2], *at)]
    return found


def _fold_like(g: Numbers, x: Numbers, weight: Numbers, **windows: int) -> Numbers:
    """Add what stands along the first axis and at each place to the element that has its number there, from 1 on."""
    places = _unfold_like(labels(x) + 1, weight, **windows).astype(int)
    total = [0 * number for number in x.ravel()]
    for place in np.ndindex(*g.shape):
        if places[place[1:]]:
            total[places[place[1:]] - 1] += g[place]
    return np.array(total, dtype=object).reshape(x.shape)


OF_WINDOWS: dict[str, Callable[..., Any]] = {"unfold": _unfold, "unfold_like": _unfold_like}
"""What takes windows."""
BACK_OF_WINDOWS: dict[str, Callable[..., Any]] = {
    "fold_like": _fold_like,
    "fold": lambda g, x, **windows: returned(g, x, _unfold(labels(x), **windows)),
}
"""Steps that formulas of gradients are made of."""
