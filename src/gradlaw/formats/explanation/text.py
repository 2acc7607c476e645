"""A flow as text: the staged computation, and what flows back through it, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from rich.text import Text

from gradlaw.circuits import numbers
from gradlaw.circuits.explanation import EngineSide, Explanation
from gradlaw.circuits.expressions import gradient_name, step_expression, unparse
from gradlaw.circuits.flow import Flow, Part, Reading
from gradlaw.circuits.remarks import is_product, remarks
from gradlaw.circuits.words import pattern_text, tie_text
from gradlaw_spec import Step

FORMAT: Final = "The staged computation and what flows back, as lines of text."
FORWARD: Final = "blue"
BACKWARD: Final = "dark_orange"
MULTIPLIED: Final = 3
"""Cotangent times local gradient is written out for at most so many elements."""
LEAST, MOST = 12, 34
"""The width of the column with what is computed."""


def render(explanation: Explanation) -> str:
    """Return the staged computation and what flows back, as lines of text."""
    return "\n".join(line.plain.rstrip() for line in explanation_lines(explanation)) + "\n"


def flow_lines(flow: Flow, conditions: Mapping[str, str] = MappingProxyType({})) -> Iterator[Text]:
    """Return the lines of a flow: forward, then backward, then each input's gradient."""
    steps = [(step, f"{step.name} = {unparse(step_expression(step))}") for step in flow.program.steps]
    width = min(max((len(text) for _, text in steps), default=LEAST), MOST)
    yield Text("Forward", style="bold")
    for name in (*flow.program.inputs, *flow.program.data):
        text = f"{name} = {conditions[name]}" if name in conditions else name
        yield from _line(text, width, flow.values[name], FORWARD, flow.sets)
    for step, text in steps:
        yield from _line(text, width, flow.values[step.name], FORWARD, flow.sets)
    starts = ", ".join(f"{gradient_name(o)} = {numbers.reading(flow.received[o])}" for o in flow.program.outputs)
    yield Text()
    yield Text(f"Backward, from {starts}", style="bold")
    for step, text in reversed(steps):
        yield from _backward(flow, step, text, width)
    yield Text()
    yield Text("Gradients", style="bold")
    for name in flow.program.inputs:
        yield from _gradient(flow, name, width)


def _line(text: str, width: int, found: Reading, style: str, sets: str, indent: int = 2) -> Iterator[Text]:
    """Return a line with a number at its end, and one with its set where there is one."""
    line = Text(" " * indent + text.ljust(width) + "  ")
    yield line + Text(numbers.reading(found), style=style)
    if sets and (told := numbers.interval(found, sets)):
        yield Text(" " * (indent + width + 2) + told, style="dim")


def _backward(flow: Flow, step: Step, text: str, width: int) -> Iterator[Text]:
    """Return what a step receives, where from, and what it hands to each operand."""
    if step.name not in flow.received:
        yield Text(f"  {text.ljust(width)}  receives nothing", style="dim")
        return
    yield from _sum(flow, step.name)
    pattern = pattern_text(step)
    yield Text(f"  {text}", style="bold") + Text(f"  {pattern}", style="italic")
    for part in flow.parts_of(step.name):
        yield from _part(flow, part, width)


def _part(flow: Flow, part: Part, width: int) -> Iterator[Text]:
    """Return what is handed to one operand: the rule, cotangent times local gradient, and the result."""
    name = gradient_name(part.operand)
    rule = f"{name} {'+=' if len(flow.arrivals(part.operand)) > 1 else '='} {part.formula}{tie_text(part)}"
    local = ""
    received = flow.received[part.step]
    if part.local is not None and part.local.size <= MULTIPLIED and is_product(received, part.local, part.amount):
        local = f"{numbers.reading(received)} * {numbers.array(part.local)} = "
    if len(rule) <= width and not local:
        yield from _line(rule, width - 2, part.amount, BACKWARD, flow.sets, 4)
        yield from _remarks(flow, part)
        return
    yield Text(f"    {rule}")
    yield Text(f"        {local}") + Text(numbers.reading(part.amount), style=BACKWARD)
    if flow.sets and (told := numbers.interval(part.amount, flow.sets)):
        yield Text(f"        {told}", style="dim")
    yield from _remarks(flow, part)


def _remarks(flow: Flow, part: Part) -> Iterator[Text]:
    for remark in remarks(flow, part):
        yield Text(f"        ({remark})", style="italic")


def _sum(flow: Flow, name: str) -> Iterator[Text]:
    """Return the sum of what comes back to a name on several branches."""
    arrivals = flow.arrivals(name)
    if len(arrivals) < 2:
        return
    parts = numbers.total(part.amount for part in arrivals)
    senders = ", ".join(part.step for part in arrivals)
    yield Text(f"  {name} is used {len(arrivals)} times: branches add (from {senders})", style="italic")
    line = Text(f"    {gradient_name(name)} = {parts} = ")
    yield line + Text(numbers.reading(flow.received[name]), style=BACKWARD)


def _gradient(flow: Flow, name: str, width: int) -> Iterator[Text]:
    if name not in flow.received:
        yield Text(f"  {gradient_name(name).ljust(width)}  0: nothing flows back to it", style="dim")
        return
    yield from _sum(flow, name)
    yield from _line(gradient_name(name), width, flow.received[name], BACKWARD, flow.sets)


def explanation_lines(explanation: Explanation) -> Iterator[Text]:
    """Return the lines of an explanation: what was asked, the flow (for a range: a table), and the engine's side."""
    yield Text(explanation.title, style="bold")
    if explanation.flow.sets:
        kind = explanation.flow.sets
        yield Text(f"In brackets: the set of what a correct implementation in {kind} may return.", style="dim")
    yield Text()
    if explanation.points:
        yield from _range_lines(explanation)
        yield Text()
        yield Text(f"At {explanation.name} = {numbers.number(explanation.points[len(explanation.points) // 2])}:")
        yield Text()
    yield from flow_lines(explanation.flow, explanation.conditions)
    if explanation.engine is not None:
        yield Text()
        yield from _engine_lines(explanation.engine)


def _range_lines(explanation: Explanation) -> Iterator[Text]:
    """Return a table: the input that runs, each output, and each input's gradient."""
    program = explanation.flow.program
    names = [explanation.name, *program.outputs, *(gradient_name(name) for name in program.inputs)]
    rows = [names]
    for point, flow in zip(explanation.points, explanation.flows, strict=True):
        outputs = [numbers.array(flow.values[name].value, 6) for name in program.outputs]
        gradients = [
            numbers.array(flow.received[name].value, 6) if name in flow.received else "0" for name in program.inputs
        ]
        rows.append([numbers.number(point), *outputs, *gradients])
    widths = [max(len(row[column]) for row in rows) for column in range(len(names))]
    for row in rows:
        yield Text("  " + "  ".join(item.rjust(width) for item, width in zip(row, widths, strict=True)))


def _engine_lines(side: EngineSide) -> Iterator[Text]:
    """Return what an engine made of the case, and what is wrong with it."""
    yield Text(f"What {side.target} {side.version} does".replace("  ", " "), style="bold")
    if side.problem:
        yield Text(f"  {side.problem}")
    for row in side.compared:
        yield Text(f"  {row.what}: {row.got}") + Text("" if row.problem else "  admissible", style="dim")
        if row.problem:
            yield Text(f"    outside: {row.problem}", style="bold red")
