"""Law ``overwrite``: an input that is overwritten between the run and the walk back changes nothing, or is refused."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome
from gradlaw_properties.laws.common import NOTHING, gradients_admissible
from gradlaw_properties.needs import REACHABLE_BUFFERS
from gradlaw_properties.trial import Trial
from gradlaw_spec.text import error_text

MUTANTS = (mutants.rereads_its_inputs,)
NEEDS = (REACHABLE_BUFFERS,)


def check(trial: Trial) -> Outcome:
    """Overwrite every input by twice its value and one, then pull back."""
    if gradients_admissible(trial, trial.pull(), trial.truth()).violated:
        return NOTHING
    assert trial.target.overwritten is not None
    with np.errstate(over="ignore"):
        others = {name: trial.rounded(value.astype(np.float64) * 2 + 1, value) for name, value in trial.values.items()}
    values = {name: value.copy() for name, value in trial.values.items()}
    cotangents = tuple(cotangent.copy() for cotangent in trial.cotangents)
    try:
        got = trial.target.overwritten(trial.runnable, values, others, cotangents)
    except Exception as error:  # the engine's: it noticed
        return Outcome(1, notes=frozenset({f"an overwritten input is refused: {error_text(error)}"}))
    pairs = zip(got, trial.inputs, strict=True)
    whole = tuple(np.zeros_like(value) if gradient is None else gradient for gradient, value in pairs)
    return gradients_admissible(trial, whole, trial.truth())
