"""Witnesses that a user gives: checked against the law book before anything runs."""

from __future__ import annotations

import numpy as np

from gradlaw.messages import first_line, near
from gradlaw_reference import FLOAT64, evaluate, using
from gradlaw_spec import Case, Primitive, SpecError, Step, load_laws, load_primitives


def check_witness(case: Case, where: str) -> None:
    """Raise SpecError, with the path inside the JSON, where a case is no program of the spec or does not compute."""
    if case.law not in load_laws():
        raise SpecError(f"{where}: $.law", f"law={case.law!r}", "a law of the book", near(case.law, load_laws()))
    for position, step in enumerate(case.program.steps):
        _check_step(step, f"{where}: $.program.steps[{position}]")
    for name in case.program.inputs:
        if case.values[name].dtype != case.dtype:
            found = f"dtype={case.values[name].dtype!r}"
            raise SpecError(f"{where}: $.values.{name}", found, f"{case.dtype!r}, the case's", "Mend one of the two.")
    values = {name: case.values[name].array() for name in (*case.program.inputs, *case.program.data)}
    try:
        with using(FLOAT64), np.errstate(all="ignore"):
            known = evaluate(case.program, values)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        expected = "values on which the program computes"
        raise SpecError(f"{where}: $.program", first_line(error), expected, "Mend them.") from None
    for position, (name, cotangent) in enumerate(zip(case.program.outputs, case.cotangents, strict=True)):
        if cotangent.shape != known[name].shape:
            found = f"shape={list(cotangent.shape)}"
            expected = f"{list(known[name].shape)}, the shape of {name}"
            raise SpecError(f"{where}: $.cotangents[{position}]", found, expected, "Mend the cotangent.")


def _check_step(step: Step, where: str) -> None:
    pages = load_primitives()
    if step.primitive not in pages:
        found = f"primitive={step.primitive!r}"
        raise SpecError(f"{where}.primitive", found, "a primitive of the spec", near(step.primitive, pages))
    page: Primitive = pages[step.primitive]
    if page.operands[0].kind != "sequence" and len(step.operands) != len(page.operands):
        expected = ", ".join(operand.name for operand in page.operands)
        raise SpecError(f"{where}.operands", f"{len(step.operands)} operands", expected, "Mend the step.")
    names = {attribute.name for attribute in page.attributes}
    for name in step.attributes:
        if name not in names:
            expected = ", ".join(sorted(names)) or "no attributes"
            raise SpecError(
                f"{where}.attributes", f"{name}={step.attributes[name]!r}", expected, "Rename or remove it."
            )
