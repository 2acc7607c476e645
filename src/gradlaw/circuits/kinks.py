"""A page's formula of a gradient at its kinks: the formula takes one side there; the reference shares out."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import reduce
from typing import Final

from gradlaw_spec import AttributeValue, Kink, Primitive
from gradlaw_spec.formula import chosen

OPEN: Final = {"lower": "-", "upper": ""}
"""Kinds of attributes that are bounds: the sign of the infinity that one stands for when it is not given."""


def shared(page: Primitive, formula: str, attributes: Mapping[str, AttributeValue]) -> ast.expr:
    """Return a formula in which sides that meet at one of the page's kinks share the cotangent.

    ``where(x > 0, g, 0)`` becomes ``g * share(x, 0)``, and so does a comparison of elements that tie. A bound that is
    not given is never met.
    """
    parsed = ast.parse(chosen(formula, attributes), mode="eval").body
    kinks = page.kinks_at(page.complete(attributes))
    result: ast.expr = _Sharing(page, attributes, kinks).visit(parsed) if kinks else parsed
    return _at_corner(page, result) if any(kink.corner for kink in kinks) else result


def _at_corner(page: Primitive, formula: ast.expr) -> ast.expr:
    """Return a formula that is 0 where the value is, where it would divide by it."""
    value = "value"
    if page.shapes == "reduction":
        value = f"unreduce(value, {page.operands[0].name}, axis=axis, keepdims=keepdims)"
    if page.shapes == "signature":
        value = f"unreduce(value, {page.operands[0].name}, axis=(-2, -1), keepdims=keepdims)"
    condition = ast.parse(f"{value} == 0", mode="eval").body
    return ast.Call(ast.Name("where"), [condition, ast.Constant(0), formula], [])


class _Sharing(ast.NodeTransformer):
    def __init__(self, page: Primitive, attributes: Mapping[str, AttributeValue], kinks: tuple[Kink, ...]) -> None:
        self.page = page
        bounds = {attribute.name for attribute in page.attributes if attribute.kind in OPEN}
        self.open = {name for name in bounds if attributes.get(name) is None}
        self.kinks = kinks
        self.axis = any(attribute.name == "axis" for attribute in page.attributes)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not is_selection(node):
            self.generic_visit(node)
            return node
        conditions, first, other = joined(node)
        shares = [self.share(condition) for condition in conditions]
        if None in shares:
            self.generic_visit(node)
            return node
        weights = [share for share in shares if share is not None and not isinstance(share, ast.Constant)]
        return blended(reduce(_least, weights) if weights else None, self.visit(first), self.visit(other))

    def share(self, condition: ast.expr) -> ast.expr | None:
        """Return how much of the cotangent goes to the side of a condition: all (1), or a share at a kink."""
        if not isinstance(condition, ast.Compare):
            return None
        left, right = condition.left, condition.comparators[0]
        if {side.id for side in (left, right) if isinstance(side, ast.Name)} & self.open:
            return ast.Constant(1)
        operator = condition.ops[0]
        if isinstance(operator, ast.Eq) and any(kink.where.ties for kink in self.kinks):
            keywords = [ast.keyword("axis", ast.Name("axis"))] if self.axis else []
            return ast.Call(ast.Name("share_of_ties"), [condition], keywords)
        if not any(_meets(kink, left, right) for kink in self.kinks):
            return None
        larger, smaller = (left, right) if isinstance(operator, ast.Gt | ast.GtE) else (right, left)
        return ast.Call(ast.Name("share"), [larger, smaller], [])


def _least(one: ast.expr, other: ast.expr) -> ast.expr:
    return ast.Call(ast.Name("minimum"), [one, other], [])


def _meets(kink: Kink, left: ast.expr, right: ast.expr) -> bool:
    """Return whether a comparison is that of a kink's two sides."""
    return set(str(kink.where).split(" == ")) == {ast.unparse(left), ast.unparse(right)}


def is_selection(node: ast.expr) -> bool:
    """Return whether an expression is ``where(condition, one side, other side)``."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "where"


def joined(node: ast.Call) -> tuple[list[ast.expr], ast.expr, ast.expr]:
    """Return a selection's conditions and its two sides; one in the first side with the same second is joined to it.

    ``where(a, where(b, x, y), y)`` is x where a and b hold, else y.
    """
    condition, chosen, other = node.args
    conditions = [condition]
    while isinstance(chosen, ast.Call) and is_selection(chosen) and ast.unparse(chosen.args[2]) == ast.unparse(other):
        conditions.append(chosen.args[0])
        chosen = chosen.args[1]
    return conditions, chosen, other


def blended(weight: ast.expr | None, chosen: ast.expr, other: ast.expr) -> ast.expr:
    """Return ``weight`` of one side and the rest of the other (None: all of the first)."""
    if weight is None:
        return chosen
    if isinstance(other, ast.Constant) and other.value == 0:
        return ast.BinOp(chosen, ast.Mult(), weight)
    if ast.unparse(other) == ast.unparse(ast.UnaryOp(ast.USub(), chosen)):
        twice = ast.BinOp(ast.Constant(2), ast.Mult(), weight)
        return ast.BinOp(chosen, ast.Mult(), ast.BinOp(twice, ast.Sub(), ast.Constant(1)))
    rest = ast.BinOp(ast.Constant(1), ast.Sub(), weight)
    return ast.BinOp(ast.BinOp(chosen, ast.Mult(), weight), ast.Add(), ast.BinOp(other, ast.Mult(), rest))
