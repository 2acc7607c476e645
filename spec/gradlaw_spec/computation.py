"""Computations: one or several lines such as ``q = x + y; f = tanh(q) * x``, read into a Program.

Names, numbers, ``+ - * / ** @``, slices, and the primitives of the law book as calls: their attributes by position or
keyword, with the defaults of their pages. Anything else is a SpecError with a caret under it.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count
from typing import Final

from gradlaw_spec.attributes import AttributeValue
from gradlaw_spec.errors import SpecError
from gradlaw_spec.formula import COMPARISONS, INFINITY, FormulaReader, parsed
from gradlaw_spec.loader import load_primitives
from gradlaw_spec.primitive import OperandKind, Primitive
from gradlaw_spec.program import Program, Reference, Step

FOLDED: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
LIMIT: Final = 10_000
"""The longest text that is read, in characters: deeper expressions than Python's parser takes are refused before."""


def parse_computation(text: str) -> Program:
    """Read lines of assignments (or one expression) as a Program; its last line is the output.

    The names that no line defines are the inputs, in the order of their first use; those that are used as a condition
    or as indices are its data. Raises SpecError, with a caret under the place, for anything that is no computation.
    """
    program, _ = _read(text, comparisons=False)
    return program


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison that stands where a condition is expected, such as ``x > 0`` in ``where(x > 0, x, 0)``."""

    name: str
    """The name among the program's data that it has."""
    left: Reference
    """What stands on the left: a name or a number."""
    comparison: str
    """The comparison, by its name in the array API standard: ``greater``."""
    right: Reference
    """What stands on the right."""
    after: int
    """How many of the program's steps stand before it."""
    text: str
    """It, as it was written."""


def read_computation(text: str) -> tuple[Program, tuple[Condition, ...]]:
    """Read a text as `parse_computation` does, with comparisons where a condition is expected.

    Each is a name among the data, whose values are for the caller to compute. Raises SpecError as that does.
    """
    return _read(text, comparisons=True)


def _read(text: str, *, comparisons: bool) -> tuple[Program, tuple[Condition, ...]]:
    text = text.strip()
    if len(text) > LIMIT:
        raise SpecError("computation", f"{len(text)} characters", f"at most {LIMIT}", "Shorten it.")
    tree = parsed(text, "a computation")
    if not tree.body:
        raise SpecError("computation", "nothing", "such as 'f = x * y'", "Write one.")
    try:
        reader = _ComputationReader(text, tree, comparisons=comparisons)
        return reader.computation(tree.body), tuple(reader.conditions)
    except RecursionError:
        raise SpecError("computation", "too deep an expression", "shallower ones", "Use several lines.") from None


def _free_names(tree: ast.Module) -> tuple[str, ...]:
    """Return the names that are read but not defined, in the order of their first use."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    defined: set[str] = set()
    free: dict[str, None] = {}
    for statement in tree.body:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and id(node) not in called]
        read = [node for node in names if isinstance(node.ctx, ast.Load) and node.id not in ("newaxis", INFINITY)]
        for node in sorted(read, key=lambda node: (node.lineno, node.col_offset)):
            if node.id not in defined:
                free[node.id] = None
        defined |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return tuple(free)


class _ComputationReader(FormulaReader):
    """Reads statements; knows from the pages how many operands and which attributes a primitive has."""

    what = "it"

    def __init__(self, text: str, tree: ast.Module, *, comparisons: bool) -> None:
        self.comparisons = comparisons
        self.pages = load_primitives()
        self.free = _free_names(tree)
        stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        super().__init__(text, frozenset((*self.free, *stored)), frozenset(self.pages), {})
        self.known = {name: name for name in self.free}
        self.kinds: dict[str, OperandKind] = {}
        self.conditions: list[Condition] = []

    def computation(self, statements: list[ast.stmt]) -> Program:
        output: Reference = ""
        for statement in statements:
            output = self.statement(statement)
        if not isinstance(output, str) or not self.free:
            raise self.refuse(statements[-1], "a constant", "a computation of some variables")
        data = (*(name for name in self.free if name in self.kinds), *(one.name for one in self.conditions))
        inputs = tuple(name for name in self.free if name not in self.kinds)
        return Program(inputs, tuple(self.steps), (output,), data)

    def read_name(self, node: ast.Name) -> Reference:
        if node.id in self.pages:
            raise self.refuse(node, f"{node.id} without operands", f"a call such as {node.id}(x)")
        if node.id == INFINITY and node.id not in self.known:
            raise self.refuse(node, node.id, "a variable; only an attribute may be infinite")
        return self.known[node.id]

    def read_compare(self, node: ast.Compare) -> Reference:
        raise self.refuse(node, "a comparison as a number", "one where a condition is expected: where(x > 0, x, 0)")

    def condition(self, node: ast.Compare) -> Reference:
        """Read a comparison; its result is a name of its own."""
        if not self.comparisons:
            raise self.refuse(node, "a comparison", "a condition as data: where(c, x, y), with c = [True, False]")
        if len(node.ops) != 1 or type(node.ops[0]) not in COMPARISONS:
            raise self.refuse(node, "comparison", "one of < <= > >= ==")
        left, right = self.read(node.left), self.read(node.comparators[0])
        taken = {*self.names, *self.known, *(step.name for step in self.steps), *(one.name for one in self.conditions)}
        name = next(f"c{number}" for number in count(1) if f"c{number}" not in taken)
        compared = COMPARISONS[type(node.ops[0])]
        self.conditions.append(Condition(name, left, compared, right, len(self.steps), ast.unparse(node)))
        self.kinds[name] = "boolean"
        return name

    def read_list(self, node: ast.List) -> Reference:
        raise self.refuse(node, "a list", "one in concat or stack only; arrays are given as values")

    read_tuple = read_list

    def read_binop(self, node: ast.BinOp) -> Reference:
        result = super().read_binop(node)
        step = self.steps[-1]
        if result == step.name and not any(isinstance(operand, str) for operand in step.operands):
            self.steps.pop()
            return self.folded(node, step)
        self.check_step(node)
        return result

    def folded(self, node: ast.BinOp, step: Step) -> float:
        """Compute a step of two Python numbers as Python does."""
        left, right = (float(operand) for operand in step.operands)
        operation = FOLDED.get(type(node.op))
        if operation is None:
            raise self.refuse(node, "@ of two numbers", "arrays")
        try:
            result = operation(left, right)
        except (ZeroDivisionError, OverflowError) as error:
            raise self.refuse(node, str(error), "a finite number") from None
        if isinstance(result, complex):
            raise self.refuse(node, f"{result}", "a real number")
        return float(result)

    def read_call(self, node: ast.Call) -> Reference:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        page = self.pages.get(name)
        if page is None:
            near = get_close_matches(name, self.pages, n=2)
            expected = f"a primitive of the law book ({' or '.join(near)}?)" if near else "a primitive of the law book"
            raise self.refuse(node, f"function={name!r}", expected)
        operands, rest = self.operands(node, page)
        attributes = self.attributes_of(node, page, rest)
        step = self.step(name, operands, attributes)
        self.check_step(node)
        return step

    def operands(self, node: ast.Call, page: Primitive) -> tuple[tuple[Reference, ...], list[ast.expr]]:
        """Read the operands of a call; return them, and the arguments that are left for attributes."""
        sequence = page.operands[0].kind == "sequence"
        number = len(page.operands)
        if len(node.args) < number:
            expected = f"{number}: {', '.join(operand.name for operand in page.operands)}"
            raise self.refuse(node, f"{len(node.args)} operands of {page.name}", expected)
        if sequence:
            first = node.args[0]
            if not isinstance(first, ast.List | ast.Tuple) or not first.elts:
                raise self.refuse(first, ast.unparse(first), "a list of arrays, such as [x, y]")
            return tuple(self.read(item) for item in first.elts), node.args[1:]
        for operand, argument in zip(page.operands, node.args, strict=False):
            if operand.kind == "boolean" and isinstance(argument, ast.Compare):
                continue
            if operand.kind in ("boolean", "index"):
                if not isinstance(argument, ast.Name) or argument.id not in self.free:
                    what = "a condition" if operand.kind == "boolean" else "indices"
                    raise self.refuse(argument, ast.unparse(argument), f"a name whose values are {what}")
                self.kinds[argument.id] = operand.kind
        given = tuple(
            self.condition(argument)
            if operand.kind == "boolean" and isinstance(argument, ast.Compare)
            else self.read(argument)
            for operand, argument in zip(page.operands, node.args, strict=False)
        )
        return given, node.args[number:]

    def attributes_of(self, node: ast.Call, page: Primitive, rest: list[ast.expr]) -> dict[str, AttributeValue]:
        """Read attributes by position and keyword; the step gives those that are left out their defaults."""
        names = [attribute.name for attribute in page.attributes]
        if len(rest) > len(names):
            expected = f"at most {len(page.operands) + len(names)}"
            raise self.refuse(rest[-1], f"{len(node.args)} arguments of {page.name}", expected)
        given = dict(zip(names, rest, strict=False))
        for keyword in node.keywords:
            if keyword.arg not in names or keyword.arg in given:
                expected = f"one of {', '.join(names)}" if names else "no keyword"
                raise self.refuse(keyword, f"{keyword.arg}=", expected)
            given[keyword.arg] = keyword.value
        found: dict[str, AttributeValue] = {}
        for attribute in page.attributes:
            if attribute.name in given:
                found[attribute.name] = self.attribute(given[attribute.name])
            elif attribute.required:
                raise self.refuse(node, f"no {attribute.name}", f"{page.name}(…, {attribute.name}=…)")
        return found

    def check_step(self, node: ast.expr) -> None:
        """Refuse a condition or an index that is used as a number, and a step of constants alone."""
        step = self.steps[-1]
        for operand, kind in zip(step.operands, self.operand_kinds(step), strict=True):
            if isinstance(operand, str) and operand in self.kinds and kind not in ("boolean", "index"):
                raise self.refuse(node, f"{operand} as a number", "a condition or indices only where one is expected")
        if not any(isinstance(operand, str) for operand in step.operands):
            raise self.refuse(node, "a step of numbers alone", "its result, or a variable")

    def operand_kinds(self, step: Step) -> tuple[OperandKind, ...]:
        page = self.pages[step.primitive]
        if page.operands[0].kind == "sequence":
            return tuple("real" for _ in step.operands)
        return tuple(operand.kind for operand in page.operands)
