"""A program is folded by one interpreter and written out by one inliner."""

from __future__ import annotations

import pytest

from gradlaw_spec import Program, SpecError, Step, inline, interpret

HALF = Program(("v",), (Step(("t1",), "multiply", ("v", 0.5)), Step(("t2",), "square", ("t1",))), ("t2",))


def as_text(step, operands):
    return f"{step.primitive}({', '.join(map(str, operands))})"


def test_every_name_gets_a_value_and_scalars_stay():
    program = Program(("x",), (Step(("a",), "multiply", (2, "x")), Step(("b",), "add", ("a", "c"))), ("b",), ("c",))
    known = interpret(program, {"x": "X", "c": "C", "other": "no name of the program"}, as_text)
    assert known == {"x": "X", "c": "C", "a": "multiply(2, X)", "b": "add(multiply(2, X), C)"}


def test_a_name_that_no_step_uses_needs_no_value():
    program = Program(("x", "y"), (Step(("a",), "exp", ("x",)),), ("a",))
    assert interpret(program, {"x": "X"}, as_text)["a"] == "exp(X)"
    with pytest.raises(KeyError):
        interpret(program, {"y": "Y"}, as_text)


def test_what_a_step_raises_is_passed_on():
    def refuses(step, operands):
        raise ZeroDivisionError(step.name)

    with pytest.raises(ZeroDivisionError, match="t1"):
        interpret(HALF, {"v": 1}, refuses)


def test_inlining_keeps_the_result_and_takes_no_name():
    program = Program(("x", "y_t1"), (Step(("y",), "relu", ("x",)), Step(("z",), "add", ("y", "y_t1"))), ("z",))
    found = inline(program, lambda step: HALF if step.primitive == "relu" else None)
    assert found.steps == (
        Step(("y_t1_",), "multiply", ("x", 0.5)),
        Step(("y",), "square", ("y_t1_",)),
        Step(("z",), "add", ("y", "y_t1")),
    )
    assert (found.inputs, found.outputs) == (program.inputs, program.outputs)


def test_inlining_goes_on_inside_what_was_inlined():
    outer = Program(("v",), (Step(("t1",), "relu", ("v",)), Step(("t2",), "relu", ("t1",))), ("t2",))
    bodies = {"tanh": outer, "relu": HALF}
    program = Program(("x",), (Step(("y",), "tanh", ("x",)),), ("y",))
    found = inline(program, lambda step: bodies.get(step.primitive))
    assert [step.primitive for step in found.steps] == ["multiply", "square", "multiply", "square"]
    assert interpret(found, {"x": "x"}, as_text)["y"] == "square(multiply(square(multiply(x, 0.5)), 0.5))"


def test_nothing_to_inline_is_the_same_program():
    assert inline(HALF, lambda step: None) == HALF


def test_a_step_may_have_several_results():
    split = Step(("a", "b"), "split", ("x",))
    program = Program(("x",), (split, Step(("y",), "add", ("a", "b"))), ("y",))
    known = interpret(program, {"x": 3}, lambda step, operands: (1, 2) if step is split else sum(operands))
    assert known == {"x": 3, "a": 1, "b": 2, "y": 3}
    with pytest.raises(SpecError, match="expected a step with one result"):
        _ = split.name
    with pytest.raises(ValueError, match="shorter"):
        interpret(program, {"x": 3}, lambda step, operands: (1,))


def test_inlining_a_step_with_several_results():
    body = Program(("v",), (Step(("t1",), "exp", ("v",)), Step(("t2",), "log", ("t1",))), ("t2", "t1"))
    program = Program(("x",), (Step(("a", "b"), "split", ("x",)), Step(("y",), "add", ("a", "b"))), ("y",))
    found = inline(program, lambda step: body if step.primitive == "split" else None)
    assert found.steps == (Step(("b",), "exp", ("x",)), Step(("a",), "log", ("b",)), program.steps[1])


def test_results_are_names_in_a_tuple():
    with pytest.raises(SpecError, match=r"results='y'; expected a tuple of names"):
        Step("y", "exp", ("x",))
