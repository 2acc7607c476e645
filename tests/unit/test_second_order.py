"""Gradients of gradients: the sets, what engines declare, and what a script of a violation runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import HealthCheck, Phase, given, seed, settings

import gradlaw_reference as reference
from gradlaw import functional_target
from gradlaw_properties import Settings, Unit, examine
from gradlaw_properties.engines import reference_target
from gradlaw_properties.strategies import primitive_cases
from gradlaw_reference import FLOAT64, RULES, Ball, apply, as_array, certify_pullback, using
from gradlaw_spec import Case, Program, SpecError, Step, Verdict, load_primitives

SECOND = ("second-order", "hessian-symmetry")
CUBE = Program(("x",), (Step(("s",), "multiply", ("x", "x")), Step(("y",), "multiply", ("s", "x"))), ("y",))
POWER = Program(("x", "y"), (Step(("z",), "pow", ("x", "y")),), ("z",))


def sets(
    program: Program, inputs: tuple[float, ...], g: float, u: tuple[float, ...], dtype: str | None = None
) -> list[arb]:
    """Return the second-order gradients of a program of numbers: exact ones, or what a dtype may give."""
    values = dict(zip(program.inputs, map(np.float64, inputs), strict=True))
    certified = certify_pullback(program, values, (np.float64([g]).reshape(()),), dtype=dtype)
    return [one.item() for one in certified.gradients(tuple(map(np.float64, u)))]


def test_the_example_of_the_law_page() -> None:
    assert sets(CUBE, (2,), 5, (1,)) == [60, 12]


def test_the_hessian_of_a_power_is_symmetric_at_exponent_zero() -> None:
    """At (2, 0) the mixed derivative of x**y is 1/2, by hand: x**(y - 1) (1 + y log x)."""
    along_x, along_y = sets(POWER, (2, 0), 1, (1, 0)), sets(POWER, (2, 0), 1, (0, 1))
    assert along_x[0] == 0
    assert along_x[1].contains(arb("0.5"))
    assert along_y[0].contains(arb("0.5"))
    assert along_y[1].overlaps(arb(2).log() ** 2)


def test_a_removable_point_has_its_second_derivative() -> None:
    """At 0 that of sinc is minus a third of pi squared."""
    program = Program(("x",), (Step(("y",), "sinc", ("x",)),), ("y",))
    assert sets(program, (0,), 1, (1,))[0].overlaps(-(arb.pi() ** 2) / 3)


@pytest.mark.parametrize(("base", "exponent"), [(0, 0), (0, 0.5), (0, 1)])
def test_what_a_definition_settles_leaves_the_second_order_open(base: float, exponent: float) -> None:
    assert not sets(POWER, (base, exponent), 1, (0, 1), "float64")[0].is_finite()


def test_gradients_have_gradients_have_gradients() -> None:
    function: Any = reference.sin
    for _ in range(3):
        function = reference.grad(function)
    with using(FLOAT64):
        assert float(function(0.5).data) == pytest.approx(-np.cos(0.5))


@pytest.mark.parametrize("name", sorted(load_primitives()))
def test_exact_second_order_gradients_lie_in_the_sets(name: str) -> None:
    """Every formula of a page has the same second-order gradient: the exact one lies in the set of all of them."""

    @seed(0)
    @settings(
        max_examples=3, database=None, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )
    @given(primitive_cases(load_primitives()[name], "float64", dtypes=("float64",)))
    def run(case: Case) -> None:
        directions = tuple(
            np.where(np.arange(array.size).reshape(array.shape) % 2, -0.5, 1.5)
            for array in (case.values[name] for name in case.program.inputs)
        )
        exact = certify_pullback(case.program, case.values, case.cotangents, dtype=None, precision=300)
        wide = certify_pullback(case.program, case.values, case.cotangents, dtype="float64")
        for one, other in zip(exact.gradients(directions), wide.gradients(directions), strict=True):
            for number, allowed in zip(one.ravel(), other.ravel(), strict=True):
                assert not (number.is_finite() and allowed.is_finite()) or allowed.overlaps(number)

    run()


def test_what_determinants_give_by_minors_and_by_the_inverse_is_the_same() -> None:
    rule, x, g = RULES["cofactors"], np.array([[2.0, 1.0, 0.5], [0.25, -3.0, 1.0], [1.0, 2.0, 4.0]]), np.float64(1.5)
    directions = np.arange(9.0).reshape(3, 3) - 4
    with using(Ball()):
        operands = tuple(map(as_array, (directions, apply("cofactors", (g, x)), g, x)))
        for position, (other,) in enumerate(rule.alternatives):
            one, another = rule.vjp[position](*operands).data, other(*operands).data
            assert all(a.overlaps(b) for a, b in zip(one.ravel(), another.ravel(), strict=True))


def test_an_engine_says_that_it_differentiates_pullbacks() -> None:
    cell, *_ = examine(
        Unit("tanh", "float64", ("second-order",)), replace(reference_target(), second_order=None), Settings()
    )
    assert cell.verdict is Verdict.UNSUPPORTED
    assert "pullbacks that can be differentiated" in cell.message


def test_the_declaration_needs_a_pullback() -> None:
    with pytest.raises(SpecError, match="differentiates_pullbacks=True"):
        functional_target(
            name="mine",
            version="1",
            levels=("scalar",),
            dtypes=("float64",),
            array=np.asarray,
            numpy=np.asarray,
            vjp=lambda function, primals, cotangent: (function(*primals), primals),
            primitives={"sin": np.sin},
            differentiates_pullbacks=True,
        )


def test_an_engine_may_refuse() -> None:
    def refuses(*given: Any) -> Any:
        raise NotImplementedError("no derivative of tanh_backward")

    cells = examine(
        Unit("tanh", "float64", SECOND), replace(reference_target(), second_order=refuses), Settings(examples=8)
    )
    assert {cell.verdict for cell in cells} == {Verdict.UNSUPPORTED}
    assert all("no derivative of tanh_backward" in cell.message for cell in cells)
