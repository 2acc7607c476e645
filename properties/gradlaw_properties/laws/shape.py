"""Law ``shape``: gradient shape == primal shape."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.forgets_to_unbroadcast, mutants.drops_unit_axes)


def check(trial: Trial) -> Outcome:
    """Ask for the gradients; a wrong shape is found there, for every law."""
    trial.pull()
    return Outcome(len(trial.inputs), 0)
