"""Formulas: a small safe expression language, read by Python's ``ast`` into Programs.

Only names, numbers, ``+ - * / ** @``, comparisons, indexing, calls of named functions with constant keyword
attributes, and ``x if ord == 1 else y``, of which an attribute chooses a side; several lines where all but the last
name a value (``e = exp(x)``). Anything else is a SpecError that shows the place with a caret.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from gradlaw_spec.attributes import AttributeValue, IndexItem, Slice
from gradlaw_spec.dtypes import DTYPES
from gradlaw_spec.errors import SpecError
from gradlaw_spec.program import Program, Reference, Step
from gradlaw_spec.subscripts import is_subscripts

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


INFINITY: Final = "inf"
"""How an attribute that is infinite is written."""


def parse_formula(
    text: str,
    inputs: tuple[str, ...],
    functions: Collection[str],
    data: tuple[str, ...] = (),
    attributes: Mapping[str, AttributeValue] = MappingProxyType({}),
) -> Program:
    """Read an expression, or lines of assignments that end in one, as a Program with one output.

    ``inputs`` and ``data`` are the names that may occur, ``functions`` the callable names;
    ``attributes`` gives the values of names that stand for attributes (``sum(x, axis=axis)``). Raises
    SpecError, with a caret under the place, for anything else.
    """
    text = text.strip()
    tree = parsed(text, "an expression")
    reader = FormulaReader(text, frozenset((*inputs, *data)), frozenset(functions), attributes)
    return reader.program(tree.body, inputs, data)


def parsed(text: str, expected: str) -> ast.Module:
    """Return a text's syntax tree; raise SpecError with a caret where it is no Python."""
    try:
        with warnings.catch_warnings():  # such as "invalid decimal literal": the error says enough
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line, column = getattr(error, "lineno", None) or 1, (getattr(error, "offset", None) or 1) - 1
        shown = (text.splitlines() or [""])[line - 1 : line]
        raise formula_error("".join(shown), column, "syntax", expected, "Mend the syntax.") from None


def formula_error(text: str, column: int, found: str, expected: str, cure: str) -> SpecError:
    """Return an error that shows a line with a caret under a column."""
    return SpecError(f"formula\n  {text}\n  {' ' * column}^\n", found, expected, cure)


def side(node: ast.IfExp, attributes: Mapping[str, AttributeValue]) -> ast.expr | None:
    """Return the side of ``x if ord == 1 else y`` that attributes choose; None where no attribute is compared."""
    test = node.test
    if not (isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id in attributes):
        return None
    if len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return None
    try:
        expected = float(ast.unparse(test.comparators[0]))
    except ValueError:
        return None
    return node.body if attributes[test.left.id] == expected else node.orelse


class _Chosen(ast.NodeTransformer):
    def __init__(self, attributes: Mapping[str, AttributeValue]) -> None:
        self.attributes = attributes

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        found = side(node, self.attributes)
        return self.generic_visit(node) if found is None else self.visit(found)


def chosen(formula: str, attributes: Mapping[str, AttributeValue]) -> str:
    """Return a formula with those of its sides that attributes choose."""
    return ast.unparse(_Chosen(attributes).visit(ast.parse(formula))) if " if " in formula else formula


class FormulaReader:
    """Turns an expression tree into steps; equal names of steps and inputs never clash."""

    what = "the formula"

    def __init__(
        self, text: str, names: frozenset[str], functions: frozenset[str], attributes: Mapping[str, AttributeValue]
    ) -> None:
        self.text, self.names, self.functions, self.attributes = text, names, functions, attributes
        self.steps: list[Step] = []
        self.known: dict[str, Reference] = {name: name for name in names}

    def program(self, statements: list[ast.stmt], inputs: tuple[str, ...], data: tuple[str, ...]) -> Program:
        if not statements:
            raise formula_error("", 0, "nothing", "an expression of the inputs", "Write one.")
        *lines, last = statements
        for line in lines:
            if isinstance(line, ast.Expr):
                raise self.refuse(line, "a value without a name", "a name for it, or no such line")
            self.statement(line)
        if not isinstance(last, ast.Expr) and isinstance(self.statement(last), str):
            raise self.refuse(last, "no last expression", "one, without a name")
        output = self.statement(last)
        if not isinstance(output, str):
            raise self.refuse(last, f"constant {output!r}", "an expression of the inputs")
        return Program(inputs, tuple(self.steps), (output,), data)

    def statement(self, node: ast.stmt) -> Reference:
        """Read one line: an expression, or a name for one."""
        if isinstance(node, ast.Expr):
            return self.read(node.value)
        if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
            raise self.refuse(node, type(node).__name__, "lines such as 'f = x * y'")
        name = node.targets[0].id
        if name in self.known:
            raise self.refuse(node, f"{name} again", "each name defined once")
        before = len(self.steps)
        result = self.read(node.value)
        if len(self.steps) > before and result == self.steps[-1].name:
            self.steps[-1] = replace(self.steps[-1], results=(name,))
            result = name
        self.known[name] = result
        return result

    def refuse(self, node: ast.AST, found: str, expected: str) -> SpecError:
        line, lines = getattr(node, "lineno", 1), self.text.splitlines()
        shown = lines[line - 1] if 0 < line <= len(lines) else self.text
        column = len(shown.encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore"))
        return formula_error(shown, column, found, expected, f"Rewrite {self.what} there.")

    def step(self, primitive: str, operands: tuple[Reference, ...], attributes: dict[str, AttributeValue]) -> str:
        """Add a step under the first number that is free (a line that is named gives its number back)."""
        number = 1
        taken = {step.name for step in self.steps} | self.names | self.known.keys()
        while f"t{number}" in taken:
            number += 1
        self.steps.append(Step((f"t{number}",), primitive, operands, attributes))
        return f"t{number}"

    def read(self, node: ast.expr) -> Reference:
        reader: Callable[[ast.expr], Reference] | None = getattr(self, f"read_{type(node).__name__.lower()}", None)
        if reader is None:
            raise self.refuse(node, type(node).__name__, "names, numbers, + - * / ** @, calls, indexing")
        return reader(node)

    def read_name(self, node: ast.Name) -> Reference:
        value = self.attributes.get(node.id)
        if isinstance(value, int | float):
            return value
        if node.id not in self.known:
            raise self.refuse(node, f"name={node.id!r}", f"one of {', '.join(sorted(self.known))}")
        return self.known[node.id]

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
            raise self.refuse(
                node, "^" if isinstance(node.op, ast.BitXor) else type(node.op).__name__, "+ - * / ** (a power) @"
            )
        left, right = self.read(node.left), self.read(node.right)
        return self.step(BINARY[type(node.op)], (left, right), {})

    def read_compare(self, node: ast.Compare) -> Reference:
        if len(node.ops) != 1 or type(node.ops[0]) not in COMPARISONS:
            raise self.refuse(node, "comparison", "one of < <= > >= ==")
        left, right = self.read(node.left), self.read(node.comparators[0])
        return self.step(COMPARISONS[type(node.ops[0])], (left, right), {})

    def read_ifexp(self, node: ast.IfExp) -> Reference:
        found = side(node, self.attributes)
        if found is None:
            raise self.refuse(node, ast.unparse(node.test), "an attribute that is equal to a number")
        return self.read(found)

    def read_call(self, node: ast.Call) -> Reference:
        if not isinstance(node.func, ast.Name) or node.func.id not in self.functions:
            found = ast.unparse(node.func)
            raise self.refuse(node, f"function={found!r}", "a primitive of the law book")
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
        if isinstance(node, ast.Name) and node.id == INFINITY:
            return math.inf
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Name):
            number = self.attribute(node.operand)
            if isinstance(number, int | float):
                return -number
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            return self.sum_of_attributes(node)
        try:
            value = ast.literal_eval(node)
        except ValueError:
            raise self.refuse(node, ast.unparse(node), "a constant attribute") from None
        if isinstance(value, list | tuple) and all(isinstance(item, int) for item in value):
            return tuple(value)
        if value is None or isinstance(value, bool | int | float) or value in DTYPES or is_subscripts(value):
            return value  # type: ignore[no-any-return]
        raise self.refuse(node, repr(value), "None, a boolean, a number, integers, the name of a dtype or subscripts")

    def sum_of_attributes(self, node: ast.BinOp) -> AttributeValue:
        """Read a sum or difference of attributes that are numbers, such as ``n + 1``."""
        first, second = self.attribute(node.left), self.attribute(node.right)
        if not isinstance(first, int | float) or not isinstance(second, int | float):
            raise self.refuse(node, ast.unparse(node), "a sum of numbers")
        return first + second if isinstance(node.op, ast.Add) else first - second
