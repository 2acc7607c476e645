"""Law ``depth``: long chains, and values that are reached on very many ways, take time in proportion to their steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.trial import Trial
from gradlaw_spec import PROGRAM, Case, Program, Step, Target, dtype
from gradlaw_spec.text import error_text

MUTANTS = (mutants.walks_every_path,)
CHAIN: Final = 10_000
DIAMONDS: Final = 30
LINKS: Final = (
    (Step(("y",), "negative", ("x",)),),
    (Step(("y",), "add", ("x", 0.0)),),
    (Step(("y",), "multiply", ("x", 1.0)),),
)
"""Steps of which a chain of even length changes nothing."""
DIAMOND: Final = (Step(("half",), "multiply", ("x", 0.5)), Step(("y",), "add", ("half", "half")))
"""Two ways from x to y, which together change nothing."""
SLOW: Final = 0.25
"""Seconds of the processor below which nobody says how a time grows."""


def cases(target: Target, subject: str, dtype_name: str) -> Iterator[Case]:
    """Yield what is repeated: a link of a chain, and a diamond, of primitives that the target has."""
    for links in (LINKS, (DIAMOND,)):
        found = next((link for link in links if {step.primitive for step in link} <= target.primitives), None)
        if found is not None:
            one = np.ones((), dtype(dtype_name).numpy)
            program = Program(("x",), found, ("y",))
            yield Case(subject=PROGRAM, program=program, values={"x": one}, cotangents=(one,), dtype=dtype_name)


def repeated(link: Program, times: int) -> Program:
    """Return a program of one input and output, put behind itself so many times."""
    steps, last = list[Step](), link.inputs[0]
    for turn in range(times):
        names = {link.inputs[0]: last, **{step.name: f"{step.name}{turn}" for step in link.steps}}
        steps += (
            replace(
                step,
                results=(names[step.name],),
                operands=tuple(names[item] if isinstance(item, str) else item for item in step.operands),
            )
            for step in link.steps
        )
        last = names[link.outputs[0]]
    return Program(link.inputs, tuple(steps), (last,))


def check(trial: Trial) -> Outcome:
    """Repeat the case's program: a diamond up to 30 times, anything else 10,000 times."""
    return _diamonds(trial) if trial.program.steps == DIAMOND else _chain(trial)


def _chain(trial: Trial) -> Outcome:
    outcome, seconds = _timed(trial, CHAIN)
    if seconds < 10 * SLOW or outcome.violated:
        return outcome
    times = [_timed(trial, CHAIN // part)[1] for part in (4, 2)] + [seconds]
    if _multiplies(times, 3.2):
        return Outcome(1, problem=f"{CHAIN} steps in a chain: twice as many steps take more than three times as long")
    return outcome


def _diamonds(trial: Trial) -> Outcome:
    outcomes, times = [], list[float]()
    for count in range(2, DIAMONDS + 1, 2):
        outcome, seconds = _timed(trial, count)
        outcomes.append(outcome)
        times.append(seconds)
        if seconds > SLOW and _multiplies(times[-4:], 2.0):
            problem = f"{count} diamonds, one behind the other: every two more take several times as long"
            return Outcome(1, problem=f"{problem}: each way is walked by itself, and there are 2 ** {count}")
    return combine(outcomes)


def _multiplies(times: list[float], factor: float) -> bool:
    """Whether each time is more than so many times the one before, in three or more."""
    pairs = pairwise(times)
    return len(times) > 2 and all(later > factor * earlier for earlier, later in pairs)


def _timed(trial: Trial, count: int) -> tuple[Outcome, float]:
    """Return what comes back through so many links, and the seconds of the processor that it took."""
    begin = time.process_time()
    try:
        _, pull = trial.target.pullback(repeated(trial.program, count), dict(trial.values))
        (gradient,) = pull(trial.cotangents)
    except Exception as error:  # the engine's: it refuses what is too deep
        note = f"{count} times {trial.program.steps[-1].primitive} is refused: {error_text(error)}"
        return Outcome(1, notes=frozenset({note})), time.process_time() - begin
    found = np.zeros_like(trial.cotangents[0]) if gradient is None else gradient
    what = f"gradient of x, {count} times {trial.program.steps[-1].primitive}"
    return equal(what, found, trial.cotangents[0], trial.case.dtype), time.process_time() - begin
