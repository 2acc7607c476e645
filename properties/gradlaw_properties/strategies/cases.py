"""Cases of one primitive: a layout, values, kinks and a cotangent, of a few drawn choices that shrink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

from gradlaw_properties.strategies.layouts import Layout, palette
from gradlaw_properties.strategies.numbers import KINDS, Kind, boundary_values, bulk, cotangent, inside, short_decimals
from gradlaw_reference import evaluate
from gradlaw_spec import Array, Case, Operand, Primitive, Program, Step, Tensor

COTANGENTS: tuple[Kind | Literal["sparse"], ...] = ("short", "sparse", "normal", "scaled")
CHOICE_BYTES = 24
"""What is drawn for a case: one string of bytes.

Hypothesis makes new examples by copying what it drew at one place to the others of its kind; with a dozen integers,
half of the cases came out twice. A string has no such places, and its bytes still shrink one by one.
"""


class Words:
    """Numbers of so many bytes each, read one after the other from a string; 0 where it has ended."""

    def __init__(self, drawn: bytes) -> None:
        self.drawn, self.place = drawn, 0

    def __call__(self, size: int) -> int:
        """Read the next number."""
        part = self.drawn[self.place : self.place + size]
        self.place += size
        return int.from_bytes(part, "big")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen for one case; each field shrinks towards the plain case."""

    layout: int
    kind: Kind
    bulk: int
    kinked: int
    shared: bool
    placements: list[tuple[int, int]]
    cotangent: Kind | Literal["sparse"]
    seed: int


def read_choice(drawn: bytes, layouts: int) -> Choice:
    """Read the choices of a case from bytes; 0 is the plainest of each."""
    word = Words(drawn)
    return Choice(
        layout=word(1) % layouts,
        kind=KINDS[word(1) % len(KINDS)],
        bulk=word(2),
        kinked=word(1) % 4,
        shared=word(1) % 4 == 3,
        cotangent=COTANGENTS[word(1) % len(COTANGENTS)],
        seed=word(4),
        placements=[(word(2), word(1)) for _ in range(word(1) % 5)],
    )


def primitive_cases(
    primitive: Primitive,
    dtype: str,
    *,
    scalar: bool = False,
    cotangents: Literal["any", "ones"] = "any",
    seed: int = 0,
) -> st.SearchStrategy[Case]:
    """Return cases with one step of a primitive, in a dtype, driven by its page alone.

    ``scalar`` keeps to 0-d operands; ``cotangents="ones"`` starts from ones; ``seed`` chooses the palette
    of shapes.
    """
    layouts = [layout for layout in palette(primitive, scalar=scalar, seed=seed) if _computes(primitive, layout, dtype)]

    def build(drawn: bytes) -> Case:
        choice = read_choice(drawn, len(layouts))
        return _case(primitive, layouts[choice.layout], choice, dtype, ones=cotangents == "ones")

    return st.binary(min_size=CHOICE_BYTES, max_size=CHOICE_BYTES).map(build)


def _computes(primitive: Primitive, layout: Layout, dtype: str) -> bool:
    """Whether the primitive has a value on a layout (there is no largest of nothing, and no mean)."""
    choice = Choice(0, "short", 0, 0, False, [], "short", 0)
    program, values = _operands(primitive, layout, choice, dtype)
    try:
        with np.errstate(all="ignore"):
            result = evaluate(program, values)[program.outputs[0]]
    except (ValueError, IndexError):
        return False
    return bool(np.isfinite(result.astype(np.float64)).all())


def _operands(primitive: Primitive, layout: Layout, choice: Choice, dtype: str) -> tuple[Program, dict[str, Array]]:
    """Return the program of a layout and the values of its operands before any placement."""
    draw = np.random.Generator(np.random.PCG64([choice.bulk, 2]))
    names: list[str] = []
    inputs: list[str] = []
    values: dict[str, Array] = {}
    for position, (operand, shape) in enumerate(_paired(primitive, layout)):
        name = f"x{position + 1}" if operand.kind == "sequence" else operand.name
        names.append(name)
        if operand.kind == "boolean":
            values[name] = draw.random(shape) < 0.5
        elif operand.kind == "index":
            axis = layout.attributes["axis"]
            assert isinstance(axis, int)
            length = layout.shapes[0][axis]
            values[name] = draw.integers(0, length, size=draw.choice([1, 3, 4]))
        else:
            values[name] = bulk(choice.kind, choice.bulk + position if choice.bulk else 0, shape, operand, dtype)
            inputs.append(name)
    data = tuple(name for name in names if name not in inputs)
    first = inputs[0]
    if choice.shared:
        twins = [name for name in inputs[1:] if values[name].shape == values[first].shape]
        names = [first if name in twins else name for name in names]
        inputs = [name for name in inputs if name not in twins]
        for name in twins:
            del values[name]
        values[first] = _narrowed(primitive, values[first])
    step = Step("y", primitive.name, tuple(names), layout.attributes)
    return Program(tuple(inputs), (step,), ("y",), data), values


def _narrowed(primitive: Primitive, values: Array) -> Array:
    """Move a shared operand into the domains of all: a divisor is not 0, a base is positive."""
    for operand in primitive.operands:
        if operand.kind == "real":
            fallback = short_decimals(operand.domain, values.dtype.name)[0]
            values = np.where(inside(values, operand.domain), values, fallback).astype(values.dtype)
    return values


def _paired(primitive: Primitive, layout: Layout) -> list[tuple[Operand, tuple[int, ...]]]:
    if primitive.operands[0].kind == "sequence":
        return [(primitive.operands[0], shape) for shape in layout.shapes]
    shapes = [*layout.shapes, *((),) * len(primitive.operands)]
    return list(zip(primitive.operands, shapes, strict=False))


def _case(primitive: Primitive, layout: Layout, choice: Choice, dtype: str, *, ones: bool) -> Case:
    program, values = _operands(primitive, layout, choice, dtype)
    by_name = {operand.name: operand for operand in primitive.operands}
    for where, which in choice.placements:
        name = program.inputs[where % len(program.inputs)]
        operand = by_name.get(name, primitive.operands[0])
        allowed = boundary_values(operand, dtype)
        if values[name].size and len(allowed):
            values[name] = _placed(values[name], where // len(program.inputs), allowed[which % len(allowed)])
    if choice.shared:
        values[program.inputs[0]] = _narrowed(primitive, values[program.inputs[0]])
    if choice.kinked:
        _put_on_kinks(primitive, program, values, choice)
    result = evaluate(program, values)[program.outputs[0]]
    given = cotangent("ones" if ones else choice.cotangent, choice.bulk, result.shape, dtype)
    return Case(
        program=program,
        values={name: Tensor.of(value) for name, value in values.items()},
        cotangents=(Tensor.of(given),),
        dtype=dtype,
        seed=choice.seed,
    )


def _placed(values: Array, position: int, value: Any) -> Array:
    changed = values.copy()
    changed.reshape(-1)[position % values.size] = value
    return changed


def _put_on_kinks(primitive: Primitive, program: Program, values: dict[str, Array], choice: Choice) -> None:
    """Put some elements where the primitive's kinks are: on a number, on each other, on a bound, in a tie."""
    draw = np.random.Generator(np.random.PCG64([choice.bulk, choice.kinked]))
    attributes: Mapping[str, Any] = program.steps[0].attributes
    for kink in primitive.kinks:
        left, _, right = kink.where.partition(" == ")
        if kink.where == "ties":
            name = program.inputs[0]
            if values[name].size:
                largest = values[name].reshape(-1)[np.argmax(np.abs(values[name].astype(np.float64)))]
                chosen = draw.random(values[name].shape) < 0.4
                values[name] = np.where(chosen, largest, values[name]).astype(values[name].dtype)
            continue
        if left not in values:
            continue
        target: Any = values.get(right, attributes.get(right) if right in attributes else None)
        if target is None and right not in attributes and right not in values:
            target = _number(right)
        if target is None or np.shape(target) not in ((), values[left].shape):
            continue
        chosen = draw.random(values[left].shape) < 0.4
        values[left] = np.where(chosen, target, values[left]).astype(values[left].dtype)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
