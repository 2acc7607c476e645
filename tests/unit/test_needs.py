"""What laws need is data: an engine that lacks it is unsupported there, a case that lacks it is no example."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import Settings, Unit, examine, judge_case
from gradlaw_properties.laws import all_laws
from gradlaw_properties.trial import Trial, UnsupportedCase
from gradlaw_spec import PROGRAM, Case, Program, Step, Verdict

FROM_ONES = ("chain", "linearity", "zero-cotangent", "zero-stops")
"""The laws that ask for cotangents of their own."""
NOT_OF_THE_REFERENCE = {"batching", "compiled"}
"""The reference has no compiler, and pulls back one case at a time."""


def only_ones() -> Any:
    return replace(reference_target("ones"), cotangent="ones")


def test_which_laws_need_any_cotangent() -> None:
    lacking = {
        name: [law for law, found in all_laws().items() if found.lacking(target)]
        for name, target in (("ones", only_ones()), ("whole", reference_target("whole")))
    }
    assert set(lacking["whole"]) == NOT_OF_THE_REFERENCE
    assert tuple(law for law in lacking["ones"] if law not in NOT_OF_THE_REFERENCE) == FROM_ONES


@pytest.mark.parametrize(("subject", "law"), [("tanh", "linearity"), ("sqrt", "zero-stops"), (PROGRAM, "chain")])
def test_an_engine_that_lacks_a_need_is_unsupported(subject: str, law: str) -> None:
    cells = examine(Unit(subject, "float64", (law, "gradient")), only_ones(), Settings(examples=5, seed=0))
    assert cells[0].verdict is Verdict.UNSUPPORTED
    assert cells[0].message == "ones has not what the law needs: cotangents other than ones"
    assert cells[0].examples == 0
    assert cells[1].verdict is Verdict.PASS


def case_of(operands: tuple[str, ...]) -> Case:
    program = Program(tuple(dict.fromkeys(operands)), (Step(("y",), "add", operands),), ("y",))
    values = {name: np.array([1.5, -2.0]) for name in program.inputs}
    cotangents = (np.array([1.0, 3.0]),)
    return Case(subject="add", program=program, values=values, cotangents=cotangents, dtype="float64", seed=0)


@pytest.mark.parametrize(("operands", "taken"), [(("x1", "x2"), True), (("x1", "x1"), False)])
def test_a_case_that_lacks_a_need_is_no_example(operands: tuple[str, ...], taken: bool) -> None:
    law, trial = all_laws()["add-distributes"], Trial(reference_target("whole"), case_of(operands))
    assert law.takes(trial) is taken
    assert bool(judge_case(law, trial).points) is taken


def test_a_law_that_cannot_run_says_so() -> None:
    with pytest.raises(UnsupportedCase, match="cotangents other than ones"):
        judge_case(all_laws()["linearity"], Trial(only_ones(), case_of(("x1", "x2"))))


@pytest.mark.parametrize(("size", "number", "taken"), [(0, 1, True), (0, 0, True), (2, 1, False), (2, 0, True)])
def test_a_law_that_takes_long_takes_each_empty_case_and_half_of_the_others(
    size: int, number: int, taken: bool
) -> None:
    whole = case_of(("x1", "x2"))
    values = {name: value[:size] for name, value in whole.values.items()}
    case = replace(whole, values=values, cotangents=(whole.cotangents[0][:size],), seed=number)
    assert all_laws()["second-order"].takes(Trial(reference_target("whole"), case)) is taken
