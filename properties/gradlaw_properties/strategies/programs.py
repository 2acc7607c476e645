"""Random programs: typed DAGs with fan-out, broadcasting and Python scalars, grown on forward values.

Hypothesis draws a string of bytes, eight a step, so that shrinking drops and simplifies steps; each number in it
is read modulo what is possible at that place. A step that leaves its domain, or the moderate range in
which every dtype still says something, is not taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

from gradlaw_properties.strategies.cases import COTANGENTS, Words
from gradlaw_properties.strategies.layouts import Shape, attribute_options
from gradlaw_properties.strategies.numbers import Kind, bulk, cotangent, intervals
from gradlaw_reference import apply_step
from gradlaw_spec import Array, Case, Operand, Primitive, Program, Reference, Step, Tensor

SHAPES: tuple[tuple[Shape, ...], ...] = (
    ((), (), ()),
    ((3,), (3,), ()),
    ((2, 3), (3,), (2, 1)),
    ((2, 2), (2, 2), (2,)),
    ((2, 3), (3, 2), ()),
    ((12,), (12,), (12,)),
)
SCALARS: tuple[float | int, ...] = (2, 1, 0.5, 3, -1, -2, 1.5, -0.25, 0.1)
EXPONENTS: tuple[int, ...] = (2, 3, -1, 0, 1, -2)
LIMITS = {"float64": 1e3, "float32": 1e3, "float16": 50.0, "bfloat16": 50.0}
MARGIN = 2.0**-4
"""How far a step's operand stays from the end of its domain."""
ATTEMPTS = 5
"""How many primitives are tried where one does not fit."""
MODERATE = Operand(name="x", domain=("[-4, 4]",))
"""What the inputs of programs are drawn from."""
HEADER_BYTES, STEP_BYTES = 14, 8
KNITS = 3
"""How many loose ends are joined at most."""
StepChoice = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class ProgramChoice:
    """What Hypothesis draws for one program."""

    shapes: int
    kind: Kind
    bulk: int
    steps: list[StepChoice]
    outputs: int
    unused: bool
    fixed: bool
    cotangent: Kind | Literal["sparse"]
    seed: int


def program_cases(
    primitives: Mapping[str, Primitive],
    dtype: str,
    *,
    scalar: bool = False,
    cotangents: Literal["any", "ones"] = "any",
    seed: int = 0,
    max_steps: int = 8,
) -> st.SearchStrategy[Case]:
    """Return cases of random programs over these primitives in a dtype, of at most ``max_steps`` steps.

    ``seed`` chooses which two or three families of shapes a run uses.
    """
    pages = [primitives[name] for name in sorted(primitives) if scalar is False or _is_scalar(primitives[name])]
    draw = np.random.Generator(np.random.PCG64([seed, 3]))
    families = [SHAPES[0]] if scalar else [SHAPES[0], *(SHAPES[1:][i] for i in sorted(draw.permutation(5)[:3]))]
    size = HEADER_BYTES + STEP_BYTES * max_steps

    def build(drawn: bytes) -> Case:
        choice = read_program(drawn, len(families), max_steps)
        return _Grower(pages, families, choice, dtype).case(ones=cotangents == "ones")

    return st.binary(min_size=size, max_size=size).map(build)


def read_program(drawn: bytes, families: int, max_steps: int) -> ProgramChoice:
    """Read the choices of a program from bytes; 0 is the plainest of each, and a lower first byte is fewer steps."""
    word = Words(drawn)
    steps = word(1) % max_steps + 1
    return ProgramChoice(
        shapes=word(1) % families,
        kind=("short", "normal")[word(1) % 2],
        outputs=word(1) % 5,
        unused=word(1) % 3 == 2,
        fixed=word(1) % 3 == 2,
        cotangent=COTANGENTS[word(1) % len(COTANGENTS)],
        bulk=word(2),
        seed=word(4),
        steps=[(word(2), word(2), word(2), word(2)) for _ in range(steps)],
    )


def _is_scalar(page: Primitive) -> bool:
    return page.shapes == "elementwise"


def _joins(page: Primitive) -> bool:
    """Whether a primitive takes two values."""
    return page.operands[0].kind == "sequence" or sum(operand.kind == "real" for operand in page.operands) > 1


def _is_power(page: Primitive) -> bool:
    """Whether the last operand is an exponent: the page allows a half line for the first and any number for it."""
    domains = [operand.domain for operand in page.operands if operand.kind == "real"]
    return len(domains) == 2 and domains[0] == ("(0, inf)",) and domains[1] == ("(-inf, inf)",)


def _picked(names: list[str], first: int, second: int) -> list[Reference]:
    """Choose two operands: mostly the newest value, so that programs grow deep, and any other to meet it."""
    newest = names[-1] if first % 4 else names[(first // 4) % len(names)]
    return [newest, names[second % len(names)]] if first % 8 < 6 else [names[second % len(names)], newest]


def comfortable(values: Array, domain: tuple[str, ...]) -> bool:
    """Whether all numbers are in one domain and keep their distance from its ends."""
    numbers = values.astype(np.float64)
    found = np.zeros(numbers.shape, dtype=bool)
    for lower, upper, _, _ in intervals(domain):
        found |= (numbers >= lower + MARGIN) & (numbers <= upper - MARGIN)
    return bool(found.all())


@dataclass(slots=True)
class _Grower:
    """One program as it grows: the values so far, and the steps taken."""

    pages: Sequence[Primitive]
    families: Sequence[tuple[Shape, ...]]
    choice: ProgramChoice
    dtype: str
    values: dict[str, Array] = field(default_factory=dict)
    data: dict[str, Array] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def case(self, *, ones: bool) -> Case:
        choice = self.choice
        names = ("x", "y", "z")
        for position, (name, shape) in enumerate(zip(names, self.families[choice.shapes], strict=True)):
            start = choice.bulk + position if choice.bulk else 0
            numbers = bulk(choice.kind, start, shape, MODERATE, self.dtype)
            self.values[name] = np.roll(numbers, position) if start == 0 else numbers
        with np.errstate(all="ignore"):
            for drawn in choice.steps:
                self.grow(drawn)
            self.knit()
        return self.finish(names, ones)

    def grow(self, drawn: StepChoice) -> None:
        """Take the first step that fits, from the drawn primitive on."""
        # Every third step joins two values, so that branches meet again.
        pages = [page for page in self.pages if drawn[0] % 3 != 1 or _joins(page)] or self.pages
        for attempt in range(ATTEMPTS):
            page = pages[(drawn[0] // 3 + attempt) % len(pages)]
            step = self.proposed(page, drawn)
            if step is None:
                continue
            value = self.computed(step)
            if value is not None:
                self.steps.append(step)
                self.values[step.name] = value
                return

    def knit(self) -> None:
        """Join values that nothing uses yet, so that branches of common ancestors meet in the output."""
        used = {item for step in self.steps for item in step.operands}
        loose = [step.name for step in self.steps if step.name not in used][-KNITS - 1 :]
        pages = [page for page in self.pages if _joins(page) and page.shapes == "elementwise"]
        while len(loose) > 1 and pages:
            first, second = loose.pop(), loose.pop()
            start = self.choice.bulk + len(self.steps)
            for attempt in range(len(pages)):
                page = pages[(start + attempt) % len(pages)]
                step = self.joined(page, [first, second])
                value = None if step is None else self.computed(step)
                if step is not None and value is not None:
                    self.steps.append(step)
                    self.values[step.name] = value
                    loose.append(step.name)
                    break
            else:
                loose.append(first)

    def joined(self, page: Primitive, pair: list[Reference]) -> Step | None:
        operands = self.operands(page, pair, (0, 0, 0, 1))
        if operands is None or not self.in_domain(page, operands):
            return None
        return Step(f"v{len(self.steps) + 1}", page.name, operands)

    def proposed(self, page: Primitive, drawn: StepChoice) -> Step | None:
        names = list(self.values)
        picked = _picked(names, drawn[1], drawn[2])
        name = f"v{len(self.steps) + 1}"
        operands = self.operands(page, picked, drawn)
        if operands is None:
            return None
        shapes = tuple(self.known(item).shape for item in operands)
        if not self.in_domain(page, operands):
            return None
        options = attribute_options(page, shapes)
        return Step(name, page.name, operands, options[drawn[3] % len(options)]) if options else None

    def operands(self, page: Primitive, picked: list[Reference], drawn: StepChoice) -> tuple[Reference, ...] | None:
        """Return a step's operands; one of two may be a Python scalar, on either side."""
        if page.operands[0].kind == "sequence":
            return tuple(picked)
        found: list[Reference] = []
        real = 0
        for operand in page.operands:
            if operand.kind == "boolean":
                found.append(self.condition(picked))
            elif operand.kind == "index":
                found.append(self.indices(picked, drawn))
            else:
                found.append(picked[min(real, 1)])
                real += 1
        if real > 1 and page.shapes == "elementwise" and drawn[3] % 3 == 0:
            side = len(found) - 1 - (drawn[3] // 3) % 2
            found[side] = SCALARS[(drawn[3] // 6) % len(SCALARS)]
        if _is_power(page) and isinstance(found[0], str) and drawn[3] % 3 != 1:
            found[-1] = EXPONENTS[drawn[2] % len(EXPONENTS)]
        return tuple(found)

    def condition(self, picked: list[Reference]) -> str:
        shape = self.known(picked[0]).shape
        name = f"c{len(self.data) + 1}"
        draw = np.random.Generator(np.random.PCG64([self.choice.bulk, len(self.data)]))
        self.data[name] = np.asarray(draw.random(shape) < 0.5)
        return name

    def indices(self, picked: list[Reference], drawn: StepChoice) -> str:
        name = f"c{len(self.data) + 1}"
        length = min(self.known(picked[0]).shape, default=0)
        self.data[name] = np.array([drawn[2] % max(length, 1), 0, 0])
        return name

    def known(self, item: Reference) -> Array:
        if isinstance(item, str):
            return self.values[item] if item in self.values else self.data[item]
        return np.asarray(item)

    def in_domain(self, page: Primitive, operands: tuple[Reference, ...]) -> bool:
        """Whether operands keep to their domains; a base may be negative under an integer exponent."""
        integer_power = _is_power(page) and isinstance(operands[-1], int)
        for operand, item in zip(page.operands, operands, strict=False):
            if operand.kind != "real" or operand.domain == ("(-inf, inf)",):
                continue
            domain = ("(-inf, 0)", "(0, inf)") if integer_power else operand.domain
            if not comfortable(self.known(item), domain):
                return False
        return True

    def computed(self, step: Step) -> Array | None:
        try:
            value = apply_step(step, {**self.values, **self.data}).data
        except (ValueError, IndexError):
            return None
        if value.size > 200 or value.ndim > 5:
            return None
        numbers = np.abs(value.astype(np.float64))
        return value if np.isfinite(numbers).all() and (numbers <= LIMITS[self.dtype]).all() else None

    def behind(self, outputs: tuple[str, ...]) -> tuple[list[Step], set[str]]:
        """Return the steps that some output needs, and every name they need."""
        needed = set(outputs)
        steps: list[Step] = []
        for step in reversed(self.steps):
            if step.name in needed:
                steps.insert(0, step)
                needed |= {item for item in step.operands if isinstance(item, str)}
        return steps, needed

    def finish(self, names: tuple[str, ...], ones: bool) -> Case:
        """Choose the outputs that most steps lead to, drop what no output needs, and give cotangents."""
        choice = self.choice
        made = sorted((step.name for step in self.steps), key=lambda name: len(self.behind((name,))[0])) or ["x"]
        outputs = (made[-1], made[-2]) if choice.outputs == 4 and len(made) > 1 else (made[-1],)
        steps, needed = self.behind(outputs)
        used = [name for name in names if name in needed]
        fixed = tuple(used[1:2]) if choice.fixed and len(used) > 1 else ()
        spare = [name for name in names if name not in needed][:1] if choice.unused else []
        inputs = tuple(name for name in names if (name in used or name in spare) and name not in fixed)
        data = (*fixed, *(name for name in self.data if name in needed))
        program = Program(inputs, tuple(steps), outputs, data)
        everything: dict[str, Any] = {**self.values, **self.data}
        given = [
            cotangent("ones" if ones else choice.cotangent, choice.bulk + i, everything[name].shape, self.dtype)
            for i, name in enumerate(outputs)
        ]
        return Case(
            program=program,
            values={name: Tensor.of(everything[name]) for name in (*inputs, *data)},
            cotangents=tuple(Tensor.of(g) for g in given),
            dtype=self.dtype,
            seed=choice.seed,
        )
