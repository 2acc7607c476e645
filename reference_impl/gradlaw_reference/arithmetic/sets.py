"""Sets of numbers that have names, as balls."""

from __future__ import annotations

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
