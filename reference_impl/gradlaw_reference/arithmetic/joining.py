"""Formulas over the same inputs as one list of steps, so that what they share is computed once."""

from __future__ import annotations

from gradlaw_spec import Program, Reference

FusedStep = tuple[str, tuple[int, ...]]
"""A step of joined formulas: its primitive, and the places of its operands."""


def joined(programs: tuple[Program, ...]) -> tuple[tuple[FusedStep, ...], tuple[float, ...], tuple[int, ...]]:
    """Join programs over the same inputs: inputs first, then constants, then steps, of which equal ones become one.

    Return the steps, the constants, and the place of each program's result.
    """
    constants = tuple(
        dict.fromkeys(item for p in programs for step in p.steps for item in step.operands if not isinstance(item, str))
    )
    inputs = programs[0].inputs
    steps: dict[FusedStep, int] = {}
    ends = []
    for program in programs:
        places: dict[Reference, int] = {name: place for place, name in enumerate(inputs)}
        places.update({number: len(inputs) + place for place, number in enumerate(constants)})
        for step in program.steps:
            key = (step.primitive, tuple(places[item] for item in step.operands))
            places[step.name] = steps.setdefault(key, len(inputs) + len(constants) + len(steps))
        ends.append(places[program.outputs[0]])
    return tuple(steps), constants, tuple(ends)
