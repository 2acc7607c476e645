"""A circuit as PNG, twice the size of its SVG for sharp screens."""

from __future__ import annotations

import resvg_py

ZOOM = 2.0


def svg_png(svg: str) -> bytes:
    """Return an SVG picture as PNG."""
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=ZOOM, background="#ffffff"))
