"""Law ``adjoint``: forward mode gives the tangents whose adjoint the pullback is."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.needs import FORWARD_MODE, SOME_CASES
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.tangent_of_first_operand, mutants.tangent_halved)
NEEDS = (FORWARD_MODE, SOME_CASES)


def check(trial: Trial) -> Outcome:
    """Push tangents forward, and judge those of the outputs."""
    named = zip(trial.program.outputs, *trial.pushed(trial.directions(trial.random)), strict=True)
    return combine(judge(f"tangent of {name}", got, allowed, trial.dtypes[name]) for name, got, allowed in named)
