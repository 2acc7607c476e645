"""Formulas of the law book as LaTeX, by a walk over Python's syntax tree; nothing is ever evaluated."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Final

from gradlaw_spec import load_primitives

COMPARE, SUM, PRODUCT, NEGATIVE, POWER, ATOM = range(6)
"""How tightly a piece of LaTeX holds together; a looser one is put in parentheses inside a tighter one."""

Piece = tuple[str, int]

OPERATORS: Final[dict[type[ast.operator], tuple[str, int]]] = {
    ast.Add: ("+", SUM),
    ast.Sub: ("-", SUM),
    ast.Mult: (r"\cdot", PRODUCT),
    ast.MatMult: (r"\,", PRODUCT),
}
COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Lt: "<",
    ast.LtE: r"\le",
    ast.Gt: ">",
    ast.GtE: r"\ge",
    ast.Eq: "=",
}
NAMED: Final = {"value": "y", "inf": r"\infty"}
"""Names that are written as something else."""
HOLE: Final = re.compile(r"(?P<before>[{|]?)<(?P<operand>\w+)>")
"""Where an operand stands in the notation of a page; between braces or bars it needs no parentheses."""


def latex(formula: str) -> str:
    """Return a formula of a page as LaTeX.

    The value of the primitive, ``value`` in the formula, is written *y*. Parentheses that decide the order of
    roundings stay. Raises ValueError where the formula is outside of the language of `gradlaw_spec.parse_formula`.
    """
    return _piece(ast.parse(formula.strip(), mode="eval").body)[0]


def _piece(node: ast.expr) -> Piece:
    reader = READERS.get(type(node))
    if reader is None:
        raise ValueError(f"no LaTeX for {ast.unparse(node)!r}")
    return reader(node)


def _inside(node: ast.expr, least: int) -> str:
    """Return the LaTeX of an operand, in parentheses where it is looser than its place allows."""
    text, tightness = _piece(node)
    return text if tightness >= least else rf"\left({text}\right)"


def symbol(name: str) -> str:
    """Return a name as LaTeX: one letter and its index, or a word."""
    if name in NAMED:
        return NAMED[name]
    found = re.fullmatch(r"([A-Za-z])(\d*)", name)
    if found is None:
        return rf"\mathit{{{name}}}"
    letter, index = found.groups()
    return f"{letter}_{{{index}}}" if index else letter


def _name(node: ast.Name) -> Piece:
    return symbol(node.id), ATOM


def _constant(node: ast.Constant) -> Piece:
    return repr(node.value), ATOM


def _tuple(node: ast.Tuple) -> Piece:
    return ", ".join(_piece(one)[0] for one in node.elts), COMPARE


def _unary(node: ast.UnaryOp) -> Piece:
    return f"-{_inside(node.operand, PRODUCT)}", NEGATIVE if isinstance(node.operand, ast.Constant | ast.Name) else SUM


def _binary(node: ast.BinOp) -> Piece:
    if isinstance(node.op, ast.Div):
        return rf"\frac{{{_piece(node.left)[0]}}}{{{_piece(node.right)[0]}}}", PRODUCT
    if isinstance(node.op, ast.Pow):
        return f"{_inside(node.left, ATOM)}^{{{_piece(node.right)[0]}}}", POWER
    sign, tightness = OPERATORS[type(node.op)]
    # A minus sign may open a product (-g·x), but not stand in the middle of one.
    return f"{_inside(node.left, tightness)} {sign} {_inside(node.right, _right_of(node, tightness))}", tightness


def _right_of(node: ast.BinOp, tightness: int) -> int:
    """Return how tight the right operand must be: a product inside of a product keeps its parentheses."""
    if isinstance(node.right, ast.UnaryOp):
        return ATOM
    if tightness == PRODUCT and isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Div):
        return PRODUCT
    return tightness + 1


def _compare(node: ast.Compare) -> Piece:
    sign = COMPARISONS[type(node.ops[0])]
    return f"{_inside(node.left, SUM)} {sign} {_inside(node.comparators[0], SUM)}", COMPARE


def _call(node: ast.Call) -> Piece:
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    if _is_where(node):
        return _where(node)
    page = load_primitives().get(name)
    notation = page.latex if page else ""
    if page and "<" in notation:
        return _written(notation, dict(zip((operand.name for operand in page.operands), node.args, strict=True)))
    if page and notation and page.shapes == "reduction":
        return _reduction(node, notation)
    arguments = ", ".join(_piece(argument)[0] for argument in node.args)
    return rf"{notation or operator_name(name)}\left({arguments}\right)", ATOM


def _written(notation: str, operands: Mapping[str, ast.expr]) -> Piece:
    """Return a page's notation with a call's operands in their places."""

    def fill(found: re.Match[str]) -> str:
        operand = operands[found["operand"]]
        return found["before"] + (_piece(operand)[0] if found["before"] else _inside(operand, ATOM))

    return HOLE.sub(fill, notation), POWER if "^" in notation else ATOM


def operator_name(name: str) -> str:
    """Return a function's name upright; an underscore becomes a space, for it would be an index."""
    return rf"\operatorname{{{name.replace('_', ' ')}}}"


def _reduction(node: ast.Call, sign: str) -> Piece:
    """Return a reduction: the axes stand below the sign, where the formula names them."""
    axes = [keyword.value for keyword in node.keywords if keyword.arg == "axis"]
    below = f"_{{{_piece(axes[0])[0]}}}" if axes else ""
    least = ATOM if isinstance(node.args[0], ast.UnaryOp) else PRODUCT
    return rf"{sign}{below} {_inside(node.args[0], least)}", PRODUCT


def _where(node: ast.Call) -> Piece:
    """Return a selection as cases; one that is nested in the first branch, with the same other branch, is joined."""
    conditions: list[str] = []
    chosen: ast.expr = node
    other = node.args[2]
    while isinstance(chosen, ast.Call) and _is_where(chosen) and ast.dump(chosen.args[2]) == ast.dump(other):
        conditions.append(_piece(chosen.args[0])[0])
        chosen = chosen.args[1]
    met = r" \text{ and } ".join(conditions)
    first = rf"{_piece(chosen)[0]} & \text{{if }} {met}"
    return rf"\begin{{cases}} {first} \\ {_piece(other)[0]} & \text{{otherwise}} \end{{cases}}", PRODUCT


def _chosen(node: ast.IfExp) -> Piece:
    """Return the sides that an attribute chooses from as cases, one a line."""
    lines: list[str] = []
    rest: ast.expr = node
    while isinstance(rest, ast.IfExp):
        lines.append(rf"{_piece(rest.body)[0]} & \text{{if }} {_piece(rest.test)[0]}")
        rest = rest.orelse
    lines.append(rf"{_piece(rest)[0]} & \text{{otherwise}}")
    joined = r" \\ ".join(lines)
    return rf"\begin{{cases}} {joined} \end{{cases}}", PRODUCT


def _is_where(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "where"


def _picked(node: ast.Subscript) -> Piece:
    """Write what is picked as Python does, behind the array."""
    index = ast.unparse(node.slice).strip("()").replace("...", r"\ldots")
    return rf"{_inside(node.value, ATOM)}[{index}]", ATOM


READERS: Final[dict[type[ast.expr], Callable[..., Piece]]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Tuple: _tuple,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.Call: _call,
    ast.IfExp: _chosen,
    ast.Subscript: _picked,
}
