"""Law ``max-routes``: the whole cotangent goes to the selected operand, 0 to the rest; ties share it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from flint import arb

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.laws.common import exact, one_step
from gradlaw_properties.needs import DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_reference import Data
from gradlaw_reference.rules.reductions import normalised
from gradlaw_spec import Array, dtype

MUTANTS = (mutants.maximum_sends_all_to_both, mutants.ties_get_nothing)
NEEDS = (DISTINCT_INPUTS,)


def check(trial: Trial) -> Outcome:
    """Compare the gradients with exact routing: one place gets g, others 0, ties shares that sum to g."""
    elementwise = trial.page is not None and trial.page.shapes == "elementwise"
    shape = trial.cotangents[0].shape
    smallest = dtype(trial.case.dtype).smallest_normal if trial.target.flushes_subnormals else None
    outcomes = []
    for name, got, routed in zip(trial.program.inputs, trial.pull(), trial.truth(), strict=True):
        if elementwise and trial.values[name].shape != shape:
            continue
        outcomes.append(_routed(f"gradient of {name}", got, routed, _handed(trial, got.shape), smallest))
    two = trial.page is not None and sum(operand.kind == "real" for operand in trial.page.operands) == 2
    if elementwise and two and all(value.shape == shape for value in trial.inputs):
        outcomes.append(_whole(trial, [exact(gradient) for gradient in trial.pull()], 2))
        outcomes.append(_on_both(trial))
    if not elementwise:
        gradient = exact(trial.pull()[0])
        outcomes.append(_whole(trial, [gradient], trial.inputs[0].size))
    return combine(outcomes)


def _on_both(trial: Trial) -> Outcome:
    """Give one value to both operands: it ties with itself, and gets all of the cotangent, once."""
    name = trial.program.inputs[0]
    operands = tuple(name if item in trial.program.inputs else item for item in trial.step.operands)
    twice = trial.variant(one_step(trial, operands, (name,)))
    outcome = _whole(twice, [exact(twice.pull()[0])], 2)
    return replace(outcome, case=twice.case)


def _handed(trial: Trial, shape: tuple[int, ...]) -> Array:
    """Return the cotangent that is on offer at each element of an operand."""
    cotangent = trial.cotangents[0].astype(np.float64)
    if trial.page is not None and trial.page.shapes == "reduction":
        axes = normalised(trial.step.attributes.get("axis"), len(shape))  # type: ignore[arg-type]
        cotangent = cotangent.reshape(tuple(1 if axis in axes else length for axis, length in enumerate(shape)))
    return np.broadcast_to(cotangent, shape)


def _routed(what: str, got: Array, routed: Data, handed: Array, flushes: float | None) -> Outcome:
    decided = np.array([item.is_exact() for item in routed.ravel()], dtype=bool).reshape(routed.shape)
    expected = np.where(decided, routed, 0).astype(np.float64)
    numbers = got.astype(np.float64)
    if flushes is not None:
        decided &= (expected == 0) | (np.abs(expected) >= flushes)
    outcome = equal(what, np.where(decided, numbers, 0.0), np.where(decided, expected, 0.0), got.dtype.name)
    for place in np.argwhere(~decided & (numbers != 0)):
        index = tuple(int(i) for i in place)
        whole = float(handed[index])
        if not min(0.0, whole) <= numbers[index] <= max(0.0, whole):
            problem = f"{what}{list(index)} at a tie: got {float(numbers[index])!r}; expected a share of {whole!r}"
            return Outcome(got.size, 0, problem)
    return outcome


def _whole(trial: Trial, gradients: list[Data], terms: int) -> Outcome:
    """Ask that what was routed adds up to the cotangent, up to the rounding of its shares."""
    facts = dtype(trial.case.dtype)
    if trial.page is not None and trial.page.shapes != "elementwise":
        axes = normalised(trial.step.attributes.get("axis"), gradients[0].ndim)  # type: ignore[arg-type]
        added = np.asarray(np.add.reduce(gradients[0], axis=axes), dtype=object) if axes else gradients[0]
    else:
        added = np.asarray(np.sum(gradients, axis=0), dtype=object)
    cotangent = trial.cotangents[0]
    slack = arb(0, terms * facts.unit_roundoff)
    tail = arb(0, terms * facts.tiny(trial.target.flushes_subnormals))
    points = 0
    for got, given in zip(added.ravel().tolist(), cotangent.astype(np.float64).ravel().tolist(), strict=True):
        whole = arb(given) * (1 + slack) + tail
        points += 1
        if not whole.overlaps(got):
            return Outcome(points, 0, f"the routed shares add up to {got.str(17, radius=False)}; expected {given!r}")
    return Outcome(points, 0)
