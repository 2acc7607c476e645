"""Law ``sum-broadcasts``: sum hands every element the cotangent, mean the cotangent over n."""

from __future__ import annotations

import math

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, equal, judge
from gradlaw_properties.laws.common import not_flushed
from gradlaw_properties.needs import DISTINCT_INPUTS, ELEMENTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import RATIONAL, evaluate, using
from gradlaw_reference.rules.reductions import normalised

MUTANTS = (mutants.mean_for_sum, mutants.one_zeroed)
NEEDS = (DISTINCT_INPUTS, ELEMENTS)


def check(trial: Trial) -> Outcome:
    """Compare the gradient with the cotangent put back along the reduced axes, over n for a mean."""
    shape = trial.inputs[0].shape
    axes = normalised(trial.step.attributes.get("axis"), len(shape))  # type: ignore[arg-type]
    kept = tuple(1 if axis in axes else length for axis, length in enumerate(shape))
    handed = np.broadcast_to(trial.cotangents[0].reshape(kept), shape)
    terms = math.prod(shape[axis] for axis in axes)
    # The primitive says itself by how much it divides: its value at ones, exactly.
    with using(RATIONAL):
        at_ones = evaluate(trial.program, {trial.program.inputs[0]: np.ones(shape)})[trial.program.outputs[0]]
    divisor = terms if at_ones.ravel()[0] == 1 else 1
    if divisor == 1:
        got = trial.pull()[0]
        kept_numbers = not_flushed(trial, handed)
        return equal(
            trial.names()[0], np.where(kept_numbers, got, 0), np.where(kept_numbers, handed, 0), trial.case.dtype
        )
    ball = trial.rounding
    with using(ball):
        # Both ways to divide: with the reciprocal rounded once more, its set has the other inside.
        inverse = ball.elementary("reciprocal", ball.constant(divisor))
        allowed = ball.elementary("multiply", *np.broadcast_arrays(ball.asarray(handed), inverse))
    return judge(trial.names()[0], trial.pull()[0], allowed, trial.case.dtype)
