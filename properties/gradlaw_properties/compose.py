"""Composing: a primitive that a target lacks, written with its definition's simpler primitives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from gradlaw_spec import AttributeValue, Primitive, Program, Reference, SpecError, Step, load_primitives, parse_formula


@lru_cache(maxsize=4096)
def _definition(name: str, attributes: tuple[tuple[str, AttributeValue], ...]) -> Program:
    page = load_primitives()[name]
    operands = tuple(operand.name for operand in page.operands)
    return parse_formula(page.definition, operands, load_primitives().keys(), attributes=dict(attributes))


def definition(page: Primitive, attributes: Mapping[str, AttributeValue]) -> Program:
    """Return a primitive's definition as a Program in its operands, for these attributes.

    Raises SpecError where it needs an attribute that is None (clip without one of its bounds).
    """
    defaults: dict[str, AttributeValue] = {}
    for attribute in page.attributes:
        defaults[attribute.name] = False if attribute.kind == "keepdims" else None
    return _definition(page.name, tuple(sorted({**defaults, **attributes}.items())))


def expand(program: Program, available: frozenset[str]) -> Program | None:
    """Replace every step whose primitive is not available by its definition, again and again.

    Returns the program itself where nothing is missing, and None where a missing primitive has no
    definition that leads to available ones.
    """
    if program.primitives <= available:
        return program
    taken = {*program.inputs, *program.data, *(step.name for step in program.steps)}
    steps: list[Step] = []
    for step in program.steps:
        inlined = _inline(step, available, taken)
        if inlined is None:
            return None
        steps.extend(inlined)
    return Program(program.inputs, tuple(steps), program.outputs, program.data)


def _inline(step: Step, available: frozenset[str], taken: set[str]) -> list[Step] | None:
    if step.primitive in available:
        return [step]
    page = load_primitives().get(step.primitive)
    if page is None or not page.definition:
        return None
    try:
        body = definition(page, step.attributes)
    except SpecError:
        return None
    renamed: dict[str, Reference] = dict(zip(body.inputs, step.operands, strict=True))
    steps: list[Step] = []
    for inner in body.steps:
        last = inner.name == body.outputs[0]
        name = step.name if last else _fresh(f"{step.name}_{inner.name}", taken)
        operands = tuple(renamed[item] if isinstance(item, str) else item for item in inner.operands)
        renamed[inner.name] = name
        inlined = _inline(Step(name, inner.primitive, operands, inner.attributes), available, taken)
        if inlined is None:
            return None
        steps.extend(inlined)
    return steps


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
