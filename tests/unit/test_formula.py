"""The formula parser: expressions become Programs; anything else is refused with a caret under the place."""

from __future__ import annotations

import math

import pytest

from gradlaw_spec import Program, Slice, SpecError, Step, load_primitives, parse_formula
from gradlaw_spec.formula import chosen

FUNCTIONS = load_primitives().keys()


def steps(text: str, *inputs: str, **attributes: object) -> list[tuple[object, ...]]:
    program = parse_formula(text, inputs or ("x", "y"), FUNCTIONS, attributes=attributes)  # type: ignore[arg-type]
    return [(step.name, step.primitive, *step.operands) for step in program.steps]


def test_operators_are_primitives() -> None:
    assert steps("x + y") == [("t1", "add", "x", "y")]
    assert steps("x - y") == [("t1", "subtract", "x", "y")]
    assert steps("x * y") == [("t1", "multiply", "x", "y")]
    assert steps("x / y") == [("t1", "divide", "x", "y")]
    assert steps("x ** y") == [("t1", "pow", "x", "y")]
    assert steps("x @ y") == [("t1", "matmul", "x", "y")]
    assert steps("-x") == [("t1", "negative", "x")]


def test_precedence_is_that_of_python() -> None:
    assert steps("x + 2 * y ** 2") == [("t1", "pow", "y", 2), ("t2", "multiply", 2, "t1"), ("t3", "add", "x", "t2")]
    assert steps("-x ** 2") == [("t1", "pow", "x", 2), ("t2", "negative", "t1")]


def test_numbers_keep_their_side_and_sign() -> None:
    assert steps("2 - x") == [("t1", "subtract", 2, "x")]
    assert steps("x * -0.5") == [("t1", "multiply", "x", -0.5)]


def test_calls_and_comparisons() -> None:
    assert steps("where(x > 0, y, 0)") == [("t1", "greater", "x", 0), ("t2", "where", "t1", "y", 0)]
    for sign, name in {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal"}.items():
        assert steps(f"x {sign} y") == [("t1", name, "x", "y")]


def test_attributes_are_constants_or_given() -> None:
    program = parse_formula("sum(x, axis=(0, 1), keepdims=True)", ("x",), FUNCTIONS)
    assert program.steps[0].attributes == {"axis": (0, 1), "keepdims": True}
    program = parse_formula("sum(x, axis=axis)", ("x",), FUNCTIONS, attributes={"axis": -1})
    assert program.steps[0].attributes == {"axis": -1, "keepdims": False}
    program = parse_formula("sum(x, axis=axis)", ("x",), FUNCTIONS, attributes={"axis": None})
    assert program.steps[0].attributes == {"axis": None, "keepdims": False}


def test_an_attribute_may_be_an_operand() -> None:
    assert steps("maximum(x, min)", "x", min=-0.5) == [("t1", "maximum", "x", -0.5)]


def test_indexing() -> None:
    program = parse_formula("x[1:, ::-2, None, newaxis, ..., -1, 1:3:2]", ("x",), FUNCTIONS)
    index = (Slice(1), Slice(None, None, -2), "newaxis", "newaxis", "ellipsis", -1, Slice(1, 3, 2))
    assert program.steps == (Step(("t1",), "getitem", ("x",), {"index": index}),)


def test_names_of_steps_never_clash_with_inputs() -> None:
    assert steps("t1 + t1 * 2", "t1") == [("t2", "multiply", "t1", 2), ("t3", "add", "t1", "t2")]


def test_lines_name_values() -> None:
    text = "e = exp(x)\ns = sum(e, axis=0, keepdims=True)\ne / s"
    assert steps(text, "x") == [("e", "exp", "x"), ("s", "sum", "e"), ("t1", "divide", "e", "s")]
    with pytest.raises(SpecError) as caught:
        parse_formula("e = exp(x)\ne / z", ("x",), FUNCTIONS)
    assert "  e / z\n      ^" in caught.value.where


def test_nothing_is_no_program() -> None:
    with pytest.raises(SpecError, match="found nothing"):
        parse_formula(" ", ("x",), FUNCTIONS)


def test_an_input_alone_is_a_program() -> None:
    assert parse_formula("g", ("g", "x"), FUNCTIONS) == Program(("g", "x"), (), ("g",))


def test_data_is_kept_apart() -> None:
    program = parse_formula("where(c, x, 0)", ("x",), FUNCTIONS, data=("c",))
    assert (program.inputs, program.data) == (("x",), ("c",))


def test_surrounding_space_does_not_matter() -> None:
    assert steps("  x + y ") == steps("x + y")


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("x + z", "z", "name='z'"),
        ("x + foo(y)", "foo", "function='foo'"),
        ("x.T @ y", "x.T", "Attribute"),
        ("x.sum()", "x.sum", "function='x.sum'"),
        ("x if y else x", "x", "y"),
        ("x + 'a'", "'a'", "'a'"),
        ("x + True", "True", "True"),
        ("x + 1j", "1j", "1j"),
        ("+x", "+x", "UAdd"),
        ("x % y", "x", "Mod"),
        ("x < y < x", "x", "comparison"),
        ("x != y", "x", "comparison"),
        ("x + [1, 2]", "[", "List"),
        ("(lambda: x)()", "(", "function='lambda: x'"),
        ("sum(x, **y)", "sum", "**"),
        ("sum(x, axis=y)", "y", "y"),
        ("sum(x, axis='a')", "'a'", "'a'"),
        ("sum(x, axis=exp(1))", "exp", "exp(1)"),
        ("x[y]", "y", "y"),
        ("x[1.5]", "1.5", "1.5"),
        ("x[True]", "True", "True"),
        ("x[:y]", "y", "y"),
        ("2 + 2 +", "", "syntax"),
        ("x +* y", "*", "syntax"),
        ("x; y", "x", "a value without a name"),
        ("z = y", "z", "no last expression"),
        ("x = y", "x", "x again"),
        ("x += y", "x", "AugAssign"),
        ("x, z = y; z", "x", "Assign"),
    ],
)
def test_refused_with_a_caret(text: str, place: str, found: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_formula(text, ("x", "y"), FUNCTIONS)
    assert caught.value.found == found
    _, shown, caret, *_ = str(caught.value).splitlines()
    assert shown == f"  {text}"
    assert caret.strip() == "^"
    assert shown[caret.index("^") :].startswith(place)


@pytest.mark.parametrize("text", ["3", "2 ** 1000 - 1j", "-5"])
def test_a_constant_is_no_program(text: str) -> None:
    with pytest.raises(SpecError):
        parse_formula(text, ("x",), FUNCTIONS)


def test_every_formula_of_the_book_refuses_a_wrong_name() -> None:
    for page in load_primitives().values():
        with pytest.raises(SpecError):
            parse_formula(page.value, ("unknown",), FUNCTIONS)


@pytest.mark.parametrize(
    ("order", "primitive"), [(1, "sum"), (2, "mean"), (math.inf, "max"), (-math.inf, "min"), (7, "prod")]
)
def test_an_attribute_chooses_a_side(order: float, primitive: str) -> None:
    text = (
        "sum(x) if ord == 1 else mean(x) if ord == 2 else max(x) if ord == inf else min(x) if ord == -inf else prod(x)"
    )
    program = parse_formula(text, ("x",), load_primitives(), attributes={"ord": order})
    assert program.primitives == {primitive}
    assert chosen(text, {"ord": order}) == f"{primitive}(x)"


def test_what_no_attribute_chooses_stays_or_is_refused() -> None:
    assert chosen("x if y == 1 else sum(x) if ord == 1 else z", {"ord": 1}) == "x if y == 1 else sum(x)"
    with pytest.raises(SpecError, match="an attribute that is equal to a number"):
        parse_formula("x if ord > 1 else -x", ("x",), FUNCTIONS, attributes={"ord": 1})
