"""A flow as a program in plain Python (NumPy where there are arrays): staged forward and backward, to run and to read.

The forward and backward lines are the formulas of the primitives' pages, those of the backward pass as
`gradlaw.circuits.kinks` shares at kinks.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import Final

import numpy as np

from gradlaw.circuits.explanation import Explanation
from gradlaw.circuits.expressions import (
    attribute_literal,
    gradient_name,
    operand_of,
    replacements_of,
    step_expression,
    substituted,
    unparse,
)
from gradlaw.circuits.flow import Flow, Part
from gradlaw.circuits.functions import ON_ARRAYS, ON_NUMBERS, Style, Writer
from gradlaw.circuits.kinks import shared
from gradlaw.reports.code import array_text
from gradlaw_spec import Array, SpecError, Step, load_primitives

FORMAT: Final = "A stand-alone program that computes and prints the same numbers."


def render(explanation: Explanation) -> str:
    """Return the flow of an explanation as a program."""
    return flow_program(explanation.flow)


def flow_program(flow: Flow) -> str:
    """Return the flow as a stand-alone program that prints its values and gradients, the same numbers as the flow's.

    Raises SpecError where a name of the flow is one that the program needs for itself.
    """
    pages = load_primitives()
    numbers = all(reading.value.ndim == 0 for reading in flow.values.values())
    used = [pages[step.primitive] for step in flow.program.steps]
    numbers = numbers and all(page.shapes == "elementwise" and page.level == "scalar" for page in used)
    return _program(flow, ON_NUMBERS if numbers else ON_ARRAYS)


def _program(flow: Flow, style: Style) -> str:
    writer = Writer(style)
    text = array_text if style.plain else _array_text
    body = [*_forward(flow, writer, text), "", *_backward(flow, writer, text), "", *_prints(flow, text)]
    _require_free_names(flow, writer)
    imports = [f"import {style.module.__name__}" + (f" as {style.prefix}" if style is ON_ARRAYS else "")]
    if style is ON_ARRAYS and any("math." in helper for helper in writer.helpers.values()):
        imports.insert(0, "import math")
    if not any(f"{style.prefix}." in line for line in (*writer.helpers.values(), *body)):
        imports = []
    if any("s_[" in line for line in body):
        imports.append(f"\ns_ = {style.prefix}.s_")
    parts = ["\n".join(imports), *writer.helpers.values(), "\n".join(body)]
    return "\n\n\n".join(part for part in parts if part) + "\n"


def _require_free_names(flow: Flow, writer: Writer) -> None:
    """Refuse names that would hide a module, a helper or a gradient."""
    names = list(flow.values)
    taken = {"np", "math", "s_", *writer.helpers, *dir(builtins), *map(gradient_name, names)}
    for name in names:
        if name in taken:
            cure = "Give it another name."
            raise SpecError("--format=python", f"name={name!r}", "a name that the program does not need itself", cure)


def _array_text(value: Array) -> str:
    return f"np.array({array_text(value)})" if value.size else f"np.zeros({value.shape}, {value.dtype.name!r})"


def _forward(flow: Flow, writer: Writer, text: Callable[[Array], str]) -> list[str]:
    """Return the lines that compute the values."""
    program = flow.program
    lines = ["# Forward"]
    lines += [f"{name} = {text(flow.values[name].value)}" for name in (*program.inputs, *program.data)]
    lines += [f"{step.name} = {writer.write(step_expression(step, defaults=True))}" for step in program.steps]
    return lines


def _backward(flow: Flow, writer: Writer, text: Callable[[Array], str]) -> list[str]:
    """Return the lines that compute the gradients, in the order in which they flow."""
    steps = {step.name: step for step in flow.program.steps}
    lines = ["# Backward: each line says which forward line it belongs to"]
    begun = set(flow.program.outputs)
    for name in flow.program.outputs:
        lines.append(f"{gradient_name(name)} = {text(flow.received[name].value)}  # where it starts")
    for part in flow.parts:
        step = steps[part.step]
        expression = writer.write(_rule(flow, part, step))
        name = gradient_name(part.operand)
        comment = f"  # {step.name} = {unparse(step_expression(step))}"
        if part.operand in begun:
            lines.append(f"{name} = {name} + {_bracketed(expression)}{comment}; branches add")
        else:
            lines.append(f"{name} = {expression}{comment}")
        begun.add(part.operand)
    return lines


def _bracketed(expression: str) -> str:
    return f"({expression})" if isinstance(ast.parse(expression, mode="eval").body, ast.IfExp) else expression


def _rule(flow: Flow, part: Part, step: Step) -> ast.expr:
    """Return the rule of a part in the names of its step, summed to the operand's shape where that is another one."""
    page = load_primitives()[step.primitive]
    operand = operand_of(page, part.position)
    replacements = replacements_of(step)
    if page.pattern == "matrix-shapes":
        return _matrix_rule(flow, part, step)
    rule = substituted(unparse(shared(page, operand.vjp, step.attributes)), replacements)
    if operand.kind == "sequence":  # the formula has a gradient for each of its items
        return ast.Subscript(rule, ast.Constant(part.position))
    shape, full = part.amount.value.shape, flow.values[step.name].value.shape
    broadcasts = page.shapes == "elementwise" or page.pattern == "broadcast-sums"
    return _summed(rule, shape) if broadcasts and shape != full else rule


def _summed(rule: ast.expr, shape: tuple[int, ...]) -> ast.expr:
    return ast.Call(ast.Name("unbroadcast"), [rule, attribute_literal(shape)], [])


def _matrix_rule(flow: Flow, part: Part, step: Step) -> ast.expr:
    """Return the rule of a matrix product; a vector stands for a matrix with one row (first) or one column (second)."""
    page = load_primitives()[step.primitive]
    replacements = replacements_of(step)
    shapes = [flow.values[str(operand)].value.shape for operand in step.operands]
    vector = [len(shape) == 1 for shape in shapes]
    added = ("None, :", ":, None")
    for position, operand in enumerate(page.operands):
        if vector[position]:
            replacements[operand.name] = _at(replacements[operand.name], added[position])
    axes = ["..."] * any(vector) + ["None"] * vector[0] + [":"] * (vector[0] and not vector[1]) + ["None"] * vector[1]
    if axes:
        replacements["g"] = _at(replacements["g"], ", ".join(axes))
    rule = substituted(page.operands[part.position].vjp, replacements)
    matrices = [(1, *shape) if index == 0 else (*shape, 1) for index, shape in enumerate(shapes)]
    full = [matrix if one else shape for matrix, one, shape in zip(matrices, vector, shapes, strict=True)]
    batch = np.broadcast_shapes(full[0][:-2], full[1][:-2])
    own = full[part.position]
    if own != (*batch, *own[-2:]):
        rule = _summed(rule, own)
    return _at(rule, ("0", ":, 0")[part.position]) if vector[part.position] else rule


def _at(array: ast.expr, index: str) -> ast.expr:
    """Return an array with an index behind it."""
    example = ast.parse(f"_[{index}]", mode="eval").body
    assert isinstance(example, ast.Subscript)
    return ast.Subscript(array, example.slice)


def _prints(flow: Flow, text: Callable[[Array], str]) -> list[str]:
    """Return the lines that print every output, and the gradient of every input."""
    lines = [f'print("{name} =", {name})' for name in flow.program.outputs]
    for name in flow.program.inputs:
        if name in flow.received:
            lines.append(f'print("{gradient_name(name)} =", {gradient_name(name)})')
        else:
            lines.append(f'print("{gradient_name(name)} =", {text(np.zeros(flow.values[name].value.shape))})')
    return lines
