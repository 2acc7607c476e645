"""Whose fault a wrong program is: the experiment that puts the reference in the place of one primitive.

The program is run step by step, each forward and backward by the engine alone, and what flows back is added up here. If
the fault is still there, it is a primitive's; and if it goes once the reference computes one of them, it is that one's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

from gradlaw_properties.engines import reference_target
from gradlaw_properties.laws import all_laws
from gradlaw_properties.trial import Trial, UnsupportedCase
from gradlaw_spec import DTYPES, Array, Case, Program, Pull, Step, Target
from gradlaw_spec.target import Arrays, Gradients, Values

RIGHT: Final = reference_target()


def culprit(case: Case, law: str, target: Target) -> str:
    """Return the primitive whose fault a case shows under a law; nothing where it is no primitive's, or of several."""
    if target.cotangent == "ones" or not _is_wrong(case, law, stepwise(target)):
        return ""
    names = dict.fromkeys(step.primitive for step in Trial(target, case).runnable.steps)
    return next((name for name in names if not _is_wrong(case, law, stepwise(target, name))), "")


def _is_wrong(case: Case, law: str, target: Target) -> bool:
    trial, judging = Trial(target, case), all_laws()[law]
    if judging.lacking(target) or not judging.takes(trial):
        return False
    try:
        return judging.check(trial).violated
    except UnsupportedCase:
        return False
    except Exception:  # whatever the engine raises in a step is the fault that is looked for
        return True


def stepwise(target: Target, mended: str = "") -> Target:
    """Return a target that runs each step of a program alone, and one primitive in the reference."""

    def source(step: Step) -> Target:
        return RIGHT if step.primitive == mended else target

    def forward(program: Program, values: Values) -> dict[str, Any]:
        known: dict[str, Any] = dict(values)
        for step in program.steps:
            alone, given = _alone(step, known)
            known[step.name] = source(step).run(alone, given)[0]
        return known

    def run(program: Program, values: Values) -> Arrays:
        known = forward(program, values)
        return tuple(known[name] for name in program.outputs)

    def pullback(program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
        known = forward(program, values)

        def pull(cotangents: Arrays) -> Gradients:
            flowing = {name: np.zeros_like(value) for name, value in known.items() if value.dtype.name in DTYPES}
            for name, cotangent in zip(program.outputs, cotangents, strict=True):
                flowing[name] = _sum(flowing[name], cotangent)
            for step in reversed(program.steps):
                alone, given = _alone(step, known)
                gradients = source(step).pullback(alone, given)[1]((flowing[step.name],))
                for name, gradient in zip(_real(step, known), gradients, strict=True):
                    if gradient is not None:
                        flowing[name] = _sum(flowing[name], gradient)
            return tuple(flowing[name] for name in program.inputs)

        return tuple(known[name] for name in program.outputs), pull

    # What an engine does with whole records says nothing of its primitives.
    return replace(
        target,
        run=run,
        pullback=pullback,
        jvp=None,
        compiled=None,
        batched=None,
        walks=None,
        second_order=None,
        overwritten=None,
    )


def _sum(one: Array, other: Array) -> Array:
    """Add arrays in the dtype of the first; without axes NumPy would make a number of them, which engines refuse."""
    with np.errstate(all="ignore"):
        return np.asarray(one + other).astype(one.dtype)


def _real(step: Step, known: Values) -> Iterator[str]:
    """Yield the operands of a step that have gradients, one for each place."""
    return (one for one in step.operands if isinstance(one, str) and known[one].dtype.name in DTYPES)


def _alone(step: Step, known: Values) -> tuple[Program, dict[str, Array]]:
    """Return the program of one step, each place with a name of its own, and the values of these names."""
    operands: list[str | int | float] = []
    inputs: list[str] = []
    data: list[str] = []
    given: dict[str, Array] = {}
    for place, operand in enumerate(step.operands):
        if not isinstance(operand, str):
            operands.append(operand)
            continue
        name = f"x{place}"
        operands.append(name)
        given[name] = known[operand]
        (inputs if known[operand].dtype.name in DTYPES else data).append(name)
    alone = Step(("y",), step.primitive, tuple(operands), step.attributes)
    return Program(tuple(inputs), (alone,), ("y",), tuple(data)), given
