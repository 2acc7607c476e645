"""Law ``second-accuracy``: a function's second derivative loses no digits that its operand determines."""

from __future__ import annotations

from typing import Final

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, judge
from gradlaw_properties.laws.accuracy import PRECISION, allowed, near
from gradlaw_properties.laws.accuracy import applies as is_computed_of_few
from gradlaw_properties.laws.common import NOTHING, asked
from gradlaw_properties.laws.exhaustive import applies as makes_one_of_one
from gradlaw_properties.needs import DIFFERENTIATES_PULLBACKS, ELEMENTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import certify_pullback
from gradlaw_spec import Primitive

MUTANTS = (mutants.loses_digits_in_the_tail,)
NEEDS = (DIFFERENTIATES_PULLBACKS, ELEMENTS)
FACTORS: Final = 6
"""Roundings that a second derivative has more than a gradient: it is a product of two functions with some factors."""


def applies(page: Primitive | None) -> bool:
    """Whether the second derivative is one number for each of the operand, and no sum."""
    return is_computed_of_few(page) and makes_one_of_one(page)


def check(trial: Trial) -> Outcome:
    """Compare with the exact second derivatives at all operands within one rounding of the case's."""
    if len(set(trial.dtypes.values())) > 1:
        return NOTHING
    directions = tuple(np.where(one == 0, np.ones_like(one), one) for one in trial.directions(trial.random))
    (name,) = trial.program.inputs
    values = {**trial.values, name: near(trial, trial.values[name])}
    cotangents, along = (tuple(near(trial, one) for one in given) for given in (trial.cotangents, directions))
    certified = certify_pullback(trial.runnable, values, cotangents, dtype=None, precision=PRECISION)
    exact, got = certified.gradients(along)[0], trial.pulled_twice(directions)[0]
    if got.shape != exact.shape:
        return NOTHING
    sets = allowed(trial, exact, trial.rounding.accuracy(trial.case.subject) + FACTORS)
    return asked(judge(trial.second_names()[0], got, sets, trial.dtypes[name]))
