"""Law ``linearity``: P(αg + βh) agrees with αP(g) + βP(h), and for powers of two P(αg) equals αP(g)."""

from __future__ import annotations

import numpy as np
from flint import arb

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, difference, equal
from gradlaw_properties.laws.common import NOTHING, exact, second_cotangents
from gradlaw_properties.needs import ANY_COTANGENT
from gradlaw_properties.trial import Cotangents, Trial
from gradlaw_reference import Data
from gradlaw_spec import Array

MUTANTS = (
    mutants.absolute_cotangent,
    mutants.positive_part,
    mutants.clipped_cotangent,
    mutants.quadratic_cotangent,
)
NEEDS = (ANY_COTANGENT,)


def _between(first: Data, second: Data) -> Data:
    return np.asarray(np.frompyfunc(arb.union, 2, 1)(first, second), dtype=object)


def _scaled(sets: tuple[Data, ...], factor: float) -> tuple[Data, ...]:
    return tuple(np.asarray(one * arb(factor), dtype=object) for one in sets)


def _power_of_two(trial: Trial, alpha: float) -> Outcome:
    """Scaling by a power of two is exact where nothing under- or overflows on the way, and sums keep their order."""
    if not trial.target.deterministic:
        return NOTHING
    scaled = tuple(trial.rounded(alpha * g.astype(np.float64), g) for g in trial.cotangents)
    if not _calm(trial, scaled):
        return NOTHING
    reach = 8 if "float16" in trial.dtypes.values() else 60
    outcomes = []
    for name, base, big in zip(trial.names(), trial.pull(), trial.pull(scaled), strict=True):
        expected = alpha * base.astype(np.float64)
        safe = _moderate(expected, reach) & _moderate(base.astype(np.float64), reach)
        chosen = np.where(safe, big.astype(np.float64), 0.0)
        outcomes.append(
            equal(f"{name}, cotangent times {alpha:g}", chosen, np.where(safe, expected, 0.0), trial.case.dtype)
        )
    return combine(outcomes)


def _moderate(numbers: Array, exponent: int) -> Array:
    size = np.abs(numbers)
    return np.asarray((size == 0) | ((size >= 2.0**-exponent) & (size <= 2.0**exponent)))


def _calm(trial: Trial, scaled: Cotangents) -> bool:
    """Whether every number on the way is so moderate that no product of a few can leave the dtype's range."""
    half = "float16" in trial.dtypes.values()
    if len(trial.program.steps) > 1:
        if half:
            return False  # a chain of products of moderate numbers may be subnormal in float16
        exponent = 6
    else:
        exponent = 4 if half else 20
    numbers = [value.astype(np.float64) for value in (*trial.inputs, *trial.cotangents, *scaled)]
    numbers += [ball.astype(np.float64) for ball in trial.certified.steps.values() if ball.dtype == object]
    return all(bool(_moderate(array, exponent).all()) for array in numbers)


def check(trial: Trial) -> Outcome:
    """Compare the pullback of a combination with the combination of pullbacks."""
    with np.errstate(over="ignore"):
        return _linear(trial)


def _linear(trial: Trial) -> Outcome:
    large = 2.0**10 if {"float16", "bfloat16"} & set(trial.dtypes.values()) else 2.0**20
    draw = trial.random
    alpha, beta = draw.choice([-3.0, -1.0, 0.5, -large, 1 / large]), draw.choice([-2.5, 1.0, 3.0])
    second = second_cotangents(trial)
    mixed = tuple(
        trial.rounded(alpha * g.astype(np.float64) + beta * h.astype(np.float64), g)
        for g, h in zip(trial.cotangents, second, strict=True)
    )
    if not all(np.isfinite(g.astype(np.float64)).all() for g in mixed):
        return NOTHING
    # The combination is rounded once; the sets are those of all cotangents from the exact one to the rounded one.
    between = tuple(
        _between(exact(g) * arb(alpha) + exact(h) * arb(beta), exact(rounded))
        for g, h, rounded in zip(trial.cotangents, second, mixed, strict=True)
    )
    first_sets, second_sets, mixed_sets = trial.truth(), trial.truth(second), trial.certified.gradients(between)
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
    return combine((*outcomes, _power_of_two(trial, float(draw.choice([-4.0, 0.5, -large, 1 / large])))))
