"""Rules as expressions: a step as people write it, and its page's formula of a gradient in the step's own names."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from gradlaw.reports.code import attribute_text, index_text
from gradlaw_spec import Attribute, AttributeValue, Operand, Primitive, Reference, Step, load_primitives
from gradlaw_spec.formula import BINARY

OPERATORS: Final[Mapping[str, type[ast.operator]]] = {name: operator for operator, name in BINARY.items()}


def operand_of(page: Primitive, position: int) -> Operand:
    """Return the page's operand at a position of a step; a sequence has one for all."""
    return page.operands[0 if page.operands[0].kind == "sequence" else position]


def gradient_name(name: str) -> str:
    """Return how the gradient of a name is written: ``dx``."""
    return f"d{name}"


def literal(value: Reference) -> ast.expr:
    """Return an operand as an expression: a name or a number."""
    return ast.parse(value if isinstance(value, str) else attribute_text(value), mode="eval").body


def attribute_literal(value: AttributeValue) -> ast.expr:
    """Return an attribute's value as an expression."""
    return ast.parse(attribute_text(value), mode="eval").body


def step_expression(step: Step, *, defaults: bool = False) -> ast.expr:
    """Return a step as an expression, with operators where Python has them.

    Attributes are written where they are not the default; with ``defaults`` all of them are.
    """
    page = load_primitives()[step.primitive]
    operands: list[ast.expr] = [literal(operand) for operand in step.operands]
    if step.primitive in OPERATORS:
        return ast.BinOp(operands[0], OPERATORS[step.primitive](), operands[1])
    if step.primitive == "negative":
        return ast.UnaryOp(ast.USub(), operands[0])
    if step.primitive == "getitem":
        return indexed(operands[0], step.attributes["index"])
    if page.operands[0].kind == "sequence":
        operands = [ast.List(operands)]
    keywords = [
        ast.keyword(attribute.name, attribute_literal(step.attributes[attribute.name]))
        for attribute in page.attributes
        if attribute.name in step.attributes
        and (defaults or not _is_default(attribute, step.attributes[attribute.name]))
    ]
    return ast.Call(ast.Name(step.primitive), operands, keywords)


def _is_default(attribute: Attribute, value: AttributeValue) -> bool:
    return not attribute.required and value == attribute.value and type(value) is type(attribute.value)


def indexed(array: ast.expr, index: AttributeValue) -> ast.expr:
    """Return an array with an index behind it."""
    assert isinstance(index, tuple)
    example = ast.parse(f"_[{index_text(index)}]", mode="eval").body
    assert isinstance(example, ast.Subscript)
    return ast.Subscript(array, example.slice)


def unparse(expression: ast.expr) -> str:
    """Return an expression as text; single-quoted strings do not occur."""
    return ast.unparse(ast.fix_missing_locations(expression))


class _Substitution(ast.NodeTransformer):
    """Puts expressions in the place of names, but not of called functions or keywords."""

    def __init__(self, replacements: Mapping[str, ast.expr]) -> None:
        self.replacements = replacements

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(
            node.func,
            [self.visit(argument) for argument in node.args],
            [ast.keyword(keyword.arg, self.visit(keyword.value)) for keyword in node.keywords],
        )

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.replacements.get(node.id, node)


@lru_cache(maxsize=256)
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


def substituted(formula: str, replacements: Mapping[str, ast.expr]) -> ast.expr:
    """Return a formula of a page with expressions in the place of its names."""
    copied = ast.parse(unparse(_parsed(formula)), mode="eval").body
    result: ast.expr = _Substitution(replacements).visit(copied)
    return result


def replacements_of(step: Step) -> dict[str, ast.expr]:
    """Return what a page's names stand for in a step: operands, attributes, ``value`` and the cotangent ``g``."""
    page = load_primitives()[step.primitive]
    found: dict[str, ast.expr] = {"value": ast.Name(step.name), "g": ast.Name(gradient_name(step.name))}
    if page.operands[0].kind == "sequence":
        found[page.operands[0].name] = ast.List([literal(operand) for operand in step.operands])
    else:
        found |= {page.operands[i].name: literal(operand) for i, operand in enumerate(step.operands)}
    for attribute in page.attributes:
        value = step.attributes.get(attribute.name)
        is_index = attribute.kind == "index"
        found[attribute.name] = indexed(ast.Name("s_"), value) if is_index else attribute_literal(value)
    return found


def rule_text(step: Step, position: int) -> str:
    """Return the page's rule of an operand's gradient in the names of a step, such as ``df * y``."""
    page = load_primitives()[step.primitive]
    return unparse(substituted(operand_of(page, position).vjp, replacements_of(step)))
