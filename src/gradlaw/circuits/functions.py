"""Functions of the pages' formulas in plain Python (on numbers) or NumPy (on arrays), for programs that stand alone.

A function is the module's own where it has one of that name (NumPy follows the Python array API standard, as the pages
do); else it is written from its page's formula, or is one of `gradlaw.circuits.standalone`.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import math
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Final

import numpy as np

from gradlaw.circuits.expressions import unparse
from gradlaw.circuits.kinks import OPEN, is_selection
from gradlaw.circuits.standalone import arrays, numbers
from gradlaw.reports.code import attribute_text
from gradlaw_spec import Attribute, Primitive, SpecError, load_primitives
from gradlaw_spec.formula import INFINITY


@dataclass(frozen=True, slots=True)
class Style:
    """How a program is written: on numbers or on arrays."""

    prefix: str
    """What its module of functions is called there."""
    module: ModuleType
    """That module."""
    steps: ModuleType
    """The module with the functions that a program brings along."""
    plain: bool
    """Whether Python's own functions are used too, and a selection is a conditional expression."""


ON_NUMBERS: Final = Style("math", math, numbers, plain=True)
ON_ARRAYS: Final = Style("np", np, arrays, plain=False)


@dataclass(slots=True)
class Writer(ast.NodeTransformer):
    """Turns calls of the formula language into calls of Python."""

    style: Style
    """How the program is written."""
    helpers: dict[str, str] = field(default_factory=dict)
    """The text of each helper by name; one stands behind those that it uses."""

    def write(self, expression: ast.expr) -> str:
        """Return an expression of the formula language as Python; raise SpecError where a function has no Python."""
        written: ast.expr = self.visit(expression)
        return unparse(written)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Write one call, its arguments first."""
        assert isinstance(node.func, ast.Name)
        page = load_primitives().get(node.func.id)
        if page is not None:  # a bound that is not given is left out: the functions take none to be infinite
            left_out = {item.name for item in page.attributes if item.kind in OPEN}
            node.keywords = [word for word in node.keywords if word.arg not in left_out or not _is_none(word.value)]
        self.generic_visit(node)
        if self.style.plain and is_selection(node):
            condition, chosen, other = node.args
            return ast.IfExp(condition, chosen, other)
        node.func = self.function(node.func.id, page)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Write an infinite attribute as its module names it."""
        return ast.Attribute(ast.Name(self.style.prefix), INFINITY) if node.id == INFINITY else node

    def function(self, name: str, page: Primitive | None) -> ast.expr:
        """Return a function as Python names it, and note it where the program must bring it along."""
        if page is None or hasattr(self.style.steps, name):
            self._bring_step(name)
        elif page.shapes == "signature" and page.composition:  # NumPy's function may know no batches
            self._bring_page(page)
        elif page.level == "linalg" and hasattr(np.linalg, name):
            return ast.Attribute(ast.Attribute(ast.Name(self.style.prefix), "linalg"), name)
        elif hasattr(self.style.module, name):
            return ast.Attribute(ast.Name(self.style.prefix), name)
        elif not (self.style.plain and hasattr(builtins, name)):
            self._bring_page(page)
        return ast.Name(name)

    def _bring_step(self, name: str) -> None:
        steps = {key: value for key, value in vars(self.style.steps).items() if inspect.isfunction(value)}
        if name not in steps:
            cure = f"Write it in {self.style.steps.__name__}."
            raise SpecError("--format=python", f"function={name!r}", f"one of {', '.join(steps)}", cure)
        self._bring_function(name, steps[name])

    def _bring_function(self, name: str, function: FunctionType) -> None:
        """Note a function's text behind the texts of those of its module that it calls."""
        tree = ast.parse(inspect.getsource(function))
        for node in ast.walk(tree):
            used = function.__globals__.get(node.id) if isinstance(node, ast.Name) and node.id != name else None
            if inspect.isfunction(used):
                self._bring_function(used.__name__, used)
        self.helpers.setdefault(name, ast.unparse(ast.fix_missing_locations(_Untyped().visit(tree))))

    def _bring_page(self, page: Primitive) -> None:
        if page.name in self.helpers:
            return
        composed = page.composition if page.rounding == "composed" else ""
        lines = ast.parse(page.computed or composed.strip() or page.value).body
        if any(isinstance(node, ast.Name) and node.id == page.name for line in lines for node in ast.walk(line)):
            cure = f"Write `computed` on its page, or the function in {self.style.steps.__name__}."
            raise SpecError("--format=python", f"primitive={page.name}", "one that Python or NumPy has", cure)
        body = "\n    ".join(map(self._line, lines))
        names = ", ".join((*(operand.name for operand in page.operands), *map(self._parameter, page.attributes)))
        self.helpers[page.name] = f'def {page.name}({names}):\n    """{page.summary}"""\n    {body}'

    def _line(self, line: ast.stmt) -> str:
        """Return a line of a page's formula or composition: a name, or the result."""
        if isinstance(line, ast.Assign):
            return f"{unparse(line.targets[0])} = {self.write(line.value)}"
        assert isinstance(line, ast.Expr)
        return f"return {self.write(line.value)}"

    def _parameter(self, attribute: Attribute) -> str:
        if attribute.required:
            return attribute.name
        if attribute.value is None and attribute.kind in OPEN:
            return f"{attribute.name}={OPEN[attribute.kind]}{self.style.prefix}.inf"
        return f"{attribute.name}={attribute_text(attribute.value)}"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


class _Untyped(ast.NodeTransformer):
    """Takes the types out of a function, which a program that stands alone does not import."""

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        for argument in (*node.args, *node.kwonlyargs):
            argument.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.Assign:
        assert node.value is not None
        return ast.Assign([node.target], node.value)
