"""Numbers as they are shown: as few digits as tell what flows, shapes where the numbers are too many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from gradlaw.circuits.flow import Reading
from gradlaw_spec import Array, dtype, ulp

DIGITS, ALL = 10, 17
FEW = 12
"""Arrays of at most so many elements are shown in full."""
WIDE: Final = 0.25
"""A set that is wider than so much of its largest number is no rounding: it is a kink's."""


def number(value: float, digits: int = DIGITS) -> str:
    """Return a number in a few digits, or in as many as give it back (`ALL`)."""
    return repr(value) if digits == ALL else f"{value or 0:.{digits}g}"


def array(value: Array, digits: int = DIGITS) -> str:
    """Return an array's elements as nested lists where they are few, else its shape and range."""
    if value.dtype.kind in "bi":
        return str(value.tolist()) if value.size <= FEW else f"shape {value.shape}"
    if value.ndim == 0:
        return number(float(value), digits)
    if value.size > FEW:
        return f"shape {value.shape}, {number(float(value.min()), 4)} to {number(float(value.max()), 4)}"
    return _nested(value, 6 if digits == DIGITS else digits)


def _nested(value: Array, digits: int) -> str:
    if value.ndim == 0:
        return number(float(value), digits)
    return f"[{', '.join(_nested(np.asarray(item), digits) for item in value)}]"


def reading(found: Reading, digits: int = DIGITS) -> str:
    """Return a reading's value."""
    return array(found.value, digits)


def total(terms: Iterable[Reading], digits: int = DIGITS) -> str:
    """Return a sum written out; a negative term is subtracted."""
    texts = [reading(term, digits) for term in terms]
    rest = (f" - {text[1:]}" if text.startswith("-") else f" + {text}" for text in texts[1:])
    return texts[0] + "".join(rest)


def interval(found: Reading, sets: str) -> str:
    """Return a reading's set: its ends for a number, the widest element's for an array, and the width in ulps."""
    if found.low is None or found.high is None:
        return ""
    if not (np.isfinite(found.low) & np.isfinite(found.high)).all():
        return "anything, inf and nan included"
    width = max((_ulps(float(v), float(h) - float(w), sets) for v, w, h in _triples(found)), default=0.0)
    if (found.high - found.low > WIDE * np.maximum(abs(found.low), abs(found.high))).any():
        if found.value.size > FEW:
            return "at some element as wide as its numbers are large"
        return ", ".join(f"[{_end(low, high)}, {_end(high, low)}]" for _, low, high in _triples(found))
    said = "exact" if width == 0 else f"{width:.3g} ulp{'s' if width >= 1.5 else ''} wide"
    if found.value.ndim:
        return f"{said} at most" if width else said
    if width == 0:
        return said
    return f"[{float(found.low)!r}, {float(found.high)!r}], {said}"


def _end(one: float, other: float) -> str:
    """Return an end of a wide set, without the last digits of a radius."""
    return number(0.0 if abs(one) < abs(other) * 2.0**-27 else one, 6)


def _triples(found: Reading) -> list[tuple[float, float, float]]:
    assert found.low is not None
    assert found.high is not None
    return list(zip(found.value.ravel(), found.low.ravel(), found.high.ravel(), strict=True))


def _ulps(value: float, width: float, sets: str) -> float:
    if width == 0:
        return 0.0
    return width / ulp(value, dtype(sets))
