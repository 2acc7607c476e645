"""Law ``determinism``: the same call twice gives the same bits."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.stale_state,)


PROGRAM_CALLS = 4
"""How often a program is called again: what depends on the order of a set shows in some runs only."""


def check(trial: Trial) -> Outcome:
    """Call the target again and compare."""
    calls = 1 if len(trial.program.steps) == 1 else PROGRAM_CALLS
    return combine(_again(trial) for _ in range(calls))


def _again(trial: Trial) -> Outcome:
    outputs, gradients = trial.variant().run(trial.inputs, trial.cotangents)
    values = (equal("value, called again", b, a, trial.case.dtype) for a, b in zip(trial.outputs, outputs, strict=True))
    pairs = zip(trial.names(), trial.pull(), gradients, strict=True)
    return combine(
        (*values, *(equal(f"{name}, called again", b, a, trial.case.dtype) for name, a, b in pairs if b is not None))
    )
