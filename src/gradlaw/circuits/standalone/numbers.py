"""Steps on single numbers, in plain Python."""

from __future__ import annotations


def share(x1: float, x2: float) -> float:
    """1 if x1 is larger, 0 if x2 is; equal ones share."""
    return 1.0 if x1 > x2 else 0.0 if x1 < x2 else 0.5
