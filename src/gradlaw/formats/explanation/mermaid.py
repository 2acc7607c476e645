"""A circuit as a Mermaid flowchart, for Markdown that draws them."""

from __future__ import annotations

import re
from typing import Final

from gradlaw.circuits.diagram import circuit_boxes, circuit_wires, wire_texts
from gradlaw.circuits.explanation import Explanation

FORMAT: Final = "The circuit as a Mermaid flowchart, for Markdown that draws them."
SHAPES: Final = {"input": ("([", "])"), "data": ("[/", "/]"), "output": ("([", "])"), "gate": ("[", "]")}


def _quoted(text: str) -> str:
    """Write a text in quotes, with the characters that Mermaid reads itself as entities."""
    entities = {'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "|": "#124;"}
    line = re.sub(r"(?<=\[)\s+", "", " ".join(text.split()))  # rows of a matrix are not below each other here
    return '"' + "".join(entities.get(letter, letter) for letter in line) + '"'


def render(explanation: Explanation) -> str:
    """Return the circuit of a flow; on each wire stand its value and the gradient that flows back."""
    flow = explanation.flow
    places: dict[str, str] = {}
    lines = ["flowchart LR"]
    for key, role, label, note in circuit_boxes(flow.program):
        places[key] = f"n{len(places)}"
        opening, closing = SHAPES[role]
        lines.append(f"    {places[key]}{opening}{_quoted(f'{label} · {note}' if note else label)}{closing}")
    for _, source, end, part in circuit_wires(flow.program):
        forward, backward = wire_texts(flow, source, part)
        label = f"{forward} · {backward}" if backward else forward
        lines.append(f"    {places[source]} -->|{_quoted(label)}| {places[end]}")
    return "\n".join(lines) + "\n"
