"""The exact ends of sets: what rounding may do at most is inside, and a little more is not.

Each end is worked out here, from the clause of the law book, and not by the code that makes the set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pytest
from flint import arb, ctx

from gradlaw_properties.strategies.values import Source
from gradlaw_reference import RULES, Ball, admissible, certify, certify_pullback, rounding
from gradlaw_reference.arithmetic import matrices, vectors
from gradlaw_reference.arithmetic.ball import ball_function
from gradlaw_reference.arithmetic.factorisations import ball_eigenvalues
from gradlaw_reference.arithmetic.joining import joined
from gradlaw_reference.arithmetic.matrices import Elimination
from gradlaw_reference.arithmetic.ordering import order_of
from gradlaw_reference.arithmetic.vectors import enclosed
from gradlaw_spec import DTYPES, Array, load_primitives, parse_computation, parse_formula

UNIT: Final = 2.0**-24
NORMAL, SUBNORMAL = 2.0**-126, 2.0**-149
LARGEST: Final = float(np.finfo(np.float32).max)


def held(number: float) -> float:
    return float(np.float32(number))


def sets(text: str, flushes: bool = False, accuracies: Mapping[str, int] | None = None, **values: Any) -> Any:
    """Return the set of a value in float32."""
    given = {name: np.asarray(value, np.float32) for name, value in values.items()}
    program = parse_computation(text)
    return certify(program, given, dtype="float32", flushes_subnormals=flushes, accuracies=accuracies or {}).outputs[0]


def gradients(text: str, **values: Any) -> Any:
    """Return the set of the first input's gradient in float32, for a cotangent of ones."""
    given = {name: np.asarray(value, np.float32) for name, value in values.items()}
    certified = certify(parse_computation(text), given, dtype="float32")
    return certified.gradients((np.ones(certified.outputs[0].shape, np.float32),))[0]


def objects(balls: Any) -> Any:
    return np.array(balls, dtype=object)


def reaches(found: arb, middle: float | arb, end: float) -> bool:
    """Whether a set goes from a middle to both ends, but for a part in a thousand, and no further than a part more."""
    middle = arb(middle)
    inside = all(found.contains(middle + sign * arb(end) * arb("0.999")) for sign in (-1, 1))
    return inside and not any(found.contains(middle + sign * arb(end) * arb("1.001")) for sign in (-1, 1))


# --- sums and products ---------------------------------------------------------------------------------


def test_a_sum_that_cancels_has_the_roundings_of_its_terms() -> None:
    terms = [1.0, held(0.1), -held(1.1)]
    assert reaches(sets("sum(x)", x=terms).item(), sum(map(arb, terms)), 4 * UNIT * sum(map(abs, terms)))


def test_terms_that_may_be_flushed_are_lost_twice() -> None:
    terms = [NORMAL * 1.5, NORMAL * 1.25, NORMAL]
    assert reaches(sets("sum(x)", flushes=True, x=terms).item(), NORMAL * 3.75, 6 * NORMAL)


def test_two_terms_are_rounded_once() -> None:
    assert reaches(sets("sum(x)", x=[1.0, 2.0**-30]).item(), arb(1) + arb(2) ** -30, UNIT)


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("sum(x)", [0.9 * LARGEST, 0.9 * LARGEST, -0.9 * LARGEST, -0.8 * LARGEST]),
        ("prod(x)", [1e30, 1e30, 1e-30, 1e-20]),
        ("exp(x)", 1000.0),
        ("x * x", 1e30),
    ],
)
def test_what_overflows_in_some_order_may_be_anything(text: str, x: Any) -> None:
    assert not sets(text, x=x).item().is_finite()


def test_what_a_partial_product_lost_is_carried_on() -> None:
    """1e-30 times 1e-15 is a subnormal number of one digit, which 1e30 makes large again."""
    factors = np.array([1e-30, 1e-15, 1e30], np.float32)
    got = float(factors[0] * factors[1] * factors[2])
    exact = np.prod(factors.astype(np.float64))
    assert abs(got - exact) > exact / 10
    assert sets("prod(x)", x=factors).item().contains(got)


def test_a_dot_product_rounds_its_products_before_it_adds() -> None:
    """The difference of two products that are nearly equal comes out as 0, and is 2**-24."""
    x, y = [1 + 2.0**-12, 1.0], [1 + 2.0**-12, -(1 + 2.0**-11)]
    allowed = sets("x @ y", x=x, y=y).item()
    assert allowed.contains(0)
    assert reaches(allowed, 2.0**-24, 3 * UNIT * ((1 + 2.0**-12) ** 2 + 1 + 2.0**-11))


def test_a_dot_product_has_as_many_roundings_as_terms() -> None:
    x = [held(0.1 * number) for number in range(1, 9)]
    exact = sum(arb(number) ** 2 for number in x)
    assert reaches(sets("x @ y", x=x, y=x).item(), exact, 9 * UNIT * float(exact))


def test_a_power_is_a_product_up_to_64_factors() -> None:
    x = arb(held(1.1))
    assert reaches(sets("x ** 64", x=1.1).item(), x**64, 66 * UNIT * float(x**64))
    assert reaches(sets("x ** 65", x=1.1).item(), x**65, 2 * UNIT * float(x**65))
    assert reaches(sets("x ** -1", x=3.0).item(), arb(1) / 3, 2 * UNIT / 3), "as pow gives it"
    assert reaches(sets("x ** -3", x=1.1).item(), 1 / x**3, 6 * UNIT / 1.1**3)


def test_a_python_number_that_the_dtype_has_not_is_rounded_too() -> None:
    assert reaches(sets("x * 0.1", x=1.0).item(), arb(0.1), 2 * UNIT * 0.1)


def test_what_a_scan_sends_back_has_as_many_terms_as_elements() -> None:
    """An engine that runs a scan as a tree adds its shares one by one: 4 and 1 make 5 roundings of 3 + 1, and 6."""
    found = gradients("sum(cumulative_sum(x, axis=0)) + sum(-x)", x=[0.1, 0.2, 0.3, 0.4])
    assert reaches(found[0], 3, 30 * UNIT)
    assert reaches(found[3], 0, 12 * UNIT)


def test_two_shares_that_are_sums_have_the_terms_of_both() -> None:
    one, both = gradients("vector_norm(x)", x=[3.0, 4.0]), gradients("vector_norm(x) + vector_norm(x)", x=[3.0, 4.0])
    assert float(both[0].rad() - 2 * one[0].rad()) > 4.9 * UNIT * 1.2


def test_a_fused_primitive_has_an_accuracy_beside_that_of_its_parts() -> None:
    fused = sets("rms_norm(x, axis=0)", x=[3.0, 4.0])
    parts = sets("x / sqrt(mean(x * x, axis=0, keepdims=True) + 1e-05)", x=[3.0, 4.0])
    for one, other in zip(fused, parts, strict=True):
        assert abs(float(one.rad() - other.rad()) / float(abs(one)) / UNIT - 2) < 0.01


# --- one operation -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "x", "exact", "units"),
    [
        ("exp(x)", 1.0, arb(1).exp(), 3),
        ("tanh(x)", 0.5, arb(0.5).tanh(), 2),
        ("x + 3 * 2 ** -30", 1.0, 1 + 3 * arb(2) ** -30, 1),
        ("x / 3", 1.0, arb(1) / 3, 1),
        ("sqrt(x)", 2.0, arb(2).sqrt(), 1),
    ],
)
@pytest.mark.parametrize("count", [1, vectors.MANY])
def test_an_operation_is_off_by_its_own_k_and_no_more(text: str, x: float, exact: arb, units: int, count: int) -> None:
    for found in sets(text, x=[x] * count):
        assert reaches(found, exact, units * UNIT * float(exact))


@pytest.mark.parametrize("count", [1, vectors.MANY])
def test_among_subnormal_numbers_a_unit_is_half_of_the_smallest(count: int) -> None:
    found = sets("exp(x)", x=[-100.0] * count)[0]
    assert reaches(found, arb(-100).exp(), 1.5 * SUBNORMAL + 3 * UNIT * float(np.exp(-100)))
    declared = sets("x / y", accuracies={"divide": 6}, x=[2.0**-140] * count, y=[3.0] * count)[0]
    assert reaches(declared, arb(2) ** -140 / 3, 3 * SUBNORMAL + 6 * UNIT * 2.0**-140 / 3)


def test_a_declared_accuracy_stands_in_place_of_the_page_s() -> None:
    found = sets("tanh(x)", accuracies={"tanh": 8}, x=0.5).item()
    assert reaches(found, arb(0.5).tanh(), 8 * UNIT * np.tanh(0.5))
    exact, declared = (rounding("float32", accuracies=given) for given in ({}, {"det": 50}))
    matrix = exact.asarray([[2.0, 1.0], [1.0, 3.0]])
    wider = declared.determinants(matrix).item().rad() - exact.determinants(matrix).item().rad()
    assert 49 < float(wider) / UNIT / 5 < 51


@pytest.mark.parametrize("count", [1, vectors.MANY])
def test_who_flushes_may_flush_what_is_given_and_what_comes_out(count: int) -> None:
    for x in (2.0**-140, -(2.0**-140)):
        assert all(found.contains(0) for found in sets("-x", flushes=True, x=[x] * count))
        assert not any(found.contains(0) for found in sets("-x", x=[x] * count))
    for found in sets("x * y", flushes=True, x=[2.0**-100] * count, y=[2.0**-40] * count):
        assert found.contains(0)


def test_who_flushes_compares_only_two_subnormal_numbers_as_zeros() -> None:
    assert sets("maximum(x, y)", flushes=True, x=2.0**-140, y=1.0).item() == 1
    both = sets("maximum(x, y)", flushes=True, x=2.0**-140, y=2.0**-141).item()
    assert both.contains(2.0**-141)
    assert both.contains(0)


def test_who_flushes_may_leave_one_subnormal_number_at_the_place_of_another() -> None:
    found = sets("sort(x)", flushes=True, x=[3 * SUBNORMAL, -2 * SUBNORMAL])
    assert all(one.contains(3 * SUBNORMAL) and one.contains(-2 * SUBNORMAL) for one in found)


def test_an_infinity_that_was_given_stays() -> None:
    found = sets("x + 1", x=np.inf).item()
    assert not found.is_nan()
    assert found > LARGEST


def test_at_a_tie_a_share_is_from_none_to_all() -> None:
    found = gradients("maximum(x, y)", x=2.0, y=2.0).item()
    assert found.contains(0)
    assert found.contains(1)
    assert not found.contains(-0.01)
    assert not found.contains(1.01)


# --- many elements -------------------------------------------------------------------------------------


def test_a_ball_keeps_all_of_its_numbers_on_its_way_to_float64() -> None:
    with ctx.workprec(128):
        exact = (arb(1) / 3, arb(2).sqrt(), arb(1))
        found = enclosed(objects(exact))
        for place, number in enumerate(exact):
            assert arb(float(found.middle[place]), float(found.radius[place])).contains(number)
    assert found.radius[2] == 0


def many_and_one(name: str, *operands: arb) -> tuple[arb, arb]:
    """Return what a step in bfloat16 makes of balls among many, and alone."""
    model = rounding("bfloat16")
    many = model.elementary(name, *(objects([one] * vectors.MANY) for one in operands))
    return many[0], model.elementary(name, *(objects([one]) for one in operands))[0]


def test_wide_balls_are_rounded_by_their_ends_among_many_too() -> None:
    for found in many_and_one("multiply", arb(2, 1.875), arb(1)):
        assert reaches(found, 2, 1.875 + 2.0**-8 * 3.875)


def test_a_ball_that_reaches_past_the_largest_number_is_anything_among_many_too() -> None:
    largest = DTYPES["bfloat16"].largest
    for found in many_and_one("multiply", arb(largest / 2, largest / 2 * 1.5), arb(1)):
        assert not found.is_finite()


def test_what_is_left_out_stays_left_out_behind_a_step_of_another_kind() -> None:
    """The square of 1e38 overflows; the exponential of it in the gradient of erf is not that of 0."""
    assert not any(found.is_finite() for found in gradients("erf(x)", x=np.full(vectors.MANY, 1e38)))


# --- balls ---------------------------------------------------------------------------------------------


def test_an_element_that_may_be_the_largest_may_get_all() -> None:
    for found in rounding("float32").share_of_maximum(objects([arb(2, 1), arb(2.25, 0.25)]), 0):
        assert found.contains(1)
        assert found.contains(0)


def test_the_angle_of_the_negative_axis_has_both_signs() -> None:
    found = sets("atan2(x, y)", x=0.0, y=-1.0).item()
    assert found.contains(arb.pi())
    assert found.contains(-arb.pi())


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("log_ndtr", lambda x: Ball().elementary("log_ndtr", objects(arb(x))).item()),
        ("i0", lambda x: arb(x).bessel_i(0)),
        ("selu", lambda x: ball_function("selu")(arb(x))),
        ("hardswish", lambda x: arb(x) * (arb(x) + 3) / 6),
    ],
)
def test_a_ball_that_goes_through_a_function_has_all_of_its_values(name: str, function: Callable[[float], arb]) -> None:
    found = ball_function(name)(arb(0, 1))
    assert all(found.overlaps(function(x)) for x in (-0.99, -0.5, 0.0, 0.5, 0.99))


def test_a_comparison_that_a_ball_leaves_open_has_both_sides() -> None:
    found = ball_function("leaky_relu")(arb(0, 1), arb(0.5))
    assert found.contains(0.99)
    assert found.contains(-0.49)


def test_certain_orders_are_one_place_each() -> None:
    found = order_of(objects([arb(3), arb(1), arb(2)])).astype(float).tolist()
    assert found == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


# --- the second order ----------------------------------------------------------------------------------


def second(text: str, g: float = 1.0, directions: tuple[float, ...] = (1.0,), **options: Any) -> tuple[Any, ...]:
    values = {name: np.float32(options.pop(name)) for name in ("x", "y") if name in options}
    certified = certify_pullback(parse_computation(text), values, (np.float32(g),), dtype="float32", **options)
    return tuple(found.item() for found in certified.gradients(tuple(map(np.float32, directions))))


def test_the_second_order_of_what_has_overflowed_is_anything() -> None:
    assert not any(found.is_finite() for found in second("x * y", 1e20, (1.0, 1.0), x=1e30, y=1e30))


def test_the_second_order_flushes_and_has_declared_accuracies() -> None:
    given: dict[str, Any] = {"x": 1.0, "y": 2.0**-140}
    assert second("x * y", 1.0, (1.0, 0.0), flushes_subnormals=True, **given)[2].contains(0)
    assert not second("x * y", 1.0, (1.0, 0.0), **given)[2].contains(0)
    plain, declared = second("tanh(x)", x=0.5), second("tanh(x)", x=0.5, accuracies={"tanh": 2000})
    assert declared[0].rad() > 10 * plain[0].rad()


def test_the_public_function_flushes_too() -> None:
    x = {"x": np.float32(2.0**-140)}
    sets_of = [
        admissible(parse_computation("-x"), x, (np.float32(1),), dtype="float32", flushes_subnormals=flushes).outputs[0]
        for flushes in (True, False)
    ]
    assert [found.item().contains(0) for found in sets_of] == [True, False]


# --- matrices ------------------------------------------------------------------------------------------


def eliminated(matrix: Array) -> tuple[Array, Array, Array]:
    """Return the factors of a matrix, eliminated with pivoting in bfloat16, and the order of its rows."""
    kind = DTYPES["bfloat16"].numpy
    left, order = matrix.astype(kind), np.arange(len(matrix))
    for column in range(len(matrix)):
        pivot = column + int(np.argmax(np.abs(left[column:, column]).astype(np.float64)))
        left[[column, pivot]], order[[column, pivot]] = left[[pivot, column]], order[[pivot, column]]
        below = left[column + 1 :]
        below[:, column] = below[:, column] / left[column, column]
        below[:, column + 1 :] = below[:, column + 1 :] - np.outer(below[:, column], left[column, column + 1 :])
    whole = left.astype(np.float64)
    return np.tril(whole, -1) + np.eye(len(whole)), np.triu(whole), order


def growing(size: int) -> Array:
    """Return a matrix whose last column doubles at each step of an elimination (Wilkinson), with digits to round."""
    random = np.random.Generator(np.random.PCG64(3)).random((size, size)) / 10
    matrix = np.eye(size) - np.tril(1 - random, -1)
    matrix[:, -1] = 1 - random[:, -1]
    return matrix.astype(DTYPES["bfloat16"].numpy).astype(np.float64)


def test_an_elimination_is_exact_for_one_of_the_nearby_matrices() -> None:
    size, facts = 8, DTYPES["bfloat16"]
    matrix = growing(size)
    lower, upper, order = eliminated(matrix)
    error = np.abs(lower @ upper - matrix[order])
    assert error.max() > 2 * (size + 2) * facts.unit_roundoff, "nothing grows: the test is too mild"
    by_columns, _ = Elimination(facts, facts.smallest_subnormal).nearby(objects(matrix * arb(1)), 1)
    radii = np.array([[float(one.rad()) for one in row] for row in by_columns])
    assert (error <= radii[order]).all()


def test_a_nearby_matrix_is_no_further_than_the_growth_of_its_columns_or_rows() -> None:
    """``((1 + u)^(n + 2) - 1) (2^n - 1)`` times the largest element, and what underflows."""
    matrix = objects([[arb(1), arb(4)], [arb(0.5), arb(2)]])
    by_columns, by_rows = Elimination(DTYPES["float32"], SUBNORMAL).nearby(matrix, 1)
    for found, largest in ((by_columns, [[1, 4], [1, 4]]), (by_rows, [[4, 4], [2, 2]])):
        for place in np.ndindex(2, 2):
            assert abs(float(found[place].rad()) / (4 * UNIT * 3 * largest[place[0]][place[1]]) - 1) < 1e-3


def test_an_elimination_loses_what_underflows() -> None:
    matrix = objects([[arb(2) ** -140, arb(2) ** -141], [arb(2) ** -142, arb(2) ** -140]])
    for found in Elimination(DTYPES["float32"], SUBNORMAL).nearby(matrix, 1):
        assert all(4 * SUBNORMAL < float(one.rad()) < 5 * SUBNORMAL for one in found.ravel())


def test_a_product_of_pivots_underflows_and_overflows() -> None:
    assert sets("det(x)", x=[[1e-30, 0.0], [0.0, 1e-30]]).item().contains(0)
    assert not sets("det(x)", x=[[1e30, 1e30], [1.0, 1.0]]).item().is_finite(), "by columns it overflows"
    assert not sets("det(x)", x=[[1e30, 1.0], [1e30, 1.0]]).item().is_finite(), "by rows it overflows"


def test_three_rows_may_be_written_out() -> None:
    """A matrix of rank one, but for its roundings: the six terms do not cancel as well as pivots do."""
    x = np.outer([1.1, 0.7, 1.3], [0.9, 1.7, 0.3]).astype(np.float32)
    allowed, (a, b, c) = sets("det(x)", x=x).item(), x
    terms = [a[i] * b[j] * c[k] for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))]
    others = [a[i] * b[j] * c[k] for i, j, k in ((0, 2, 1), (1, 0, 2), (2, 1, 0))]
    written_out = ((terms[0] - others[0]) + (terms[1] - others[1])) + (terms[2] - others[2])
    assert allowed.contains(float(written_out))
    assert allowed.contains(5 * UNIT * float(sum(terms) + sum(others)))


def test_logarithms_of_pivots_cancel_with_the_errors_of_each() -> None:
    """``log(3e10) + log(3.3e-11)`` is nearly 0, and each is 24: five roundings of twice that are 240 units."""
    found = sets("logabsdet(x)", x=[[3e10, 0.0], [0.0, 3.3e-11]]).item()
    near = arb(held(3e10)).log() + arb(held(3.3e-11)).log()
    assert found.contains(near + 240 * UNIT)
    assert found.contains(near - 240 * UNIT)
    assert not found.contains(near + 1000 * UNIT)


def test_a_solution_of_one_equation_is_a_rounded_quotient() -> None:
    found = sets("solve(x, y)", x=[[3.0]], y=[[1.0]]).item()
    assert reaches(found, arb(1) / 3, 3 * UNIT / 3)


@pytest.mark.parametrize(
    ("text", "x", "exact", "end"),
    [
        ("eigvalsh(x)", [[1.0, 0.0], [0.0, 2.0]], 1, 40 * 5**0.5),
        ("eigvalsh(x)", [[3.0]], 3, 10 * 3),
        ("cholesky(x)", [[2.0]], arb(2).sqrt(), 3 * 2**0.5),
        ("pinv(x)", [[1.0]], 1, 40),
    ],
)
def test_a_factorisation_is_off_by_its_bound_and_no_more(text: str, x: Any, exact: Any, end: float) -> None:
    assert reaches(sets(text, x=x).ravel()[0], exact, end * UNIT)


def test_where_a_singular_value_may_be_taken_for_zero_a_pseudo_inverse_is_anything() -> None:
    """NumPy's and others' cut is a few units times the size of the matrix: 2**-18.4 here is below it for some."""
    assert not sets("pinv(x)", x=[[1.0, 0.0], [0.0, 2.0**-17]]).ravel()[0].is_finite()
    assert sets("pinv(x)", x=[[1.0, 0.0], [0.0, 2.0**-14]]).ravel()[0].is_finite()


ONE_TRIANGLE, THE_OTHER = ([[arb(1), arb(2)], [arb(2), arb(5)]], [[arb(1), arb(1)], [arb(3), arb(5)]])


def test_the_eigenvalues_of_a_ball_of_matrices_are_those_of_all() -> None:
    assert ball_eigenvalues(objects([[arb(1, 0.1)]]))[0].contains(1.09)
    symmetric, other = (Ball().factorised("eigvalsh", objects(x)) for x in (ONE_TRIANGLE, THE_OTHER))
    assert all(one.overlaps(two) for one, two in zip(symmetric, other, strict=True)), "the other triangle counts too"


def test_a_determinant_in_floating_point_has_the_sign_of_its_swaps() -> None:
    for rows in ([0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1], [0, 2, 1]):
        matrix = np.diag([2.0, 3.0, 5.0])[rows]
        assert matrices.eliminated(matrix) == np.linalg.det(matrix).round()


def test_a_line_of_zeros_stays_one() -> None:
    assert sets("det(x)", x=[[0.0, 0.0], [1.1, 2.3]]).item() == 0
    assert sets("det(x)", x=[[0.0, 1.1], [0.0, 2.3]]).item() == 0


def test_a_gradient_of_a_determinant_that_underflows_may_be_anything() -> None:
    """Who multiplies the inverse by the determinant, which is 0, gets 0."""
    for found in gradients("det(x)", x=[[1e-30, 0.0], [0.0, 1e-30]]).ravel():
        assert found == 0 or not found.is_finite() or found.contains(0)


def test_eigenvectors_stand_in_the_order_of_the_eigenvalues() -> None:
    matrix = objects([[arb(3), arb(1)], [arb(1), arb(-2)]])
    values, vectors_of = (Ball().factorised(name, matrix) for name in ("eigvalsh", "eigenvectors"))
    assert values[0] < values[1]
    for place, value in enumerate(values):
        column = vectors_of[:, place]
        for row, number in zip(matrix, column, strict=True):
            assert (row[0] * column[0] + row[1] * column[1]).overlaps(value * number)


def test_formulas_that_differ_by_the_order_of_operands_stay_two() -> None:
    programs = tuple(parse_formula(text, ("x", "y"), ("subtract",)) for text in ("x - y", "y - x", "x - y"))
    steps, _, ends = joined(programs)
    assert len(steps) == 2
    assert ends[0] == ends[2] != ends[1]


FORMULAS: Final = [
    (name, place)
    for name, rule in RULES.items()
    if rule.elementwise
    for place in range(len(rule.vjp))
    if len(rule.written(place)) > 1
]


@pytest.mark.parametrize(("name", "place"), FORMULAS)
def test_every_formula_of_a_gradient_is_admitted(name: str, place: int) -> None:
    """The set of all formulas together has that of each alone inside."""
    page, model, programs = load_primitives()[name], rounding("float32"), RULES[name].written(place)
    numbers = [Source.of(page, (operand,), DTYPES["float32"]).fallback[:3] for operand in page.operands]
    operands = [model.asarray(np.resize(one, 3)) for one in numbers]
    attributes = [model.asarray(np.full(3, 1.5)) for attribute in page.attributes if attribute.numeric]
    given = (model.asarray([1.25, -0.7, 3.0]), model.elementary(name, *operands, *attributes), *operands, *attributes)
    whole = model._fuse(programs)(*given)
    for program in programs:
        for one, all_of_them in zip(model._fuse((program,))(*given), whole, strict=True):
            assert not all_of_them.is_finite() or all_of_them.contains(one)


def test_the_size_of_a_ball_around_zero_is_left_to_flint() -> None:
    ball = enclosed(objects([arb(0.5, 1), arb(2, 1), arb(-2, 1)]))
    assert vectors.Steps.abs(ball).sure.tolist() == [False, True, True]
    assert vectors.Steps.square(ball).sure.tolist() == [False, True, True]
