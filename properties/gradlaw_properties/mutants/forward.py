"""Faults of forward mode: the pullback is right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradlaw_properties.engines import forward_mode_of, reference_target, second_order_of
from gradlaw_properties.mutants.mutant import Mutant
from gradlaw_spec import Program
from gradlaw_spec.target import Arrays, ForwardMode, Gradients, Values


def _forward_fault(
    name: str, fault: Callable[[ForwardMode, Program, Values, Arrays], Gradients], subject: str
) -> Mutant:
    right = forward_mode_of(second_order_of())

    def jvp(program: Program, values: Values, tangents: Arrays) -> Gradients:
        return fault(right, program, values, tangents)

    return Mutant(name, lambda: reference_target(name, jvp=jvp), subject)


def _first_alone(right: ForwardMode, program: Program, values: Values, tangents: Arrays) -> Gradients:
    return right(program, values, (*tangents[:1], *map(np.zeros_like, tangents[1:])))


def _halved(right: ForwardMode, program: Program, values: Values, tangents: Arrays) -> Gradients:
    return tuple(None if one is None else np.asarray(one / 2) for one in right(program, values, tangents))


tangent_of_first_operand = _forward_fault("tangent-of-first-operand", _first_alone, "multiply")
tangent_halved = _forward_fault("tangent-halved", _halved, "program")
