"""Special points: numbers that operands have together, where only some of them has a derivative, a corner is, or a
matrix is singular."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gradlaw_properties.strategies.domains import rounded
from gradlaw_properties.strategies.layouts import Layout, Slot
from gradlaw_reference.arithmetic.corners import spread
from gradlaw_spec import Array, Dtype, Operand, Primitive, Region, Values

CANDIDATES = (0, 1, -1, 2, 3, -2, 0.5, -0.5, 4, -3, 10, 0.25, 1.5, -1.5, 5, -5, 100, -100)
"""Numbers that a region has, if they are in it, the simplest first."""

SMALL = 2.0**10
"""Numbers up to here may be added: the sum of short ones is exact."""


@dataclass(frozen=True)
class Special:
    """What the operands of one element may be together: a table of numbers for each variable."""

    tables: tuple[Array, ...]
    labels: Array | None = None
    """The result of a reduction that each element goes into, where all of one's are alike."""

    def place(self, arrays: list[Array], place: int, number: int) -> None:
        """Write the numbers that a drawn one means into one element of each flat array."""
        for array, table in zip(arrays, self.tables, strict=True):
            here = place % array.size
            array[here if self.labels is None else self.labels == self.labels[here]] = table[number % len(table)]
            number //= len(table)


@dataclass(frozen=True)
class Dependent:
    """A singular matrix: one row or column is made of others."""

    position: int
    """Which of the operands is one."""
    size: int

    def place(self, arrays: list[Array], place: int, number: int) -> None:
        """Make one of the matrices singular at times: by a row of zeros, of another's numbers, or of a sum."""
        if number % 4 > 1:
            return
        matrices = arrays[self.position].reshape(-1, self.size, self.size)
        matrix = matrices[place % len(matrices)]
        lines = matrix if number % 2 else matrix.T
        first, kind = (place // len(matrices)) % self.size, (number // 4) % 4
        others = [line for line in range(self.size) if line != first]
        factor = (1, -1, 0, 1)[kind] if others else 0
        lines[first] = factor * lines[others[0]] if others else 0
        if kind == 3 and len(others) > 1 and np.abs(lines).max() < SMALL:
            lines[first] += lines[others[1]]


Point = Special | Dependent


def specials(page: Primitive, layout: Layout, facts: Dtype) -> tuple[Point, ...]:
    """Return the special points of a layout: none where a variable is used twice or stretched, so that no element
    could have numbers of its own."""
    slots = [slot for slot in layout.slots if slot.kind == "real"]
    corner = any(kink.corner for kink in page.kinks)
    if page.shapes == "reduction":
        return _of_groups(slots[0], layout) if corner and slots[0].size else ()
    if page.shapes == "signature":
        return _of_groups(slots[0], layout) if corner and slots[0].size else tuple(_singular(page, slots))
    alone = len(set(layout.operands)) == len(page.operands)
    if page.shapes != "elementwise" or not alone or not slots[0].size or len({slot.shape for slot in slots}) > 1:
        return ()
    zeros = (Special((np.zeros(1),) * len(slots)),) if corner else ()
    return (*_of_regions(page, slots, facts), *zeros)


def _singular(page: Primitive, slots: Sequence[Slot]) -> Iterator[Dependent]:
    """Yield a point for each operand that is a square matrix, and may be singular."""
    for position, (slot, lengths) in enumerate(zip(slots, page.signature.operands, strict=False)):
        singular = not any(operand.regular for operand in slot.operands)
        if singular and len(lengths) == 2 and len(set(lengths)) == 1 and slot.size:
            yield Dependent(position, slot.shape[-1])


def _of_groups(slot: Slot, layout: Layout) -> tuple[Special, ...]:
    """Return the points of a reduction at which all elements of one result are 0, or are equal."""
    labels = spread(np.arange(math.prod(layout.output)).reshape(layout.output), slot.shape, layout.attributes).ravel()
    return (Special((np.zeros(1),), labels), Special((np.array([1.0, 3, -2, 0.5]),), labels))


def _of_regions(page: Primitive, slots: Sequence[Slot], facts: Dtype) -> Iterator[Special]:
    for region in page.regions:
        tables = tuple(_table(region, slot.operands[0], facts) for slot in slots)
        if all(table.size for table in tables):
            yield Special(tables)


def _table(region: Region, operand: Operand, facts: Dtype) -> Array:
    """Return the numbers of a dtype that an operand may have in a region, the simplest first."""
    values: Values = region.where[operand.name]
    tiny, small, huge = facts.smallest_subnormal, facts.smallest_normal, facts.largest
    numbers = (*CANDIDATES, *operand.boundary, values.interval.lower, values.interval.upper)
    found = rounded(np.array([*numbers, tiny, -tiny, small, -small, huge, -huge]), facts)
    return np.array(list(dict.fromkeys(found[values.contains(found)].tolist())))
