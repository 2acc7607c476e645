"""A circuit as PNG, twice the size of its SVG for sharp screens."""

from __future__ import annotations

from typing import Final

import resvg_py

from gradlaw.circuits.explanation import Explanation
from gradlaw.formats.explanation import svg

FORMAT: Final = "The circuit as a PNG picture."
ZOOM: Final = 2.0


def render(explanation: Explanation) -> bytes:
    """Return the circuit of an explanation's flow."""
    return bytes(resvg_py.svg_to_bytes(svg_string=svg.render(explanation), zoom=ZOOM, background="#ffffff"))
