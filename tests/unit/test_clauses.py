"""Clauses at their edge: a correct implementation that must pass, and a wrong one beside it that must not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradlaw_properties import Settings, Unit, examine, mutants
from gradlaw_properties.engines import reference_target
from gradlaw_properties.judge import judge
from gradlaw_reference import certify
from gradlaw_spec import DTYPES, parse_computation


def sets(text: str, dtype: str = "float64", **values: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the sets of a program's value, and of its gradients for a cotangent of ones."""
    certified = certify(
        parse_computation(text), {name: np.asarray(value) for name, value in values.items()}, dtype=dtype
    )
    return certified.outputs[0], certified.gradients((np.ones(certified.outputs[0].shape),))


def problem(got: Any, allowed: Any, dtype: str = "float64") -> str:
    return judge("it", np.asarray(got, DTYPES[dtype].numpy), np.asarray(allowed), dtype).problem


@pytest.mark.parametrize(("text", "x"), [("sqrt(x) * sqrt(x)", 0.0), ("log1p(exp(x))", 1000.0)])
def test_a_zero_that_was_computed_may_stay_nan(text: str, x: float) -> None:
    """Clause patterns/zero-stops: the true slope is 1 in both, and neither nan nor 1 is blamed."""
    gradient = sets(text, x=x)[1][0]
    assert problem(np.nan, gradient) == problem(1.0, gradient) == ""
    safe = sets(text, x=4.0)[1][0]
    assert problem(0.0, safe) != ""


def test_a_contraction_of_one_product_is_rounded() -> None:
    """Clause admissible-sets/sums: 0.1 · 0.1 in float32 is no number of the dtype, so the set is no point."""
    value = sets("x @ y", "float32", x=[[np.float32(0.1)]], y=[[np.float32(0.1)]])[0]
    right = np.float32(0.1) * np.float32(0.1)
    assert problem([[right]], value, "float32") == ""
    assert problem([[right * np.float32(1 + 2.0**-21)]], value, "float32") != ""


def test_zero_is_asked_of_zero_only_where_the_set_is_bounded() -> None:
    """Clause pullback/zero-cotangent: the page's formula is 0 / 0 where x2² underflows."""
    assert not sets("x / y", x=1e-200, y=1e-170)[1][1].item().is_finite()
    assert sets("x / y", x=1e-20, y=1e-17)[1][1].item().is_finite()


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize(("text", "low", "high"), [("relu(x)", 0.0, 1.0), ("abs(x)", -1.0, 1.0)])
def test_a_kink_allows_its_interval_and_nothing_beside_it(text: str, low: float, high: float, dtype: str) -> None:
    gradient = sets(text, dtype, x=0.0)[1][0]
    for inside in (low, (low + high) / 2, high):
        assert problem(inside, gradient, dtype) == ""
    assert problem(high + 2.0**-7, gradient, dtype) != ""
    assert problem(low - 2.0**-7, gradient, dtype) != ""


def test_a_mean_may_divide_or_multiply_by_the_rounded_reciprocal() -> None:
    """Clause patterns/sum-broadcasts: 1 / 49 is rounded, so the two differ."""
    gradient = sets("mean(x)", "float32", x=np.ones(49))[1][0]
    divided = np.full(49, np.float32(1) / np.float32(49))
    neighbour = np.nextafter(divided, np.float32(1))
    assert problem(divided, gradient, "float32") == problem(neighbour, gradient, "float32") == ""
    assert problem(divided * np.float32(1.00001), gradient, "float32") != ""


def _sums_anywhere(target: Any, calls: list[int]) -> Any:
    """Return an engine whose gradient differs from call to call by the order of a sum."""

    def pullback(program: Any, values: Any, keep: Any = None) -> Any:
        outputs, pull = target.pullback(program, values, keep)

        def pulled(cotangents: Any) -> Any:
            calls.append(1)
            factor = 1 + 2.0**-52 * (len(calls) % 2)
            return tuple(gradient * factor for gradient in pull(cotangents))

        return outputs, pulled

    return replace(target, pullback=pullback)


def _verdict(target: Any, law: str, subject: str = "logsumexp") -> str:
    (cell,) = examine(Unit(subject, "float64", (law,)), target, Settings(examples=30))
    return str(cell.verdict.value)


def test_an_engine_without_an_order_of_sums_declares_it() -> None:
    """Clause state/determinism: another last bit is convicted unless it is declared, a stale state always."""
    shaky = _sums_anywhere(reference_target("shaky"), [])
    assert _verdict(shaky, "determinism") == "violation"
    assert _verdict(replace(shaky, deterministic=False), "determinism") == "pass"
    stale = replace(mutants.stale_state.build(), deterministic=False)
    assert _verdict(stale, "determinism") == "violation"


def test_a_kink_has_one_matrix_for_all_cotangents() -> None:
    """Clause pullback/linearity: a share that depends on the cotangent is in the kink's set, and no pullback."""

    def chooses(share: Callable[[Any], Any]) -> Any:
        target = reference_target("chooses")

        def pullback(program: Any, values: Any, keep: Any = None) -> Any:
            outputs, _ = target.pullback(program, values, keep)
            x = values[program.inputs[0]]

            def pulled(cotangents: Any) -> Any:
                slope = np.where(x == 0, share(cotangents[0]), np.asarray(x > 0, dtype=x.dtype))
                return (cotangents[0] * slope,)

            return outputs, pulled

        return replace(target, pullback=pullback)

    assert _verdict(chooses(lambda cotangent: 0.25), "linearity", "relu") == "pass"
    by_size = chooses(lambda cotangent: np.where(np.abs(cotangent) > 1, 1.0, 0.0))
    assert _verdict(by_size, "gradient", "relu") == "pass"
    assert _verdict(by_size, "linearity", "relu") == "violation"
