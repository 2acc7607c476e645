"""What the spec needs to know of each floating-point dtype (IEEE 754-2019; bfloat16: ml_dtypes)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import ml_dtypes
import numpy as np

from gradlaw_spec.errors import SpecError


@dataclass(frozen=True, slots=True)
class Dtype:
    """A binary floating-point format: its name, NumPy dtype and the constants of the rounding model."""

    name: str
    numpy: np.dtype[Any]
    unit_roundoff: float
    smallest_subnormal: float
    smallest_normal: float
    largest: float

    def holds(self, other: Dtype) -> bool:
        """Whether every number of another dtype is one of this one's."""
        finer, wider = self.unit_roundoff <= other.unit_roundoff, self.largest >= other.largest
        return finer and wider and self.smallest_subnormal <= other.smallest_subnormal

    def tiny(self, flushes_subnormals: bool) -> float:
        """Return the absolute error `t` of the rounding model (clause ``admissible-sets/rounding``)."""
        return self.smallest_normal if flushes_subnormals else self.smallest_subnormal


def _dtype(name: str, numpy: np.dtype[Any]) -> Dtype:
    facts = ml_dtypes.finfo(numpy)
    return Dtype(
        name=name,
        numpy=numpy,
        unit_roundoff=2.0 ** -(int(facts.nmant) + 1),
        smallest_subnormal=float(facts.smallest_subnormal),
        smallest_normal=float(facts.smallest_normal),
        largest=float(facts.max),
    )


DTYPES: Final[dict[str, Dtype]] = {
    "float64": _dtype("float64", np.dtype(np.float64)),
    "float32": _dtype("float32", np.dtype(np.float32)),
    "float16": _dtype("float16", np.dtype(np.float16)),
    "bfloat16": _dtype("bfloat16", np.dtype(ml_dtypes.bfloat16)),
}


def dtype(name: str) -> Dtype:
    """Return the dtype of that name; raise SpecError where the spec has none."""
    if name not in DTYPES:
        raise SpecError("dtype", f"dtype={name!r}", f"one of {', '.join(DTYPES)}", "Name one of these.")
    return DTYPES[name]


@cache
def promoted(*names: str) -> str:
    """Return the dtype to which dtypes promote: the narrowest that has all of their numbers.

    Raises SpecError where the spec has none of that name. Source: Python array API standard, type promotion rules; it
    leaves bfloat16 and float16 open, which meet in float32.
    """
    given = [dtype(name) for name in names]
    narrowest_first = sorted(DTYPES.values(), key=lambda of: (of.numpy.itemsize, of.name))
    return next(of.name for of in narrowest_first if all(map(of.holds, given)))


def ulp(value: float, of: Dtype) -> float:
    """Return the unit in the last place at ``value`` in that dtype (the smallest subnormal below it)."""
    magnitude = abs(value)
    if not np.isfinite(magnitude):
        return float(2.0 * of.unit_roundoff * of.largest)
    if magnitude < of.smallest_normal:
        return of.smallest_subnormal
    exponent = int(np.frexp(magnitude)[1]) - 1
    return float(2.0 * of.unit_roundoff * 2.0**exponent)
