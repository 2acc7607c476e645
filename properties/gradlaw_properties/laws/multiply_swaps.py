"""Law ``multiply-swaps``: multiply hands each operand the cotangent times the other, rounded once."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.laws.common import unstretched
from gradlaw_properties.needs import DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import using

MUTANTS = (mutants.operands_swapped,)
NEEDS = (DISTINCT_INPUTS,)


def check(trial: Trial) -> Outcome:
    """Compare each operand's gradient with one rounded product."""
    ball = trial.rounding
    outcomes = []
    for position, name in unstretched(trial):
        other = trial.values[trial.program.inputs[1 - position]]
        with using(ball):
            g, factor = ball.asarray(trial.cotangents[0]), ball.asarray(other)
            allowed = ball.elementary("multiply", g, np.broadcast_to(factor, g.shape))
        outcomes.append(judge(f"gradient of {name}", trial.pull()[position], allowed, trial.case.dtype))
    return combine(outcomes)
