"""The composition of a page, as a Program."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from gradlaw_spec.attributes import AttributeValue
from gradlaw_spec.errors import SpecError
from gradlaw_spec.formula import parse_formula
from gradlaw_spec.loader import load_pages
from gradlaw_spec.primitive import Function
from gradlaw_spec.program import Program


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
