"""Law ``zero-cotangent``: P(0) == 0 at every point where the gradient is finite."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.needs import ANY_COTANGENT
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.absolute_offset, mutants.ignores_cotangent)
NEEDS = (ANY_COTANGENT,)


def check(trial: Trial) -> Outcome:
    """Pull zeros back."""
    zeros = tuple(np.zeros_like(g) for g in trial.cotangents)
    outcomes = []
    for name, got, allowed in zip(trial.names(), trial.pull(zeros), trial.truth(), strict=True):
        finite = np.array([item.is_finite() for item in allowed.ravel()], dtype=bool).reshape(allowed.shape)
        chosen = np.where(finite, got.astype(np.float64), 0.0)
        outcomes.append(equal(f"{name} for a zero cotangent", chosen, np.zeros(finite.shape), trial.case.dtype))
    return combine(outcomes)
