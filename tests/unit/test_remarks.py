"""What explain says besides the rule: broadcast axes, kinks, the outside of a domain; and nothing elsewhere."""

from __future__ import annotations

import pytest

import gradlaw
from gradlaw.circuits.values import read_assignments
from gradlaw_spec import SpecError

KINK = "kink: any slope in [0, 1] is allowed"


@pytest.mark.parametrize(
    ("formula", "at", "said"),
    [
        ("sum(x * w)", {"x": "[[1, 2], [3, 4]]", "w": "[10, 20]"}, "broadcast sums: from (2, 2) to (2,)"),
        ("relu(x)", {"x": "0"}, KINK),
        ("maximum(x, y)", {"x": "1", "y": "1"}, KINK),
        ("max(x, axis=1)", {"x": "[[7, 7], [1, 2]]"}, KINK),
        ("min(x)", {"x": "[3, 3, 4]"}, KINK),
        ("abs(x)", {"x": "[1, 0]"}, "any slope in [-1, 1]"),
        ("log(x)", {"x": "-1"}, "outside of the domain (0, inf)"),
        ("x ** y", {"x": "-2", "y": "3"}, "outside of the domain (0, inf)"),
        ("log1p(exp(x))", {"x": "1000"}, "0 times what is not finite"),
        ("where(x > 0, sqrt(x), 0)", {"x": "[4, -1]"}, "c1 = x > 0             [True, False]"),
        ("sum(x)", {"x": "[1, 2]"}, "(unreduce: the cotangent of a reduction, handed back"),
        ("W @ x", {"W": "[[1, 2]]", "x": "[3, 4]"}, "dW = dt1[..., None] @ matrix_transpose(x[:, None])"),
        ("x[1]", {"x": "[3, 4]"}, "dx = scatter(dt1, x, index=[1])"),
    ],
)
def test_what_is_said(formula, at, said):
    explained = gradlaw.explain(formula, at)
    assert said in explained.text()


@pytest.mark.parametrize(
    ("formula", "at"),
    [
        ("max(x, axis=1)", {"x": "[[7, 1], [7, 9]]"}),
        ("relu(x)", {"x": "[1, -1]"}),
        ("x ** 3", {"x": "-2"}),
        ("x * y", {"x": "1", "y": "1"}),
    ],
)
def test_nothing_is_said_where_nothing_is(formula, at):
    text = gradlaw.explain(formula, at).text()
    assert "kink" not in text
    assert "outside" not in text
    assert "broadcast" not in text


def test_no_line_says_a_product_that_is_none():
    assert "1 * 0 = 4.2" not in gradlaw.explain("expm1(x)", x=-40.0, certified=True).text()
    assert "0 * inf = 0" not in gradlaw.explain("log1p(exp(x))", x=1000.0).text()
    assert "1 * -4 = -4" in gradlaw.explain("x * y", x=3.0, y=-4.0).text()


@pytest.mark.parametrize("axis", [1, -2, 5])
def test_an_axis_that_is_none_is_refused(axis):
    with pytest.raises(SpecError, match=f"axis={axis}"):
        gradlaw.explain(f"sum(x, axis={axis})", x=[1.0, 2.0])


def test_common_slips_are_told():
    with pytest.raises(SpecError, match=r"found \^; expected .*\*\* \(a power\)"):
        gradlaw.explain("x^2", x=1.0)
    with pytest.raises(SpecError, match="--at x=3 --at y=4"):
        read_assignments(["x=1,y=2"])


def test_a_kinks_set_is_shown_by_its_ends():
    assert "\n               [-1, 1]\n" in gradlaw.explain("abs(x)", {"x": "0"}, certified=True).text()
    assert "[0, 1], [0, 1]" in gradlaw.explain("max(x)", {"x": "[2, 2]"}, certified=True, dtype="bfloat16").text()


def test_a_condition_of_a_range_is_decided_at_each_point():
    explained = gradlaw.explain("t = x * x; where(t > 3, t, x)", {"x": "-2:2:5"})
    assert [float(flow.received["x"].value) for flow in explained.flows] == [-4, 1, 1, 1, 4]
    assert explained.flow.program.data == ("c1",)


def test_a_corner_is_told():
    explained = gradlaw.explain("hypot(x, y)", {"x": "0", "y": "0"}, certified=True).text()
    assert "corner: any vector no longer than the cotangent is allowed" in explained
