"""The command ``gradlaw explain``: what it reads, and where it writes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from gradlaw.circuits.explanation import Explanation, explain, explain_case
from gradlaw.circuits.quiz import ask, exercise
from gradlaw.circuits.values import read_assignments
from gradlaw.commands.engine_side import engine_side
from gradlaw.commands.files import replace_file
from gradlaw.formats import rendered, renderer
from gradlaw.formats.explanation.text import explanation_lines, flow_lines
from gradlaw.own.settings import without_settings
from gradlaw.requests import Limits
from gradlaw.witnesses import check_witness, trusted_target
from gradlaw_spec import SpecError, read_witness

EXERCISE: Final = "exercise:"
"""What stands before the number of an exercise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked."""

    what: str
    """A computation, or the path of a witness."""
    at: tuple[str, ...]
    """Values, as ``name=value``."""
    cotangent: str | None
    """What flows in from behind; None: ones."""
    form: str
    """The format of the answer."""
    output: Path | None
    """The file to write; None: standard output."""
    certified: bool
    """Whether the sets of what may be returned are shown."""
    dtype: str | None
    """The dtype of those sets; None: float64."""
    seed: int
    """What decides the numbers of ``randn``."""
    target: str | None
    """Another target than the witness names; None: the witness's."""
    quiz: bool = False
    """Whether the gradients are asked for, and not told."""


def explain_asked(asked: Asked, limits: Limits) -> int:
    """Explain, and print or write the answer; return the exit status."""
    renderer("explanation", asked.form)  # an unknown format is told before the work
    if asked.form == "png" and asked.output is None and sys.stdout.isatty():
        raise SpecError("explain", "--format=png on a terminal", "a file", "Add --output circuit.png.")
    explanation = _explanation(asked, limits)
    if asked.quiz:
        return _quiz(asked, explanation)
    if asked.form == "text" and asked.output is None:
        console = Console(file=sys.stdout, highlight=False)
        for line in explanation_lines(explanation):
            line.rstrip()
            console.print(line, soft_wrap=True)
        return 0
    _write(rendered("explanation", asked.form, explanation), asked.output)
    return 0


def _quiz(asked: Asked, explanation: Explanation) -> int:
    """Show the forward pass, and ask for what flows back."""
    if asked.form != "text" or asked.output is not None:
        cure = "Leave one of them out; the format html has a quiz of its own."
        raise SpecError("explain", "--quiz with --format or --output", "one of them", cure)
    print(explanation.title, end="\n\n")
    for line in flow_lines(explanation.flow):
        if not line.plain:
            break
        print(line.plain)
    print()
    for said in ask(explanation.flow, input):
        print(said)
    return 0


def _explanation(asked: Asked, limits: Limits) -> Explanation:
    if asked.what.startswith(EXERCISE):
        return _of_exercise(asked)
    if asked.what.endswith(".json") or _is_file(asked.what):
        return _of_witness(asked, Path(asked.what), limits)
    if asked.target is not None:
        raise SpecError("explain", f"--target={asked.target!r}", "a witness to run on it", "Leave it out.")
    return explain(
        asked.what,
        read_assignments(asked.at),
        cotangent=asked.cotangent,
        dtype=asked.dtype or "float64",
        certified=asked.certified,
        seed=asked.seed,
    )


def _of_exercise(asked: Asked) -> Explanation:
    """Explain an exercise, which has its own point."""
    number = asked.what.removeprefix(EXERCISE)
    if asked.at:
        raise SpecError("explain", "--at with an exercise", "the exercise's own point", "Leave it out.")
    chosen = exercise(int(number) if number.isdecimal() and len(number) < 5 else 0)
    return explain(chosen.formula, chosen.at)


def _is_file(text: str) -> bool:
    """Whether a text is the name of a file; one that cannot be a name (it is too long, or has a NUL) is none."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _of_witness(asked: Asked, path: Path, limits: Limits) -> Explanation:
    """Explain a witness, with what its target made of it where it names one."""
    for name, given in (("--at", asked.at), ("--cotangent", asked.cotangent), ("--dtype", asked.dtype)):
        if given:
            raise SpecError("explain", f"{name} with a witness", "the witness's own", "Leave it out.")
    witness = read_witness(path)
    check_witness(witness, str(path))
    case, target = without_settings(witness.case), asked.target or trusted_target(witness, str(path))
    side = engine_side(case, target, limits) if target else None
    return explain_case(case, law=witness.law, engine=side)


def _write(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        replace_file(output, content)
    except OSError as error:
        found = f"--output={str(output)!r}"
        raise SpecError("explain", found, "a file that can be written", str(error.strerror)) from None
