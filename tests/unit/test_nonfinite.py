"""Law ``nonfinite``: where there is a limit, and where nothing is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradlaw_properties import reference_target
from gradlaw_properties.laws import all_laws
from gradlaw_properties.trial import Trial
from gradlaw_spec import Case, Program, Step, Target, load_primitives

INFINITE = np.array([np.inf, 2.0, 3.0])


def outcome(subject: str, values: dict[str, Any], target: Target | None = None, **attributes: Any) -> Any:
    """Judge a primitive with cotangents of ones."""
    operands = tuple(operand.name for operand in load_primitives()[subject].operands)
    program = Program(operands, (Step(("y",), subject, operands, attributes),), ("y",))
    engine = target or reference_target()
    with np.errstate(all="ignore"):
        (shape,) = (output.shape for output in engine.run(program, values))
    case = Case(subject=subject, program=program, values=values, cotangents=(np.ones(shape),), dtype="float64")
    with np.errstate(all="ignore"):
        return all_laws()["nonfinite"].check(Trial(engine, case))


def wrong(*numbers: float) -> Target:
    """Return an engine that gives these gradients of its one input."""
    right = reference_target()

    def pullback(program: Program, values: Any, keep: Any = None) -> Any:
        outputs, _ = right.pullback(program, values)
        return outputs, lambda cotangents: (np.array(numbers),)

    return replace(right, pullback=pullback)


def test_the_example_of_the_law_page() -> None:
    assert not outcome("prod", {"x": INFINITE}, wrong(6, np.inf, np.inf), axis=None, keepdims=False).violated
    found = outcome("prod", {"x": INFINITE}, wrong(np.nan, np.inf, np.inf), axis=None, keepdims=False)
    assert found.problem.startswith("gradient of x with inf in x[0]: got nan; admissible [5.99")


def test_what_does_not_depend_on_the_infinity_is_unchanged() -> None:
    rows = np.array([[1.0, 2.0], [-np.inf, 3.0]])
    attributes = {"axis": -1, "keepdims": False}
    assert not outcome("max", {"x": rows}, **attributes).violated
    spread = wrong(*[[0.0, np.nan], [0.0, 1.0]])  # type: ignore[arg-type]
    assert "gradient of x with -inf in x[0, 1]: got nan" in outcome("max", {"x": rows}, spread, **attributes).problem


@pytest.mark.parametrize(
    ("subject", "values"),
    [
        ("multiply", {"x1": np.array(np.inf), "x2": np.array(0.0)}),  # 0 * inf
        ("atan2", {"x1": np.array(np.inf), "x2": np.array(-np.inf)}),  # two infinities
    ],
)
def test_nothing_is_asked_where_there_is_no_limit(subject: str, values: dict[str, Any]) -> None:
    assert outcome(subject, values).points == 0


def test_where_the_value_is_nan_only_the_rest_is_judged() -> None:
    rows = np.array([[1.0, 2.0], [np.inf, 3.0]])
    found = outcome("std", {"x": rows}, axis=-1, keepdims=False)
    assert (found.points, found.violated) == (2, False)
