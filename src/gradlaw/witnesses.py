"""Witnesses that a user gives: checked against the law book before anything runs."""

from __future__ import annotations

import numpy as np

from gradlaw.computing import NOT_COMPUTED, require_size
from gradlaw.messages import first_line, near
from gradlaw.targets.loading import BUILT_IN
from gradlaw_reference import FLOAT64, evaluate, using
from gradlaw_spec import PROGRAM, Primitive, SpecError, Step, Witness, load_laws, load_primitives


def check_witness(witness: Witness, where: str) -> None:
    """Raise SpecError, with the path inside the JSON, where a case is no program of the spec or does not compute."""
    case, law = witness.case, witness.law
    if law not in load_laws():
        raise SpecError(f"{where}: $.law", f"law={law!r}", "a law of the book", near(law, load_laws()))
    if case.subject not in (PROGRAM, *case.program.primitives):
        expected = f"{PROGRAM!r}, or the primitive of one of its steps"
        raise SpecError(f"{where}: $.subject", f"subject={case.subject!r}", expected, "Mend the subject.")
    for position, step in enumerate(case.program.steps):
        _check_step(step, f"{where}: $.program.steps[{position}]")
    for name in case.program.inputs:
        if case.values[name].dtype.name != case.dtype:
            found = f"dtype={case.values[name].dtype.name!r}"
            raise SpecError(f"{where}: $.values.{name}", found, f"{case.dtype!r}, the case's", "Mend one of the two.")
    try:
        with using(FLOAT64), np.errstate(all="ignore"):
            require_size(case.program, case.values)
            known = evaluate(case.program, case.values)
    except NOT_COMPUTED as error:
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
        raise SpecError(f"{where}.primitive", found, "a primitive of the law book", near(step.primitive, pages))
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


def trusted_target(witness: Witness, where: str) -> str:
    """Return the target that a witness names (empty: none); raise SpecError where it is none of the built-in ones.

    A witness is data that somebody sent; to load the file or the module that it names would run their code.
    """
    target = witness.target
    if target and target not in BUILT_IN:
        cure = f"Give --target {target[:120]} if you trust that code."
        raise SpecError(f"{where}: $.target", f"target={target[:120]!r}", "a built-in target, or --target", cure)
    return target
