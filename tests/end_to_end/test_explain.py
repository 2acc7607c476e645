"""``gradlaw explain`` as a process: every form, values, witnesses, and one clear line for each mistake."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from gradlaw_spec import Case, Program, Step, Witness, encode_witness

STAGED = "f = (x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)"
BROKEN = """
import numpy as np
from gradlaw import functional_target

def vjp(function, primals, cotangent):
    (x,) = primals
    return function(x), (cotangent * 0.9,)

target = functional_target(
    name="broken", version="7", levels=("scalar",), dtypes=("float64",), array=np.asarray, numpy=np.asarray,
    vjp=vjp, primitives={"tanh": np.tanh},
)
"""


def gradlaw(*arguments, cwd=None):
    command = [sys.executable, "-m", "gradlaw", "explain", *arguments]
    return subprocess.run(command, capture_output=True, cwd=cwd, timeout=120, check=False)


def test_text_is_the_default():
    done = gradlaw(STAGED, "--at", "x=3", "--at", "y=-4")
    assert done.returncode == 0
    assert "dx = 1.583186895 - 0.03576154781 + 0.5121444488 = 2.059569796" in done.stdout.decode()
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("python", b"import math"),
        ("svg", b"<svg"),
        ("png", b"\x89PNG"),
        ("html", b"<!DOCTYPE html>"),
        ("mermaid", b"flowchart"),
    ],
)
def test_every_form_to_a_pipe_and_to_a_file(form, start, tmp_path):
    path = tmp_path / "circuit"
    piped = gradlaw(STAGED, "--at", "x=3", "--at", "y=-4", "--format", form)
    written = gradlaw(STAGED, "--at", "x=3", "--at", "y=-4", "--format", form, "--output", str(path))
    assert (piped.returncode, written.returncode) == (0, 0), piped.stderr
    assert piped.stdout == path.read_bytes()
    assert piped.stdout.startswith(start)


def test_arrays_ranges_and_precision():
    done = gradlaw("D = W @ X", "--at", "W=randn(5,10)", "--at", "X=randn(10,3)")
    assert "shape (5, 10)" in done.stdout.decode()
    done = gradlaw("f = maximum(x, y)", "--at", "x=-2:2:9", "--at", "y=0")
    assert "At x = 0:" in done.stdout.decode()
    done = gradlaw(STAGED, "--at", "x=3", "--at", "y=-4", "--dtype", "bfloat16")
    assert "ulps wide" in done.stdout.decode()


@pytest.fixture
def witness(tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    case = Case(
        subject="tanh",
        program=Program(("x",), (Step(("y",), "tanh", ("x",)),), ("y",)),
        values={"x": np.array(0.5)},
        cotangents=(np.array(2.0),),
        dtype="float64",
    )
    (tmp_path / "witness.json").write_bytes(encode_witness(Witness(case, "gradient", "broken.py")))
    return tmp_path


def test_a_witness_shows_what_the_engine_did(witness):
    done = gradlaw("witness.json", "--target", "broken.py", cwd=witness)
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "What broken 7 does" in text
    assert "value of y: 0.46211715726000974  admissible" in text
    assert "outside: gradient of x: got 1.8; admissible [1.57" in text
    assert (
        b"What broken 7 does"
        in gradlaw("witness.json", "--target", "broken.py", "--format", "html", cwd=witness).stdout
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("f = x +",), "^"),
        (("f = foo(x)", "--at", "x=1"), "a primitive of the law book"),
        (("x * y", "--at", "x=1"), "Add --at y="),
        (("x", "--at", "x"), "name=value"),
        (("x * 2", "--at", "x=abc"), "a value"),
        (("x * 2", "--at", "x=1", "--format", "pgn"), "Did you mean png?"),
        (("x * 2", "--at", "x=1", "--dtype", "float8"), "float64, float32"),
        (("none.json",), "no readable file"),
        (("x * 2", "--at", "x=1", "--output", "/nowhere/x"), "a file that can be written"),
        (("x * 2", "--at", "x=1", "--target", "jax"), "a witness"),
    ],
)
def test_mistakes_are_one_clear_line_and_exit_2(arguments, words):
    done = gradlaw(*arguments)
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert b"Traceback" not in done.stderr
