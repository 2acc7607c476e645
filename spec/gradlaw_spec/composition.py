"""The composition of a page, and the results of one that has several, as a Program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from gradlaw_spec.attributes import AttributeValue
from gradlaw_spec.errors import SpecError
from gradlaw_spec.formula import parse_formula
from gradlaw_spec.loader import load_pages
from gradlaw_spec.primitive import Function, Primitive
from gradlaw_spec.program import Program, Step, inline


def composition(page: Function, attributes: Mapping[str, AttributeValue]) -> Program:
    """Return a page's composition as a Program in its operands, for these attributes.

    Raises SpecError where the page has none, or where it needs an attribute that is None (clip without one of its
    bounds).
    """
    if not page.composition:
        raise SpecError(page.name, "no composition", "one on its page", "Write one.")
    return _composition(page.name, tuple(page.complete(attributes).items()))


@lru_cache(maxsize=4096)
def _composition(name: str, attributes: tuple[tuple[str, AttributeValue], ...]) -> Program:
    page = load_pages()[name]
    operands = tuple(operand.name for operand in page.operands)
    return parse_formula(page.composition, operands, load_pages().keys(), attributes=dict(attributes))


def by_results(program: Program) -> Program:
    """Return a program in which each step that has several results is made of steps that have one.

    The results are functions of the same operands, each as its page says; their names stay.
    """
    several = any(len(step.results) > 1 for step in program.steps)
    return inline(program, _results) if several else program


def _results(step: Step) -> Program | None:
    page = load_pages().get(step.primitive)
    if not isinstance(page, Primitive) or not page.results:
        return None
    operands, names = tuple(operand.name for operand in page.operands), tuple(result.name for result in page.results)
    lines = (f"{result.name} = {result.value}" for result in page.results)
    text = "\n".join((*lines, names[0]))
    found = parse_formula(text, operands, load_pages().keys(), attributes=dict(page.complete(step.attributes)))
    return replace(found, outputs=names)
