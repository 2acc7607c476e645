"""Law ``limits``: where infinity goes in, value and gradient are the limits that the page states."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from flint import arb

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal, judge
from gradlaw_properties.laws.exhaustive import applies as makes_one_of_one
from gradlaw_properties.laws.exhaustive import cotangents_for
from gradlaw_properties.trial import Trial
from gradlaw_reference.arithmetic.sets import AROUND
from gradlaw_spec import Array, Case, Primitive, Program, Step, Target, dtype, load_primitives

MUTANTS = (mutants.nan_for_infinity,)
LENGTH: Final = 64
"""How often an end is repeated: engines compute many numbers at once in another way than single ones."""


def applies(page: Primitive | None) -> bool:
    """Whether a page of one operand states a limit."""
    return page is not None and makes_one_of_one(page) and bool(page.limits)


def cases(target: Target, subject: str, dtype_name: str) -> Iterator[Case]:
    """Yield each end of the real line at which the page states a limit."""
    facts, page = dtype(dtype_name), load_primitives()[subject]
    if any(attribute.kind == "dtype" for attribute in page.attributes):
        return
    step = Step(("y",), subject, ("x",), {})
    for end in page.limits:
        x, cotangents = np.full(LENGTH, float(end), facts.numpy), cotangents_for(target, LENGTH, facts)
        yield Case(
            subject=subject,
            program=Program(("x",), (step,), ("y",)),
            values={"x": x[0] if target.scalar else x},
            cotangents=(cotangents[0] if target.scalar else cotangents,),
            dtype=dtype_name,
        )


def check(trial: Trial) -> Outcome:
    """Compare at infinite inputs; the ends are told apart by their sign."""
    assert trial.page is not None
    x, cotangent = trial.inputs[0].astype(np.float64), trial.cotangents[0].astype(np.float64)
    outcomes = []
    for end, (limit, slope) in trial.page.limits.items():
        here = x == float(end)
        if not here.any():
            continue
        limits, slopes = np.full(x.shape, limit)[here], slope * cotangent[here]
        for what, got in (("value", trial.forward), ("value under differentiation", trial.outputs)):
            outcomes.append(_compared(trial, f"{what} at {end}", got[0][here], limits))
        outcomes.append(_compared(trial, f"gradient of x at {end}", trial.pull()[0][here], slopes))
    return combine(outcomes)


def _compared(trial: Trial, what: str, got: Array, expected: Array) -> Outcome:
    """Judge numbers that have to be infinite, 0, or within the primitive's accuracy and two units."""
    if got.size and not math.isfinite(float(expected.ravel()[0])):
        return equal(what, got, expected, trial.case.dtype)
    units = trial.rounding.accuracy(trial.case.subject) + 2
    factor = 1 + AROUND * (units * dtype(trial.case.dtype).unit_roundoff)
    sets = np.empty(expected.shape, dtype=object)
    sets.reshape(-1)[:] = [arb(number) * factor for number in expected.ravel().tolist()]
    return judge(what, got, sets, trial.case.dtype)
