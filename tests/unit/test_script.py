"""Scripts: in the engine's own code where its primitives are known in it, through the adapter where not."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest

from gradlaw.reports import script
from gradlaw.reports.script import MOST_LINES, plain_script, script_of
from gradlaw_properties import reference_target
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
    text = plain_script(cell(), witness().case, "torch", PRIMITIVES)
    assert "a = torch.tanh(x)" in text
    assert "gradlaw" not in text


@pytest.mark.parametrize("name", ["TORCH", "JAX", "AUTOGRAD"])
def test_a_primitive_that_is_not_known_in_it_goes_through_the_adapter(monkeypatch, name):
    known = getattr(script, name)
    fewer = {key: text for key, text in known.primitives.items() if key != "tanh"}
    monkeypatch.setattr(script, name, replace(known, primitives=fewer))
    text = plain_script(cell(), witness().case, name.lower(), PRIMITIVES)
    assert f"load_target({name.lower()!r})" in text
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


def test_a_slice_is_imported_where_a_step_has_one():
    from gradlaw_spec import Slice

    program = Program(("x",), (Step(("y",), "getitem", ("x",), {"index": (Slice(None, None, -1),)}),), ("y",))
    text = plain_script(cell(), witness(program).case, "reference", PRIMITIVES)
    assert "from gradlaw_spec import Slice" in text
    assert "[-8.0, 2.0]" in printed(text)
