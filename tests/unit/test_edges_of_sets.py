"""The ends of admissible sets: what a correct implementation may return is inside, the number beside it is not."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

from gradlaw_properties.judge import judge
from gradlaw_reference import certify
from gradlaw_spec import DTYPES, Array, parse_computation


def value_set(text: str, dtype: str = "float64", **values: Any) -> Any:
    given = {name: np.asarray(value) for name, value in values.items()}
    return certify(parse_computation(text), given, dtype=dtype).outputs[0]


def gradient_set(text: str, dtype: str = "float64", **values: Any) -> Any:
    given = {name: np.asarray(value) for name, value in values.items()}
    certified = certify(parse_computation(text), given, dtype=dtype)
    return certified.gradients((np.ones(certified.outputs[0].shape),))[0]


def passes(got: Any, allowed: Any, dtype: str = "float64") -> bool:
    return judge("it", np.asarray(got, DTYPES[dtype].numpy), np.asarray(allowed), dtype).problem == ""


def test_parts_that_keep_their_accuracies_do_not_make_a_formula_keep_its_own() -> None:
    """What the chapter says of sigmoid: as four steps it may be off by five units, as one primitive by three."""
    widths = [value_set(text, x=-30.0).item() for text in ("1 / (1 + exp(-x))", "sigmoid(x)")]
    units = [float(ball.rad()) / float(ball.mid()) * 2.0**53 for ball in widths]
    assert [round(one, 2) for one in units] == [5.0, 3.0]


@pytest.mark.parametrize(("text", "x"), [("log(x)", -4.0), ("log1p(x)", -3.0), ("atanh(x)", 1.5), ("log2(x)", -0.5)])
def test_outside_of_a_domain_no_slope_is_claimed(text: str, x: float) -> None:
    for got in (np.nan, 0.0, 7.0):
        assert not judge("it", np.asarray(got), np.asarray(gradient_set(text, x=x)), "float64").violated
    masked = gradient_set(f"where(c, {text}, 3 * x)", x=x, c=False)
    assert passes(3.0, masked)
    assert not passes(np.nan, masked)


@pytest.mark.parametrize(
    ("text", "values", "right"),
    [
        ("x / y", {"x": 6.0, "y": 3.0}, 2.0),
        ("reciprocal(x)", {"x": 4.0}, 0.25),
        ("sqrt(x)", {"x": 6.25}, 2.5),
        ("square(x)", {"x": 3.0}, 9.0),
        ("x ** 2", {"x": -1.0}, 1.0),
        ("x ** 3", {"x": 2.0}, 8.0),
        ("x ** -2", {"x": 4.0}, 0.0625),
        ("x ** 0", {"x": 7.1}, 1.0),
        ("sum(x)", {"x": [1.0, 2.0, 3.0]}, 6.0),
        ("x @ y", {"x": [1.0, 2.0], "y": [3.0, 4.0]}, 11.0),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_the_dtype_holds_is_exact(text: str, values: dict[str, Any], right: float, dtype: str) -> None:
    allowed = value_set(text, dtype, **values)
    facts = DTYPES[dtype]
    assert passes(right, allowed, dtype)
    assert not passes(right * (1 + 2 * facts.unit_roundoff), allowed, dtype)
    assert not passes(right * (1 - 2 * facts.unit_roundoff), allowed, dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_sum_is_exact_while_every_multiple_of_its_quantum_is_held(dtype: str) -> None:
    """The largest such sum, and the first one beyond it, where the order matters."""
    full = 1.0 / DTYPES[dtype].unit_roundoff
    assert value_set("sum(x)", dtype, x=[full - 2, 1.0, 1.0]).item().is_exact()
    beyond = value_set("sum(x)", dtype, x=[full, 1.0, 1.0]).item()
    assert {passes(full, beyond, dtype), passes(full + 2, beyond, dtype)} == {True}


def left_to_right(values: list[float], dtype: str, operation: Any) -> Array:
    """Return what a loop in the dtype computes."""
    numpy = DTYPES[dtype].numpy
    total = np.asarray(values[0], numpy)
    for value in values[1:]:
        total = np.asarray(operation(total.astype(np.float64), value)).astype(numpy)
    return total


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("count", [3, 40, 98])
def test_a_product_that_always_rounds_up_is_inside(dtype: str, count: int) -> None:
    """Rounding up at every step compounds: past some 90 factors in bfloat16 more than (n + 2) units."""
    facts = DTYPES[dtype]
    factors, total = [], 1.0
    for _ in range(count):
        candidates = 1 + np.arange(1, 40) * 2 * facts.unit_roundoff
        rounded = (total * candidates).astype(facts.numpy).astype(np.float64)
        best = int(np.argmax(rounded / (total * candidates)))
        factors.append(float(candidates[best]))
        total = float(rounded[best])
        if total > 2:  # the same digits again, an exponent lower
            total, factors[-1] = total / 2, factors[-1] / 2
    got = left_to_right(factors, dtype, np.multiply)
    exact = math.prod(map(Fraction, factors))
    assert abs(Fraction(float(got)) - exact) > count // 4 * Fraction(facts.unit_roundoff) * exact, "hardly rounded"
    assert passes(got, value_set("prod(x)", dtype, x=factors), dtype)


def test_a_product_that_is_off_by_twice_what_rounding_compounds_to_is_outside() -> None:
    factors = [1.0 + (2 * i + 1) * 2.0**-7 for i in range(20)]
    exact = float(math.prod(map(Fraction, factors)))
    allowed = value_set("prod(x)", "float32", x=factors)
    compound = (1 + 2.0**-24) ** 22 - 1
    assert passes(exact * (1 + 0.9 * compound), allowed, "float32")
    assert not passes(exact * (1 + 1.2 * compound), allowed, "float32")


@pytest.mark.parametrize("exponent", [2, 3, 7, 13, 31, -3, -13])
def test_powers_by_repeated_multiplication_are_inside(exponent: int) -> None:
    """Binary powering and one factor after the other, in float32: up to n - 1 roundings."""
    values = np.linspace(0.5, 1.9, 57, dtype=np.float32)
    allowed = value_set(f"x ** {exponent}", "float32", x=values)
    loop = values.copy()
    for _ in range(abs(exponent) - 1):
        loop = loop * values
    square, binary, left = values.copy(), np.ones_like(values), abs(exponent)
    while left:
        binary = binary * square if left % 2 else binary
        square, left = square * square, left // 2
    for got in (loop, binary):
        assert passes(got if exponent > 0 else np.float32(1) / got, allowed, "float32")
    assert passes(np.power(values, np.float32(exponent)), allowed, "float32")


def test_a_power_that_no_dtype_holds_is_rounded_as_pow_is() -> None:
    """``3 ** -3`` is no number of the dtype, though 27 is one: pow may be off by its own accuracy."""
    unit, allowed = DTYPES["float32"].unit_roundoff, value_set("x ** -3", "float32", x=3.0)
    assert allowed.item().contains(arb(1) / 27 * (1 + 1.9 * arb(unit)))
    assert not allowed.item().contains(arb(1) / 27 * (1 + 8 * arb(unit)))


def test_an_exponent_that_is_an_array_is_judged_by_pow() -> None:
    """Only a Python number is known while the program is built; else correct engines take exponentials."""
    assert value_set("x ** 3", x=2.0).item().is_exact()
    assert not value_set("x ** y", x=2.0, y=3.0).item().is_exact()


def test_gradients_of_constant_powers_are_exact_where_the_products_are() -> None:
    allowed = gradient_set("x ** 3", x=[2.0, -1.0, 0.0])
    assert [item == arb(number) for item, number in zip(allowed, (12.0, 3.0, 0.0), strict=True)] == [True] * 3


def test_a_place_where_two_return_is_an_addition() -> None:
    """Whatever returns elsewhere: the roundings of a place are those of its own terms."""
    program = parse_computation("take(x, i, axis=0)")
    values = {"x": np.array([1.0, 2.0]), "i": np.array([0, 0, 1, 1, 1, 1, 1, 1])}
    g = np.array([0.1, 0.2, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    two, six = certify(program, values, dtype="float32").gradients((g.astype(np.float32),))[0]
    unit = DTYPES["float32"].unit_roundoff
    assert float(two.rad()) < 1.1 * unit * 0.3
    assert 6 * unit * 2.1 < float(six.rad()) < 8 * unit * 2.1


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_sums_in_any_order_are_inside(order: tuple[int, ...]) -> None:
    terms = [0.1, -0.7, 3.3, 1e-3]
    values = [float(np.float32(term)) for term in terms]
    allowed = value_set("sum(x)", "float32", x=values)
    got = left_to_right([values[i] for i in order], "float32", np.add)
    assert passes(got, allowed, "float32")


def test_a_composed_share_counts_as_its_terms_where_another_branch_returns() -> None:
    """An engine that runs sqrt(sum(x * x)) adds two terms, one after the other, to what returns elsewhere."""
    allowed = gradient_set("vector_norm(x, axis=None, keepdims=False) + sum(-x)", x=[3.0, 4.0])
    unit = DTYPES["float64"].unit_roundoff
    assert float(allowed[0].rad()) > 2.5 * unit
    assert float(allowed[0].rad()) < 20 * unit


def test_a_composed_share_keeps_its_terms_where_elements_are_moved() -> None:
    moved = gradient_set("sum(x) + sum(rms_norm(permute_dims(x, axes=(1, 0)), axis=0))", x=[[3.0, 4.0], [1.0, 2.0]])
    assert all(item.is_finite() for item in moved.ravel())
