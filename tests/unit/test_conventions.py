"""What an engine takes at a kink, where the spec leaves it free, is told in its ``kinks`` cell."""

from __future__ import annotations

from gradlaw_properties import Settings, examine, plan, reference_target


def test_the_reference_halves_at_a_tie():
    target = reference_target()
    (unit,) = plan(target, ["maximum/kinks@float64"])
    (cell,) = examine(unit, target, Settings(examples=10))
    assert cell.message == ("x1 takes 0.5 of the cotangent at x1 == x2; x2 takes 0.5 of the cotangent at x1 == x2")
