"""The number line: what an engine gave against what it may give, as SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from gradlaw_spec import Finding

WIDTH: Final = 340.0
"""That of the drawing, in its own units: it fits a phone at its real size, so that its text can be read there."""
MARGIN: Final = 26.0
AXIS: Final = 44.0
"""How far below its top the line runs."""
LEAST: Final = 12.0
"""The least width of a set, and the least distance to what was given, that an eye tells from none."""
ROOM: Final = WIDTH - 2 * MARGIN


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the set's ends and what was given lie on the drawing."""

    low: float | None
    """The set's lower end; None where there is no set to draw."""
    high: float | None
    """The set's upper end; None where there is no set to draw."""
    got: float | None
    """What was given; None for nan, which has no place."""
    zero: float | None = None
    """Zero, where it is on the drawing."""
    notes: tuple[str, ...] = ()
    """What is not to scale."""


def scaled(finding: Finding) -> Scale:
    """Return where everything lies, for numbers, infinities and nan, and for any ratio of distance to width."""
    if math.isnan(finding.low) or math.isnan(finding.high):
        return Scale(None, None, _edge(finding.got))
    if not math.isfinite(finding.got):
        low = MARGIN if finding.low == -math.inf else WIDTH / 2 - 3 * LEAST
        high = WIDTH - MARGIN if finding.high == math.inf else WIDTH / 2 + 3 * LEAST
        return Scale(low, high, _edge(finding.got), notes=("Not to scale.",))
    if math.isinf(finding.low) or math.isinf(finding.high):
        return _unbounded(finding)
    return _bounded(finding)


def _edge(number: float) -> float | None:
    """Return where an infinity is drawn, a number that has no set beside it in the middle, and nan nowhere."""
    if math.isnan(number):
        return None
    return WIDTH / 2 if math.isfinite(number) else WIDTH - MARGIN / 2 if number > 0 else MARGIN / 2


def _unbounded(finding: Finding) -> Scale:
    """Lay out a set that reaches to an infinity: its finite end, and what was given, are a third apart."""
    low, high = MARGIN / 2, WIDTH - MARGIN / 2
    if math.isinf(finding.low) and math.isinf(finding.high):
        return Scale(low, high, WIDTH / 2)
    if math.isinf(finding.high):
        return Scale(WIDTH * 2 / 3, high, WIDTH / 3, notes=("Not to scale.",))
    return Scale(low, WIDTH / 3, WIDTH * 2 / 3, notes=("Not to scale.",))


def _bounded(finding: Finding) -> Scale:
    """Lay out a finite set and number to scale, but neither set nor distance so small that it could not be seen."""
    away, below = _away(finding)
    unit = max(away, finding.width)
    measured = 0 < unit < math.inf
    far, wide = (away / unit, finding.width / unit) if measured else (1.0, 0.0)
    gap = ROOM * far / (far + wide)
    notes: tuple[str, ...] = () if measured else ("Not to scale.",)
    if finding.width > 0 and ROOM - gap < LEAST:
        gap = ROOM - LEAST
        notes = (f"Not to scale: the distance is {away / finding.width:.3g} times as wide as the set.",)
    elif gap < LEAST:
        gap = LEAST
        times = f": the set is {finding.width / away:.3g} times as wide as the distance" if away else ""
        notes = (f"Not to scale{times}.",)
    low, got = (MARGIN + gap, MARGIN) if below else (MARGIN, MARGIN + ROOM)
    at = Scale(low, low + ROOM - gap, got, notes=notes)
    return at if notes else replace(at, zero=_zero(finding, got, ROOM / (away + finding.width)))


def _away(finding: Finding) -> tuple[float, bool]:
    """Return how far what was given is from the set, and whether it is below."""
    if not math.isnan(finding.distance):
        return abs(finding.distance), math.copysign(1.0, finding.distance) < 0
    below = finding.got < finding.low
    return max(finding.low - finding.got if below else finding.got - finding.high, 0.0), below


def _zero(finding: Finding, got: float, scale: float) -> float | None:
    """Return where 0 lies, if it lies between what was given and the set, clear of both."""
    near = finding.low if finding.distance < 0 else finding.high
    zero, end = got - finding.got * scale, got + (near - finding.got) * scale
    return zero if min(got, end) + LEAST < zero < max(got, end) - LEAST else None


def number_line(finding: Finding) -> Markup:
    """Return the drawing; everything in it is a number or a word of ours."""
    at = scaled(finding)
    parts = [Markup('<line class="axis" x1="0" y1="{y}" x2="{x}" y2="{y}"/>').format(x=WIDTH, y=AXIS)]
    if at.low is not None and at.high is not None:
        parts += _set(finding, at.low, at.high)
    if at.zero is not None:
        parts.append(_tick("zero", at.zero, 6.0))
        parts.append(_word("0", at.zero, AXIS + 22))
    parts += _given(at)
    label = f"{spoken(finding.got)} against the admissible set from {spoken(finding.low)} to {spoken(finding.high)}"
    start = Markup('<svg class="number-line" viewBox="0 0 {width:g} 72" role="img" aria-label="{label}">')
    return start.format(width=WIDTH, label=label) + Markup("").join(parts) + Markup("</svg>")


def spoken(number: float) -> str:
    """Return a number in as few digits as tell it from every other."""
    return repr(float(number))


def _tick(name: str, x: float, half: float) -> Markup:
    mark = Markup('<line class="{name}" x1="{x:.1f}" y1="{top:.1f}" x2="{x:.1f}" y2="{bottom:.1f}"/>')
    return mark.format(name=name, x=x, top=AXIS - half, bottom=AXIS + half)


def _word(text: str, x: float, y: float) -> Markup:
    """Write a word that is centred at a place, but inside the drawing."""
    half = 3.4 * len(text)
    inside = min(max(x, half), WIDTH - half)
    return Markup('<text x="{x:.1f}" y="{y:.1f}">{text}</text>').format(x=inside, y=y, text=text)


def _set(finding: Finding, low: float, high: float) -> list[Markup]:
    """Draw the admissible set: a bar between two ends, an arrow for an end at infinity, one tick for one number."""
    bar = Markup('<rect class="set" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="10"/>')
    parts = [bar.format(x=low, y=AXIS - 5, width=high - low)] if high > low else []
    for x, end, direction in ((low, finding.low, -1), (high, finding.high, 1)):
        if math.isinf(end):
            tip = Markup('<path class="set" d="M{x:.1f} {top:.1f}l{step} 9l{back} 9z"/>')
            parts.append(tip.format(x=x, top=AXIS - 9, step=9 * direction, back=-9 * direction))
        else:
            parts.append(_tick("end", x, 9.0))
    return [*parts, _word("admissible", (low + high) / 2, AXIS + 22)]


def _given(at: Scale) -> list[Markup]:
    """Draw what was given: a diamond, or the word alone where it has no place."""
    if at.got is None:
        return [_word("got nan, which is nowhere on the line", WIDTH / 2, 16)]
    diamond = Markup('<path class="got" d="M{x:.1f} {top:.1f}l7 9l-7 9l-7 -9z"/>')
    return [diamond.format(x=at.got, top=AXIS - 9), _word("got", at.got, AXIS - 17)]
