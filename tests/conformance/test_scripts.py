"""The scripts of built-in engines: each primitive's shows the value and gradient that the target has."""

from __future__ import annotations

import contextlib
import io
import runpy
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from gradlaw import load_target
from gradlaw.reports.script import MOST_LINES, plain_script, script_of
from gradlaw_properties.examine import replay, runnable_primitives
from gradlaw_properties.strategies import primitive_cases, program_cases
from gradlaw_properties.trial import DifferentiationError, Trial, UnsupportedCase
from gradlaw_spec import Witness, load_primitives

ENGINES = ("reference", "jax", "torch", "autograd", "micrograd")
ROOM = {"jax": 3, "torch": 8, "autograd": 8, "micrograd": 8, "reference": 2}
PAIRS = [
    (engine, primitive)
    for engine in ENGINES
    if engine == "reference" or find_spec(engine) is not None
    for primitive in load_primitives()
]


def some_cases(strategy, number):
    found = []

    @seed(7)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(case):
        found.append(case)

    collect()
    return found


RUNS = 12


def with_law(case, law="gradient"):
    return Witness(case, law)


def printed(script, folder):
    path = folder / "shown.py"
    path.write_text(script)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), np.errstate(all="ignore"):
        runpy.run_path(str(path))
    return out.getvalue()


def shown(array):
    """Return how a script prints an array."""
    return "None" if array is None else str(np.asarray(array).tolist())


def compare(witness, target, name, folder):
    """Run the script of a case, and look for the target's value and gradients in what it prints; say if it ran.

    An engine whose sums come in the order of a set gives other last digits in each run: one of several must agree.
    """
    for run in range(RUNS):
        found = _compared(witness, target, name, folder, last=run == RUNS - 1)
        if found is not False:
            return bool(found)
    return False


def _compared(witness, target, name, folder, *, last):
    trial = Trial(target, witness.case)
    try:
        outputs, gradients = trial.outputs, trial.pull_raw()
    except (UnsupportedCase, DifferentiationError):
        return None
    cell = replay(witness, target)
    script = plain_script(cell, witness.case, name, frozenset(target.primitives))
    assert len(script.splitlines()) <= MOST_LINES
    text = printed(script, folder)
    for array in (*outputs, *gradients):
        if not last and shown(array) not in text:
            return False
        assert shown(array) in text, f"{shown(array)} not in\n{text}\nfrom\n{script}"
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "primitive"), PAIRS)
def test_script_shows_the_targets_gradient(name, primitive, tmp_path):
    target = load_target(name)
    if primitive not in target.primitives:
        pytest.skip(f"{name} has no {primitive}")
    page = load_primitives()[primitive]
    dtypes = target.dtypes if name == "torch" else target.dtypes[:2]
    ran = [
        compare(with_law(case), target, name, tmp_path)
        for dtype in dtypes
        for case in some_cases(primitive_cases(page, dtype, scalar=target.scalar), ROOM[name])
    ]
    if not any(ran):
        pytest.skip(f"{name} does not run {primitive} on these cases")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted({name for name, _ in PAIRS}))
def test_scripts_of_programs(name, tmp_path):
    target = load_target(name)
    strategy = program_cases(runnable_primitives(target), "float64", scalar=target.scalar)
    ran = [compare(with_law(case), target, name, tmp_path) for case in some_cases(strategy, 6)]
    assert any(ran)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted({name for name, _ in PAIRS}))
@pytest.mark.parametrize("law", ["linearity", "branches-sum", "constants", "gradient"])
def test_scripts_show_what_a_law_runs(name, law, tmp_path):
    target = load_target(name)
    strategy = primitive_cases(load_primitives()["multiply"], "float64", scalar=target.scalar)
    for case in some_cases(strategy, 3):
        witness = with_law(case, law)
        cell = replay(witness, target)
        script = script_of(cell, witness, target, name)
        assert len(script.splitlines()) <= MOST_LINES
        assert "gradient of" in printed(script, tmp_path)
