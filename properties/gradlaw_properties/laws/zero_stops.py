"""Law ``zero-stops`` (SHOULD): a zero cotangent at an infinite local derivative comes out as 0, not nan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.needs import ANY_COTANGENT, DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_spec import Operand, Primitive

MUTANTS = (mutants.nan_at_domain_edge,)
NEEDS = (DISTINCT_INPUTS, ANY_COTANGENT)


def edges(operand: Operand) -> tuple[float, ...]:
    """Return the finite open ends of a domain, where a local derivative may be infinite."""
    return tuple(dict.fromkeys(end for interval in operand.domain for end in interval.open_ends))


def applies(page: Primitive | None) -> bool:
    """Whether some operand's domain ends at a finite point."""
    return page is not None and any(edges(operand) for operand in page.operands)


def check(trial: Trial) -> Outcome:
    """Put operands on the edge of their domain and pull zeros back."""
    assert trial.page is not None
    values = dict(trial.values)
    for operand, name in zip(trial.page.operands, trial.step.operands, strict=True):
        for edge in edges(operand):
            values[str(name)] = np.full_like(values[str(name)], edge)
    at_edge = trial.variant(values=values, cotangents=tuple(np.zeros_like(g) for g in trial.cotangents))
    zero = zip(trial.names(), at_edge.pull(), strict=True)
    what, dtype = "zero cotangent at the domain's edge", trial.case.dtype
    outcomes = [equal(f"{name}, {what}", got, np.zeros(got.shape), dtype) for name, got in zero]
    return replace(combine(outcomes), case=at_edge.case)
