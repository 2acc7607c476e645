"""Law ``accuracy``: a primitive's gradient loses no digits that its inputs determine."""

from __future__ import annotations

from flint import arb

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.laws.common import NOTHING, asked
from gradlaw_properties.needs import DISTINCT_INPUTS, ELEMENTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import Data, certify
from gradlaw_reference.arithmetic.objects import elementwise
from gradlaw_reference.arithmetic.sets import ANYTHING, AROUND
from gradlaw_spec import Array, Primitive, dtype

MUTANTS = (mutants.loses_digits_in_the_tail,)
NEEDS = (DISTINCT_INPUTS, ELEMENTS)
PRECISION = 400
"""Bits of the exact gradient."""


def applies(page: Primitive | None) -> bool:
    """Whether each element of the primitive's gradient is computed of a few numbers, and is no sum in any order."""
    return page is not None and page.pattern == "local-gradient" and page.rounding in ("elementwise", "composed")


def check(trial: Trial) -> Outcome:
    """Compare with the exact gradients at all inputs within one rounding of the case's, widened by k + 2 units."""
    if len(set(trial.dtypes.values())) > 1:
        return NOTHING
    values = {name: near(trial, value) if name in trial.dtypes else value for name, value in trial.values.items()}
    certified = certify(trial.runnable, values, dtype=None, precision=PRECISION)
    exact = certified.gradients(tuple(near(trial, cotangent) for cotangent in trial.cotangents))
    named = zip(trial.names(), trial.program.inputs, trial.pull(), exact, strict=True)
    return combine(
        asked(judge(what, got, allowed(trial, numbers), trial.dtypes[name]))
        for what, name, got, numbers in named
        if not _elementwise(trial) or got.shape == trial.cotangents[0].shape
    )


def _elementwise(trial: Trial) -> bool:
    return trial.page is not None and trial.page.shapes == "elementwise"


def near(trial: Trial, value: Array) -> Data:
    """Return balls around numbers: one rounding wide, or as many as there are terms where they are added up."""
    facts = dtype(trial.case.dtype)
    terms = 1 if _elementwise(trial) else max(1, trial.inputs[0].size)
    factor = 1 + AROUND * (terms * facts.unit_roundoff)
    flushed = facts.smallest_normal if trial.target.flushes_subnormals else 0.0

    def around(number: float) -> arb:
        ball = arb(float(number)) * factor
        return ball.union(arb(0)) if abs(float(number)) < flushed else ball

    return elementwise(around, 1)(value)


def allowed(trial: Trial, exact: Data, more: int = 0) -> Data:
    """Widen exact numbers by k + 2 units, and more; nothing is asked at the ends of the dtype's range."""
    facts = dtype(trial.case.dtype)
    factor = 1 + AROUND * ((trial.rounding.accuracy(trial.case.subject) + 2 + more) * facts.unit_roundoff)
    unit = facts.unit_roundoff
    smallest, largest = arb(facts.smallest_normal / unit), arb(facts.largest * unit)

    def widen(number: arb) -> arb:
        return number * factor if smallest <= abs(number) <= largest else ANYTHING

    return elementwise(widen, 1)(exact)
