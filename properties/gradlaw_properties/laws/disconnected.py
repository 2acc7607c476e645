"""Law ``disconnected``: an input that does not reach the output has gradient 0 of its own shape."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.laws.common import unchanged
from gradlaw_properties.trial import Trial
from gradlaw_spec import Program

MUTANTS = (mutants.unused_gets_cotangent, mutants.unused_is_refused)


def check(trial: Trial) -> Outcome:
    """Add an input that nothing uses, and ask for its gradient and for the others as before."""
    before = trial.program
    program = Program((*before.inputs, "unused"), before.steps, before.outputs, before.data)
    axes = 0 if trial.target.scalar else int(trial.random.integers(0, 4))
    unused = trial.rounded(np.full((2,) * axes, 1.5))
    gradients = trial.variant(program, {**trial.values, "unused": unused}).pull()
    own = equal(
        "gradient of an input that does not reach the output", gradients[-1], np.zeros_like(unused), trial.case.dtype
    )
    return combine((own, unchanged(trial, "beside an unused input", gradients[:-1])))
