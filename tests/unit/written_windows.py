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


OF_WINDOWS: dict[str, Callable[..., Any]] = {"unfold": _unfold}
"""What takes windows."""
BACK_OF_WINDOWS: dict[str, Callable[..., Any]] = {
    "fold": lambda g, x, **windows: returned(g, x, _unfold(labels(x), **windows)),
}
"""Steps that formulas of gradients are made of."""
