"""The law that tries every number of a dtype: what it tries, who asks for it, and what is left of what it finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradlaw_properties import Settings, Unit, examine
from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import plan
from gradlaw_properties.laws import all_laws
from gradlaw_properties.laws.exhaustive import cases, inputs
from gradlaw_properties.mutants import wrong_at_one_input
from gradlaw_spec import Verdict, dtype, load_primitives

FINITE = {"bfloat16": 65_280, "float16": 63_488}
"""All 2 ** 16 numbers but those whose exponent is the largest: two infinities, and the nans."""


@pytest.mark.parametrize("name", FINITE)
def test_every_finite_number_is_tried_once_in_order(name: str) -> None:
    tried = [case.values["x"] for case in cases(reference_target(), "tanh", name)]
    numbers = np.concatenate(tried)
    assert numbers.size == len({number.tobytes() for number in numbers}) == FINITE[name]
    assert (np.diff(numbers.astype(np.float64)) >= 0).all()


@pytest.mark.parametrize("name", FINITE)
def test_numbers_outside_the_domain_are_not(name: str) -> None:
    numbers = inputs(load_primitives()["log"], dtype(name)).astype(np.float64)
    assert numbers[0] == dtype(name).smallest_subnormal
    assert numbers.size == FINITE[name] // 2 - 1


def test_a_cast_is_tried_to_every_dtype() -> None:
    target = reference_target()
    assert {case.program.steps[0].attributes["dtype"] for case in cases(target, "astype", "bfloat16")} == set(
        target.dtypes
    )


def test_an_engine_of_scalars_gets_scalars_and_one_that_starts_from_ones_gets_ones() -> None:
    target = replace(reference_target(), scalar=True, cotangent="ones")
    case = next(iter(cases(target, "tanh", "float16")))
    assert (case.values["x"].shape, case.cotangents[0].shape, float(case.cotangents[0])) == ((), (), 1.0)


def planned(*addresses: str) -> set[str]:
    return {law for unit in plan(reference_target(), addresses) for law in unit.laws}


@pytest.mark.parametrize("address", ["*/exhaustive@bfloat16", "tanh/exhaustive", "tanh/exhaustive@f*"])
def test_an_address_asks_for_it_by_its_name(address: str) -> None:
    assert planned(address) == {"exhaustive"}


@pytest.mark.parametrize("address", ["", "tanh", "tanh/*", "*/exhaust*", "tanh@bfloat16"])
def test_nothing_else_asks_for_it(address: str) -> None:
    assert "exhaustive" not in planned(address)


@pytest.mark.parametrize("address", ["*/exhaustive@float32", "add/exhaustive", "program/exhaustive"])
def test_it_speaks_of_small_dtypes_and_single_operands(address: str) -> None:
    assert planned(address) == set()


def test_campaigns_are_in_the_whole_plan() -> None:
    whole = {law for unit in plan(reference_target(), campaigns=True) for law in unit.laws}
    assert whole == set(all_laws())


def test_the_right_engine_lives() -> None:
    (cell,) = examine(Unit("log", "bfloat16", ("exhaustive",)), reference_target(), Settings())
    assert (cell.verdict, cell.points) == (Verdict.PASS, 3 * (FINITE["bfloat16"] // 2 - 1))


def test_one_wrong_number_is_found_counted_and_shown_alone() -> None:
    (cell,) = examine(Unit("log", "bfloat16", ("exhaustive",)), wrong_at_one_input.build(), Settings())
    assert cell.verdict is Verdict.VIOLATION
    assert "(1 of " in cell.message
    assert cell.witness is not None
    assert cell.witness.case.values["x"].shape == ()
    assert float(cell.witness.case.values["x"]) == 1.2890625 * 2.0**-41


def test_no_sample_finds_it() -> None:
    laws = tuple(name for name, law in all_laws().items() if law.applies(load_primitives()["log"]))
    # The second derivative of the reference's own formula loses digits, at other numbers than that one.
    sampled = tuple(name for name in laws if not all_laws()[name].page.campaign and name != "second-accuracy")
    cells = examine(Unit("log", "bfloat16", sampled), wrong_at_one_input.build(), Settings())
    assert Verdict.VIOLATION not in {cell.verdict for cell in cells}


def _many_at_once(x: np.ndarray) -> np.ndarray:
    return -x if x.size > 8 else x


def test_what_shows_only_among_many_elements_is_shown_with_few() -> None:
    """Engines compute single numbers in another way than many at once."""
    right = reference_target()

    def pullback(program, values, keep=None):
        outputs, pull = right.pullback(program, values, keep)
        return outputs, lambda cotangents: tuple(map(_many_at_once, pull(cotangents)))

    (cell,) = examine(Unit("negative", "float16", ("exhaustive",)), replace(right, pullback=pullback), Settings())
    assert cell.witness is not None
    assert cell.witness.case.values["x"].shape == (16,)
