"""Law ``order-free``: independent steps in another order, and other names, change no gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine
from gradlaw_properties.laws.common import gradients_admissible, unchanged
from gradlaw_properties.needs import SEVERAL_STEPS
from gradlaw_properties.strategies.growth import renumbered
from gradlaw_properties.trial import Trial
from gradlaw_spec import Program, Step

MUTANTS = (mutants.wrong_order, mutants.overwrites)
NEEDS = (SEVERAL_STEPS,)


def reordered(program: Program, draw: np.random.Generator) -> Program:
    """Return a program with its steps in another order that still defines each name before its use, under new names."""
    waiting, steps = list(program.steps), list[Step]()
    made = {name for step in program.steps for name in step.results}
    while waiting:
        ready = [step for step in waiting if made.isdisjoint(step.operands)]
        chosen = ready[int(draw.integers(len(ready)))]
        waiting.remove(chosen)
        made.difference_update(chosen.results)
        steps.append(chosen)
    return renumbered(replace(program, steps=tuple(steps)))


def check(trial: Trial) -> Outcome:
    """Compare the program with the same steps in another order."""
    other = trial.variant(reordered(trial.program, trial.random))
    gradients = other.pull()
    what = "with its steps in another order"
    return combine((gradients_admissible(other, gradients, other.truth()), unchanged(trial, what, gradients)))
