"""Rational arithmetic: exact fractions, for laws that hold with ``==``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from flint import fmpq, fmpq_mat, fmpz

from gradlaw_reference.arithmetic.objects import Objects, elementwise
from gradlaw_reference.arithmetic.protocol import Data, objects
from gradlaw_spec import SpecError, load_primitives


def _fraction(value: Any) -> fmpq:
    if isinstance(value, fmpq):
        return value
    if isinstance(value, fmpz):
        return fmpq(value)
    if isinstance(value, float | np.floating):
        return fmpq(*float(value).as_integer_ratio())
    if hasattr(value, "numerator"):
        return fmpq(int(value.numerator), int(value.denominator))
    return fmpq(*float(value).as_integer_ratio())


def _rational_power(x: fmpq, y: fmpq) -> fmpq:
    if y.q != 1:
        raise SpecError("rational pow", f"exponent={y}", "an integer exponent", "Use the ball arithmetic.")
    return x ** int(y.p)


def _rational_share(x: fmpq, y: fmpq) -> fmpq:
    return fmpq(1) if x > y else fmpq(0) if x < y else fmpq(1, 2)


RATIONAL_FUNCTIONS: Final[dict[str, Callable[..., Data]]] = {
    "pow": elementwise(_rational_power, 2),
    "ldexp": elementwise(lambda x, n: x * fmpq(2) ** int(n.p), 2),
    "leaky_relu": elementwise(lambda x, slope: x if x > 0 else slope * x, 2),
}
"""What NumPy does not do with fractions under the primitive's own name."""


def _rational_function(name: str) -> Callable[..., Data]:
    """Return a primitive as a function of arrays of fractions; raise SpecError where its page says that none is."""
    page = load_primitives().get(name)
    function: Callable[..., Data] | None = RATIONAL_FUNCTIONS.get(name) or getattr(np, name, None)
    if page is None or not page.rational or function is None:
        raise SpecError("rational arithmetic", f"primitive={name!r}", "a rational function", "Use the ball arithmetic.")
    return function


def _rational_matrix(matrix: Data) -> fmpq_mat:
    rows, columns = matrix.shape
    return fmpq_mat(rows, columns, matrix.ravel().tolist())


class Rational(Objects):
    """Exact fractions (``flint.fmpq``), for laws that hold with ``==``."""

    name = "rational"
    zero, one = fmpq(0), fmpq(1)
    _make = staticmethod(elementwise(_fraction, 1))
    _share = staticmethod(elementwise(_rational_share, 2))

    def asarray(self, value: Any) -> Data:
        return self._make(np.asarray(value) if isinstance(value, np.ndarray) else objects(value))

    constant = asarray

    def elementary(self, name: str, *operands: Data) -> Data:
        return self._make(objects(_rational_function(name)(*operands)))

    def determinant(self, matrix: Data) -> fmpq:
        return _rational_matrix(matrix).det() if matrix.size else self.one

    def inverse(self, matrix: Data) -> Data:
        if not matrix.size:
            return matrix
        return objects(_rational_matrix(matrix).inv().tolist())

    def solution(self, matrix: Data, sides: Data) -> Data:
        if not sides.size:
            return sides
        made = (_rational_matrix(one) for one in (matrix, sides))
        return objects(next(made).solve(next(made)).tolist())

    def route(self, cotangent: Data, part: Data) -> Data:
        return objects(np.multiply(cotangent, part))

    def share(self, first: Data, second: Data) -> Data:
        return self._share(first, second)

    def share_of_maximum(self, value: Data, axis: int) -> Data:
        largest = np.expand_dims(objects(np.maximum.reduce(value, axis=axis)), axis)
        at_most = np.equal(value, largest).astype(bool)
        ties = np.sum(at_most, axis=axis, keepdims=True)
        return self.asarray(objects(at_most.astype(int)) * self.asarray(1) / self.asarray(ties))
