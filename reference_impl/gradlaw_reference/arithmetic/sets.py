"""Sets of numbers that have names, as balls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flint import arb

ANYTHING: Final = arb("nan")
"""The set of all numbers with inf and nan: what is left after an overflow, at a pole or outside a domain."""
AROUND: Final = arb(0, 1)
"""All from -1 to 1."""
ZERO: Final = arb(0)
ONE: Final = arb(1)
SOME: Final = arb(0.5, 0.5)
"""Any share, from 0 to 1."""


def hull_of_bounded(sets: Sequence[arb]) -> arb:
    """Return the hull of what several formulas for one number allow.

    One that overflows, or has no number there, where another has is no licence for what comes of that. Source: spec
    clause *admissible-sets/local-rules*.
    """
    first, *others = [one for one in sets if one.is_finite()] or sets[:1]
    for other in others:
        first = first.union(other)
    return first
