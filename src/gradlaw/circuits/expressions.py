"""Rules as expressions: a step as people write it, and its page's formula of a gradient in the step's own names."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from gradlaw.reports.code import attribute_text, index_text
from gradlaw_spec import (
    Attribute,
    AttributeValue,
    Function,
    Operand,
    Primitive,
    Reference,
    Step,
    load_functions,
    load_pages,
    load_primitives,
)
from gradlaw_spec.formula import BINARY, chosen

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
    infinite = isinstance(value, float) and math.isinf(value)
    return ast.parse(str(value) if infinite else attribute_text(value), mode="eval").body


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


def _formula(step: Step, position: int) -> str:
    """Return the page's formula of an operand's gradient at a step's attributes."""
    return chosen(operand_of(load_primitives()[step.primitive], position).vjp, step.attributes)


def rule_text(step: Step, position: int, shapes: Sequence[tuple[int, ...]]) -> str:
    """Return the page's rule of an operand's gradient in the names of a step, such as ``df * y``.

    ``shapes`` are the operands'. What a function has by default is left out.
    """
    page = load_primitives()[step.primitive]
    if page.pattern == "matrix-shapes":
        rule = matrix_rule(step, position, shapes)
    else:
        rule = substituted(_formula(step, position), replacements_of(step))
    return unparse(_WithoutDefaults().visit(rule)).replace("s_[", "[")


class _WithoutDefaults(ast.NodeTransformer):
    """Leaves out the attributes of calls that are what their pages say by default."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        page = load_pages().get(node.func.id) if isinstance(node.func, ast.Name) else None
        if page is not None:
            known = {attribute.name: attribute for attribute in page.attributes}
            node.keywords = [one for one in node.keywords if not _says_default(known.get(str(one.arg)), one.value)]
        return node


def _says_default(attribute: Attribute | None, value: ast.expr) -> bool:
    if attribute is None or attribute.required:
        return False
    return unparse(value) == unparse(attribute_literal(attribute.value))


def functions_of(step: Step, position: int) -> tuple[Function, ...]:
    """Return the steps that only rules are made of, in the rule of an operand's gradient."""
    rule = ast.walk(_parsed(_formula(step, position)))
    names = [node.func.id for node in rule if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return tuple(load_functions()[name] for name in dict.fromkeys(names) if name in load_functions())


def matrix_rule(step: Step, position: int, shapes: Sequence[tuple[int, ...]]) -> ast.expr:
    """Return the rule of a matrix product; a vector stands for a matrix with one row (first) or one column (second)."""
    page = load_primitives()[step.primitive]
    replacements = replacements_of(step)
    vector = [len(shape) == 1 for shape in shapes]
    added = ("None, :", ":, None")
    for place, operand in enumerate(page.operands):
        if vector[place]:
            replacements[operand.name] = _at(replacements[operand.name], added[place])
    axes = ["..."] * any(vector) + ["None"] * vector[0] + [":"] * (vector[0] and not vector[1]) + ["None"] * vector[1]
    if axes:
        replacements["g"] = _at(replacements["g"], ", ".join(axes))
    rule = substituted(page.operands[position].vjp, replacements)
    matrices = [(1, *shape) if index == 0 else (*shape, 1) for index, shape in enumerate(shapes)]
    full = [matrix if one else shape for matrix, one, shape in zip(matrices, vector, shapes, strict=True)]
    batch = np.broadcast_shapes(full[0][:-2], full[1][:-2])
    own = full[position]
    if own != (*batch, *own[-2:]):
        rule = summed(rule, own)
    return _at(rule, ("0", ":, 0")[position]) if vector[position] else rule


def summed(rule: ast.expr, shape: tuple[int, ...]) -> ast.expr:
    """Return a rule, summed to a shape that was broadcast."""
    return ast.Call(ast.Name("unbroadcast"), [rule, attribute_literal(shape)], [])


def _at(array: ast.expr, index: str) -> ast.expr:
    """Return an array with an index behind it."""
    example = ast.parse(f"_[{index}]", mode="eval").body
    assert isinstance(example, ast.Subscript)
    return ast.Subscript(array, example.slice)
