"""Flow: a program run forward and backward by the reference, with everything that went over its wires.

The numbers are the reference's own; its tape is watched while it walks back. All pictures and texts are made from a
Flow, and nothing is computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradlaw.circuits.expressions import rule_text
from gradlaw_reference import FLOAT64, Arithmetic, Ball, Data, using
from gradlaw_reference.engine import Array as EngineArray
from gradlaw_reference.engine import Node, Tape, vjp
from gradlaw_reference.programs import run
from gradlaw_spec import Array, Condition, Program, Reference, SpecError, Step, dtype, load_primitives


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers on a wire."""

    value: Array
    """The value, in float64."""
    low: Array | None = None
    """The lower end of each element's set; None without sets."""
    high: Array | None = None
    """The upper end of each element's set; None without sets."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one step hands back to one of its operands: a part of the gradient of that operand."""

    step: str
    """The step's name."""
    position: int
    """Which of the step's operands it is."""
    operand: str
    """The operand's name."""
    amount: Reading
    """What is handed back, of the operand's shape."""
    local: Array | None
    """The local gradient, where one number an element says it (elementwise steps); else None."""
    formula: str
    """The page's rule, with the names of this step."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A program at a point, with everything that went over its wires."""

    program: Program
    """What ran."""
    values: Mapping[str, Reading]
    """The value of each name."""
    received: Mapping[str, Reading]
    """The gradient that each name received; names that nothing flows back to are not in it."""
    parts: tuple[Part, ...]
    """What the steps handed back, in backward order."""
    sets: str = ""
    """The dtype whose admissible sets the ends of the readings are; empty: there are none."""

    def parts_of(self, step: str) -> tuple[Part, ...]:
        """Return what a step hands to its operands, in their order."""
        return tuple(sorted((s for s in self.parts if s.step == step), key=lambda part: part.position))

    def arrivals(self, name: str) -> tuple[Part, ...]:
        """Return the parts that a name receives, in the order in which they come."""
        return tuple(part for part in self.parts if part.operand == name)


@dataclass(slots=True)
class WatchedTape(Tape):
    """The reference's tape, which notes what each step hands to each operand."""

    pulls: list[tuple[Node, int, EngineArray, EngineArray]] = field(default_factory=list)
    """Node, position of the operand, cotangent received, part handed on."""

    def pull(self, node: Node, position: int, cotangent: EngineArray) -> EngineArray | None:
        """Apply a local rule, and note it."""
        part = super(WatchedTape, self).pull(node, position, cotangent)
        if part is not None:
            self.pulls.append((node, position, cotangent, part))
        return part


@dataclass(frozen=True, slots=True)
class _Run:
    """One run in one arithmetic, by name."""

    values: dict[str, Data]
    received: dict[str, Data]
    parts: dict[tuple[str, int], Data]
    locals: dict[tuple[str, int], Data]


def _run(program: Program, values: Mapping[str, Array], cotangents: Mapping[str, Array], used: Arithmetic) -> _Run:
    """Run a program on a watched tape, forward and backward."""
    tape = WatchedTape()
    known: dict[str, EngineArray] = {}

    def function(*inputs: EngineArray) -> tuple[EngineArray, ...]:
        known.update(run(program, {**values, **dict(zip(program.inputs, inputs, strict=True))}))
        return tuple(known[name] for name in program.outputs)

    with using(used):
        _, pullback = vjp(function, *(values[name] for name in program.inputs), tape=tape)
        seeds = tuple(used.asarray(cotangents[name]) for name in program.outputs)
        gradients = pullback(tuple(EngineArray(seed) for seed in seeds))
        names = {id(tape.nodes[known[name].node]): name for name in known if known[name].tape is tape}
        received = dict(zip(program.outputs, seeds, strict=True))
        parts = {}
        for node, position, cotangent, part in tape.pulls:
            received[names[id(node)]] = cotangent.data
            parts[names[id(node)], position] = part.data
        steps = {step.name: step for step in program.steps}
        reached = {steps[step].operands[position] for step, position in parts}
        for name, gradient in zip(program.inputs, gradients, strict=True):
            if name in reached or name in program.outputs:
                received[name] = gradient.data
        found = {name: value.data for name, value in known.items()}
        return _Run(found, received, parts, _locals(tape, names, used))


def _locals(tape: WatchedTape, names: Mapping[int, str], used: Arithmetic) -> dict[tuple[str, int], Data]:
    """Return the local gradients of the elementwise steps: what the rule hands on of a cotangent of ones."""
    pages, found = load_primitives(), {}
    for node, position, cotangent, part in tuple(tape.pulls):
        page = pages.get(node.rule.name)
        if page is None or page.shapes != "elementwise" or part.shape != cotangent.shape:
            continue
        ones = EngineArray(used.asarray(np.ones(cotangent.shape)))
        local = Tape.pull(tape, node, position, ones)
        if local is not None:
            found[names[id(node)], position] = local.data
    return found


def trace_flow(
    program: Program,
    values: Mapping[str, Array],
    cotangents: Mapping[str, Array] | None = None,
    *,
    dtype_name: str = "float64",
    certified: bool = False,
) -> Flow:
    """Run a program at a point and return what went over its wires.

    Real values are rounded to the dtype first. ``cotangents`` gives one array an output (None: ones). With
    ``certified``, or another dtype than float64, each reading has the set of what an implementation in that dtype may
    return, and its value is the exact one, rounded to float64. Raises SpecError where a step does not fit its operands.
    """
    chosen = dtype(dtype_name)
    reals = {name: array.astype(chosen.numpy).astype(np.float64) for name, array in values.items() if _real(array)}
    plain = _checked(program, {**values, **reals})
    shapes = {name: plain[name].shape for name in program.outputs}
    given = _cotangents(shapes, cotangents, chosen.numpy)
    floats = _run(program, {**values, **reals}, given, FLOAT64)
    if not certified and dtype_name == "float64":
        return _flow(program, floats, floats, None, "")
    sets = _run(program, {**values, **reals}, given, Ball(dtype_name))
    exact = _run(program, {**values, **reals}, given, Ball(precision=400))
    return _flow(program, floats, exact, sets, dtype_name)


def decided(program: Program, conditions: tuple[Condition, ...], values: Mapping[str, Array]) -> dict[str, Array]:
    """Return values with those of conditions: comparisons of what float64 gives, after the steps before each."""
    found = dict(values)
    for one in conditions:
        before = Program(program.inputs, program.steps[: one.after], program.inputs, program.data)
        known = {**found, **_checked(before, found)}
        left, right = (known[side] if isinstance(side, str) else side for side in (one.left, one.right))
        found[one.name] = np.asarray(getattr(np, one.comparison)(left, right))
    return found


def _real(array: Array) -> bool:
    return array.dtype.kind not in "bi"


def _checked(program: Program, values: Mapping[str, Array]) -> dict[str, Data]:
    """Run a program forward in float64, step by step, so that a step that does not fit is named."""
    found: dict[str, Data] = {}
    with using(FLOAT64), np.errstate(all="ignore"):
        found.update((name, values[name]) for name in (*program.inputs, *program.data) if name in values)
        for step in program.steps:
            alone = Program((), (step,), (step.name,), tuple(dict.fromkeys(o for o in step.operands if o in found)))
            try:
                _require_axes(step, found)
                found[step.name] = run(alone, found)[step.name].data
            except (ValueError, IndexError, TypeError, SpecError) as error:
                shapes = ", ".join(f"{o}: {found[o].shape}" for o in step.operands if isinstance(o, str))
                what = f"{step.primitive} of {shapes}: {error}"
                raise SpecError(f"step {step.name}", what, "operands that fit", "Mend the shapes.") from None
    return found


def _require_axes(step: Step, found: Mapping[str, Data]) -> None:
    """Raise ValueError where an axis is none of the operand's."""
    for attribute in load_primitives()[step.primitive].attributes:
        if attribute.kind not in ("axis", "optional-axes") or not isinstance(step.operands[0], str):
            continue
        value = step.attributes.get(attribute.name)
        axes = value if isinstance(value, tuple) else (value,)
        rank = found[step.operands[0]].ndim
        if any(isinstance(axis, int) and not -rank <= axis < rank for axis in axes):
            raise ValueError(f"axis={value} of an array with {rank} axes")


def _cotangents(
    shapes: Mapping[str, tuple[int, ...]], given: Mapping[str, Array] | None, rounded: np.dtype[Any]
) -> dict[str, Array]:
    found = {}
    for name, shape in shapes.items():
        cotangent = np.ones(shape) if given is None else given[name].astype(rounded).astype(np.float64)
        try:
            found[name] = np.broadcast_to(cotangent, shape)
        except ValueError:
            what = f"shape={cotangent.shape}"
            raise SpecError(
                f"cotangent of {name}", what, f"{shape}, the value's", "Give one number an element."
            ) from None
    return found


def _flow(program: Program, floats: _Run, truth: _Run, sets: _Run | None, name: str) -> Flow:
    """Join the runs: values of one, ends of the sets of the other."""

    def reading(what: str, key: Any) -> Reading:
        value = _middle(getattr(truth, what)[key])
        if value.dtype.kind == "f":  # where the exact value is none, or past all bounds, what floats make of it
            value = np.where(np.isfinite(value), value, getattr(floats, what)[key])
        if sets is None:
            return Reading(value)
        return Reading(value, *_ends(getattr(sets, what)[key]))

    def shape(operand: Reference) -> tuple[int, ...]:
        return floats.values[operand].shape if isinstance(operand, str) else ()

    steps = {step.name: step for step in program.steps}
    parts = tuple(
        Part(
            step=step,
            position=position,
            operand=str(steps[step].operands[position]),
            amount=reading("parts", (step, position)),
            local=floats.locals.get((step, position)),
            formula=rule_text(steps[step], position, [shape(operand) for operand in steps[step].operands]),
        )
        for step, position in floats.parts
    )
    return Flow(
        program=program,
        values={key: reading("values", key) for key in floats.values},
        received={key: reading("received", key) for key in floats.received},
        parts=parts,
        sets=name,
    )


def _middle(data: Data) -> Array:
    if data.dtype != object:
        return data
    return np.asarray(np.frompyfunc(float, 1, 1)(data), dtype=np.float64)


def _ends(data: Data) -> tuple[Array | None, Array | None]:
    """Return the ends of balls, outwards; those of the set of everything are infinite."""
    if data.dtype != object:
        return None, None
    low = np.frompyfunc(lambda x: _outward(x.lower(), -np.inf) if x.is_finite() else -np.inf, 1, 1)(data)
    high = np.frompyfunc(lambda x: _outward(x.upper(), np.inf) if x.is_finite() else np.inf, 1, 1)(data)
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def _outward(exact: Any, side: float) -> float:
    """Return the float64 nearest to an exact end that is not inside of it."""
    near = float(exact)
    inside = near > exact if side < 0 else near < exact
    return float(np.nextafter(near, side)) if inside else near
