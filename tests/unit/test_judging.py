"""Judging is honest: what is not decided is counted, what is wrong is told as it is, and what is declared counts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
from flint import arb
from hypothesis import strategies as st

from gradlaw_properties import Settings, Unit, examine, plan
from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import judge_case, replay, strategy
from gradlaw_properties.joint import judge_joint
from gradlaw_properties.judge import Outcome, combine, difference, equal, judge
from gradlaw_properties.laws import all_laws
from gradlaw_properties.reducing import reduce_case
from gradlaw_properties.strategies import primitive_cases
from gradlaw_properties.trial import Trial, UnsupportedCase
from gradlaw_reference import Tape
from gradlaw_reference.arithmetic.sets import ANYTHING
from gradlaw_spec import (
    PROGRAM,
    Array,
    Case,
    Cell,
    Finding,
    Severity,
    SpecError,
    Target,
    Verdict,
    Witness,
    load_primitives,
    parse_computation,
)
from gradlaw_spec.target import Walked

RIGHT: Final = reference_target()
NORMAL: Final = 2.0**-1022


def case(text: str, g: Any = 1.0, seed: int = 0, **values: Any) -> Case:
    program = parse_computation(text)
    given = {name: np.asarray(value, np.float64) for name, value in values.items()}
    subject = program.steps[0].primitive if len(program.steps) == 1 else PROGRAM
    cotangents = (np.asarray(g, np.float64),)
    return Case(subject=subject, program=program, values=given, cotangents=cotangents, dtype="float64", seed=seed)


def found(law: str, target: Target, given: Case) -> Outcome:
    return judge_case(all_laws()[law], Trial(target, given))


def pulling(gradients: Any, **more: Any) -> Target:
    """Return the reference with other gradients."""

    def pullback(program: Any, values: Mapping[str, Array], keep: Any = None) -> Any:
        outputs, pull = RIGHT.pullback(program, values, keep)
        return outputs, lambda cotangents: gradients(program, values, pull(cotangents))

    return replace(RIGHT, pullback=pullback, **more)


def objects(*balls: arb) -> Any:
    return np.array(balls, dtype=object)


# --- one array -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 64])
@pytest.mark.parametrize(("allowed", "undecided"), [(ANYTHING, True), (arb(1, 0.2), True), (arb(1, 0.01), False)])
def test_a_point_of_which_nothing_is_known_is_undecided(allowed: arb, undecided: bool, count: int) -> None:
    outcome = judge("x", np.ones(count), objects(*[allowed] * count), "float64")
    assert (outcome.points, outcome.inconclusive, outcome.problem) == (count, count * undecided, "")


def test_of_equal_problems_the_first_is_told() -> None:
    one, other = (judge("x", np.array([wrong]), objects(arb(1)), "float64") for wrong in (2.0, 3.0))
    assert combine((one, other)).problem == one.problem
    assert combine((other, one)).problem == other.problem
    assert combine((one, other)).outside == 2


def test_nan_agrees_with_nothing() -> None:
    known, nan = objects(arb(1, 0.1)), np.array([np.nan])
    assert difference("x", nan, known, objects(arb(1)), known, "float64").violated
    assert equal("x", nan, np.array([1.0]), "float64").violated
    assert equal("x", np.array([1.0]), nan, "float64").violated
    assert not equal("x", nan, nan, "float64").violated


def test_two_ways_of_which_nothing_is_known_are_undecided() -> None:
    known, unknown = objects(arb(1, 0.1)), objects(ANYTHING)
    outcome = difference("x", np.array([7.0]), known, objects(arb(1)), unknown, "float64")
    assert (outcome.points, outcome.inconclusive, outcome.problem) == (1, 1, "")


def test_another_sign_is_wrong_among_subnormal_numbers_too() -> None:
    outcome = judge("x", np.array([-0.9 * NORMAL]), objects(arb(0.9 * NORMAL)), "float64")
    assert outcome.severity is Severity.WRONG
    assert judge("x", np.array([0.1 * NORMAL]), objects(arb(0.9 * NORMAL)), "float64").severity is Severity.DIGITS


@pytest.mark.parametrize("text", ["maximum(x, y)", "max(z)"])
def test_who_flushes_is_not_judged_at_ties_of_subnormal_numbers(text: str) -> None:
    values = {"z": [5e-324, 5e-324]} if "z" in text else {"x": 5e-324, "y": 5e-324}
    given = case(text, 1.0, **values)
    assert judge_joint(Trial(RIGHT, given)).points == 1
    assert judge_joint(Trial(replace(RIGHT, flushes_subnormals=True), given)).points == 0


# --- a cell --------------------------------------------------------------------------------------------


def cell_of(target: Target, law: str, *cases: Case, settings: Settings | None = None) -> Cell:
    """Return the cell of a law on a few cases."""
    unit = Unit(cases[0].subject, "float64", (law,))
    (cell,) = examine(unit, target, settings or Settings(examples=20), cases=st.sampled_from(cases))
    return cell


def test_a_cell_of_which_nothing_was_judged_does_not_pass() -> None:
    undecided = [case("exp(x)", x=number) for number in (1000.0, 2000.0, 3000.0, 4000.0)]
    cell = cell_of(RIGHT, "gradient", *undecided)
    assert (cell.verdict, cell.inconclusive) == (Verdict.INCONCLUSIVE, cell.points)
    assert cell.points > 1
    assert replay(Witness(undecided[0], "gradient", ""), RIGHT).verdict is Verdict.INCONCLUSIVE
    assert cell_of(RIGHT, "range", case("exp(x)", x=1.0), case("exp(x)", x=2.0)).verdict is Verdict.INCONCLUSIVE


def exps(*numbers: float) -> Case:
    return case("exp(x)", np.ones(len(numbers)), x=list(numbers))


def test_a_cell_of_which_more_than_a_tenth_is_undecided_does_not_pass() -> None:
    few = cell_of(RIGHT, "gradient", exps(*[1.0] * 9, 1000.0))
    assert (few.verdict, few.message) == (Verdict.PASS, "")
    many = cell_of(RIGHT, "gradient", exps(*[1.0] * 8, 1000.0))
    assert many.verdict is Verdict.INCONCLUSIVE
    said = "more than a tenth of the points are undecided: most of their sets have no end (overflow, or a pole)"
    assert many.message == said
    wide = cell_of(RIGHT, "gradient", case("tanh(x)", np.ones(3), x=[1.0, 1.0, 20.0]))
    assert wide.message == "more than a tenth of the points are undecided: most of their sets are too wide"


def test_a_cell_that_says_nothing_of_one_operand_does_not_pass() -> None:
    overflows = case("x * y", np.full(30, 4.0), x=np.full(30, 1e308), y=1.0)
    cell = cell_of(RIGHT, "gradient", overflows)
    assert cell.inconclusive / cell.points == 1 / 31
    assert (cell.verdict, cell.message) == (Verdict.INCONCLUSIVE, "no set said anything of: gradient of y")
    smaller = case("x * y", np.full(30, 4.0), x=np.full(30, 1e3), y=1.0)
    assert cell_of(RIGHT, "gradient", overflows, smaller).verdict is Verdict.PASS


@pytest.mark.parametrize("text", ["maximum(x, y)", "relu(x)", "abs(x)", "max(z)", "hypot(x, y)"])
def test_a_kink_of_one_primitive_is_decided_and_one_inside_of_a_program_is_not(text: str) -> None:
    values = {"z": [0.0, 0.0]} if "z" in text else {"x": 0.0, "y": 0.0} if "y" in text else {"x": 0.0}
    outcome = found("gradient", RIGHT, case(text, 2.0, **values))
    assert (outcome.inconclusive, outcome.problem) == (0, "")
    assert found("gradient", RIGHT, case(f"{text} * 3", 2.0, **values)).inconclusive == len(outcome.arrays) * len(
        np.atleast_1d(next(iter(values.values())))
    )


def test_an_error_hides_no_wrong_number() -> None:
    def pullback(program: Any, values: Any, keep: Any = None) -> Any:
        outputs, pull = RIGHT.pullback(program, values, keep)
        if values["x"].ndim == 0:
            raise IndexError("too few axes")
        return outputs, lambda cotangents: tuple(2 * one for one in pull(cotangents))

    target = replace(RIGHT, pullback=pullback)
    alone, row = case("exp(x)", x=0.5), case("exp(x)", np.ones(2), x=[0.5, 1.0])
    cell = cell_of(target, "gradient", alone, row)
    assert cell.finding is not None
    assert cell.message.splitlines()[1] == (
        "Elsewhere: the value is computed, but differentiation raises IndexError: too few axes"
    )
    assert cell_of(target, "gradient", alone).message.endswith("IndexError: too few axes")


def test_one_refused_case_hides_no_other() -> None:
    def refuses(program: Any, values: Any) -> Any:
        if values["x"] > 1:
            raise NotImplementedError("too large")
        return RIGHT.run(program, values)

    def pullback(program: Any, values: Any, keep: Any = None) -> Any:
        refuses(program, values)
        return RIGHT.pullback(program, values, keep)

    small, large = case("exp(x)", x=0.5), case("exp(x)", x=2.0)
    target = replace(RIGHT, run=refuses, pullback=pullback)
    cell = cell_of(target, "gradient", small, large)
    assert (cell.verdict, cell.message) == (Verdict.PASS, "1 cases unsupported: NotImplementedError: too large")
    assert cell.refused == "NotImplementedError: too large"
    with pytest.raises(UnsupportedCase, match="too large"):
        found("gradient", target, large)


def test_an_error_is_as_good_as_nan_where_anything_is_admitted() -> None:
    def fails(program: Any, values: Any, gradients: Any) -> Any:
        raise ArithmeticError("no gradient here")

    assert found("gradient", pulling(fails), case("log(x)", [1.0, 1.0], x=[1.0, 2.0])).violated
    with pytest.raises(UnsupportedCase, match="where the law book admits anything"):
        found("gradient", pulling(fails), case("log(x)", [1.0, 1.0], x=[0.0, 2.0]))


def test_a_gradient_of_the_same_size_and_another_shape_is_told() -> None:
    turned = pulling(lambda program, values, gradients: tuple(one.reshape(-1, 1) for one in gradients))
    assert found("shape", turned, case("exp(x)", [[1.0, 1.0]], x=[[1.0, 2.0]])).violated


def test_what_a_target_declares_is_what_it_is_judged_by() -> None:
    def run(program: Any, values: Any) -> Any:
        return tuple(one * (1 + 10 * 2.0**-52) for one in RIGHT.run(program, values))

    wrong = replace(RIGHT, run=run)
    assert found("value", wrong, case("tanh(x)", x=0.5)).violated
    assert not found("value", replace(wrong, accuracies={"tanh": 30}), case("tanh(x)", x=0.5)).violated


def test_an_engine_that_starts_from_ones_gets_no_other_cotangent() -> None:
    ones = replace(RIGHT, cotangent="ones")
    assert found("gradient", ones, case("tanh(x)", 1.0, x=0.5)).points == 1
    with pytest.raises(UnsupportedCase, match="only start from ones"):
        found("gradient", ones, case("tanh(x)", 2.0, x=0.5))


def test_a_witness_is_shrunk_to_one_that_shows_as_much() -> None:
    """Off by an ulp where the operand has few digits, and by half elsewhere."""

    def wrong(program: Any, values: Any, gradients: Any) -> Any:
        short = np.all(np.asarray(values["x"]) * 4 == np.round(np.asarray(values["x"]) * 4))
        return tuple(one * (1 + 2.0**-50 if short else 0.5) for one in gradients)

    numbers = [0.5, 1.0, 0.123456789, 1.5, 2.0, 0.25]
    cell = cell_of(pulling(wrong), "gradient", *(case("tanh(x)", x=number) for number in numbers))
    assert cell.severity is Severity.WRONG
    assert cell.witness is not None
    assert cell.witness.case.values["x"] * 4 % 1


def test_a_witness_loses_digits_and_cotangents_that_show_nothing() -> None:
    given = case("tanh(x)", [3.7, -1.9], x=[0.123456789, -1.987654321])
    finding = Finding(what="x", index=(1,), got=0, low=0, high=0, width=0, distance=0)
    reduced = reduce_case(given, finding, lambda smaller: Outcome(1, problem="wrong"))
    assert reduced is not None
    assert reduced[0].values["x"].tolist() == -2.0
    assert reduced[0].cotangents[0].tolist() == 1.0


def test_a_cotangent_of_which_one_is_no_one_becomes_ones() -> None:
    given = case("cumulative_sum(x, axis=0)", [1.0, 3.0], x=[1.0, 2.0])
    reduced = reduce_case(given, None, lambda smaller: Outcome(1, problem="wrong"))
    assert reduced is not None
    assert reduced[0].cotangents[0].tolist() == [1.0, 1.0]


def test_a_tape_of_its_own_is_that_of_its_second_order_too() -> None:
    made: list[int] = []

    def tape() -> Tape:
        made.append(1)
        return Tape()

    target, given, one = reference_target(tape=tape), case("x * x", x=3.0), (np.asarray(1.0),)
    assert target.second_order is not None
    target.second_order(given.program, given.values, one, one)
    assert made


# --- what is asked -------------------------------------------------------------------------------------


def test_a_level_and_a_dtype_limit_a_plan() -> None:
    pages = load_primitives()
    assert {pages[unit.subject].level for unit in plan(RIGHT, level="nn") if unit.subject != PROGRAM} == {"nn"}
    assert {unit.dtype for unit in plan(RIGHT, dtype="float16")} == {"float16"}
    assert len({unit.dtype for unit in plan(RIGHT)}) == 4


def test_a_witness_in_a_dtype_that_its_law_does_not_judge_is_refused() -> None:
    with pytest.raises(SpecError, match="exhaustive"):
        replay(Witness(case("tanh(x)", x=0.5), "exhaustive", ""), RIGHT)


def drawn(settings: Settings) -> list[bytes]:
    """Return the numbers of the cases that settings draw, of the shapes of one run."""
    seen: list[bytes] = []
    cases = primitive_cases(load_primitives()["tanh"], "float64", seed=0)

    def watch(case: Case, law: str) -> None:
        seen.append(case.values["x"].tobytes())

    examine(Unit("tanh", "float64", ("shape",)), RIGHT, settings, watch, cases=cases)
    return seen


def test_a_seed_draws_its_own_cases() -> None:
    first = drawn(Settings(examples=5, seed=0))
    assert first == drawn(Settings(examples=5, seed=0))
    assert first != drawn(Settings(examples=5, seed=1))


def test_fuzzing_draws_other_cases_each_time() -> None:
    fuzzed = [drawn(Settings(examples=5, fuzz=True)) for _ in range(3)]
    assert fuzzed[0] != fuzzed[1] or fuzzed[1] != fuzzed[2]


@pytest.mark.parametrize(("subject", "maker"), [("tanh", "primitive_cases"), (PROGRAM, "program_cases")])
def test_a_seed_chooses_the_shapes_of_its_run(subject: str, maker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setattr(sys.modules[examine.__module__], maker, lambda *given, seed, **more: seeds.append(seed))
    strategy(Unit(subject, "float64", ("gradient",)), RIGHT, Settings(seed=7))
    assert seeds == [7]


# --- repeated walks ------------------------------------------------------------------------------------


def walking(adds: bool, declared: bool | None) -> Target:
    """Return the reference, whose gradients add up over several walks or are replaced, with what it declares."""

    def walks(program: Any, values: Any, starts: Any, *, anew: bool = False) -> Walked:
        _, pull = RIGHT.pullback(program, values)
        gradients: list[Any] = []
        for start in starts:
            one = pull(tuple(start))
            before = gradients[-1] if gradients and adds else tuple(map(np.zeros_like, one))
            gradients.append(tuple(a + b for a, b in zip(one, before, strict=True)))
        return Walked(tuple(gradients))

    return replace(RIGHT, walks=walks, accumulates=declared)


@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize("declared", [True, False, None])
def test_gradients_of_several_walks_are_what_was_declared(adds: bool, declared: bool | None) -> None:
    given = case("a = tanh(x)\na * a", [1.0, 2.0], x=[0.5, -1.0])
    assert found("replay", walking(adds, declared), given).violated == (declared not in (None, adds))


def test_a_second_walk_that_is_refused_is_told() -> None:
    def walks(program: Any, values: Any, starts: Any, *, anew: bool = False) -> Walked:
        return Walked((RIGHT.pullback(program, values)[1](tuple(starts[0])),), "ValueError: once only")

    outcome = found("replay", replace(RIGHT, walks=walks), case("tanh(x)", [1.0, 2.0], x=[0.5, -1.0]))
    assert (outcome.points, outcome.problem) == (1, "")
    assert "once only" in next(iter(outcome.notes))
