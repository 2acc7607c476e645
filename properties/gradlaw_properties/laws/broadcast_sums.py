"""Law ``broadcast-sums``: what was broadcast on the way forward is summed on the way back."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, difference, judge
from gradlaw_properties.laws.common import NOTHING, exact
from gradlaw_properties.needs import DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import Array as ReferenceArray
from gradlaw_reference import Ball, Data, using
from gradlaw_reference.engine import unbroadcast
from gradlaw_spec import Array, Primitive

MUTANTS = (mutants.forgets_to_sum, mutants.sums_wrong_axis)
NEEDS = (DISTINCT_INPUTS,)


def applies(page: Primitive | None) -> bool:
    """Whether operands broadcast: broadcast_to, and elementwise primitives with several operands."""
    return page is not None and (
        page.pattern == "broadcast-sums" or (page.shapes == "elementwise" and len(page.operands) > 1)
    )


def _summed(gradient: Data, shape: tuple[int, ...], ball: Ball) -> Data:
    with using(ball):
        return unbroadcast(ReferenceArray(gradient), shape).data


def check(trial: Trial) -> Outcome:
    """Compare with the pullback on operands that were materialised at the full shape, summed."""
    assert trial.page is not None
    shape = trial.cotangents[0].shape
    stretched = [name for name in trial.program.inputs if trial.values[name].shape != shape]
    if not stretched:
        return NOTHING
    rounding = trial.rounding
    if trial.page.pattern == "broadcast-sums":
        with using(rounding):
            allowed = _summed(rounding.asarray(trial.cotangents[0]), trial.inputs[0].shape, rounding)
        return judge(trial.names()[0], trial.pull()[0], allowed, trial.case.dtype)
    full: dict[str, Array] = {name: np.broadcast_to(trial.values[name], shape).copy() for name in trial.values}
    twin = trial.variant(values=full)
    outcomes = []
    for position, name in enumerate(trial.program.inputs):
        if name not in stretched:
            continue
        original = trial.values[name].shape
        with using(rounding):
            summed_set = _summed(twin.truth()[position], original, rounding)
        summed = _summed(exact(twin.pull()[position]), original, Ball())
        got, allowed = trial.pull()[position], trial.truth()[position]
        what = f"{trial.names()[position]}, broadcast against materialised and summed"
        outcomes.append(difference(what, got, allowed, summed, summed_set, trial.case.dtype))
    return combine(outcomes)
