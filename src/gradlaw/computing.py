"""Programs of somebody else's, computed: within bounds, and with one kind of error where they do not compute."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from gradlaw_reference import apply
from gradlaw_spec import Program, Step, by_results, interpret, load_primitives

NOT_COMPUTED: Final = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, MemoryError)
"""What the reference raises for axes, shapes and attributes that fit no values."""
MOST_ELEMENTS: Final = 2**20
"""Elements that a step of a program that is given may have."""


def require_size(program: Program, values: Mapping[str, Any]) -> None:
    """Raise ValueError where a step would have more elements than `MOST_ELEMENTS`, before it is computed.

    Computes the program in the current arithmetic; what a step raises is passed on.
    """

    def call(step: Step, operands: tuple[Any, ...]) -> Any:
        size = _bound(step, [getattr(operand, "shape", ()) for operand in operands])
        if size > MOST_ELEMENTS:
            raise ValueError(f"{step.primitive} gives up to {size} elements; at most {MOST_ELEMENTS} are computed")
        return apply(step.primitive, operands, step.attributes)

    interpret(by_results(program), values, call)


def _bound(step: Step, shapes: list[tuple[int, ...]]) -> int:
    """Return how many elements a step's result can have at most."""
    lengths = [abs(length) for value in step.attributes.values() for length in _lengths(value)]
    sizes = [math.prod(shape) for shape in shapes]
    page = load_primitives().get(step.primitive)
    if page is not None and page.shapes == "elementwise":
        return math.prod(np.broadcast_shapes(*shapes))
    return max(math.prod(filter(None, sizes)), sum(sizes), math.prod(filter(None, lengths)))


def _lengths(value: Any) -> tuple[int, ...]:
    """Return the integers of an attribute such as a shape."""
    return tuple(item for item in value if isinstance(item, int)) if isinstance(value, tuple | list) else ()
