"""Law ``liveness``: dropping every reference to intermediates before backward changes nothing."""

from __future__ import annotations

from typing import Any

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.weak_intermediates,)


def check(trial: Trial) -> Outcome:
    """Compare a run that keeps every intermediate alive with one that keeps none."""
    kept: list[Any] = []
    _, alive = trial.run(trial.inputs, trial.cotangents, kept)
    dropped = zip(trial.names(), trial.pull_raw(), alive, strict=True)
    outcomes = []
    for name, got, expected in dropped:
        if (got is None) != (expected is None):
            return Outcome(1, 0, f"{name}: there is {'none' if got is None else 'one'} once intermediates are dropped")
        if got is not None and expected is not None:
            outcomes.append(equal(f"{name} with intermediates dropped", got, expected))
    return combine(outcomes)
