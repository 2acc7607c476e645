"""The arithmetics in which the same rules run: float64 (and narrower), rational, ball, rounding.

An arithmetic makes arrays of its elements and computes the elementary operations on them; all that
only moves data is NumPy's own and the same for all. ``Rounding`` is ball arithmetic with the rounding
model of the law book (chapter *admissible-sets*) on top, and alone knows of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import flint

from gradlaw_reference.arithmetic.ball import Ball
from gradlaw_reference.arithmetic.floating import Float
from gradlaw_reference.arithmetic.protocol import Arithmetic, Axes, Data, LocalRules
from gradlaw_reference.arithmetic.rational import Rational
from gradlaw_reference.arithmetic.rounding import Rounding, rounding

__all__ = [
    "FLOAT64",
    "RATIONAL",
    "Arithmetic",
    "Axes",
    "Ball",
    "Data",
    "Float",
    "LocalRules",
    "Rational",
    "Rounding",
    "arithmetic",
    "rounding",
    "using",
]

FLOAT64: Final = Float()
RATIONAL: Final = Rational()

_current: ContextVar[Arithmetic] = ContextVar("arithmetic", default=FLOAT64)


def arithmetic() -> Arithmetic:
    """Return the arithmetic in which primitives compute now."""
    return _current.get()


@contextmanager
def using(chosen: Arithmetic) -> Iterator[None]:
    """Compute in another arithmetic inside a ``with`` block (ball: at its precision)."""
    token, precision = _current.set(chosen), flint.ctx.prec
    if isinstance(chosen, Ball):
        flint.ctx.prec = chosen.precision
    try:
        yield
    finally:
        flint.ctx.prec = precision
        _current.reset(token)
