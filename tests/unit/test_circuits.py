"""Explanations: every form shows the reference's own numbers, and nothing that was given becomes markup."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

import gradlaw
from gradlaw.circuits.diagram import GATE_HEIGHT, LINE, lay_out
from gradlaw.circuits.explanation import explain_case
from gradlaw.circuits.flow import trace_flow
from gradlaw.circuits.values import MAKERS, Range, read_assignments, read_value
from gradlaw.commands.engine_side import engine_side
from gradlaw.formats.explanation import text
from gradlaw.formats.explanation.python import flow_program
from gradlaw.requests import Limits
from gradlaw_properties import judge
from gradlaw_properties.strategies import primitive_cases, program_cases
from gradlaw_reference import admissible
from gradlaw_spec import Case, Program, SpecError, Step, load_primitives

STAGED = "f = (x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)"
NOTES = gradlaw.explain(STAGED, {"x": "3", "y": "-4"})


def test_the_notes_example_has_its_gradients():
    received = NOTES.flow.received
    assert float(received["x"].value) == 2.0595697955721652
    assert float(received["y"].value) == 1.5922327514838093


def test_text_tells_patterns_and_writes_the_sum_out():
    text = NOTES.text()
    assert "add distributes" in text
    assert "x is used 3 times: branches add (from t4, t3, t2)" in text
    assert "dx = 1.583186895 - 0.03576154781 + 0.5121444488 = 2.059569796" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_python_runs_alone_and_prints_the_same_numbers():
    done = subprocess.run([sys.executable, "-I", "-c", NOTES.python()], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == [
        "f = 1.5456448841066441",
        "dx = 2.0595697955721652",
        "dy = 1.5922327514838093",
    ]
    assert "dt6 = -(df * t2) / (t6 * t6)  # f = t2 / t6" in NOTES.python()


def run_python(flow):
    """Run a flow's program, which imports nothing but Python's and NumPy's functions; return its names."""
    names = {}
    program = flow_program(flow)
    assert set(re.findall(r"^.*\bimport\b.*$", program, re.MULTILINE)) <= {"import math", "import numpy as np"}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        exec(program, names)
    return names


def in_a_region(case):
    """Whether some element of a primitive's case is outside of the domain in which all operands have a gradient."""
    page = load_primitives().get(case.subject)
    if page is None or not page.regions:
        return False
    given = zip(page.operands, case.program.steps[0].operands, strict=True)
    values = {operand.name: case.values[str(name)] for operand, name in given}
    plain = replace(page, regions=())
    return not plain.claims(page.operands[0].name, values).all()


def check_python(case):
    """The program's gradients are admissible, and its values are the flow's."""
    if in_a_region(case):  # a page's formula is that of the domain in which all operands have a gradient
        return
    values = {name: case.values[name] for name in (*case.program.inputs, *case.program.data)}
    cotangents = dict(zip(case.program.outputs, case.cotangents, strict=True))
    flow = trace_flow(case.program, values, cotangents)
    sets = admissible(case.program, values, tuple(cotangents.values()), dtype="float64")
    try:
        names = run_python(flow)
    except np.linalg.LinAlgError:  # NumPy refuses a matrix of which nothing is claimed
        assert not all(ball.is_finite() for output in sets.outputs for ball in output.ravel())
        return
    pairs = [(f"d{name}", allowed) for name, allowed in zip(case.program.inputs, sets.gradients, strict=True)]
    pairs += list(zip(case.program.outputs, sets.outputs, strict=True))
    for name, allowed in pairs:
        got = np.asarray(names.get(name, np.zeros(allowed.shape)), dtype=float)
        assert judge(name, got, allowed, "float64").problem == "", flow_program(flow)


QUIET = settings(
    max_examples=15, database=None, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("name", [name for name, page in load_primitives().items() if not page.results])
def test_python_computes_every_primitive(name):
    seed(1)(QUIET(given(primitive_cases(load_primitives()[name], "float64"))(check_python)))()


def test_a_step_of_several_results_is_no_gate():
    with pytest.raises(SpecError, match="eigh: found the results values, vectors; expected a step with one result"):
        gradlaw.explain(
            Program(("x",), (Step(("values", "vectors"), "eigh", ("x",)),), ("values",)), x=np.array([[1.0, 2], [2, 1]])
        )


@pytest.mark.parametrize(("text", "x"), [("log1p(exp(x))", 1000.0), ("1 / x", 0.0), ("exp(x) * exp(x)", 500.0)])
def test_python_runs_where_numbers_overflow(text, x):
    assert not np.isfinite(run_python(gradlaw.explain(text, x=x).flow)["dx"])


def test_python_computes_random_programs():
    seed(1)(settings(QUIET, max_examples=60)(given(program_cases(load_primitives(), "float64"))(check_python)))()


def test_a_kink_is_shared_and_said():
    tie = gradlaw.explain("maximum(x, y)", x=1.0, y=1.0)
    assert float(tie.flow.received["x"].value) == 0.5
    assert "equal ones share" in tie.text()
    assert run_python(tie.flow)["dx"] == 0.5


def test_names_that_the_program_needs_are_refused_there():
    with pytest.raises(SpecError, match="dx"):
        gradlaw.explain("x * dx", x=1.0, dx=2.0).python()
    with pytest.raises(SpecError, match="math"):
        gradlaw.explain("exp(math)", math=1.0).python()


def test_certified_has_the_set_and_the_exact_value():
    certified = gradlaw.explain(STAGED, x=3.0, y=-4.0, dtype="bfloat16")
    reading = certified.flow.received["x"]
    assert float(reading.low) < 2.0595697955721652 < float(reading.high)
    assert "ulps wide" in certified.text()
    assert gradlaw.explain("f = x * 3", x=2.0).flow.sets == ""


def test_float64_inputs_are_rounded_to_the_dtype_first():
    assert float(gradlaw.explain("f = x * 1", x=0.1, dtype="bfloat16").flow.values["x"].value) == 0.10009765625


def test_an_overflow_is_shown_as_anything():
    assert "anything, inf and nan included" in gradlaw.explain("exp(x)", x=1000.0, certified=True).text()


def test_what_no_output_needs_receives_nothing():
    case_text = gradlaw.explain("q = tanh(x); f = y * y", x=1.0, y=2.0).text()
    assert "receives nothing" in case_text
    assert "nothing flows back to it" in case_text


def test_a_range_has_a_flow_a_point():
    swept = gradlaw.explain("f = maximum(x, y)", {"x": "-1:1:3", "y": "0"})
    assert swept.points == (-1.0, 0.0, 1.0)
    assert [float(flow.received["x"].value) for flow in swept.flows] == [0.0, 0.5, 1.0]
    assert "dx" in swept.text()


def test_svg_is_xml_and_what_was_given_is_escaped():
    hostile = gradlaw.explain("f = x * y  # </svg><script>alert(1)</script>", x=1.0, y=2.0)
    root = ElementTree.fromstring(hostile.svg())
    assert root.tag.endswith("svg")
    assert "<script" not in hostile.svg()
    assert "alert(1)</script" not in hostile.html()
    assert hostile.png().startswith(b"\x89PNG")


def test_the_page_is_self_contained_and_has_a_frame_a_point():
    page = gradlaw.explain("f = maximum(x, y)", {"x": "-1:1:3", "y": "0"}).html()
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//|@import|url\(""", page)
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1))
    assert data["points"] == ["x = -1", "x = 0", "x = 1"]
    assert all(len(frame["captions"]) == len(data["stages"]) for frame in data["frames"])
    wires = set(data["frames"][0]["wires"])
    assert {key for stage in data["stages"] for key in stage["walked"]} == wires


def test_notebooks_get_a_frame_and_a_picture():
    assert NOTES._repr_html_().startswith("<iframe")
    assert "<script>" not in NOTES._repr_html_()
    assert NOTES._repr_svg_().startswith("<svg")


def test_mermaid_quotes_what_it_reads_itself():
    chart = gradlaw.explain("abs(x)", x=-1.0).mermaid()
    assert chart.startswith("flowchart LR")
    assert '["#124;x#124;"]' in chart


def test_shapes_stand_on_wires():
    picture = gradlaw.explain("D = W @ X", {"W": "randn(5, 10)", "X": "randn(10, 3)"}).svg()
    assert "shape (5, 10)" in picture
    assert "shape (10, 3)" in picture


def test_small_matrices_stand_on_wires_one_row_below_the_other():
    drawn = gradlaw.explain("sum(X @ W)", X=[[1.0, 2.0], [-30.0, 4.0]], W=[[1.0], [0.5]])
    lines = re.findall(r"<tspan [^>]*>([^<]*)</tspan>", drawn.svg())
    above = lines.index("[[\xa0\xa01, 2],")
    assert lines[above + 1] == "\xa0[−30, 4]]"
    assert '"[[1], [0.5]] · ◂ [[−29], [6]]"' in drawn.mermaid()
    heights = [box.height for box in lay_out((drawn.flow,)).boxes if box.role == "input"]
    assert heights == [GATE_HEIGHT + LINE] * 2


def test_the_same_seed_draws_the_same_numbers():
    first, again, other = (read_value("W", "randn(2, 3)", number) for number in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()


@pytest.mark.parametrize("maker", MAKERS)
def test_makers_make_the_shape(maker):
    assert read_value("x", f"{maker}(2, 3)").shape == (2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "[1, [2]]",
        "randn(-1)",
        "randn(1e3)",
        "randn(100000)",
        "open('x')",
        "1:2",
        "1:2:1",
        "1:x:3",
        "1e400",
        "'a'",
    ],
)
def test_values_that_are_none_are_one_clear_error(text):
    with pytest.raises(SpecError, match="x="):
        read_value("x", text)


@pytest.mark.parametrize("text", ["x", "=3", "1x=3", "x="])
def test_assignments_name_what_is_wrong(text):
    with pytest.raises(SpecError, match="--at"):
        read_assignments([text])


def test_assignments_are_read():
    assert read_assignments(["x=3", "y = -2:2:9"]) == {"x": "3", "y": "-2:2:9"}
    assert read_value("y", "-2:2:5") == Range(-2.0, 2.0, 5)
    with pytest.raises(SpecError, match="twice"):
        read_assignments(["x=3", "x=4"])


@pytest.mark.parametrize(
    ("computation", "values", "words"),
    [
        ("x * y", {"x": 1.0}, "no y"),
        ("x * y", {"x": 1.0, "y": 2.0, "z": 3.0}, "z=…"),
        ("x @ y", {"x": [1.0, 2.0], "y": [1.0, 2.0, 3.0]}, "step t1"),
        ("x * y", {"x": "0:1:3", "y": "0:1:3"}, "one range at a time"),
        ("take(x, i)", {"x": [1.0, 2.0], "i": [0.5]}, "integers"),
        ("x[5]", {"x": [1.0, 2.0]}, "step t1"),
    ],
)
def test_values_that_do_not_fit_are_one_clear_error(computation, values, words):
    with pytest.raises(SpecError, match=words):
        gradlaw.explain(computation, values)


def test_a_case_is_explained_with_what_an_engine_made_of_it():
    case = Case(
        subject="tanh",
        program=Program(("x",), (Step(("y",), "tanh", ("x",)),), ("y",)),
        values={"x": np.array(0.5)},
        cotangents=(np.array(2.0),),
        dtype="float64",
    )
    side = engine_side(case, "reference", Limits(jobs=0))
    assert [row.problem for row in side.compared] == ["", ""]
    written = text.render(explain_case(case, engine=side))
    assert "What reference" in written
    assert written.count("admissible") >= 2
