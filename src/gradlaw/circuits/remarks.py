"""What is remarkable about a part of a backward pass: a sum over broadcast axes, a kink, the outside of a domain."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from gradlaw.circuits import numbers
from gradlaw.circuits.expressions import functions_of, operand_of
from gradlaw.circuits.flow import Flow, Part, Reading
from gradlaw_spec import Array, Kink, Primitive, Step, load_primitives

MOVES: Final = ("moves-invert", "select-masks")


def remarks(flow: Flow, part: Part) -> tuple[str, ...]:
    """Return what a reader of a part should know besides its rule, one sentence each."""
    step = next(one for one in flow.program.steps if part.step in one.results)
    page = load_primitives()[step.primitive]
    found = [*_broadcast(flow, part, page), *_kink(flow, part, step, page), *_domain(flow, part, step, page)]
    received = flow.received.get(part.step)
    if part.local is not None and received is not None and not found:
        infinite = (np.asarray(received.value) == 0) & ~np.isfinite(part.local)
        if infinite.any() and page.pattern not in MOVES:
            found.append("0 times what is not finite: shown as 0 here, nan in most engines; neither tells the slope")
    for one in functions_of(step, part.position):
        found.append(f"{one.name}: {one.summary[0].lower()}{one.summary[1:].removesuffix('.')}")
    return tuple(found)


def _broadcast(flow: Flow, part: Part, page: Primitive) -> list[str]:
    shape, full = part.amount.value.shape, flow.values[part.step].value.shape
    if page.shapes != "elementwise" or shape == full:
        return []
    return [f"broadcast sums: from {full} to {shape}"]


def _kink(flow: Flow, part: Part, step: Step, page: Primitive) -> list[str]:
    if page.operands[0].kind == "sequence":
        return []
    name = operand_of(page, part.position).name
    for kink in page.kinks_at(page.complete(step.attributes)):
        if name in kink.allowed and _meets(flow, step, page, kink):
            if kink.corner:
                return ["corner: any vector no longer than the cotangent is allowed; engines differ"]
            low, high = kink.slopes(name, page.complete(step.attributes))
            return [f"kink: any slope in [{low:g}, {high:g}] is allowed; engines differ"]
    return []


def _meets(flow: Flow, step: Step, page: Primitive, kink: Kink) -> bool:
    """Whether some element of a step's operands is at a kink."""
    given = {one.name: _given(flow, operand) for one, operand in zip(page.operands, step.operands, strict=False)}
    if kink.corner:
        return bool((flow.values[step.results[0]].value == kink.where.other).any())
    if kink.where.ties:
        first = next(iter(given.values()))
        return _ties(
            np.abs(first) if kink.joint == "signed-shares" else first, flow.values[step.results[0]].value, step
        )
    other: Any = kink.where.other
    if isinstance(other, str):
        other = given.get(other, step.attributes.get(other))
    return other is not None and bool(np.any(given[kink.where.operand] == np.asarray(other)))


def _ties(value: Array, chosen: Array, step: Step) -> bool:
    axis: Any = step.attributes.get("axis")
    if load_primitives()[step.primitive].shapes != "reduction":
        axis = -1 if axis is None else axis
        return bool((np.diff(np.sort(value, axis=axis), axis=axis) == 0).any())
    if axis is not None and chosen.ndim < value.ndim:
        chosen = np.expand_dims(chosen, axis)
    return bool(((value == chosen).sum(axis=axis) > 1).any())


def _given(flow: Flow, operand: str | float) -> Array:
    return flow.values[operand].value if isinstance(operand, str) else np.asarray(float(operand))


def _domain(flow: Flow, part: Part, step: Step, page: Primitive) -> list[str]:
    declared = operand_of(page, part.position)
    if not declared.domain or (page.name == "pow" and not isinstance(step.operands[1], str)):
        return []
    value = flow.values[part.operand].value
    inside = ~np.isfinite(value)
    for interval in declared.domain:
        inside = inside | interval.contains(value)
    if inside.all():
        return []
    return [f"outside of the domain {' or '.join(map(str, declared.domain))}: nothing is claimed here"]


def is_product(received: Reading, local: Array, amount: Reading) -> bool:
    """Whether the numbers, as they are shown, are a product: certified results are exact, local gradients floats."""
    with np.errstate(all="ignore"):
        product = received.value * local
    return numbers.array(np.asarray(product), 6) == numbers.array(amount.value, 6)
