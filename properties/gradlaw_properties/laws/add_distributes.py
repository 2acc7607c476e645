"""Law ``add-distributes``: add hands its cotangent unchanged to every operand; subtract hands g and −g."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.laws.common import not_flushed, unstretched
from gradlaw_properties.needs import DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import RATIONAL, program_vjp, using

MUTANTS = (mutants.one_percent,)
NEEDS = (DISTINCT_INPUTS,)


def check(trial: Trial) -> Outcome:
    """Compare each operand's gradient with the cotangent, bit for bit."""
    cotangent = trial.cotangents[0]
    kept = not_flushed(trial, cotangent)
    with using(RATIONAL):
        _, pullback, _ = program_vjp(trial.program, trial.values)
        signs = [gradient.data for gradient in pullback((np.ones(cotangent.shape),))]
    outcomes = []
    for position, name in unstretched(trial):
        sign = signs[position].astype(np.float64)
        got = np.where(kept, trial.pull()[position].astype(np.float64), 0.0)
        outcomes.append(
            equal(
                f"gradient of {name}", got, np.where(kept, sign * cotangent.astype(np.float64), 0.0), trial.case.dtype
            )
        )
    return combine(outcomes)
