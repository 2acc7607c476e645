"""The README: its code runs and prints what it says, and its files exist."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import gradlaw

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_reference_example_prints_what_its_comments_say() -> None:
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", README, re.S) if "grad(f" in block)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})  # our own text
    gradients, certified = printed.getvalue().splitlines()
    assert f"# {gradients}" in code
    assert certified.startswith("[2.05956979557216")
    assert "# 2.05956979557216: certified" in code


def test_linked_files_exist() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), f"README.md links to {link}, which is not there"


def test_commands_are_those_of_continuous_integration() -> None:
    assert ".venv/bin/tox" in README
    assert ".venv/bin/gradlaw check jax" in README


def test_the_circuit_shown_is_what_explain_prints() -> None:
    block = next(text for text in re.findall(r"```console\n(.*?)```", README, re.S) if "gradlaw explain" in text)
    command, _, shown = block.partition("\n")
    words = shlex.split(command.removeprefix("$ gradlaw "))
    done = subprocess.run([sys.executable, "-m", "gradlaw", *words], capture_output=True, text=True, check=True)
    assert done.stdout == shown


def test_the_table_of_engines_is_that_of_the_committed_verdicts() -> None:
    rows = re.findall(r"^\| (\w+) ([\d.]+) \| (\d+) \| (\d+) \|", README, re.MULTILINE)
    assert rows
    for name, version, passes, deviations in rows:
        results = tomllib.loads((ROOT / "results" / f"{name}.toml").read_text(encoding="utf-8"))
        known = tomllib.loads((ROOT / "known" / f"{name}.toml").read_text(encoding="utf-8"))
        cells = [verdict for row in results["verdicts"].values() for verdict in row.values()]
        found = (results["version"], str(cells.count("pass")), str(len(known["deviation"])))
        assert (version, passes, deviations) == found, name


def test_the_picture_has_the_numbers_of_explain() -> None:
    """Places depend on Graphviz, numbers do not."""
    drawn = (ROOT / "docs" / "_static" / "circuit.svg").read_text(encoding="utf-8")
    fresh = gradlaw.explain("f = (x + sigmoid(y)) / (sigmoid(x) + (x + y) ** 2)", x=3.0, y=-4.0).svg()
    assert sorted(re.findall(r">([^<]+)</t(?:ext|span)>", drawn)) == sorted(
        re.findall(r">([^<]+)</t(?:ext|span)>", fresh)
    )
