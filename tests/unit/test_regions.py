"""Regions: where only some operand has a derivative, each operand's gradient has a domain of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
from flint import arb
from hypothesis import find, settings

from gradlaw_properties import Settings, Unit, examine
from gradlaw_properties.engines import reference_target
from gradlaw_properties.judge import judge
from gradlaw_properties.strategies import primitive_cases
from gradlaw_properties.strategies.layouts import layouts
from gradlaw_properties.strategies.specials import specials
from gradlaw_reference import Ball, certify, run, using
from gradlaw_spec import DTYPES, Case, Primitive, Program, Region, Step, Target, Values, load_primitives

PAGES: Final = load_primitives()
REGIONS: Final = [(name, number) for name, page in PAGES.items() for number in range(len(page.regions))]
STEP: Final = arb(2) ** -200


def program(page: Primitive) -> Program:
    names = tuple(operand.name for operand in page.operands)
    return Program(names, (Step(("y",), page.name, names),), ("y",))


def at(name: str, *numbers: float, dtype: str = "float64") -> list[arb]:
    """Return the sets of the operands' gradients at a point, for the cotangent 1."""
    page = PAGES[name]
    values = {item.name: np.asarray(x, DTYPES[dtype].numpy) for item, x in zip(page.operands, numbers, strict=True)}
    return [found.item() for found in certify(program(page), values, dtype=dtype).gradients((np.ones(()),))]


def points(page: Primitive, region: Region) -> list[tuple[float, ...]]:
    """Return some points of a region, as they are drawn, of moderate size."""
    layout = next(item for item in layouts(page, tuple(DTYPES), scalar=True, seed=0) if len(item.slots) > 1)
    tables = specials(page, layout, DTYPES["float64"])[page.regions.index(region)].tables
    moderate = [[x for x in table.tolist() if x == 0 or 2.0**-8 < abs(x) < 2.0**8] for table in tables]
    return [
        tuple(chosen[number % len(chosen)] for chosen, number in zip(moderate, numbers, strict=True))
        for numbers in ((0, 0), (1, 1), (2, 3), (3, 1), (4, 5), (5, 2))
    ]


@pytest.mark.parametrize(("name", "number"), REGIONS)
def test_a_region_says_whose_gradient_is_finite(name: str, number: int) -> None:
    """The reference's sets are bounded for those that the page names, and unbounded for the others."""
    page = PAGES[name]
    region = page.regions[number]
    assert set(region.where) == {operand.name for operand in page.operands}
    for point in points(page, region):
        for operand, found in zip(page.operands, at(name, *point), strict=True):
            assert found.is_finite() == (operand.name in region.gradients), (point, operand.name)
            values = {item.name: np.asarray(x) for item, x in zip(page.operands, point, strict=True)}
            assert page.claims(operand.name, values) == (operand.name in region.gradients)


@pytest.mark.parametrize(("name", "number"), REGIONS)
def test_one_sided_slopes_are_the_gradients_of_a_region(name: str, number: int) -> None:
    """The mean value law along one operand, from the point inwards, at 400 bits; a slope on one side is enough."""
    page, found = PAGES[name], 0
    region = page.regions[number]
    exact = Ball(precision=400)
    for point in points(page, region):
        for place, operand in enumerate(page.operands):
            if operand.name not in region.gradients:
                continue
            given = {item.name: np.asarray(arb(x), object) for item, x in zip(page.operands, point, strict=True)}
            slopes = []
            with using(exact):
                before = run(program(page), given)["y"].data.item()
                for side in (STEP, -STEP):
                    moved = {**given, operand.name: np.asarray(arb(point[place]) + side, object)}
                    after = run(program(page), moved)["y"].data.item()
                    slopes.append((after - before) / side)
            slope = certify(program(page), given, dtype=None, precision=400).gradients((np.ones(()),))[place].item()
            near = slope + arb(0, 2.0**-90)
            bounded = [one for one in slopes if one.is_finite()]
            found += len(bounded)
            assert any(near.overlaps(one) for one in bounded), (point, operand.name)
    assert found >= 4


def claimed(name: str, got: float, place: int, *numbers: float, dtype: str = "float64") -> bool:
    """Whether a number may be the gradient of the operand at a place."""
    allowed = at(name, *numbers, dtype=dtype)[place]
    return judge("it", np.asarray(got, DTYPES[dtype].numpy), np.asarray(allowed, object), dtype).problem == ""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "point", "place", "right"),
    [
        ("xlogy", (0.0, 0.0), 1, 0.0),
        ("xlogy", (0.0, -3.0), 1, 0.0),
        ("pow", (0.0, 0.0), 0, 0.0),
        ("pow", (0.0, 1.0), 0, 1.0),
        ("pow", (0.0, 2.0), 0, 0.0),
        ("pow", (0.0, 0.5), 1, 0.0),
        ("pow", (-2.0, 3.0), 0, 12.0),
        ("pow", (-2.0, 0.0), 0, 0.0),
        ("atan2", (0.0, 2.0), 0, 0.5),
        ("atan2", (0.0, -2.0), 0, -0.5),
        ("atan2", (0.0, -2.0), 1, 0.0),
    ],
)
def test_the_right_gradient_is_inside_and_its_neighbour_is_not(
    name: str, point: tuple[float, float], place: int, right: float, dtype: str
) -> None:
    away = 64 * DTYPES[dtype].unit_roundoff if right else 1e3 * DTYPES[dtype].smallest_subnormal
    assert claimed(name, right, place, *point, dtype=dtype)
    assert not claimed(name, right + away * max(1, abs(right)), place, *point, dtype=dtype)
    assert not claimed(name, np.nan, place, *point, dtype=dtype)


@pytest.mark.parametrize(
    ("name", "point", "place"),
    [("xlogy", (0.0, 0.0), 0), ("xlogy", (1.0, 0.0), 0), ("xlogy", (1.0, 0.0), 1), ("pow", (0.0, 0.5), 0)],
)
def test_nothing_is_claimed_of_a_gradient_that_is_infinite(name: str, point: tuple[float, float], place: int) -> None:
    assert all(claimed(name, got, place, *point) for got in (np.nan, np.inf, 0.0, 1.0))


@pytest.mark.parametrize(("name", "number"), REGIONS)
def test_regions_are_drawn_often_and_shrink(name: str, number: int) -> None:
    page = PAGES[name]
    region = page.regions[number]

    def met(case: Case) -> bool:
        values = [case.values[str(item)].astype(np.float64) for item in case.program.steps[0].operands]
        if len({value.shape for value in values}) > 1 or len(case.program.inputs) < 2:
            return False
        chosen = [region.where[item.name].contains(x) for item, x in zip(page.operands, values, strict=True)]
        return bool(np.logical_and.reduce(chosen).any())

    quiet = settings(max_examples=200, database=None, deadline=None)
    case = find(primitive_cases(page, "float64"), met, settings=quiet)
    assert max(value.size for value in case.values.values()) == 1


def test_values_are_read_and_written() -> None:
    for text in ("0", "integers", "[0, inf)", "(-inf, 0)"):
        assert str(Values.read(text)) == text
    assert Values.read("integers").contains(np.array([1.0, 1.5, -3.0])).tolist() == [True, False, True]
    assert Values.read("2").contains(np.array([2.0, 2.5])).tolist() == [True, False]
    with pytest.raises(ValueError, match="a number, an interval"):
        Values.read("some")


def nan_for(place: int) -> Target:
    """Return the reference with nan for the gradient of one operand where that is exactly 0."""
    right = reference_target()

    def pullback(program: Program, values: Any, keep: Any = None) -> Any:
        outputs, pull = right.pullback(program, values, keep)

        def pulled(cotangents: Any) -> Any:
            found = list(pull(cotangents))
            if len(found) > place:
                found[place] = np.where(found[place] == 0, np.nan, found[place]).astype(found[place].dtype)
            return tuple(found)

        return outputs, pulled

    return replace(right, pullback=pullback)


@pytest.mark.parametrize(("name", "place"), [("xlogy", 1), ("pow", 0), ("pow", 1)])
def test_a_nan_beside_an_operand_without_gradient_is_told(name: str, place: int) -> None:
    """The other operand's gradient is unbounded at the point, or right: neither hides this one."""
    (cell,) = examine(Unit(name, "float64", ("gradient",)), nan_for(place), Settings(examples=30))
    assert str(cell.verdict.value) == "violation"
