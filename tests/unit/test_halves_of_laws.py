"""Laws of several halves: an engine that is wrong in one of them alone is found, and a right one is not blamed.

Each wrong engine is the reference, with one thing that it gives changed on the way out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest

from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import judge_case
from gradlaw_properties.judge import Outcome
from gradlaw_properties.laws import all_laws
from gradlaw_properties.laws.common import asked
from gradlaw_properties.trial import Trial
from gradlaw_spec import DTYPES, PROGRAM, Array, Case, Program, Target, parse_computation

RIGHT: Final = reference_target()
Arrays = tuple[Array, ...]
Change = Callable[[Program, Mapping[str, Array], Arrays, Arrays], Arrays]
"""What a wrong engine makes of a program, its values, the cotangents and the right gradients."""


def case(text: str, g: Any = 1.0, dtype: str = "float64", **values: Any) -> Case:
    program = parse_computation(text)
    numpy = DTYPES[dtype].numpy
    given = {name: np.asarray(value) for name, value in values.items()}
    typed = {name: one.astype(numpy) if one.dtype.kind == "f" else one for name, one in given.items()}
    subject = program.steps[0].primitive if len(program.steps) == 1 else PROGRAM
    return Case(subject=subject, program=program, values=typed, cotangents=(np.asarray(g, numpy),), dtype=dtype, seed=0)


def engine(
    gradients: Change | None = None,
    outputs: Callable[[Arrays], Arrays] | None = None,
    plain: Callable[[Arrays], Arrays] | None = None,
    **more: Any,
) -> Target:
    """Return the reference with other gradients, other values under differentiation, or other plain values."""

    def pullback(program: Program, values: Any, keep: Any = None) -> Any:
        found, pull = RIGHT.pullback(program, values, keep)

        def pulled(cotangents: Arrays) -> Any:
            right = pull(cotangents)
            return right if gradients is None else gradients(program, values, cotangents, right)  # type: ignore[arg-type]

        return found if outputs is None else outputs(found), pulled

    def run(program: Program, values: Any) -> Any:
        return RIGHT.run(program, values) if plain is None else plain(RIGHT.run(program, values))

    return replace(RIGHT, run=run, pullback=pullback, **more)


def outcome(law: str, target: Target, given: Case) -> Outcome:
    return judge_case(all_laws()[law], Trial(target, given))


def finds(law: str, wrong: Target, given: Case, right: Target = RIGHT) -> bool:
    """Whether a law blames a wrong engine, and judges a right one that it does not blame."""
    fair = outcome(law, right, given)
    assert (fair.problem, fair.points > 0) == ("", True)
    return outcome(law, wrong, given).violated


def of_input(place: int, factor: float = 2.0) -> Change:
    """Return what scales the gradient of one input."""
    return lambda program, values, g, right: tuple(
        one * factor if position == place else one for position, one in enumerate(right)
    )


def off(outputs: Arrays) -> Arrays:
    return tuple(one + np.ones_like(one) for one in outputs)


TANH: Final = case("tanh(x)", [1.0, -2.0], x=[0.5, -1.0])
TWO: Final = {"x": [1.5, -2.0], "y": [3.0, 0.5]}
SHARED: Final = "a = tanh(x)\na * x"
TWICE: Final = "a = tanh(x)\na * a"


@pytest.mark.parametrize("wrong", [engine(outputs=off), engine(plain=off)], ids=["differentiated", "plain"])
@pytest.mark.parametrize("law", ["value", "exhaustive"])
def test_both_values_are_judged(law: str, wrong: Target) -> None:
    assert finds(law, wrong, case("tanh(x)", [1.0, -2.0], "float16", x=[0.5, -1.0]))


def test_exhaustive_judges_gradients_too() -> None:
    assert finds("exhaustive", engine(of_input(0)), case("tanh(x)", [1.0, -2.0], "float16", x=[0.5, -1.0]))


@pytest.mark.parametrize(
    ("law", "text"), [("add-distributes", "x + y"), ("multiply-swaps", "x * y"), ("matrix-shapes", "x @ y")]
)
@pytest.mark.parametrize("place", [0, 1])
def test_each_operand_is_judged(law: str, text: str, place: int) -> None:
    given = case(text, 3.0 if "@" in text else [1.0, 3.0], **TWO)
    assert finds(law, engine(of_input(place)), given)


@pytest.mark.parametrize("place", [0, 1])
def test_elements_of_two_operands_are_told_apart(place: int) -> None:
    given = case("concat([x, y], axis=0)", [1.0, 2.0, 3.0, 4.0], **TWO)
    assert finds("moves-invert", engine(of_input(place)), given)


@pytest.mark.parametrize("factor", [2.0**-52 * 6, -(2.0**-52) * 6])
def test_accuracy_allows_k_and_two_units(factor: float) -> None:
    """exp has k = 3, its operand and cotangent are rounded: twelve units are too many, two are not."""
    given = case("exp(x)", 1.0, x=0.5)
    assert finds("accuracy", engine(of_input(0, 1 + factor)), given)
    assert not outcome("accuracy", engine(of_input(0, 1 + factor / 6)), given).violated


def test_accuracy_lets_who_flushes_take_a_subnormal_cotangent_for_zero() -> None:
    given = case("log(x)", 1e-310, x=1e-300)
    assert finds("accuracy", engine(of_input(0, 0.0)), given)
    assert not outcome("accuracy", engine(of_input(0, 0.0), flushes_subnormals=True), given).violated


def batched(first_only: bool) -> Any:
    """Return what pulls back a batch, case by case; a wrong one takes the values of the first for all."""

    def pull(program: Program, values: Any, cotangents: Arrays) -> Any:
        found = []
        for place in range(len(cotangents[0])):
            chosen = 0 if first_only else place
            one = {**values, **{name: values[name][chosen] for name in program.inputs}}
            found.append(RIGHT.pullback(program, one)[1](tuple(g[place] for g in cotangents)))
        return tuple(map(np.stack, zip(*found, strict=True)))

    return pull


def test_a_batch_has_other_values_too() -> None:
    wrong, right = (replace(RIGHT, batched=batched(first_only)) for first_only in (True, False))
    assert finds("batching", wrong, TANH, right)


def halved_where_shared(program: Program, values: Any, g: Arrays, right: Arrays) -> Arrays:
    return tuple(one / 2 for one in right) if len(program.inputs) == 1 else right


def moved_from_one_to_the_other(program: Program, values: Any, g: Arrays, right: Arrays) -> Arrays:
    return (right[0] + 1, right[1] - 1) if len(right) == 2 else right


def test_one_value_at_both_operands_is_tried() -> None:
    assert finds("branches-sum", engine(halved_where_shared), case("x * y", [1.0, 2.0], **TWO))


def test_a_sum_over_branches_is_compared_and_each_branch_is_judged() -> None:
    given = case("x * x", [1.0, 2.0], x=[1.5, -2.0])
    assert finds("branches-sum", engine(halved_where_shared), given)
    assert finds("branches-sum", engine(moved_from_one_to_the_other), given)


def test_the_compiler_s_values_and_gradients_are_judged() -> None:
    right = replace(RIGHT, compiled=RIGHT.pullback)
    for wrong in (engine(outputs=off), engine(of_input(0))):
        assert finds("compiled", replace(RIGHT, compiled=wrong.pullback), TANH, right)


def test_what_changes_from_call_to_call_is_seen() -> None:
    calls: list[int] = []

    def drifting(found: Arrays) -> Arrays:
        calls.append(1)
        return tuple(one * (1 + len(calls) * 2.0**-52) for one in found)

    def wandering(program: Program, values: Any, g: Arrays, right: Arrays) -> Arrays:
        return drifting(right)

    assert finds("determinism", engine(outputs=drifting), TANH)
    assert finds("determinism", engine(wandering), TANH)


def test_inputs_beside_an_unused_one_are_compared() -> None:
    def beside(program: Program, values: Any, g: Arrays, right: Arrays) -> Arrays:
        return (right[0] * 2, *right[1:]) if len(program.inputs) > 1 else right

    def given_something(program: Program, values: Any, g: Arrays, right: Arrays) -> Arrays:
        return (right[0], *(one + 1 for one in right[1:]))

    assert finds("disconnected", engine(beside), TANH)
    assert finds("disconnected", engine(given_something), TANH)


def test_a_value_has_the_dtype_of_its_own_step() -> None:
    given = case("astype(x, dtype='float64')", 1.0, "float32", x=0.5)
    given = replace(given, cotangents=(np.asarray(1.0),))
    assert finds("dtype", engine(outputs=lambda found: tuple(one.astype(np.float32) for one in found)), given)


def test_powers_of_two_are_exact_and_sums_of_cotangents_are_judged() -> None:
    def off_elsewhere(program: Program, values: Any, g: Arrays, right: Arrays) -> Arrays:
        known = np.array_equal(g[0], TANH.cotangents[0])
        return right if known else tuple(one * (1 + 2.0**-52) for one in right)

    def of_sizes(program: Program, values: Any, g: Arrays, right: Arrays) -> Arrays:
        return tuple(np.abs(one) for one in right)

    seeded = [replace(TANH, seed=seed) for seed in range(6)]  # some powers of two are too large for these numbers
    assert any(finds("linearity", engine(off_elsewhere), given) for given in seeded)
    assert any(finds("linearity", engine(of_sizes), given) for given in seeded)


def test_what_backward_writes_into_is_seen() -> None:
    def overwriting(kind: str) -> Target:
        def pullback(program: Program, values: Any, keep: Any = None) -> Any:
            found, pull = RIGHT.pullback(program, values, keep)

            def pulled(cotangents: Arrays) -> Any:
                right = pull(cotangents)
                written = {"primal": [values["x"]], "cotangent": cotangents, "value": found}[kind]
                written[0][...] = 7.0
                return right

            return found, pulled

        return replace(RIGHT, pullback=pullback)

    for kind in ("primal", "cotangent", "value"):
        assert finds("purity", overwriting(kind), TANH), kind


@pytest.mark.parametrize("while_kept", [True, False])
def test_a_gradient_that_is_there_only_with_or_without_intermediates_is_seen(while_kept: bool) -> None:
    def pullback(program: Program, values: Any, keep: Any = None) -> Any:
        found, pull = RIGHT.pullback(program, values, keep)
        return found, pull if (keep is not None) == while_kept else lambda cotangents: (None,) * len(program.inputs)

    assert finds("liveness", replace(RIGHT, pullback=pullback), TANH)


def test_an_engine_that_has_no_gradient_either_way_is_not_blamed_by_liveness() -> None:
    without = replace(
        RIGHT, pullback=lambda program, values, keep=None: (RIGHT.run(program, values), lambda g: (None,))
    )
    assert not outcome("liveness", without, TANH).violated


def test_limits_of_values_and_slopes() -> None:
    given = case("tanh(x)", [1.0, 2.0], x=[np.inf, -np.inf])
    nan: Change = lambda program, values, g, right: tuple(one * np.nan for one in right)  # noqa: E731
    assert finds("limits", engine(outputs=off), given)
    assert finds("limits", engine(plain=off), given)
    assert finds("limits", engine(nan), given)


@pytest.mark.parametrize("share", [-0.5, 1.5, np.nan])
@pytest.mark.parametrize("g", [1.0, -2.0])
def test_at_a_kink_a_gradient_is_between_both_ends(share: float, g: float) -> None:
    given = case("relu(x)", g, x=0.0)
    wrong: Change = lambda program, values, cotangents, right: (np.asarray(share * g),)  # noqa: E731
    assert finds("kinks", engine(wrong), given)


def test_shares_of_a_maximum_have_the_sign_of_the_cotangent_and_add_up() -> None:
    given = case("max(x)", 2.0, x=[3.0, 3.0, 3.0])
    for shares in ([2.0, 2.0, -2.0], [1.0, 0.5, 0.0], [2.0, 2.0, 0.0]):
        assert finds("max-routes", engine(lambda *_, shares=shares: (np.asarray(shares),)), given)


def test_a_maximum_of_one_value_with_itself_is_tried() -> None:
    given = case("maximum(x, y)", [1.0, 2.0], **TWO)
    twice: Change = lambda program, values, g, right: right if len(right) > 1 else (right[0] * 2,)  # noqa: E731
    assert finds("max-routes", engine(twice), given)


@pytest.mark.parametrize(("law", "text"), [("order-free", SHARED), ("staging", TWICE)])
def test_another_order_is_compared_and_judged(law: str, text: str) -> None:
    given = case(text, [1.0, 2.0], x=[0.5, -1.0])
    as_given: Change = lambda program, values, g, right: (  # noqa: E731
        tuple(one * 2 for one in right) if program == given.program else right
    )
    assert finds(law, engine(as_given), given)
    assert finds(law, engine(of_input(0)), given), "the same error both ways"


@pytest.mark.parametrize(("text", "factor"), [("sum(x)", 1.0), ("mean(x)", 0.5)])
def test_a_sum_is_no_mean(text: str, factor: float) -> None:
    other: Change = lambda *_: (np.full(2, 3.0 * (1.5 - factor)),)  # noqa: E731
    assert finds("sum-broadcasts", engine(other), case(text, 3.0, x=[1.0, 2.0]))


def test_what_is_not_selected_may_be_nan() -> None:
    given = case("where(c, x, y)", [1.0, 3.0], c=np.array([True, False]), **TWO)

    def masked(program: Program, values: Any, g: Arrays, right: Arrays) -> Arrays:
        with np.errstate(invalid="ignore"):
            return tuple(one + 0 * values[name] for one, name in zip(right, program.inputs, strict=True))

    assert finds("select-masks", engine(masked), given)


def test_a_zero_cotangent_is_asked_for_where_the_gradient_is_finite() -> None:
    given = case("sqrt(x)", [1.0, 1.0], x=[0.0, 4.0])
    at_poles: Change = lambda program, values, g, right: (np.where(values["x"] == 0, np.nan, right[0]),)  # noqa: E731
    elsewhere: Change = lambda program, values, g, right: (right[0] + 1,)  # noqa: E731
    assert not outcome("zero-cotangent", engine(at_poles), given).violated
    assert finds("zero-cotangent", engine(elsewhere), given)


@pytest.mark.parametrize("place", [0, 1])
def test_the_second_order_is_judged_for_inputs_and_cotangents(place: int) -> None:
    def second_order(program: Program, values: Any, g: Arrays, directions: Arrays) -> Any:
        assert RIGHT.second_order is not None
        right = RIGHT.second_order(program, values, g, directions)
        return tuple(one * 2 if position == place else one for position, one in enumerate(right))  # type: ignore[operator]

    assert finds("second-order", replace(RIGHT, second_order=second_order), TANH)


@pytest.mark.parametrize("first", [True, False])
def test_an_operand_is_made_inside_and_used_again(first: bool) -> None:
    def wrong(program: Program, values: Any, g: Arrays, right: Arrays) -> Arrays:
        added_first = len(program.steps) > 1 and program.steps[0].primitive == "add"
        return tuple(one * 2 for one in right) if len(program.steps) > 1 and added_first == first else right

    assert finds("inner-operands", engine(wrong), TANH)


def test_a_zero_cotangent_stops_at_the_edge_of_a_domain() -> None:
    given = case("sqrt(x)", [1.0, 2.0], x=[1.0, 4.0])
    at_poles: Change = lambda program, values, g, right: (np.where(values["x"] == 0, np.nan, right[0]),)  # noqa: E731
    assert finds("zero-stops", engine(at_poles), given)


def test_a_chain_has_what_goes_around_the_cut() -> None:
    whole: Change = lambda program, values, g, right: (  # noqa: E731
        tuple(one * 2 for one in right) if len(program.steps) == 1 else right
    )
    assert finds("chain", engine(whole), case(SHARED, [1.0, 2.0], x=[0.5, -1.0]))


def test_an_engine_that_is_wrong_anyway_is_not_told_to_reread_its_inputs() -> None:
    doubled = engine(of_input(0))
    both = replace(doubled, overwritten=lambda program, values, others, g: doubled.pullback(program, values)[1](g))
    assert not outcome("overwrite", both, TANH).violated


def test_range_asks_only_for_what_has_overflowed_on_the_way() -> None:
    found = outcome("range", RIGHT, case("x / y", [1e-300, 1.0], x=[1e200, 1.0], y=[1e-155, 2.0]))
    assert found.points == 1


def test_what_is_not_asked_is_no_point() -> None:
    found = asked(Outcome(points=5, inconclusive=3))
    assert (found.points, found.inconclusive) == (2, 0)
