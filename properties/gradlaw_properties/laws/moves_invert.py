"""Law ``moves-invert``: data movement sends every cotangent element back to where its value came from."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.needs import DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import evaluate, using

MUTANTS = (
    mutants.last_write_wins,
    mutants.last_window_wins,
    mutants.detaches_view,
    mutants.reversed_order,
)
NEEDS = (DISTINCT_INPUTS,)


def check(trial: Trial) -> Outcome:
    """Learn where each element goes from a forward run on labels, and send the cotangent back the same way.

    The labels count from 1: a zero was written, and came from nowhere.
    """
    labels, start = dict(trial.values), 1
    for name in trial.program.inputs:
        size = trial.values[name].size
        labels[name] = np.arange(start, start + size, dtype=np.float64).reshape(trial.values[name].shape)
        start += size
    origin = evaluate(trial.program, labels)[trial.program.outputs[0]].astype(np.int64).ravel()
    ball = trial.rounding
    with using(ball):
        received = ball.scatter(ball.asarray(trial.cotangents[0]).ravel(), (start,), (origin,))
    outcomes, start = [], 1
    for what, value, got in zip(trial.names(), trial.inputs, trial.pull(), strict=True):
        allowed = received[start : start + value.size].reshape(value.shape)
        start += value.size
        outcomes.append(judge(what, got, allowed, trial.case.dtype))
    return combine(outcomes)
