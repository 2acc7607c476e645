"""Law ``exhaustive``: value and gradient are right at every finite number of a dtype that lies in the domain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine
from gradlaw_properties.laws import value
from gradlaw_properties.laws.common import gradients_admissible
from gradlaw_properties.strategies.attributes import numeric
from gradlaw_properties.strategies.domains import Domain
from gradlaw_properties.strategies.picks import Chooser
from gradlaw_properties.trial import Trial
from gradlaw_spec import Array, AttributeValue, Case, Dtype, Primitive, Program, Step, Target, dtype, load_primitives

MUTANTS = (mutants.wrong_at_one_input,)
PIECE: Final = 1024
"""Inputs of one case. They are neighbours, so that what is known of a range of inputs covers few cases."""
COTANGENTS: Final = (1.0, -1.5, 0.75, -2.0, 3.0)
"""One after the other, so that signs and sizes take turns; their number divides that of no vector register."""


def applies(page: Primitive | None) -> bool:
    """Whether the primitive makes one number of one number."""
    return (
        page is not None
        and page.shapes == "elementwise"
        and len(page.operands) == 1
        and page.operands[0].kind == "real"
    )


def cases(target: Target, subject: str, dtype_name: str) -> Iterator[Case]:
    """Yield the inputs in pieces, from the smallest to the largest, for each choice of the attributes."""
    page, facts = load_primitives()[subject], dtype(dtype_name)
    numbers = inputs(page, facts)
    size = 1 if target.scalar else PIECE
    for attributes in _attributes(page, target):
        step = Step(("y",), subject, ("x",), attributes)
        cotangents = cotangents_for(target, numbers.size, dtype(str(attributes.get("dtype", dtype_name))))
        for start in range(0, numbers.size, size):
            place = start if target.scalar else slice(start, start + size)
            yield Case(
                subject=subject,
                program=Program(("x",), (step,), ("y",)),
                values={"x": np.asarray(numbers[place])},
                cotangents=(np.asarray(cotangents[place]),),
                dtype=dtype_name,
            )


def inputs(page: Primitive, facts: Dtype) -> Array:
    """Return every finite number of a dtype of two bytes that lies in the domain of a primitive, in order."""
    numbers = np.arange(2**16, dtype=np.uint16).view(facts.numpy)
    with np.errstate(invalid="ignore"):  # a signalling nan
        wide = numbers.astype(np.float64)
    kept = np.isfinite(wide) & Domain.of(*page.operands).contains(wide)
    order = np.lexsort((~np.signbit(wide[kept]), wide[kept]))
    return np.asarray(numbers[kept][order])


def _attributes(page: Primitive, target: Target) -> tuple[Mapping[str, AttributeValue], ...]:
    """Return one choice of the numbers among a page's attributes, with each dtype that the target has."""
    numbers = numeric(page, Chooser(0))
    named = [attribute.name for attribute in page.attributes if attribute.kind == "dtype"]
    return tuple({**numbers, name: other} for name in named for other in target.dtypes) or (numbers,)


def cotangents_for(target: Target, count: int, facts: Dtype) -> Array:
    """Return cotangents that change from one element to the next, or ones where the target knows no others."""
    chosen = (1.0,) if target.cotangent == "ones" else COTANGENTS
    return np.resize(np.asarray(chosen), count).astype(facts.numpy)


def check(trial: Trial) -> Outcome:
    """Judge the values of the case's inputs, and the gradients."""
    return combine((value.check(trial), gradients_admissible(trial, trial.pull(), trial.truth())))
