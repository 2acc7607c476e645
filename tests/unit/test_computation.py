"""Computations: what is read, and where the caret stands in what is not."""

from __future__ import annotations

import math

import pytest

from gradlaw_spec import Slice, SpecError, Step, parse_computation, read_computation


def steps(text):
    return parse_computation(text).steps


def test_the_staged_example_has_one_step_an_operation():
    program = parse_computation("f = (x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)")
    assert program.inputs == ("x", "y")
    assert program.outputs == ("f",)
    assert [step.primitive for step in program.steps] == ["sigmoid", "add", "sigmoid", "add", "pow", "add", "divide"]
    assert program.steps[-1].name == "f"


def test_lines_name_their_steps():
    program = parse_computation("q = x + y\nf = q * z")
    assert [step.name for step in program.steps] == ["q", "f"]
    assert program.inputs == ("x", "y", "z")
    assert parse_computation("q = x + y; f = q * z") == program


def test_another_name_for_a_value_adds_no_step():
    assert parse_computation("y = x; f = y * y").steps == (Step(("f",), "multiply", ("x", "x")),)


def test_conditions_and_indices_are_data():
    program = parse_computation("where(c, x, 0) + take(x, i, axis=0)")
    assert program.inputs == ("x",)
    assert program.data == ("c", "i")


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("sum(x)", {"axis": None, "keepdims": False}),
        ("sum(x, 1, True)", {"axis": 1, "keepdims": True}),
        ("max(x, keepdims=True, axis=(0, 1))", {"axis": (0, 1), "keepdims": True}),
        ("softmax(x)", {"axis": -1}),
        ("std(x, 0, True)", {"axis": 0, "keepdims": True, "correction": 0}),
        ("var(x, correction=0.5)", {"axis": None, "keepdims": False, "correction": 0.5}),
        ("vector_norm(x, ord=-inf)", {"axis": None, "keepdims": False, "ord": -math.inf}),
        ("concat([x, y])", {"axis": 0}),
        ("clip(x, -1, 1)", {"min": -1, "max": 1}),
        ("clip(x, max=2)", {"min": None, "max": 2}),
        ("reshape(x, (2, 3))", {"shape": (2, 3)}),
        ("x[1:, None, ..., -1]", {"index": (Slice(1), "newaxis", "ellipsis", -1)}),
    ],
)
def test_attributes_come_by_place_keyword_or_default(text, attributes):
    assert dict(steps(text)[-1].attributes) == attributes


def test_an_attribute_is_one_of_its_choices():
    with pytest.raises(SpecError, match=r"ord=7; expected one of 2, 1, inf, -inf"):
        parse_computation("vector_norm(x, ord=7)")


def test_numbers_are_computed_as_python_does():
    assert steps("x * (1 / 3) ** 2") == (Step(("t1",), "multiply", ("x", (1 / 3) ** 2)),)


@pytest.mark.parametrize(
    ("text", "under", "words"),
    [
        ("f = x *", "", "syntax"),
        ("f = foo(x)", "foo", "a primitive of the law book"),
        ("tanhh(x)", "tanhh", "tanh"),
        ("tanh(x, y)", "y", "at most 1"),
        ("add(x)", "add", "2: x1, x2"),
        ("sum(x, foo=1)", "foo", "axis, keepdims"),
        ("sum(x, 1, axis=1)", "axis", "axis"),
        ("reshape(x)", "reshape", "no shape"),
        ("x < y", "x", "comparison"),
        ("where(x > 0, x, 0)", "x > 0", "condition"),
        ("c + where(c, x, y)", "c", "a condition"),
        ("x.real", "x.real", "Attribute"),
        ("__import__('os').system('true')", "__import__", "function"),
        ("(lambda: 1)()", "(lambda", "function"),
        ("[x for x in y]", "[x", "ListComp"),
        ("x[i]", "i", "constant attribute"),
        ("'text' + x", "'text'", "a number"),
        ("2 + 2", "2 + 2", "constant"),
        ("x / (1 - 1) / (2 / 0)", "2 / 0", "division by zero"),
        ("f = x\nf = f + 1", "f = f", "each name defined once"),
        ("import os", "import", "Import"),
        ("f += x", "f", "AugAssign"),
        ("tanh + x", "tanh", "without operands"),
        ("x * inf", "inf", "only an attribute may be infinite"),
        ("x if y == 1 else z", "x if", "an attribute that is equal to a number"),
        ("concat(x, axis=0)", "x", "a list of arrays"),
        ("é = x; f = tanhh(é)", "tanhh", "tanh"),
    ],
)
def test_anything_else_is_shown_with_a_caret(text, under, words):
    with pytest.raises(SpecError) as caught:
        parse_computation(text)
    message = str(caught.value)
    assert words in message
    lines = message.splitlines()
    place = lines[2].index("^") - 2
    assert lines[1][2:][place:].startswith(under)


@pytest.mark.parametrize("text", ["", "   ", "x" * 20_000, "(" * 5000, "-" * 9000 + "x"])
def test_hostile_lengths_and_depths_are_one_clear_error(text):
    with pytest.raises(SpecError):
        parse_computation(text)


def test_a_comparison_is_a_condition_of_its_own() -> None:
    program, conditions = read_computation("t = x * x; f = where(t > 3, t, where(x <= c1, x, 0))")
    assert program.data == ("c2", "c3")
    assert [(one.name, one.left, one.comparison, one.right, one.after) for one in conditions] == [
        ("c2", "t", "greater", 3, 1),
        ("c3", "x", "less_equal", "c1", 1),
    ]
    with pytest.raises(SpecError, match="as a number"):
        read_computation("(x > 0) * x")
    with pytest.raises(SpecError, match="one of < <="):
        read_computation("where(0 < x < 1, x, 0)")
