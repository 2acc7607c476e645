"""Composing: a primitive that a target lacks, written as the composition that its page gives."""

from __future__ import annotations

from gradlaw_spec import Program, SpecError, Step, composition, inline, load_pages


def expand(program: Program, available: frozenset[str]) -> Program | None:
    """Replace every step whose primitive is not available by its composition, again and again.

    Returns the program itself where nothing is missing, and None where a missing primitive has no
    composition that leads to available ones, or one with a step of numbers alone (``log(2)``): an engine need not take
    those, or computes them in another dtype.
    """
    if program.primitives <= available:
        return program

    def body(step: Step) -> Program | None:
        return None if step.primitive in available else composition(load_pages()[step.primitive], step.attributes)

    try:
        found = inline(program, body)
    except SpecError:
        return None
    of_values = all(any(isinstance(item, str) for item in step.operands) for step in found.steps)
    return found if of_values else None
