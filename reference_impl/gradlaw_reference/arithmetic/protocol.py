"""What rules need of an arithmetic."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Data = NDArray[Any]
"""The elements of an array in the current arithmetic: floats, or objects in an object array."""

Axes = tuple[int, ...]


class Arithmetic(Protocol):
    """What rules need of an arithmetic; every operand and result is ``Data`` of its elements."""

    name: str
    rounds: bool

    def asarray(self, value: Any) -> Data:
        """Make data of a number, an array or nested lists, exactly."""
        ...

    def constant(self, value: float) -> Data:
        """Make 0-d data of a Python scalar of a program."""
        ...

    def widen(self, value: Data, accuracy: int) -> Data:
        """Round a result that has this accuracy: nothing to do outside the rounding model."""
        ...

    def elementary(self, function: str, *operands: Data) -> Data:
        """Compute an elementwise function by its spec name, unrounded."""
        ...

    def share(self, first: Data, second: Data) -> Data:
        """1 where first > second, 0 where first < second; at a tie, what a kink allows of [0, 1]."""
        ...

    def share_of_maximum(self, value: Data, axis: int) -> Data:
        """1 at the largest element along an axis, 0 elsewhere; at ties, what a kink allows."""
        ...

    def sum(self, value: Data, axes: Axes, accuracy: int) -> Data:
        """Add along axes, in any order, and drop them."""
        ...

    def prod(self, value: Data, axes: Axes, accuracy: int) -> Data:
        """Multiply along axes, in any order, and drop them."""
        ...

    def matmul(self, first: Data, second: Data, accuracy: int) -> Data:
        """Multiply matrices as the Python array API standard says."""
        ...

    def scatter(self, value: Data, shape: Axes, index: Any) -> Data:
        """Add each element of value to zeros of that shape at its place; duplicates add up."""
        ...

    def after(self, share: Data, value: Data) -> Data:
        """Return the share, and anything where the value before it was already anything (an overflow)."""
        ...

    def stop_zeros(self, cotangent: Data, share: Data) -> Data:
        """Return the share, and 0 where it is not a number for a zero cotangent."""
        ...

    def hull(self, first: Data, second: Data) -> Data:
        """The smallest set that has both, element by element (outside ball arithmetic: the first)."""
        ...


def objects(value: Any) -> Data:
    """Return an object array with the shape of value; NumPy would make 0-d results bare scalars."""
    return np.asarray(value, dtype=object)
