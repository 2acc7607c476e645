"""Where the values of a program are rounded: the dtype of each, and a program that computes in a wider one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gradlaw_spec.dtypes import dtype, promoted
from gradlaw_spec.program import Program, Reference, Step, interpret


def value_dtypes(program: Program, start: Mapping[str, str]) -> dict[str, str]:
    """Return the dtype of every real value of a program, by name.

    ``start`` has those of the inputs and data that are real numbers. A step's results have the dtype that its attribute
    ``dtype`` names, else the one that its operands promote to; a Python scalar has none of its own. Raises SpecError
    for a name that is no dtype. Source: clause ``shapes-and-dtypes/value-dtypes``.
    """

    def of(step: Step, operands: tuple[Any, ...]) -> Any:
        named = sorted({operand for operand in operands if isinstance(operand, str)})
        chosen = step.attributes.get("dtype")
        found = dtype(str(chosen)).name if chosen is not None else promoted(*named) if named else None
        return (found,) * len(step.results) if len(step.results) > 1 else found

    inside = {name: start.get(name) for name in (*program.inputs, *program.data)}
    return {name: found for name, found in interpret(program, inside, of).items() if found is not None}


def computed_in(program: Program, compute: str, start: Mapping[str, str]) -> Program:
    """Return a program whose steps are computed in a wider dtype: what a kernel does that widens what it loads.

    Every real input is cast to ``compute`` once, and so is what an explicit cast has narrowed; the outputs are cast
    back to the dtypes that they have without it. ``start`` is as in `value_dtypes`. Raises SpecError for no dtype.
    """
    before = value_dtypes(program, start)
    taken = set(program.names)
    steps: list[Step] = []
    wide: dict[Reference, str] = {}

    def cast(name: str, to: str) -> str:
        new = f"{name}_{to}"
        while new in taken:
            new += "_"
        taken.add(new)
        steps.append(Step((new,), "astype", (name,), {"dtype": to}))
        return new

    def widen(name: str) -> None:
        if name in before and not dtype(before[name]).holds(dtype(compute)):
            wide[name] = cast(name, compute)

    for name in (*program.inputs, *program.data):
        widen(name)
    for step in program.steps:
        steps.append(replace(step, operands=tuple(wide.get(item, item) for item in step.operands)))
        if "dtype" in step.attributes:
            for name in step.results:
                widen(name)
    after = value_dtypes(replace(program, steps=tuple(steps), outputs=()), start)
    outputs = tuple(name if after[name] == before[name] else cast(name, before[name]) for name in program.outputs)
    return replace(program, steps=tuple(steps), outputs=outputs)
