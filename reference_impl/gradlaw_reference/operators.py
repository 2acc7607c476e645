"""Python's operators on the engine's values, each a call of its primitive, and NumPy's words for their shape."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import numpy as np

from gradlaw_reference.arithmetic import Data

Value = TypeVar("Value")
Operand = Any
"""What a primitive takes: a value, a number, or anything that the arithmetic makes data of."""
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
"""No attributes."""


class Operators(Generic[Value]):
    """What a value can do with ``+``, ``*``, ``@``, ``[…]`` …; a subclass has data and applies primitives."""

    __slots__ = ()
    __array_priority__ = 1000.0

    @property
    def data(self) -> Data:
        """The elements."""
        raise TypeError(f"{type(self).__name__} has no data")

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    def item(self) -> Any:
        """Return the one element of an array of size 1."""
        return self.data.item()

    def __float__(self) -> float:
        return float(self.data.item())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Data:
        return np.array(self.data, dtype=dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data.tolist()})"

    def _apply(self, name: str, operands: tuple[Operand, ...], attributes: Mapping[str, Any] = NOTHING) -> Value:
        raise TypeError(f"{type(self).__name__} applies no primitives")

    def __add__(self, other: Operand) -> Value:
        return self._apply("add", (self, other))

    def __radd__(self, other: Operand) -> Value:
        return self._apply("add", (other, self))

    def __sub__(self, other: Operand) -> Value:
        return self._apply("subtract", (self, other))

    def __rsub__(self, other: Operand) -> Value:
        return self._apply("subtract", (other, self))

    def __mul__(self, other: Operand) -> Value:
        return self._apply("multiply", (self, other))

    def __rmul__(self, other: Operand) -> Value:
        return self._apply("multiply", (other, self))

    def __truediv__(self, other: Operand) -> Value:
        return self._apply("divide", (self, other))

    def __rtruediv__(self, other: Operand) -> Value:
        return self._apply("divide", (other, self))

    def __pow__(self, other: Operand) -> Value:
        return self._apply("pow", (self, other))

    def __rpow__(self, other: Operand) -> Value:
        return self._apply("pow", (other, self))

    def __matmul__(self, other: Operand) -> Value:
        return self._apply("matmul", (self, other))

    def __rmatmul__(self, other: Operand) -> Value:
        return self._apply("matmul", (other, self))

    def __neg__(self) -> Value:
        return self._apply("negative", (self,))

    def __abs__(self) -> Value:
        return self._apply("abs", (self,))

    def __getitem__(self, index: Any) -> Value:
        return self._apply("getitem", (self,), {"index": index if isinstance(index, tuple) else (index,)})
