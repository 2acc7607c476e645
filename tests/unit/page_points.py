"""Points at which pages are tried: away from kinks, in the domain, exact in every arithmetic."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from formula_evaluator import complete, evaluate, multiprecision

import gradlaw_reference
from gradlaw_properties.strategies.attributes import choices as chosen
from gradlaw_properties.strategies.attributes import numeric
from gradlaw_properties.strategies.layouts import layouts
from gradlaw_properties.strategies.picks import Chooser
from gradlaw_properties.strategies.values import definite
from gradlaw_reference import vjp
from gradlaw_spec import DTYPES, AttributeValue, Operand, Primitive

PARTS = np.arange(-501, 502, 4) / 64
"""Values that lie on no kink and in no tie, nor do their sizes: odd multiples of 1/64, exact in every arithmetic."""


RUNS = 6
"""Shapes and attributes are those of so many runs."""
NUMBERS = 4
"""Attributes that are numbers have so many of their values."""
MOST = 16
"""More elements than these are left out: each is another value of the operand's domain."""
BOUNDS: tuple[dict[str, AttributeValue], ...] = (
    {"min": -0.5, "max": 1.0},
    {"min": None, "max": 0.25},
    {"min": -0.25, "max": None},
    {"max": 2},
)


def choices(page: Primitive) -> list[tuple[tuple[tuple[int, ...], ...], dict[str, AttributeValue]]]:
    """Return shapes of the operands and attributes, as the strategies have them, and the page's defaults."""
    bounded = any(item.kind == "lower" for item in page.attributes)
    found: list[tuple[tuple[tuple[int, ...], ...], dict[str, AttributeValue]]] = []
    for seed in range(RUNS):
        for layout in layouts(page, tuple(DTYPES), scalar=False, seed=seed):
            slots = {slot.name: slot.shape for slot in layout.slots}
            shapes = tuple(slots[name] for name in layout.operands)
            along = page.shapes == "along-axis" or page.level == "nn"
            mean_of_nothing = along and 0 in shapes[0]  # 0 / 0 on the way to no element
            if max(math.prod(shape) for shape in shapes) <= MOST and not mean_of_nothing:
                drawn = [{**numeric(page, Chooser(choice)), **one} for choice in range(NUMBERS) for one in chosen(page)]
                numbers = BOUNDS if bounded else drawn
                found += [(shapes, {**layout.attributes, **given}) for given in numbers]
    if found and page.attributes and not any(attribute.required for attribute in page.attributes):
        found.append((found[0][0], {}))
    return [item for position, item in enumerate(found) if item not in found[:position]]


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
    for shapes, attributes in choices(page):
        free = list(draw.permutation(PARTS))
        arrays = []
        for position, shape in enumerate(shapes):
            operand = page.operands[min(position, len(page.operands) - 1)]
            size = int(np.prod(shape))
            if operand.kind == "boolean":
                arrays.append(draw.random(shape) < 0.5)
                continue
            if operand.kind == "index":
                axis = page.complete(attributes)["axis"]
                assert isinstance(axis, int)
                length = arrays[0].shape[axis]
                places = (
                    draw.permutation(length)[: shape[0]] if operand.distinct else draw.integers(0, length, size=shape)
                )
                arrays.append(places)
                continue
            allowed = inside(operand, np.array(free))[:size]
            free = [number for number in free if number not in allowed]
            assert allowed.size == size, f"{page.name}: too few values in the domain of {operand.name}"
            array = allowed.reshape(shape)
            arrays.append(definite(array) if operand.definite else array)
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
