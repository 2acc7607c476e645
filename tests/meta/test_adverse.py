"""An engine that is as wrong as the law book lets it be is not blamed, and one that is a little worse is."""

from __future__ import annotations

import pytest
from adverse import adverse_target, of_formulas

from gradlaw_properties import Settings, Unit, examine
from gradlaw_spec import Address, Cell, Verdict, load_primitives

UNDECIDED = {"float64": 0.05, "float32": 0.08, "float16": 0.08, "bfloat16": 0.12}
"""The largest share of points at which the sets may be too wide to say anything."""
BY_THEORY = ("elimination", "factorisation")
"""Their sets are wide by theory, no part of the share: two bytes leave an ill-conditioned matrix no digits."""


def is_counted(cell: Cell) -> bool:
    page = load_primitives().get(Address.parse(cell.address).subject)
    return page is None or page.rounding not in BY_THEORY


@pytest.mark.parametrize(
    ("dtype", "flushes"), [("float64", False), ("float32", True), ("float16", False), ("bfloat16", True)]
)
def test_an_adverse_engine_lives(dtype: str, flushes: bool) -> None:
    """But for the laws that ask for more than the pages' formulas give."""
    target = adverse_target(1, flushes=flushes)
    chosen = Settings(examples=5, seed=1)
    cells = [cell for unit in of_formulas(target, dtype) for cell in examine(unit, target, chosen)]
    wrong = [f"{cell.address}: {cell.message}" for cell in cells if cell.verdict.is_bad]
    assert not wrong, "\n".join(wrong)
    counted = list(filter(is_counted, cells))
    points, undecided = sum(cell.points for cell in counted), sum(cell.inconclusive for cell in counted)
    assert undecided < UNDECIDED[dtype] * points, f"{undecided} of {points} points"


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", ["exp", "tanh", "log", "sinh"])
def test_an_engine_that_is_worse_than_its_pages_does_not(name: str, dtype: str) -> None:
    target = adverse_target(1, excess=6)
    cells = examine(Unit(name, dtype, ("value",)), target, Settings(examples=50, seed=1))
    assert [cell.verdict for cell in cells] == [Verdict.VIOLATION]
