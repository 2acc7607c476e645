"""Law ``value``: the value computed under differentiation lies in the enclosure, as does the plain one."""

from __future__ import annotations

from collections.abc import Iterator

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.trial import Cotangents, Trial

MUTANTS = (mutants.wrong_value,)


def check(trial: Trial) -> Outcome:
    """Judge the outputs of the forward run and of the run under differentiation."""
    dtypes = [trial.dtypes[name] for name in trial.program.outputs]

    def judged(what: str, outputs: Cotangents) -> Iterator[Outcome]:
        for got, allowed, dtype in zip(outputs, trial.certified.outputs, dtypes, strict=True):
            yield judge(what, got, allowed, dtype)

    return combine((*judged("value", trial.forward), *judged("value under differentiation", trial.outputs)))
