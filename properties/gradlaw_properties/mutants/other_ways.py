"""Faults of other ways to the same gradients, a compiler and batches: the plain pullback is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gradlaw_properties.engines import pullback_of, reference_target
from gradlaw_properties.mutants.mutant import Mutant
from gradlaw_spec import Program, Pull
from gradlaw_spec.target import Arrays, Gradients, Values


def _compiler_fault(name: str, fault: Callable[[Gradients], Gradients], subject: str) -> Mutant:
    def compiled(program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
        outputs, pull = pullback_of()(program, values, keep)
        return outputs, lambda cotangents: fault(pull(cotangents))

    return Mutant(name, lambda: replace(reference_target(name), compiled=compiled), subject)


def _batch_fault(name: str, fault: Callable[[int, int], int], subject: str) -> Mutant:
    """``fault(case, count)`` is the case whose cotangent another one gets."""

    def batched(program: Program, values: Values, cotangents: Arrays) -> Gradients:
        count = len(cotangents[0])
        found = []
        for case in range(count):
            inputs = {name: value[case] if name in program.inputs else value for name, value in values.items()}
            _, pull = pullback_of()(program, inputs)
            found.append(pull(tuple(cotangent[fault(case, count)] for cotangent in cotangents)))
        return tuple(
            np.stack([gradient for gradient in each if gradient is not None]) for each in zip(*found, strict=True)
        )

    return Mutant(name, lambda: replace(reference_target(name), batched=batched), subject)


def _in_half(gradients: Gradients) -> Gradients:
    with np.errstate(all="ignore"):
        return tuple(None if one is None else one.astype(np.float16).astype(one.dtype) for one in gradients)


compiled_in_half = _compiler_fault("compiled-in-half", _in_half, "multiply")
compiled_without_last_input = _compiler_fault(
    "compiled-without-last-input", lambda gradients: (*gradients[:-1], None), "multiply"
)
batch_of_first = _batch_fault("batch-of-first", lambda case, count: 0, "multiply")
batch_reversed = _batch_fault("batch-reversed", lambda case, count: count - 1 - case, "multiply")
