"""Attributes of a step that fit an operand's shape, by their kinds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from gradlaw_properties.strategies.picks import Chooser
from gradlaw_spec import Attribute, AttributeValue, IndexItem, Primitive, Slice
from gradlaw_spec.attributes import AttributeKind

Shape = tuple[int, ...]
BOUNDS: Final = (-1, 0.5, 0, -0.5, 1.5, -2.25, 0.1, 2)
"""Lower bounds; a mapping from these to others keeps attributes short decimals."""
GAPS: Final = (2, 0.5, 1, 0.25, 3.5)
"""What an upper bound is above its lower one: never 0, since a clip to one number is constant."""


NUMBERS: Final = (1, 0.5, 2, 0.1, -0.5, 0.01, 3.5, 0.25, -1, 0)
"""What an attribute may be that is a number, if it is in the attribute's domain, beside its default."""
INTEGERS: Final = (1, 2, 0, 3, -1, 5, -2, 4, -3, 10, -10)
"""What one may be that is an integer."""
SUBSCRIPTS: Final = (
    *("ij,jk->ik", "ij,kj->ik", "bij,bjk->bik", "ijk,ik->ij", "ij,ij->", "ij,ij->i", "ij,j->i", "ij,k->jk"),
    *("i,i->", "i,j->ij", "i,j->", "i->", "i,i->i", "ij->ji", "ij->i", "ij->", "ii->", "ii->i", "ijk->ki", ",->"),
)
"""The labels of axes in contractions."""


def axis(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return one axis, counted from either end."""
    ndim = len(shape)
    options: list[AttributeValue] = [*range(ndim), *range(-ndim, 0)]
    return choose(options)


def optional_axes(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return no axis (all of them), one, or several in any order."""
    ndim = len(shape)
    options: list[AttributeValue] = [None, *range(ndim), *range(-ndim, 0)]
    if ndim > 1:
        options += [(0, 1), (-1, 0), tuple(range(ndim))]
    if ndim > 2:
        options += [(0, 2), (-1, 1), (2, 0)]
    return choose(options)


def unit_axes(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return an axis of length one, counted from either end, or several of them: none where there is none."""
    ndim = len(shape)
    places = [place for place, length in enumerate(shape) if length == 1]
    options: list[AttributeValue] = [*places, *(place - ndim for place in places)]
    if len(places) > 1:
        options += [tuple(places), (places[-1] - ndim, *places[:-1])]
    return choose(options or [()])


def shift(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return how far elements are shifted: either way, not at all, and by more than a length."""
    return choose((1, -1, 2, 0, -3, max(shape, default=0) + 1))


def offset(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return which diagonal of a matrix is meant: often the main one, else one beside it, the last, or one outside."""
    rows, columns = (1, 1, *shape)[-2:]
    return choose((*(0,) * 5, 1, -1, columns - 1, 1 - rows, columns, -rows))


def count(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return how many elements of the last axis are meant: a few of them, or all."""
    length = max((1, *shape[-1:]))
    return choose(sorted({1, min(2, length), length - length // 3, length}))


def times(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return how often each element is repeated."""
    return choose((2, 1, 3, 0))


def repetitions(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return how often an array is repeated along its last axis, along all of them, or along a new one."""
    ones = (1,) * len(shape)
    return choose(((2,), (*ones[1:], 3), (2, *ones), (3, *ones[1:]), (2,) * max(1, len(shape)), (1,), (0,)))


def length(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return how long windows are."""
    return choose((2, 1, 3, 2))


def stride(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return how far apart windows begin: so that they overlap, touch (None), or leave elements out."""
    return choose((1, 2, None, 3, 1))


def step(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return how far apart windows begin, or how far apart what they hold stands."""
    return choose((1, 2, 1, 3))


def padding(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return how many zeros are put at both ends of an axis."""
    return choose((0, 1, 2, 0))


def margins(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return how many zeros are put before and behind the elements."""
    return choose(((1, 2), (0, 1), (2, 0), (1, 1), (0, 0)))


def correction(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return what is taken from the number of elements: nothing, one, or a fraction; some element must be left."""
    return choose((1, 0, 0.5, 1, 0, 2))


def boolean(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return no or yes."""
    return choose((False, True))


def permutation(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return the axes in another order: reversed, rotated, the last two swapped, unchanged."""
    axes = tuple(range(len(shape)))
    return choose((axes[::-1], (*axes[1:], *axes[:1]), (*axes[:-2], *axes[-1:], *axes[-2:-1]), axes))


def new_axis(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return a place for a new axis, counted from either end."""
    ndim = len(shape)
    options: list[AttributeValue] = [*range(ndim + 1), *range(-ndim - 1, 0)]
    return choose(options)


def reshaped(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return a shape of as many elements, with -1 for one of its lengths at times."""
    size = math.prod(shape)
    options: list[Shape] = [(size,), shape[::-1], (*shape, 1), (1, *shape)]
    if size:
        options += [(-1,), (-1, 1), (*shape[-1:], -1)]
        options += [(length, size // length) for length in (2, 3, 5) if size % length == 0]
    if size == 1:
        options.append(())
    return choose(options)


def broadcast(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return a shape that the operand broadcasts to: new axes in front, stretched ones, or nothing new."""
    stretched = tuple(3 if length == 1 else length for length in shape)
    options = [(2, *shape), (*stretched,), (2, *stretched), (2, 1, *shape), shape]
    return choose(options)


def index(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return an index of integers, slices, new axes and an ellipsis that stays inside the shape.

    That of a vector is one integer or slice alone, which engines take that know no more.
    """
    items: list[IndexItem] = [_index_item(length, choose) for length in shape]
    if len(items) == 1:
        return tuple(items)
    if not items or choose.sometimes(2):
        place = choose(range(len(items) + 1))
        while place < len(items) and items[place] == Slice():
            items.pop(place)
        items.insert(place, "ellipsis")
    if choose.sometimes(3):
        items.insert(choose(range(len(items) + 1)), "newaxis")
    return tuple(items)


def _index_item(length: int, choose: Chooser) -> IndexItem:
    options: list[IndexItem] = [Slice()]
    if length:
        options += [0, -1, length // 2]
        options += [Slice(None, None, 2), Slice(None, None, -1), Slice(None, None, -2)]
        options += [Slice(length // 2, None), Slice(None, -1), Slice(0, length, 1), Slice(length - 1, None, -1)]
    return choose(options)


def bounds(names: Mapping[str, str], choose: Chooser) -> dict[str, AttributeValue]:
    """Return a lower and an upper bound by the names of their attributes; at most one of them is None."""
    lower = choose(BOUNDS)
    upper = lower + choose(GAPS)
    missing = choose(("", "", "", "lower", "upper"))
    found: dict[str, AttributeValue] = {}
    for kind, bound in (("lower", lower), ("upper", upper)):
        if kind in names:
            found[names[kind]] = None if missing == kind and len(names) == 2 else bound
    return found


def number(attribute: Attribute, choose: Chooser) -> AttributeValue:
    """Return a number of an attribute's domain, the default first."""
    numbers = INTEGERS if attribute.kind == "integer" else NUMBERS
    options = [item for item in numbers if any(interval.contains(np.asarray(item)) for interval in attribute.domain)]
    return choose(options if attribute.required else list(dict.fromkeys([attribute.value, *options])))


def subscripts(shape: Shape, choose: Chooser) -> AttributeValue:
    """Return the labels of a contraction whose first operand has such a shape; raise ValueError where none has."""
    options = []
    for text in SUBSCRIPTS:
        labels = text.partition("->")[0].split(",")[0]
        lengths = dict(zip(labels, shape, strict=False))
        if len(labels) == len(shape) and all(lengths[label] == n for label, n in zip(labels, shape, strict=True)):
            options.append(text)
    if not options:
        raise ValueError(f"shape={shape}: no contraction has so many axes")
    return choose(options)


BY_SHAPE: Final[Mapping[AttributeKind, Callable[[Shape, Chooser], AttributeValue]]] = MappingProxyType(
    {
        "axis": axis,
        "axes": permutation,
        "optional-axes": optional_axes,
        "keepdims": boolean,
        "boolean": boolean,
        "count": count,
        "times": times,
        "repetitions": repetitions,
        "length": length,
        "stride": stride,
        "step": step,
        "padding": padding,
        "margins": margins,
        "shape": reshaped,
        "broadcast-shape": broadcast,
        "permutation": permutation,
        "new-axis": new_axis,
        "index": index,
        "unit-axes": unit_axes,
        "shift": shift,
        "offset": offset,
        "subscripts": subscripts,
        "correction": correction,
    }
)


def structural(page: Primitive, shape: Shape, choose: Chooser, dtypes: Sequence[str]) -> dict[str, AttributeValue]:
    """Return the attributes of a page that depend on the first operand's shape, and those that name a dtype."""
    found: dict[str, AttributeValue] = {}
    for attribute in page.attributes:
        if attribute.kind == "dtype":
            found[attribute.name] = choose(dtypes)
        elif attribute.kind in BY_SHAPE:
            found[attribute.name] = BY_SHAPE[attribute.kind](shape, choose)
    return found


def choices(page: Primitive) -> list[dict[str, AttributeValue]]:
    """Return each choice that a page's attributes leave, the rest left out; nothing once where there is none."""
    return [{item.name: one} for item in page.attributes for one in item.choices] or [{}]


def numeric(page: Primitive, choose: Chooser) -> dict[str, AttributeValue]:
    """Return the attributes of a page that are numbers, or one of its choices: those that fit every shape."""
    names = {attribute.kind: attribute.name for attribute in page.attributes if attribute.kind in ("lower", "upper")}
    found = bounds({str(kind): name for kind, name in names.items()}, choose) if names else {}
    found |= {item.name: number(item, choose) for item in page.attributes if item.numeric}
    return {**found, **{item.name: choose(item.choices) for item in page.attributes if item.choices}}
