"""Law ``chain``: P of the whole agrees with P of the first part applied to P of the second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome
from gradlaw_properties.laws.common import NOTHING, gradients_admissible
from gradlaw_properties.needs import ANY_COTANGENT, SEVERAL_STEPS
from gradlaw_properties.trial import Cotangents, Trial
from gradlaw_spec import Program

MUTANTS = (mutants.wrong_at_inner_steps,)
NEEDS = (SEVERAL_STEPS, ANY_COTANGENT)


def cut(program: Program, place: int) -> tuple[Program, Program]:
    """Cut a program before a step into two; the second one's inputs are what crosses the cut.

    An input that is used behind the cut too is an input of both. What no input reaches is data behind the cut.
    """
    reached = set(program.inputs)
    for step in program.steps[:place]:
        if reached.intersection(item for item in step.operands if isinstance(item, str)):
            reached.update(step.results)
    needed = {item for step in program.steps[place:] for item in step.operands if isinstance(item, str)}
    needed |= set(program.outputs)
    made = tuple(step.name for step in program.steps[:place] if step.name in needed)
    crossing = tuple(name for name in made if name in reached)
    direct = tuple(name for name in program.inputs if name in needed)
    data = tuple(name for name in (*program.data, *made) if name in needed and name not in crossing)
    first = Program(
        program.inputs, program.steps[:place], (*crossing, *(name for name in made if name in data)), program.data
    )
    return first, Program((*direct, *crossing), program.steps[place:], program.outputs, data)


def check(trial: Trial) -> Outcome:
    """Cut the program at a step and chain the two pullbacks through the engine's own values there.

    Where one of these has the wrong shape, nothing can be pulled back from it, and the law ``value`` says so.
    """
    first, second = cut(trial.program, int(trial.random.integers(1, len(trial.program.steps))))
    crossing = tuple(name for name in first.outputs if name in second.inputs)
    if not crossing:
        return NOTHING
    before = trial.variant(first, cotangents=tuple(np.zeros(()) for _ in first.outputs))
    shapes = zip(before.forward, before.certified.outputs, strict=True)
    if any(value.shape != known.shape for value, known in shapes):
        return NOTHING
    behind = trial.variant(second, {**trial.values, **dict(zip(first.outputs, before.forward, strict=True))})
    received = dict(zip(second.inputs, behind.pull(), strict=True))
    handed: Cotangents = tuple(received[name] for name in crossing)
    gradients = trial.variant(replace(first, outputs=crossing), cotangents=handed).pull()
    joined = tuple(
        trial.rounded(received[name].astype(np.float64) + gradient.astype(np.float64), gradient)
        if name in received
        else gradient
        for name, gradient in zip(trial.program.inputs, gradients, strict=True)
    )
    return gradients_admissible(trial, joined, trial.truth())
