"""A dtype is a fact of each value: promotion, casts, and steps that are computed in a wider dtype."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import HealthCheck, given, seed, settings

from gradlaw_properties.judge import judge
from gradlaw_properties.strategies import program_cases
from gradlaw_reference import FLOAT64, admissible, certify, in_dtype, using
from gradlaw_reference.engine import apply
from gradlaw_reference.programs import run
from gradlaw_spec import (
    DTYPES,
    Case,
    Program,
    SpecError,
    Step,
    computed_in,
    load_primitives,
    parse_computation,
    value_dtypes,
)
from gradlaw_spec import promoted as promoted_dtype

BFLOAT16 = DTYPES["bfloat16"].numpy
MIXED = parse_computation("s = astype(x * x, 'bfloat16'); y = astype(exp(s), 'float32') * x")


def test_dtypes_promote_to_the_narrowest_that_holds_both() -> None:
    for first, second in itertools.product(DTYPES, repeat=2):
        found = DTYPES[promoted_dtype(first, second)]
        assert found.holds(DTYPES[first])
        assert found.holds(DTYPES[second])
        assert promoted_dtype(first, second) == promoted_dtype(second, first)
    assert promoted_dtype("float16", "bfloat16") == "float32"
    assert promoted_dtype("bfloat16", "float64") == "float64"
    assert promoted_dtype("float16") == "float16"
    with pytest.raises(SpecError, match="int8"):
        promoted_dtype("int8", "float32")


def test_dtypes_of_values() -> None:
    found = value_dtypes(MIXED, {"x": "float32"})
    assert found == {
        "x": "float32",
        "t1": "float32",
        "s": "bfloat16",
        "t2": "bfloat16",
        "t3": "float32",
        "y": "float32",
    }
    scaled = parse_computation("y = 2 * x + z")
    assert value_dtypes(scaled, {"x": "bfloat16", "z": "float16"})["y"] == "float32"


@seed(4)
@settings(max_examples=150, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(program_cases(load_primitives(), "float32", seed=2))
def test_the_engine_and_the_spec_name_the_same_dtypes(case: Case) -> None:
    start = dict.fromkeys((*case.program.inputs, *case.program.data), "float32")
    start = {name: dtype for name, dtype in start.items() if case.values[name].dtype.name in DTYPES}
    with using(FLOAT64), np.errstate(all="ignore"):
        given = {name: in_dtype(value, start[name]) if name in start else value for name, value in case.values.items()}
        known = run(case.program, given)
    expected = value_dtypes(case.program, start)
    assert {name: value.dtype for name, value in known.items() if value.dtype} == expected
    assert all(known[name].data.dtype.name == dtype for name, dtype in expected.items())


def test_operands_of_several_dtypes_are_cast_before_they_meet() -> None:
    x, w = np.array([1.5, -2.25], BFLOAT16), np.array([1.1, 3.3], np.float32)
    with using(FLOAT64):
        product = apply("multiply", (in_dtype(x, "bfloat16"), in_dtype(w, "float32")))
    assert product.dtype == "float32"
    assert (product.data == x.astype(np.float32) * w).all()
    certified = certify(parse_computation("x * w"), {"x": x, "w": w}, dtype="float32", dtypes={"x": "bfloat16"})
    (dx, dw) = certified.gradients((np.array([1.0, 1.0]),))
    rounded = w.astype(BFLOAT16).astype(np.float64)
    assert all(allowed.contains(arb(number)) for allowed, number in zip(dx, rounded, strict=True))
    assert all(allowed.rad() > 2.0**-12 for allowed in dx), "the gradient of x is rounded to its own dtype"
    assert all(allowed == arb(float(number)) for allowed, number in zip(dw, x, strict=True))


def test_a_cast_rounds_the_value_and_the_cotangent_that_returns() -> None:
    program, x = parse_computation("y = astype(x, 'float32')"), np.array([1.00390625], BFLOAT16)
    start = {"x": "bfloat16"}
    sets = admissible(program, {"x": x}, (np.array([1.1], np.float32),), dtype="float32", dtypes=start)
    assert sets.outputs[0][0] == arb(float(x[0])), "a wider dtype holds what a narrower one has"
    assert judge("dx", np.array([1.1], BFLOAT16), sets.gradients[0], "bfloat16").problem == ""
    assert judge("dx", np.array([1.2], BFLOAT16), sets.gradients[0], "bfloat16").problem != ""


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_what_a_dtype_holds_is_cast_exactly_and_what_overflows_is_anything(dtype: str) -> None:
    program = Program(("x",), (Step(("y",), "astype", ("x",), {"dtype": dtype}),), ("y",))
    facts = DTYPES[dtype]
    values = np.array([facts.largest, facts.smallest_normal, -1.5, 0.0, 2.0 * facts.largest])
    sets = certify(program, {"x": values}, dtype="float64").outputs[0]
    assert [allowed == arb(float(value)) for allowed, value in zip(sets[:4], values, strict=False)] == [True] * 4
    assert not sets[4].is_finite()


def halves(program: Program, dtypes: dict[str, str], **values: Any) -> tuple[Any, ...]:
    """Return the widest relative radius of each gradient."""
    given = {name: np.asarray(value, BFLOAT16) for name, value in values.items()}
    shape = certify(program, given, dtype="float32", dtypes=dtypes).outputs[0].shape
    sets = admissible(program, given, (np.ones(shape, BFLOAT16),), dtype="float32", dtypes=dtypes)
    return tuple(max(float(item.rad()) / abs(float(item.mid())) for item in one.ravel()) for one in sets.gradients)


def test_a_wider_compute_dtype_narrows_the_sets() -> None:
    program = parse_computation("r = rms_norm(x, axis=-1); y = r * w + exp(r)")
    start = {"x": "bfloat16", "w": "bfloat16"}
    wide = computed_in(program, "float32", start)
    assert value_dtypes(wide, start)[wide.outputs[0]] == "bfloat16"
    inside = {dtype for name, dtype in value_dtypes(wide, start).items() if name not in (*wide.inputs, *wide.outputs)}
    assert inside == {"float32"}
    values = {"x": [1.5, -2.0, 0.5], "w": [1.25, 3.0, -0.75]}
    everywhere, once = halves(program, start, **values), halves(wide, start, **values)
    assert all(narrow < 2.0**-6 for narrow in once)
    assert all(4 * narrow < rounded for narrow, rounded in zip(once, everywhere, strict=True))


def test_an_explicit_cast_stays_where_the_steps_are_computed_in_a_wider_dtype() -> None:
    program = parse_computation("s = astype(x * x, 'float16'); y = s * s")
    wide = computed_in(program, "float32", {"x": "bfloat16"})
    assert [step.primitive for step in wide.steps] == ["astype", "multiply", "astype", "astype", "multiply", "astype"]
    assert [step.attributes.get("dtype") for step in wide.steps] == [
        "float32",
        None,
        "float16",
        "float32",
        None,
        "float16",
    ]
    assert computed_in(program, "float16", {"x": "float64"}) == program, "nothing is narrowed"
