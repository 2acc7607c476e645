"""Law ``constants``: a Python scalar in place of an operand gives the gradient of the other as before."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome
from gradlaw_properties.laws.common import NOTHING, gradients_admissible, one_step, real_operands
from gradlaw_properties.needs import DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_spec import Primitive, Reference

MUTANTS = (mutants.constants_in_float32,)
NEEDS = (DISTINCT_INPUTS,)


def applies(page: Primitive | None) -> bool:
    """Whether the primitive has two real operands that broadcast."""
    return page is not None and page.shapes == "elementwise" and sum(o.kind == "real" for o in page.operands) > 1


def check(trial: Trial) -> Outcome:
    """Replace one operand by the first of its values, once as a Python scalar and once as a 0-d input."""
    positions = real_operands(trial.page, trial.step)
    position = int(trial.random.choice(positions))
    name = trial.step.operands[position]
    assert isinstance(name, str)
    if trial.values[name].size == 0:
        return NOTHING
    chosen = trial.values[name].ravel()[0]
    scalar = float(chosen)
    operands: list[Reference] = list(trial.step.operands)
    operands[position] = scalar
    inputs = tuple(item for item in trial.program.inputs if item != name)
    with_scalar = trial.variant(one_step(trial, tuple(operands), inputs))
    shape = with_scalar.certified.outputs[0].shape
    cotangent = trial.cotangents[0]
    fitted = cotangent if cotangent.shape == shape else np.resize(cotangent, shape) if cotangent.size else cotangent
    if fitted.shape != shape:
        return NOTHING
    with_scalar = trial.variant(with_scalar.program, cotangents=(fitted,))
    with_input = trial.variant(values={**trial.values, name: np.asarray(chosen)}, cotangents=(fitted,))
    pairs = dict(zip(with_input.program.inputs, with_input.truth(), strict=True))
    return gradients_admissible(with_scalar, with_scalar.pull(), tuple(pairs[item] for item in inputs))
