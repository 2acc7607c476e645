"""Joint sets at kinks: what is just inside passes, what is just outside does not, for shares and for vectors."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pytest

from gradlaw_properties import Settings, Unit, examine
from gradlaw_properties.engines import reference_target
from gradlaw_properties.joint import Grid, arranged, judge_joint, member
from gradlaw_properties.mutants import corner_without_length
from gradlaw_properties.strategies import primitive_cases
from gradlaw_properties.trial import Trial
from gradlaw_reference import certify
from gradlaw_spec import DTYPES, Case, Program, Step, load_primitives, parse_computation

DTYPE_NAMES: Final = list(DTYPES)


def trial(called: str, cotangent: Any, dtype: str = "float64", **values: Any) -> Trial:
    """Return a trial of the reference at one step: its own gradients are inside."""
    program = parse_computation(called)
    (name,) = program.primitives
    numpy = DTYPES[dtype].numpy
    given = {key: np.asarray(value, numpy) for key, value in values.items()}
    cotangents = (np.asarray(cotangent, numpy),)
    case = Case(subject=name, program=program, values=given, cotangents=cotangents, dtype=dtype, seed=0)
    return Trial(reference_target(), case)


def grid(dtype: str) -> Grid:
    return Grid.of(trial("hypot(x1, x2)", 1.0, dtype, x1=0.0, x2=0.0))


def neighbour(number: float, dtype: str, towards: float, steps: int = 1) -> float:
    near = np.asarray(number, DTYPES[dtype].numpy)
    for _ in range(steps):
        near = np.nextafter(near, np.asarray(towards, near.dtype))
    return float(near)


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
@pytest.mark.parametrize("g", [1.0, -2.0, 0.75])
def test_a_vector_as_long_as_the_cotangent_is_inside_and_a_longer_one_is_not(dtype: str, g: float) -> None:
    exact = grid(dtype)
    for vector in ([g, 0.0], [0.0, -g], [0.0, 0.0], [g / 2, g / 2], [0.6 * g, 0.8 * g]):
        rounded = np.asarray(vector, DTYPES[dtype].numpy).astype(float).tolist()
        assert member("ball", rounded, g, exact)
    most = neighbour(abs(g), dtype, math.inf)  # one ulp is at most two unit roundoffs
    assert member("ball", [most, 0.0], g, exact) == (most <= abs(g) * float(1 + exact.unit))
    assert not member("ball", [neighbour(abs(g), dtype, math.inf, 3), 0.0], g, exact)
    assert not member("ball", [g, g], g, exact)
    assert not member("ball", [g, g / 2], g, exact)
    assert not member("ball", [math.nan, 0.0], g, exact)
    assert not member("ball", [math.inf, 0.0], g, exact)


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
def test_the_length_of_a_ball_is_exact_in_two_dimensions(dtype: str) -> None:
    """3-4-5 lies on the sphere; what is longer by more than two roundings of each element is outside."""
    exact, unit = grid(dtype), DTYPES[dtype].unit_roundoff
    assert member("ball", [3.0, 4.0], 5.0, exact)
    assert member("ball", [3.0 * (1 + 2 * unit), 4.0], 5.0, exact)
    assert not member("ball", [3.0 * (1 + 4 * unit), 4.0 * (1 + 4 * unit)], 5.0, exact)


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
@pytest.mark.parametrize("g", [1.0, -2.0])
def test_shares_that_add_up_are_inside_and_others_are_not(dtype: str, g: float) -> None:
    exact, unit = grid(dtype), DTYPES[dtype].unit_roundoff
    third = float(np.asarray(g / 3, DTYPES[dtype].numpy))
    for shares in ([g, 0.0, 0.0], [g / 2, g / 2, 0.0], [third] * 3, [0.25 * g, 0.75 * g, -0.0]):
        assert member("shares", shares, g, exact)
    assert member("shares", [g * (1 + 2 * unit), 0.0], g, exact)
    for shares in ([g, g], [0.0, 0.0], [g / 2, 0.0], [1.5 * g, -0.5 * g], [g * (1 + 4 * unit), 0.0], [math.nan, g]):
        assert not member("shares", shares, g, exact)


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
def test_sizes_at_an_origin_of_order_infinity_add_up_to_at_most_the_cotangent(dtype: str) -> None:
    exact, unit = grid(dtype), DTYPES[dtype].unit_roundoff
    for vector in ([2.0, 0.0], [-1.0, 1.0], [0.0, 0.0], [0.5, -1.5]):
        assert member("signed-shares", vector, -2.0, exact)
    for vector in ([2.0, 0.5], [-2.0, 2.0], [2.0 * (1 + 4 * unit), 0.0], [math.nan, 0.0]):
        assert not member("signed-shares", vector, -2.0, exact)


@pytest.mark.parametrize(
    ("gradient", "problem"),
    [
        ([1.0, -1.0], ""),
        ([2.0, 0.0], ""),
        ([1.0, 1.0], "together"),
        ([2.0, -2.0], "together"),
        ([-2.0, -4.0], "together"),
    ],
)
def test_shares_of_elements_of_one_size_have_their_signs(gradient: list[float], problem: str) -> None:
    given = trial("vector_norm(x, ord=inf)", 2.0, x=[3.0, -3.0])
    given.pull = lambda cotangents=None: (np.array(gradient),)  # type: ignore[method-assign]
    found = judge_joint(given).problem
    assert problem in found
    assert bool(problem) == bool(found)


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
def test_a_deviation_s_corner_is_a_ball_of_vectors_that_add_up_to_zero(dtype: str) -> None:
    exact, unit = grid(dtype), DTYPES[dtype].unit_roundoff
    assert member("centred-ball", [0.0], 3.0, exact)
    assert not member("centred-ball", [0.5], 3.0, exact)
    assert member("centred-ball", [1.0, -1.0], 2.0, exact, 2)
    assert not member("centred-ball", [1.0 + 4 * unit, -1.0 - 4 * unit], 2.0, exact, 2)
    assert not member("centred-ball", [1.0, -0.5], 2.0, exact, 2)
    assert not member("centred-ball", [1.0, 0.0], 2.0, exact, 2)
    assert not member("centred-ball", [math.nan, 0.0], 2.0, exact, 2)


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
@pytest.mark.parametrize(
    ("text", "x", "ends"),
    [
        ("vector_norm(x)", [0.0, 0.0], 1.0),
        ("vector_norm(x)", [0.0], 1.0),
        ("matrix_norm(x)", [[0.0, 0.0], [0.0, 0.0]], 1.0),
        ("std(x)", [0.0, 0.0], 0.5),
        ("std(x)", [0.0, 0.0, 0.0, 0.0], math.sqrt(3) / 4),
        ("std(x)", [7.0], 0.0),
        ("std(x, correction=1)", [0.0, 0.0], math.sqrt(0.5)),
        ("std(x, correction=0.5)", [7.0], 0.0),
    ],
)
def test_the_interval_of_one_element_is_the_projection_of_its_joint_set(
    text: str, x: list[float], ends: float, dtype: str
) -> None:
    certified = certify(parse_computation(text), {"x": np.asarray(x, DTYPES[dtype].numpy)}, dtype=dtype)
    for allowed in certified.gradients((np.ones(()),))[0].ravel():
        assert allowed.contains(ends)
        assert allowed.contains(-ends)
        assert not allowed.contains(ends + 1e-6)
        assert not allowed.contains(-ends - 1e-6)


def test_the_origin_of_hypot_is_judged_and_its_axes_are_ordinary() -> None:
    certified = certify(
        parse_computation("hypot(x, y)"), {"x": np.zeros(2), "y": np.array([0.0, -3.0])}, dtype="float64"
    )
    first, second = certified.gradients((np.ones(2),))
    assert first[0].is_finite()
    assert second[0].is_finite()
    assert (first[1] == 0, second[1].contains(-1), second[1].contains(-1.0001)) == (True, True, False)


@pytest.mark.parametrize(
    ("called", "values", "points"),
    [
        ("hypot(x1, x2)", {"x1": 0.0, "x2": 0.0}, 1),
        ("hypot(x1, x2)", {"x1": 0.0, "x2": 1.0}, 0),
        ("maximum(x1, x2)", {"x1": 2.0, "x2": 2.0}, 1),
        ("maximum(x1, x2)", {"x1": 2.0, "x2": 1.0}, 0),
        ("max(x)", {"x": [2.0, 1.0, 2.0]}, 1),
        ("min(x)", {"x": [2.0, 1.0, 2.0]}, 0),
        ("vector_norm(x)", {"x": [0.0, 0.0]}, 1),
        ("vector_norm(x, ord=1)", {"x": [0.0, 0.0]}, 0),
        ("vector_norm(x, ord=3)", {"x": [0.0, 0.0]}, 1),
        ("vector_norm(x, ord=3)", {"x": [0.0, 2.0]}, 0),
        ("vector_norm(x, ord=-1)", {"x": [0.0, 0.0, 3.0]}, 1),
        ("vector_norm(x, ord=-1)", {"x": [1.0, 0.0, 3.0]}, 0),
        ("vector_norm(x, ord=inf)", {"x": [2.0, -2.0, 1.0]}, 1),
        ("vector_norm(x, ord=inf)", {"x": [2.0, 1.0, 1.0]}, 0),
        ("vector_norm(x, ord=inf)", {"x": [0.0, 0.0]}, 1),
        ("vector_norm(x, ord=-inf)", {"x": [2.0, -1.0, 1.0]}, 1),
        ("vector_norm(x, ord=-inf)", {"x": [0.0, 2.0, 0.0]}, 1),
        ("matrix_norm(x)", {"x": [[0.0, 0.0], [0.0, 0.0]]}, 1),
        ("std(x)", {"x": [0.0, 0.0, 0.0]}, 1),
        ("std(x)", {"x": [5.0]}, 1),
        ("std(x, correction=1)", {"x": [5.0]}, 0),
        ("std(x, correction=inf)", {"x": [5.0, 5.0]}, 0),
        ("std(x, correction=1)", {"x": [0.0, 0.0]}, 1),
        ("sum(x)", {"x": [0.0, 0.0]}, 0),
    ],
)
def test_the_reference_is_inside_wherever_elements_meet(called: str, values: dict[str, Any], points: int) -> None:
    outcome = judge_joint(trial(called, 2.0, **values))
    assert (outcome.problem, outcome.points) == ("", points)


@pytest.mark.parametrize("point", [[0.0, 1.0], [2.0, -1.0], [1.0, 3.0], [-1.0, -1.0]])
def test_gradients_around_a_norm_of_order_minus_one_are_signed_shares(point: list[float]) -> None:
    given = {"x": np.asarray(point) * 2.0**-100}
    found = certify(parse_computation("vector_norm(x, ord=-1)"), given, dtype=None, precision=300)
    vector = [float(item.mid()) for item in found.gradients((np.ones(()),))[0]]
    assert member("signed-shares", vector, 1.0, grid("float64"))


def test_a_dual_ball_is_that_of_the_dual_order() -> None:
    exact = grid("float64")
    assert member("dual-ball", [1.0, 0.0], 1.0, exact, 3)
    assert member("dual-ball", [0.5, 0.75], 1.0, exact, 1.5)  # 1/8 + 27/64 is less than 1
    assert not member("dual-ball", [0.5, 0.75], 1.0, exact, 4)
    assert not member("dual-ball", [0.9, 0.9], 1.0, exact, 1.5)
    assert not member("dual-ball", [math.nan, 0.0], 1.0, exact, 3)


@pytest.mark.parametrize("seed", range(3))
def test_a_vector_that_is_too_long_at_the_origin_is_told_and_shrunk(seed: int) -> None:
    (cell,) = examine(Unit("hypot", "float64", ("gradient",)), corner_without_length.build(), Settings(seed=seed))
    assert "at the kink value == 0" in cell.message
    assert "a vector of length at most" in cell.message
    assert cell.witness is not None
    assert [array.size for array in cell.witness.case.values.values()] == [1, 1]


@pytest.mark.parametrize("name", ["hypot", "vector_norm", "matrix_norm", "std"])
def test_corners_are_drawn_often(name: str) -> None:
    from test_strategies import drawn

    cases = drawn(primitive_cases(load_primitives()[name], "float32"))
    assert sum(judge_joint(Trial(reference_target(), case)).points > 0 for case in cases) >= 5


@pytest.mark.parametrize(
    ("name", "count", "attributes"),
    [
        ("hypot", 2, {}),
        ("vector_norm", 1, {}),
        ("vector_norm", 5, {}),
        ("vector_norm", 5, {"ord": 1.5}),
        ("vector_norm", 5, {"ord": 3}),
        ("vector_norm", 2, {"ord": 4}),
        ("std", 2, {}),
        ("std", 6, {}),
        ("std", 2, {"correction": 1}),
        ("std", 6, {"correction": 0.5}),
    ],
)
def test_the_gradients_around_a_corner_are_in_its_set_and_reach_its_end(
    name: str, count: int, attributes: dict[str, Any]
) -> None:
    """The set is the convex hull of the slopes around the point: each of them is in it, and at its end."""
    draw = np.random.Generator(np.random.PCG64(5))
    page, exact = load_primitives()[name], grid("float64")
    kink = next(one for one in page.kinks_at(page.complete(attributes)) if one.corner)
    names = ("x1", "x2") if name == "hypot" else ("x",)
    counted = kink.counted(count, page.complete(attributes))
    program = Program(names, (Step(("y",), name, names, attributes),), ("y",))
    for _ in range(20):
        point = draw.standard_normal(count) * 2.0**-100
        values = dict(zip(names, point, strict=True)) if name == "hypot" else {"x": point}
        given = {key: np.asarray(value) for key, value in values.items()}
        found = certify(program, given, dtype=None, precision=300).gradients((np.ones(()),))
        vector = [float(item.mid()) for gradient in found for item in gradient.ravel()]
        assert member(kink.joint, vector, 1.0, exact, counted)
        assert not member(kink.joint, [1.0001 * number for number in vector], 1.0, exact, counted)


def test_equal_elements_share_the_cotangents_of_their_places() -> None:
    exact = grid("float64")
    for vector in ([1.0, 5.0, -2.0], [-2.0, 1.0, 5.0], [4 / 3] * 3, [3.0, 3.0, -2.0], [4.0, 2.0, -2.0]):
        assert arranged(vector, [5.0, 1.0, -2.0], exact)
    for vector in ([5.0, 5.0, -2.0], [5.0, 5.0, -6.0], [1.0, 1.0, 1.0], [6.0, 0.0, -2.0], [math.nan, 5.0, 1.0]):
        assert not arranged(vector, [5.0, 1.0, -2.0], exact)


@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_of_a_sort_that_get_one_cotangent_twice_are_seen(descending: bool) -> None:
    attributes = {"axis": 0, "descending": descending}
    program = Program(("x",), (Step(("y",), "sort", ("x",), attributes),), ("y",))
    values = {"x": np.array([2.0, 1.0, 2.0])}
    cotangents = (np.array([7.0, 10.0, 20.0] if not descending else [20.0, 10.0, 7.0]),)
    case = Case(subject="sort", program=program, values=values, cotangents=cotangents, dtype="float64", seed=0)
    right = Trial(reference_target(), case)
    assert judge_joint(right).points == 1
    assert judge_joint(right).problem == ""
    wrong = Trial(reference_target(), case)
    wrong.pull = lambda cotangents=None: (np.array([20.0, 7.0, 20.0]),)  # type: ignore[method-assign]
    assert "of equal elements" in judge_joint(wrong).problem
