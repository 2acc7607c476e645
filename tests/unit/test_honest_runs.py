"""A run is honest about what it lost: nothing that was not run passes, and what is known hides nothing else."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from gradlaw.known import Deviation, KnownDeviation
from gradlaw.requests import Limits, Request
from gradlaw.running import worker
from gradlaw.running.heartbeat import Heartbeat, Note, case_key
from gradlaw.running.journal import Journal, run_key
from gradlaw.running.session import FEW_LOSSES, Session
from gradlaw.running.slots import Lost, _Watch
from gradlaw_properties import Settings, Unit
from gradlaw_properties.engines import reference_target
from gradlaw_spec import Case, Cell, Severity, SpecError, Verdict, parse_computation

ADAPTER: Final = """
from dataclasses import replace
import numpy as np
from gradlaw_properties.engines import reference_target

right = reference_target("mine")

def pullback(program, values, keep=None):
    outputs, pull = right.pullback(program, values, keep)
    def pulled(cotangents):
        found = pull(cotangents)
        if program.primitives != {"tanh"}:
            return found
        x = values[program.inputs[0]].astype(float)
        nearly = np.where(SLIGHTLY, found[0] * (1 + 2.0**-40), found[0])
        return (np.where(WRONG, 2 * found[0] + 1, nearly).astype(found[0].dtype),)
    return outputs, pulled

target = replace(right, pullback=pullback)
"""


def entry(*where: str) -> KnownDeviation:
    return KnownDeviation(
        deviation=Deviation(id="it", reason="It is known."), address="tanh/gradient@float64", where=where
    )


def adapter(folder: Path, wrong: str, slightly: str = "x != x") -> str:
    """Write an engine that is wrong somewhere, and off by some digits elsewhere; return its place."""
    path = folder / "mine.py"
    path.write_text(ADAPTER.replace("WRONG", wrong).replace("SLIGHTLY", slightly))
    return str(path)


def checked(target: str, *known: KnownDeviation) -> Cell:
    """Return the cell of tanh's gradient."""
    with Session(target, Settings(examples=25), Limits(jobs=0), known) as session:
        plan = session.plan(Request(target=target, addresses=("tanh/gradient@float64",)))
        (cell,) = session.check(plan)
    return cell


def test_a_known_deviation_explains_what_it_covers(tmp_path: Path) -> None:
    target = adapter(tmp_path, "x > 1")
    assert checked(target, entry("x > 1")).verdict is Verdict.KNOWN
    assert checked(target, entry("x > 1e300")).verdict is Verdict.VIOLATION


def test_a_known_deviation_hides_no_milder_one_of_its_cell(tmp_path: Path) -> None:
    """The worst that is found is known; digits are lost elsewhere, and that is told."""
    cell = checked(adapter(tmp_path, "x > 1", slightly="x < -1"), entry("x > 1"))
    assert (cell.verdict, cell.severity) == (Verdict.VIOLATION, Severity.INACCURATE)
    assert cell.witness is not None
    assert (cell.witness.case.values["x"] < -1).any()


def examined(target: str, skipped: frozenset[str], avoided: tuple[KnownDeviation, ...]) -> Cell:
    unit = Unit("tanh", "float64", ("gradient",))
    found = worker.examine_unit(worker.WorkerContext(), target, unit, Settings(examples=25), skipped, avoided)
    assert isinstance(found, tuple)
    return found[0]


def test_a_case_that_one_of_several_known_deviations_covers_is_avoided(tmp_path: Path) -> None:
    target = adapter(tmp_path, "abs(x) > 1")
    assert not examined(target, frozenset(), (entry("x > 1"), entry("x < -1"))).verdict.is_bad
    assert examined(target, frozenset(), (entry("x > 1"),)).verdict.is_bad


def test_only_a_case_that_was_lost_is_skipped(tmp_path: Path) -> None:
    cell = examined("reference", frozenset({case_key(case(7.25))}), ())
    assert cell.points > cell.inconclusive
    assert not cell.verdict.is_bad


# --- losses --------------------------------------------------------------------------------------------


def case(x: float = 0.5) -> Case:
    program = parse_computation("tanh(x)")
    return Case(
        subject="tanh", program=program, values={"x": np.array(x)}, cotangents=(np.array(1.0),), dtype="float64"
    )


@dataclass
class Losing:
    """A slot that gives answers made by hand, the last one for ever."""

    answers: list[Any]
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def run(self, task: Any, *arguments: Any, tell: Any = None) -> Any:
        self.asked.append(arguments)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def close(self) -> None: ...


LAWS: Final = ("gradient", "value", "linearity", "chain")


def around(*answers: Any, laws: tuple[str, ...] = LAWS) -> list[Cell]:
    session = Session("reference", Settings(), Limits())
    return list(session._around_losses(Losing(list(answers)), Unit("tanh", "float64", laws), ()))


@pytest.mark.parametrize("verdict", [Verdict.CRASH, Verdict.TIMEOUT])
def test_the_laws_of_a_unit_that_was_given_up_do_not_pass(verdict: Verdict) -> None:
    """A process that dies before any case, and one that dies again and again in the first law."""
    assert {cell.verdict for cell in around(Lost(verdict, "it died"))} == {verdict}
    again = [Lost(verdict, "it died", "gradient", case(number), number + 1) for number in range(FEW_LOSSES)]
    cells = around(*again)
    assert {cell.verdict for cell in cells} == {verdict}
    assert any("not run: the process was lost" in cell.message for cell in cells)


def test_cells_of_another_task_are_none() -> None:
    strange = tuple(Cell(address=f"exp/{law}@float64", verdict=Verdict.PASS, points=5) for law in LAWS)
    cells = around(strange)
    assert {cell.verdict for cell in cells} == {Verdict.CRASH}
    assert "that of another task" in cells[0].message


def test_a_loss_in_a_later_law_leaves_the_others() -> None:
    rest = tuple(Cell(address=f"tanh/{law}@float64", verdict=Verdict.PASS, points=5) for law in LAWS[:3])
    cells = around(Lost(Verdict.CRASH, "it died", "chain", case(), 9), rest)
    assert [cell.verdict.value for cell in cells] == ["pass", "pass", "pass", "crash"]


def test_a_note_counts_laws_and_cases() -> None:
    heartbeat, one, other = Heartbeat(), case(), case(2.0)
    for given, law in ((one, "gradient"), (one, "value"), (other, "gradient")):
        heartbeat(given, law)
    assert (heartbeat.begun, heartbeat.cases) == (3, 2)


def test_the_limit_is_of_one_case_under_one_law() -> None:
    watch = _Watch(time.monotonic() - 100)
    assert watch.look(Note(1, 1, 1, "gradient"), 50) is None
    watch.since -= 40
    assert watch.look(Note(1, 1, 1, "gradient"), 50) is None
    assert watch.look(Note(1, 2, 1, "value"), 50) is None
    watch.since -= 100
    lost = watch.look(Note(1, 2, 1, "value"), 50)
    assert lost is not None
    assert lost[0] is Verdict.TIMEOUT


# --- what a worker does --------------------------------------------------------------------------------


def test_a_request_limits_the_plan() -> None:
    plan = worker.plan_target(worker.WorkerContext(), Request(target="reference", dtype="float32", level="nn"))
    assert isinstance(plan, worker.Plan)
    assert {unit.dtype for unit in plan.units} == {"float32"}
    assert {unit.subject for unit in plan.units} < {unit.subject for unit in plan.everything}
    assert "add" not in {unit.subject for unit in plan.units}


def test_what_a_target_does_when_it_pulls_back_is_guarded() -> None:
    def leaves(program: Any, values: Any, keep: Any = None) -> Any:
        def pull(cotangents: Any) -> Any:
            raise SystemExit("enough")

        return (np.zeros(()),), pull

    heartbeat, given = Heartbeat(), case()
    target = worker.guarded(replace(reference_target(), pullback=leaves), heartbeat, isolated=True)
    _, pull = target.pullback(given.program, given.values)
    with pytest.raises(worker.Left, match="enough"):
        pull(given.cotangents)
    heartbeat.refusal = "skipped"
    with pytest.raises(worker.Refused):
        pull(given.cotangents)


def test_a_complex_array_is_none_of_real_numbers() -> None:
    with pytest.raises(TypeError, match="complex128"):
        worker._array(np.array([1j]))


# --- the journal ---------------------------------------------------------------------------------------


def test_a_journal_is_of_one_run(tmp_path: Path) -> None:
    plan = worker.Plan("mine", "1", frozenset(), (), (), {}, ())
    keys = {run_key("mine", plan, Settings(seed=seed), ()) for seed in (0, 1)}
    keys |= {run_key("mine", plan, Settings(), known) for known in ((), (entry("x > 1"),))}
    keys |= {run_key("other", plan, Settings(), ())}
    assert len(keys) == 4
    one, other, *_ = keys
    journal = Journal.start(tmp_path / "it.journal", one, resume=False)
    journal.add(Cell(address="tanh/gradient@float64", verdict=Verdict.PASS))
    journal.close(finished=False)
    assert list(Journal.start(tmp_path / "it.journal", one, resume=True).cells) == ["tanh/gradient@float64"]
    with pytest.raises(SpecError, match="another run"):
        Journal.start(tmp_path / "it.journal", other, resume=True)
