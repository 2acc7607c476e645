"""What pages say is read as it is written: ends of domains, poles, kinks, choices; and what dtypes and walks are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradlaw_spec import DTYPES, Interval, Kink, Meeting, Values, load_primitives, parse_computation, parse_formula
from gradlaw_spec.target import program_function, walks_of


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("[0, 1)", (0, 0.5), (-0.1, 1, 1.1)),
        ("(0, 1]", (0.5, 1), (0, 1.1)),
        ("(0, 1)", (0.5,), (0, 1)),
        ("[0, 1]", (0, 1), (-0.1, 1.1)),
        ("(-inf, 0) without integers", (-0.5, -1.5), (-1, -2, 0, 0.5)),
        ("(-inf, inf) without halves", (-1, 0, 0.25, 1e300), (0.5, -2.5)),
    ],
)
def test_an_interval_has_the_ends_that_its_text_says(text: str, inside: Any, outside: Any) -> None:
    interval = Interval.read(text)
    assert interval.contains(np.array(inside, float)).all()
    assert not interval.contains(np.array(outside, float)).any()
    assert str(interval) == text


def test_room_is_kept_from_both_ends_and_from_poles() -> None:
    numbers = np.array([0.05, 0.5, 0.95])
    assert Interval.read("(0, 1)").contains_with_room(numbers, 0.1).tolist() == [False, True, False]
    poles = Interval.read("(-3, 0) without integers")
    assert poles.contains_with_room(np.array([-1.05, -1.5, -2.95]), 0.1).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("[0, 2]", "[0, 2)", "[0, 2)"),
        ("[0, 2]", "(0, 2]", "(0, 2]"),
        ("(0, 2) without integers", "[1, 3]", "[1, 2) without integers"),
        ("[1, 3]", "(0, 2) without integers", "[1, 2) without integers"),
    ],
)
def test_two_intervals_share_what_both_have(one: str, other: str, both: str) -> None:
    assert str(Interval.read(one).intersect(Interval.read(other))) == both


@pytest.mark.parametrize("text", ["(-inf, 2)", "(1, inf)", "(0, 1)", "(-inf, inf)"])
def test_values_are_folded_into_a_domain(text: str) -> None:
    numbers = np.array([-7.3, 0.2, 1.75, 9.1])
    folded = Interval.read(text).fold(numbers)
    assert Interval.read(text.replace("(", "[").replace(")", "]")).contains(folded).all()
    assert len(set(folded.tolist())) == len(numbers)


def test_both_open_ends_are_edges() -> None:
    assert Interval.read("(-1, 1)").open_ends == (-1, 1)
    assert Interval.read("[-1, 1)").open_ends == (1,)
    assert Interval.read("(0, inf)").open_ends == (0,)


def test_integers_are_whole() -> None:
    assert Values.read("integers").contains(np.array([-1.0, 0.5, 3.0])).tolist() == [True, False, True]


def test_the_slopes_of_a_kink_stand_in_either_order() -> None:
    kink = Kink(where=Meeting.read("x == 0"), allowed={"x": (1.0, -0.5), "y": ("slope", 1.0)})
    assert kink.slopes("x", {}) == (-0.5, 1.0)
    assert kink.slopes("y", {"slope": 2.0}) == (1.0, 2.0)
    assert kink.slopes("y", {"slope": 0.25}) == (0.25, 1.0)


def test_a_kink_is_only_at_its_attributes() -> None:
    page = replace(
        load_primitives()["relu"],
        kinks=(
            Kink(where=Meeting.read("x == 0"), allowed={"x": (0.0, 1.0)}, when={"order": (1, 2)}),
            Kink(where=Meeting.read("x == 1"), allowed={"x": (0.0, 1.0)}),
        ),
    )
    assert [str(kink.where) for kink in page.kinks_at({"order": 2})] == ["x == 0", "x == 1"]
    assert [str(kink.where) for kink in page.kinks_at({"order": 3})] == ["x == 1"]


def test_a_dtype_holds_another_with_fewer_digits_less_range_and_no_smaller_numbers() -> None:
    single, half, brain = (DTYPES[name] for name in ("float32", "float16", "bfloat16"))
    assert single.holds(half)
    assert single.holds(brain)
    assert not brain.holds(half)
    assert not half.holds(brain)
    assert not replace(single, smallest_subnormal=1e-7).holds(half)


def test_a_formula_chooses_its_side_and_counts_down() -> None:
    text = "x + 1 if order == 1 else x - 2"
    for order, primitive in ((1, "add"), (2, "subtract")):
        assert parse_formula(text, ("x",), (), attributes={"order": order}).steps[0].primitive == primitive
    step = parse_formula("polygamma(x, n=n - 1)", ("x",), ("polygamma",), attributes={"n": 3}).steps[0]
    assert step.attributes["n"] == 2


@pytest.mark.parametrize("anew", [True, False])
def test_walks_run_anew_where_that_is_asked(anew: bool) -> None:
    runs: list[int] = []

    def pullback(program: Any, values: Any, keep: Any = None) -> Any:
        runs.append(1)
        return (np.zeros(1),), lambda cotangents: (cotangents[0] * len(runs),)

    program = parse_computation("tanh(x)")
    walked = walks_of(pullback)(program, {}, ((np.ones(1),), (np.ones(1),), None), anew=anew)
    assert len(runs) == (3 if anew else 1)
    assert [gradients[0].item() for gradients in walked.gradients] == ([1, 2, 3] if anew else [1, 1, 1])


def test_the_error_of_the_first_walk_is_no_refusal_of_a_second() -> None:
    def fails_at(count: int) -> Any:
        calls: list[int] = []

        def pull(cotangents: Any) -> Any:
            calls.append(1)
            if len(calls) == count:
                raise ValueError("no")
            return cotangents

        return lambda program, values, keep=None: ((np.zeros(1),), pull)

    starts = ((np.ones(1),), (np.ones(1),))
    with pytest.raises(ValueError, match="no"):
        walks_of(fails_at(1))(parse_computation("tanh(x)"), {}, starts)
    walked = walks_of(fails_at(2))(parse_computation("tanh(x)"), {}, starts)
    assert (len(walked.gradients), walked.refusal) == (1, "ValueError: no")


def test_what_is_kept_alive_are_all_values_of_a_run() -> None:
    kept: list[Any] = []
    program = parse_computation("a = tanh(x)\na * x")
    program_function(program, {}, {"tanh": np.tanh, "multiply": np.multiply}, lambda data: data, kept)(2.0)
    assert len(kept[0]) == 3
    assert np.tanh(2.0) in kept[0].values()
