"""What the laws about repeated walks share: what a second walk may leave, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.laws.common import NOTHING, exact_sets
from gradlaw_properties.trial import Cotangents, Trial
from gradlaw_reference import Data
from gradlaw_spec import PROGRAM, Array, Program, Step
from gradlaw_spec.target import Gradients

Starts = tuple[Array | None, ...]


def walked_right(trial: Trial, first: Starts, second: Starts, what: str) -> Outcome:
    """Judge what two walks over one record left: the second one's gradients, or the sum of both, or a refusal.

    Whether gradients add up is what the target declares, else what it does with two records of the same variables. It
    is silent where a walk over a record of its own is wrong, which is the matter of the law ``gradient``.
    """
    walked = trial.walked((first, second))
    one, other = trial.truth(_full(trial, first)), trial.truth(_full(trial, second))
    alone = trial.variant(cotangents=_full(trial, second)).pull()
    if not _fits(trial, walked.gradients) or _judged(trial, walked.gradients[0], one, "").violated:
        return NOTHING
    if _judged(trial, alone, other, "").violated:
        return NOTHING
    if walked.refusal:
        return Outcome(1, notes=frozenset({f"{what} is refused: {walked.refusal}"}))
    both = _added(trial, one, other)
    accumulates = trial.target.accumulates
    left = walked.gradients[1]
    if accumulates is None:
        accumulates = _seen_to_accumulate(trial, (first, second), other, both)
    sets = {True: ("gradients add up", both), False: ("gradients are replaced", other)}
    chosen = sets if accumulates is None else {accumulates: sets[accumulates]}
    walks = {True: (_full(trial, first), _full(trial, second)), False: (_full(trial, second),)}
    outcomes = {
        note: _judged(trial, left, allowed, f", after {what} ({note})", exact_sets(trial, *walks[adds]))
        for adds, (note, allowed) in chosen.items()
    }
    note, outcome = min(outcomes.items(), key=lambda item: item[1].violated)
    if not outcome.violated:
        return replace(outcome, notes=frozenset({note}))
    if trial.page is not None and _engine_walks_wrong(trial, first, second):
        return Outcome(notes=frozenset({"not the primitive's fault: program/replay says what is wrong"}))
    return outcome


def _engine_walks_wrong(trial: Trial, first: Starts, second: Starts) -> bool:
    """Whether a second walk goes wrong through an addition too: then it is the engine's fault, not a primitive's."""
    if "add" not in trial.target.primitives:
        return False
    zeros = np.zeros_like(trial.cotangents[0])
    program = Program(("x", "y"), (Step(("z",), "add", ("x", "y")),), ("z",))
    values, cotangents = {"x": zeros, "y": zeros}, trial.cotangents[:1]
    case = replace(trial.case, subject=PROGRAM, program=program, values=values, cotangents=cotangents)
    return walked_right(Trial(trial.target, case), first[:1], second[:1], "").violated


def _seen_to_accumulate(
    trial: Trial, starts: tuple[Starts, Starts], other: tuple[Data, ...], both: tuple[Data, ...]
) -> bool | None:
    """Return whether gradients of two records over the same variables add up; None where that does not show."""
    anew = trial.walked(starts, anew=True)
    if anew.refusal or not _fits(trial, anew.gradients):
        return None
    replaced, added = (not _judged(trial, anew.gradients[1], allowed, "").violated for allowed in (other, both))
    return None if replaced == added else added


def _full(trial: Trial, starts: Starts) -> Cotangents:
    return tuple(
        np.zeros_like(given) if start is None else start for start, given in zip(starts, trial.cotangents, strict=True)
    )


def _added(trial: Trial, one: tuple[Data, ...], other: tuple[Data, ...]) -> tuple[Data, ...]:
    """Return the sets of sums, each rounded once in the dtype of its input."""
    named = zip(trial.program.inputs, one, other, strict=True)
    return tuple(trial.rounding.of(trial.dtypes[name]).elementary("add", a, b) for name, a, b in named)


def _fits(trial: Trial, walks: tuple[Gradients, ...]) -> bool:
    """Whether each walk's gradients have their primals' shapes; if not, the law ``shape`` says so."""
    return all(
        gradient is None or gradient.shape == value.shape
        for gradients in walks
        for gradient, value in zip(gradients, trial.inputs, strict=True)
    )


def _judged(
    trial: Trial,
    gradients: Gradients,
    sets: tuple[Data, ...],
    after: str,
    exact: tuple[Callable[[], Data] | None, ...] = (),
) -> Outcome:
    exact = exact or (None,) * len(sets)
    named: Any = zip(trial.names(), trial.program.inputs, gradients, trial.inputs, sets, exact, strict=True)
    return combine(
        judge(f"{what}{after}", np.zeros_like(value) if got is None else got, allowed, trial.dtypes[name], kink)
        for what, name, got, value, allowed, kink in named
    )
