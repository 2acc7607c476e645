"""The number line: any interval, any number, at any ratio of distance to width."""

from __future__ import annotations

import math
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest
from flint import arb, ctx

from gradlaw.reports.number_line import LEAST, WIDTH, number_line, scaled
from gradlaw_properties.judge import combine, difference, equal, judge
from gradlaw_spec import Finding

NUMBERS = (-math.inf, -1.7e308, -2.0, -5e-324, 0.0, 1e-300, 1.0, 1.7e308, math.inf, math.nan)


def finding(got, low, high, distance=None, width=None):
    measured = got - high if got > high else got - low
    return Finding(
        what="gradient of x",
        index=(),
        got=got,
        low=low,
        high=high,
        width=high - low if width is None else width,
        distance=measured if distance is None else distance,
        ulps=1.0,
    )


@pytest.mark.parametrize("got", NUMBERS)
def test_every_drawing_is_well_formed_and_inside(got):
    for low, high in product(NUMBERS, NUMBERS):
        if low > high:
            continue
        made = finding(got, low, high)
        for element in ElementTree.fromstring(number_line(made)).iter():
            for name in ("x", "x1", "x2"):
                assert -1 <= float(element.get(name, "0")) <= WIDTH + 1, made
        assert (scaled(made).got is None) == math.isnan(got)


def test_to_scale():
    at = scaled(finding(4.0, 1.0, 2.0))
    assert at.notes == ()
    assert (at.got - at.high) / (at.high - at.low) == pytest.approx(2)
    below = scaled(finding(-1.0, 1.0, 2.0))
    assert below.got < below.zero < below.low < below.high
    above = scaled(finding(1.0, -2.0, -2.0))
    assert above.low == above.high < above.zero < above.got


def test_a_set_far_narrower_than_the_distance_is_seen_and_the_page_says_so():
    at = scaled(finding(2.0, 1.0, 1.0, distance=1.0, width=1e-40))
    assert at.high - at.low == LEAST
    assert at.notes == ("Not to scale: the distance is 1e+40 times as wide as the set.",)


def test_a_distance_far_shorter_than_the_set_is_seen_and_the_page_says_so():
    at = scaled(finding(2.0, 1.0, 2.0, distance=1e-30))
    assert at.got - at.high == LEAST
    assert at.notes == ("Not to scale: the set is 1e+30 times as wide as the distance.",)


def test_infinities_are_at_the_edges():
    assert scaled(finding(math.inf, 1.0, 2.0)).got > scaled(finding(math.inf, 1.0, 2.0)).high
    assert scaled(finding(-math.inf, 1.0, 2.0)).got < scaled(finding(-math.inf, 1.0, 2.0)).low
    at = scaled(finding(-3.0, 1.0, math.inf))
    assert at.got < at.low < at.high
    assert "nan, which is nowhere" in number_line(finding(math.nan, 1.0, 2.0))


def test_the_judge_says_which_element():
    admissible = np.array([arb(1), arb(2, 0.25)], dtype=object)
    outcome = judge("gradient of x", np.array([1.0, 3.0]), admissible, "float64")
    found = outcome.finding
    assert (found.what, found.index, found.got) == ("gradient of x", (1,), 3.0)
    assert (found.low, found.high) == pytest.approx((1.75, 2.25))
    assert (found.width, found.distance) == pytest.approx((0.5, 0.75))
    assert found.ulps == pytest.approx(0.75 * 2**51)
    assert outcome.problem.endswith("33 % away")
    assert combine([judge("a", np.array(1.0), np.array(arb(1), dtype=object), "float64"), outcome]).finding == found


def test_the_judge_measures_what_float64_cannot_tell():
    precision, ctx.prec = ctx.prec, 128
    try:
        narrow = np.array([arb("1.0000000000000000001")], dtype=object)
        found = judge("gradient of x", np.array([1.0]), narrow, "float64").finding
    finally:
        ctx.prec = precision
    assert found.got == found.low == found.high
    assert found.distance == pytest.approx(-1e-19)


def test_the_judge_of_equality_and_difference():
    found = equal("value", np.array([0.0, 2.0]), np.array([0.0, 3.0]), "float64").finding
    assert (found.index, found.got, found.low, found.high, found.distance, found.ulps) == (
        (1,),
        2.0,
        3.0,
        3.0,
        -1.0,
        2.0**51,
    )
    sets, other = np.array([arb(1, 1e-9)], dtype=object), np.array([arb(2)], dtype=object)
    apart = difference("gradient of x", np.array([1.0]), sets, other, sets, "float32")
    assert apart.finding.low < 2 < apart.finding.high
    assert apart.finding.distance < 0 < apart.finding.ulps
    assert "away from agreeing" in apart.problem
    lost = judge("gradient of x", np.array([math.nan]), np.array([arb(1)], dtype=object), "float64").finding
    assert math.isnan(lost.distance)
    assert lost.ulps == math.inf
