"""What the two exact arithmetics share: sums, products and contractions of object arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradlaw_reference.arithmetic.matrices import cofactors, of_each, of_systems
from gradlaw_reference.arithmetic.protocol import Axes, Data, Plain, objects
from gradlaw_spec import SpecError


def elementwise(function: Callable[..., Any], operands: int) -> Callable[..., Data]:
    """Return a function of elements as one of object arrays; 0-d results stay arrays."""
    vectorised = np.frompyfunc(function, operands, 1)
    return lambda *data: objects(vectorised(*data))


class Objects(Plain):
    """Object arrays: sums, products and contractions of exact elements."""

    zero: Any
    one: Any

    def determinant(self, matrix: Data) -> Any:
        """Return the determinant of one matrix."""
        raise NotImplementedError

    def inverse(self, matrix: Data) -> Any:
        """Return the inverse of one matrix."""
        raise NotImplementedError

    def solution(self, matrix: Data, sides: Data) -> Any:
        """Return the solution of one system of equations for each column of its sides."""
        raise NotImplementedError

    def filled(self, shape: Axes, element: Any) -> Data:
        result = np.empty(shape, dtype=object)
        result[...] = element
        return result

    def exact_sum(self, value: Data, axes: Axes) -> Data:
        if value.size == 0 or not axes:
            kept = tuple(n for axis, n in enumerate(value.shape) if axis not in axes)
            return self.filled(kept, self.zero) if axes else value
        return objects(np.add.reduce(value, axis=axes))

    def exact_prod(self, value: Data, axes: Axes) -> Data:
        if not axes:
            return value
        kept = tuple(n for axis, n in enumerate(value.shape) if axis not in axes)
        if value.size == 0:
            return self.filled(kept, self.one)
        for axis in sorted(axes, reverse=True):
            value = objects(np.multiply.reduce(value, axis=axis))
        return value

    def exact_matmul(self, first: Data, second: Data) -> Data:
        if first.shape[-1] == 0:
            return self.filled(np.matmul(np.zeros(first.shape), np.zeros(second.shape)).shape, self.zero)
        return objects(np.matmul(first, second))

    def exact_scatter(self, value: Data, shape: Axes, index: Any) -> Data:
        total = self.filled(shape, self.zero)
        np.add.at(total, index, value)
        return total

    def sum(self, value: Data, axes: Axes) -> Data:
        return self.exact_sum(value, axes)

    def prod(self, value: Data, axes: Axes) -> Data:
        return self.exact_prod(value, axes)

    def matmul(self, first: Data, second: Data) -> Data:
        return self.exact_matmul(first, second)

    def scatter(self, value: Data, shape: Axes, index: Any) -> Data:
        return self.exact_scatter(value, shape, index)

    def determinants(self, value: Data) -> Data:
        return of_each(value, (), self.determinant)

    def cofactors(self, cotangent: Data, value: Data) -> Data:
        found = of_each(value, value.shape[-2:], lambda matrix: cofactors(matrix, self.determinant))
        return objects(cotangent[..., np.newaxis, np.newaxis] * found)

    def inverses(self, value: Data) -> Data:
        return of_each(value, value.shape[-2:], self.inverse)

    def solutions(self, matrices: Data, sides: Data) -> Data:
        return of_systems(matrices, sides, self.solution)

    def factorised(self, name: str, value: Data) -> Data:
        raise SpecError(
            "exact arithmetic", f"{name}, which has roots", "a rational function", "Use the ball arithmetic."
        )

    def logarithms(self, value: Data) -> Data:
        raise SpecError("exact arithmetic", "a logarithm", "a rational function", "Use the ball arithmetic.")
