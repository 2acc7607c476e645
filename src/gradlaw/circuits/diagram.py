"""Layout: where gates and wires of a circuit stand. Graphviz places them; widths come from the texts they carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pygraphviz

from gradlaw.circuits import numbers
from gradlaw.circuits.expressions import step_expression, unparse
from gradlaw.circuits.flow import Flow, Reading
from gradlaw.circuits.words import pattern_text
from gradlaw_spec import Array, Program, Step, load_primitives

RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
BACK: Final = "◂"
"""What stands before a number that flows back: it is told apart by more than its colour."""
LETTER, SMALL_LETTER, LINE = 8.4, 6.9, 14.0
"""Widths of a letter in the two sizes of type (monospaced, 14 and 11.5 px), and how far small lines lie apart."""
GATE_HEIGHT, INPUT_HEIGHT, WIRE_HEIGHT, MARGIN = 46.0, 30.0, 40.0, 14.0
POINTS: Final = 72.0
FEW: Final = 5
"""Vectors of at most so many elements, and matrices of so many rows and columns, stand on a wire in full."""
GAP: Final = "\N{NO-BREAK SPACE}"
"""Fills a row of a matrix, so that its columns stand below each other: pictures drop a common space at the edge."""


@dataclass(frozen=True, slots=True)
class Box:
    """A gate, an input, a constant or an output."""

    key: str
    """The name that wires know it by."""
    role: str
    """``input``, ``data``, ``gate`` or ``output``."""
    x: float
    """The centre, from the left."""
    y: float
    """The centre, from the top."""
    width: float
    """In pixels."""
    height: float
    """In pixels."""
    label: str
    """What stands in it."""
    note: str = ""
    """What stands below the label, smaller."""

    @property
    def left(self) -> float:
        """The left edge."""
        return self.x - self.width / 2

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.y - self.height / 2


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire from a name to an operand of a step, or to the outside."""

    key: str
    """A name of its own."""
    source: str
    """The name whose value it carries."""
    part: tuple[str, int]
    """Which part flows back on it: a step and the position of its operand; ("", 0) for an output."""
    path: str
    """Its line, as SVG writes paths."""
    x: float
    """The middle of its two numbers, from the left."""
    y: float
    """The middle of its two numbers, from the top."""
    width: float
    """How wide its numbers are."""


@dataclass(frozen=True, slots=True)
class Diagram:
    """A circuit with a place for everything, in pixels."""

    width: float
    """From the left to the right edge."""
    height: float
    """From the top to the bottom edge."""
    boxes: tuple[Box, ...]
    """Gates, inputs, constants and outputs."""
    wires: tuple[Wire, ...]
    """What joins them."""


def wire_text(reading: Reading | None) -> str:
    """Return what stands on a wire: a number, few numbers (a line for each row of a matrix), or a shape."""
    if reading is None:
        return "0"
    value = reading.value
    if value.ndim > 2 or max(value.shape, default=1) > FEW or not value.size:
        return f"shape {value.shape}"
    text = _rows(value) if value.ndim == 2 else numbers.array(value, 4)
    return text.replace("-", "−")


def _rows(value: Array) -> str:
    """Return a matrix, one line for each row, its columns below each other."""
    texts = [[numbers.array(element, 4) for element in row] for row in value]
    wide = [max(map(len, column)) for column in zip(*texts, strict=True)]
    rows = [", ".join(text.rjust(width, GAP) for text, width in zip(row, wide, strict=True)) for row in texts]
    below = f"],\n{GAP}["
    return f"[[{below.join(rows)}]]"


def _led(text: str, sign: str = "") -> str:
    """Return what flows back with its arrow in front; further lines stand below the first, behind the arrow."""
    lead = f"{sign}{BACK} "
    return lead + text.replace("\n", "\n" + GAP * len(lead))


def gate_label(step: Step) -> str:
    """Return the sign of a gate, with a constant operand where it has one."""
    page = load_primitives()[step.primitive]
    sign = page.symbol or page.name
    constants = [numbers.number(float(o)) for o in step.operands if not isinstance(o, str)]
    if step.primitive == "pow" and constants:
        raised = "x" + constants[0].translate(RAISED) if constants[0].isdigit() else f"x^{constants[0]}"
        return raised if isinstance(step.operands[0], str) else f"{constants[0]}ˣ"
    if any(attribute.kind == "index" for attribute in page.attributes):
        return unparse(step_expression(step)).removeprefix(str(step.operands[0]))
    if constants and isinstance(step.operands[0], str):
        return f"{sign} {constants[0]}" if len(sign) == 1 else f"{sign}(·, {constants[0]})"
    if constants:
        return f"{constants[0]} {sign}" if len(sign) == 1 else f"{sign}({constants[0]}, ·)"
    return sign


def circuit_wires(program: Program) -> list[tuple[str, str, str, tuple[str, int]]]:
    """Return each wire's key, the name it comes from, the box it ends at, and which operand it is."""
    found = []
    for step in program.steps:
        for position, operand in enumerate(step.operands):
            if isinstance(operand, str):
                found.append((f"{step.name}.{position}", operand, step.name, (step.name, position)))
    for name in program.outputs:
        found.append((f"{name}.out", name, f"{name}.end", ("", 0)))
    return found


def circuit_boxes(program: Program) -> list[tuple[str, str, str, str]]:
    """Return each box's key, role, label and note."""
    found = [(name, "input", name, "") for name in program.inputs]
    found += [(name, "data", name, "data") for name in program.data]
    pages = load_primitives()
    for step in program.steps:
        plain = pages[step.primitive].pattern == "local-gradient"
        found.append((step.name, "gate", gate_label(step), "" if plain else pattern_text(step)))
    found += [(f"{name}.end", "output", name, "") for name in program.outputs]
    return found


def lay_out(flows: Sequence[Flow]) -> Diagram:
    """Place the circuit of flows of one program, so that the texts of every flow fit."""
    program = flows[0].program
    graph = pygraphviz.AGraph(
        directed=True, strict=False, rankdir="LR", nodesep="0.12", ranksep="0.28", splines="spline"
    )
    sizes: dict[str, tuple[float, float]] = {}
    boxes = circuit_boxes(program)
    for key, role, label, note in boxes:
        under = [total_text(flow, key) for flow in flows] if role == "input" else [note]
        width, lines = _extent(under)
        height = GATE_HEIGHT + (lines - 1) * LINE if any(under) else INPUT_HEIGHT
        sizes[key] = (max(len(label) * LETTER, width, 18) + 18, height)
    wires = circuit_wires(program)
    for key, source, _, part in wires:
        width, lines = _extent([text for flow in flows for text in wire_texts(flow, source, part)])
        sizes[f"wire {key}"] = (width + 12, WIRE_HEIGHT + 2 * (lines - 1) * LINE)
    for key, (width, height) in sizes.items():
        graph.add_node(key, shape="box", label="", fixedsize=True, width=width / POINTS, height=height / POINTS)
    for key, source, end, _ in wires:
        graph.add_edge(source, f"wire {key}", arrowhead="none", headport="w")
        graph.add_edge(f"wire {key}", end, arrowhead="none", tailport="e")
    graph.layout(prog="dot")
    return _diagram(graph, sizes, boxes, wires)


def _extent(texts: Iterable[str]) -> tuple[float, int]:
    """Return how wide the widest line of texts is, in pixels, and how many lines the longest has."""
    lines = [text.split("\n") for text in texts]
    return max(len(line) for text in lines for line in text) * SMALL_LETTER, max(map(len, lines))


def wire_texts(flow: Flow, source: str, part: tuple[str, int]) -> tuple[str, str]:
    """Return the value and the gradient that stand on a wire."""
    value = wire_text(flow.values[source])
    if source in flow.program.data:
        return value, ""
    if not part[0]:
        return value, _led(wire_text(flow.received.get(source)))
    found = next((s.amount for s in flow.parts if (s.step, s.position) == part), None)
    return value, _led(wire_text(found))


def total_text(flow: Flow, name: str) -> str:
    """Return the gradient that an input gets in all."""
    sign = "Σ " if len(flow.arrivals(name)) > 1 else ""
    return _led(wire_text(flow.received.get(name)), sign)


def _diagram(
    graph: Any,
    sizes: Mapping[str, tuple[float, float]],
    boxes: Iterable[tuple[str, str, str, str]],
    wires: Iterable[tuple[str, str, str, tuple[str, int]]],
) -> Diagram:
    """Read Graphviz's places; its y axis points up."""
    _, _, right, top = (float(number) for number in graph.graph_attr["bb"].split(","))

    def place(text: str) -> tuple[float, float]:
        x, y = (float(number) for number in text.split(","))
        return round(x + MARGIN, 1), round(top - y + MARGIN, 1)

    centres = {key: place(graph.get_node(key).attr["pos"]) for key in sizes}
    placed = tuple(Box(key, role, *centres[key], *sizes[key], label, note) for key, role, label, note in boxes)
    laid = []
    for key, source, end, part in wires:
        middle = f"wire {key}"
        (x, y), width = centres[middle], sizes[middle][0]
        first = _curve(graph.get_edge(source, middle).attr["pos"], place)
        second = _curve(graph.get_edge(middle, end).attr["pos"], place)
        through = f"L{x - width / 2:g},{y:g} L{x + width / 2:g},{y:g}"
        laid.append(Wire(key, source, part, f"M{first} {through} L{second}", x, y, width))
    return Diagram(right + 2 * MARGIN, top + 2 * MARGIN, placed, tuple(laid))


def _curve(text: str, place: Any) -> str:
    """Return Graphviz's points of a spline as the part of an SVG path behind its M or L."""
    points = [place(point.removeprefix("e,").removeprefix("s,")) for point in text.split() if point[0] not in "es"]
    written = [f"{x:g},{y:g}" for x, y in points]
    return f"{written[0]} C{' '.join(written[1:])}"
