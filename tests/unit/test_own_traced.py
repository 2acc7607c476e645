"""Definitions as programs: each call a step, arrays of the definition's own as data, and what cannot be traced."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gradlaw import xp
from gradlaw.own.traced import traced
from gradlaw.reports.code import step_text
from gradlaw_reference import FLOAT64, evaluate, using
from gradlaw_spec import SpecError, load_primitives

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=np.float32)


def steps(definition: Any, **others: Any) -> list[str]:
    return [step_text(step) for step in traced(definition, {"x": X, **others}, ("x",)).program.steps]


def test_a_definition_is_its_steps() -> None:
    found = steps(lambda x: xp.astype(x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + 1e-6), x.dtype))
    assert found == [
        "t1 = multiply(x, x)",
        "t2 = mean(t1, axis=-1, keepdims=True)",
        "t3 = add(t2, 1e-06)",
        "t4 = sqrt(t3)",
        "t5 = divide(x, t4)",
        "t6 = astype(t5, dtype='float32')",
    ]


def test_every_primitive_is_a_function_of_its_page() -> None:
    assert set(load_primitives()) <= set(dir(xp))
    assert all(getattr(xp, name).__doc__.startswith(page.summary) for name, page in load_primitives().items())
    assert (xp.float16, xp.newaxis, xp.inf) == ("float16", None, float("inf"))


def test_attributes_stand_by_position_too() -> None:
    assert steps(lambda x: xp.reshape(x, (3, -1))) == ["t1 = reshape(x, shape=(3, 2))"]
    assert steps(lambda x: xp.clip(x, 0, 2)) == ["t1 = clip(x, min=0, max=2)"]


def test_arrays_of_the_definition_are_data() -> None:
    tracing = traced(lambda x: xp.where(X > 2, x, -np.inf) + np.ones(3), {"x": X}, ("x",))
    kinds = {name: (array.dtype.name, array.shape) for name, array in tracing.data.items()}
    assert kinds == {"c1": ("bool", (2, 3)), "c2": ("float32", ()), "c3": ("float32", (3,))}
    assert tracing.program.data == ("c1", "c2", "c3")


def test_indices_take_elements() -> None:
    def picked(x: Any, labels: Any) -> Any:
        return x[np.arange(2), labels]

    labels = np.array([2, 0])
    tracing = traced(picked, {"x": X, "labels": labels}, ("x",))
    with using(FLOAT64):
        known = evaluate(tracing.program, {"x": X, **tracing.data})
    assert known[tracing.program.outputs[0]].tolist() == [3.0, 4.0]


def test_slices_transposes_and_operators() -> None:
    assert steps(lambda x: -(2 - x[:, 1:]).mT @ x[..., 0]) == [
        "t1 = x[:, 1:]",
        "t2 = subtract(2.0, t1)",
        "t3 = matrix_transpose(t2)",
        "t4 = negative(t3)",
        "t5 = x[..., 0]",
        "t6 = matmul(t4, t5)",
    ]


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (lambda x: np.asarray(x), "Use gradlaw.xp"),
        (lambda x: x if x > 0 else -x, "a decision by a condition for each element"),
        (lambda x: xp.where(xp.exp(x) > 1, x, 0), "a decision by the traced value t1"),
        (lambda x: x * np.round(xp.data(2 * x)), "a decision by the traced value t1"),
        (lambda x: x if xp.exp(x) else -x, "a decision by the traced value t1"),
        (lambda x: math.exp(x), "in place of math and float"),
        (lambda x: max(x, 0), "xp.maximum"),
        (lambda x: x[np.array([0]), np.array([0]), np.array([0])], "at most 2"),
        (lambda x: x[:, 1:, np.array([0])], "arrays of integers beside whole axes"),
        (lambda x: xp.transpose(x), "Use xp.permute_dims(x, axes)."),
        (lambda x: x + xp.zeros_like(x), "Use NumPy"),
        (lambda x: xp.zzz(x), "Write it in others"),
        (lambda x: xp.sum(x, axes=1), "axes=1"),
        (lambda x: x @ x, "matmul"),
        (lambda x: 3.0, "float returned"),
        (lambda x: xp.sum(), "0 arguments"),
        (lambda x: x + "1", "an operand of type str"),
        (lambda x: x[np.array([True, False])], "arrays of integers beside whole axes"),
    ],
)
def test_what_cannot_be_traced(definition: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        traced(definition, {"x": X}, ("x",))
    assert said in str(caught.value)


def test_a_name_that_is_no_primitive() -> None:
    with pytest.raises(AttributeError, match="Did you mean softmax"):
        _ = xp.softmaxx


def test_primitives_of_plain_arrays() -> None:
    assert xp.sum(np.array([1.0, 2.0]), axis=0) == 3.0
