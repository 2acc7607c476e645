"""What runs in a worker process: it loads the target once, and examines, replays and traces on its behalf.

Everything comes back as a value: cells, a plan, or a Fault with its message.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from gradlaw.known import KnownDeviation, covers
from gradlaw.messages import error_line
from gradlaw.reports.script import script_of
from gradlaw.requests import Request
from gradlaw.running.heartbeat import Heartbeat, case_key, nothing_refused
from gradlaw.targets.handed import AdapterError
from gradlaw.targets.loading import load_target
from gradlaw_properties import Settings, Unit, examine, plan, replay
from gradlaw_properties.trial import DifferentiationError, Trial, UnsupportedCase
from gradlaw_spec import Array, Case, Cell, Program, Pull, SpecError, Target, Verdict, Witness
from gradlaw_spec.target import Arrays, Values

Result = TypeVar("Result")
OUT_OF_MEMORY = 77
"""The exit status of a worker whose target ran out of memory."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Where a task runs: the note of its case in heartbeat, what the target prints, and its memory limit in bytes.

    Without a note the task runs in this process: nothing is redirected but ``print``, and nothing is limited.
    """

    note: Path | None = None
    output: Path | None = None
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a target is and what there is to examine; ``everything`` is its plan without any choice."""

    name: str
    version: str
    primitives: frozenset[str]
    units: tuple[Unit, ...]
    everything: tuple[Unit, ...]
    accuracies: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a task gave no result.

    ``kind`` says whose fault it is: the user's (``usage``: a target that does not load, an adapter that is wrong), the
    engine's (``left``: it asked the process to end), or gradlaw's own, whose message is a traceback.
    """

    message: str
    kind: Literal["usage", "left", "own"]
    law: str = ""
    case: Case | None = None
    cases: int = 0


class Refused(Exception):
    """The target is kept from running a case."""


class NotLoaded(Exception):
    """The target cannot be loaded, for the reason in the message."""


class Left(BaseException):
    """The target asked the process to end, as by ``sys.exit``; not an `Exception`, so that no law takes it for one."""


@cache
def _target(text: str) -> Target:
    """Return a target, loaded once; raise NotLoaded where that fails."""
    try:
        return load_target(text)
    except SpecError as error:
        raise NotLoaded(str(error)) from None
    except SystemExit as error:
        raise NotLoaded(f"{text}: {error_line(error)}") from None


def send_output(path: Path) -> None:
    """Send what this process prints to a file, from its start to its end: its death must not garble the report."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)


@contextmanager
def _placed(context: WorkerContext) -> Iterator[None]:
    """Send what the target prints elsewhere, and limit its memory."""
    if context.note is None:
        with redirect_stdout(sys.stderr):
            yield
        return
    if context.output is not None:
        send_output(context.output)
    limit_memory(context.memory)
    yield


def limit_memory(size: int) -> None:
    """Limit the memory that this process may write to, where the system can (0: no limit)."""
    try:
        import resource
    except ImportError:  # not on this system
        return
    if size:
        ceiling = resource.getrlimit(resource.RLIMIT_DATA)[1]
        allowed = size if ceiling == resource.RLIM_INFINITY else min(size, ceiling)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, ceiling))


def guarded(target: Target, heartbeat: Heartbeat, *, isolated: bool) -> Target:
    """Return a target that refuses what the heartbeat refuses, and dies where memory ends (in its own process)."""

    def guard(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            if heartbeat.refusal:
                raise Refused(heartbeat.refusal)
            try:
                return call(*arguments)
            except MemoryError:
                if isolated:
                    os._exit(OUT_OF_MEMORY)
                raise
            except (Exception, KeyboardInterrupt, AdapterError):
                raise
            except BaseException as error:
                raise Left(error_line(error)) from error

        return run

    def pullback(program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
        outputs, pull = guard(target.pullback)(program, values, keep)
        return outputs, guard(pull)

    return replace(target, run=guard(target.run), pullback=pullback)


def plan_target(context: WorkerContext, request: Request) -> Plan | Fault:
    """Load a target and plan its cells."""

    def run(target: Target, heartbeat: Heartbeat) -> Plan:
        units = plan(target, request.addresses, request.level, request.dtype)
        return Plan(target.name, target.version, target.primitives, units, plan(target), target.accuracies)

    return _with_target(context, request.target, nothing_refused, run)


def examine_unit(
    context: WorkerContext,
    text: str,
    unit: Unit,
    settings: Settings,
    skipped: frozenset[str],
    avoided: tuple[KnownDeviation, ...],
) -> tuple[Cell, ...] | Fault:
    """Examine a unit without the skipped cases and without those that a known deviation covers."""

    def refuse(case: Case) -> str:
        if skipped and case_key(case) in skipped:
            return "skipped: the process was lost in this case before"
        return "skipped: a known deviation" if any(covers(entry, case) for entry in avoided) else ""

    def run(target: Target, heartbeat: Heartbeat) -> tuple[Cell, ...]:
        return tuple(_with_script(cell, target, text, heartbeat) for cell in examine(unit, target, settings, heartbeat))

    return _with_target(context, text, refuse, run)


def replay_witness(context: WorkerContext, text: str, witness: Witness) -> tuple[Cell, ...] | Fault:
    """Replay a witness on a target."""

    def run(target: Target, heartbeat: Heartbeat) -> tuple[Cell, ...]:
        heartbeat(witness.case, witness.law)
        return (_with_script(replay(witness, target), target, text, heartbeat, witness),)

    return _with_target(context, text, nothing_refused, run)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a target made of a case: its outputs and gradients, or why there are none."""

    target: str
    version: str
    outputs: tuple[Array, ...] = ()
    gradients: tuple[Array | None, ...] = ()
    problem: str = ""


def pull_case(context: WorkerContext, text: str, case: Case) -> Pulled | Fault:
    """Run a case on a target, forward and backward."""

    def run(target: Target, heartbeat: Heartbeat) -> Pulled:
        heartbeat(case, "")
        trial = Trial(target, case)
        try:
            return Pulled(target.name, target.version, trial.outputs, trial.pull_raw())
        except (UnsupportedCase, DifferentiationError) as error:
            return Pulled(target.name, target.version, problem=str(error))

    return _with_target(context, text, nothing_refused, run)


def _with_target(
    context: WorkerContext, text: str, refuse: Callable[[Case], str], run: Callable[[Target, Heartbeat], Result]
) -> Result | Fault:
    with _placed(context):
        heartbeat = Heartbeat(context.note, refuse)
        try:
            return run(guarded(_target(text), heartbeat, isolated=context.note is not None), heartbeat)
        except (NotLoaded, AdapterError) as error:
            return Fault(str(error), "usage")
        except Left as error:
            return Fault(str(error), "left", heartbeat.law, heartbeat.case, heartbeat.cases)
        except Exception:
            return Fault(traceback.format_exc(), "own")
        finally:
            heartbeat.close()


def _with_script(cell: Cell, target: Target, text: str, heartbeat: Heartbeat, given: Witness | None = None) -> Cell:
    """Return a cell with its script, and with a witness that says how its target is loaded."""
    witness = cell.witness or given
    shown = cell.verdict.is_bad or cell.verdict is Verdict.KNOWN
    if not shown or witness is None:
        return cell
    heartbeat(witness.case, witness.law)
    script = script_of(cell, witness, target, text)
    return replace(cell, witness=replace(witness, target=text), script=script)
