"""Causes: a wrong program is a primitive's fault where the reference in its place mends it; one fault is told once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest

from gradlaw.reports.causes import addresses_text, causes
from gradlaw.reports.text import report_text
from gradlaw_properties import Settings, Unit, examine
from gradlaw_properties.causes import culprit, stepwise
from gradlaw_properties.engines import reference_target
from gradlaw_properties.trial import Trial
from gradlaw_reference import RULES, Tape
from gradlaw_spec import PROGRAM, Case, Cell, Severity, Target, Verdict, parse_computation

RIGHT: Final = reference_target()


def case(text: str, **values: Any) -> Case:
    program = parse_computation(text)
    given = {name: np.asarray(value, np.float64) for name, value in values.items()}
    return Case(subject=PROGRAM, program=program, values=given, cotangents=(np.asarray(1.0),), dtype="float64")


def wrong(*names: str, factor: float = 2.0) -> Target:
    """Return the reference with first gradients of some primitives that are too large."""

    def too_large(name: str) -> Any:
        first, *others = RULES[name].vjp
        return replace(RULES[name], vjp=(lambda *given, **attributes: first(*given, **attributes) * factor, *others))

    return reference_target(tape=lambda: Tape(rules={**RULES, **{name: too_large(name) for name in names}}))


CHAIN: Final = case("exp(sin(x) * x) + tanh(x)", x=0.5)


@pytest.mark.parametrize("name", ["sin", "exp", "tanh", "multiply", "add"])
def test_the_culprit_is_the_primitive_whose_place_the_reference_takes(name: str) -> None:
    assert culprit(CHAIN, "gradient", wrong(name)) == name


def test_two_culprits_are_none() -> None:
    assert culprit(CHAIN, "gradient", wrong("sin", "tanh")) == ""
    assert culprit(CHAIN, "gradient", RIGHT) == ""


def test_a_fault_of_the_walk_back_is_no_primitives() -> None:
    def pullback(program: Any, values: Any, keep: Any = None) -> Any:
        outputs, pull = RIGHT.pullback(program, values, keep)
        many = len(program.steps) > 1
        return outputs, lambda cotangents: tuple(one * (2 if many else 1) for one in pull(cotangents))

    assert culprit(CHAIN, "gradient", replace(RIGHT, pullback=pullback)) == ""


def test_a_step_that_raises_is_the_culprit() -> None:
    def pullback(program: Any, values: Any, keep: Any = None) -> Any:
        if "tanh" in program.primitives:
            raise IndexError("no axes")
        return RIGHT.pullback(program, values, keep)

    assert culprit(CHAIN, "gradient", replace(RIGHT, pullback=pullback)) == "tanh"


def test_a_program_step_by_step_is_the_program() -> None:
    given = case("sum(where(c, x, y) * x, axis=0)", x=[1.5, -2.0], y=3.0)
    program = replace(given.program, inputs=("x", "y"), data=("c",))
    given = replace(given, program=program, values={**given.values, "c": np.array([True, False])})
    whole, steps = Trial(RIGHT, given), Trial(stepwise(RIGHT), given)
    assert [one.tolist() for one in whole.pull()] == [one.tolist() for one in steps.pull()]
    assert RIGHT.run(program, given.values)[0] == stepwise(RIGHT).run(program, given.values)[0]


def test_an_engine_gets_arrays_in_every_step() -> None:
    def pullback(program: Any, values: Any, keep: Any = None) -> Any:
        outputs, pull = RIGHT.pullback(program, values, keep)
        assert all(isinstance(one, np.ndarray) for one in values.values())

        def pulled(cotangents: Any) -> Any:
            assert all(isinstance(one, np.ndarray) for one in cotangents)
            return pull(cotangents)

        return outputs, pulled

    given = Trial(stepwise(replace(RIGHT, pullback=pullback)), CHAIN)
    assert given.pull()[0].shape == ()


def test_the_cell_of_a_program_names_the_primitive() -> None:
    unit = Unit(PROGRAM, "float64", ("gradient",))
    (cell,) = examine(unit, wrong("tanh"), Settings(examples=50))
    assert (cell.verdict, cell.cause) == (Verdict.VIOLATION, "tanh")


def cell(address: str, verdict: Verdict = Verdict.VIOLATION, **more: Any) -> Cell:
    severity = Severity.WRONG if verdict is Verdict.VIOLATION else None
    return Cell(**{"address": address, "verdict": verdict, "severity": severity, "clause": "truth/gradient", **more})


def test_cells_of_one_fault_are_one_cause() -> None:
    cells = [
        cell("exp/value@float64", severity=Severity.INACCURATE),
        cell("exp/gradient@float64"),
        cell("exp/gradient@float32"),
        cell("program/gradient@float64", cause="exp"),
        cell("tanh/gradient@float64", severity=Severity.INACCURATE),
        cell("program/chain@float64", severity=Severity.INACCURATE),
        cell("sin/gradient@float64", Verdict.PASS),
    ]
    found = causes(cells, [one for one in cells if one.verdict.is_bad])
    assert [(cause.title, len(cause.cells)) for cause in found] == [("exp", 4), ("tanh", 1), ("program", 1)]
    assert found[0].heading == "exp: violation, wrong"
    assert addresses_text(found[0].cells) == (
        "exp/gradient, value@float64; exp/gradient@float32; program/gradient@float64"
    )


def test_a_law_that_most_primitives_break_is_one_cause() -> None:
    names = ("exp", "tanh", "sin")
    cells = [cell(f"{name}/replay@float64") for name in names] + [cell("program/replay@float64")]
    cells += [cell("cos/replay@float64", Verdict.PASS), cell("exp/gradient@float64")]
    found = causes(cells, [one for one in cells if one.verdict.is_bad])
    assert [cause.title for cause in found] == ["replay, of 3 of 4 primitives", "exp"]
    half = [*cells, cell("abs/replay@float64", Verdict.PASS), cell("add/replay@float64", Verdict.PASS)]
    assert len(causes(half, [one for one in half if one.verdict.is_bad])) == 4


def test_the_report_tells_each_fault_once(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    cells = [
        cell("exp/gradient@float64", message="gradient of x: got 1"),
        cell("exp/linearity@float64", message="twice"),
        cell("program/gradient@float64", cause="exp", message="inside"),
        cell("tanh/value@float64", severity=Severity.INACCURATE, message="value: got 2"),
    ]
    report_text(Console(width=120), cells, strict=False)
    text = capsys.readouterr().out
    assert "2 causes, the worst first" in text
    assert "2 cells more: exp/linearity@float64; program/gradient@float64" in text
    assert text.index("exp: violation, wrong\n") < text.index("tanh: violation, inaccurate\n")
    assert "inside" not in text
    report_text(Console(width=120), cells[:1], strict=False)
    assert "cause" not in capsys.readouterr().out


def test_what_an_engine_refuses_for_some_values_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    cells = [cell(f"sum/{law}@float64", Verdict.PASS, refused="no tuple of axes") for law in ("gradient", "value")]
    report_text(Console(width=120), cells, strict=False)
    text = capsys.readouterr().out
    assert "Partly unsupported (some cases are refused)\n  no tuple of axes" in text
    assert "sum: gradient, value @ float64" in text
