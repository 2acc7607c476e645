"""Law ``linearity``: P(αg + βh) agrees with αP(g) + βP(h), and for powers of two P(αg) equals αP(g)."""

from __future__ import annotations

import numpy as np
from flint import arb

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, difference, equal
from gradlaw_properties.laws.common import exact
from gradlaw_properties.trial import Cotangents, Trial, UnsupportedCase
from gradlaw_reference import Data
from gradlaw_spec import Array, dtype

MUTANTS = (
    mutants.absolute_cotangent,
    mutants.positive_part,
    mutants.clipped_cotangent,
    mutants.quadratic_cotangent,
)


def _second(trial: Trial) -> Cotangents:
    """Return a second cotangent: signed quarters, other at every element."""
    draw = trial.random
    return tuple(trial.rounded(draw.integers(-8, 9, size=g.shape) / 4) for g in trial.cotangents)


def _scaled(sets: tuple[Data, ...], factor: float) -> tuple[Data, ...]:
    return tuple(np.asarray(one * arb(factor), dtype=object) for one in sets)


def _power_of_two(trial: Trial, alpha: float) -> Outcome:
    """Scaling by a power of two is exact where nothing under- or overflows on the way."""
    scaled = tuple(trial.rounded(alpha * g.astype(np.float64)) for g in trial.cotangents)
    kinds = dtype(trial.case.dtype)
    outcomes = []
    for name, base, big, allowed in zip(trial.names(), trial.pull(), trial.pull(scaled), trial.truth(), strict=True):
        safe = _far_from_edges(base, alpha, kinds.smallest_normal, kinds.largest, allowed)
        chosen = np.where(safe, big.astype(np.float64), 0.0)
        expected = np.where(safe, alpha * base.astype(np.float64), 0.0)
        outcomes.append(equal(f"{name}, cotangent times {alpha:g}", chosen, expected))
    return combine(outcomes)


def _far_from_edges(base: Array, alpha: float, smallest: float, largest: float, allowed: Data) -> Array:
    size = np.abs(base.astype(np.float64))
    room = (size > smallest * 2.0**40) & (size * max(abs(alpha), 1.0) < largest / 2.0**20)
    narrow = [item.is_finite() and item.rel_accuracy_bits() > 3 for item in allowed.ravel()]
    bounded = np.array(narrow, dtype=bool).reshape(allowed.shape)
    return np.asarray(room & (size * min(abs(alpha), 1.0) > smallest * 2.0**40) & bounded)


def check(trial: Trial) -> Outcome:
    """Compare the pullback of a combination with the combination of pullbacks."""
    if not trial.any_cotangent:
        raise UnsupportedCase("the engine can only start from ones, and linearity needs other cotangents")
    with np.errstate(over="ignore"):
        return _linear(trial)


def _linear(trial: Trial) -> Outcome:
    large = 2.0**10 if trial.case.dtype in ("float16", "bfloat16") else 2.0**20
    draw = trial.random
    alpha, beta = draw.choice([-3.0, -1.0, 0.5, -large, 1 / large]), draw.choice([-2.5, 1.0, 3.0])
    second = _second(trial)
    mixed = tuple(
        trial.rounded(alpha * g.astype(np.float64) + beta * h.astype(np.float64))
        for g, h in zip(trial.cotangents, second, strict=True)
    )
    # The combination is rounded to the dtype once; its admissible set is that of the rounded one.
    first_sets, second_sets, mixed_sets = trial.truth(), trial.truth(second), trial.truth(mixed)
    outcomes = []
    for position, name in enumerate(trial.names()):
        combined = np.asarray(
            exact(trial.pull()[position]) * arb(alpha) + exact(trial.pull(second)[position]) * arb(beta), dtype=object
        )
        allowed = np.asarray(
            _scaled((first_sets[position],), alpha)[0] + _scaled((second_sets[position],), beta)[0], dtype=object
        )
        got = trial.pull(mixed)[position]
        outcomes.append(difference(f"{name}, P(αg+βh)", got, mixed_sets[position], combined, allowed, trial.case.dtype))
    return combine((*outcomes, _power_of_two(trial, -4.0 if abs(alpha) < 100 else alpha)))
