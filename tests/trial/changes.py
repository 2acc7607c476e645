"""Changes of syntax: the small mistakes that can be made in one place of an expression or a function.

Formulas of the law book and the reference's rules are both Python syntax, so one list of changes serves both.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from gradlaw_spec import load_pages

OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
NOT_COMMUTING: Final = (ast.Sub, ast.Div, ast.MatMult, ast.Pow)
COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Eq: (ast.GtE, ast.LtE),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
PAIRS: Final = (
    ("sin", "cos"),
    ("sinh", "cosh"),
    ("tan", "tanh"),
    ("exp", "expm1"),
    ("log", "log1p"),
    ("max", "min"),
    ("maximum", "minimum"),
    ("sum", "mean"),
    ("tril", "triu"),
    ("erf", "erfc"),
    ("i0", "i1"),
    ("digamma", "gammaln"),
    ("sqrt", "cbrt"),
    ("square", "abs"),
)
NEIGHBOURS: Final = {
    **dict(PAIRS),
    **{second: first for first, second in PAIRS},
    "sigmoid": "tanh",
    "softplus": "relu",
    "prod": "sum",
    "atan": "asinh",
    "sort": "cumulative_max",
    "cumulative_max": "sort",
}
"""For a function, one that is taken for it by mistake: it has the same operands and attributes."""
CALLERS: Final = ("call", "elementary")
"""What applies a primitive by its name, in the reference's rules: ``call("cos", x)``, ``used.elementary("exp", x)``."""


FUNCTIONS: Final = frozenset(load_pages())
"""What formulas call."""


@dataclass(frozen=True, slots=True)
class Change:
    """One mistake: what is changed (``operator``, ``constant`` …), and the text before and after."""

    kind: str
    before: str
    after: str
    place: int
    """The number of the changed node in a walk over the tree."""
    node: ast.AST = field(compare=False, hash=False)
    """What stands there instead."""


def changes(tree: ast.AST, names: Collection[str], others: int = 2) -> Iterator[Change]:
    """Yield every change of a tree, with ``names`` the values that one may take for another.

    ``others`` is how many of these stand in place of each, in turn.
    """
    for place, node in enumerate(walk(tree)):
        for kind, new in _edits(node, tuple(names), others):
            ast.fix_missing_locations(ast.copy_location(new, node) if hasattr(node, "lineno") else new)
            before, after = _shown(node), _shown(new)
            if before != after:
                yield Change(kind, before, after, place, new)


def changed(tree: ast.AST, change: Change) -> ast.AST:
    """Return a copy of a tree with a change made."""
    mutated = copy.deepcopy(tree)
    old = next(node for place, node in enumerate(walk(mutated)) if place == change.place)
    return _Replace(old, copy.deepcopy(change.node)).visit(mutated)


def walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that are computed: no annotation, no docstring, nothing of an error that is raised."""
    if isinstance(tree, ast.Raise | ast.JoinedStr):
        return
    yield tree
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.operand, ast.Constant):
        return  # a number with its sign is one number
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(tree, ast.Call):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield from walk(child)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.keyword):
        return f"{node.arg}={ast.unparse(node.value)}"
    return " ".join(ast.unparse(node).split())


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _edits(node: ast.AST, names: tuple[str, ...], others: int) -> Iterator[tuple[str, ast.AST]]:
    """Yield what may stand in place of a node by mistake, each with the kind of the mistake."""
    match node:
        case ast.BinOp():
            yield from _of_operation(node)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            yield from (("constant", _number(new)) for new in _others_of(-number))
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert()):
            yield "sign", node.operand
        case ast.Constant(value=bool()):
            yield "constant", ast.Constant(not node.value)
        case ast.Constant(value=int() | float() as number):
            yield from (("constant", _number(new)) for new in _others_of(number))
        case ast.Name(ctx=ast.Load()) if node.id in names:
            place = names.index(node.id)
            for other in (*names[place + 1 :], *names[:place])[:others]:
                yield "operand", ast.Name(other, ast.Load())
        case ast.Call():
            yield from _of_call(node)
        case ast.keyword():
            yield from _of_attribute(node)
        case ast.Compare(ops=[op]):
            for new in COMPARISONS.get(type(op), ()):
                yield "comparison", ast.Compare(node.left, [new()], node.comparators)
        case ast.BoolOp():
            yield "operator", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.IfExp():
            yield "branch", ast.IfExp(node.test, node.orelse, node.body)
            yield "branch", node.body
            yield "branch", node.orelse
        case ast.If():
            yield "branch", ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.AugAssign():
            yield "dropped", ast.Pass()
        case ast.Slice():
            yield from _of_slice(node)
        case ast.Expr(value=ast.Call(func=ast.Attribute())):
            return  # a call for what it does, such as `terms.append(x)`
        case ast.Expr() | ast.Return() if node.value is not None:
            yield from (("whole", type(node)(value)) for value in _of_whole(node.value))
        case ast.Lambda():
            yield from (("whole", ast.Lambda(node.args, value)) for value in _of_whole(node.body))


def _of_whole(value: ast.expr) -> Iterator[ast.expr]:
    yield ast.UnaryOp(ast.USub(), value)
    yield ast.BinOp(ast.Constant(2), ast.Mult(), value)


def _of_operation(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    new = OPERATORS.get(type(node.op))
    if new is not None:
        yield "operator", ast.BinOp(node.left, new(), node.right)
    if isinstance(node.op, NOT_COMMUTING):
        yield "swapped", ast.BinOp(node.right, node.op, node.left)
    yield "dropped", node.left
    if not isinstance(node.op, ast.Mod | ast.FloorDiv):
        yield "dropped", node.right


def _others_of(number: float) -> tuple[float, ...]:
    """Return what is written for a number by mistake: one more, another sign, and another factor."""
    if number == 0:
        return 1, -1
    near = number - 1 if number < 0 else number + 1
    return tuple(dict.fromkeys((near, -number, 0 if abs(number) == 1 else number * 2)))


def _number(value: float) -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _of_call(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    named = isinstance(node.func, ast.Name | ast.Attribute) and _name(node.func) in CALLERS
    first = node.args[0] if node.args else None
    if named and isinstance(first, ast.Constant) and first.value in NEIGHBOURS:
        yield "function", _with(node, [ast.Constant(NEIGHBOURS[first.value]), *node.args[1:]])
    if isinstance(node.func, ast.Name) and node.func.id in NEIGHBOURS:
        yield "function", ast.Call(ast.Name(NEIGHBOURS[node.func.id], ast.Load()), node.args, node.keywords)
    skip = int(named)
    operands = node.args[skip:]
    if not operands or any(isinstance(operand, ast.Starred | ast.GeneratorExp | ast.Lambda) for operand in operands):
        return
    yield "dropped", operands[0]
    if not (named or (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS)):
        return  # a function of Python: what another argument would be is no mistake that computes
    for place in range(len(operands) - 1):
        swapped = [*operands]
        swapped[place : place + 2] = operands[place + 1], operands[place]
        yield "swapped", _with(node, [*node.args[:skip], *swapped])
        yield "dropped", operands[place + 1]


def _name(function: ast.Name | ast.Attribute) -> str:
    return function.id if isinstance(function, ast.Name) else function.attr


def _with(node: ast.Call, arguments: list[ast.expr]) -> ast.Call:
    return ast.Call(node.func, arguments, node.keywords)


def _of_attribute(node: ast.keyword) -> Iterator[tuple[str, ast.AST]]:
    """Yield other values of an attribute that is a name; one that is a number is changed as a constant."""
    if not isinstance(node.value, ast.Name) or node.arg == "dtype":
        return
    if node.arg == "keepdims":
        others: list[ast.expr] = [ast.Constant(True), ast.Constant(False)]
    elif node.arg in ("axis", "axes", "source", "destination"):
        others = [ast.Constant(0), _number(-1)]
    else:
        others = [ast.BinOp(node.value, ast.Add(), ast.Constant(1)), ast.UnaryOp(ast.USub(), node.value)]
    yield from (("attribute", ast.keyword(node.arg, other)) for other in others)


def _of_slice(node: ast.Slice) -> Iterator[tuple[str, ast.AST]]:
    if node.lower is None:
        yield "index", ast.Slice(ast.Constant(1), node.upper, node.step)
    else:
        yield "index", ast.Slice(None, node.upper, node.step)
    if node.upper is None:
        yield "index", ast.Slice(node.lower, _number(-1), node.step)
    else:
        yield "index", ast.Slice(node.lower, None, node.step)
