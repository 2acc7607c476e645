"""Law ``compiled``: what the engine's compiler makes of a program has the same admissible sets."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.laws.common import gradients_admissible
from gradlaw_properties.needs import COMPILER, SOME_CASES
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.compiled_in_half, mutants.compiled_without_last_input)
NEEDS = (COMPILER, SOME_CASES)


def check(trial: Trial) -> Outcome:
    """Judge values and gradients through the compiler."""
    outputs, gradients = trial.compiled()
    named = zip(trial.program.outputs, outputs, trial.certified.outputs, strict=True)
    values = (judge(f"value of {name}", got, allowed, trial.dtypes[name]) for name, got, allowed in named)
    return combine((*values, gradients_admissible(trial, gradients, trial.truth())))
