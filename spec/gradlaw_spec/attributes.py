"""The values of attributes, and what an attribute is where a call leaves it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from gradlaw_spec.domains import WHOLE, Interval
from gradlaw_spec.errors import SpecError


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice of one axis in an index: start, stop and step as in Python."""

    start: int | None = None
    stop: int | None = None
    step: int | None = None


IndexItem = int | Slice | Literal["newaxis", "ellipsis"]
AttributeValue = None | bool | int | float | str | tuple[IndexItem, ...]
AttributeKind = Literal[
    "axis",
    "axes",
    "optional-axes",
    "keepdims",
    "boolean",
    "count",
    "times",
    "repetitions",
    "length",
    "stride",
    "step",
    "padding",
    "margins",
    "shape",
    "broadcast-shape",
    "permutation",
    "new-axis",
    "lower",
    "upper",
    "index",
    "dtype",
    "number",
    "integer",
    "shift",
    "offset",
    "unit-axes",
    "subscripts",
    "correction",
    "choice",
]
When = dict[str, tuple[int | float | str, ...]]
"""At which attributes something is so: for each that counts, the values that it may have there (empty: at all)."""
MEANINGS: Final[Mapping[AttributeKind, str]] = MappingProxyType(
    {
        "axis": "an integer, which counts from the end where it is negative",
        "axes": "a tuple of integers",
        "optional-axes": "an integer, a tuple of them, or None for all",
        "keepdims": "a boolean",
        "boolean": "a boolean",
        "count": "an integer from 1 to the length of the last axis",
        "times": "an integer, 0 or more",
        "repetitions": "a tuple of integers, of any length",
        "length": "an integer, 1 or more",
        "step": "an integer, 1 or more",
        "padding": "an integer, 0 or more",
        "stride": "an integer, 1 or more, or None for the length of a window",
        "margins": "a pair of integers, the same for every axis",
        "shape": "a tuple of integers, one of which may be -1",
        "broadcast-shape": "a tuple of integers",
        "permutation": "a tuple of integers, all axes in some order",
        "new-axis": "an integer, which counts from the end of the result where it is negative",
        "lower": "a number, or None for no bound",
        "upper": "a number, or None for no bound",
        "index": "a tuple as Python writes it: integers, slices, None for a new axis, and Ellipsis",
        "dtype": "a name such as 'float32'",
        "number": "a number",
        "integer": "an integer",
        "shift": "an integer",
        "offset": "an integer",
        "unit-axes": "an integer, or a tuple of them, which may be empty",
        "subscripts": "a string such as 'ij,jk->ik'",
        "correction": "a number that is taken from the number of elements",
        "choice": "one of the values that the page names",
    }
)
"""What an engine's function gets for an attribute of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One keyword attribute of a primitive.

    ``name`` is its name under the Python array API standard; ``kind`` says which values it may have; ``default`` is
    its value where a call leaves it out: a boolean, a number, or ``"None"`` for None (TOML has no word for it). An
    attribute without one must be given. ``domain`` has the numbers that one of kind ``number`` or ``integer`` may be,
    ``choices`` what one of kind ``choice`` may be.
    """

    name: str
    kind: AttributeKind
    default: bool | int | float | Literal["None"] | None = None
    domain: tuple[Interval, ...] = field(default_factory=lambda: (WHOLE,))
    choices: tuple[int | float | str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether it is a number, with which an elementwise primitive computes as with its operands."""
        return self.kind in ("number", "integer")

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return self.default is None

    @property
    def value(self) -> AttributeValue:
        """What it is where a call leaves it out; None too where it must not be."""
        return None if isinstance(self.default, str) else self.default


def holds(when: When, attributes: Mapping[str, Any]) -> bool:
    """Whether a call's attributes are among those at which something is so."""
    return all(attributes[name] in values for name, values in when.items())


def complete(primitive: str, attributes: tuple[Attribute, ...], given: Mapping[str, AttributeValue]) -> dict[str, Any]:
    """Return the attributes of a call, in the page's order, with the page's defaults where they are not given.

    Names that the page does not have stay, for whoever refuses them. Raises SpecError where one is missing, or is none
    of the page's choices.
    """
    found: dict[str, Any] = {}
    for attribute in attributes:
        if attribute.name in given:
            found[attribute.name] = given[attribute.name]
            if attribute.choices and given[attribute.name] not in attribute.choices:
                expected = f"one of {', '.join(map(str, attribute.choices))}"
                raise SpecError(primitive, f"{attribute.name}={given[attribute.name]!r}", expected, "Choose one.")
        elif attribute.required:
            cure = f"Write {primitive}(…, {attribute.name}=…)."
            raise SpecError(primitive, f"no {attribute.name}", f"{attribute.name}, which has no default", cure)
        else:
            found[attribute.name] = attribute.value
    return {**found, **{name: value for name, value in given.items() if name not in found}}
