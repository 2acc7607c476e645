"""Points at which pages are tried: away from kinks, in the domain, exact in every arithmetic."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from formula_evaluator import complete, evaluate, multiprecision

import gradlaw_reference
from gradlaw_reference import vjp
from gradlaw_spec import AttributeValue, Operand, Primitive, Slice

EIGHTHS = np.arange(-63, 64, 2) / 8
"""Values that lie on no kink and in no tie: odd multiples of 1/8, exact in every arithmetic."""


Shapes = tuple[tuple[int, ...], ...]
Choice = tuple[Shapes, dict[str, AttributeValue]]
FULL = Slice()

REDUCED: tuple[Choice, ...] = tuple(
    ((shape,), {"axis": axis, "keepdims": keepdims})
    for shape, axis in (
        ((3, 4), None),
        ((3, 4), 0),
        ((3, 4), -1),
        ((2, 3, 2), (0, 2)),
        ((2, 3, 2), (-2,)),
        ((), None),
        ((1, 3), 0),
    )
    for keepdims in (False, True)
)
CHOICES: dict[str, tuple[Choice, ...]] = {
    "reduction": (*REDUCED, (((5,),), {})),
    "along-axis": ((((3, 4),), {"axis": 0}), (((3, 4),), {"axis": -1}), (((2, 3, 2),), {"axis": 1}), (((4,),), {})),
    "matmul": tuple(
        (shapes, {})
        for shapes in (
            ((3, 2), (2, 4)),
            ((2,), (2,)),
            ((2,), (2, 3)),
            ((3, 2), (2,)),
            ((2, 3, 2), (2, 4)),
            ((2, 1, 3, 2), (4, 2, 3)),
            ((2,), (3, 2, 4)),
            ((3, 4, 2), (2,)),
            ((1, 3, 2), (4, 2, 3)),
        )
    ),
    "matrix-transpose": ((((2, 3),), {}), (((4, 2, 3),), {})),
    "permute": (
        (((2, 3),), {"axes": (1, 0)}),
        (((2, 3, 4),), {"axes": (2, 0, 1)}),
        (((2, 3, 4),), {"axes": (1, 2, 0)}),
        (((2, 3, 4),), {"axes": (-1, 0, 1)}),
    ),
    "reshape": (
        (((2, 3),), {"shape": (3, 2)}),
        (((2, 3),), {"shape": (6,)}),
        (((2, 3),), {"shape": (-1, 2)}),
        (((),), {"shape": (1, 1)}),
    ),
    "broadcast": (
        (((3, 1),), {"shape": (3, 4)}),
        (((3, 1),), {"shape": (2, 3, 4)}),
        (((),), {"shape": (2, 2)}),
        (((3,),), {"shape": (2, 3)}),
        (((1, 3),), {"shape": (0, 3)}),
    ),
    "expand-dims": (*((((2, 3),), {"axis": axis}) for axis in (0, 1, -1, 2)), (((2,),), {})),
    "concat": (
        (((2, 3), (1, 3)), {"axis": 0}),
        (((2, 1), (2, 3), (2, 2)), {"axis": -1}),
        (((4,),), {"axis": 0}),
        (((1,), (2,)), {}),
    ),
    "stack": (
        (((2, 3), (2, 3)), {"axis": 0}),
        (((2, 3), (2, 3)), {"axis": 1}),
        (((2, 3), (2, 3)), {"axis": -1}),
        (((), (), ()), {"axis": 0}),
        (((2,), (2,)), {}),
    ),
    "index": tuple(
        (((3, 4),), {"index": index})
        for index in (
            (1,),
            (-1, 2),
            (Slice(None, None, -2),),
            ("ellipsis", Slice(1, 3)),
            (FULL, "newaxis", 0),
            ("newaxis", "ellipsis", -1),
            (Slice(0, 0),),
        )
    ),
    "take": (
        (((4, 3), (3,)), {"axis": 0}),
        (((4, 3), (5,)), {"axis": -1}),
        (((2, 3, 2), (2,)), {"axis": 1}),
    ),
}


def _elementwise(page: Primitive) -> tuple[Choice, ...]:
    shapes: dict[int, tuple[Shapes, ...]] = {
        1: (((3, 4),), ((),), ((0, 2),)),
        2: (((3, 4), (3, 4)), ((3, 1), (4,)), ((), (2,)), ((2, 3), ())),
        3: (((3, 4), (3, 4), (3, 4)), ((4,), (3, 1), ()), ((2, 1), (), (3,)), ((), (), ())),
    }
    bounds: tuple[dict[str, AttributeValue], ...] = ({},)
    if any(attribute.kind == "lower" for attribute in page.attributes):
        bounds = ({"min": -0.5, "max": 1.0}, {"min": None, "max": 0.25}, {"min": -0.25, "max": None}, {"max": 2})
    if any(attribute.kind == "dtype" for attribute in page.attributes):
        bounds = ({"dtype": "float32"}, {"dtype": "bfloat16"})
    return tuple(itertools.product(shapes[len(page.operands)], bounds))


@dataclass(frozen=True)
class Point:
    """Operands, attributes and a cotangent, in floats; ``arrays`` are one list for a sequence operand."""

    arrays: tuple[np.ndarray[Any, Any], ...]
    attributes: dict[str, AttributeValue]
    cotangent: np.ndarray[Any, Any]

    def values(self, page: Primitive, make: Any) -> dict[str, Any]:
        """Return the operands by name, as numbers of an evaluator."""
        if page.operands[0].kind == "sequence":
            return {page.operands[0].name: [make(array) for array in self.arrays]}
        pairs = zip(page.operands, self.arrays, strict=True)
        return {operand.name: make(array) if operand.kind == "real" else array for operand, array in pairs}


def inside(operand: Operand, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the values that lie in the operand's domain, which is a union of open intervals."""
    chosen = np.zeros(values.shape, dtype=bool)
    for interval in operand.domain:
        assert (interval.lower_closed, interval.upper_closed) == (False, False), (
            f"{operand.name}: {interval} is not open"
        )
        chosen |= (values > interval.lower) & (values < interval.upper)
    return values[chosen]


def points(page: Primitive) -> Iterator[Point]:
    """Yield points away from kinks, with all the page's attributes chosen in several ways."""
    draw = np.random.default_rng(zlib.crc32(page.name.encode()))
    choices = _elementwise(page) if page.shapes == "elementwise" else CHOICES[page.shapes]
    for shapes, attributes in choices:
        free = list(draw.permutation(EIGHTHS))
        arrays = []
        for position, shape in enumerate(shapes):
            operand = page.operands[min(position, len(page.operands) - 1)]
            size = int(np.prod(shape))
            if operand.kind == "boolean":
                arrays.append(draw.random(shape) < 0.5)
                continue
            if operand.kind == "index":
                axis = attributes["axis"]
                assert isinstance(axis, int)
                arrays.append(draw.integers(0, arrays[0].shape[axis], size=shape))
                continue
            allowed = inside(operand, np.array(free))[:size]
            free = [number for number in free if number not in allowed]
            assert allowed.size == size, f"{page.name}: too few values in the domain of {operand.name}"
            arrays.append(allowed.reshape(shape))
        point = Point(tuple(arrays), attributes, np.zeros(()))
        shape = evaluate(page.value, point.values(page, multiprecision), complete(page, attributes)).shape
        yield Point(point.arrays, attributes, np.asarray(draw.integers(-6, 7, size=shape) / 4))


def reference(page: Primitive, point: Point) -> tuple[Any, dict[str, Any]]:
    """Return the reference's value and gradients as object data in the current arithmetic."""
    function = getattr(gradlaw_reference, page.name)
    sequence = page.operands[0].kind == "sequence"
    real = [index for index in range(len(point.arrays)) if sequence or page.operands[index].kind == "real"]

    def apply(*primals: Any) -> Any:
        operands: list[Any] = list(point.arrays)
        for index, primal in zip(real, primals, strict=True):
            operands[index] = primal
        return function(operands, **point.attributes) if sequence else function(*operands, **point.attributes)

    value, pullback = vjp(apply, *(point.arrays[index] for index in real))
    gradients = [gradient.data for gradient in pullback(point.cotangent)]
    names = [operand.name for operand in page.differentiable]
    return value.data, {names[0]: gradients} if sequence else dict(zip(names, gradients, strict=True))
