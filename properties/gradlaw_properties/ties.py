"""Ties inside of a program of one's own: what equal elements get together, where each alone may get any share.

Where the largest of a row occurs twice, each gradient may be anything from 0 to the cotangent, and together they are
the cotangent. In a program the cotangent of that row is not at hand, but their sum is the same however it is shared
out: it is that of the same program where the ties are broken. Source: spec clause *kinks/joint-set*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np
from flint import arb

from gradlaw_properties.judge import Outcome
from gradlaw_properties.trial import Trial
from gradlaw_reference import FLOAT64, Ball, Data, apply_step, certify, using
from gradlaw_reference.arithmetic.protocol import objects
from gradlaw_spec import Array, Function, Primitive, Step, load_pages

PRECISION: Final = 800
"""Bits of what is computed exactly."""
APART: Final = 200
"""Equal elements are moved apart by 2 to the power of minus this, as a part of them."""
SMALL: Final = 1400
"""Zeros are moved apart by 2 to the power of minus this, less than any number of a dtype."""
ALWAYS_SHARED: Final = ("shares", "orders")
"""The joint sets whose elements add up to the same sum."""


def judge_ties(trial: Trial) -> Outcome:
    """Judge the sums of the gradients of equal elements; nothing where there are none, or other kinks beside ties."""
    if trial.target.sets is None or not ties_are_of_inputs(trial):
        return Outcome()
    untied = _untied(trial.inputs)
    sets = trial.truth()
    exact = _exact(trial, trial.inputs)
    if not _finite(exact) or not _finite(sets):
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


def ties_are_of_inputs(trial: Trial) -> bool:
    """Whether the only kinks of a program's steps are ties of its inputs' own elements, moved about but not computed.

    Elements that are equal only once they are computed (``max(x * w)``) belong to inputs that are not equal, and what
    these get together depends on how a tie is shared out. So each element has a number, and steps that move elements
    are run on the numbers; after any other step there are none.
    """
    pages, program, found = load_pages(), trial.program, False
    numbers: dict[str, Array | None] = dict.fromkeys(program.data)
    begin = 1
    for name, array in zip(program.inputs, trial.inputs, strict=True):
        numbers[name] = np.arange(begin, begin + array.size, dtype=np.float64).reshape(array.shape)
        begin += array.size
    for step in program.steps:
        page = pages[step.primitive]
        given = [numbers[item] if isinstance(item, str) else None for item in step.operands]
        kinks = page.kinks_at(step.attributes) if isinstance(page, Primitive) else ()
        if kinks:
            if not all(kink.where.ties and kink.joint in ALWAYS_SHARED for kink in kinks) or given[0] is None:
                return False
            found = True
        moved = isinstance(page, Primitive) and page.rounding == "exact" and (kinks or page.pattern == "moves-invert")
        numbers[step.name] = _moved(trial, step, numbers) if moved else None
    return found


def _moved(trial: Trial, step: Step, numbers: Mapping[str, Array | None]) -> Array | None:
    """Return which elements a step moves where; None where some of what it moves, or puts beside, has no number."""
    page = load_pages()[step.primitive]
    names = [operand for operand in step.operands if isinstance(operand, str)]
    real = [name for place, name in enumerate(names) if _kind(page, place) in ("real", "sequence")]
    if len(names) < len(step.operands) or any(numbers[name] is None for name in real):
        return None
    values = {name: numbers[name] if name in real else trial.values[name] for name in names}
    with using(FLOAT64):
        found: Array = apply_step(step, values)[0].data
    return found if (found > 0).all() else None


def _kind(page: Function, place: int) -> str:
    return page.operands[min(place, len(page.operands) - 1)].kind


def _exact(trial: Trial, inputs: tuple[Data, ...]) -> tuple[Data, ...]:
    """Return the gradients at some inputs without any rounding: what is wide there is a kink."""
    values = {**trial.values, **dict(zip(trial.program.inputs, inputs, strict=True))}
    return certify(trial.program, values, dtype=None, precision=PRECISION).gradients(trial.cotangents)


def _wide(exact: tuple[Data, ...]) -> list[Data]:
    """Return sets with those that are narrow, as functions of exact numbers are, made points."""
    return [np.array([_point(item) for item in data.flat], object).reshape(data.shape) for data in exact]


def _point(item: arb) -> arb:
    return arb(item.mid()) if item.rad() <= abs(item.mid()) * 2.0**-60 + 2.0**-200 else item


def _finite(sets: tuple[Data, ...]) -> bool:
    return all(item.is_finite() for data in sets for item in data.flat)


def _untied(inputs: tuple[Array, ...]) -> tuple[Data, ...]:
    """Return exact inputs whose elements are all different, by so little that nothing else changes."""
    turns: Counter[float] = Counter()

    def apart(number: float) -> arb:
        turn = turns[number]
        turns[number] += 1
        return arb(number) * (1 + turn * arb(2) ** -APART) if number else turn * arb(2) ** -SMALL

    with using(Ball(precision=PRECISION)):
        return tuple(objects([apart(float(x)) for x in array.ravel()]).reshape(array.shape) for array in inputs)


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
            slack += 2 * rounded
    if abs(got - expected) <= slack or not abs(got - expected) > slack:
        return ""
    told = f"the gradients of the {count} elements that are equal to {value!r} add up to {float(got)!r}"
    return f"{told}; expected {float(expected.mid())!r}: a tie is shared out once"
