"""Law ``nonfinite``: where infinity goes into one element, whatever has a limit there is that limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from flint import arb

from gradlaw_properties import mutants
from gradlaw_properties.judge import SMALLEST_BITS, Outcome, combine, judge
from gradlaw_properties.laws.common import NOTHING, asked, exact
from gradlaw_properties.laws.exhaustive import applies as makes_one_of_one
from gradlaw_properties.needs import DISTINCT_INPUTS, ELEMENTS, SOME_CASES
from gradlaw_properties.trial import Trial
from gradlaw_reference import Data, certify
from gradlaw_reference.arithmetic.objects import elementwise
from gradlaw_reference.arithmetic.sets import ANYTHING, AROUND
from gradlaw_spec import Array, Primitive, dtype

MUTANTS = (mutants.nan_spreads, mutants.others_by_division)
NEEDS = (DISTINCT_INPUTS, ELEMENTS, SOME_CASES)
CLOSE: Final = 1 + AROUND * arb(2) ** -60
FAR: Final = (arb(2) ** 5000 * CLOSE, arb(2) ** 2**40 * CLOSE)
"""Two sizes beyond the numbers of every dtype: what has a limit is the same at both, as far as anybody can see."""
WHOLE: Final = ("elimination", "factorisation")
"""How matrices are computed of which each element goes into each result."""
NEARLY: Final = 1 + AROUND * arb(2) ** -20
MOST_TAILS: Final = 1024
"""A limit that is 0 has a set of so many roundings of the smallest numbers, at most."""


def applies(page: Primitive | None) -> bool:
    """Whether the primitive works on several numbers; of one number the law `limits` asks."""
    return page is not None and not makes_one_of_one(page) and page.rounding not in WHOLE


def check(trial: Trial) -> Outcome:
    """Put an infinity into an element of an input, and judge what is nearly the same at all numbers far out."""
    places = [(name, place) for name in trial.program.inputs for place in _infinite(trial.values[name])]
    if len(places) > 1:
        return NOTHING  # which of two infinities is the larger one, nobody knows
    poisoned, name, position = (trial, *places[0]) if places else _poisoned(trial)
    sign = 1 if poisoned.values[name].flat[position] > 0 else -1
    sets = [_sets(poisoned, name, position, sign * far, overflows=False) for far in FAR]
    sets.append(_sets(poisoned, name, position, arb(1), overflows=True))
    sign_text = "inf" if sign > 0 else "-inf"
    valued = not any(np.isnan(output.astype(np.float64)).any() for output in poisoned.outputs)
    named = zip(poisoned.names(), poisoned.pull(), trial.program.inputs, *sets, strict=True)
    judged = (
        judge(f"{what} with {sign_text} in {name}", got, _limits(poisoned, *found, valued=valued), trial.dtypes[one])
        for what, got, one, *found in named
    )
    return replace(combine(map(asked, judged)), case=poisoned.case)


def _infinite(value: Array) -> list[int]:
    """Return the places of a value's infinite elements."""
    return np.flatnonzero(np.isinf(value.astype(np.float64))).tolist()


def _poisoned(trial: Trial) -> tuple[Trial, str, int]:
    """Return a trial with an infinity in one element, and where it is."""
    draw = trial.random
    names = [name for name in trial.program.inputs if trial.values[name].size]
    name = names[int(draw.integers(len(names)))]
    place, infinity = int(draw.integers(trial.values[name].size)), float(draw.choice([np.inf, -np.inf]))
    value = trial.values[name].copy()
    value.reshape(-1)[place] = infinity
    return trial.variant(values={**trial.values, name: value}), name, place


def _sets(trial: Trial, name: str, place: int, there: arb, *, overflows: bool) -> tuple[Data, ...]:
    """Return the sets of the gradients with a number in one place, at all numbers near those in the others.

    Zero times infinity is nan for every engine: a limit that is there for one number alone is not what anybody asks.
    """
    values = {one: _around(trial, value) if one in trial.started else value for one, value in trial.values.items()}
    values[name].reshape(-1)[place] = there
    certified = certify(trial.runnable, values, dtypes=trial.started, overflows=overflows, **trial.judged_by)
    return certified.gradients(tuple(_around(trial, cotangent) for cotangent in trial.cotangents))


def _around(trial: Trial, value: Array) -> Data:
    facts = dtype(trial.case.dtype)
    small = facts.smallest_normal / facts.unit_roundoff  # what is less may be 0, or nearly
    return elementwise(lambda ball: AROUND if abs(ball) < small else ball * NEARLY, 1)(exact(value)).copy()


def _limits(trial: Trial, near: Data, beyond: Data, at_one: Data, *, valued: bool) -> Data:
    """Return the sets of the limits, and of what has none, or is not asked: anything.

    What overflows with a moderate number in the place too is not asked, and where the engine's value is nan only what
    does not depend on the place is.
    """
    facts = dtype(trial.case.dtype)
    vanishing = MOST_TAILS * facts.tiny(trial.target.flushes_subnormals)

    def limit(one: arb, other: arb, moderate: arb) -> arb:
        both = one.union(other)
        known = both.rel_accuracy_bits() >= SMALLEST_BITS or abs(both) <= vanishing
        asked = moderate.is_finite() and (valued or (one.mid() == moderate.mid() and one.rad() == moderate.rad()))
        return both if both.is_finite() and known and asked else ANYTHING

    return elementwise(limit, 3)(near, beyond, at_one)
