"""Options do what they say: each reaches the place where it counts; and exit statuses tell whose fault something is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from made_reports import cell, report, should, witness
from typer.testing import CliRunner

from gradlaw import pytest_plugin
from gradlaw.cli import EXAMPLES, QUICK_EXAMPLES, app
from gradlaw.commands import check as check_command
from gradlaw.commands import compare, explain
from gradlaw.commands import replay as replay_command
from gradlaw.formats.report import json as json_format
from gradlaw.requests import Limits, Request, default_memory
from gradlaw.running import session
from gradlaw_properties import Settings, Unit, conftest, test_laws
from gradlaw_spec import Cell, Severity, SpecError, Verdict, encode_witness, load_laws

RUNNER: Final = CliRunner()


def taken(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[Request, Settings, Limits]:
    """Return what ``gradlaw check`` makes of its options."""
    kept: list[Any] = []

    def check_target(request: Any, settings: Any, limits: Any, files: Any) -> int:
        kept.extend((request, settings, limits))
        return 0

    monkeypatch.setattr(check_command, "check_target", check_target)
    done = RUNNER.invoke(app, ["check", "reference", "--no-cache", *arguments])
    assert done.exit_code == 0, done.output
    return tuple(kept)  # type: ignore[return-value]


def test_each_option_of_check_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    request, settings, limits = taken(monkeypatch, "tanh/*", "exp")
    assert request == Request(target="reference", addresses=("tanh/*", "exp"))
    assert settings == Settings(EXAMPLES, 0, False)
    assert (limits.timeout, limits.memory) == (60.0, default_memory())
    request, settings, limits = taken(
        monkeypatch,
        *("--level", "nn", "--dtype", "float32", "--seed", "7", "--quick", "--fuzz", "--jobs", "3", "--timeout", "5"),
        *("--memory", "0.5", "--strict", "--known", "known.toml", "--resume"),
    )
    assert request == Request(
        target="reference", level="nn", dtype="float32", known=Path("known.toml"), strict=True, resume=True
    )
    assert settings == Settings(QUICK_EXAMPLES, 7, True)
    assert limits == Limits(jobs=3, timeout=5.0, memory=2**29)
    assert taken(monkeypatch, "--quick", "--examples", "33")[1].examples == 33


def test_two_dtypes_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_command, "check_target", lambda *given: 0)
    done = RUNNER.invoke(app, ["check", "reference", "--no-cache", "--dtype", "float32", "--dtype", "float64"])
    assert done.exit_code == 2
    assert "--dtype 2 times" in done.output


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyError("ours"), 3),
        (AssertionError("ours"), 3),
        (session.OwnFault("a traceback"), 3),
        (KeyboardInterrupt(), 3),
        (session.UsageError("yours"), 2),
        (SpecError("it", "yours", "another", "Mend it."), 2),
    ],
)
def test_a_fault_of_ours_does_not_look_like_a_violation(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: Any) -> int:
        raise error

    monkeypatch.setattr(check_command, "check_target", fails)
    assert RUNNER.invoke(app, ["check", "reference", "--no-cache"]).exit_code == status


def test_each_option_of_explain_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(explain, "explain_asked", lambda asked, limits: kept.extend((asked, limits)) or 0)
    done = RUNNER.invoke(
        app,
        [
            *("explain", "x * y", "x=1", "--at", "y=2", "--cotangent", "3", "--format", "json", "-o", "f.json"),
            *("--certified", "--dtype", "float32", "--seed", "5", "--target", "torch", "--quiz", "--timeout", "7"),
        ],
    )
    assert done.exit_code == 0, done.output
    asked, limits = kept
    assert asked == explain.Asked(
        "x * y", ("y=2", "x=1"), "3", "json", Path("f.json"), True, "float32", 5, "torch", True
    )
    assert limits.timeout == 7


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "witness.json"
    path.write_bytes(encode_witness(witness(**changes)))
    return path


@pytest.mark.parametrize(("given", "shown"), [("torch", "torch"), (None, "reference")])
def test_a_witness_is_explained_on_the_target_that_was_asked_for(
    given: str | None, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(explain, "engine_side", lambda case, target, limits: kept.append(target))
    path = written(tmp_path, target="reference")
    asked = explain.Asked(str(path), (), None, "json", tmp_path / "out.json", False, None, 0, given)
    assert explain.explain_asked(asked, Limits()) == 0
    assert kept == [shown]


class FakeSession:
    """A session that runs nothing."""

    found: Any = None
    plan_of: Any = None
    known: Any = None

    def __init__(self, target: str, settings: Any, limits: Any, known: Any = ()) -> None:
        type(self).known = known

    def __enter__(self) -> FakeSession:
        return self

    def __exit__(self, *given: Any) -> None: ...

    def plan(self, request: Any = None) -> Any:
        return self.plan_of

    def replay(self, witness: Any) -> Any:
        return self.found

    def check(self, plan: Any, on_cell: Any = None, finished: Any = None) -> Any:
        return self.found


@pytest.mark.parametrize(
    ("verdict", "status"),
    [(Verdict.VIOLATION, 1), (Verdict.CRASH, 1), (Verdict.TIMEOUT, 1), (Verdict.PASS, 0), (Verdict.INCONCLUSIVE, 0)],
)
def test_a_witness_that_takes_an_engine_down_is_a_violation(
    verdict: Verdict, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_command, "Session", FakeSession)
    monkeypatch.setattr(FakeSession, "found", cell(verdict))
    path = written(tmp_path, target="reference")
    assert replay_command.replay_witness(path, None, Limits()) == status


def run_check(monkeypatch: pytest.MonkeyPatch, *cells: Cell, **changes: Any) -> int:
    """Return the exit status of a check that finds these cells."""
    units = (Unit("relu", "float64", ("gradient",)),)
    plan = session.Plan("tiny", "1", frozenset(), units, units, {}, ())
    monkeypatch.setattr(check_command, "Session", FakeSession)
    monkeypatch.setattr(FakeSession, "found", cells)
    monkeypatch.setattr(FakeSession, "plan_of", plan)
    return check_command.check_target(Request(**{"target": "reference", **changes}), Settings(), Limits(), {})


def test_the_exit_status_of_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_check(monkeypatch, cell()) == 0
    assert run_check(monkeypatch, cell(Verdict.CRASH)) == 1
    assert run_check(monkeypatch, cell(Verdict.VIOLATION)) == 1
    assert run_check(monkeypatch, should()) == 0
    assert run_check(monkeypatch, should(), strict=True) == 1
    for silent in (cell(Verdict.UNSUPPORTED, points=0, inconclusive=0), cell(Verdict.INCONCLUSIVE, inconclusive=40)):
        with pytest.raises(SpecError, match="no point that could be judged"):
            run_check(monkeypatch, silent)


def test_a_given_list_stands_in_place_of_the_shipped_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_command, "known_of", lambda target: ("shipped",))
    monkeypatch.setattr(check_command, "load_known", lambda path: ("given",))
    run_check(monkeypatch, cell())
    assert FakeSession.known == ("shipped",)
    run_check(monkeypatch, cell(), known=Path("known.toml"))
    assert FakeSession.known == ("given",)


@pytest.mark.parametrize(("verdict", "status"), [(Verdict.VIOLATION, 1), (Verdict.PASS, 0)])
def test_a_comparison_fails_where_something_got_worse(verdict: Verdict, status: int, tmp_path: Path) -> None:
    paths = []
    for name, found in (("old", Verdict.PASS), ("new", verdict)):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_bytes(json_format.render(report([cell(found)]), strict=False))
    assert compare.compare_reports(tuple(paths), {}) == status


# --- the pytest entry ----------------------------------------------------------------------------------


def entry(found: Cell, *, strict: bool = False, known: str | None = None) -> None:
    """Run the item of a cell."""
    law = found.address.partition("/")[2].partition("@")[0]
    found = replace(found, clause=load_laws()[law].clause)
    unit = Unit(found.address.partition("/")[0], "float64", (law,))
    config = SimpleNamespace(
        hook=SimpleNamespace(pytest_gradlaw_known=lambda target, cell: known),
        getoption=lambda name, default=None: strict if name == "gradlaw_strict" else default,
    )
    runner = SimpleNamespace(name="tiny", examine=lambda unit: (found,))
    test_laws.test_law((runner, unit, law), {}, SimpleNamespace(config=config))  # type: ignore[arg-type]


def outcome(found: Cell, *, strict: bool = False, known: str | None = None) -> str:
    """Return what pytest makes of the item of a cell, with its reason."""
    try:
        entry(found, strict=strict, known=known)
    except (pytest.fail.Exception, pytest.xfail.Exception, pytest.skip.Exception) as raised:
        return f"{type(raised).__name__}: {raised}"
    return "passed"


@pytest.mark.parametrize("verdict", [Verdict.VIOLATION, Verdict.CRASH, Verdict.TIMEOUT])
def test_the_pytest_entry_fails_a_wrong_engine(verdict: Verdict) -> None:
    assert outcome(cell(verdict)).startswith("Failed: relu/gradient@float64: why it is")
    assert outcome(cell(verdict), known="so it is").startswith("XFailed: known: so it is")


def test_the_pytest_entry_fails_a_should_only_where_it_is_strict() -> None:
    for mild in (should(), cell(Verdict.VIOLATION, severity=Severity.DIGITS)):
        assert outcome(mild).startswith("XFailed: SHOULD")
        assert outcome(mild, strict=True).startswith("Failed")


def test_the_pytest_entry_passes_only_what_was_judged() -> None:
    assert outcome(cell()) == "passed"
    for silent in (Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE):
        assert outcome(cell(silent)).startswith(f"Skipped: {silent.value}: why it is")


def test_the_pytest_entry_takes_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {
        **{"gradlaw_target": "mine.py", "gradlaw_address": ["tanh"], "gradlaw_dtype": "float32"},
        **{"gradlaw_level": "nn", "gradlaw_examples": 7, "gradlaw_seed": 5, "gradlaw_timeout": 9.0},
    }
    kept: dict[str, Any] = {}
    config = SimpleNamespace(
        getoption=lambda name, default=None: options.get(name, default), add_cleanup=lambda function: None
    )

    def runner(config: Any, settings: Settings) -> Any:
        kept["settings"] = settings
        return pytest_plugin.WorkerRunner(config, settings)

    class Kept(FakeSession):
        def __init__(self, target: str, settings: Any, limits: Any, known: Any = ()) -> None:
            kept["limits"] = limits

        def plan(self, request: Any = None) -> Any:
            kept["request"] = request
            return session.Plan("mine", "1", frozenset(), (), (), {}, ())

    monkeypatch.setattr(session, "Session", Kept)
    config.hook = SimpleNamespace(pytest_gradlaw_runner=runner)
    metafunc = SimpleNamespace(fixturenames=["cell_address"], config=config, parametrize=lambda *given, **more: None)
    conftest.pytest_generate_tests(metafunc)
    assert kept["settings"] == Settings(7, 5)
    assert kept["request"] == Request(target="mine.py", addresses=("tanh",), dtype="float32", level="nn")
    assert kept["limits"].timeout == 9.0
