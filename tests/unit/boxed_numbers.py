"""Arrays of exact numbers, which the second reader of the pages' formulas computes with."""

from __future__ import annotations

from typing import Any

import numpy as np

Numbers = Any
"""An object array, or a list of them for a sequence operand."""


def boxed(value: Any) -> Numbers:
    """Make an object array of a result; NumPy hands 0-d ones out as bare numbers."""
    return np.asarray(value, dtype=object)
