"""Manners: what the attributes of a step do to the axes of its operands, so that a run has each of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Final

from gradlaw_properties.strategies.attributes import Shape
from gradlaw_spec import AttributeValue, Primitive

LENGTHS: Final = ("windows of one", "windows of two", "windows of more")
ALONE: Final = "alone"


def manner_of(page: Primitive, attributes: Mapping[str, AttributeValue], shape: Shape) -> tuple[Hashable, ...]:
    """Return along which of an operand's axes a step goes, whether they stay, and how its windows stand."""
    found, axes = list[Hashable](), len(shape)
    for attribute in page.attributes:
        value = attributes.get(attribute.name)
        if attribute.kind in ("axis", "optional-axes"):
            along = value % axes if isinstance(value, int) and axes else type(value)
            found += [(attribute.name, along), ("from the end", isinstance(value, int) and value < 0)]
        elif attribute.kind in ("keepdims", "boolean"):
            found.append((attribute.name, value))
        elif attribute.kind == "length":
            found += windows_of(page, attributes, shape)
        elif attribute.kind == "subscripts":
            found += _manner_of_labels(str(value))
    return tuple(found)


def has_windows(page: Primitive) -> bool:
    """Whether a primitive takes windows of a length of its own."""
    return any(attribute.kind == "length" for attribute in page.attributes)


def windows_of(page: Primitive, attributes: Mapping[str, AttributeValue], shape: Shape) -> tuple[str, ...]:
    """Return how many elements a window has along an axis, how it stands to the next, and both; nothing without one."""
    kinds: dict[str, AttributeValue] = {item.kind: attributes.get(item.name) for item in page.attributes}
    size, step = kinds.get("length"), kinds.get("stride")
    if not isinstance(size, int):
        return ()
    step = step if isinstance(step, int) else size
    long = LENGTHS[min(size, len(LENGTHS)) - 1]
    standing = "overlapping" if step < size else "touching" if step == size else "apart"
    if all(length < size + step for length in _lengths(kinds, shape)):
        standing = ALONE
    return long, standing, f"{long}, {standing}"


def is_dull(windows: tuple[str, ...]) -> bool:
    """Whether windows hold one element each, or stand alone: such a step shows little of what can go wrong."""
    return LENGTHS[0] in windows or ALONE in windows


def _lengths(kinds: Mapping[str, AttributeValue], shape: Shape) -> tuple[int, ...]:
    """Return how long the axes are along which windows stand: those that are named, or all but batch and channels."""
    if "optional-axes" not in kinds:
        return shape[2:]
    named = kinds["optional-axes"]
    axes = (named,) if isinstance(named, int) else named if isinstance(named, tuple) else range(len(shape))
    return tuple(shape[axis] for axis in axes if isinstance(axis, int))


def _manner_of_labels(text: str) -> Iterator[Hashable]:
    """Yield what a contraction does to the axes of how many operands: turn them, meet on a diagonal."""
    given, _, result = text.partition("->")
    order = [label for label in given if label in result]
    several = "," in given
    yield several, "turned", order != sorted(order, key=result.index)
    yield several, "diagonal", any(labels.count(label) > 1 for labels in given.split(",") for label in labels)
