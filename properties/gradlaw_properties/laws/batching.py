"""Law ``batching``: the gradients of a batch are the batch of gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine
from gradlaw_properties.laws.common import gradients_admissible, second_cotangents
from gradlaw_properties.needs import BATCHES, SOME_CASES
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.batch_of_first, mutants.batch_reversed)
NEEDS = (BATCHES, SOME_CASES)


def check(trial: Trial) -> Outcome:
    """Pull back the case with two others in one call, and judge each case."""
    second = second_cotangents(trial)
    # The same numbers in other places stay in the primitive's domain.
    turned = {**trial.values, **{name: np.roll(trial.values[name], 1) for name in trial.program.inputs}}
    others = (trial.variant(cotangents=second), trial.variant(values=turned, cotangents=second))
    each = zip((trial, *others), trial.batch(others), strict=True)
    outcomes = (
        _named(f"case {place} of the batch", gradients_admissible(one, got, one.truth()))
        for place, (one, got) in enumerate(each)
    )
    return combine(outcomes)


def _named(which: str, outcome: Outcome) -> Outcome:
    return replace(outcome, problem=f"{which}, {outcome.problem}") if outcome.problem else outcome
