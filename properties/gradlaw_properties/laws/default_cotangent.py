"""Law ``default-cotangent``: backward without a cotangent starts from one, or is refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome
from gradlaw_properties.laws.common import NOTHING, gradients_admissible
from gradlaw_properties.needs import SEVERAL_WALKS, STARTS_ALONE
from gradlaw_properties.trial import DifferentiationError, Trial
from gradlaw_spec import PROGRAM, Case, Program, Step, Target, dtype

MUTANTS = (mutants.starts_from_two_where_there_are_axes,)
NEEDS = (SEVERAL_WALKS, STARTS_ALONE)
STEPS = ("multiply", "add", "subtract")


def cases(target: Target, subject: str, dtype_name: str) -> Iterator[Case]:
    """Yield a step of two operands, whose result has one element and no, one or two axes."""
    primitive = next((name for name in STEPS if name in target.primitives), None)
    if primitive is None:
        return
    program = Program(("x1", "x2"), (Step(("y",), primitive, ("x1", "x2")),), ("y",))
    kind = dtype(dtype_name).numpy
    for axes in range(1 if target.scalar else 3):
        values = {name: np.full((1,) * axes, number, kind) for name, number in (("x1", 3.0), ("x2", -2.5))}
        yield Case(
            subject=PROGRAM, program=program, values=values, cotangents=(np.ones((1,) * axes, kind),), dtype=dtype_name
        )


def check(trial: Trial) -> Outcome:
    """Start backward with no cotangent, where starting from one is right."""
    if gradients_admissible(trial, trial.pull(), trial.truth()).violated:
        return NOTHING
    try:
        walked = trial.walked((None,))
    except DifferentiationError as error:
        return Outcome(1, notes=frozenset({f"backward needs a cotangent: {error}"}))
    pairs = zip(walked.gradients[0], trial.inputs, strict=True)
    whole = tuple(np.zeros_like(value) if gradient is None else gradient for gradient, value in pairs)
    return gradients_admissible(trial, whole, trial.truth())
