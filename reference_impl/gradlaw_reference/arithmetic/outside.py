"""Outside of a domain: where a function has no value it has no slope, and nothing is claimed of a gradient there."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from flint import arb

from gradlaw_reference.arithmetic.protocol import objects
from gradlaw_reference.arithmetic.sets import ANYTHING, ZERO
from gradlaw_spec import Array as Data
from gradlaw_spec import Interval

IS_NONE: Final = np.frompyfunc(lambda cotangent, value: not value.is_finite() and cotangent != ZERO, 2, 1)
"""Where a cotangent other than 0 arrives at a value that is none. A 0 is what did not flow, and stays 0."""


def nothing_claimed(domains: tuple[tuple[Interval, ...], ...], share: Data, known: tuple[Any, ...]) -> Data:
    """Return a share, and anything where an operand lies outside of its domain and the value is none.

    ``known`` are cotangent, value and operands. *1/x* is a number at −1, and the slope of no logarithm there: engines
    return it, or nan, or 0 behind a mask.
    """
    if not domains:
        return share
    cotangent, value, *operands = known
    none = np.asarray(IS_NONE(cotangent, value)).astype(bool)
    if not none.any():
        return share
    outside = np.zeros(none.shape, dtype=bool)
    for domain, operand in zip(domains, operands, strict=True):
        if isinstance(operand, np.ndarray):
            far = np.frompyfunc(lambda number, domain=domain: _is_outside(domain, number), 1, 1)
            outside = outside | np.asarray(far(operand)).astype(bool)
    return np.where(none & outside, objects(ANYTHING), share)


def _is_outside(domain: tuple[Interval, ...], number: arb) -> bool:
    return all(number < interval.lower or number > interval.upper for interval in domain)
