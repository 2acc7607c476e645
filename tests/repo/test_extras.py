"""What is installed without an extra is enough for the reference, and for a check in a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gradlaw.formats import EXTRAS, OPTIONAL

ROOT = Path(__file__).parents[2]
REFERENCE = ("typer", "jinja2", "pygraphviz", "resvg_py", "junitparser", "rich", "hypothesis", "pytest")
REFUSING = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refusing())
"""


@pytest.fixture
def without(tmp_path):
    """Return what runs Python with modules that cannot be imported, in worker processes too."""

    def run(names, *arguments):
        (tmp_path / "sitecustomize.py").write_text(REFUSING.format(names=names))
        places = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
        variables = {**os.environ, "COLUMNS": "80", "PYTHONPATH": places}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=300)

    return run


def test_the_reference_needs_no_command_line(without) -> None:
    code = """
import gradlaw_reference as reference
from gradlaw_reference import Ball, grad, using
print(grad(lambda x: reference.tanh(x))(0.0))
with using(Ball()):
    print(grad(lambda x: x * x)(3.0))
"""
    done = without(REFERENCE, "-c", code)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert without(REFERENCE, "-c", "import typer").returncode == 1


BASE = (*OPTIONAL, "pytest")


def test_a_check_in_a_terminal_needs_no_extra(without) -> None:
    files = [f"--{name}={name}" for name in ("json", "markdown", "sarif", "badge", "results")]
    address = "tanh/gradient@float64"
    done = without(BASE, "-m", "gradlaw", "check", "reference", address, "--quick", "--jobs", "1", *files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("1 cells: 1 pass")
    for form in ("text", "python"):
        done = without(BASE, "-m", "gradlaw", "explain", "f = x * x", "--at", "x=3", "--format", form)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "module", "extra"),
    [
        (("check", "reference", "tanh", "--html", "r.html"), "jinja2", "report"),
        (("check", "reference", "tanh", "--junit", "r.xml"), "junitparser", "report"),
        (("explain", "f = x * x", "--at", "x=3", "--format", "svg"), "jinja2", "explain"),
        (("explain", "f = x * x", "--at", "x=3", "--format", "png", "-o", "x.png"), "resvg_py", "explain"),
    ],
)
def test_a_missing_extra_is_one_line_before_the_run(without, arguments, module, extra) -> None:
    done = without(BASE, "-m", "gradlaw", *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"no {module}" in done.stderr
    assert done.stderr.rstrip().endswith(f"pip install 'gradlaw[{extra}]'")


def test_every_optional_module_comes_with_an_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {need.partition(">")[0] for extra in set(EXTRAS.values()) for need in extras[extra]}
    assert named == set(OPTIONAL)
    assert "report" in extras["all"][0]
