"""Balls in two float64 arrays beside flint's and exact numbers: nothing is missing in them, and little too much."""

from __future__ import annotations

import operator
from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gradlaw_properties import judge
from gradlaw_properties.strategies.cases import primitive_cases
from gradlaw_reference import certify
from gradlaw_reference.arithmetic import vectors
from gradlaw_reference.arithmetic.rounding import rounding
from gradlaw_spec import DTYPES as DTYPES_FACTS
from gradlaw_spec import Case, load_primitives

DTYPES = ("float32", "bfloat16", "float16")
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SHORT = st.integers(-(2**20), 2**20).map(lambda n: n / 2**10)
RADII = st.one_of(st.just(0.0), st.floats(0, 2.0**-10), st.floats(0, 2.0**10))
STEPS = [name for name in load_primitives() if vectors.in_vectors(name)]


EXACT = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv}
SEVERAL = settings(max_examples=300, deadline=None, derandomize=True, database=None, phases=(Phase.generate,))


@pytest.mark.parametrize("name", EXACT)
@SEVERAL
@given(st.tuples(NUMBERS, RADII), st.tuples(NUMBERS, RADII))
def test_no_number_of_a_step_is_missing(name, first, second):
    """The step of the ends of both balls, in fractions, lies inside; so what is not exact has no radius 0."""
    both = [vectors.enclosed(balls([m], [r])) for m, r in (first, second)]
    with np.errstate(all="ignore"):
        found = getattr(vectors.Steps, name)(*both)
    if not found.sure[0]:
        return
    middle, radius = Fraction(found.middle[0]), Fraction(found.radius[0])
    for x in (Fraction(first[0]) + sign * Fraction(first[1]) for sign in (-1, 0, 1)):
        for y in (Fraction(second[0]) + sign * Fraction(second[1]) for sign in (-1, 0, 1)):
            assert abs(EXACT[name](x, y) - middle) <= radius


@SEVERAL
@given(NUMBERS.map(abs), RADII)
def test_no_number_of_a_root_is_missing(number, radius):
    ball = vectors.enclosed(balls([number], [radius]))
    with np.errstate(all="ignore"):
        found = vectors.Steps.sqrt(ball)
    if not found.sure[0]:
        return
    low, high = (Fraction(found.middle[0]) + sign * Fraction(found.radius[0]) for sign in (-1, 1))
    assert low**2 <= Fraction(number) - Fraction(radius)
    assert high**2 >= Fraction(number) + Fraction(radius)


def balls(middles: list[float], radii: list[float]) -> np.ndarray:
    return np.array([arb(m, r) for m, r in zip(middles, radii, strict=True)], dtype=object)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", STEPS)
@settings(max_examples=10, deadline=None, derandomize=True, database=None, phases=(Phase.generate,))
@given(data=st.data())
def test_a_step_has_the_same_balls(name, dtype, data):
    count, size = len(load_primitives()[name].operands), vectors.MANY
    operands = tuple(
        balls(
            data.draw(st.lists(st.one_of(NUMBERS, SHORT), min_size=size, max_size=size)),
            data.draw(st.lists(RADII, min_size=size, max_size=size)),
        )
        for _ in range(count)
    )
    model = rounding(dtype)
    together = model.elementary(name, *operands)
    alone = [model.elementary(name, *(one[i : i + 1] for one in operands))[0] for i in range(size)]
    for many, one in zip(together.tolist(), alone, strict=True):
        assert_alike(many, one)


def assert_alike(many: arb, one: arb) -> None:
    """Assert that a ball is no wider than flint's, nor much narrower: flint divides wide balls with 28 bits or so."""
    if not one.is_finite():
        assert not many.is_finite()
    elif one.is_exact():
        assert many.is_exact()
        assert many == one
    else:
        wider = one.rad() * 2.0**-10 + abs(one.mid()) * 2.0**-50
        narrower = one.rad() * 2.0**-6 + abs(one.mid()) * 2.0**-26
        assert one.lower() - wider <= many.lower() <= one.lower() + narrower
        assert one.upper() - narrower <= many.upper() <= one.upper() + wider


def enlarged(case: Case) -> Case | None:
    """Return a case with its arrays repeated along a new first axis, or None: it has many elements then."""
    names = [*case.program.inputs, *case.program.data]
    if len({case.values[name].shape for name in names}) > 1 or not case.values[names[0]].size:
        return None
    times = -(-vectors.MANY // case.values[names[0]].size)
    values = {name: np.stack([case.values[name]] * times) for name in names}
    return Case(
        subject=case.subject,
        program=case.program,
        values=values,
        cotangents=tuple(np.stack([one] * times) for one in case.cotangents),
        dtype=case.dtype,
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "name", [name for name, page in load_primitives().items() if page.shapes == "elementwise" and page.name != "where"]
)
def test_gradients_of_many_elements_are_those_of_one(name, dtype):
    compared = 0

    @settings(max_examples=4, deadline=None, derandomize=True, database=None, phases=(Phase.generate,))
    @given(primitive_cases(load_primitives()[name], dtype))
    def run(case: Case) -> None:
        nonlocal compared
        large = enlarged(case)
        if large is None:
            return
        first, many = (certify(one.program, one.values, dtype=dtype) for one in (case, large))
        for single, whole in zip(first.gradients(case.cotangents), many.gradients(large.cotangents), strict=True):
            for one, other in zip(
                single.ravel().tolist(), np.asarray(whole[0], dtype=object).ravel().tolist(), strict=True
            ):
                assert_alike(other, one)
                compared += 1

    run()
    assert compared > 3


@pytest.mark.parametrize("count", [vectors.MANY - 1, vectors.MANY])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_ends_of_many_sets_are_as_sharp_as_those_of_one(dtype, count):
    """A neighbour of the dtype is outside of sets that reach half as far, however many there are."""
    numbers = (1 + np.arange(count) / 64).astype(dtype)
    unit = DTYPES_FACTS[dtype].unit_roundoff
    sets = balls(numbers.astype(float).tolist(), (unit * numbers.astype(float)).tolist())
    assert judge("x", numbers, sets, dtype).outside == 0
    assert judge("x", np.nextafter(numbers, np.asarray(4, dtype)), sets, dtype).outside == (numbers < 2).sum()


def test_judging_many_finds_the_one_that_is_outside():
    sets = balls([1.0 + i for i in range(100)], [0.01] * 100)
    numbers = np.arange(100) + 1.0
    assert judge("x", numbers, sets, "float32").problem == ""
    numbers[70] += 0.0100001
    outcome = judge("x", numbers, sets, "float32")
    assert "x[70]" in outcome.problem
    assert (outcome.points, outcome.outside) == (100, 1)
    numbers[70] = np.nan
    assert "x[70]" in judge("x", numbers, sets, "float32").problem
