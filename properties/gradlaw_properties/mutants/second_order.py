"""Faults of the gradient of a gradient: the first one is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gradlaw_properties.engines import reference_target, second_order_of
from gradlaw_properties.mutants.mutant import Mutant
from gradlaw_reference import Array, Node, Tape
from gradlaw_spec import Program
from gradlaw_spec.target import Arrays, Gradients, Values


def _plain(value: Any) -> Any:
    return value.like(value.data) if isinstance(value, Array) else value


class _SavedDetached(Tape):
    """Keeps numbers for its walk back, and forgets what they were made of."""

    def pull(self, node: Node, position: int, cotangent: Array) -> Array | None:
        return super().pull(replace(node, operands=tuple(map(_plain, node.operands))), position, cotangent)


class _CotangentDetached(Tape):
    """Takes the cotangent for a number that depends on nothing."""

    def pull(self, node: Node, position: int, cotangent: Array) -> Array | None:
        return super().pull(node, position, _plain(cotangent))


def _inner_fault(name: str, tape: Callable[[], Tape], subject: str = "program") -> Mutant:
    return Mutant(name, lambda: reference_target(name, second_order=second_order_of(inner=tape)), subject)


def _first_row_doubled(program: Program, values: Values, cotangents: Arrays, directions: Arrays) -> Gradients:
    first, *others = second_order_of()(program, values, cotangents, directions)
    assert first is not None
    return ((first.astype(np.float64) * 2).astype(first.dtype), *others)


saved_detached = _inner_fault("saved-detached", _SavedDetached, "multiply")
cotangent_detached = _inner_fault("cotangent-detached", _CotangentDetached)
first_row_doubled = Mutant(
    "first-row-doubled", lambda: reference_target("first-row-doubled", second_order=_first_row_doubled), "multiply"
)
