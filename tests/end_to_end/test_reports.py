"""Every report of one run of a small engine with a bug, and the comparison of two engines."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gradlaw.formats import formats

ENGINE = """
import operator
import gradlaw
from tiny_engines import Number

class Scaled(Number):
    def __init__(self, data, parents=()):
        super().__init__(data, tuple((parent, lambda g, local=local: local(g) * FACTOR) for parent, local in parents))

def relu(x):
    raise NotImplementedError("</script><img src=x onerror=alert(1)>")

FACTOR = {factor}
target = gradlaw.tape_target(
    name="<b>bold</b>", version="1 & 2", levels=("scalar",), dtypes=("float64",), scalar=True, variable=Number,
    value=lambda v: v.data, gradient=lambda v: v.grad, backward=lambda output: output.backward(),
    primitives=dict(
        add=lambda x, y: Scaled((x + y).data, (x + y).parents), multiply=operator.mul, relu=relu,
    ),
)
"""
UNIT = Path(__file__).parents[1] / "unit"
ADDRESSES = ("add", "multiply", "relu")


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


def run(folder, *arguments):
    command = [sys.executable, "-m", "gradlaw", *map(str, arguments)]
    places = os.pathsep.join([str(UNIT), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = {**os.environ, "COLUMNS": "80", "PYTHONPATH": places}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with an engine that is right and one that is wrong, each with all of its reports."""
    made = tmp_path_factory.mktemp("reports")
    for name, factor in (("right", "1"), ("wrong", "(1 + 2.0**-30)")):
        (made / f"{name}.py").write_text(ENGINE.format(factor=factor))
        files = [part for kind in formats("report") for part in (f"--{kind}", f"{name}.{kind}")]
        done = run(made, "check", f"{name}.py", *ADDRESSES, "--quick", "--jobs", 1, *files)
        assert done.status == (name == "wrong"), done.out + done.err
    return made


def test_every_report_tells_of_the_same_run(folder):
    content = json.loads((folder / "wrong.json").read_text())
    violations = {cell["address"] for cell in content["cells"] if cell["verdict"] == "violation"}
    assert "add/gradient@float64" in violations
    number = len(content["cells"])

    page = (folder / "wrong.html").read_text(encoding="utf-8")
    assert len(re.findall("<tr[^>]* data-row", page)) == number
    assert {address for address in violations if f'id="{address}"' in page} == violations
    assert '<svg class="number-line"' in page
    assert "ulps away" in page

    suite = ElementTree.parse(folder / "wrong.junit").getroot()[0]
    assert int(suite.get("tests")) == number
    failed = {
        test.get("classname") + test.get("name") for test in suite.iter("testcase") if test.find("failure") is not None
    }
    expected = {address.partition("/") for address in violations}
    assert failed == {f"{subject}@float64{rest.partition('@')[0]}" for subject, _, rest in expected}

    results = json.loads((folder / "wrong.sarif").read_text())["runs"][0]["results"]
    places = {one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for one in results}
    assert places == violations
    text = (folder / "wrong.markdown").read_text(encoding="utf-8")
    assert text.count("\n### ✗ violation, inaccurate: ") == len(violations)
    badge = (folder / "wrong.badge").read_text(encoding="utf-8")
    assert f">{len(violations)} violations, {number} cells</text>" in badge
    assert ">0 violations," in (folder / "right.badge").read_text(encoding="utf-8")


def test_what_the_engine_says_is_text(folder):
    page = (folder / "wrong.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;bold&lt;/b&gt; 1 &amp; 2" in page
    assert "NotImplementedError: &lt;/script&gt;&lt;img src=x" in page
    assert "<b>bold" not in page
    assert "<img" not in page
    assert page.count("</script>") == 1


def test_comparison(folder):
    reports = ("right.json", "wrong.json", "right.results.toml")
    (folder / reports[2]).write_bytes((folder / "right.results").read_bytes())
    done = run(folder, "compare", *reports, "--html", "c.html", "--markdown", "c.md")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = (line for line in lines if line.startswith("add"))
    assert re.search("– unsupp. .*✗ violation.*– unsupp.", row)
    assert "violation" in (folder / "c.md").read_text(encoding="utf-8")
    page = (folder / "c.html").read_text(encoding="utf-8")
    assert "right.json" in page
    assert "<b>bold" not in page


def test_two_reports_of_one_engine_are_a_regression_report(folder):
    before = (folder / "right.results").read_text(encoding="utf-8")
    assert '"add/gradient" = { float64 = "pass" }' in before
    (folder / "old.toml").write_text(before)
    line = '"add/gradient" = { float64 = "pass"'
    (folder / "new.toml").write_text(before.replace(line, line.replace("pass", "crash")))
    same, worse, better = (
        run(folder, "compare", f"{old}.toml", f"{new}.toml")
        for old, new in (("old", "old"), ("old", "new"), ("new", "old"))
    )
    assert (same.status, worse.status, better.status) == (0, 1, 0)
    assert "add/gradient: pass → crash @ float64" in worse.out
    assert "0 worse, 0 better, 0 new, 0 gone" in same.out


def test_a_file_that_is_no_report(folder):
    (folder / "none.json").write_text('{"gradlaw": "0.1.0"}')
    done = run(folder, "compare", "right.json", "none.json", "--html", "none.html")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("gradlaw: none.json: $: found no ")
    assert done.err.count("\n") == 1
    assert not (folder / "none.html").exists()


@pytest.mark.parametrize(("kind", "place"), [("html", "nowhere/report"), ("junit", "."), ("json", "right.py/file")])
def test_a_file_that_cannot_be_written_is_told_before_the_run(folder, kind, place):
    done = run(folder, "check", "wrong.py", *ADDRESSES, f"--{kind}", place)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"gradlaw: report: found --{kind}='{place}'; expected a file")
    assert done.err.count("\n") == 1


def test_two_reports_in_one_file(folder):
    done = run(folder, "check", "wrong.py", *ADDRESSES, "--html", "one", "--junit", "./one")
    assert (done.status, done.out) == (2, "")
    assert "--junit='one'; expected another file than --html has" in done.err
