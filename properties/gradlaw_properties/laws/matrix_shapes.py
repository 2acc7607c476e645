"""Law ``matrix-shapes``: for D = W·X, dW has W's shape and is g·Xᵀ, dX has X's shape and is Wᵀ·g."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.needs import DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import Data, Rounding, using
from gradlaw_spec import Array

MUTANTS = (mutants.transposes_matrices, mutants.transposes_all_axes)
NEEDS = (DISTINCT_INPUTS,)


def as_matrix(value: Array, *, first: bool) -> Array:
    """View a vector as the row (first factor) or column (second) that it stands for."""
    return value if value.ndim > 1 else value[np.newaxis, :] if first else value[:, np.newaxis]


def products(ball: Rounding, w: Array, x: Array, g: Array) -> tuple[Data, Data]:
    """Return g·Xᵀ and Wᵀ·g, each summed over the batch axes that its factor lacks, as one sum in any order."""
    left, right = as_matrix(w, first=True), as_matrix(x, first=False)
    full = np.reshape(g, (*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]), left.shape[-2], right.shape[-1]))
    cotangent = ball.asarray(full)
    first = ball.asarray(left)[..., :, :, np.newaxis]
    second = ball.asarray(right)[..., np.newaxis, :, :]
    spread = cotangent[..., :, np.newaxis, :]
    return (
        _summed(ball, ball.elementary("multiply", spread, second), -1, left.shape, w.shape),
        _summed(ball, ball.elementary("multiply", spread, first), -3, right.shape, x.shape),
    )


def _summed(ball: Rounding, terms: Data, axis: int, matrix: tuple[int, ...], shape: tuple[int, ...]) -> Data:
    batch = terms.ndim - 3
    lengths = (1,) * (batch - (len(matrix) - 2)) + matrix[:-2]
    axes = (*(i for i in range(batch) if lengths[i] == 1), terms.ndim + axis)
    return ball.sum(terms, tuple(sorted(axes))).reshape(shape)


def check(trial: Trial) -> Outcome:
    """Compare both gradients with the two products written out, and their shapes with the factors'."""
    ball = trial.rounding
    with using(ball):
        sets = products(ball, trial.inputs[0], trial.inputs[1], trial.cotangents[0])
    named = zip(trial.names(), trial.pull(), sets, strict=True)
    return combine(judge(what, got, allowed, trial.case.dtype) for what, got, allowed in named)
