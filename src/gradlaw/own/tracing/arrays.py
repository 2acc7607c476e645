"""Steps of whole arrays that the operations of several libraries stand for."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from gradlaw.own import xp
from gradlaw.own.traced import Traced
from gradlaw.own.tracing.reference import Gap

EIGENVECTORS: Final = Gap("eigenvectors, whose signs are an engine's choice")
SINGULAR_VECTORS: Final = Gap("singular vectors, whose signs are an engine's choice")


def added_at(start: Any, places: Any, parts: Any) -> Any:
    """Return an array with parts added at flat places of it, as often as each stands there."""
    if not places.size:
        return start
    whole, flat = (
        xp.reshape(one, (math.prod(one.shape),)) if isinstance(one, Traced) else np.ravel(one) for one in (start, parts)
    )
    return xp.reshape(xp.index_add(whole, places.ravel(), flat, axis=0), start.shape)


def sorted_part(x: Any, axis: int, chosen: Any, *, descending: bool = False) -> Any:
    """Return elements of a sorted axis, those that an index takes."""
    if not x.shape:
        return x
    index: list[Any] = [slice(None)] * len(x.shape)
    index[axis] = chosen
    return xp.sort(x, axis=axis, descending=descending)[tuple(index)]


def remainder(first: Any, second: Any, rounded: Any) -> Any:
    """Return what is left of a quotient that is rounded to an integer."""
    return first - rounded(first / second) * second


def solved(matrix: Any, sides: Any, *, left: bool = True) -> Any:
    """Return the solution for a matrix on the left, or on the right, of the unknowns."""
    if left:
        return xp.solve(matrix, sides)
    return xp.matrix_transpose(xp.solve(xp.matrix_transpose(matrix), xp.matrix_transpose(sides)))


def triangle(matrix: Any, *, lower: bool, unit: bool) -> Any:
    """Return the half of a matrix that is read; its diagonal has to be read too."""
    if unit:
        raise NotImplementedError("a matrix whose diagonal is not read")
    return (xp.tril if lower else xp.triu)(matrix)
