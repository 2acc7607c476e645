"""A circuit as SVG: values above its wires, gradients below them and led by an arrow to the left."""

from __future__ import annotations

from functools import cache
from typing import Final
from zlib import crc32

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gradlaw.circuits import numbers
from gradlaw.circuits.diagram import LINE, Diagram, lay_out, total_text, wire_texts
from gradlaw.circuits.explanation import Explanation, explain_case
from gradlaw.circuits.expressions import gradient_name
from gradlaw.circuits.flow import Flow
from gradlaw_spec import Case, SpecError, encode_case

FORMAT: Final = "The circuit as an SVG picture."


@cache
def templates() -> Environment:
    """Return the templates of circuits; all that is put into them is escaped."""
    return Environment(
        loader=PackageLoader("gradlaw.formats.explanation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=False,
    )


def wire_numbers(flow: Flow, diagram: Diagram) -> dict[str, tuple[str, str]]:
    """Return the two texts of each wire."""
    return {wire.key: wire_texts(flow, wire.source, wire.part) for wire in diagram.wires}


def totals(flow: Flow) -> dict[str, str]:
    """Return what stands under each input: the gradient that it gets in all."""
    return {name: total_text(flow, name) for name in flow.program.inputs}


def about(flow: Flow) -> str:
    """Say in one sentence what a circuit shows, for those who do not see it."""
    program = flow.program
    ends = [
        f"{gradient_name(n)} = {numbers.reading(flow.received[n], 6)}" for n in program.inputs if n in flow.received
    ]
    outputs = ", ".join(f"{name} = {numbers.reading(flow.values[name], 6)}" for name in program.outputs)
    steps = f"{len(program.steps)} step{'s' if len(program.steps) != 1 else ''}"
    return f"A circuit of {steps}: {outputs}; backward, {', '.join(ends) or 'nothing'}."


def render(explanation: Explanation) -> str:
    """Return the circuit of an explanation's flow."""
    return diagram_svg(lay_out((explanation.flow,)), explanation.flow, explanation.title)


def diagram_svg(diagram: Diagram, flow: Flow, title: str, prefix: str = "") -> str:
    """Return a laid-out circuit with the numbers of a flow; ``prefix`` keeps the ids of one page apart."""
    template = templates().get_template("circuit.svg.jinja")
    return template.render(
        diagram=diagram,
        numbers=wire_numbers(flow, diagram),
        totals=totals(flow),
        title=title,
        about=about(flow),
        prefix=prefix,
        line=LINE,
    )


def case_picture(case: Case) -> Markup:
    """Return the circuit of a case for a page of reports; nothing where it cannot be run."""
    try:
        flow = explain_case(case, certified=False).flow
    except SpecError:
        return Markup()
    prefix = f"circuit-{crc32(encode_case(case)):08x}-"
    return Markup(
        diagram_svg(lay_out((flow,)), flow, "The circuit of the witness, with what is right on its wires", prefix)
    )
