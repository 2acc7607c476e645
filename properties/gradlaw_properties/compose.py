"""Composing: a primitive that a target lacks, written with its definition's simpler primitives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from gradlaw_spec import AttributeValue, Primitive, Program, SpecError, Step, inline, load_primitives, parse_formula


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

    def body(step: Step) -> Program | None:
        if step.primitive in available:
            return None
        page = load_primitives().get(step.primitive)
        if page is None or not page.definition:
            raise SpecError(step.primitive, "no definition", "one of available primitives", "Write one on its page.")
        return definition(page, step.attributes)

    try:
        return inline(program, body)
    except SpecError:
        return None
