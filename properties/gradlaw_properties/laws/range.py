"""Law ``range``: what a dtype holds is not lost because a formula's own intermediate result overflows."""

from __future__ import annotations

from typing import Final

import numpy as np
from flint import arb

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.laws.accuracy import applies as is_computed_of_few
from gradlaw_properties.laws.common import NOTHING, asked
from gradlaw_properties.needs import DISTINCT_INPUTS, ELEMENTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import Data, certify
from gradlaw_reference.arithmetic.objects import elementwise
from gradlaw_reference.arithmetic.sets import ANYTHING
from gradlaw_spec import Primitive, dtype

MUTANTS = (mutants.reciprocal_of_squares,)
NEEDS = (DISTINCT_INPUTS, ELEMENTS)
ROOM: Final = 16
"""How far from both ends of a dtype's range a number is moderate."""


def applies(page: Primitive | None) -> bool:
    """Whether each element of the primitive's gradient is computed of a few numbers."""
    return is_computed_of_few(page)


def check(trial: Trial) -> Outcome:
    """Judge what the rounding model leaves open after an overflow, by the same formulas without a largest number."""
    truth = trial.truth()
    if all(ball.is_finite() for gradient in truth for ball in gradient.ravel()) or len(set(trial.dtypes.values())) > 1:
        return NOTHING
    with np.errstate(over="ignore"):  # NumPy has no such numbers
        unbounded = certify(trial.runnable, trial.values, dtypes=trial.started, overflows=False, **trial.judged_by)
        sets_without_end = unbounded.gradients(trial.cotangents)
    named = zip(trial.names(), trial.program.inputs, trial.pull(), truth, sets_without_end, strict=True)
    return combine(
        asked(judge(what, got, _moderate(trial, sets, wide), trial.dtypes[name]))
        for what, name, got, sets, wide in named
        if got.shape == sets.shape
    )


def _moderate(trial: Trial, sets: Data, wide: Data) -> Data:
    """Return the sets of moderate numbers where only an overflow made them anything; the law asks nothing else."""
    facts = dtype(trial.case.dtype)
    smallest, largest = facts.smallest_normal * ROOM, facts.largest / ROOM

    def chosen(known: arb, other: arb) -> arb:
        moderate = other.is_finite() and smallest <= abs(other) <= largest
        return other if moderate and not known.is_finite() else ANYTHING

    return elementwise(chosen, 2)(sets, wide)
