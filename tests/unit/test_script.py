"""Scripts: in the engine's own code where its primitives are known in it, through the adapter where not."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from gradlaw import load_target
from gradlaw.reports.script import MOST_LINES, plain_script, runs_of, script_of
from gradlaw_properties import Settings, Unit, examine, mutants, reference_target
from gradlaw_reference import RULES, Tape
from gradlaw_spec import PROGRAM, Address, Case, Cell, Program, Step, Verdict, Witness, load_primitives

PRIMITIVES = frozenset(load_primitives())
STEPS = Program(("x",), (Step(("a",), "tanh", ("x",)), Step(("y",), "multiply", ("a", "x"))), ("y",))


def witness(program=STEPS, law="gradient"):
    shape = np.array([0.5, -2.0])
    found = Case(subject=PROGRAM, program=program, values={"x": shape}, cotangents=(shape * 4,), dtype="float64")
    return Witness(found, law, "torch")


def cell(law="gradient"):
    return Cell(address=str(Address(PROGRAM, law, "float64")), verdict=Verdict.VIOLATION, message="wrong\nat x")


def printed(text):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, "script", "exec"), {})
    return out.getvalue()


def test_a_built_in_engine_is_shown_in_its_own_code():
    pytest.importorskip("torch")
    text = plain_script(cell(), witness().case, "torch", PRIMITIVES)
    assert "a = torch.tanh(x)" in text
    assert "gradlaw" not in text


@pytest.mark.parametrize("name", ["torch", "jax", "autograd"])
def test_a_primitive_that_is_not_known_in_it_goes_through_the_adapter(monkeypatch, name):
    pytest.importorskip(name)
    engine = import_module(f"gradlaw.engines.{name}")
    fewer = {key: one for key, one in engine.SPELLING.functions.items() if key != "tanh"}
    monkeypatch.setattr(engine, "SPELLING", replace(engine.SPELLING, functions=fewer))
    text = plain_script(cell(), witness().case, name, PRIMITIVES)
    assert f"load_target({name!r})" in text
    assert "a = Step(('a',), 'tanh', ('x',), {})" in text
    assert len(text.splitlines()) <= MOST_LINES


def test_the_adapters_script_runs_what_the_law_ran():
    target = reference_target()
    text = script_of(cell("linearity"), witness(law="linearity"), target, "reference")
    _, pull = target.pullback(STEPS, witness().case.values)
    (gradient,) = pull(witness().case.cotangents)
    assert len(text.splitlines()) <= MOST_LINES
    found = printed(text)
    assert str(gradient.tolist()) in found
    assert found.count("gradient of x") >= 3


@pytest.mark.parametrize("wrong", ["prod", "negative"])
def test_the_half_of_a_cut_program_that_is_wrong_is_shown(wrong):
    """The law `chain` runs both halves, and only one of them has room here."""
    rule = RULES[wrong]
    planted = {**RULES, wrong: replace(rule, vjp=tuple(lambda *a, f=f, **k: f(*a, **k) * 2 for f in rule.vjp))}
    target = reference_target(tape=lambda: Tape(rules=planted))
    steps = (Step(("t",), "prod", ("x",), {"axis": None, "keepdims": False}), Step(("y",), "negative", ("t",)))
    found = replace(witness(Program(("x",), steps, ("y",)), "chain").case, cotangents=(np.array(1.5),))
    text = script_of(cell("chain"), Witness(found, "chain", target.name), target, "file.py:target")
    assert len(text.splitlines()) <= MOST_LINES
    assert f"{wrong!r}" in text


def test_a_slice_is_imported_where_a_step_has_one():
    from gradlaw_spec import Slice

    program = Program(("x",), (Step(("y",), "getitem", ("x",), {"index": (Slice(None, None, -1),)}),), ("y",))
    text = plain_script(cell(), witness(program).case, "reference", PRIMITIVES)
    assert "from gradlaw_spec import Slice" in text
    assert "[-8.0, 2.0]" in printed(text)


@pytest.mark.parametrize("name", ["torch", "jax", "autograd", "micrograd"])
def test_an_engine_is_spelled_where_its_callables_stand(name):
    pytest.importorskip(name)
    spelling = import_module(f"gradlaw.engines.{name}").SPELLING
    unknown = [one for one in sorted(load_target(name).primitives) if spelling.template(one) is None]
    assert not unknown, f"say in TEMPLATES of gradlaw/engines/{name}.py how {unknown} are written"


@pytest.mark.parametrize(
    ("name", "primitive", "template"),
    [
        ("torch", "cosh", "torch.cosh({0})"),
        ("torch", "atan2", "torch.atan2({t0}, {t1})"),
        ("torch", "softplus", "torch.nn.functional.softplus({0})"),
        ("torch", "multiply", "{0} * {1}"),
        ("jax", "sum", "jnp.sum({0}, axis={axis}, keepdims={keepdims})"),
        ("jax", "permute_dims", "jnp.permute_dims({0}, axes={axes_order})"),
        ("jax", "concat", "jnp.concat([{all}], axis={axis})"),
        ("jax", "sigmoid", "jax.nn.sigmoid({0})"),
        ("autograd", "abs", "np.abs({0})"),
        ("autograd", "pow", "np.pow({0}, {1})"),
        ("micrograd", "negative", "-{0}"),
    ],
)
def test_spelling_follows_from_the_functions_name(name, primitive, template):
    pytest.importorskip(name)
    assert import_module(f"gradlaw.engines.{name}").SPELLING.template(primitive) == template


def test_a_negative_number_is_in_brackets_beside_an_operator():
    torch = pytest.importorskip("torch")
    program = Program(("x",), (Step(("y",), "pow", (-2, "x")),), ("y",))
    found = Case(
        subject="pow",
        program=program,
        values={"x": np.array(2.0)},
        cotangents=(np.array(1.0),),
        dtype="float64",
    )
    text = plain_script(cell(), found, "torch", PRIMITIVES)
    assert "(-2.0) ** x" in text
    assert f"value {torch.float64} 4.0" in printed(text)


def test_a_script_shows_the_second_order():
    pytest.importorskip("torch")
    target = mutants.saved_detached.build()
    (cell,) = examine(Unit("multiply", "float64", ("second-order",)), target, Settings())
    assert cell.verdict is Verdict.VIOLATION
    assert cell.witness is not None
    runs = runs_of(cell.witness, target)
    assert all(run.directions for run in runs)
    script = script_of(cell, cell.witness, target, "torch")
    assert "create_graph=True" in script
    assert "cotangent_y" in script


@pytest.mark.parametrize(("name", "words"), [("torch", "torch.func.jvp"), ("jax", "jax.jvp"), ("autograd", "make_jvp")])
def test_a_script_shows_forward_mode(name, words):
    pytest.importorskip(name)
    target = mutants.tangent_of_first_operand.build()
    (cell,) = examine(Unit("multiply", "float64", ("adjoint",)), target, Settings())
    assert cell.verdict is Verdict.VIOLATION
    (run,) = runs_of(cell.witness, target)
    (tangents,) = run.tangents
    text = script_of(cell, cell.witness, target, name)
    assert words in text
    values = [run.values[operand].astype(float) for operand in ("x1", "x2")]
    pushed = tangents[0] * values[1] + tangents[1] * values[0]
    assert str(pushed.tolist()) in printed(text)


def test_the_adapters_script_shows_forward_mode():
    target = mutants.tangent_of_first_operand.build()
    (cell,) = examine(Unit("multiply", "float64", ("adjoint",)), target, Settings())
    text = script_of(cell, cell.witness, target, "reference")
    assert ".jvp(program, " in text
    assert "tangent of y" in printed(text)


@pytest.mark.parametrize(
    ("mutant", "law", "name", "words"),
    [
        (mutants.compiled_in_half, "compiled", "jax", "jax.jit(f)"),
        (mutants.batch_reversed, "batching", "jax", "jax.vmap("),
        (mutants.batch_reversed, "batching", "torch", "torch.func.vmap("),
    ],
)
def test_a_script_shows_the_compiler_and_the_batch(mutant, law, name, words):
    pytest.importorskip(name)
    target = mutant.build()
    (cell,) = examine(Unit("multiply", "float64", (law,)), target, Settings())
    assert cell.verdict is Verdict.VIOLATION
    text = script_of(cell, cell.witness, target, name)
    assert words in text
    assert printed(text).count("gradient of x1") >= 1
