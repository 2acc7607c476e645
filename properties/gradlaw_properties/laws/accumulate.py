"""Law ``accumulate``: two backward passes from outputs that share steps leave what each sends, and nothing twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome
from gradlaw_properties.laws.common import NOTHING, second_cotangents
from gradlaw_properties.needs import SEVERAL_STEPS, SEVERAL_WALKS
from gradlaw_properties.repeated import walked_right
from gradlaw_properties.trial import Trial
from gradlaw_spec import DTYPES

MUTANTS = (mutants.walks_again_over_old_gradients,)
NEEDS = (SEVERAL_STEPS, SEVERAL_WALKS)


def check(trial: Trial) -> Outcome:
    """Walk back from the program's own outputs, then from a step inside of it."""
    program = trial.program
    computed = trial.certified.steps
    inner = [step.name for step in program.steps if step.name in computed and step.name not in program.outputs]
    if not inner:
        return NOTHING
    name = inner[int(trial.random.integers(len(inner)))]
    place = np.zeros(computed[name].shape, DTYPES[trial.dtypes[name]].numpy)
    both = trial.variant(
        replace(program, outputs=(*program.outputs, name)), cotangents=(*trial.cotangents, np.ones_like(place))
    )
    second = second_cotangents(both)[-1]
    return walked_right(
        both,
        (*trial.cotangents, None),
        (*(None for _ in program.outputs), second),
        f"a second backward, from {name}",
    )
