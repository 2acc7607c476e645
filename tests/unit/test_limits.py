"""The limits that pages state are those of the exact functions, and what the law asks at infinity."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from flint import arb

from gradlaw_properties import Settings, Unit, examine
from gradlaw_properties.engines import reference_target
from gradlaw_properties.mutants import nan_for_infinity
from gradlaw_reference import certify
from gradlaw_spec import Program, Step, Verdict, load_primitives

STATED = [(name, end) for name, page in load_primitives().items() for end in getattr(page, "limits", {})]
FAR = (2.0**20, 2.0**30, 2.0**40)
"""How far out the exact function is looked at."""


def at(name: str, x: float) -> tuple[arb, arb]:
    """Return the exact value and slope of a primitive at a number."""
    certified = certify(
        Program(("x",), (Step(("y",), name, ("x",)),), ("y",)), {"x": arb(x)}, dtype=None, precision=500
    )
    return certified.outputs[0].item(), certified.gradients((arb(1),))[0].item()


def distance(found: arb, limit: float) -> arb:
    """Return how far a number is from a limit: for an infinite one, its reciprocal."""
    if math.isfinite(limit):
        return abs(found - limit)
    assert (found > 0) == (limit > 0)
    return abs(1 / found)


@pytest.mark.parametrize(("name", "end"), STATED)
def test_the_exact_function_tends_to_what_its_page_states(name: str, end: str) -> None:
    stated = load_primitives()[name].limits[end]
    for which, limit in enumerate(stated):
        near = [distance(at(name, math.copysign(far, float(end)))[which], limit) for far in FAR]
        assert near[-1] < 0.1
        assert not any(later > sooner for sooner, later in pairwise(near)), f"{name} at {end}: {near}"


def test_nan_at_infinity_is_told_on_every_dtype() -> None:
    for dtype in ("float64", "float32", "float16", "bfloat16"):
        (cell,) = examine(Unit("tanh", dtype, ("limits",)), nan_for_infinity.build(), Settings())
        assert cell.verdict is Verdict.VIOLATION
        assert cell.witness is not None
        assert cell.witness.case.values["x"].shape == ()


@pytest.mark.parametrize("name", ["tanh", "exp", "log"])
def test_the_reference_has_these_limits(name: str) -> None:
    (cell,) = examine(Unit(name, "float64", ("limits",)), reference_target(), Settings())
    assert cell.verdict is Verdict.PASS
