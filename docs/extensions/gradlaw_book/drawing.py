"""Pictures as SVG, by matplotlib: readable on a light and on a dark page, and by those who see colours differently."""

from __future__ import annotations

import io
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradlaw_book.samples import Panel

BLUE: Final = "#0072b2"
VERMILION: Final = "#d55e00"
GREEN: Final = "#009e73"
"""Colours of Okabe and Ito that stand out from white and from black; no picture tells things apart by colour alone."""
GREY: Final = "#7f7f7f"
LIMIT: Final = 4.5
STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "gradlaw",  # the same picture is the same file
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": GREY,
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def figure(columns: int, rows: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return an empty transparent figure, of inches, with its axes in reading order."""
    made = Figure(figsize=(width, height), layout="constrained")
    return made, [*np.atleast_1d(made.subplots(rows, columns)).ravel()]


def as_svg(made: Figure) -> bytes:
    """Return a figure as SVG without a date, so that the same picture is the same file."""
    buffer = io.BytesIO()
    made.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue()


def primitive_svg(drawn: tuple[Panel, ...]) -> bytes:
    """Return the picture of a primitive: value and gradient along each operand, kinks as bars."""
    with matplotlib.rc_context(STYLE):
        made, places = figure(len(drawn), 1, 4.4 * len(drawn), 3.2)
        for axes, panel in zip(places, drawn, strict=True):
            draw_panel(axes, panel)
        return as_svg(made)


def draw_panel(axes: Axes, panel: Panel) -> None:
    """Draw one panel; the window is cut where values are far away."""
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.plot(panel.places, panel.value, color=BLUE, linewidth=1.8, label="value")
    axes.plot(panel.places, panel.gradient, color=VERMILION, linewidth=1.8, linestyle=(0, (5, 2)), label="gradient")
    for number, spike in enumerate(panel.spikes):
        name = "allowed set at the kink" if number == 0 else None
        axes.plot([spike.place] * 2, [spike.low, spike.high], color=GREEN, linewidth=5, alpha=0.75, label=name)
        axes.plot([spike.place] * 2, [spike.low, spike.high], color=GREEN, marker="_", markersize=12, linestyle="none")
    numbers = np.concatenate([panel.value, panel.gradient])
    numbers = numbers[np.isfinite(numbers)]
    low, high = max(float(numbers.min()), -LIMIT), min(float(numbers.max()), LIMIT)
    margin = 0.08 * (high - low) or 0.5
    axes.set_ylim(low - margin, high + margin)
    axes.set_title(panel.title, fontsize=10)
    axes.set_xlabel(panel.operand)
    axes.legend(fontsize=8, loc="best")
