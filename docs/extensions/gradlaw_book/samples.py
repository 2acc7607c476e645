"""Samples of primitives for pictures: values and gradients by the reference in floats, and where a line must break.

A line breaks between two points where the reference cannot enclose what lies between them (a pole, the edge of a
domain), or where a kink is; both are decided in ball arithmetic, so no jump is ever drawn as a slope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from flint import arb
from numpy.typing import NDArray

from gradlaw_reference import FLOAT64, Ball, apply, using, vjp
from gradlaw_spec import Kink, Operand, Primitive

Numbers = NDArray[np.float64]
POINTS: Final = 401
EXTENT: Final = 4.0
"""Pictures go from minus this to plus this, as far as the domain does."""
OTHER: Final = 1.5
"""What the operand that does not vary is, in pictures of primitives with two operands."""
MOVEMENT: Final = ("moves-invert", "broadcast-sums", "select-masks")


@dataclass(frozen=True)
class Spike:
    """A kink in a panel: where it is, and the ends of the allowed set of the local gradient."""

    place: float
    low: float
    high: float


@dataclass(frozen=True)
class Panel:
    """One operand varies from left to right: samples of the value and of its gradient, nan where a line breaks."""

    operand: str
    title: str
    places: Numbers
    value: Numbers
    gradient: Numbers
    spikes: tuple[Spike, ...]


def panels(page: Primitive) -> tuple[Panel, ...]:
    """Return the panels of a primitive's picture: one a real operand of an elementwise primitive, else none."""
    operands = page.differentiable
    if page.shapes != "elementwise" or page.pattern in MOVEMENT or len(operands) != len(page.operands):
        return ()
    return tuple(_panel(page, position) for position in range(len(operands)))


def alternative_text(page: Primitive, drawn: tuple[Panel, ...]) -> str:
    """Return a picture in words."""
    parts = []
    for panel in drawn:
        kinks = "".join(
            f"; a bar at {panel.operand} = {spike.place:g} from {spike.low:g} to {spike.high:g}, the allowed set"
            for spike in panel.spikes
        )
        parts.append(f"{panel.title}, {panel.operand} from {panel.places[0]:g} to {panel.places[-1]:g}{kinks}")
    lines = "Value as a solid line, gradient for a cotangent of 1 as a dashed line"
    return f"{lines}. {'. '.join(parts)}.".replace("-", "−")


def _panel(page: Primitive, position: int) -> Panel:
    operand = page.operands[position]
    attributes = _attributes(page)
    low, high = _window(operand)
    places = np.linspace(low, high, POINTS)
    function = _along(page, position, attributes)
    with using(FLOAT64), np.errstate(all="ignore"):
        output, pullback = vjp(function, places)
        value, gradient = output.data, pullback(np.ones(POINTS))[0].data
    spikes = tuple(spike for kink in page.kinks if (spike := _spike(kink, operand.name, attributes)))
    poles, steep = _unenclosed(function, places)
    for spike in spikes:
        steep |= (places[:-1] <= spike.place) & (spike.place <= places[1:])
    points = _between(places, poles | steep)
    tops = _between(value, poles | steep, holes=poles)
    slopes = _between(gradient, poles | steep, holes=steep)
    fixed = [f"{other.name} = {OTHER:g}" for other in page.operands if other is not operand]
    fixed += [f"{name} = {value}" for name, value in attributes.items()]
    title = f"{page.name}({', '.join(one.name for one in page.operands)})"
    return Panel(operand.name, title + (f" with {', '.join(fixed)}" if fixed else ""), points, tops, slopes, spikes)


def _attributes(page: Primitive) -> dict[str, Any]:
    """Return the attributes of the page's first example, which are what the picture shows."""
    given: Any = page.examples[0].attributes
    return page.complete(given)


def _along(page: Primitive, position: int, attributes: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return the primitive as a function of one of its operands."""

    def function(x: Any) -> Any:
        others = [np.full(POINTS, OTHER)] * len(page.operands)
        operands = [x if place == position else other[: x.shape[0]] for place, other in enumerate(others)]
        return apply(page.name, tuple(operands), attributes)

    return function


def _window(operand: Operand) -> tuple[float, float]:
    ends = [(interval.lower, interval.upper) for interval in operand.domain]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    # An open end of the domain is not a point of it.
    return (low + 1e-3 if low > -EXTENT else -EXTENT), min(high, EXTENT)


def _spike(kink: Kink, name: str, attributes: Mapping[str, Any]) -> Spike | None:
    """Return a kink such as ``x == 0`` or ``x1 == x2`` in the panel of an operand."""
    if name not in kink.allowed:
        return None
    other = kink.where.other
    place = other if isinstance(other, float) else attributes.get(other, OTHER)
    return Spike(place, *kink.slopes(name, attributes))


def _unenclosed(function: Callable[[Any], Any], places: Numbers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return between which neighbours the value cannot be enclosed, and between which the gradient cannot."""
    middles, radii = (places[:-1] + places[1:]) / 2, np.diff(places) / 2
    pieces = np.empty(len(middles), dtype=object)
    pieces[:] = [arb(float(middle), float(radius)) for middle, radius in zip(middles, radii, strict=True)]
    with using(Ball()):
        output, pullback = vjp(function, pieces)
        slopes = pullback(np.ones(len(pieces)))[0]
    poles, steep = (np.array([not one.is_finite() for one in array.data]) for array in (output, slopes))
    return poles, steep


def _between(curve: Numbers, added: NDArray[np.bool_], holes: NDArray[np.bool_] | None = None) -> Numbers:
    """Return a curve with points put in between some neighbours: nan in ``holes``, elsewhere the middle."""
    gaps = np.flatnonzero(added) + 1
    middles = (curve[gaps - 1] + curve[gaps]) / 2
    if holes is not None:
        middles = np.where(holes[gaps - 1], np.nan, middles)
    return np.insert(curve, gaps, middles)
