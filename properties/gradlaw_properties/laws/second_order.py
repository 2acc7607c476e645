"""Law ``second-order``: every element of the gradients of a pullback lies in its admissible set."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.needs import DIFFERENTIATES_PULLBACKS, SOME_CASES
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.saved_detached, mutants.cotangent_detached, mutants.first_row_doubled)
NEEDS = (DIFFERENTIATES_PULLBACKS, SOME_CASES)


def check(trial: Trial) -> Outcome:
    """Pull directions back through the pullback, and judge what each input gets, and each cotangent."""
    dtypes = (trial.dtypes[name] for name in (*trial.program.inputs, *trial.program.outputs))
    named = zip(trial.second_names(), *trial.second(trial.directions(trial.random)), dtypes, strict=True)
    return combine(judge(what, got, allowed, dtype_name) for what, got, allowed, dtype_name in named)
