"""Manners: what the attributes of a step do to the axes of its operands, so that a run has each of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from gradlaw_spec import AttributeValue, Primitive


def manner_of(page: Primitive, attributes: Mapping[str, AttributeValue], axes: int) -> tuple[Hashable, ...]:
    """Return along which of an operand's axes a step goes, whether they stay, and how its windows stand."""
    found = list[Hashable]()
    for attribute in page.attributes:
        value = attributes.get(attribute.name)
        if attribute.kind in ("axis", "optional-axes"):
            along = value % axes if isinstance(value, int) else type(value)
            found += [(attribute.name, along), ("from the end", isinstance(value, int) and value < 0)]
        elif attribute.kind in ("keepdims", "boolean"):
            found.append((attribute.name, value))
        elif attribute.kind == "stride":
            found.append((attribute.name, _apart(page, attributes, value)))
        elif attribute.kind == "subscripts":
            found += _manner_of_labels(str(value))
    return tuple(found)


def _apart(page: Primitive, attributes: Mapping[str, AttributeValue], step: AttributeValue) -> int:
    """Return whether windows overlap (-1), touch each other (0), or leave elements out (1)."""
    sizes = (attributes.get(item.name) for item in page.attributes if item.kind == "length")
    size = next((one for one in sizes if isinstance(one, int)), 0)
    return (step > size) - (step < size) if isinstance(step, int) else 0


def _manner_of_labels(text: str) -> Iterator[Hashable]:
    """Yield what a contraction does to the axes of how many operands: turn them, meet on a diagonal."""
    given, _, result = text.partition("->")
    order = [label for label in given if label in result]
    several = "," in given
    yield several, "turned", order != sorted(order, key=result.index)
    yield several, "diagonal", any(labels.count(label) > 1 for labels in given.split(",") for label in labels)
