"""Law ``determinism``: the same call twice gives the same bits, or one set where no order of sums is declared."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine
from gradlaw_properties.laws.common import same
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
    values = zip(trial.outputs, outputs, trial.certified.outputs, strict=True)
    pairs = zip(trial.names(), trial.pull(), gradients, trial.truth(), strict=True)
    return combine(
        (
            *(same(trial, "value, called again", b, a, allowed) for a, b, allowed in values),
            *(same(trial, f"{name}, called again", b, a, allowed) for name, a, b, allowed in pairs if b is not None),
        )
    )
