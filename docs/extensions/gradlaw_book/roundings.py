"""The picture of rounding boxes: a small program in a coarse dtype, with the set of each step on a number line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from gradlaw_book.drawing import BLUE, GREEN, GREY, STYLE, VERMILION, as_svg, figure
from gradlaw_reference import Ball, Float, certify, evaluate, using
from gradlaw_spec import Program, dtype, parse_formula, ulp

FORMULA: Final = "x * y + z"
AT: Final[Mapping[str, float]] = {"x": 1.3671875, "y": 2.71875, "z": -3.0}
DTYPE: Final = "bfloat16"


@dataclass(frozen=True)
class Box:
    """A step: what it computes, its exact value, what a plain engine returns, and the ends of the admissible set."""

    title: str
    exact: float
    rounded: float
    low: float
    high: float


def program() -> Program:
    """Return the program of the picture."""
    return parse_formula(FORMULA, tuple(AT), ("add", "multiply"))


def boxes() -> tuple[Box, ...]:
    """Return the steps of the program with their sets, all computed by the reference."""
    steps = program()
    values = {name: np.asarray(number, dtype=dtype(DTYPE).numpy) for name, number in AT.items()}
    sets = certify(steps, values, dtype=DTYPE).steps
    with using(Ball()):
        exact = evaluate(steps, values)
    with using(Float(DTYPE)):
        rounded = evaluate(steps, values)
    found = []
    for step, title in zip(steps.steps, ("x · y", "x · y + z"), strict=True):
        ball = sets[step.name].item()
        ends = float(ball.lower()), float(ball.upper())
        found.append(Box(title, float(exact[step.name].item()), float(rounded[step.name].item()), *ends))
    return tuple(found)


def rounding_svg() -> bytes:
    """Return the picture."""
    with matplotlib.rc_context(STYLE):
        made, places = figure(1, 2, 7.6, 3.4)
        reach = max(box.high - box.low for box in boxes())
        for axes, box in zip(places, boxes(), strict=True):
            draw_box(axes, box, reach)
        handles, names = places[0].get_legend_handles_labels()
        made.legend(handles, names, loc="outside lower center", ncols=3, fontsize=9)
        return as_svg(made)


def draw_box(axes: Axes, box: Box, reach: float) -> None:
    """Draw one step: the dtype's numbers as ticks, the box, the exact value and what was returned."""
    axes.set_xlim(box.exact - reach, box.exact + reach)
    axes.set_ylim(-0.5, 0.6)
    gap = ulp(box.exact, dtype(DTYPE))
    numbers = np.arange(np.ceil((box.exact - reach) / gap), np.floor((box.exact + reach) / gap) + 1) * gap
    axes.vlines(numbers, -0.18, 0.18, color=GREY, linewidth=1)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.barh(0, box.high - box.low, left=box.low, height=0.5, color=BLUE, alpha=0.35, label="the set (box)")
    axes.plot([box.exact], [0], "D", color=VERMILION, markersize=6, label="exact value")
    axes.plot(
        [box.rounded],
        [0],
        "o",
        markerfacecolor="none",
        markeredgewidth=2,
        color=GREEN,
        markersize=11,
        label="bfloat16 engine",
    )
    axes.set_title(f"{box.title}: [{box.low:.6g}, {box.high:.6g}]", fontsize=10, loc="left")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
