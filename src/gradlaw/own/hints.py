"""Near misses: which declaration would admit what a kernel returned. It is a question to the user, never an answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gradlaw.own.drawing import Subject
from gradlaw.own.kernels import Kernel
from gradlaw.own.traced import traced
from gradlaw.reports.code import step_text
from gradlaw_properties import replay
from gradlaw_spec import Cell, Step, Verdict, Witness, composition, load_primitives

LOOSE: Final = 64
"""How many units a primitive is tried at, where its page asks for a few."""
MOST_TRIES: Final = 60
"""Declarations that are tried for one witness."""


def hint(subject: Subject, kernel: Kernel, cell: Cell, dtype_name: str) -> str:
    """Return which declaration would admit what a cell shows; nothing where none of those that are tried does."""
    if cell.witness is None or kernel.sets is None:
        return ""
    for tries, (said, other) in enumerate(_declarations(subject, kernel, cell, dtype_name)):
        if tries >= MOST_TRIES:
            break
        if replay(Witness(cell.witness.case, cell.witness.law), other.target()).verdict is not Verdict.VIOLATION:
            return f"inside if {said}: is it?"
    return ""


def _declarations(subject: Subject, kernel: Kernel, cell: Cell, dtype_name: str) -> Iterator[tuple[str, Kernel]]:
    """Yield declarations, the narrowest first: what they say, and the kernel judged by them."""
    assert cell.witness is not None
    assert kernel.sets is not None
    steps = _steps(subject, kernel, cell)
    narrower = [dtype_name] if dtype_name in ("bfloat16", "float16") else ["bfloat16", "float16"]
    for to in narrower:
        for step in steps:
            text = step_text(step).partition(" = ")[2]
            yield f"{text} is stored in {to}", replace(kernel, sets=replace(kernel.sets, stored={step.name: to}))
    for name in dict.fromkeys(name for step in steps for name in (step.primitive, *_inside(step))):
        if load_primitives()[name].accuracy:
            yield (
                f"{name} is accurate to {LOOSE} units only (accuracies=)",
                replace(kernel, accuracies={**kernel.accuracies, name: LOOSE}),
            )
    if subject.compute not in (None, dtype_name):
        yield f"every step is computed in {dtype_name}", replace(kernel, sets=replace(kernel.sets, compute=None))


def _steps(subject: Subject, kernel: Kernel, cell: Cell) -> tuple[Step, ...]:
    """Return the steps of the definition at a cell's witness, under the names that the sets know."""
    assert cell.witness is not None
    call = kernel.call(cell.witness.case.values)
    return traced(
        subject.definition, call.arguments, subject.differentiated, call.options, subject.compute
    ).program.steps


def _inside(step: Step) -> tuple[str, ...]:
    """Return the primitives that a composed one is made of."""
    page = load_primitives()[step.primitive]
    if page.rounding != "composed":
        return ()
    names = (inner.primitive for inner in composition(page, step.attributes).steps)
    return tuple(name for name in names if name in load_primitives())
