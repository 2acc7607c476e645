"""The functions that printed programs bring along, and that every program runs with NumPy or Python alone."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace

import numpy as np
import pytest

import gradlaw
from gradlaw.circuits import functions
from gradlaw.circuits.functions import ON_ARRAYS, ON_NUMBERS, Writer
from gradlaw.circuits.kinks import shared
from gradlaw.circuits.standalone import arrays, numbers
from gradlaw_spec import SpecError, load_primitives, parse_computation

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (arrays.share(np.array([1.0, 2.0, 3.0]), 2.0), [0.0, 0.5, 1.0]),
        (arrays.share_of_ties(np.array([[True, True], [False, True]]), axis=1), [[0.5, 0.5], [0.0, 1.0]]),
        (arrays.unreduce(np.array([1.0, 2.0]), X, axis=1), [[1.0] * 3, [2.0] * 3]),
        (arrays.unreduce(np.array(7.0), X), [[7.0] * 3] * 2),
        (arrays.unbroadcast(np.ones((4, 2, 3)), (2, 1)), [[12.0], [12.0]]),
        (arrays.unbroadcast(np.ones((2, 3)), ()), 6.0),
        (arrays.count(X), 6),
        (arrays.count(X, axis=0), [2.0, 2.0, 2.0]),
        (arrays.others(X, axis=0), [[4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]),
        (arrays.others(np.array([0.0, 2.0, 3.0])), [6.0, 0.0, 0.0]),
        (
            arrays.cumulative_others(np.array([[1.0], [10.0], [100.0]]), np.array([[2.0], [0.0], [5.0]]), 0),
            [[1.0], [1020.0], [0.0]],
        ),
        (arrays.leading(np.array([[1.0], [2.0]]), np.zeros((2, 2))), [[1.0, 0.0], [2.0, 0.0]]),
        (arrays.cumulative_max(np.array([[1.0, 3.0], [2.0, 1.0]]), axis=0), [[1.0, 3.0], [2.0, 3.0]]),
        (arrays.route_to_records(np.array([[1.0, 2.0, 4.0]]), np.array([[3.0, 1.0, 3.0]]), -1), [[5.0, 0.0, 2.0]]),
        (arrays.tile(np.array([1.0, 2.0]), (2,)), [1.0, 2.0, 1.0, 2.0]),
        (arrays.untile(np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(2), (2,)), [4.0, 6.0]),
        (arrays.unrepeat(np.array([[1.0, 2.0, 3.0, 4.0]]), np.zeros((1, 2)), 2, 1), [[3.0, 7.0]]),
        (arrays.scatter_along_axis(np.array([[1.0, 2.0]]), np.zeros((1, 3)), np.array([[2, 2]])), [[0.0, 0.0, 3.0]]),
        (arrays.on_diagonal(np.array([7.0]), np.zeros((2, 2)), 1), [[0.0, 7.0], [0.0, 0.0]]),
        (arrays.unpad(np.array([1.0, 2.0, 3.0]), np.zeros(2), (1, 0)), [2.0, 3.0]),
        (arrays.quantile_weights(np.array([[1.0], [2.0], [3.0]]), 0.25, 0), [[0.5], [0.5], [0.0]]),
        (arrays.index_add(np.array([1.0, 2.0]), np.array([1, 1]), np.array([3.0, 4.0])), [1.0, 9.0]),
        (arrays.index_copy(np.array([[1.0, 2.0]]), np.array([1]), np.array([[3.0]]), -1), [[1.0, 3.0]]),
        (arrays.cleared(np.array([1.0, 2.0]), np.array([0])), [0.0, 2.0]),
        (arrays.sort(np.array([3.0, 1.0, 2.0]), descending=True), [3.0, 2.0, 1.0]),
        (arrays.unsort_by(np.array([[10.0], [20.0]]), np.array([[1.0], [3.0]]), 0, True), [[20.0], [10.0]]),
        (arrays.like(X, np.zeros((3, 2))), [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        (arrays.permute_back(np.transpose(X[None], (2, 0, 1)), axes=(2, 0, -2)), [X.tolist()]),
        (arrays.piece(np.arange(5.0), [np.zeros(2), np.zeros(3)])[1], [2.0, 3.0, 4.0]),
        (arrays.piece(X, [np.zeros(3), np.zeros(3)])[0], [1.0, 2.0, 3.0]),
        (arrays.scatter(np.array([1.0, 2.0]), np.zeros(3), np.s_[1:]), [0.0, 1.0, 2.0]),
        (arrays.unfold_like(np.arange(1.0, 4)[None, None], np.zeros((1, 1, 2)), 2, 1)[0, 0], [[0.0, 1.0], [2.0, 3.0]]),
        (arrays.fold_like(np.ones((2, 1, 1, 2, 2)), np.zeros((1, 1, 3)), np.zeros((1, 1, 2)))[0, 0], [2.0, 4.0, 2.0]),
        (arrays.route_to_largest(np.array([4.0, 2.0]), np.array([[1.0, 3, 3], [5, 4, 0]]), -1), [[0, 2, 2], [2, 0, 0]]),
        (arrays.unfold(np.arange(5.0), 0, size=2, step=3), [[0.0, 1.0], [3.0, 4.0]]),
        (arrays.unfold(X, size=2, step=None)[0, 0], [[1.0, 2.0], [4.0, 5.0]]),
        (arrays.fold(np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros(3), -1, size=2, step=1), [1.0, 5.0, 4.0]),
        (arrays.scatter_take(np.array([1.0, 2.0]), np.zeros(3), np.array([2, 2])), [0.0, 0.0, 3.0]),
        ([numbers.share(*pair) for pair in ((1, 2), (2, 2), (3, 2))], [0.0, 0.5, 1.0]),
    ],
)
def test_a_step_does_what_its_page_says(found, expected):
    assert np.asarray(found).tolist() == expected


def test_a_step_is_printed_from_its_source_without_types():
    printed = gradlaw.explain("f = sum(x)", x=[1.0, 2.0]).python()
    lines = inspect.getsource(arrays.unreduce).splitlines()
    assert "def unreduce(g, x, axis=None, keepdims=False):" in printed
    assert "\n".join(lines[1:]) in printed
    assert ": Array" in lines[0]


def test_a_primitive_that_the_module_lacks_is_printed_from_its_page():
    printed = gradlaw.explain("f = softplus(x)", x=1.0).python()
    assert "return maximum(x, 0) + math.log1p(math.exp(-abs(x)))" in printed
    assert load_primitives()["softplus"].summary in printed


def test_a_composite_is_printed_as_its_composition():
    printed = gradlaw.explain("f = sum(softmax(x))", x=[1.0, 2.0]).python()
    assert "    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))\n    return powers / np.sum(powers" in printed


@pytest.mark.parametrize("style", [ON_NUMBERS, ON_ARRAYS], ids=["numbers", "arrays"])
def test_a_primitive_without_python_is_one_clear_error(monkeypatch, style):
    page = replace(load_primitives()["sigmoid"], name="bessel", value="bessel(x)", computed="")
    monkeypatch.setattr(functions, "load_primitives", lambda: {"bessel": page})
    with pytest.raises(SpecError, match=r"bessel.*Write `computed` on its page"):
        Writer(style).write(ast.parse("bessel(x)", mode="eval").body)
    with pytest.raises(SpecError, match=r"'unroll'.*Write it in gradlaw.circuits.standalone"):
        Writer(style).write(ast.parse("unroll(x)", mode="eval").body)


def shared_text(name, position=0, **attributes):
    page = load_primitives()[name]
    return ast.unparse(shared(page, page.operands[position].vjp, attributes))


def test_sides_that_meet_at_a_kink_share():
    assert shared_text("maximum") == "g * share(x1, x2)"
    assert shared_text("minimum") == "g * share(x2, x1)"
    assert shared_text("relu") == "g * share(x, 0)"
    assert shared_text("abs") == "g * (2 * share(x, 0) - 1)"
    assert shared_text("clip", min=0, max=1) == "g * minimum(share(x, min), share(max, x))"
    assert shared_text("clip", min=0) == "g * share(x, min)"
    assert shared_text("clip") == "g"
    assert shared_text("where", 1) == load_primitives()["where"].operands[1].vjp
    assert "share_of_ties(x == unreduce(value" in shared_text("max")


TIED = {"x": "1", "y": "1", "X": [[1.0, 1.0], [0.0, 1.0]]}


@pytest.mark.parametrize(
    "computation",
    [
        *("maximum(x, y)", "minimum(x, y)", "relu(x - y)", "abs(x - y)", "clip(x, 1)", "clip(x, max=1)"),
        *("clip(x, 1, 1)", "clip(X, 0, 1)", "max(X)", "min(X, axis=1)", "max(X, axis=0)", "maximum(X, 1)"),
    ],
)
def test_at_a_kink_the_program_shares_as_the_reference_does(computation):
    inputs = parse_computation(computation).inputs
    explanation = gradlaw.explain(computation, {name: TIED[name] for name in inputs})
    names = {}
    exec(explanation.python(), names)
    for name, reading in explanation.flow.received.items():
        assert np.asarray(names[f"d{name}"]).tolist() == reading.value.tolist()
