"""Law ``liveness``: dropping every reference to intermediates before backward changes nothing."""

from __future__ import annotations

from typing import Any

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome
from gradlaw_properties.laws.common import unchanged
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.weak_intermediates,)


def check(trial: Trial) -> Outcome:
    """Compare a run that keeps every intermediate alive with one that keeps none."""
    kept: list[Any] = []
    _, alive = trial.run(trial.inputs, trial.cotangents, kept)
    dropped = trial.pull_raw()
    for name, got, expected in zip(trial.names(), dropped, alive, strict=True):
        if (got is None) != (expected is None):
            return Outcome(1, 0, f"{name}: there is {'none' if got is None else 'one'} once intermediates are dropped")
    return unchanged(trial, "with intermediates dropped", alive)
