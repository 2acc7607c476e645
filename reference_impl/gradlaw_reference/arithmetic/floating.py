"""Floating point: the plain reference, and the reference as a target in any dtype."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import Any, Final

import numpy as np
from flint import arb, ctx

from gradlaw_reference.arithmetic.ball import ball_function
from gradlaw_reference.arithmetic.factorisations import of_matrices, real_factorisation
from gradlaw_reference.arithmetic.matrices import cofactors, eliminated, of_systems
from gradlaw_reference.arithmetic.protocol import Axes, Data, Plain
from gradlaw_spec import dtype


def _sigmoid(x: Data) -> Data:
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + decay), decay / (1 + decay))


FLOAT_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "ldexp": lambda x, n: np.ldexp(x, n.astype(np.int64)),
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}
"""What NumPy does not have under the primitive's own name."""


PRECISION: Final = 256
"""Bits with which flint computes: enough to round once to float64."""


def _cofactors(cotangent: Data, value: Data) -> Data:
    result = np.empty(value.shape)
    for place in np.ndindex(*value.shape[:-2]):
        result[place] = cotangent[place] * cofactors(value[place], eliminated)
    return result


def _inverses(value: Data) -> Data:
    result = np.full(value.shape, np.nan)
    for place in np.ndindex(*value.shape[:-2]):
        with suppress(np.linalg.LinAlgError):
            result[place] = np.linalg.inv(value[place])
    return result


def _solution(matrix: Data, sides: Data) -> Data:
    try:
        return np.linalg.solve(matrix, sides)
    except np.linalg.LinAlgError:
        return np.full(sides.shape, np.nan)


def _det(value: Data) -> Data:
    result = np.empty(value.shape[:-2])
    for place in np.ndindex(*result.shape):
        result[place] = eliminated(value[place])  # NumPy's is the exponential of a sum of logarithms
    return result


@cache
def _function(name: str) -> Callable[..., Any]:
    """Return how a primitive is computed in float64: by NumPy, or a number at a time by ``math`` or flint."""
    if name in FLOAT_FUNCTIONS:
        return FLOAT_FUNCTIONS[name]
    found = getattr(np, name, None) if isinstance(getattr(np, name, None), np.ufunc) else None
    one = getattr(math, name, None) or partial(_by_flint, ball_function(name))
    return found if found is not None else np.vectorize(one, otypes=[np.float64])


def _by_flint(function: Callable[..., arb], *numbers: float) -> float:
    """Return the middle of a ball that has the result: infinite where the result is, nan where nothing is known."""
    with ctx.workprec(PRECISION):
        result: arb = function(*map(arb, numbers))
        return float(result.mid()) if result.rad().is_finite() else math.nan


class Float(Plain):
    """Plain floating point: each operation in float64, rounded once to the dtype (float64 by default)."""

    def __init__(self, name: str = "float64") -> None:
        self.dtype = dtype(name)
        self.name = name
        self.start: str | None = name

    def of(self, dtype: str | None) -> Float:
        return self if dtype in (None, self.name) else _float(dtype)

    def cast(self, value: Data, dtype: str | None) -> Data:
        with np.errstate(all="ignore"):
            return self.of(dtype).asarray(value)

    def asarray(self, value: Any) -> Data:
        return np.asarray(value).astype(self.dtype.numpy)

    constant = asarray

    def _compute(self, function: Callable[..., Any], *operands: Data) -> Data:
        with np.errstate(all="ignore"):
            result = function(*(operand.astype(np.float64) for operand in operands))
            return np.asarray(result).astype(self.dtype.numpy)

    def elementary(self, name: str, *operands: Data) -> Data:
        return self._compute(_function(name), *operands)

    def route(self, cotangent: Data, part: Data) -> Data:
        return self._compute(np.multiply, cotangent, part)

    def share(self, first: Data, second: Data) -> Data:
        return self._compute(lambda x, y: np.where(x > y, 1.0, np.where(x < y, 0.0, 0.5)), first, second)

    def share_of_maximum(self, value: Data, axis: int) -> Data:
        at_most = value == np.max(value, axis=axis, keepdims=True)
        return self.asarray(at_most / np.maximum(np.sum(at_most, axis=axis, keepdims=True), 1))

    def sum(self, value: Data, axes: Axes) -> Data:
        return self._compute(lambda x: np.sum(x, axis=axes), value)

    def prod(self, value: Data, axes: Axes) -> Data:
        return self._compute(lambda x: np.prod(x, axis=axes), value)

    def matmul(self, first: Data, second: Data) -> Data:
        return self._compute(np.matmul, first, second)

    def determinants(self, value: Data) -> Data:
        return self._compute(_det, value)

    def cofactors(self, cotangent: Data, value: Data) -> Data:
        return self._compute(_cofactors, cotangent, value)

    def factorised(self, name: str, value: Data) -> Data:
        return self._compute(lambda x: of_matrices(x, partial(real_factorisation, name)), value)

    def logarithms(self, value: Data) -> Data:
        return self._compute(lambda x: np.linalg.slogdet(x)[1], value)

    def inverses(self, value: Data) -> Data:
        return self._compute(_inverses, value)

    def solutions(self, matrices: Data, sides: Data) -> Data:
        return self._compute(lambda first, second: of_systems(first, second, _solution), matrices, sides)

    def scatter(self, value: Data, shape: Axes, index: Any) -> Data:
        total = np.zeros(shape, dtype=np.float64)
        with np.errstate(all="ignore"):
            np.add.at(total, index, value.astype(np.float64))
            return self.asarray(total)

    def stop_zeros(self, cotangent: Data, share: Data) -> Data:
        if np.isfinite(share.astype(np.float64)).all():
            return share
        return np.where((cotangent == 0) & np.isnan(share.astype(np.float64)), self.asarray(0), share)


@cache
def _float(name: str) -> Float:
    return Float(name)
