"""Declared accuracies: an engine that is less accurate than a page asks says so, and is judged by that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gradlaw
from gradlaw_properties.engines import reference_target
from gradlaw_properties.judge import judge
from gradlaw_reference import rounding
from gradlaw_reference.programs import certify
from gradlaw_spec import Program, SpecError, Step

TANH = Program(("x",), (Step(("y",), "tanh", ("x",)),), ("y",))
X = np.array([0.5, -1.25, 2.0])


def off_by(units: float) -> Any:
    """Return values of tanh that are so many unit roundoffs too large."""
    return np.tanh(X) * (1 + units * 2.0**-53)


@pytest.mark.parametrize(("declared", "violated"), [({}, True), ({"tanh": 8}, False)])
def test_a_declared_accuracy_widens_the_value(declared: dict[str, int], violated: bool) -> None:
    certified = certify(TANH, {"x": X}, dtype="float64", accuracies=declared)
    assert judge("y", off_by(6), certified.outputs[0], "float64").violated is violated
    assert judge("y", off_by(20), certified.outputs[0], "float64").violated


def test_a_product_that_is_declared_inaccurate_is_not_exact_any_more() -> None:
    exact, declared = rounding("float64"), rounding("float64", accuracies={"multiply": 2})
    half = exact.asarray(0.5)
    assert exact.elementary("multiply", half, half).item().is_exact()
    assert not declared.elementary("multiply", half, half).item().is_exact()


@pytest.mark.parametrize(
    ("accuracies", "found"),
    [
        (["tanh"], "accuracies=['tanh']"),
        ({"tan_h": 8}, "accuracies['tan_h']"),
        ({"tanh": 1}, "accuracies['tanh']=1"),
        ({"tanh": 8.5}, "accuracies['tanh']=8.5"),
        ({"tanh": True}, "accuracies['tanh']=True"),
    ],
)
def test_what_is_no_accuracy_is_refused(accuracies: Any, found: str) -> None:
    with pytest.raises(SpecError) as caught:
        gradlaw.functional_target(
            name="mine",
            version="1",
            levels=("scalar",),
            dtypes=("float64",),
            array=np.asarray,
            numpy=np.asarray,
            vjp=lambda function, primals, cotangent: (None, None),
            primitives={"tanh": np.tanh},
            accuracies=accuracies,
        )
    assert caught.value.found == found


def test_targets_carry_what_they_declare() -> None:
    assert replace(reference_target("mine"), accuracies={"tanh": 8}).accuracies == {"tanh": 8}
