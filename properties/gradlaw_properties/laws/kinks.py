"""Law ``kinks``: at every declared kink the local gradient lies in the set that the spec allows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
from flint import arb

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine
from gradlaw_properties.needs import DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import Data
from gradlaw_reference.arithmetic.corners import spread
from gradlaw_reference.arithmetic.objects import elementwise
from gradlaw_spec import Array, Kink, Primitive

MUTANTS = (mutants.relu_minus_one_at_zero,)
NEEDS = (DISTINCT_INPUTS,)


def applies(page: Primitive | None) -> bool:
    """Whether the primitive declares a kink at which values meet."""
    return page is not None and any(meetings(page.kinks))


def meetings(kinks: Iterable[Kink]) -> list[Kink]:
    """Return the kinks at which values meet; law `gradient` judges those of ties and corners as a whole."""
    return [kink for kink in kinks if not (kink.where.ties or kink.corner)]


def at_kink(trial: Trial, kink: Kink) -> Array | None:
    """Return where the case's elements are on a kink such as ``x == 0``, in the shape of what is handed back."""
    met = other_side(trial, kink)
    if met is None:
        return None
    value = trial.values[named(trial)[kink.where.operand]].astype(np.float64)
    return np.broadcast_to(value == met.astype(np.float64), handed(trial).shape)


def handed(trial: Trial) -> Array:
    """Return the cotangent, that of a reduction for each element that went into it."""
    assert trial.page is not None
    if trial.page.shapes != "reduction":
        return trial.cotangents[0]
    return spread(trial.cotangents[0], trial.inputs[0].shape, trial.step.attributes)


def named(trial: Trial) -> dict[str, str]:
    """Return the name in the program of each operand of the page."""
    assert trial.page is not None
    return {page.name: str(name) for page, name in zip(trial.page.operands, trial.step.operands, strict=True)}


def other_side(trial: Trial, kink: Kink) -> Array | None:
    """Return what an operand meets at a kink, rounded to the dtype; None where this case has no such bound."""
    other = kink.where.other
    if not isinstance(other, str):
        return trial.rounded(other)
    if other in named(trial):
        return trial.values[named(trial)[other]]
    bound = trial.step.attributes[other]
    return trial.rounded(bound) if isinstance(bound, int | float) else None


def on_kink(trial: Trial) -> Trial:
    """Move elements of a case onto its primitive's kinks, one kink after the other."""
    assert trial.page is not None
    values = dict(trial.values)
    draw = trial.random
    for kink in meetings(trial.page.kinks_at(trial.step.attributes)):
        name, target = named(trial)[kink.where.operand], other_side(trial, kink)
        if target is None or target.shape not in ((), values[name].shape):
            continue
        chosen = draw.random(values[name].shape) < 0.5
        values[name] = np.where(chosen, target, values[name]).astype(values[name].dtype)
    return trial.variant(values=values)


def check(trial: Trial) -> Outcome:
    """Look at the gradient of every element on a kink: it lies between the ends of the allowed set times g."""
    trial = on_kink(trial)
    assert trial.page is not None
    cotangent = handed(trial).astype(np.float64)
    outcomes = []
    for kink in meetings(trial.page.kinks_at(trial.step.attributes)):
        chosen = at_kink(trial, kink)
        if chosen is None or not chosen.any():
            continue
        for operand, name in zip(trial.page.operands, trial.step.operands, strict=True):
            if operand.name not in kink.allowed or trial.values[str(name)].shape != cotangent.shape:
                continue
            gradient = trial.pull()[trial.program.inputs.index(str(name))]
            outcomes.append(_within(trial, kink, operand.name, gradient, cotangent, chosen))
    return replace(combine(outcomes), case=trial.case)


def _ends(trial: Trial, slopes: tuple[float, float], cotangent: Array) -> tuple[Data, Data]:
    """Return the least and the largest share that is allowed: slope times cotangent, rounded as the primitive may."""
    rounding = trial.rounding
    given = rounding.asarray(cotangent)
    products = [rounding.elementary("multiply", rounding.constant(slope), given) for slope in slopes]
    ends = [rounding.composed(trial.case.subject, product) for product in products]
    lower = elementwise(lambda one, other: min(one.lower(), other.lower()), 2)(*ends)
    return lower, elementwise(lambda one, other: max(one.upper(), other.upper()), 2)(*ends)


def _is_outside(got: float, least: arb, largest: arb) -> bool:
    """Whether a number is not between two ends; past the dtype's largest number there are none."""
    return bool(arb(got) < least or arb(got) > largest or (math.isnan(got) and least.is_finite()))


IS_OUTSIDE: Final = np.frompyfunc(_is_outside, 3, 1)


def _within(trial: Trial, kink: Kink, operand: str, gradient: Array, cotangent: Array, chosen: Array) -> Outcome:
    """Judge the shares that were handed back at a kink; a subnormal share may have been flushed to 0."""
    assert trial.page is not None
    slopes = kink.slopes(operand, trial.page.complete(trial.step.attributes))
    least, largest = _ends(trial, slopes, cotangent)
    got = gradient.astype(np.float64)
    outside = chosen & np.asarray(IS_OUTSIDE(got, least, largest)).astype(bool)
    if outside.any():
        place = tuple(int(i) for i in np.argwhere(outside)[0])
        allowed = f"[{float(least[place])!r}, {float(largest[place])!r}]"
        where = f"gradient of {operand}{list(place)} at the kink {kink.where}"
        return Outcome(int(chosen.sum()), 0, f"{where}: got {float(got[place])!r}; allowed {allowed}")
    return Outcome(int(chosen.sum()), 0, notes=_convention(kink, operand, got, cotangent, chosen))


def _convention(kink: Kink, operand: str, got: Array, cotangent: Array, chosen: Array) -> frozenset[str]:
    """Say which share of the cotangent an operand takes at a kink; cotangents so large that a share is exact say it."""
    telling = chosen & (np.abs(cotangent) > 2.0**-6) & np.isfinite(got)
    shares = np.unique(got[telling] / cotangent[telling])
    return frozenset(f"{operand} takes {share + 0.0:.3g} of the cotangent at {kink.where}" for share in shares)
