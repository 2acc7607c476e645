"""An explanation as one self-contained page: one steps through the backward pass wire by wire."""

from __future__ import annotations

import html
from typing import Any, Final

from gradlaw.circuits import numbers
from gradlaw.circuits.diagram import LINE, Diagram, lay_out
from gradlaw.circuits.explanation import Explanation
from gradlaw.circuits.expressions import gradient_name, step_expression, unparse
from gradlaw.circuits.flow import Flow, Part
from gradlaw.circuits.quiz import questions
from gradlaw.circuits.remarks import is_product, remarks
from gradlaw.circuits.words import pattern_text, tie_text
from gradlaw.formats.explanation import python, text
from gradlaw.formats.explanation.svg import diagram_svg, templates, totals, wire_numbers
from gradlaw_spec import SpecError, Step

FORMAT: Final = "One self-contained page, in which one steps through the backward pass."
FRAME_ROOM: Final = 330
"""Pixels that a page in a notebook needs beside its diagram."""


def render(explanation: Explanation) -> str:
    """Return the page; it asks for nothing from the network, and says so in its content security policy."""
    diagram = lay_out(explanation.flows)
    flow = explanation.flow
    data = {
        "line": LINE,
        "stages": stages(flow, diagram),
        "sources": [(wire.key, wire.source) for wire in diagram.wires],
        "frames": [_frame(one, diagram) for one in explanation.flows],
        "quiz": _quiz(flow, diagram),
        "points": [f"{explanation.name} = {numbers.number(point)}" for point in explanation.points],
    }
    return (
        templates()
        .get_template("explanation.html.jinja")
        .render(
            title=explanation.title,
            svg=diagram_svg(diagram, flow, explanation.title),
            data=data,
            middle=len(explanation.flows) // 2,
            sets=flow.sets,
            text=text.render(explanation),
            python=_python(explanation),
        )
    )


def _quiz(flow: Flow, diagram: Diagram) -> list[dict[str, Any]]:
    """Return the questions of the quiz, each with its wire and the place of the stepper that answers it."""
    wires = {wire.part: wire.key for wire in diagram.wires}
    before = len(flow.program.steps) + 2
    return [
        {
            "stage": before + one.place,
            "wire": wires[flow.parts[one.place].step, flow.parts[one.place].position],
            "text": one.text,
            "answer": one.answer,
            "hint": one.hint,
        }
        for one in questions(flow)
    ]


def _python(explanation: Explanation) -> str:
    """Return the program, or why there is none."""
    try:
        return python.render(explanation)
    except SpecError as error:
        return f"# {error}"


def framed(explanation: Explanation) -> str:
    """Return the page in a frame, for notebooks: its styles and scripts stay inside."""
    height = int(lay_out(explanation.flows).height) + FRAME_ROOM
    page = html.escape(render(explanation), quote=True)
    name = html.escape(explanation.title, quote=True)
    return f'<iframe title="{name}" srcdoc="{page}" style="width:100%;height:{height}px;border:0"></iframe>'


def stages(flow: Flow, diagram: Diagram) -> list[dict[str, Any]]:
    """Return what each place of the stepper shows anew: the boxes that are computed, the wires that are walked back."""
    starts = [*flow.program.inputs, *flow.program.data]
    found: list[dict[str, Any]] = [{"computed": starts, "walked": [], "now": starts}]
    found += [{"computed": [step.name], "walked": [], "now": [step.name]} for step in flow.program.steps]
    ends = [f"{name}.out" for name in flow.program.outputs]
    found.append({"computed": [], "walked": ends, "now": ends})
    wires = {wire.part: wire.key for wire in diagram.wires}
    for part in flow.parts:
        key = wires[part.step, part.position]
        found.append({"computed": [], "walked": [key], "now": [key, part.step], "total": _total_of(flow, part)})
    return found


def _total_of(flow: Flow, part: Part) -> str:
    """Return the input whose gradient is complete with a part, if it is the last one that arrives there."""
    last = flow.arrivals(part.operand)[-1]
    return part.operand if part is last and part.operand in flow.program.inputs else ""


def _frame(flow: Flow, diagram: Diagram) -> dict[str, Any]:
    return {"wires": wire_numbers(flow, diagram), "totals": totals(flow), "captions": captions(flow)}


def captions(flow: Flow) -> list[str]:
    """Return a sentence for each stage."""
    given = ", ".join(f"{n} = {numbers.reading(flow.values[n], 6)}" for n in (*flow.program.inputs, *flow.program.data))
    found = [f"Forward. Given: {given}."]
    steps = {step.name: step for step in flow.program.steps}
    for name, step in steps.items():
        found.append(f"Forward: {name} = {_text(step)} = {numbers.reading(flow.values[name], 6)}.")
    starts = ", ".join(f"{gradient_name(o)} = {numbers.reading(flow.received[o], 6)}" for o in flow.program.outputs)
    found.append(f"Backward begins with {starts}.")
    met: dict[str, list[Part]] = {}
    for part in flow.parts:
        met.setdefault(part.operand, []).append(part)
        found.append(_part_caption(flow, part, steps[part.step], met[part.operand]))
    return found


def _text(step: Step) -> str:
    return unparse(step_expression(step))


def _part_caption(flow: Flow, part: Part, step: Step, met: list[Part]) -> str:
    """Say what a step hands to one operand, and the sum where it meets other branches."""
    received = numbers.reading(flow.received[part.step], 6)
    amount = numbers.reading(part.amount, 6)
    local = ""
    if part.local is not None and not part.local.ndim and is_product(flow.received[part.step], part.local, part.amount):
        local = f"{received} × {numbers.array(part.local, 6)} = "
    text = (
        f"{step.name} = {_text(step)}: {pattern_text(step)}. "
        f"It hands {part.operand}: {part.formula}{tie_text(part)} = {local}{amount}."
    )
    text += "".join(f" ({remark[0].upper()}{remark[1:]}.)" for remark in remarks(flow, part))
    if len(met) > 1:
        parts = numbers.total((one.amount for one in met), 6)
        text += f" Branches add: {gradient_name(part.operand)} = {parts}"
        whole = len(met) == len(flow.arrivals(part.operand))
        text += f" = {numbers.reading(flow.received[part.operand], 6)}." if whole else " so far."
    return text
