"""The trial's wrong engines: the changes of syntax are those it names, and only the changed rule differs."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from changes import changed, changes
from planted import planted_target
from same_function import Right, compare
from sources import Changed, all_changed
from summary import summarised
from unsummed import FITS

from gradlaw_properties.engines import reference_target
from gradlaw_reference import RULES
from gradlaw_spec import Case, Target, load_primitives, parse_computation


def made(text: str, *names: str) -> set[str]:
    """Return what is made of an expression."""
    tree = ast.parse(text)
    return {ast.unparse(changed(tree, change)) for change in changes(tree, names)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x - y", {"x + y", "y - x", "x", "y"}),
        ("x / y", {"x * y", "y / x", "x", "y"}),
        ("a @ b", {"b @ a", "a", "b"}),
        ("-x", {"x"}),
        ("x * 2", {"x * 3", "x * -2", "x * 4"}),
        ("x ** -1", {"x ** (-2)", "x ** 1", "x ** 0"}),
        ("sin(x)", {"cos(x)", "x"}),
        ("maximum(x, y)", {"minimum(x, y)", "maximum(y, x)", "x", "y"}),
        (
            "sum(x, axis=axis, keepdims=True)",
            {"sum(x, axis=0, keepdims=True)", "sum(x, axis=axis, keepdims=False)", "x"},
        ),
        ("roll(x, shift=1)", {"roll(x, shift=2)", "roll(x, shift=-1)"}),
        ("where(x > 0, x, 0)", {"where(x >= 0, x, 0)", "where(x < 0, x, 0)", "where(x > 0, 0, x)"}),
        ("x[1:]", {"x[:]", "x[2:]", "x[1:-1]"}),
        ("x if k == 1 else y", {"y if k == 1 else x", "x", "y"}),
    ],
)
def test_changes_of_an_expression(text: str, expected: set[str]) -> None:
    assert expected <= made(text)


def test_a_name_stands_for_another_of_its_scope() -> None:
    assert {"g * g", "x * x"} <= made("g * x", "g", "x")
    assert "y * x" not in made("g * x", "g", "x")


def test_annotations_docstrings_and_errors_stay() -> None:
    text = 'def f(x: int=1) -> int:\n    """Two, 2."""\n    raise ValueError(3 + 4)'
    assert made(text, "x") == set()


def _pulled(target: Target, primitive: str, **values: list[float]) -> list[float]:
    program = parse_computation(f"{primitive}({', '.join(values)})")
    arrays = {name: np.array(value) for name, value in values.items()}
    outputs, pull = target.pullback(program, arrays)
    return [float(one.sum()) for one in pull((np.ones_like(outputs[0]),)) if one is not None]


def _named(subject: str, where: str, what: str) -> Changed:
    return next(one for one in all_changed(subject) if (one.where, one.what) == (where, what))


def test_one_rule_differs_and_only_while_the_engine_computes() -> None:
    one = _named("tanh", "gradient of x", "1 - value * value → 1 + value * value")
    wrong, before = planted_target(one.rules()), dict(RULES)
    slope = float(np.tanh(0.5)) ** 2
    assert _pulled(wrong, "tanh", x=[0.5]) == [1 + slope]
    assert _pulled(wrong, "sin", x=[0.5]) == _pulled(reference_target(), "sin", x=[0.5])
    assert before == RULES


def test_a_function_of_python_is_changed() -> None:
    one = next(one for one in all_changed("logabsdet") if one.where == "_spread")
    program = parse_computation("logabsdet(x)")
    _, pull = planted_target(one.rules()).pullback(program, {"x": np.array([[2.0]])})
    (gradient,) = pull((np.array(1.0),))
    assert gradient is not None
    assert (one.kind, float(gradient[0, 0])) == ("whole", -0.5)


@pytest.mark.parametrize(("way", "expected"), list(zip(FITS, (1.0, 1.0, 1.0, 3.0), strict=True)))
def test_a_sum_is_forgotten(way: str, expected: float) -> None:
    wrong = planted_target(_named("add", "gradient of x1", way).rules())
    assert _pulled(wrong, "add", x1=[0.5], x2=[1.0, 2.0, 3.0]) == [expected, 3.0]


@pytest.mark.parametrize(
    ("subject", "what", "outcome"),
    [
        ("tanh", "1 - value * value → 1 + value * value", "different"),
        ("relu", "x > 0 → x >= 0", "inside"),
        ("asinh", "sqrt(x * x + 1) → sqrt(x * x + 1)", "same"),
    ],
)
def test_a_change_is_compared_in_exact_arithmetic(subject: str, what: str, outcome: str) -> None:
    same = Changed(subject, "", "", what, dict, dict)
    found = [one for one in all_changed(subject) if (one.where, one.what) == ("gradient of x", what)]
    one = found[0] if found else same
    program = parse_computation(f"{subject}(x)")
    case = Case(
        subject=subject,
        program=program,
        values={"x": np.array([0.5, 0.0])},
        cotangents=(np.array([1.0, 2.0]),),
        dtype="float64",
        seed=0,
    )
    assert compare(one.rules(), Right(one.right()), [case]).outcome == outcome


def test_names_are_the_same_in_every_run_and_occur_once() -> None:
    for subject in ("std", "prod", "take", "layer_norm"):
        names = [one.name for one in all_changed(subject)]
        assert len(set(names)) == len(names) > 10
    assert len(load_primitives()) > 100


def test_an_engine_is_killed_where_it_is_at_every_seed() -> None:
    note = {"name": "a", "subject": "tanh", "law": "value", "examples": 1, "calls": 2, "why": ""}
    killed, lives = {**note, "seed": 0, "outcome": "killed"}, {**note, "seed": 1, "outcome": "lives"}
    made = {"tanh": ["a"]}
    assert summarised([killed], {}, made).outcomes == {"a": "killed"}
    assert set(summarised([killed, lives], {}, made).survivors) == {"a"}
    assert summarised([killed, lives], {"a": "the reason"}, made).proofs == {"a": "the reason"}
    assert summarised([killed, {**lives, "outcome": "rounding"}], {}, made).outcomes == {"a": "rounding"}
    assert set(summarised([killed, {**lives, "outcome": "same"}], {}, made).survivors) == {"a"}


def test_what_is_not_asked_yet_is_counted() -> None:
    note = {"name": "a", "subject": "tanh", "seed": 0, "outcome": "killed", "law": "value", "examples": 1, "calls": 2}
    found = summarised([note, {**note, "name": "of an older version"}], {}, {"tanh": ["a", "b"], "sin": ["c"]})
    assert (found.unasked, found.seeds["tanh"]) == (2, ())
    assert found.outcomes == {"a": "killed"}
