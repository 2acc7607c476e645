"""How bad a violation is follows from its proved distance: at each border, the number just inside and just outside."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from flint import arb

from gradlaw.reports.cells import fails, said, says_something
from gradlaw.reports.text import report_text
from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import Settings, examine, plan
from gradlaw_properties.judge import Outcome, combine, equal, judge
from gradlaw_reference import RULES, Tape
from gradlaw_spec import DTYPES, Cell, Severity, Verdict, ulp

WRONG, INACCURATE, DIGITS = Severity.WRONG, Severity.INACCURATE, Severity.DIGITS
HALF = {"float64": 2.0**26.5, "float32": 2.0**12, "float16": 2.0**5.5, "bfloat16": 2.0**4}
"""Half of the digits, in units in the last place."""


def outcome(got: float, allowed: float, dtype: str = "float64") -> Outcome:
    return judge("it", np.asarray(got, np.float64), np.asarray(arb(allowed), dtype=object), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [1.5, -1.5, 1.5 * 2.0**10])
def test_the_borders(dtype: str, value: float) -> None:
    unit = ulp(value, DTYPES[dtype])
    last, half = min(32.0, HALF[dtype]), HALF[dtype]

    def severity(units: float) -> Severity:
        return outcome(value + math.copysign(units * unit, value), value, dtype).severity

    assert severity(1) is DIGITS
    assert severity(last - 1) is DIGITS
    if half > 33:
        assert severity(32) is INACCURATE
        assert severity(math.floor(half)) is INACCURATE
    assert severity(half * 1.1) is WRONG


@pytest.mark.parametrize("got", [math.inf, -math.inf, math.nan, -1.0, 0.0, 1e300, 1e-300])
def test_what_is_not_even_near_is_wrong(got: float) -> None:
    assert outcome(got, 1.0).severity is WRONG


def test_something_where_nothing_is_asked_is_wrong() -> None:
    found = outcome(1e-20, 0.0)
    assert found.severity is WRONG
    assert found.problem.endswith("1e-20 away")
    assert outcome(0.0, 1e-20).severity is WRONG


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_underflow_is_measured_by_the_smallest_normal_number(dtype: str) -> None:
    facts = DTYPES[dtype]
    lost = outcome(0.0, facts.smallest_normal / 4, dtype)
    assert lost.severity is DIGITS
    assert "an underflow" in lost.problem
    assert outcome(-facts.smallest_subnormal, facts.smallest_normal / 4, dtype).severity is DIGITS
    assert outcome(0.0, facts.smallest_normal * 4, dtype).severity is WRONG, "a normal number is not lost by underflow"
    assert outcome(facts.smallest_normal * 4, facts.smallest_subnormal, dtype).severity is WRONG


def test_distances_in_words() -> None:
    assert outcome(1.0, 1.0 + 2.0**-30, "float32").problem.endswith("less than 1 ulp away")
    assert outcome(1.0 + 7 * 2.0**-52, 1.0).problem.endswith("7 ulps away")
    assert outcome(1.5, 1.0).problem.endswith("50 % away")
    assert outcome(-1.0, 1.0).problem.endswith("and of the other sign")
    assert outcome(0.0, 1.0).problem.endswith("100 % away")
    assert outcome(1.0 + 2.0**-10, 1.0).problem.endswith("0.00098 of its size away")
    assert outcome(5e10, 1.0).problem.endswith("5e+10 times its size away")
    assert outcome(math.nan, 1.0).problem.endswith("got nan; admissible 1.0")


def test_exact_laws_have_a_size_too() -> None:
    near = equal("it", np.array([1.0, 1.0 + 2.0**-23]), np.array([1.0, 1.0]), "float32")
    assert near.severity is DIGITS
    assert equal("it", np.array([1.0]), np.array([2.0]), "float32").severity is WRONG
    for got in ([1.0 + 2.0**-52, -7.0], [-7.0, 1.0 + 2.0**-52]):
        assert equal("it", np.array(got), np.array([1.0, 1.0]), "float64").severity is WRONG
    assert equal("it", np.zeros((2, 1)), np.zeros(2), "float32").severity is WRONG


def test_the_worst_problem_stands_for_all() -> None:
    sets = np.array([arb(1), arb(1), arb(1)], dtype=object)
    found = judge("it", np.array([1.0 + 2.0**-52, 7.0, 1.0 + 2.0**-40]), sets, "float64")
    assert found.finding is not None
    assert found.finding.index == (1,)
    small, large = outcome(1.0 + 2.0**-52, 1.0), outcome(3.0, 1.0)
    assert combine((small, large)).problem == combine((large, small)).problem == large.problem


def cells_of(factor: float, dtype: str = "float64") -> list[Cell]:
    """Return the cells of multiply's gradient in an engine that is off by a factor."""
    rule = RULES["multiply"]
    wrong = replace(rule, vjp=(lambda g, value, x, y: g * y * factor, rule.vjp[1]))
    target = reference_target(tape=lambda: Tape(rules={**RULES, "multiply": wrong}))
    (unit,) = plan(target, ["multiply/gradient"], dtype=dtype)
    return list(examine(unit, target, Settings(examples=20)))


def test_a_cell_keeps_its_severity_and_fails_by_it(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    (digits,), (wrong,) = cells_of(1 + 2.0**-50), cells_of(2.0)
    assert (digits.verdict, digits.severity, wrong.severity) == (Verdict.VIOLATION, DIGITS, WRONG)
    assert (fails(digits, strict=False), fails(digits, strict=True)) == (False, True)
    assert fails(wrong, strict=False)
    assert said(digits) == "violation, digits"
    report_text(Console(width=200), [digits], strict=False)
    mild = capsys.readouterr().out
    assert "Rounding" in mild
    assert "multiply, 4 ulps: gradient @ float64" in mild or "multiply, 8 ulps: gradient @ float64" in mild
    assert "To see it" not in mild
    report_text(Console(width=200), [digits], strict=True)
    assert "violation, digits: multiply/gradient@float64" in capsys.readouterr().out


def test_a_fault_of_digits_does_not_hide_a_worse_one() -> None:
    """Off by an ulp nearly everywhere, and by half where an operand is negative."""
    rule = RULES["multiply"]

    def off(g: object, value: object, x: object, y: object) -> object:
        negative = (np.asarray(x.data, float) < -2).astype(bool)  # type: ignore[attr-defined]
        from gradlaw_reference import apply

        return apply("where", (negative, g * y * 0.5, g * y * (1 + 2.0**-51)))  # type: ignore[operator]

    wrong = replace(rule, vjp=(off, rule.vjp[1]))
    target = reference_target(tape=lambda: Tape(rules={**RULES, "multiply": wrong}))
    (unit,) = plan(target, ["multiply/gradient"], dtype="float64")
    (cell,) = examine(unit, target, Settings(examples=50))
    assert cell.severity is WRONG


def test_a_known_fault_of_the_last_digits_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    from gradlaw.known import Deviation, KnownDeviation, as_known

    (digits,) = cells_of(1 + 2.0**-50)
    known = as_known(digits, KnownDeviation(deviation=Deviation(id="off", reason="It is off."), address="multiply/*"))
    assert (known.verdict, known.severity, said(known)) == (Verdict.KNOWN, None, "known")
    report_text(Console(width=200), [known], strict=False)
    shown = capsys.readouterr().out
    assert "It is off." in shown
    assert "Rounding" not in shown


def test_what_says_something_of_an_engine() -> None:
    def cell(verdict: Verdict, points: int = 0, inconclusive: int = 0) -> Cell:
        return Cell(address="exp/value@float64", verdict=verdict, points=points, inconclusive=inconclusive)

    assert says_something(cell(Verdict.PASS, 10, 9))
    assert says_something(cell(Verdict.VIOLATION))
    assert says_something(cell(Verdict.KNOWN))
    assert not says_something(cell(Verdict.UNSUPPORTED))
    assert not says_something(cell(Verdict.INCONCLUSIVE, 10, 10)), "every set was too wide: nothing was judged"


@pytest.mark.parametrize(
    ("middle", "radius", "dtype_name", "wide"),
    [
        (1.0, 0.2, "float64", True),
        (1.0, 0.1, "float64", False),
        (0.0, 1e-300, "float64", True),
        (0.0, 2.0**-1024.5, "float64", True),
        (0.0, 2.0**-1025.5, "float64", False),
        (0.0, 2.0**-17.5, "float16", False),
        (0.0, 2.0**-16.5, "float16", True),
    ],
)
def test_a_set_is_wide_beside_its_midpoint_and_the_smallest_normal_number(middle, radius, dtype_name, wide):
    """Below the smallest normal number a dtype has an absolute precision: 0 says enough of what underflows."""
    sets = np.array(arb(middle, radius), dtype=object)
    outcome = judge("x", np.asarray(middle), sets, dtype_name)
    assert (outcome.points, outcome.inconclusive, outcome.problem) == (1, int(wide), "")
