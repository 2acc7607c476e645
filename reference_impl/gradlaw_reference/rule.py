"""What the engine knows of a primitive: how it computes, and how its gradient flows back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gradlaw_spec import Interval, Kink, Program, Signature
from gradlaw_spec.attributes import When, holds
from gradlaw_spec.signature import NO_SIGNATURE

LocalRule = Callable[..., Any]
"""Cotangent, value, operands and attributes to the gradient of one operand, all of them Arrays."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """How a primitive computes, and how its gradient flows back.

    ``value(arithmetic, *data, **attributes)`` computes data from data; where ``composed`` it is a function of Arrays,
    made of other primitives. ``vjp`` has one function a differentiable operand (or one for all of a ``sequence``, told
    which by ``position``): cotangent, value, operands and attributes to the operand's gradient. ``elementwise``: it is
    computed element by element. ``alternatives`` are the page's other correct formulas of each operand's gradient.
    ``corners`` are the kinks where its value is 0. ``exact`` says at which attributes the value of a composed one is
    not rounded again. ``signature`` says which lengths of its operands agree, where they are vectors and matrices.
    ``domains`` are the intervals of each operand outside of which an elementwise value is none, where there is such an
    outside. ``complete`` gives a call's attributes the page's defaults; ``writer`` makes programs of the formulas of an
    operand's gradient.
    """

    name: str
    value: Callable[..., Any]
    vjp: tuple[LocalRule, ...]
    composed: bool = False
    elementwise: bool = False
    sequence: bool = False
    alternatives: tuple[tuple[LocalRule, ...], ...] = ()
    corners: tuple[Kink, ...] = ()
    domains: tuple[tuple[Interval, ...], ...] = ()
    exact: When = field(default_factory=dict)
    signature: Signature = field(default_factory=lambda: NO_SIGNATURE)
    complete: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
    writer: Callable[[Rule, int], tuple[Program, ...]] | None = None

    def corner(self, attributes: Mapping[str, Any]) -> Kink | None:
        """Return the kink where the value is 0 at a call's attributes; None where there is none."""
        return next((kink for kink in self.corners if holds(kink.when, attributes)), None)

    def is_exact(self, attributes: Mapping[str, Any]) -> bool:
        """Whether the value of a composed one is one of its parts at a call's attributes."""
        return bool(self.exact) and holds(self.exact, attributes)

    def written(self, position: int) -> tuple[Program, ...]:
        """Return all formulas of an operand's gradient as programs; none where one is not smooth and elementwise."""
        return () if self.writer is None else self.writer(self, position)


RULES: Final[dict[str, Rule]] = {}
"""Every rule by the name of its primitive; filled where `gradlaw_reference.rules` is imported, then only read."""
