"""A flow as a program in plain Python (NumPy where there are arrays): staged forward and backward, to run and to read.

The forward and backward lines are the formulas of the primitives' pages, those of the backward pass as
`gradlaw.circuits.kinks` shares at kinks.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from gradlaw.circuits.explanation import Explanation
from gradlaw.circuits.expressions import (
    gradient_name,
    matrix_rule,
    operand_of,
    replacements_of,
    step_expression,
    substituted,
    summed,
    unparse,
)
from gradlaw.circuits.flow import Flow, Part, Reading
from gradlaw.circuits.functions import ON_ARRAYS, ON_NUMBERS, Style, Writer
from gradlaw.circuits.kinks import shared
from gradlaw.reports.code import array_text
from gradlaw_spec import Array, SpecError, Step, load_primitives

FORMAT: Final = "A stand-alone program that computes and prints the same numbers."


def render(explanation: Explanation) -> str:
    """Return the flow of an explanation as a program."""
    return flow_program(explanation.flow, explanation.conditions)


def flow_program(flow: Flow, conditions: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the flow as a stand-alone program that prints its values and gradients, the same numbers as the flow's.

    Raises SpecError where a name of the flow is one that the program needs for itself.
    """
    pages = load_primitives()
    numbers = all(reading.value.ndim == 0 for reading in flow.values.values())
    used = [pages[step.primitive] for step in flow.program.steps]
    numbers = numbers and all(page.shapes == "elementwise" and page.level == "scalar" for page in used)
    # Python's own functions raise where NumPy's give inf or nan.
    numbers = numbers and all(_finite(reading) for reading in (*flow.values.values(), *flow.received.values()))
    return _program(flow, ON_NUMBERS if numbers else ON_ARRAYS, conditions)


def _program(flow: Flow, style: Style, conditions: Mapping[str, str]) -> str:
    writer = Writer(style)
    text = array_text if style.plain else _array_text
    body = [*_forward(flow, writer, text, conditions), "", *_backward(flow, writer, text), "", *_prints(flow, text)]
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


def _finite(reading: Reading) -> bool:
    return bool(np.isfinite(reading.value).all())


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


def _forward(flow: Flow, writer: Writer, text: Callable[[Array], str], conditions: Mapping[str, str]) -> list[str]:
    """Return the lines that compute the values."""
    program = flow.program
    lines = ["# Forward"]
    for name in (*program.inputs, *program.data):
        compared = f"  # {conditions[name]}" if name in conditions else ""
        lines.append(f"{name} = {text(flow.values[name].value)}{compared}")
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
        return matrix_rule(step, part.position, [flow.values[str(operand)].value.shape for operand in step.operands])
    rule = substituted(unparse(shared(page, operand.vjp, step.attributes)), replacements)
    if operand.kind == "sequence":  # the formula has a gradient for each of its items
        return ast.Subscript(rule, ast.Constant(part.position))
    shape, full = part.amount.value.shape, flow.values[step.name].value.shape
    batched = page.shapes == "signature" and len(page.operands) > 1
    broadcasts = page.shapes == "elementwise" or page.pattern == "broadcast-sums" or batched
    return summed(rule, shape) if broadcasts and shape != full else rule


def _prints(flow: Flow, text: Callable[[Array], str]) -> list[str]:
    """Return the lines that print every output, and the gradient of every input."""
    lines = [f'print("{name} =", {name})' for name in flow.program.outputs]
    for name in flow.program.inputs:
        if name in flow.received:
            lines.append(f'print("{gradient_name(name)} =", {gradient_name(name)})')
        else:
            lines.append(f'print("{gradient_name(name)} =", {text(np.zeros(flow.values[name].value.shape))})')
    return lines
