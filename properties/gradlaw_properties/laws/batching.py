"""Law ``batching``: the gradients of a batch are the batch of gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine
from gradlaw_properties.laws.common import gradients_admissible, second_cotangents
from gradlaw_properties.needs import BATCHES, SOME_CASES
from gradlaw_properties.trial import Trial
from gradlaw_spec import Array

MUTANTS = (mutants.batch_of_first, mutants.batch_reversed)
NEEDS = (BATCHES, SOME_CASES)


def check(trial: Trial) -> Outcome:
    """Pull back the case with two others in one call, and judge each case."""
    turned = trial.variant(
        values={**trial.values, **{name: _turned(trial.values[name]) for name in trial.program.inputs}},
        cotangents=second_cotangents(trial),
    )
    others = (trial.variant(cotangents=second_cotangents(trial)), turned)
    each = zip((trial, *others), trial.batch(others), strict=True)
    outcomes = (
        _named(f"case {place} of the batch", gradients_admissible(one, got, one.truth()))
        for place, (one, got) in enumerate(each)
    )
    return combine(outcomes)


def _turned(value: Array) -> Array:
    """Return the same numbers in other places, so that they stay in the primitive's domain."""
    return np.roll(value, 1)


def _named(which: str, outcome: Outcome) -> Outcome:
    return replace(outcome, problem=f"{which}, {outcome.problem}") if outcome.problem else outcome
