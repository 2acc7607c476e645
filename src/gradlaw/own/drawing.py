"""Cases of a function under test, drawn where backward passes break."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

import numpy as np
from hypothesis import find, settings
from hypothesis.strategies import SearchStrategy

from gradlaw.own.layouts import LAYOUTS, fitting, repeated
from gradlaw.own.rounded import rounded_program
from gradlaw.own.samples import Sample
from gradlaw.own.settings import COTANGENT, SETTINGS, Settings, written_settings
from gradlaw.own.signature import Input, length_of, names_in
from gradlaw.own.traced import Definition, Tracing, traced
from gradlaw_properties.strategies import values as bulk
from gradlaw_properties.strategies.domains import rounded
from gradlaw_properties.strategies.picks import Cases, Drawing
from gradlaw_properties.strategies.values import cotangent, exponent, generator, raw_bulk, short_decimals
from gradlaw_spec import (
    PROGRAM,
    Array,
    Case,
    Dtype,
    Interval,
    Program,
    SpecError,
    dtype,
)

SIZES: Final = (1, 2, 3, 5, 7, 8, 16, 17)
"""The lengths of axes."""
LONG: Final = (33, 65, 130)
"""Lengths past the block of many kernels, for one axis of a few cases."""
MOST_ELEMENTS: Final = 300
"""Elements that the arrays of a case have together; a certified element costs a fraction of a millisecond."""
KINDS: Final = (
    *("short", "short", "short", "normal", "normal", "offset", "constant", "constant"),
    *("ties", "small", "large", "zeros"),
)
"""How the bulk of an input is made."""
ALIKE: Final = ("alike", "alike")
"""The kinds of an input that has another real one before it: the numbers of that, as where a distance is 0."""
COTANGENTS: Final[tuple[bulk.Cotangent, ...]] = tuple(kind for kind in bulk.COTANGENTS if kind != "tiny")
"""How cotangents are made: a kernel may flush what is subnormal, so none is among them."""
INTEGERS: Final = ("any", "any", "last", "first", "pairs")
MASKS: Final = ("any", "any", "true", "false", "one row false", "causal")
SEEDS: Final = 2**16
FINDING: Final = settings(database=None, derandomize=True)


@dataclass(frozen=True)
class Subject:
    """What is drawn for: a definition with its signature, and how it is rounded."""

    definition: Definition
    inputs: tuple[Input, ...]
    differentiated: tuple[str, ...]
    compute: str | None
    domains: Mapping[str, Interval]
    options: Mapping[str, Any]
    palette: tuple[Mapping[str, int], ...]
    shares: bool = True
    """Whether an input may be used beside the kernel too."""

    def input(self, name: str) -> Input:
        """Return an input by its name."""
        return next(one for one in self.inputs if one.name == name)


def axes_of(inputs: tuple[Input, ...]) -> list[str]:
    """Return the names of all axes whose lengths are drawn."""
    names = (axis for one in inputs for axis in (*one.axes, one.limit))
    return list(dict.fromkeys(name for axis in names for name in names_in(axis)))


def palette_of(inputs: tuple[Input, ...], seed: int, count: int) -> tuple[dict[str, int], ...]:
    """Return lengths of the axes for so many shapes, the smallest first: one run's, so that compilers are reused."""
    axes = axes_of(inputs)
    random = Random(f"{seed}:{axes}")
    found = [dict.fromkeys(axes, 2), dict.fromkeys(axes, 1)]
    for number in itertools.count():
        if len(found) >= count or not axes:
            break
        sizes = {axis: random.choice(SIZES) for axis in axes}
        if number % 8 == 7:
            sizes[random.choice(axes)] = random.choice(LONG)
        while (longest := max(axes, key=sizes.__getitem__)) and _elements(inputs, sizes) > MOST_ELEMENTS:
            others = [axis for axis in axes if axis != longest and sizes[axis] > 2]
            shrunk = random.choice(others) if others else longest
            sizes[shrunk] = max(1, sizes[shrunk] // 2)
            if max(sizes.values()) == 1:
                break
        found.append(sizes)
    return tuple(sorted(found[:count] or [{}], key=lambda sizes: math.prod(sizes.values())))


def _elements(inputs: tuple[Input, ...], sizes: dict[str, int]) -> int:
    return sum(math.prod(one.shape(sizes)) for one in inputs if one.kind == "real")


def cases_of(subject: Subject, dtype_name: str, outputs: tuple[str, ...]) -> SearchStrategy[Case]:
    """Return the cases of a subject in a dtype, for a kernel whose outputs have these dtypes."""
    numbers = scales_of(subject, dtype_name)
    maker = Maker(subject, dtype(dtype_name), outputs, numbers)
    return Cases(maker.case, f"own({dtype_name})")


def recorded_cases(
    subject: Subject, dtype_name: str, outputs: tuple[str, ...], samples: Sequence[Sample]
) -> SearchStrategy[Case]:
    """Return the cases of what was recorded in a dtype; raise SpecError where nothing was."""
    maker = Maker(subject, dtype(dtype_name), outputs, ())
    real = [place for place, one in enumerate(subject.inputs) if one.kind == "real"]

    def fits(sample: Sample) -> bool:
        return all(getattr(sample.arguments[place], "dtype", None) == dtype(dtype_name).numpy for place in real[:1])

    fitting_ones = [sample for sample in samples if fits(sample)]
    if not fitting_ones:
        expected = f"calls in {dtype_name}"
        raise SpecError("recorded", f"{len(samples)} calls in other dtypes", expected, "Say dtype= as it was recorded.")
    cases = [maker.given(sample, seed) for seed, sample in enumerate(fitting_ones)]
    return Cases(lambda drawing: cases[drawing.pick(len(cases))], f"recorded({dtype_name})")


def scales_of(subject: Subject, dtype_name: str) -> tuple[float, ...]:
    """Return magnitudes at which the constants of a definition matter: themselves, and their square roots."""
    maker = Maker(subject, dtype(dtype_name), (), ())
    found = _constants(maker.plain().tracing.program)
    return tuple(dict.fromkeys(scale for number in found for scale in (math.sqrt(number), number)))


def _constants(program: Program) -> tuple[float, ...]:
    numbers = (abs(item) for step in program.steps for item in step.operands if isinstance(item, float))
    return tuple(dict.fromkeys(number for number in numbers if 0 < number < math.inf))


@dataclass(frozen=True)
class Made:
    """Arguments, settings, and the definition traced on them."""

    values: dict[str, Array]
    settings: Settings
    tracing: Tracing


@dataclass(frozen=True)
class Maker:
    """Makes cases of drawn numbers."""

    subject: Subject
    facts: Dtype
    outputs: tuple[str, ...]
    scales: tuple[float, ...]

    def plain(self) -> Made:
        """Make the simplest arguments, with nothing drawn."""
        sizes = dict.fromkeys(axes_of(self.subject.inputs), 2)
        values = {one.name: self.array(one, sizes, "short", 0) for one in self.subject.inputs if one.kind != "float"}
        options = {name: _first(value) for name, value in self.subject.options.items()}
        settings = Settings(options=options, numbers=dict.fromkeys(self.floats(), 1.0))
        return Made(values, settings, self.traced(values, settings))

    def case(self, drawing: Drawing) -> Case:
        """Make a case."""
        made = self.drawn(drawing)
        kind, seed = COTANGENTS[drawing.pick(len(COTANGENTS))], drawing.pick(SEEDS)
        shapes = list(zip(self.outputs, made.tracing.shapes, strict=True))
        if made.settings.shared:
            shapes.append((self.facts.name, made.values[made.settings.shared].shape))
        cotangents = []
        for position, (name, shape) in enumerate(shapes):
            found = rounded(cotangent(kind, seed, position, shape, self.facts), dtype(name))
            given = found.astype(dtype(name).numpy)
            cotangents.append(repeated(given) if made.settings.layouts.get(COTANGENT) == "expanded" else given)
        return self.whole(made, tuple(cotangents), drawing.pick(2**32))

    def whole(self, made: Made, cotangents: tuple[Array, ...], seed: int) -> Case:
        """Return a case of arguments and cotangents."""
        start = {name: array.dtype.name for name, array in {**made.values, **made.tracing.data}.items()}
        program = rounded_program(made.tracing.program, self.subject.compute, self.outputs, start)
        values = {**made.values, **made.tracing.data, SETTINGS: written_settings(made.settings)}
        program = replace(program, data=tuple(name for name in values if name not in program.inputs))
        if made.settings.shared:
            program = replace(program, outputs=(*program.outputs, made.settings.shared))
        return Case(
            subject=PROGRAM, program=program, values=values, cotangents=cotangents, dtype=self.facts.name, seed=seed
        )

    def given(self, sample: Sample, seed: int) -> Case:
        """Return a case of what was recorded; raise SpecError where it fits the signature no way."""
        inputs = self.subject.inputs
        if len(sample.arguments) != len(inputs):
            expected = f"{len(inputs)}, one each for {', '.join(one.name for one in inputs)}"
            raise SpecError("recorded", f"{len(sample.arguments)} arguments", expected, "Mend the signature.")
        pairs = [(one.name, value) for one, value in zip(inputs, sample.arguments, strict=True)]
        numbers = {name: float(value) for name, value in pairs if not isinstance(value, np.ndarray)}
        values = {name: value for name, value in pairs if name not in numbers}
        settings = Settings({}, sample.options, numbers)
        made = Made(values, settings, self.traced(values, settings))
        shapes = tuple(one.shape for one in sample.cotangents)
        if shapes != made.tracing.shapes:
            raise SpecError("recorded", f"cotangents {shapes}", f"shapes {made.tracing.shapes}", "Mend the definition.")
        return self.whole(made, sample.cotangents, seed)

    def drawn(self, drawing: Drawing) -> Made:
        """Draw arguments and settings, and trace the definition on them."""
        subject = self.subject
        sizes = subject.palette[drawing.pick(len(subject.palette))]
        values: dict[str, Array] = {}
        layouts: dict[str, str] = {}
        for one in subject.inputs:
            if one.kind == "float":
                continue
            before = [values[other.name] for other in subject.inputs if other.kind == "real" and other.name in values]
            kinds: Sequence[str] = {"int": INTEGERS, "bool": MASKS}.get(one.kind, KINDS + ALIKE * bool(before))
            kind, seed = kinds[drawing.pick(len(kinds))], drawing.pick(SEEDS)
            array = self.alike(one, sizes, before[-1]) if kind == "alike" else self.array(one, sizes, kind, seed)
            layout = self.layout(drawing)
            array = repeated(array) if layout == "expanded" else array
            if (layout := fitting(layout, array)) != "contiguous":
                layouts[one.name] = layout
            values[one.name] = array
        if (layout := self.layout(drawing)) != "contiguous":
            layouts[COTANGENT] = layout
        options = {name: _choice(value, drawing) for name, value in subject.options.items()}
        numbers = {name: self.number(name, drawing.pick(SEEDS)) for name in self.floats()}
        shared = subject.differentiated[0] if subject.shares and drawing.pick(4) == 3 else ""
        settings = Settings(layouts, options, numbers, shared)
        return Made(values, settings, self.traced(values, settings))

    def layout(self, drawing: Drawing) -> str:
        """Draw a layout: contiguous half of the time."""
        chosen = drawing.pick(2 * (len(LAYOUTS) - 1))
        return LAYOUTS[max(0, chosen - len(LAYOUTS) + 2)]

    def traced(self, values: Mapping[str, Array], settings: Settings) -> Tracing:
        """Trace the definition on these arguments."""
        subject = self.subject
        every = {**values, **settings.numbers}
        arguments = {one.name: every[one.name] for one in subject.inputs}
        return traced(subject.definition, arguments, subject.differentiated, settings.options, subject.compute)

    def floats(self) -> tuple[str, ...]:
        """Return the names of the inputs that are Python numbers."""
        return tuple(one.name for one in self.subject.inputs if one.kind == "float")

    def number(self, name: str, seed: int) -> float:
        """Return a Python float in its domain; seed 0 makes 1, or what is nearest."""
        value = np.asarray([1.0]) if seed == 0 else short_decimals(seed, generator(seed, 0).random(1))
        return float(self.inside(name, value)[0])

    def array(self, one: Input, sizes: Mapping[str, int], kind: str, seed: int) -> Array:
        """Make an argument of a kind from a seed."""
        shape, stream = one.shape(dict(sizes)), self.subject.inputs.index(one)
        random = generator(seed, stream)
        if one.kind == "int":
            limit = length_of(one.limit, dict(sizes)) if one.limit else 8
            return _integers(kind, random, shape, limit)
        if one.kind == "bool":
            return _mask(kind, random, shape)
        values = self.inside(one.name, self.bulk(kind, seed, random, math.prod(shape)))
        return rounded(values, self.facts).astype(self.facts.numpy).reshape(shape)

    def alike(self, one: Input, sizes: Mapping[str, int], other: Array) -> Array:
        """Make an argument that has the rows of another one again and again, as far as its domain has them."""
        repeated_rows = np.resize(other.astype(np.float64), one.shape(dict(sizes)))
        return rounded(self.inside(one.name, repeated_rows), self.facts).astype(self.facts.numpy)

    def bulk(self, kind: str, seed: int, random: np.random.Generator, size: int) -> Array:
        """Return that many float64 values of a kind, in no domain yet."""
        if kind == "zeros":
            return np.where(random.random(size) < 0.5, 0.0, raw_bulk("short", seed, random, size, self.facts))
        if kind == "offset":  # far from zero with a small spread: a variance by E[x²] − E[x]² has no digits there
            digits = -math.log2(self.facts.unit_roundoff)
            centre = 2.0 ** random.integers(2, max(3, int(digits / 2)) + 1) * random.choice([-1, 1])
            return np.asarray(centre + raw_bulk("short", seed, random, size, self.facts))
        if kind == "normal":
            return raw_bulk("normal", seed, random, size, self.facts)
        if kind == "ties":
            return raw_bulk("ties", seed, random, size, self.facts)
        short = raw_bulk("short", seed, random, size, self.facts)
        if kind == "constant" and self.scales:
            scale = self.scales[int(random.integers(len(self.scales)))]
            return np.asarray(short * 2.0 ** (exponent(scale) - 1))
        if kind == "small":
            return np.asarray(short * 2.0 ** -int(random.integers(4, 12)))
        return np.asarray(short * 2.0 ** int(random.integers(2, 6))) if kind == "large" else short

    def inside(self, name: str, values: Array) -> Array:
        """Move values into an input's domain, and off its ends that do not belong to it."""
        domain = self.subject.domains.get(name)
        if domain is None:
            return values
        moved = rounded(domain.fold(values), self.facts)
        allowed = domain.contains(moved)
        return moved if allowed.all() else np.where(allowed, moved, _within(domain))


def _within(domain: Interval) -> float:
    """Return a number inside of an interval."""
    if math.isfinite(domain.lower) and math.isfinite(domain.upper):
        return (domain.lower + domain.upper) / 2
    return domain.lower + 1 if math.isfinite(domain.lower) else domain.upper - 1


def _first(value: Any) -> Any:
    return find(value, lambda drawn: True, settings=FINDING) if isinstance(value, SearchStrategy) else value


def _choice(value: Any, drawing: Drawing) -> Any:
    return drawing.draw(value) if isinstance(value, SearchStrategy) else value


def _integers(kind: str, random: np.random.Generator, shape: tuple[int, ...], limit: int) -> Array:
    if kind in ("first", "last"):
        return np.full(shape, 0 if kind == "first" else limit - 1, dtype=np.int64)
    drawn = random.integers(0, limit, shape)
    return np.asarray(drawn if kind == "any" else drawn // 2 * 2 % limit, dtype=np.int64)


def _mask(kind: str, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    if kind in ("true", "false"):
        return np.full(shape, kind == "true")
    if kind == "causal" and len(shape) > 1:
        return np.array(np.broadcast_to(np.tri(shape[-2], shape[-1]) > 0, shape))
    mask = random.random(shape) < 0.5
    if kind == "one row false" and shape and shape[0]:
        mask[int(random.integers(shape[0]))] = False
    return np.asarray(mask)
