"""The type of NumPy arrays, whatever their elements."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
