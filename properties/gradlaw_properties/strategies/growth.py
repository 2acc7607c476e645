"""Growing a program step by step against forward values, so that each step stays in its domain."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from gradlaw_properties.strategies.attributes import Shape, numeric, structural
from gradlaw_properties.strategies.domains import Domain
from gradlaw_properties.strategies.layouts import REFUSALS
from gradlaw_properties.strategies.picks import Chooser
from gradlaw_reference import apply_step
from gradlaw_spec import Array, AttributeValue, Dtype, Primitive, Program, Reference, Step, dtype

CONSTANTS: Final = (2, 0.5, 3, -1, 1.5, -2.5, 0.1, 10, -2, 0.25, 0, 1)
"""Python scalars, on either side of a step with two operands."""
MOST_ELEMENTS, MOST_AXES = 40, 3
WAYS: Final = 4
"""Structural attributes are chosen in so many ways, so that a compiler sees few of them."""
MOST_TRIES: Final = 8
SELECTORS: Final = 64
"""Operands are selected by numbers below this; see `Growth.select`. 0 is the first input."""


@dataclass(frozen=True)
class Gate:
    """What growth needs to know of a primitive: domains of its operands, and which pairs it takes."""

    page: Primitive
    domains: tuple[Domain, ...]
    real: tuple[int, ...]
    sequence: bool
    distinct: bool
    integer_powers: bool

    @staticmethod
    def of(page: Primitive) -> Gate:
        """Read a gate from its page."""
        names = [operand.name for operand in page.operands]
        return Gate(
            page=page,
            domains=tuple(Domain.of(operand) for operand in page.operands),
            real=tuple(i for i, operand in enumerate(page.operands) if operand.kind == "real"),
            sequence=page.operands[0].kind == "sequence",
            # Equal operands would be at a kink everywhere.
            distinct=any(kink.where.other in names for kink in page.kinks),
            integer_powers=page.value.replace(" ", "") == "**".join(names) and len(names) == 2,
        )

    def admits(self, position: int, value: Array, others: Sequence[Reference], room: float) -> bool:
        """Whether an operand's values are well inside its domain."""
        if self.integer_powers and position == 0 and isinstance(others[1], int):
            return bool((np.abs(value) >= room).all())
        return self.domains[0 if self.sequence else position].contains_with_room(value, room)


def simplest_first(primitives: Mapping[str, Primitive]) -> tuple[Gate, ...]:
    """Return the gates of primitives in the order to which programs shrink."""

    def weight(page: Primitive) -> tuple[bool, bool, int, int, str]:
        return (page.shapes != "elementwise", not page.rational, len(page.operands), len(page.value), page.name)

    return tuple(Gate.of(page) for page in sorted(primitives.values(), key=weight))


@dataclass
class Growth:
    """A program under construction: the values of its names, and which of them nothing has used yet."""

    facts: Dtype
    scalar: bool
    dtypes: tuple[str, ...]
    """Those to which a value may be cast."""
    names: list[str]
    values: dict[str, Array]
    inputs: tuple[str, ...]
    steps: list[Step] = field(default_factory=list)
    data: dict[str, Array] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    dtype_of: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.unused = list(self.names)
        self.active = set(self.inputs)
        self.dtype_of = dict.fromkeys(self.names, self.facts.name)
        self.be_moderate(self.facts)

    def be_moderate(self, facts: Dtype) -> None:
        """Keep from here on the distances that a dtype needs."""
        wide = facts.unit_roundoff < 2.0**-20
        self.largest, self.room = (1e3, 2.0**-4) if wide else (50.0, 2.0**-3)

    def select(self, selector: int, *, latest: bool) -> int:
        """Return the place in ``names`` that a selector means.

        Low selectors count from the first input, for fan-out; the others choose what nothing has used yet: mostly the
        latest of it, so that programs are deep, or for a second operand any other, so that branches join.
        """
        if selector < SELECTORS // (4 if latest else 2) or not self.unused:
            return selector % len(self.names)
        back = 0 if latest and selector < SELECTORS * 7 // 8 else selector
        others = self.unused if latest or len(self.unused) < 2 else self.unused[:-1]
        return self.names.index(others[-1 - back % len(others)])

    def grow(self, gate: Gate, first: int, second: int, detail: int) -> bool:
        """Add a step of a primitive, at the first operands that it takes from the selected ones on; or nothing."""
        selected = self.select(first, latest=True), self.select(second, latest=False)
        for operands in self.candidates(gate, *selected, detail):
            try:
                if self.try_step(gate, operands, detail):
                    return True
            except REFUSALS:
                continue
        return False

    def candidates(self, gate: Gate, first: int, second: int, detail: int) -> Iterator[tuple[Reference, ...]]:
        """Return real operands to try, those that were selected first; a third one is the second again."""
        count = len(self.names)
        rotated = [self.names[(first + offset) % count] for offset in range(count)]
        if len(gate.real) < 2 and not gate.sequence:
            yield from ((name,) for name in rotated[:MOST_TRIES])
            return
        side = detail % 8
        constant = CONSTANTS[detail // 8 % len(CONSTANTS)]
        if side >= 5 and gate.page.shapes == "elementwise":
            yield from ((constant, name) if side == 5 else (name, constant) for name in rotated[:MOST_TRIES])
            return
        for offset in range(min(2 * count, MOST_TRIES)):
            pair = (self.names[(first + offset // count) % count], self.names[(second + offset) % count])
            if not (gate.distinct and pair[0] == pair[1]):
                yield pair + pair[1:] * (len(gate.real) - 2)

    def try_step(self, gate: Gate, real: tuple[Reference, ...], detail: int) -> bool:
        """Add a step at these operands, if it stays in its domain and moderate."""
        for position, operand in enumerate(real):
            value = self.values[operand] if isinstance(operand, str) else np.asarray(operand, np.float64)
            if not gate.admits(0 if gate.sequence else gate.real[position], value, real, self.room):
                return False
        named = [operand for operand in real if isinstance(operand, str)]
        shape, before = self.values[named[0]].shape, self.dtype_of[named[0]]
        if any(self.dtype_of[name] != before for name in named):
            return False  # engines promote in ways of their own: where dtypes meet, a cast is written
        choose = Chooser(detail)
        attributes = {**structural(gate.page, shape, Chooser(detail % WAYS), self.dtypes), **numeric(gate.page, choose)}
        after = str(attributes.get("dtype", before))
        if "dtype" in attributes and after == before:
            return False
        fresh = {} if gate.sequence else self.fresh_data(gate, real, shape, attributes, choose)
        operands = real if gate.sequence else self.in_order(gate, real, fresh)
        step = Step((f"t{len(self.steps) + 1}",), gate.page.name, operands, attributes)
        value = apply_step(step, {**self.values, **fresh} if fresh else self.values)[0].data
        value = value.astype(np.float64)
        if not self.moderate(value):
            return False
        self.add(step, value, fresh)
        self.dtype_of[step.name] = after
        if dtype(after).unit_roundoff > self.facts.unit_roundoff:
            self.be_moderate(dtype(after))
        return True

    def moderate(self, value: Array) -> bool:
        """Whether a value is neither too large nor too many, nor nothing."""
        if not 0 < value.size <= MOST_ELEMENTS or value.ndim > MOST_AXES or (self.scalar and value.ndim):
            return False
        return bool((np.abs(value) <= self.largest).all())

    def add(self, step: Step, value: Array, fresh: Mapping[str, Array]) -> None:
        """Enter a step and what it needs."""
        self.steps.append(step)
        self.data.update(fresh)
        self.values.update(fresh)
        self.values[step.name] = value
        used = {operand for operand in step.operands if isinstance(operand, str)}
        if used & self.active:
            self.active.add(step.name)
        self.unused = [name for name in self.unused if name not in used]
        self.names.append(step.name)
        self.unused.append(step.name)

    def fresh_data(
        self,
        gate: Gate,
        real: tuple[Reference, ...],
        shape: Shape,
        attributes: Mapping[str, AttributeValue],
        choose: Chooser,
    ) -> dict[str, Array]:
        """Make the conditions and indices that a step needs."""
        found: dict[str, Array] = {}
        for operand in gate.page.operands:
            name = f"{operand.name}{len(self.data) + len(found) + 1}"
            if operand.kind == "boolean":
                shapes = [self.values[item].shape if isinstance(item, str) else () for item in real]
                full = np.broadcast_shapes(*shapes)
                chosen = choose((full, shape, full[-1:]))
                places = np.arange(math.prod(chosen)) + choose(range(3))
                found[name] = (places % choose((2, 3)) == 0).reshape(chosen)
            elif operand.kind == "index":
                along = next(item.name for item in gate.page.attributes if item.kind == "axis")
                axis, lengths = int(attributes[along]), list(shape)  # type: ignore[arg-type]
                updates = [self.values[item].shape[axis] for item in real[1:] if isinstance(item, str)]
                lengths[axis] = updates[0] if updates else choose((2, 3, 1, 4))
                if operand.distinct:
                    found[name] = (np.arange(shape[axis]) + choose(range(3)))[: lengths[axis]] % shape[axis]
                    continue
                chosen_shape = lengths if gate.page.shapes == "aligned" else [lengths[axis]]
                chosen_places = [choose(range(shape[axis])) for _ in range(math.prod(chosen_shape))]
                found[name] = np.array(chosen_places, dtype=np.int64).reshape(chosen_shape)
        return found

    @staticmethod
    def in_order(gate: Gate, real: tuple[Reference, ...], fresh: Mapping[str, Array]) -> tuple[Reference, ...]:
        """Put real operands and data where the page has them."""
        reals, others = iter(real), iter(fresh)
        return tuple(next(reals) if operand.kind == "real" else next(others) for operand in gate.page.operands)

    def program(self, *, two_outputs: bool, keep_unused: bool) -> Program:
        """Return the program of the last step that depends on an input, without what no output needs."""
        live = [step.name for step in self.steps if step.name in self.active]
        outputs = live[-1:] or [self.inputs[0]]
        dangling = [name for name in live[:-1] if name in self.unused]
        if two_outputs and dangling:
            outputs.append(dangling[-1])
        outputs = [self.cast_back(name) for name in outputs]
        needed = set(outputs)
        kept: list[Step] = []
        for step in reversed(self.steps):
            if step.name in needed:
                kept.append(step)
                needed.update(operand for operand in step.operands if isinstance(operand, str))
        inputs = tuple(name for name in self.inputs if keep_unused or name in needed)
        data = tuple(name for name in self.data if name in needed)
        return Program(inputs, tuple(reversed(kept)), tuple(outputs), data)

    def cast_back(self, name: str) -> str:
        """Return a value in the case's dtype, by a step of its own where it has another."""
        if self.dtype_of[name] == self.facts.name:
            return name
        step = Step((f"{name}_back",), "astype", (name,), {"dtype": self.facts.name})
        self.add(step, self.values[name], {})
        return step.name


def renumbered(program: Program) -> Program:
    """Name the steps t1, t2, … in their order."""
    names: dict[Reference, str] = {step.name: f"t{number + 1}" for number, step in enumerate(program.steps)}
    steps = tuple(
        Step((names[step.name],), step.primitive, tuple(names.get(o, o) for o in step.operands), step.attributes)
        for step in program.steps
    )
    return Program(program.inputs, steps, tuple(names.get(name, name) for name in program.outputs), program.data)
