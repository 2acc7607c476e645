"""Law ``select-masks``: where hands the cotangent to the selected element and exactly 0 to the rest."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.laws.common import unstretched
from gradlaw_properties.needs import CONDITION, DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_spec import dtype

MUTANTS = (mutants.through_unselected,)
NEEDS = (DISTINCT_INPUTS, CONDITION)


def check(trial: Trial) -> Outcome:
    """Put nan and inf into the unselected elements, and look at who receives the cotangent."""
    shape = trial.cotangents[0].shape
    condition = np.broadcast_to(trial.values[trial.program.data[0]], shape)
    values = dict(trial.values)
    selected = {name: condition if name == trial.step.operands[1] else ~condition for name in trial.program.inputs}
    for (_, name), poison in zip(unstretched(trial), (np.nan, np.inf), strict=False):
        values[name] = np.where(selected[name], values[name], poison).astype(values[name].dtype)
    poisoned = trial.variant(values=values)
    cotangent = trial.cotangents[0].astype(np.float64)
    smallest = dtype(trial.case.dtype).smallest_normal if trial.target.flushes_subnormals else 0.0
    cotangent = np.where(np.abs(cotangent) < smallest, 0.0, cotangent)
    outcomes = []
    for position, name in unstretched(trial):
        got = poisoned.pull()[position]
        flushed = np.where(np.abs(got.astype(np.float64)) < smallest, 0.0, got.astype(np.float64))
        outcomes.append(
            equal(f"gradient of {name}", flushed, np.where(selected[name], cotangent, 0.0), trial.case.dtype)
        )
    return combine(outcomes)
