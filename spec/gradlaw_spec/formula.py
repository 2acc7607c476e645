"""Formulas: a small safe expression language, read by Python's ``ast`` into Programs.

Only names, numbers, ``+ - * / ** @``, comparisons, indexing and calls of named functions with
constant keyword attributes; anything else is a SpecError that shows the place with a caret.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final

from gradlaw_spec.attributes import AttributeValue, IndexItem, Slice
from gradlaw_spec.errors import SpecError
from gradlaw_spec.program import Program, Reference, Step

BINARY: Final[dict[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
}
COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
}


def parse_formula(
    text: str,
    inputs: tuple[str, ...],
    functions: Collection[str],
    data: tuple[str, ...] = (),
    attributes: Mapping[str, AttributeValue] = MappingProxyType({}),
) -> Program:
    """Read an expression as a Program with one output.

    ``inputs`` and ``data`` are the names that may occur, ``functions`` the callable names;
    ``attributes`` gives the values of names that stand for attributes (``sum(x, axis=axis)``). Raises
    SpecError, with a caret under the place, for anything else.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise formula_error(text, (error.offset or 1) - 1, "syntax", "an expression", "Mend the syntax.") from None
    reader = FormulaReader(text.strip(), frozenset((*inputs, *data)), frozenset(functions), attributes)
    return reader.program(tree.body, inputs, data)


def formula_error(text: str, column: int, found: str, expected: str, cure: str) -> SpecError:
    """Return an error that shows a line with a caret under a column."""
    return SpecError(f"formula\n  {text}\n  {' ' * column}^\n", found, expected, cure)


class FormulaReader:
    """Turns an expression tree into steps; equal names of steps and inputs never clash."""

    def __init__(
        self, text: str, names: frozenset[str], functions: frozenset[str], attributes: Mapping[str, AttributeValue]
    ) -> None:
        self.text, self.names, self.functions, self.attributes = text, names, functions, attributes
        self.steps: list[Step] = []

    def program(self, node: ast.expr, inputs: tuple[str, ...], data: tuple[str, ...]) -> Program:
        output = self.read(node)
        if not isinstance(output, str):
            raise self.refuse(node, f"constant {output!r}", "an expression of the inputs")
        return Program(inputs, tuple(self.steps), (output,), data)

    def refuse(self, node: ast.AST, found: str, expected: str) -> SpecError:
        return formula_error(self.text, getattr(node, "col_offset", 0), found, expected, "Rewrite the formula there.")

    def step(self, primitive: str, operands: tuple[Reference, ...], attributes: dict[str, AttributeValue]) -> str:
        number = len(self.steps) + 1
        name = f"t{number}"
        while name in self.names:
            name += "_"
        self.steps.append(Step((name,), primitive, operands, attributes))
        return name

    def read(self, node: ast.expr) -> Reference:
        reader: Callable[[ast.expr], Reference] | None = getattr(self, f"read_{type(node).__name__.lower()}", None)
        if reader is None:
            raise self.refuse(node, type(node).__name__, "names, numbers, + - * / ** @, calls, indexing")
        return reader(node)

    def read_name(self, node: ast.Name) -> Reference:
        value = self.attributes.get(node.id)
        if isinstance(value, int | float):
            return value
        if node.id not in self.names:
            raise self.refuse(node, f"name={node.id!r}", f"one of {', '.join(sorted(self.names))}")
        return node.id

    def read_constant(self, node: ast.Constant) -> Reference:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.refuse(node, repr(node.value), "a number")
        return node.value

    def read_unaryop(self, node: ast.UnaryOp) -> Reference:
        if not isinstance(node.op, ast.USub):
            raise self.refuse(node, type(node.op).__name__, "a minus sign")
        operand = self.read(node.operand)
        if not isinstance(operand, str):
            return -operand
        return self.step("negative", (operand,), {})

    def read_binop(self, node: ast.BinOp) -> Reference:
        if type(node.op) not in BINARY:
            raise self.refuse(node, type(node.op).__name__, "+ - * / ** @")
        left, right = self.read(node.left), self.read(node.right)
        return self.step(BINARY[type(node.op)], (left, right), {})

    def read_compare(self, node: ast.Compare) -> Reference:
        if len(node.ops) != 1 or type(node.ops[0]) not in COMPARISONS:
            raise self.refuse(node, "comparison", "one of < <= > >= ==")
        left, right = self.read(node.left), self.read(node.comparators[0])
        return self.step(COMPARISONS[type(node.ops[0])], (left, right), {})

    def read_call(self, node: ast.Call) -> Reference:
        if not isinstance(node.func, ast.Name) or node.func.id not in self.functions:
            found = ast.unparse(node.func)
            raise self.refuse(node, f"function={found!r}", "a primitive of the spec")
        operands = tuple(self.read(argument) for argument in node.args)
        attributes: dict[str, AttributeValue] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.refuse(node, "**", "named attributes")
            attributes[keyword.arg] = self.attribute(keyword.value)
        return self.step(node.func.id, operands, attributes)

    def read_subscript(self, node: ast.Subscript) -> Reference:
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        index: tuple[IndexItem, ...] = tuple(self.index_item(item) for item in items)
        return self.step("getitem", (self.read(node.value),), {"index": index})

    def index_item(self, node: ast.expr) -> IndexItem:
        if isinstance(node, ast.Slice):
            return Slice(self.bound(node.lower), self.bound(node.upper), self.bound(node.step))
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return "ellipsis"
        if (isinstance(node, ast.Constant) and node.value is None) or (
            isinstance(node, ast.Name) and node.id == "newaxis"
        ):
            return "newaxis"
        bound = self.bound(node)
        if bound is None:
            raise self.refuse(node, ast.unparse(node), "an integer, a slice, newaxis or ...")
        return bound

    def bound(self, node: ast.expr | None) -> int | None:
        if node is None:
            return None
        value = self.attribute(node)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse(node, ast.unparse(node), "an integer")
        return value

    def attribute(self, node: ast.expr) -> AttributeValue:
        if isinstance(node, ast.Name) and node.id in self.attributes:
            return self.attributes[node.id]
        try:
            value = ast.literal_eval(node)
        except ValueError:
            raise self.refuse(node, ast.unparse(node), "a constant attribute") from None
        if isinstance(value, list | tuple) and all(isinstance(item, int) for item in value):
            return tuple(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        raise self.refuse(node, repr(value), "None, a boolean, a number or integers")
