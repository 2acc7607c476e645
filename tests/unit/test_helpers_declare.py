"""Target helpers and own checks: each keyword that an adapter or a check gives counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import own_kernels as own
import pytest
from flint import arb
from test_targets import array_target, functions, run, scalar_target
from tiny_engines import Number, Tensor

import gradlaw
from gradlaw.own import checking
from gradlaw.own.checking import LAWS, read_accuracies, units
from gradlaw.own.drawing import Maker, Subject, _integers, _mask, palette_of
from gradlaw.own.layouts import LAYOUTS
from gradlaw.own.power import _power
from gradlaw.own.signature import read_signature
from gradlaw.targets.claims import real_index
from gradlaw.targets.handed import AdapterError
from gradlaw.targets.record import started_from
from gradlaw_properties.strategies.picks import Drawing
from gradlaw_properties.strategies.values import generator
from gradlaw_reference.arithmetic.sets import ANYTHING
from gradlaw_spec import DTYPES, Interval, Slice, SpecError, parse_computation

DECLARED = {"flushes_subnormals": True, "deterministic": False, "composed": False, "accuracies": {"tanh": 9}}


@pytest.mark.parametrize("make", [array_target, functions, scalar_target])
def test_what_is_declared_is_what_the_target_says(make: Callable[..., Any]) -> None:
    plain, declared = make(), make(**DECLARED)
    assert (plain.flushes_subnormals, plain.deterministic, plain.composed, plain.accuracies) == (False, True, True, {})
    for name, value in DECLARED.items():
        assert getattr(declared, name) == value


def test_the_accuracy_of_the_page_is_no_declaration() -> None:
    with pytest.raises(SpecError, match="an integer above 2"):
        array_target(accuracies={"tanh": 2})
    assert array_target(accuracies={"tanh": 3}).accuracies == {"tanh": 3}


def test_an_index_keeps_its_steps() -> None:
    index = (Slice(1, None, 2), "newaxis", "ellipsis", 3, Slice(None, -1))
    assert real_index(index) == (slice(1, None, 2), None, Ellipsis, 3, slice(None, -1))


# --- tapes ---------------------------------------------------------------------------------------------


def test_a_tape_that_resets_does_not_accumulate() -> None:
    assert array_target().accumulates is None
    assert array_target(accumulates=True).accumulates is True
    assert array_target(reset=lambda variable: None, accumulates=True).accumulates is False


def test_a_tape_starts_alone_where_backward_needs_nothing_else() -> None:
    assert array_target().starts_alone
    needy = array_target(cotangent="argument", backward=lambda output, cotangent: output.backward(cotangent))
    assert not needy.starts_alone


def test_walks_over_one_record_retain_and_reset() -> None:
    calls: list[str] = []

    def noted(name: str) -> Callable[[Any], None]:
        def call(value: Any) -> None:
            calls.append(name)
            if name == "reset":
                value.grad = 0
            else:
                value.backward()

        return call

    target = scalar_target(backward=noted("backward"), retain=noted("retain"), reset=noted("reset"))
    assert target.walks is not None
    start = (np.asarray(1.0),)
    walked = target.walks(parse_computation("x * x"), {"x": np.asarray(3.0)}, (start, start))
    assert calls == ["retain", "reset", "backward"]
    assert [gradients[0] for gradients in walked.gradients] == [6.0, 6.0]


def test_backward_starts_only_from_what_the_engine_recorded() -> None:
    number, given = Number(2.0), np.asarray(1.0)
    assert started_from((number, 3.0, np.float64(2), number), (given, given, given, None)) == ((number, given),)


# --- functions -----------------------------------------------------------------------------------------


def pullback(function: Any, primals: Any) -> Any:
    """Differentiate a function of arrays, by a tape."""
    inputs = tuple(Tensor(primal.data) for primal in primals)
    output = function(*inputs)

    def pull(cotangent: Any) -> Any:
        for one in inputs:
            one.grad = None
        output.backward(cotangent.data)
        return tuple(Tensor(one.grad) for one in inputs)

    return output, pull


def test_a_functional_engine_s_buffers_are_overwritten() -> None:
    written: list[tuple[float, float]] = []

    def overwrite(value: Any, other: Any) -> None:
        written.append((value.data.item(), other.data.item()))
        value.data[...] = other.data

    assert functions().overwritten is None
    target = functions(vjp=None, pullback=pullback, overwrite=overwrite)
    assert target.overwritten is not None
    values, others = ({"x": np.asarray(number)} for number in (3.0, 5.0))
    target.overwritten(parse_computation("x * x"), values, others, (np.asarray(1.0),))
    assert written == [(3.0, 5.0)]


def test_a_functional_engine_differentiates_its_pullbacks_from_what_is_given() -> None:
    given: list[list[float]] = []

    def outer(function: Any, primals: Any) -> Any:
        given.append([float(primal.data) for primal in primals])
        return Tensor(0.0), lambda cotangent: tuple(Tensor(primal.data) for primal in primals)

    assert functions(vjp=None, pullback=outer).second_order is None
    target = functions(vjp=None, pullback=outer, differentiates_pullbacks=True)
    assert target.second_order is not None
    x, g, direction = (np.asarray(number) for number in (3.0, 7.0, 2.0))
    target.second_order(parse_computation("x * x"), {"x": x}, (g,), (direction,))
    assert given == [[3.0, 7.0]]


def test_conditions_have_a_maker_of_their_own() -> None:
    made: list[Any] = []

    def data(array: Any) -> Any:
        made.append(array.tolist())
        return array

    def where(condition: Any, x: Any, y: Any) -> Any:
        return Tensor(np.where(condition, x.data, y.data))

    target = functions(data=data, primitives={"where": where})
    values = {"c": np.array([True, False]), "x": np.array([1.0, 2.0]), "y": np.array([3.0, 4.0])}
    (found,) = target.run(parse_computation("where(c, x, y)"), values)
    assert (found.tolist(), made) == ([1.0, 4.0], [[True, False]])


@pytest.mark.parametrize("count", [0, 2])
def test_gradients_are_counted(count: int) -> None:
    def vjp(function: Any, primals: Any, cotangent: Any) -> Any:
        return function(*primals), (primals[0],) * count

    with pytest.raises(AdapterError, match=f"{count} gradients"):
        run(functions(vjp=vjp), "x * x", (3.0,), (1.0,))


# --- own checks ----------------------------------------------------------------------------------------


def test_a_relative_error_is_rounded_up_to_units() -> None:
    assert units(8, "float32") == 8
    assert units(2.5 * 2.0**-24, "float32") == 3
    assert units(1e-30, "float32") == 1
    assert read_accuracies({"tanh": "2**-11", "exp": 8}) == {"tanh": 2.0**-11, "exp": 8}


def test_a_kernel_is_judged_by_every_law_of_one_program() -> None:
    assert {"zero-cotangent", "linearity", "purity", "determinism", "replay", "gradient", "value"} <= set(LAWS)


@pytest.mark.filterwarnings("ignore:layer_norm")
def test_a_check_takes_its_seed_and_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept: list[Any] = []
    right = checking.examine

    def examine(unit: Any, target: Any, settings: Any, *given: Any, **more: Any) -> Any:
        kept.append(settings)
        return right(unit, target, replace(settings, examples=2), *given, **more)

    monkeypatch.setattr(checking, "examine", examine)
    gradlaw.check(own.layer_norm, (own.forward, own.backward), own.SIGNATURE, seed=11, examples=9)
    assert (kept[0].seed, kept[0].examples) == (11, 9)


@pytest.mark.parametrize("count", [0, 2])
def test_the_outputs_of_a_kernel_are_counted(count: int) -> None:
    def forward(x: Any) -> Any:
        return (x * x,) * count, x

    with pytest.raises(gradlaw.Violation, match=f"returns {count} outputs; expected 1"):
        gradlaw.check(lambda x: x * x, (forward, lambda saved, g: (saved,)), "x: d", examples=2)


def test_the_smallest_error_that_shows_is_the_width_of_a_set_by_its_least_number() -> None:
    sets = [np.array([arb(1, 0.125), arb(4, 0.125)], dtype=object)]
    others = [np.array([arb(0, 0.5), arb(4)], dtype=object)]
    found = _power("x", "float64", sets, others)
    assert abs(found.smallest - 0.25 / 3.875) < 1e-6
    assert abs(found.typical - (0.25 / 3.875 + 0.25 / 0.875) / 2) < 1e-6
    assert (found.zeros, found.constant) == (False, False)
    nothing = [np.array([arb(0, 0.5), ANYTHING], dtype=object)]
    undecided = _power("x", "float64", nothing, nothing)
    assert (undecided.smallest, undecided.zeros, undecided.constant) == (math.inf, True, True)


def subject(signature: str, shares: bool = True) -> Subject:
    inputs = read_signature(signature)
    return Subject(
        definition=lambda *given: given[0] * 2,
        inputs=inputs,
        differentiated=(inputs[0].name,),
        compute=None,
        domains={"x": Interval.read("(0, 1]")},
        options={},
        palette=palette_of(inputs, 0, 4),
        shares=shares,
    )


class Picks:
    """A drawing that picks what a generator says."""

    def __init__(self, seed: int) -> None:
        self.random = generator(seed, 0)

    def pick(self, count: int) -> int:
        return int(self.random.integers(count))


def made(signature: str, shares: bool = True, count: int = 60) -> list[Any]:
    maker = Maker(subject(signature, shares), DTYPES["float32"], ("float32",), ())
    drawings: list[Drawing] = [Picks(seed) for seed in range(count)]  # type: ignore[misc]
    return [maker.drawn(drawing) for drawing in drawings]


def test_kernels_get_every_layout_and_shared_inputs() -> None:
    found = made("x: n d")
    assert {layout for one in found for layout in one.settings.layouts.values()} >= set(LAYOUTS) - {"contiguous"}
    assert {one.settings.shared for one in found} == {"", "x"}
    assert {one.settings.shared for one in made("x: n d", shares=False)} == {""}
    assert all(((one.values["x"] > 0) & (one.values["x"] <= 1)).all() for one in found)


def test_kernels_get_numbers_far_from_zero_with_a_small_spread() -> None:
    maker = Maker(replace(subject("x: d"), domains={}), DTYPES["float32"], ("float32",), ())
    for seed in range(20):
        found = maker.bulk("offset", seed, generator(seed, 0), 50)
        assert abs(found.mean()) > 2
    assert max(abs(maker.bulk("offset", seed, generator(seed, 0), 50).mean()) for seed in range(20)) > 100


def test_kernels_get_the_first_and_the_last_label() -> None:
    random = generator(0, 0)
    assert set(_integers("last", random, (5,), 7).tolist()) == {6}
    assert set(_integers("first", random, (5,), 7).tolist()) == {0}
    assert set(_integers("any", random, (200,), 7).tolist()) == set(range(7))
    assert _mask("causal", random, (3, 3)).tolist() == np.tri(3).astype(bool).tolist()
    assert not _mask("one row false", random, (4, 50)).any(axis=1).all()
