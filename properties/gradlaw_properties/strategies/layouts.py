"""Layouts: operand shapes and attributes, from a small palette a run, by the shape rule of a page alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from gradlaw_spec import AttributeValue, IndexItem, Primitive, Slice

Shape = tuple[int, ...]
Attributes = dict[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class Layout:
    """The shapes of a primitive's operands and the attributes of its step."""

    shapes: tuple[Shape, ...]
    attributes: Attributes = field(default_factory=dict)


ELEMENTWISE: dict[str, list[tuple[Shape, Shape]]] = {
    "always": [((), ()), ((2, 3), (2, 3)), ((41,), (41,))],
    "broadcast": [((3, 1), (4,)), ((), (5,)), ((5,), ()), ((2, 3), (3,)), ((1, 3), (2, 1)), ((4,), (2, 1, 4))],
    "rare": [((0,), (0,)), ((1,), (1,)), ((2, 1, 2, 1, 3), (2, 1, 2, 1, 3)), ((0, 3), (1, 3)), ((1, 1), ())],
}
REDUCED: list[Shape] = [(2, 3), (41,), (3, 1, 2), (), (4,), (1,), (0, 2), (2, 1, 2, 1, 2)]
MATRICES: list[tuple[Shape, Shape]] = [
    ((2, 3), (3, 4)),
    ((3, 3), (3, 3)),
    ((4,), (4,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 2, 3), (3, 2)),
    ((3, 2), (2, 2, 3)),
    ((2, 1, 2, 3), (3, 3, 1)),
    ((1, 1), (1, 1)),
    ((5, 10), (10, 3)),
    ((2, 0), (0, 2)),
]
BOUNDS: list[tuple[float | None, float | None]] = [(-1.0, 2.0), (0.0, 1.0), (None, 0.5), (-0.5, None), (1.0, 1.0)]


def axes_of(ndim: int) -> list[AttributeValue]:
    """Return ways to name the axes of a reduction: all, one from either end, several."""
    found: list[AttributeValue] = [None]
    if ndim:
        found += [0, -1, ndim - 1]
    if ndim > 1:
        found += [(0, 1), (ndim - 1, 0), (-1,)]
    return list(dict.fromkeys(found))


def _divisors(size: int) -> Iterator[Shape]:
    yield (size,)
    for first in range(1, size + 1):
        if size % first == 0:
            yield (first, size // first)
            yield (-1, size // first)
    if size == 0:
        yield (0, 3)


def indices_of(shape: Shape) -> list[tuple[IndexItem, ...]]:
    """Return indices for a shape: integers, slices with steps of both signs, newaxis, ellipsis."""
    found: list[tuple[IndexItem, ...]] = [("ellipsis",), ("newaxis", "ellipsis"), ("ellipsis", "newaxis")]
    if shape:
        found += [(Slice(None, None, -1),), (Slice(1),), (Slice(None, None, 2),), (Slice(0, 0),)]
        if shape[0] > 0:
            found += [(0,), (-1,), (0, "ellipsis"), (Slice(-2, None), "newaxis")]
        if len(shape) > 1 and min(shape) > 0:
            found += [(Slice(), 0), ("ellipsis", -1), (0, Slice(None, None, -1)), (0, "newaxis", Slice(0, 2))]
    return found


def _permutations(ndim: int) -> list[Shape]:
    found = list(itertools.permutations(range(ndim)))
    return found if ndim < 4 else [tuple(range(ndim)), tuple(reversed(range(ndim))), (*range(1, ndim), 0)]


def _keepdims(page: Primitive, attributes: Attributes) -> list[Attributes]:
    if any(attribute.kind == "keepdims" for attribute in page.attributes):
        return [{**attributes, "keepdims": False}, {**attributes, "keepdims": True}]
    return [attributes]


def attribute_options(page: Primitive, shapes: tuple[Shape, ...]) -> list[Attributes]:
    """Return the attributes that a primitive may take on operands of these shapes (none: it takes no such)."""
    shape, ndim = shapes[0], len(shapes[0])
    match page.shapes:
        case "elementwise":
            names = {attribute.kind: attribute.name for attribute in page.attributes}
            return [{names["lower"]: low, names["upper"]: high} for low, high in BOUNDS] if "lower" in names else [{}]
        case "reduction":
            return [found for axis in axes_of(ndim) for found in _keepdims(page, {"axis": axis})]
        case "along-axis":
            return [{"axis": axis} for axis in dict.fromkeys((-1, 0, ndim - 1))] if ndim else []
        case "matmul":
            return [{}] if len(shapes) == 2 and _multiply(*shapes) else []
        case "matrix-transpose":
            return [{}] if ndim >= 2 else []
        case "permute":
            return [{"axes": axes} for axes in _permutations(ndim)]
        case "reshape":
            return [{"shape": new} for new in (*_divisors(math.prod(shape)), (1, *shape), shape)]
        case "broadcast":
            stretched = tuple(3 if length == 1 else length for length in shape)
            return [{"shape": new} for new in dict.fromkeys((shape, (2, *shape), stretched, (2, 1, *stretched)))]
        case "expand-dims":
            return [{"axis": axis} for axis in range(-ndim - 1, ndim + 1)]
        case "concat":
            return [{"axis": axis} for axis in range(-ndim, ndim) if _joinable(shapes, axis)]
        case "stack":
            return [{"axis": axis} for axis in range(-ndim - 1, ndim + 1)] if len(set(shapes)) == 1 else []
        case "index":
            return [{"index": index} for index in indices_of(shape)]
        case "take":
            return [{"axis": axis} for axis in range(-ndim, ndim) if shape[axis] > 0]
        case _:
            return [{}]


def _multiply(first: Shape, second: Shape) -> bool:
    if not first or not second:
        return False
    inner = second[-2] if len(second) > 1 else second[0]
    try:
        np.broadcast_shapes(first[:-2], second[:-2])
    except ValueError:
        return False
    return first[-1] == inner


def _joinable(shapes: tuple[Shape, ...], axis: int) -> bool:
    rest = {tuple(length for i, length in enumerate(shape) if i != axis % len(shape)) for shape in shapes if shape}
    return len(rest) == 1 and all(len(shape) == len(shapes[0]) for shape in shapes)


def _shape_sets(page: Primitive, draw: np.random.Generator) -> list[tuple[Shape, ...]]:
    """Choose about four to six sets of operand shapes for this run."""

    def some(options: list[tuple[Shape, Shape]], number: int) -> list[tuple[Shape, Shape]]:
        return [options[i] for i in draw.permutation(len(options))[:number]]

    operands = len(page.operands)
    match page.shapes:
        case "elementwise":
            wide = some(ELEMENTWISE["broadcast"], 2) if operands > 1 else []
            pairs = [*ELEMENTWISE["always"], *wide, *some(ELEMENTWISE["rare"], 1)]
            return [tuple(pair[(i + operands) % 2] for i in range(operands)) for pair in pairs]
        case "matmul":
            return [*MATRICES[:2], *some(MATRICES[2:], 3)]
        case "concat":
            return [((2, 3), (1, 3)), ((3,), (2,), (3,)), ((2, 2),), ((2, 0, 2), (2, 3, 2)), ((20,), (21,))]
        case "stack":
            return [((2, 3), (2, 3)), ((), ()), ((3,), (3,), (3,)), ((2,),), ((20,), (20,))]
        case _:
            chosen = [REDUCED[0], REDUCED[1], *(REDUCED[2:][i] for i in draw.permutation(len(REDUCED) - 2)[:3])]
            return [(shape,) for shape in chosen]


def palette(page: Primitive, *, scalar: bool, seed: int) -> list[Layout]:
    """Return the layouts of a primitive in a run: the same for the same seed, so that compilers' caches hit."""
    if scalar:
        shapes: tuple[Shape, ...] = ((),) * len(page.operands)
        return [Layout(shapes, attributes) for attributes in attribute_options(page, shapes)]
    draw = np.random.Generator(np.random.PCG64([seed, *page.name.encode()]))
    layouts = []
    for shapes in _shape_sets(page, draw):
        options = attribute_options(page, shapes)
        chosen = draw.permutation(len(options))[:3] if len(options) > 3 else range(len(options))
        layouts += [Layout(shapes, options[int(i)]) for i in chosen]
    return layouts
