"""Layouts: which operands of which shapes, with which structural attributes. A run uses a small palette of
them, so that an engine that compiles for each shape compiles little."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import Final

import numpy as np

from gradlaw_properties.strategies.attributes import Shape, choices, numeric, structural
from gradlaw_properties.strategies.manners import has_windows, is_dull, manner_of, windows_of
from gradlaw_properties.strategies.picks import Chooser
from gradlaw_properties.strategies.values import Source
from gradlaw_reference import FLOAT64, apply_step, using
from gradlaw_spec import Array, AttributeValue, Operand, Primitive, SpecError, Step
from gradlaw_spec.primitive import OperandKind, ShapeRule

Draft = tuple[int, tuple[Shape, ...]]
"""How often, and the shapes of the operands."""
OUTPUT: Final = "y"
REFUSALS: Final = (ValueError, IndexError, ZeroDivisionError)
"""What NumPy raises at a step whose operands do not fit, or at the maximum of nothing."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One variable of a layout: name, the operands that it is used as, shape; an index stays below ``limit``."""

    name: str
    operands: tuple[Operand, ...]
    shape: Shape
    limit: int = 0

    @property
    def kind(self) -> OperandKind:
        """The kind of its operands; an element of a sequence is real."""
        return "real" if self.operands[0].kind == "sequence" else self.operands[0].kind

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layout:
    """The operands of a case in their order (a name may occur twice), their slots, attributes and the results."""

    operands: tuple[str, ...]
    slots: tuple[Slot, ...]
    attributes: Mapping[str, AttributeValue]
    results: tuple[Shape, ...]

    @property
    def output(self) -> Shape:
        """The shape of its one result."""
        (shape,) = self.results
        return shape

    @property
    def size(self) -> int:
        """How large the case is to a reader; empty arrays come last."""
        visible = sum(10 * slot.size + len(slot.shape) for slot in self.slots)
        return visible + 10**6 * any(slot.size == 0 for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Palette:
    """The shapes of a run, from its seed and shared by all primitives."""

    vector: int
    rows: int
    columns: int
    unit: Shape
    large: Shape
    empty: Shape
    deep: Shape

    @staticmethod
    def of(seed: int) -> Palette:
        """Choose the shapes of a run."""
        choose = Random(seed).choice
        rows, columns = choose(((2, 3), (3, 2), (3, 4), (2, 4)))
        return Palette(
            vector=choose((2, 3, 4, 5)),
            rows=rows,
            columns=columns,
            unit=choose(((1,), (1, 3), (4, 1), (1, 1))),
            large=choose(((6, 8), (5, 10), (3, 4, 4), (9, 5), (2, 6, 4))),
            empty=choose(((0,), (0, 3), (2, 0), (3, 0, 2))),
            deep=choose(((1, 2, 1, 2, 2), (2, 1, 2, 1, 3), (2, 2, 1, 3), (1, 3, 2, 1))),
        )

    @property
    def shapes(self) -> tuple[tuple[int, Shape], ...]:
        """Shapes for one operand, and how often."""
        return (
            (2, ()),
            (3, (self.vector,)),
            (2, self.unit),
            (2, (self.rows, self.columns)),
            (5, self.large),
            (1, self.empty),
            (1, self.deep),
        )


def _elementwise(palette: Palette, count: int, random: Random) -> Iterator[Draft]:
    """Shapes that broadcast: equal ones, and each stretched; rarer ones take turns from run to run."""
    vector, full = (palette.vector,), (palette.rows, palette.columns)
    yield 2, ((),) * count
    yield 3, (vector,) * count
    yield 5, (palette.large,) * count
    if count == 1:
        yield 2, (random.choice((palette.unit, palette.unit, palette.deep)),)
        yield 1, (palette.empty,)
        return
    stretched: list[tuple[Shape, Shape]] = [((), vector), (vector, ()), (full, full[1:]), ((1, palette.columns), full)]
    rare: list[tuple[Shape, Shape]] = [
        ((0, 3), (3,)),
        ((), (0,)),
        ((1,), (0,)),
        (palette.empty, palette.empty),
        (palette.deep, palette.deep),
    ]
    both: tuple[Shape, Shape] = ((palette.rows, 1), vector)
    first = random.randrange(2)
    # An engine may stretch one operand rightly and the other not: each is the stretched one in every run.
    pairs = ((3, both), (3, both[::-1]), (2, random.choice(stretched)), (1, random.choice(rare)))
    for weight, pair in pairs:
        yield weight, tuple(pair[(first + position) % 2] for position in range(count))
        first = first if pair is both else random.randrange(2)


def _one(palette: Palette) -> Iterator[Draft]:
    """One operand of any shape."""
    return ((weight, (shape,)) for weight, shape in palette.shapes)


def _several(palette: Palette) -> Iterator[Draft]:
    """One operand of any shape, which an attribute makes a case in several ways."""
    yield from _one(palette)
    yield 2, ((palette.rows, palette.columns),)
    yield 2, (palette.large,)
    yield 2, ((2, palette.rows, palette.columns),)


def _fitted(palette: Palette, page: Primitive, random: Random) -> Iterator[Draft]:
    """Shapes whose last axes agree as the page's signature says: batched, with axes missing, short, long and empty."""
    signature = page.signature
    names, optional = signature.lengths, signature.optional
    usual = dict(zip(names, itertools.cycle((palette.rows, palette.vector, palette.columns)), strict=False))

    def sized(**other: int) -> tuple[Shape, ...]:
        return signature.shapes({**usual, **other})

    yield 3, sized()
    for count in range(1, len(optional) + 1):
        for missing in itertools.combinations(optional, count):
            yield 2, signature.shapes({name: usual[name] for name in names if name not in missing})
    once = [name for name in names if sum(f"{one} ".count(name) for one in map(" ".join, signature.operands)) == 1]
    yield 2, sized(**dict.fromkeys(once or names[:1], 1))
    yield from _along_batches(sized(), random)
    long = (6, 8, 4) if any(len(one) > 1 for one in signature.operands) else (36, 5)
    yield 2, sized(**dict(zip(names, itertools.cycle(long), strict=False))) if names else _batched(sized(), ((12,), ()))
    yield 3, sized(**dict.fromkeys(names, 3))
    yield 1, sized(**{random.choice(names): 0}) if names else _batched(sized(), ((0,), ()))


def _along_batches(shapes: tuple[Shape, ...], random: Random) -> Iterator[Draft]:
    """Stretch the axes in front of the first operand's, and those of all others'; rarer ways take turns.

    One operand alone has two such axes, none of length one, which would hide which of them it is.
    """
    stretched, plain = ((2, 1), (3,)), ((2,), ())
    ways = random.choice((stretched, ((1,), (2, 1)))), random.choice((((), (2,)), ((2, 3), (2, 3))))
    if len(shapes) == 1:
        yield from ((2, _batched(shapes, batches)) for batches in (plain, ways[0], ((2, 3), ())))
        return
    rare = random.choice((plain, ways[0] if ways[0] is not stretched else plain, ways[1]))
    yield from ((2, _batched(shapes, batches)) for batches in (stretched, stretched[::-1], rare))


def _batched(shapes: tuple[Shape, ...], batches: Sequence[Shape]) -> tuple[Shape, ...]:
    """Put axes in front of the first operand's, and others in front of all others'."""
    return tuple((*(batches[min(position, 1)]), *shape) for position, shape in enumerate(shapes))


DULL: Final = 9
"""As how many layouts like it a dull one counts before there is any."""
CHOSEN: Final = frozenset(("index", "shift", "unit-axes", "count", "times", "repetitions", "margins"))
"""Kinds of attributes that make many cases of one shape."""


def _moved(palette: Palette, page: Primitive, random: Random) -> Iterator[Draft]:
    """One operand of any shape, a sequence of them, or one with indices."""
    kinds = {attribute.kind for attribute in page.attributes}
    if "subscripts" in kinds:
        return _contracted(palette)
    if page.operands[0].kind == "sequence":
        return _joined(palette, random) if "axis" in kinds else _stacked(palette, random)
    if any(operand.kind == "index" for operand in page.operands):
        several = len(page.differentiable) > 1
        return _updated(palette, random, page) if several else _indexed(palette, random)
    if "length" in kinds:
        return _cut(palette)
    drafts = _several(palette) if kinds & CHOSEN else _one(palette)
    return itertools.chain(drafts, [(3, ((palette.vector,),))] if "index" in kinds else [])


def _cut(palette: Palette) -> Iterator[Draft]:
    """One operand of any shape, in which several windows fit."""
    yield from _one(palette)
    yield 3, ((palette.vector + 3,),)
    yield 3, ((palette.rows + 2, palette.columns + 1),)
    yield 2, ((2, palette.rows + 1, palette.columns),)


def _windowed(page: Primitive) -> Iterator[Draft]:
    """A batch of channels with one or more axes, and where the page has them the windows' weights for each channel."""
    axes = len(page.signature.operands[0]) - 2

    def draft(
        batch: int, channels: int, made: int, lengths: tuple[int, ...], widths: tuple[int, ...]
    ) -> tuple[Shape, ...]:
        shapes = (batch, channels, *lengths[:axes]), (made, channels, *widths[:axes])
        return shapes[: len(page.operands)]

    yield 3, draft(1, 1, 1, (5, 3), (2, 3))
    yield 3, draft(2, 2, 2, (4, 3), (3, 2))
    yield 3, draft(1, 2, 2, (4, 2), (1, 2))
    yield 2, draft(1, 1, 2, (3, 5), (2, 3))
    yield 2, draft(2, 1, 1, (7, 1), (3, 1))
    yield 2, draft(1, 1, 1, (1, 1), (1, 1))
    yield 5, draft(2, 3, 2, (6, 4), (3, 2))
    yield 1, draft(0, 2, 1, (4, 3), (2, 2))


def _joined(palette: Palette, random: Random) -> Iterator[Draft]:
    """One to three arrays that differ along one axis; the axis is found by trying."""
    n, columns = palette.vector, palette.columns
    yield 3, ((n,), (1,))
    yield 1, ((n,),)
    yield 3, ((2, columns), (palette.rows + 1, columns), (1, columns))
    yield 2, ((3, 1), (3, n))
    yield 3, ((n,), (n,))
    yield 2, ((6, 7), (6, 3))
    yield 1, random.choice((((n,), (0,)), ((2, 0), (2, 3)), ((0,), (0,))))
    yield 1, ((1, 2, 1, 2), (1, 2, 3, 2))


def _contracted(palette: Palette) -> Iterator[Draft]:
    """One or two arrays, of which some axes have one length; which of them are meant to is found by trying."""
    n, rows, columns = palette.vector, palette.rows, palette.columns
    yield 1, ((), ())
    yield 2, ((n,), (n,))
    yield 1, ((n,), (columns,))
    yield 3, ((rows, n), (n, columns))
    yield 2, ((rows, columns), (rows, columns))
    yield 2, ((2, rows, columns), (2, columns, n))
    yield 2, ((rows, 1, columns), (rows, columns))
    yield from ((2, ((rows, columns),)), (1, ((columns, rows),)), (2, ((3, 3),)))
    yield 1, ((rows, 36), (36, 2))
    yield 1, ((rows, 0), (0, columns))


def _stacked(palette: Palette, random: Random) -> Iterator[Draft]:
    for weight, shape in palette.shapes:
        yield weight, (shape,) * random.choice((1, 2, 3))
    yield 3, ((palette.vector,),) * 2


def _indexed(palette: Palette, random: Random) -> Iterator[Draft]:
    """An array, and as many indices as elements or more, so that some repeat."""
    for weight, shape in palette.shapes:
        yield weight, (shape, (random.choice((1, 3, 4, 6)),))
    yield 3, ((palette.vector,), (palette.vector + 2,))
    yield 1, ((palette.rows, palette.columns), (0,))


def _updated(palette: Palette, random: Random, page: Primitive) -> Iterator[Draft]:
    """An array, indices, and updates along an axis that is found by trying."""
    distinct = any(operand.distinct for operand in page.operands)

    def draft(shape: Shape, along: int, count: int) -> tuple[Shape, ...]:
        count = min(count, shape[along]) if distinct else count
        return shape, (count,), (*shape[:along], count, *shape[along + 1 :])

    ends = itertools.cycle(random.choice(((0, -1), (-1, 0))))  # by chance alone, a run may have but one of the two
    for weight, shape in palette.shapes:
        if shape:
            along = next(ends) if len(shape) > 1 and min(shape) > 1 else random.randrange(len(shape))
            yield weight, draft(shape, along % len(shape), random.choice((1, 2, 3, 6)))
    yield 3, draft((palette.vector,), 0, palette.vector)
    yield 2, draft((palette.vector,), 0, palette.vector + 2)
    yield 1, draft((palette.rows, palette.columns), 0, 0)


def _aligned(palette: Palette) -> Iterator[Draft]:
    """An array, and indices of the same axes, of which one may be longer or shorter; that axis is found by trying."""
    for weight, shape in palette.shapes:
        yield weight, (shape, shape)
    yield 3, ((palette.vector,), (palette.vector + 2,))
    yield 2, ((palette.rows, palette.columns), (palette.rows, 1))
    yield 2, (palette.large, (2 * palette.large[0], *palette.large[1:]))
    yield 1, ((palette.rows, palette.columns), (0, palette.columns))


DRAFTS: Final[Mapping[ShapeRule, Callable[[Palette, Primitive, Random], Iterator[Draft]]]] = MappingProxyType(
    {
        "elementwise": lambda palette, page, random: _elementwise(palette, len(page.operands), random),
        "reduction": lambda palette, page, random: _several(palette),
        "along-axis": lambda palette, page, random: _several(palette),
        "signature": _fitted,
        "moved": _moved,
        "windows": lambda palette, page, random: _windowed(page),
        "aligned": lambda palette, page, random: _aligned(palette),
    }
)


def layouts(page: Primitive, dtypes: Sequence[str], *, scalar: bool, seed: int) -> tuple[Layout, ...]:
    """Return a primitive's palette for a run, each layout as often as it is to be drawn, the smallest first.

    ``scalar`` keeps what is 0-d throughout, ``dtypes`` are those that an attribute may name; raises SpecError where
    there is none.
    """
    random = Random(f"{page.name} {seed}")
    found: list[tuple[int, Layout]] = []
    manners = Counter[Hashable]()
    for weight, shapes in DRAFTS[page.shapes](Palette.of(seed), page, random):
        for names in _namings(page, shapes, twice=scalar or weight == 3):
            layout = _fitting(page, names, shapes, random, dtypes, manners)
            if layout is not None:
                manner = manner_of(page, layout.attributes, shapes[0])
                if has_windows(page) or (len(shapes[0]) > 1 and all(length > 1 for length in shapes[0])):
                    manners.update((manner, *manner))
                found.append((weight if len(set(names)) == len(names) else 2, layout))
    if scalar:
        found = [(w, item) for w, item in found if not any((*item.results, *(slot.shape for slot in item.slots)))]
    if not found:
        cure = "Leave it out of the target's primitives."
        raise SpecError(f"primitive {page.name}", "no layout", "operands and a value that are 0-d", cure)
    found.sort(key=lambda pair: pair[1].size)
    found += _counted_otherwise(page, tuple(found))
    found.sort(key=lambda pair: pair[1].size)
    return tuple(layout for weight, layout in found for _ in range(weight))


def _namings(page: Primitive, shapes: tuple[Shape, ...], *, twice: bool) -> Iterator[tuple[str, ...]]:
    """Name the operands; where that is wanted and they have one shape, use the first at every place too."""
    sequence = page.operands[0].kind == "sequence"
    names = tuple(f"x{i + 1}" for i in range(len(shapes))) if sequence else tuple(o.name for o in page.operands)
    yield names
    real = [i for i in range(len(shapes)) if sequence or page.operands[i].kind == "real"]
    if twice and len(real) > 1 and all(shapes[i] == shapes[real[0]] for i in real):
        yield tuple(names[real[0]] if i in real else name for i, name in enumerate(names))


def _drawn(page: Primitive, shape: Shape, random: Random, dtypes: Sequence[str]) -> Iterator[dict[str, AttributeValue]]:
    labelled = any(attribute.kind == "subscripts" for attribute in page.attributes)
    updated = len(page.differentiable) > 1 and any(operand.kind == "index" for operand in page.operands)
    for _ in range(40 if labelled or updated or has_windows(page) else 8):  # of these, few attributes fit all operands
        with suppress(*REFUSALS):
            yield structural(page, shape, Chooser(random.randrange(1, 2**32)), dtypes)


def _candidates(
    page: Primitive, shape: Shape, random: Random, dtypes: Sequence[str], manners: Mapping[Hashable, int]
) -> Iterator[dict[str, AttributeValue]]:
    """Yield attributes to try, those first that go along axes as the fewest layouts before do.

    Few layouts are drawn in a run: chance alone would leave out, say, the sum along one axis of a matrix.
    """
    drawn = _drawn(page, shape, random, dtypes)
    if not (has_windows(page) or (len(shape) > 1 and manner_of(page, {}, shape))):
        yield from drawn
        return

    def used(attributes: Mapping[str, AttributeValue]) -> tuple[int, int, int]:
        manner, windows = manner_of(page, attributes, shape), windows_of(page, attributes, shape)
        standing = sum(manners[part] for part in windows) + DULL * is_dull(windows)
        return standing, manners[manner], sum(manners[part] for part in manner)

    yield from sorted(drawn, key=used)


def _fitting(
    page: Primitive,
    names: tuple[str, ...],
    shapes: tuple[Shape, ...],
    random: Random,
    dtypes: Sequence[str],
    manners: Mapping[Hashable, int],
) -> Layout | None:
    """Add attributes at which the step has a finite value; None where none are found."""
    sequence = page.operands[0].kind == "sequence"
    entries = page.operands * len(shapes) if sequence else page.operands
    for attributes in _candidates(page, shapes[0], random, dtypes, manners):
        try:
            slots = tuple(
                Slot(
                    name,
                    tuple(entry for entry, used in zip(entries, names, strict=True) if used == name),
                    shapes[names.index(name)],
                    _limit(page, entries[names.index(name)], shapes[0], attributes),
                )
                for name in dict.fromkeys(names)
            )
            numbers = numeric(page, Chooser(0))
            tried = [probe(page, names, slots, {**attributes, **numbers, **one}) for one in choices(page)]
        except REFUSALS:
            continue
        if all(tried):
            return Layout(names, slots, attributes, tried[0])
    return None


def _counted_otherwise(page: Primitive, found: Sequence[tuple[int, Layout]]) -> Iterator[tuple[int, Layout]]:
    """Yield the two largest layouts that name single axes, with these counted from the other end.

    A run has few layouts. By chance, the axes below 0 may be those that a mistake in counting them does not hurt.
    """
    others = ((weight, layout, _other_count(page, layout)) for weight, layout in reversed(found) if layout.size < 10**6)
    changed = ((weight, replace(layout, attributes=other)) for weight, layout, other in others if other)
    return itertools.islice(changed, 2)


def _other_count(page: Primitive, layout: Layout) -> dict[str, AttributeValue]:
    """Return a layout's attributes with its single axes counted from the other end; empty where it names none."""
    first = next(slot for slot in layout.slots if slot.name == layout.operands[0])
    kinds = {item.name: item.kind for item in page.attributes if item.kind in ("axis", "optional-axes", "new-axis")}
    found: dict[str, AttributeValue] = {}
    for name, kind in kinds.items():
        axis, ndim = layout.attributes[name], len(first.shape) + (kind == "new-axis")
        if isinstance(axis, int):
            found[name] = axis - ndim if axis >= 0 else axis + ndim
    return {**layout.attributes, **found} if found else {}


def _limit(page: Primitive, operand: Operand, shape: Shape, attributes: Mapping[str, AttributeValue]) -> int:
    """Return how many places an index chooses from: the length of the axis that it goes along."""
    along = next((attribute.name for attribute in page.attributes if attribute.kind == "axis"), "")
    return shape[int(attributes[along])] if operand.kind == "index" else 0  # type: ignore[arg-type]


def probe(
    page: Primitive, names: tuple[str, ...], slots: tuple[Slot, ...], attributes: Mapping[str, AttributeValue]
) -> tuple[Shape, ...]:
    """Return the shapes of a step's results at simple operands; none where one is not finite (a mean of nothing)."""
    results = tuple(result.name for result in page.results) or (OUTPUT,)
    with using(FLOAT64):
        values = [value.data for value in apply_step(Step(results, page.name, names, attributes), probed(page, slots))]
    finite = all(np.isfinite(value.astype(np.float64)).all() for value in values)
    return tuple(value.shape for value in values) if finite else ()


def probed(page: Primitive, slots: tuple[Slot, ...]) -> dict[str, Array]:
    """Return simple operands of a step, inside of their domains."""
    values: dict[str, Array] = {}
    for slot in slots:
        if slot.kind == "real":
            values[slot.name] = np.resize(Source.of(page, slot.operands, FLOAT64.dtype).fallback, slot.shape)
            if any(operand.regular for operand in slot.operands):
                values[slot.name] = values[slot.name] + 2 * max(slot.shape) ** 2 * np.eye(
                    slot.shape[-2], slot.shape[-1]
                )
        else:
            values[slot.name] = np.zeros(slot.shape, np.bool_ if slot.kind == "boolean" else np.int64)
    return values
