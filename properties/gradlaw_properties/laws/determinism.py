"""Law ``determinism``: the same call twice gives the same bits."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.stale_state,)


def check(trial: Trial) -> Outcome:
    """Call the target again and compare."""
    first = trial.pull()
    outputs, _ = again = trial.variant().run(trial.inputs, trial.cotangents)
    values = (equal("value, called again", b, a) for a, b in zip(trial.outputs, outputs, strict=True))
    second = zip(trial.names(), first, again[1], strict=True)
    gradients = (equal(f"{name}, called again", b, a) for name, a, b in second if b is not None)
    return combine((*values, *gradients))
