"""The balls of the gamma functions: a wide one has the value of each number in it, and one with a pole says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from gradlaw_properties.strategies.domains import Domain
from gradlaw_reference.arithmetic.gamma import gammaln, polygamma
from gradlaw_spec import Interval, load_primitives

MIDDLES = (0.3, 1.46, 2.0, 30.0, -0.5, -1.57, -2.75, -20.25)


@pytest.mark.parametrize("middle", MIDDLES)
@pytest.mark.parametrize("radius", [2.0**-40, 2.0**-10, 2.0**-4])
def test_a_wide_ball_has_what_its_numbers_give(middle: float, radius: float) -> None:
    wide = arb(middle, radius)
    for place in np.linspace(middle - radius, middle + radius, 9).tolist():
        assert gammaln(wide).overlaps(gammaln(arb(place)))
        for order in range(5):
            found = polygamma(wide, order)
            assert found.is_finite()
            assert found.overlaps(polygamma(arb(place), order))


@pytest.mark.parametrize("ball", [arb(0), arb(-3), arb(-0.5, 0.75), arb(0.1, 0.1), arb("nan")])
def test_at_a_pole_nothing_is_known(ball: arb) -> None:
    assert not gammaln(ball).is_finite()
    assert not polygamma(ball, 1).is_finite()


def test_a_domain_may_leave_its_integers_out() -> None:
    interval = Interval.read("(-inf, 0) without integers")
    assert str(interval) == "(-inf, 0) without integers"
    values = np.array([-1.5, -1.0, 0.0, 0.5, -(2.0**60)])
    assert interval.contains(values).tolist() == [True, False, False, False, False]
    assert interval.intersect(Interval.read("(-3, 1)")) == Interval.read("(-3, 0) without integers")
    domain = Domain.of(load_primitives()["gammaln"].operands[0])
    assert not domain.whole
    assert domain.contains_with_room(np.array([-1.5, 2.0]), 0.25)
    assert not domain.contains_with_room(np.array([-1.1]), 0.25)
    assert domain.contains(domain.fold(np.array([-1.0, -2.0]))).all()
