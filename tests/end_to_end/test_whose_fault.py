"""Whose fault it is: the engine's is a verdict, the adapter's is wrong usage, and gradlaw's own is told as such."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

TENSOR = """
import math, operator
import numpy as np
from gradlaw import functional_target, tape_target

class Value:
    def __init__(self, data, parents=()):
        self.data, self.parents, self.grad = data, parents, 0.0
    @staticmethod
    def of(value):
        return value if isinstance(value, Value) else Value(value)
    def __add__(self, other):
        other = Value.of(other)
        return Value(self.data + other.data, ((self, lambda g: g), (other, lambda g: g)))
    def __mul__(self, other):
        other = Value.of(other)
        return Value(self.data * other.data, ((self, lambda g: g * other.data), (other, lambda g: g * self.data)))
    __radd__, __rmul__ = __add__, __mul__
    def relu(self):
        return Value(max(self.data, 0.0), ((self, lambda g: g if self.data > 0 else 0.0),))
    def backward(self, cotangent=1.0):
        order, seen = [], set()
        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)
        visit(self)
        flow = {self: cotangent}
        for node in reversed(order):
            received = flow.pop(node, 0.0)
            node.grad += received
            for parent, local in node.parents:
                flow[parent] = flow.get(parent, 0.0) + local(received)
"""
TAPE = """
target = tape_target(
    name="tiny", version="1", levels=("scalar",), dtypes=("float64",), scalar=True, variable=Value,
    value=lambda v: v.data, backward=lambda output: output.backward(), gradient=lambda v: v.grad,
    primitives={"add": operator.add, "multiply": operator.mul, "relu": lambda x: x.relu()},
)
"""
FUNCTIONAL = """
def vjp(function, primals, cotangent):
    output = function(*primals)
    given = cotangent if isinstance(cotangent, tuple) else (cotangent,)
    for value, g in zip(output if isinstance(output, tuple) else (output,), given):
        value.backward(g.data)
    return output, tuple(Value(primal.grad) for primal in primals)

target = functional_target(
    name="tiny", version="1", levels=("scalar",), dtypes=("float64",), array=Value, numpy=lambda v: v.data, vjp=vjp,
    primitives={"add": operator.add, "multiply": operator.mul},
)
"""


@pytest.fixture
def check(tmp_path):
    def run(adapter, *arguments, jobs=1):
        (tmp_path / "adapter.py").write_text(adapter)
        command = [sys.executable, "-m", "gradlaw", "check", "adapter.py", *arguments, "--quick", "--json", "r.json"]
        done = subprocess.run(
            [*command, "--jobs", str(jobs)], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
        (tmp_path / "r.json").touch()
        text = (tmp_path / "r.json").read_text()
        cells = {cell["address"]: cell for cell in json.loads(text)["cells"]} if text else {}
        return done, cells

    return run


def line_of(adapter, words):
    return next(number for number, line in enumerate(adapter.split("\n"), 1) if words in line)


@pytest.mark.parametrize("jobs", [0, 1])
@pytest.mark.parametrize(
    ("right", "wrong", "error"),
    [
        ("value=lambda v: v.data", "value=lambda v: v.date", "AttributeError: 'Value' object has no attribute 'date'"),
        ("output.backward()", "output.backwards()", "AttributeError: 'Value' object has no attribute 'backwards'"),
        ("gradient=lambda v: v.grad", "gradient=lambda v: gradients[v]", "NameError: name 'gradients' is not defined"),
    ],
)
def test_a_mistake_of_a_tape_adapter_is_told_with_its_line(check, jobs, right, wrong, error):
    adapter = TENSOR + TAPE.replace(right, wrong)
    done, cells = check(adapter, "relu", jobs=jobs)
    assert done.returncode == 2, done.stdout
    assert not cells
    assert f"adapter.py:{line_of(adapter, wrong)}: {error}" in done.stderr
    assert done.stderr.startswith("gradlaw: adapter error: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_mistake_of_a_functional_adapter_is_told_with_its_line(check):
    wrong = "output.backward(cotangent.data)"
    adapter = TENSOR + FUNCTIONAL.replace("    given =", f"    {wrong}\n    given =")
    done, _ = check(adapter, "program")  # of several outputs, which an adapter forgets
    assert done.returncode == 2, done.stdout
    assert f"adapter.py:{line_of(adapter, wrong)}, in vjp: AttributeError: 'tuple' object" in done.stderr


def test_what_a_weekend_engine_raises_in_the_adapter_s_file_is_the_engine_s(check):
    adapter = TENSOR.replace("for node in reversed(order):", "for node in reversed(ordre):") + TAPE
    done, cells = check(adapter, "relu/gradient")
    assert done.returncode == 1, done.stderr
    assert cells["relu/gradient@float64"]["verdict"] == "violation"
    assert "NameError" in cells["relu/gradient@float64"]["message"]


def test_a_method_that_is_handed_over_is_the_engine_s(check):
    adapter = TENSOR.replace("flow = {self: cotangent}", "flow = {self: cotangnet}")
    adapter += TAPE.replace("lambda output: output.backward()", "Value.backward")
    done, cells = check(adapter, "relu/gradient")
    assert done.returncode == 1, done.stderr
    assert "NameError" in cells["relu/gradient@float64"]["message"]


def test_a_primitive_that_forgets_to_return_is_the_engine_s(check):
    adapter = TENSOR.replace("return Value(max(", "Value(max(") + TAPE
    done, cells = check(adapter, "relu", "add")
    assert done.returncode == 0, done.stderr
    assert cells["relu/gradient@float64"]["verdict"] == "unsupported"
    assert cells["add/gradient@float64"]["verdict"] == "pass"


def test_what_a_primitive_raises_is_the_engine_s(check):
    adapter = TENSOR + TAPE.replace("lambda x: x.relu()", "lambda x: x.rellu()")
    done, cells = check(adapter, "relu")
    assert done.returncode == 2, "nothing was judged"
    assert cells["relu/gradient@float64"]["verdict"] == "unsupported"
    assert "'rellu'" in cells["relu/gradient@float64"]["message"]


def test_the_way_to_start_that_an_adapter_is_not_made_for_hides_no_error_of_the_engine(check):
    adapter = TENSOR.replace("for node in reversed(order):", "for node in reversed(ordre):")
    argument = TAPE.replace("lambda output: output.backward()", "lambda output, g: output.backward(g.data)")
    adapter += argument.replace("variable=Value,", 'variable=Value, constant=Value, cotangent="argument",')
    done, cells = check(adapter, "relu/gradient")
    assert done.returncode == 1, done.stderr
    assert "'ordre'" in cells["relu/gradient@float64"]["message"]


OWN = """
import importlib
examine = importlib.import_module("gradlaw_properties.examine")
def judge_case(law, trial):
    trial.outputs
    raise KeyError("a table of ours")
examine.judge_case = judge_case
"""


@pytest.mark.parametrize("jobs", [0, 1])
def test_a_fault_of_ours_is_a_traceback_and_no_verdict(check, jobs):
    done, cells = check(TENSOR + OWN + TAPE, "relu", jobs=jobs)
    assert done.returncode == 3, done.stdout
    assert "Traceback (most recent call last)" in done.stderr
    assert "a table of ours" in done.stderr
    assert "this is a fault of gradlaw, not of the engine: please report" in done.stderr.splitlines()[-1]
    assert not any(cell["verdict"] in ("violation", "crash", "timeout") for cell in cells.values())
    assert "violation" not in done.stdout
