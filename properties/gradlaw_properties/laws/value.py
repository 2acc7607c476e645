"""Law ``value``: the value computed under differentiation lies in the enclosure, as does the plain one."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.wrong_value,)


def check(trial: Trial) -> Outcome:
    """Judge the outputs of the forward run and of the run under differentiation."""
    sets, dtype = trial.certified.outputs, trial.case.dtype
    plain = (judge("value", got, allowed, dtype) for got, allowed in zip(trial.forward, sets, strict=True))
    taped = zip(trial.outputs, sets, strict=True)
    return combine((*plain, *(judge("value under differentiation", got, allowed, dtype) for got, allowed in taped)))
