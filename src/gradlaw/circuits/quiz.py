"""A circuit as a quiz: a gradient is hidden, the reader says it, and is told at once, with a hint by pattern.

Answers are the reference's own numbers. A number is right where the answer, rounded to as many digits, is that number;
it has three digits at least, unless the answer has fewer.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from gradlaw.circuits import numbers
from gradlaw.circuits.expressions import gradient_name, step_expression, unparse
from gradlaw.circuits.flow import Flow
from gradlaw_spec import SpecError, load_primitives

HINTS: Final[Mapping[str, str]] = {
    "add-distributes": "Add distributes: what arrives is handed on, unchanged (negated where it is subtracted).",
    "broadcast-sums": "Broadcast sums: what was copied gets the sum of what its copies get.",
    "local-gradient": "Multiply what arrives by the slope of this gate alone.",
    "matrix-shapes": "Match the shapes: what arrives times the other factor, transposed so that it fits.",
    "max-routes": "Max routes: the largest gets all of what arrives, the others 0.",
    "moves-invert": "Moves invert: each number goes back to where its element came from.",
    "multiply-swaps": "Multiply swaps: what arrives, times the other operand.",
    "select-masks": "Select masks: what was selected gets all of what arrives, the other 0.",
    "sum-broadcasts": "Sum broadcasts: each element gets what arrives (a mean divides it by their number).",
}
MOST: Final = 9
"""Arrays of more elements are no question."""
LEAST_DIGITS, MOST_DIGITS = 3, 12
NUMBER: Final = re.compile(r"[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:\s*/\s*\d+)?")


@dataclass(frozen=True, slots=True)
class Question:
    """A gradient that is asked for."""

    place: int
    """Which of the flow's parts it is."""
    text: str
    """What is asked, such as ``f = x * y hands x: dx = ?``."""
    answer: tuple[float, ...]
    """The numbers, one an element."""
    hint: str
    """What helps after a wrong answer."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """A computation at a point, to be asked about."""

    formula: str
    """What is computed."""
    at: Mapping[str, str]
    """A value for each input, as on the command line."""


@cache
def exercises() -> tuple[Exercise, ...]:
    """Return the exercises, from one gate to a network of two layers."""
    read = tomllib.loads((Path(__file__).parent / "exercises.toml").read_text(encoding="utf-8"))
    return tuple(Exercise(one["formula"], one["at"]) for one in read["exercise"])


def exercise(number: int) -> Exercise:
    """Return an exercise by its number, from 1; raise SpecError where there is none."""
    found = exercises()
    if not 1 <= number <= len(found):
        raise SpecError("exercise", f"number={number}", f"1 to {len(found)}", "Write exercise:1.")
    return found[number - 1]


def questions(flow: Flow) -> tuple[Question, ...]:
    """Return what can be asked of a flow, in the order in which gradients flow."""
    steps = {name: step for step in flow.program.steps for name in step.results}
    found = []
    for place, part in enumerate(flow.parts):
        value, step = part.amount.value, steps[part.step]
        if value.size > MOST or not value.size or not np.isfinite(value).all():
            continue
        name = gradient_name(part.operand)
        arrives = numbers.reading(flow.received[part.step], 6) if part.step in flow.received else "0"
        share = " (its share from here)" if len(flow.arrivals(part.operand)) > 1 else ""
        shape = f", {value.size} numbers" if value.ndim else ""
        given = f"{part.step} = {unparse(step_expression(step))}, where {gradient_name(part.step)} = {arrives}"
        text = f"{given}: what is {name}{share}{shape}?"
        hint = HINTS[load_primitives()[step.primitive].pattern]
        found.append(Question(place, text, tuple(float(number) for number in value.ravel()), hint))
    return tuple(found)


def is_right(said: str, answer: tuple[float, ...]) -> bool:
    """Whether a reader's numbers are the answer's, as far as their digits go; fractions such as 3/16 are exact."""
    written = NUMBER.findall(said.replace("−", "-"))
    return len(written) == len(answer) and all(map(_agrees, written, answer))


def _agrees(written: str, answer: float) -> bool:
    above, slash, below = written.replace(" ", "").partition("/")
    if slash:
        quotient = float(above) / float(below) if float(below) else math.nan
        return _rounded(quotient, MOST_DIGITS) == _rounded(answer, MOST_DIGITS)
    digits = len(re.sub(r"[eE].*|\D", "", above).lstrip("0"))
    kept = min(max(digits, LEAST_DIGITS), MOST_DIGITS)
    return _rounded(float(above), kept) == _rounded(answer, kept)


def _rounded(number: float, digits: int) -> str:
    return f"{number or 0.0:.{digits - 1}e}"


def ask(flow: Flow, listen: Callable[[str], str]) -> Iterator[str]:
    """Ask each question twice at most and yield what is to be said; ``listen`` gets an answer, EOFError ends it."""
    asked = questions(flow)
    right = 0
    for count, question in enumerate(asked, 1):
        yield f"{count} of {len(asked)}  {question.text}"
        try:
            told = is_right(listen("  > "), question.answer)
            if told:
                yield "  Right."
            else:
                yield f"  Not yet. {question.hint}"
                told = is_right(listen("  > "), question.answer)
                shown = numbers.reading(flow.parts[question.place].amount, 6)
                yield "  Right." if told else f"  It is {shown}."
        except EOFError:
            yield f"Stopped at {count} of {len(asked)}."
            return
        right += told
    yield f"{right} of {len(asked)} right."
