"""The nouns Primitive and Function: one differentiable function, as its page in the law book describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from gradlaw_spec.array import Array
from gradlaw_spec.attributes import Attribute, AttributeValue, When, complete, holds
from gradlaw_spec.domains import WHOLE, Interval, Meeting, Values
from gradlaw_spec.signature import NO_SIGNATURE, Signature

Level = Literal["scalar", "array", "nn", "linalg", "complex", "higher-order", "low-precision"]
Pattern = Literal[
    "add-distributes",
    "multiply-swaps",
    "max-routes",
    "matrix-shapes",
    "sum-broadcasts",
    "broadcast-sums",
    "moves-invert",
    "select-masks",
    "local-gradient",
]
ShapeRule = Literal[
    "elementwise",  # operands broadcast together; the value has the broadcast shape
    "reduction",  # attributes axis and keepdims, as in the Python array API standard
    "along-axis",  # attribute axis (one integer); the value has the operand's shape
    "windows",  # a batch, channels, and axes along which windows go, as the page's signature says
    "signature",  # the page's signature says which lengths agree
    "aligned",  # an operand and indices with the same axes; along the attribute axis they may differ in length
    "moved",  # an operand of any shape; the kinds of the attributes say what becomes of it
]
Rounding = Literal[
    "exact", "correct", "elementwise", "contraction", "product", "elimination", "factorisation", "composed"
]
OperandKind = Literal["real", "boolean", "index", "sequence"]
Joint = Literal["", "shares", "signed-shares", "orders", "ball", "dual-ball", "centred-ball"]
VALUE: Final = "value"
"""How a page calls what the primitive computes."""
Number = int | float | str
"""A number of a page: an integer, a decimal, or a string with a fraction (``"1/3"``) or many digits."""
Nested = Number | list[Number | list[Number | list[Number | list[Number | list[Number]]]]]
"""An array of numbers as nested lists, of up to four axes (msgspec reads no recursive alias)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """One positional operand: its name, kind, domain and the formula of its gradient.

    ``domain`` is a union of intervals such as ``"(0, inf)"``, or ``"(-inf, 0) without integers"`` where those are
    poles or jumps (``without halves``: the numbers halfway between), in which the primitive is differentiable or has a
    declared kink; ``vjp`` is a formula in the operands, the attributes, the value ``value`` and the cotangent ``g``; it
    is empty for an operand that has no gradient. ``alternatives`` are other formulas of the same gradient that correct
    implementations use: what any of them may return under the rounding model is admissible; ``when`` says at which
    attributes they are. ``boundary`` lists values at which gradients tend to break, for generation. ``distinct`` says
    that no index occurs twice. ``regular`` says that nothing is claimed where its matrices have not full rank,
    ``definite`` that nothing is where their symmetric parts are not positive definite.
    """

    name: str
    kind: OperandKind = "real"
    regular: bool = False
    distinct: bool = False
    definite: bool = False
    domain: tuple[Interval, ...] = field(default_factory=lambda: (WHOLE,))
    vjp: str = ""
    alternatives: tuple[str, ...] = ()
    when: When = field(default_factory=dict)
    boundary: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One of several results: its name, and its value as a formula in the operands and the attributes.

    ``judged`` is a formula in the result that does not depend on what an implementation is free to choose, such as the
    sign of a vector; its value and gradients are judged (empty: the result's own are).
    """

    name: str
    value: str
    judged: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kink:
    """Where the primitive is not differentiable, and the local gradients that are allowed there.

    ``where`` is where an operand meets a number, an operand or an attribute (a page writes ``"x == 0"``, ``"x1 ==
    x2"``, ``"x == min"``), or ``"ties"``, for equal elements of which one is selected; ``allowed`` maps an operand's
    name to the closed interval of its local gradient, between two ends in either order, of which one may be the name of
    an attribute that is a number. ``joint`` says what the local gradients of all elements that meet there are together
    (empty: each is free): shares that are at least 0 and add up to 1, those times the signs of the elements
    (``signed-shares``; where these are 0, numbers whose sizes add up to at most 1), shares of several cotangents of
    which each element gets one in all (``orders``), a vector no longer than 1 (``ball``), one whose norm of the dual
    order p/(p − 1) is at most 1 (``dual-ball``), where ``order`` names the attribute that is *p*, or one of *n*
    elements that is no longer than 1/√(n − c) and adds up to 0 (``centred-ball``), where ``less`` names the attribute
    that is *c* (empty: 0). A page writes ``"value == 0"`` for a kink at which the value is 0, as a length is where all
    its elements are. ``when`` says at which attributes the kink is.
    """

    where: Meeting
    allowed: dict[str, tuple[float | str, float | str]]
    joint: Joint = ""
    less: str = ""
    order: str = ""
    when: When = field(default_factory=dict)

    @property
    def corner(self) -> bool:
        """Whether it is where the value is 0."""
        return self.where.operand == VALUE

    def slopes(self, operand: str, attributes: Mapping[str, AttributeValue]) -> tuple[float, float]:
        """Return the least and the largest local gradient of an operand that a call's attributes allow."""
        ends = [float(attributes[end]) if isinstance(end, str) else end for end in self.allowed[operand]]  # type: ignore[arg-type]
        return min(ends), max(ends)

    def counted(self, elements: int, attributes: Mapping[str, AttributeValue]) -> int | float:
        """Return the number that a set depends on.

        That is the square of how many times shorter than a cotangent its vectors are, n − c or 1; of a dual ball the
        order.
        """
        if self.order:
            return attributes[self.order]  # type: ignore[return-value]
        less: Any = attributes[self.less] if self.less else 0
        return elements - less if self.joint == "centred-ball" else 1

    def allowed_text(self, operand: str) -> str:
        """Return the allowed interval of an operand as a page shows it."""
        low, high = (end if isinstance(end, str) else f"{end:g}" for end in self.allowed[operand])
        return f"[{low}, {high}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where only some operands have a derivative, beside the domain in which all of them have one.

    ``where`` says which numbers each operand has there (a page writes ``"0"``, ``"[0, inf)"`` or ``"integers"``);
    ``gradients`` names the operands whose gradient is finite there, and is judged. Nothing is claimed of the others'.
    """

    where: dict[str, Values]
    gradients: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A worked example with numbers, which runs as a test.

    A number written as an integer or a fraction is exact; one written with digits behind the
    point in a string is right to half a unit of its last digit. Where there are several results, ``cotangent`` and
    ``value`` have one array for each, by its name.
    """

    operands: dict[str, Nested]
    attributes: dict[str, str | int | float | bool | list[int]] = field(default_factory=dict)
    cotangent: Nested | dict[str, Nested]
    value: Nested | dict[str, Nested]
    gradients: dict[str, Nested]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A step that formulas and rules are made of, read from ``spec/functions/<name>.md``.

    ``operands`` and ``attributes`` say how it is called; its ``body`` says what it is. ``composition`` is the same in
    primitives, for engines that have no such function (empty: there is none). ``examples`` run as tests.
    """

    name: str
    summary: str
    operands: tuple[Operand, ...]
    attributes: tuple[Attribute, ...] = ()
    composition: str = ""
    examples: tuple[Example, ...] = ()
    body: str = ""

    @property
    def call(self) -> str:
        """How it is called: operands positional, attributes as keywords."""
        keywords = (f"{attribute.name}=…" for attribute in self.attributes)
        return f"{self.name}({', '.join([*(operand.name for operand in self.operands), *keywords])})"

    def complete(self, attributes: Mapping[str, AttributeValue]) -> dict[str, Any]:
        """Return a call's attributes with the page's defaults; raise SpecError where one that has none is missing."""
        return complete(self.name, self.attributes, attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Primitive(Function):
    """One primitive of the law book, read from ``spec/primitives/<family>/<name>.md``.

    ``shapes`` says how operands fit together; of vectors and matrices, ``signature`` says which lengths agree.
    ``value`` is a formula of what it computes; where it has several ``results``, each has a formula, and gradients of
    its own that add up.
    ``accuracy`` is the k of the rounding model for the value (clause ``admissible-sets/rounding``). ``composition``
    is the primitive in simpler ones, as an expression or as lines that name what they compute. A primitive without a
    rule is what its composition says (clause ``admissible-sets/composed``); for others the composition is for the
    ``modularity`` law and for targets that lack the primitive. ``computed`` is the formula by which a
    program computes the value in floating point, where ``value`` would overflow or names the primitive itself (empty:
    its composition for one that is composed, else ``value``). ``also`` has other names under which engines have it,
    that of the method behind a Python operator among them. ``symbol`` is the sign of its gate in a circuit (empty:
    its name); ``latex`` how mathematics writes it: a sign such as ``\\sin``, or a pattern with its operands in angle
    brackets, such as ``e^{<x>}``. ``regions`` are where some operand has a derivative outside of the operands' domains.
    ``limits`` has the limits of a function of one operand at the ends of the real line, of its value and of its slope,
    where both exist. ``exact`` says at which attributes the value of a composed primitive is one of its parts, which
    nothing rounds again.
    """

    level: Level
    pattern: Pattern
    shapes: ShapeRule
    signature: Signature = field(default_factory=lambda: NO_SIGNATURE)
    rounding: Rounding
    accuracy: int
    rational: bool
    value: str = ""
    results: tuple[Result, ...] = ()
    also: tuple[str, ...] = ()
    computed: str = ""
    symbol: str = ""
    latex: str = ""
    regions: tuple[Region, ...] = ()
    kinks: tuple[Kink, ...] = ()
    exact: When = field(default_factory=dict)
    limits: dict[Literal["inf", "-inf"], tuple[float, float]] = field(default_factory=dict)

    @property
    def numbers(self) -> int:
        """Of how many numbers an elementwise primitive makes one: its operands, and its attributes that are numbers."""
        return len(self.operands) + sum(attribute.numeric for attribute in self.attributes)

    @property
    def differentiable(self) -> tuple[Operand, ...]:
        """The operands that have a gradient."""
        return tuple(operand for operand in self.operands if operand.kind in ("real", "sequence"))

    def kinks_at(self, attributes: Mapping[str, AttributeValue]) -> tuple[Kink, ...]:
        """Return the kinks that there are at a call's attributes."""
        return tuple(kink for kink in self.kinks if holds(kink.when, attributes))

    def claims(self, name: str, values: Mapping[str, Array]) -> Array:
        """Return where the gradient of an operand is finite, or a kink's, for float64 values of all that are real."""
        real = [operand for operand in self.differentiable if operand.kind == "real"]
        places = [
            [(values[operand.name], tuple(Values(interval, False) for interval in operand.domain)) for operand in real]
        ]
        places += [
            [(values[operand.name], (region.where[operand.name],)) for operand in real]
            for region in self.regions
            if name in region.gradients
        ]
        found = np.zeros((), dtype=bool)
        for place in places:
            inside = np.ones((), dtype=bool)
            for numbers, choices in place:
                inside = inside & np.logical_or.reduce([choice.contains(numbers) for choice in choices])
            found = found | inside
        return np.asarray(found)
