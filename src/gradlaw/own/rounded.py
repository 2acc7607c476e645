"""A definition's program as it is declared to be rounded: computed in a wider dtype, with the kernel's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gradlaw_spec import DTYPES, Program, Step, computed_in, value_dtypes


def rounded_program(
    program: Program, compute: str | None, outputs: tuple[str, ...], start: Mapping[str, str]
) -> Program:
    """Return a program that is computed in a dtype (None: as it stands), and gives outputs of these dtypes.

    ``start`` has the dtypes of its inputs and data.
    """
    real = {name: found for name, found in start.items() if found in DTYPES}
    inner = replace(program, outputs=())
    if compute is not None:
        inner = computed_in(inner, compute, real)
    dtypes = value_dtypes(inner, real)
    steps, names = list(inner.steps), []
    taken = {*inner.inputs, *inner.data, *(name for step in inner.steps for name in step.results)}
    for name, to in zip(program.outputs, outputs, strict=True):
        if dtypes[name] == to:
            names.append(name)
            continue
        new = f"{name}_out"
        while new in taken:
            new += "_"
        taken.add(new)
        steps.append(Step((new,), "astype", (name,), {"dtype": to}))
        names.append(new)
    return replace(inner, steps=tuple(steps), outputs=tuple(names))
