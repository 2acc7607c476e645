"""Near misses: which declaration would admit what a kernel returned. It is a question to the user, never an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gradlaw.own.drawing import Subject
from gradlaw.own.kernels import Kernel
from gradlaw.own.traced import traced
from gradlaw.reports.code import step_text
from gradlaw_properties import replay
from gradlaw_spec import Cell, Step, Verdict, Witness, composition, load_primitives

LOOSE: Final = (4, 64)
"""How many units a primitive is tried at, where its page asks for fewer."""
MOST_WRITTEN: Final = 60
"""A longer text has the names of its parts."""
NAMES: Final = re.compile(r"\bt\d+\b")
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
    names = dict.fromkeys(name for step in steps for name in (step.primitive, *_inside(step)))
    for units in LOOSE:
        for name in names:
            if 0 < load_primitives()[name].accuracy < units:
                yield (
                    f"{name} is accurate to {units} units only (accuracies=)",
                    replace(kernel, accuracies={**kernel.accuracies, name: units}),
                )
    texts = _texts(steps)
    narrower = _narrower(dtype_name)
    for place, to in enumerate(narrower):
        for step in steps:
            declared = replace(kernel, sets=replace(kernel.sets, stored={step.name: to}))
            yield f"{texts[step.name]} is stored in {' or '.join(narrower[place:])}", declared
    if subject.compute not in (None, dtype_name):
        yield f"every step is computed in {dtype_name}", replace(kernel, sets=replace(kernel.sets, compute=None))


def _narrower(dtype_name: str) -> tuple[str, ...]:
    """Return the dtypes in which values of a dtype may be kept, the finest first."""
    coarse = ("float16", "bfloat16")
    return (dtype_name,) if dtype_name in coarse else coarse if dtype_name == "float32" else ("float32", *coarse)


def _texts(steps: tuple[Step, ...]) -> dict[str, str]:
    """Return what each step computes, in the definition's inputs as long as that is short."""
    texts: dict[str, str] = {}
    for step in steps:
        text = step_text(step).partition(" = ")[2]
        whole = NAMES.sub(lambda found: texts.get(found[0], found[0]), text)
        texts[step.name] = whole if len(whole) <= MOST_WRITTEN else text
    return texts


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
