"""What several laws ask: every gradient in its set, a program with a step rewired, an unbroadcast operand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from flint import arb

from gradlaw_properties.judge import Outcome, combine, difference, equal, judge
from gradlaw_properties.trial import Cotangents, Gradients, Trial
from gradlaw_reference import Data, certify
from gradlaw_spec import Array, Primitive, Program, Step, dtype

_BALLS = np.frompyfunc(lambda number: arb(float(number)), 1, 1)
NOTHING = Outcome()
"""The law has nothing to say about this case."""


def gradients_admissible(trial: Trial, got: Cotangents, truth: tuple[Data, ...]) -> Outcome:
    """Judge each gradient of a trial against its admissible set; that of one primitive at a kink is the kink's own."""
    named = zip(trial.names(), trial.program.inputs, got, truth, exact_sets(trial, trial.cotangents), strict=True)
    return combine(
        judge(what, gradient, allowed, trial.dtypes[name], exact) for what, name, gradient, allowed, exact in named
    )


def exact_sets(trial: Trial, *walks: Cotangents) -> tuple[Callable[[], Data] | None, ...]:
    """Return what computes the sums of the gradients of walks without any rounding, wide only at a kink, by the input.

    Those of a program are None: there a kink's width is carried on.
    """

    @cache
    def exact() -> tuple[Data, ...]:
        certified = certify(trial.runnable, trial.values, dtype=None)
        found = (certified.gradients(cotangents) for cotangents in walks)
        return tuple(total(several, several[0].shape) for several in zip(*found, strict=True))

    def of(position: int) -> Callable[[], Data] | None:
        return None if trial.page is None else lambda: exact()[position]

    return tuple(map(of, range(len(trial.program.inputs))))


def asked(outcome: Outcome) -> Outcome:
    """Return what was found where something was asked: where nothing is, there is no point."""
    points = outcome.points - outcome.inconclusive
    return replace(outcome, points=points, inconclusive=0, unbounded=0, arrays=outcome.told)


def second_cotangents(trial: Trial) -> Cotangents:
    """Return second cotangents: signed quarters, other at every element; ones, where the engine has no others."""
    if trial.target.cotangent == "ones":
        return tuple(map(np.ones_like, trial.cotangents))
    draw = trial.random
    return tuple(trial.rounded(draw.integers(-8, 9, size=g.shape) / 4, g) for g in trial.cotangents)


def exact(value: Array) -> Data:
    """Return an engine's numbers as exact balls."""
    return np.asarray(_BALLS(value.astype(np.float64)), dtype=object)


def unchanged(trial: Trial, what: str, others: Gradients) -> Outcome:
    """Judge that another way to get the same gradients gives them, as far as sums may come in any order."""
    named = zip(trial.names(), trial.pull(), trial.truth(), others, strict=True)
    return combine(
        difference(f"{name}, {what}", got, allowed, exact(other), allowed, trial.case.dtype)
        for name, got, allowed, other in named
        if other is not None
    )


def same(trial: Trial, what: str, got: Array, expected: Array, allowed: Data) -> Outcome:
    """Judge that one call gave the same twice: in every bit, or where sums have no order, within the set."""
    if trial.target.deterministic:
        return equal(what, got, expected, trial.case.dtype)
    return difference(what, got, allowed, exact(expected), allowed, trial.case.dtype)


def one_step(trial: Trial, operands: tuple[Any, ...], inputs: tuple[str, ...]) -> Program:
    """Return the program of a primitive's case with other operands and inputs."""
    step = replace(trial.step, operands=operands)
    return Program(inputs, (step,), (step.name,), trial.program.data)


def real_operands(page: Primitive | None, step: Step) -> tuple[int, ...]:
    """Return the positions of a step's operands that have a gradient."""
    if page is None:
        return ()
    if page.operands[0].kind == "sequence":
        return tuple(range(len(step.operands)))
    return tuple(position for position, operand in enumerate(page.operands) if operand.kind == "real")


def not_flushed(trial: Trial, numbers: Array) -> Array:
    """Return which numbers the target must keep: all, or for one that flushes, those that are not subnormal."""
    smallest = dtype(trial.case.dtype).smallest_normal if trial.target.flushes_subnormals else 0.0
    size = np.abs(numbers.astype(np.float64))
    return np.asarray((size == 0) | (size >= smallest))


def unstretched(trial: Trial) -> Iterable[tuple[int, str]]:
    """Return position and name of the inputs whose shape is the output's, so that nothing is summed."""
    shape = trial.cotangents[0].shape
    for position, name in enumerate(trial.program.inputs):
        if trial.values[name].shape == shape:
            yield position, name


def total(arrays: Iterable[Data], shape: tuple[int, ...]) -> Data:
    """Add exact arrays without rounding."""
    result = np.empty(shape, dtype=object)
    result[...] = arb(0)
    for array in arrays:
        result = np.asarray(result + array, dtype=object)
    return result
