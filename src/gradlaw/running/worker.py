"""What runs in a worker process: it loads the target once, and examines, replays and traces on its behalf.

Everything comes back as a value: cells, a plan, or a Fault with its message.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

import numpy as np

from gradlaw.known import KnownDeviation, covers
from gradlaw.messages import error_line
from gradlaw.reports.script import script_of
from gradlaw.requests import Request
from gradlaw.running.heartbeat import LOADING, Heartbeat, case_key, nothing_refused
from gradlaw.targets.apart import as_before
from gradlaw.targets.handed import AdapterError
from gradlaw.targets.loading import load_target
from gradlaw_properties import Settings, Unit, examine, plan, replay
from gradlaw_properties.trial import DifferentiationError, Trial, UnsupportedCase
from gradlaw_spec import DTYPES, Array, Case, Cell, Program, Pull, SpecError, Target, Verdict, Witness
from gradlaw_spec.target import Arrays, Gradients, Values
from gradlaw_spec.text import one_line, tame

Result = TypeVar("Result")
OUT_OF_MEMORY = 77
"""The exit status of a worker whose target ran out of memory."""
MOST_ELEMENTS: Final = 2**20
"""Elements of one array that a target may return; the cases of a law have some dozens."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Where a task runs: the note of its case in flight, its memory limit in bytes, and who is told of each cell.

    Without a note the task runs in this process: nothing is redirected but ``print``, and nothing is limited.
    """

    note: Path | None = None
    memory: int = 0
    tell: Callable[[Cell], None] = lambda cell: None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a target is and what there is to examine; ``everything`` is its plan without any choice."""

    name: str
    version: str
    primitives: frozenset[str]
    units: tuple[Unit, ...]
    everything: tuple[Unit, ...]
    accuracies: Mapping[str, int]
    found: tuple[str, ...]


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
        raise NotLoaded(one_line(str(error), 2000)) from None
    except BaseException as error:
        raise NotLoaded(f"{text}: {error_line(error)}") from None


@contextmanager
def _placed(context: WorkerContext) -> Iterator[None]:
    """Send what the target prints elsewhere than our report, where it shares our process."""
    if context.note is not None:
        yield
        return
    with redirect_stdout(sys.stderr):
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
                with as_before():
                    found = call(*arguments)
            except MemoryError:
                if isolated:
                    leave(OUT_OF_MEMORY)
                raise
            except (Exception, AdapterError):
                raise
            except KeyboardInterrupt as error:
                if not isolated:  # it is the user's
                    raise
                raise Left(error_line(error)) from None
            except BaseException as error:
                raise Left(error_line(error)) from None
            finally:
                if os.getpid() != home:  # a copy that the target made with os.fork: our work is the first one's
                    leave(0)
            return found

        return run

    home, leave = os.getpid(), os._exit

    def run(program: Program, values: Values) -> Arrays:
        return tuple(_array(output) for output in target.run(program, values))

    def pullback(program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
        outputs, pull = target.pullback(program, values, keep)

        def pulled(cotangents: Arrays) -> Gradients:
            return tuple(None if gradient is None else _array(gradient) for gradient in pull(cotangents))

        return tuple(map(_array, outputs)), guard(pulled)

    return replace(target, run=guard(run), pullback=guard(pullback))


def _array(value: Any) -> Array:
    """Return what a target gave as an array of numbers; raise TypeError or ValueError where it is none."""
    array = value if type(value) is np.ndarray else np.array(value)
    if array.dtype.kind not in "biuf" and array.dtype.name not in DTYPES:
        raise TypeError(f"the target returned {tame(array.dtype.name, 100)}; expected an array of real numbers")
    if array.size > MOST_ELEMENTS:
        raise ValueError(f"the target returned an array of {array.size} elements")
    return array


def plan_target(context: WorkerContext, request: Request) -> Plan | Fault:
    """Load a target and plan its cells."""

    def run(target: Target, heartbeat: Heartbeat) -> Plan:
        units = plan(target, request.addresses, request.level, request.dtype)
        everything = plan(target, campaigns=True)
        said = target.accuracies, target.found
        return Plan(target.name, target.version, target.primitives, units, everything, *said)

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
        finished: dict[str, Cell] = {}

        def finish(cell: Cell) -> None:
            finished[cell.address] = _with_script(cell, target, text, heartbeat)
            context.tell(finished[cell.address])

        cells = examine(unit, target, settings, heartbeat, finish)
        return tuple(finished.get(cell.address, cell) for cell in cells)

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


TASKS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {task.__name__: task for task in (plan_target, examine_unit, replay_witness, pull_case)}
)
"""What a worker process can be asked to do."""


def _with_target(
    context: WorkerContext, text: str, refuse: Callable[[Case], str], run: Callable[[Target, Heartbeat], Result]
) -> Result | Fault:
    isolated = context.note is not None
    with _placed(context):
        heartbeat = Heartbeat(context.note, refuse)
        try:
            heartbeat.mark(LOADING)
            target = _target(text)
            heartbeat.mark("")
            return run(guarded(target, heartbeat, isolated=isolated), heartbeat)
        except (NotLoaded, AdapterError) as error:
            return Fault(one_line(tame(error), 2000), "usage")
        except Left as error:
            return _left(tame(error), heartbeat)
        except Exception:
            return Fault(traceback.format_exc(), "own")
        except BaseException as error:
            if not isolated:
                raise
            # A signal handler or a thread of the target's raised it while our code ran.
            return _left(error_line(error), heartbeat)
        finally:
            with suppress(OSError):  # a target can close what is not its own
                heartbeat.close()


def _left(message: str, heartbeat: Heartbeat) -> Fault:
    return Fault(message, "left", heartbeat.law, heartbeat.case, heartbeat.cases)


def _with_script(cell: Cell, target: Target, text: str, heartbeat: Heartbeat, given: Witness | None = None) -> Cell:
    """Return a cell with its script, and with a witness that says how its target is loaded."""
    witness = cell.witness or given
    shown = cell.verdict.is_bad or cell.verdict is Verdict.KNOWN
    if not shown or witness is None:
        return cell
    heartbeat(witness.case, witness.law)
    script = script_of(cell, witness, target, text)
    return replace(cell, witness=replace(witness, target=text), script=script)
