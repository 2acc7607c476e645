"""Law ``large``: arrays of more elements than 16 bits can count have the gradients of any others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome
from gradlaw_properties.laws.common import gradients_admissible
from gradlaw_properties.trial import Trial
from gradlaw_spec import PROGRAM, Case, Primitive, Program, Slice, Step, Target, dtype, load_primitives

MUTANTS = (mutants.counts_in_sixteen_bits, mutants.indexes_in_sixteen_bits)
BETWEEN: Final = 2**16
"""So many equal elements stand between the first and the last ones; float16 has no number of that size."""
FIRST: Final = (1.0, -2.0)
LAST: Final = (0.5, 2.0, -1.0)
JOIN: Final = (
    Step(("filling",), "broadcast_to", ("one",), {"shape": (BETWEEN,)}),
    Step(("wide",), "concat", ("first", "filling", "last"), {"axis": 0}),
)
"""One long axis, of which a few elements are inputs: a witness stays small."""
ENDS: Final = (0, 1, BETWEEN, BETWEEN + len(FIRST) + 1)
"""Where single elements are read."""


def cases(target: Target, subject: str, dtype_name: str) -> Iterator[Case]:
    """Yield a case for each primitive that reduces an axis, works along one, or takes elements from one."""
    kind = dtype(dtype_name).numpy
    for page in load_primitives().values():
        steps, data = (*JOIN, *_steps(page)), _data(page)
        if len(steps) == len(JOIN) or not {step.primitive for step in steps} <= target.primitives:
            continue
        count = 2 if page.shapes == "along-axis" else len(data.get("indices", (0,)))
        cotangent = np.asarray([1.0, -1.5, 0.75, 3.0][:count], kind)
        yield Case(
            subject=PROGRAM,
            program=Program(("first", "last"), steps, ("y",), ("one", *data)),
            values={
                "first": np.asarray(FIRST, kind),
                "last": np.asarray(LAST, kind),
                "one": np.ones(1, kind),
                **data,
            },
            cotangents=(cotangent[0] if page.shapes == "reduction" else cotangent,),
            dtype=dtype_name,
        )


def _steps(page: Primitive) -> tuple[Step, ...]:
    """Return a primitive's step on the long axis; what keeps that axis is read at its ends."""
    axes: dict[str, Any] = {one.name: 0 for one in page.attributes if one.kind in ("axis", "optional-axes")}
    kinds = [operand.kind for operand in page.operands]
    others = (one for one in page.attributes if one.name not in axes)
    if not axes or any(one.required for one in others) or _is_quadratic(page):
        return ()
    if page.shapes == "reduction" and kinds == ["real"]:
        return (Step(("y",), page.name, ("wide",), axes),)
    if page.shapes == "along-axis" and kinds == ["real"]:
        end = Slice(BETWEEN + len(FIRST) + 1)
        return Step(("along",), page.name, ("wide",), axes), Step(("y",), "getitem", ("along",), {"index": (end,)})
    if kinds == ["real", "index"]:
        return (Step(("y",), page.name, ("wide", "indices"), axes),)
    return ()


def _is_quadratic(page: Primitive) -> bool:
    """Whether the reference takes a time in proportion to the square of the elements: products, scans and orders."""
    scans = page.shapes == "along-axis" and page.rounding != "composed"
    return page.rounding == "product" or scans or any("unsort_by(" in operand.vjp for operand in page.operands)


def _data(page: Primitive) -> dict[str, Any]:
    return {operand.name: np.asarray(ENDS) for operand in page.operands if operand.kind == "index"}


def check(trial: Trial) -> Outcome:
    """Judge the gradients of the elements at both ends."""
    return gradients_admissible(trial, trial.pull(), trial.truth())
