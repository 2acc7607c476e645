"""Cases of random programs: typed graphs with fan-out, broadcasting and Python scalars on either side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final, Literal, NamedTuple

import numpy as np
from hypothesis.strategies import SearchStrategy

from gradlaw_properties.strategies.attributes import Shape
from gradlaw_properties.strategies.cases import Cotangents
from gradlaw_properties.strategies.domains import rounded
from gradlaw_properties.strategies.growth import SELECTORS, Gate, Growth, renumbered, simplest_first
from gradlaw_properties.strategies.picks import Cases, Drawing
from gradlaw_properties.strategies.values import COTANGENTS, SIMPLE, cotangent, generator, raw_bulk, typed
from gradlaw_reference import FLOAT64, using
from gradlaw_spec import DTYPES, PROGRAM, Array, Case, Dtype, Primitive, SpecError, dtype

INPUTS: Final = ("x", "y", "z")
ProgramBulk = Literal["short", "positive", "normal", "ties"]
BULKS: Final[tuple[ProgramBulk, ...]] = ("short", "short", "positive", "normal", "ties")
DETAILS, SEEDS, ENDINGS = 2**10, 2**16, 2**6


class Genes(NamedTuple):
    """What is drawn of a program's case; zeros make the simplest one."""

    shapes: list[int]
    bulk: int
    seed: int
    ending: int
    cotangent: int
    case_seed: int
    steps: list[tuple[int, int, int, int]]


def program_cases(
    primitives: Mapping[str, Primitive],
    dtype_name: str,
    *,
    scalar: bool = False,
    cotangents: Cotangents = "any",
    dtypes: Sequence[str] = tuple(DTYPES),
    seed: int = 0,
    max_steps: int = 8,
) -> SearchStrategy[Case]:
    """Return cases of random programs of up to ``max_steps`` steps of these primitives, in a dtype.

    Each step stays well inside its domain and moderate. Values may be cast on the way; outputs are cast back. Programs
    shrink to the fewest steps; ``scalar``, ``cotangents``, ``dtypes`` and ``seed`` are as in `primitive_cases`. Raises
    SpecError where there are no primitives.
    """
    if not primitives:
        raise SpecError("program_cases", "primitives={}", "at least one primitive", "Give some.")
    single = {name: page for name, page in primitives.items() if not page.results}
    maker = _Maker(simplest_first(single), dtype(dtype_name), scalar, cotangents, tuple(dtypes), seed)
    return Cases(lambda drawing: maker.case(maker.genes(drawing, max_steps)), f"program_cases({dtype_name})")


def input_shapes(seed: int) -> tuple[Shape, ...]:
    """Return the shapes of a run's inputs: they broadcast together, but for matrices that multiply: one is square."""
    rows, columns = Random(seed).choice(((2, 3), (3, 2), (2, 4), (3, 4), (4, 3)))
    return ((), (columns,), (rows, columns), (rows, 1), (rows, rows), (columns, rows))


class _Maker:
    """Makes a case of drawn numbers."""

    def __init__(
        self,
        gates: tuple[Gate, ...],
        facts: Dtype,
        scalar: bool,
        cotangents: Cotangents,
        dtypes: tuple[str, ...],
        seed: int,
    ) -> None:
        self.gates, self.facts, self.scalar, self.cotangents, self.dtypes = gates, facts, scalar, cotangents, dtypes
        self.shapes: tuple[Shape, ...] = ((),) if scalar else input_shapes(seed)

    def genes(self, drawing: Drawing, max_steps: int) -> Genes:
        """Draw what a case is made of."""
        pick, gates = drawing.pick, len(self.gates)
        return Genes(
            shapes=drawing.several(1, len(INPUTS), 0.6, lambda: pick(len(self.shapes))),
            bulk=pick(len(BULKS)),
            seed=pick(SEEDS),
            ending=pick(ENDINGS),
            cotangent=0 if self.cotangents == "ones" else pick(len(COTANGENTS)),
            case_seed=pick(2**32),
            steps=drawing.several(
                min(2, max_steps),
                max_steps,
                0.87,
                lambda: (pick(gates), pick(SELECTORS), pick(SELECTORS), pick(DETAILS)),
            ),
        )

    def case(self, genes: Genes) -> Case:
        """Make the case."""
        growth = self.grown(genes, self.inputs(genes))
        program = growth.program(two_outputs=genes.ending & 12 == 12, keep_unused=genes.ending & 3 == 3)
        values = {name: typed(growth.values[name], growth.values[name].shape, self.facts) for name in program.inputs}
        for name in program.data:
            array = growth.data[name]
            values[name] = typed(array, array.shape, self.facts) if array.dtype == np.float64 else array
        return Case(
            subject=PROGRAM,
            program=renumbered(program),
            values=values,
            cotangents=tuple(
                self.cotangent(genes, position, growth.values[name].shape)
                for position, name in enumerate(program.outputs)
            ),
            dtype=self.facts.name,
            seed=genes.case_seed,
        )

    def inputs(self, genes: Genes) -> dict[str, Array]:
        """Make the inputs; the values are moderate numbers of the dtype."""
        found: dict[str, Array] = {}
        for name, chosen in zip(INPUTS, genes.shapes, strict=False):
            shape = self.shapes[chosen]
            values = self.bulk(BULKS[genes.bulk], genes.seed, len(found), math.prod(shape))
            found[name] = rounded(values, self.facts).reshape(shape)
        return found

    def bulk(self, kind: ProgramBulk, seed: int, stream: int, size: int) -> Array:
        """Return that many flat values; those of kind ``short`` and seed 0 are the simplest."""
        if kind == "short" and seed == 0:
            return np.resize(np.roll(SIMPLE, -2 * stream), size)
        if kind == "positive":
            return np.abs(raw_bulk("short", seed, generator(seed, stream), size, self.facts)) + 0.25
        return raw_bulk(kind, seed, generator(seed, stream), size, self.facts)

    def grown(self, genes: Genes, inputs: dict[str, Array]) -> Growth:
        """Grow the drawn steps; the last of several inputs is fixed data at times."""
        names = tuple(inputs)
        fixed = names[-1:] if len(names) > 1 and genes.ending & 48 == 48 else ()
        differentiated = tuple(name for name in names if name not in fixed)
        growth = Growth(self.facts, self.scalar, self.dtypes, list(names), inputs, differentiated)
        growth.data.update({name: inputs[name] for name in fixed})
        with using(FLOAT64):
            for primitive, first, second, detail in genes.steps:
                growth.grow(self.gates[primitive], first, second, detail)
            for gate in self.gates if not growth.active - set(differentiated) else ():
                if growth.grow(gate, 0, 0, 0) and growth.steps[-1].name in growth.active:
                    break
        return growth

    def cotangent(self, genes: Genes, position: int, shape: Shape) -> Array:
        if self.cotangents == "ones":
            return typed(np.ones(shape), shape, self.facts)
        kind = COTANGENTS[genes.cotangent]
        return typed(cotangent(kind, genes.seed, position, shape, self.facts), shape, self.facts)
