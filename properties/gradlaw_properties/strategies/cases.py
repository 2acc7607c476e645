"""Cases of one primitive: a layout, bulk values from a seed, and boundary values at a few drawn places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from hypothesis.strategies import SearchStrategy

from gradlaw_properties.strategies.attributes import Shape, numeric
from gradlaw_properties.strategies.domains import rounded
from gradlaw_properties.strategies.layouts import OUTPUT, Layout, Slot, layouts
from gradlaw_properties.strategies.picks import Cases, Chooser, Drawing
from gradlaw_properties.strategies.specials import specials
from gradlaw_properties.strategies.values import (
    BULKS,
    COTANGENTS,
    SHARED,
    Bulk,
    Source,
    cotangent,
    definite,
    generator,
    regular,
    typed,
)
from gradlaw_spec import (
    DTYPES,
    Array,
    AttributeValue,
    Case,
    Dtype,
    Primitive,
    Program,
    Step,
    dtype,
    inline,
    load_pages,
    parse_formula,
)

Cotangents = Literal["any", "ones"]
PLACES, VALUES, NUMBERS, SEEDS = 2**10, 2**7, 2**10, 2**16
MOST_PLACEMENTS = 24
MOST_SPECIALS = 6
WILD, WILD_SUMS, WILD_MATRICES = 2, 4, 8
"""One of how many cases has numbers at the ends of the range: element by element, in sums, and in linear algebra."""


class Genes(NamedTuple):
    """What is drawn of a primitive's case; zeros make the simplest one."""

    layout: int
    bulk: int
    seed: int
    numbers: int
    cotangent: int
    case_seed: int
    placements: list[tuple[int, int]]
    specials: list[tuple[int, int, int]]


def primitive_cases(
    primitive: Primitive,
    dtype_name: str,
    *,
    scalar: bool = False,
    cotangents: Cotangents = "any",
    dtypes: Sequence[str] = tuple(DTYPES),
    seed: int = 0,
) -> SearchStrategy[Case]:
    """Return cases of one primitive in a dtype, driven by its page alone.

    ``scalar`` keeps everything 0-d, ``cotangents="ones"`` is for engines that can start from nothing else,
    ``dtypes`` are those to which a value may be cast, ``seed`` chooses the run's shapes. Values lie in the operands'
    domains or in a region of the page, and are finite; they shrink to short decimals with what matters among them.
    """
    palette = layouts(primitive, dtypes, scalar=scalar, seed=seed)
    maker = _Maker(primitive, dtype(dtype_name), palette, cotangents)
    return Cases(lambda drawing: maker.case(maker.genes(drawing)), f"primitive_cases({primitive.name}, {dtype_name})")


class _Maker:
    """Makes a case of drawn numbers."""

    def __init__(self, page: Primitive, facts: Dtype, palette: tuple[Layout, ...], cotangents: Cotangents) -> None:
        self.page, self.facts, self.palette, self.cotangents = page, facts, palette, cotangents
        self.sources = {
            _uses(slot): Source.of(page, slot.operands, facts) for layout in palette for slot in layout.slots
        }
        self.specials = [specials(page, layout, facts) for layout in palette]

    def genes(self, drawing: Drawing) -> Genes:
        """Draw what a case is made of."""
        pick = drawing.pick
        more = (0.6, 0.6, 0.95)[pick(3)]
        return Genes(
            layout=pick(len(self.palette)),
            bulk=pick(len(BULKS)),
            seed=pick(SEEDS),
            numbers=pick(NUMBERS) if numeric(self.page, Chooser(0)) else 0,
            cotangent=0 if self.cotangents == "ones" else pick(len(COTANGENTS)),
            case_seed=pick(2**32),
            placements=drawing.several(0, MOST_PLACEMENTS, more, lambda: (pick(PLACES), pick(VALUES))),
            specials=drawing.several(0, MOST_SPECIALS, 0.6, lambda: (pick(VALUES), pick(PLACES), pick(NUMBERS)))
            if any(self.specials)
            else [],
        )

    def case(self, genes: Genes) -> Case:
        """Make the case."""
        layout = self.palette[genes.layout]
        attributes = {**layout.attributes, **numeric(self.page, Chooser(genes.numbers))}
        reals = [slot for slot in layout.slots if slot.kind == "real"]
        others = [slot for slot in layout.slots if slot.kind != "real"]
        values = {slot.name: _fixed(slot, genes.seed) for slot in others}
        values.update(self.reals(reals, genes, attributes))
        results = tuple(result.name for result in self.page.results) or (OUTPUT,)
        step = Step(results, self.page.name, layout.operands, attributes)
        inputs, data = (tuple(slot.name for slot in slots) for slots in (reals, others))
        facts = dtype(str(attributes.get("dtype", self.facts.name)))
        return Case(
            subject=self.page.name,
            program=judged(self.page, Program(inputs, (step,), results, data)),
            values=values,
            cotangents=tuple(self.cotangent(genes, place, shape, facts) for place, shape in enumerate(layout.results)),
            dtype=self.facts.name,
            seed=genes.case_seed,
        )

    def cotangent(self, genes: Genes, place: int, shape: Shape, facts: Dtype) -> Array:
        """Make the cotangent of a result, in the dtype of the value."""
        if self.cotangents == "ones":
            return typed(np.ones(shape), shape, facts)
        return typed(cotangent(COTANGENTS[genes.cotangent], genes.seed, place, shape, facts), shape, facts)

    def reals(self, slots: list[Slot], genes: Genes, attributes: Mapping[str, AttributeValue]) -> dict[str, Array]:
        """Make the differentiated operands: their bulk, of which one at most is extreme, then the placements."""
        bulk, extreme = BULKS[genes.bulk], genes.seed % len(slots)
        wild = self.is_wild(genes)
        if bulk == "extreme" and not wild:
            bulk = "magnitudes"
        arrays: list[Array] = []
        sources: list[Source] = []
        for position, slot in enumerate(slots):
            source = self.source(slot, attributes)
            kind: Bulk = "short" if bulk == "extreme" and position != extreme else bulk
            arrays.append(source.bulk(kind, genes.seed, position, slot.size))
            sources.append(source)
        tables = [source.table if wild else source.moderate for source in sources]
        _place(arrays, tables, genes.placements)
        possible = self.specials[genes.layout]
        for which, place, number in genes.specials if possible else ():
            possible[which % len(possible)].place(arrays, place, number)
        for place, slot in enumerate(slots):
            if genes.case_seed % 2 == 0 and any(operand.regular for operand in slot.operands):
                arrays[place] = rounded(regular(arrays[place].reshape(slot.shape)).ravel(), self.facts)
            if any(operand.definite for operand in slot.operands):
                arrays[place] = rounded(definite(arrays[place].reshape(slot.shape)).ravel(), self.facts)
        return {slot.name: typed(array, slot.shape, self.facts) for slot, array in zip(slots, arrays, strict=True)}

    def is_wild(self, genes: Genes) -> bool:
        """Whether a case may have numbers at the ends of the dtype's range.

        Beside such a number an elementwise primitive has others that are judged; where elements are added up, it leaves
        nothing to say of any.
        """
        sums = WILD_MATRICES if self.page.level == "linalg" else WILD_SUMS
        one_of = WILD if self.page.shapes == "elementwise" else sums
        return genes.seed % one_of == one_of - 1

    def source(self, slot: Slot, attributes: Mapping[str, AttributeValue]) -> Source:
        """Return a variable's source, with the case's attributes at which it has a kink."""
        source = self.sources[_uses(slot)]
        bounds = [attributes.get(str(kink.where.other)) for kink in self.page.kinks] if attributes else []
        numbers = [float(bound) for bound in bounds if isinstance(bound, int | float)]
        return source.with_numbers(numbers) if numbers else source


def judged(page: Primitive, program: Program) -> Program:
    """Return a program whose outputs are what is judged of a primitive's results."""
    outputs = {result.name: f"judged_{result.name}" for result in page.results if result.judged}
    marks = tuple(Step((output,), "judged", (name,)) for name, output in outputs.items())
    formulas = {
        outputs[result.name]: parse_formula(result.judged, (result.name,), load_pages().keys())
        for result in page.results
        if result.judged
    }
    ended = replace(
        program,
        steps=(*program.steps, *marks),
        outputs=tuple(outputs.get(name, name) for name in program.outputs),
    )
    return inline(ended, lambda step: formulas[step.name] if step.primitive == "judged" else None)


def _fixed(slot: Slot, seed: int) -> Array:
    """Make a condition or indices; seed 0 makes alternating and counting ones."""
    numbers = np.arange(slot.size) if seed == 0 else generator(seed, SHARED).integers(0, 2**16, slot.size)
    if slot.kind == "boolean":
        return np.asarray(numbers % 2 == 0).reshape(slot.shape)
    if any(operand.distinct for operand in slot.operands):
        places = np.arange(slot.limit) if seed == 0 else generator(seed, SHARED).permutation(slot.limit)
        return places[: slot.size]
    return np.asarray(numbers % max(slot.limit, 1), dtype=np.int64).reshape(slot.shape)


def _uses(slot: Slot) -> tuple[str, ...]:
    return tuple(operand.name for operand in slot.operands)


def _place(arrays: list[Array], tables: list[Array], placements: list[tuple[int, int]]) -> None:
    """Write boundary values of the operands' tables at drawn places, counted through all operands."""
    total = sum(array.size for array in arrays)
    for place, value in placements if total else ():
        place %= total
        for array, table in zip(arrays, tables, strict=True):
            if place < array.size:
                array[place] = table[value % len(table)]
                break
            place -= array.size
