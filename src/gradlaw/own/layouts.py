"""Memory layouts: the same numbers, contiguous, transposed, sliced out of a larger array, expanded, or read-only."""

from __future__ import annotations

from typing import Final

import numpy as np

from gradlaw_spec import Array

LAYOUTS: Final = ("contiguous", "transposed", "sliced", "expanded", "read-only")
"""The layouts, the simplest first. An expanded array is one number (or one row), repeated with a stride of 0."""

UNWRITABLE: Final = ("expanded", "read-only")
"""Those that nobody can write into."""


def fitting(layout: str, array: Array) -> str:
    """Return a layout where an array can be laid out so, else ``contiguous``; only equal numbers can be expanded."""
    if array.ndim == 0 or array.size == 0 or (layout == "expanded" and (array != array.flat[0]).any()):
        return "contiguous"
    return layout


def repeated(array: Array) -> Array:
    """Return an array whose elements all are its first one, for the layout ``expanded``."""
    return np.full_like(array, array.flat[0]) if array.size else array


def laid_out(array: Array, layout: str) -> Array:
    """Return an array of the same numbers in that layout."""
    if layout == "transposed":
        return np.ascontiguousarray(array.T).T
    if layout == "sliced":
        larger = np.zeros((*array.shape[:-1], 2 * array.shape[-1] + 1), dtype=array.dtype)
        larger[..., 1::2] = array
        return larger[..., 1::2]
    if layout == "expanded":
        return np.broadcast_to(array.flat[0], array.shape)
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    return array
