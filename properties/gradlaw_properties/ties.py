"""Ties inside of a program of one's own: what equal elements get together, where each alone may get any share.

Where the largest of a row occurs twice, each gradient may be anything from 0 to the cotangent, and together they are
the cotangent. In a program the cotangent of that row is not at hand, but their sum is the same however it is shared
out: it is that of the same program where the ties are broken. Source: spec clause *kinks/joint-set*.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from flint import arb

from gradlaw_properties.judge import Outcome
from gradlaw_properties.trial import Trial
from gradlaw_reference import Data, certify
from gradlaw_spec import Array, Program, load_primitives

APART: Final = 2.0**-40
"""Equal elements are moved apart by so little, as a part of the largest."""
SLACK: Final = 2.0**-4
"""The part of a kink's width that is left to rounding, beside what rounding itself widens a set by."""
ALWAYS_SHARED: Final = ("shares", "orders")
"""The joint sets whose elements add up to the same sum."""


def judge_ties(trial: Trial) -> Outcome:
    """Judge the sums of the gradients of equal elements; nothing where there are none, or other kinks beside ties."""
    if trial.target.sets is None or not has_only_ties(trial.program):
        return Outcome()
    untied = _untied(trial.inputs)
    sets = trial.truth()
    exact = _exact(trial, trial.inputs)
    if untied is None or not _finite(exact) or not _finite(sets):
        return Outcome()
    kinked = [np.array([item.rad() > 0 for item in data.flat], bool).reshape(data.shape) for data in _wide(exact)]
    if not any(chosen.any() for chosen in kinked):
        return Outcome()
    broken = _exact(trial, untied)
    if not _finite(broken) or any(item.rad() > 0 for data in _wide(broken) for item in data.flat):
        return Outcome()
    met = [array[chosen].astype(np.float64) for array, chosen in zip(trial.inputs, kinked, strict=True)]
    values = np.unique(np.concatenate([one.ravel() for one in met]))
    problems = (_problem(trial, value, sets, exact, broken) for value in values.tolist())
    return Outcome(len(values), 0, next((problem for problem in problems if problem), ""))


def has_only_ties(program: Program) -> bool:
    """Whether the only kinks of a program's steps are ties, whose shares always add up to the same."""
    pages = [page for step in program.steps if (page := load_primitives().get(step.primitive)) is not None]
    kinks = [kink for page in pages for kink in page.kinks]
    return bool(kinks) and all(bool(kink.where.ties) and kink.joint in ALWAYS_SHARED for kink in kinks)


def _exact(trial: Trial, inputs: tuple[Array, ...]) -> tuple[Data, ...]:
    """Return the gradients at some inputs without any rounding: what is wide there is a kink."""
    values = {**trial.values, **dict(zip(trial.program.inputs, inputs, strict=True))}
    return certify(trial.program, values, dtype=None).gradients(trial.cotangents)


def _wide(exact: tuple[Data, ...]) -> list[Data]:
    """Return sets with those that are narrow, as functions of exact numbers are, made points."""
    return [np.array([_point(item) for item in data.flat], object).reshape(data.shape) for data in exact]


def _point(item: arb) -> arb:
    return arb(item.mid()) if item.rad() <= abs(item.mid()) * 2.0**-60 + 2.0**-200 else item


def _finite(sets: tuple[Data, ...]) -> bool:
    return all(item.is_finite() for data in sets for item in data.flat)


def _untied(inputs: tuple[Array, ...]) -> tuple[Array, ...] | None:
    """Return inputs in float64 whose elements are all different, in the same order; None where there is no room."""
    flat = np.concatenate([array.astype(np.float64).ravel() for array in inputs])
    order = np.argsort(flat, kind="stable")
    places = np.arange(flat.size)
    sorted_ones = flat[order]
    first = np.searchsorted(sorted_ones, sorted_ones, side="left")
    unit = APART * max(float(np.abs(flat).max(initial=0.0)), math.ulp(0.0))
    moved = sorted_ones + (places - first) * unit / max(flat.size, 1)
    if not (np.isfinite(moved).all() and (np.diff(moved) > 0).all()):
        return None
    found = np.empty_like(flat)
    found[order] = moved
    ends = np.cumsum([array.size for array in inputs])[:-1]
    return tuple(one.reshape(array.shape) for one, array in zip(np.split(found, ends), inputs, strict=True))


def _problem(
    trial: Trial, value: float, sets: tuple[Data, ...], exact: tuple[Data, ...], broken: tuple[Data, ...]
) -> str:
    """Return what is wrong with the gradients of the elements that are equal to a value; nothing where they add up."""
    got, expected, slack, count = arb(0), arb(0), arb(0), 0
    for array, gradient, *data in zip(trial.inputs, trial.pull(), sets, exact, broken, strict=True):
        here = array.astype(np.float64) == value
        count += int(here.sum())
        if not np.isfinite(gradient[here].astype(np.float64)).all():
            return ""  # it lies outside of its own set
        for number, allowed, kink, one in zip(gradient[here].tolist(), *(item[here] for item in data), strict=True):
            got, expected = got + arb(float(number)), expected + one
            rounded = (abs(allowed.mid() - kink.mid()) + (allowed.rad() - kink.rad())).abs_upper()
            slack += 2 * rounded + SLACK * kink.rad()
    if abs(got - expected) <= slack or not abs(got - expected) > slack:
        return ""
    told = f"the gradients of the {count} elements that are equal to {value!r} add up to {float(got)!r}"
    return f"{told}; expected {float(expected.mid())!r}: a tie is shared out once"
