"""Law ``inner-operands``: an operand that is the result of a step gets its gradient as an input does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine
from gradlaw_properties.laws.common import NOTHING, gradients_admissible, real_operands
from gradlaw_properties.trial import Trial
from gradlaw_spec import Array, Program, Step

MUTANTS = (mutants.inner_exponent_without_gradient, mutants.shares_cotangent_buffers)


def check(trial: Trial) -> Outcome:
    """Make each operand in turn a step's result, and add each operand to the result; where the plain case is right.

    A case that was made so before, such as a witness, is judged as it is.
    """
    if len(trial.program.steps) > 1 and "add" in (trial.step.primitive, trial.program.steps[-1].primitive):
        return _judged(trial)
    if "add" not in trial.target.primitives or gradients_admissible(trial, trial.pull(), trial.truth()).violated:
        return NOTHING
    variants = (*_inner(trial), *_used_again(trial))
    return combine(replace(_judged(variant), case=variant.case) for variant in variants)


def _judged(variant: Trial) -> Outcome:
    return gradients_admissible(variant, variant.pull(), variant.truth())


def _inner(trial: Trial) -> Iterator[Trial]:
    """Add zeros to one operand before the step; the zeros' gradient is then that of the operand."""
    program, step = trial.program, trial.step
    for position in real_operands(trial.page, step):
        name = step.operands[position]
        if not isinstance(name, str) or name not in program.inputs:
            continue
        zeros, inner = _fresh(program, f"{name}_zero"), _fresh(program, f"{name}_inner")
        operands = tuple(inner if place == position else item for place, item in enumerate(step.operands))
        rewired = (replace(step, operands=operands) if one is step else one for one in program.steps)
        steps = (Step((inner,), "add", (name, zeros)), *rewired)
        yield trial.variant(
            Program((*program.inputs, zeros), steps, program.outputs, program.data),
            {**trial.values, zeros: np.zeros_like(trial.values[name])},
        )


def _used_again(trial: Trial) -> Iterator[Trial]:
    """Add each operand of the result's shape to the result: what flows back through add must not be shared."""
    program, step = trial.program, trial.step
    if program.outputs != step.results:
        return
    for name in dict.fromkeys(program.inputs):
        if _alike(trial.values[name], trial.cotangents[0]):
            for pair in ((step.name, name), (name, step.name)):
                again = _fresh(program, "again")
                steps = (step, Step((again,), "add", pair))
                yield trial.variant(Program(program.inputs, steps, (again,), program.data))


def _alike(value: Array, cotangent: Array) -> bool:
    return value.shape == cotangent.shape and value.dtype == cotangent.dtype


def _fresh(program: Program, name: str) -> str:
    while name in program.names:
        name += "_"
    return name
