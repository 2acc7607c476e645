"""Slots: each runs one task after the other, in a worker process of its own or in this process.

A worker that dies, exits, hangs or eats memory is told of as `Lost`, with the case that was in flight; a new one
takes its place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from gradlaw.requests import Limits
from gradlaw.running.heartbeat import LOADING, Note, read_note
from gradlaw.running.process import Process
from gradlaw.running.wire import FAULT, PART, WHOLE, Malformed, decoded_answer, encoded_call, promised
from gradlaw.running.worker import OUT_OF_MEMORY, Fault, WorkerContext
from gradlaw_spec import Case, Cell, Verdict

Result = TypeVar("Result")
POLL: Final = 0.1
"""Seconds between two looks at a running task."""
OWN_WORK: Final = 180.0
"""Seconds that a worker may take until it has a first case: its start, and our own work before."""


Tell = Callable[[Cell], None]


def nobody(cell: Cell) -> None:
    """Tell nobody of a cell."""


class Interrupted(Exception):
    """The run was stopped from outside."""


@dataclass(frozen=True, slots=True)
class Lost:
    """How a task was lost: a crash or a timeout, why, the law and case in flight, and how many cases had begun."""

    verdict: Verdict
    message: str
    law: str = ""
    case: Case | None = None
    cases: int = 0


class Slot(Protocol):
    """Runs one task at a time."""

    def run(self, task: Callable[..., Result | Fault], *arguments: Any, tell: Tell = nobody) -> Result | Fault | Lost:
        """Call ``task(context, *arguments)``; ``tell`` gets each cell that is finished before the others."""
        ...

    def close(self) -> None:
        """Give the slot up."""
        ...


class InProcess:
    """A slot that runs tasks in this process, without protection."""

    def run(self, task: Callable[..., Result | Fault], *arguments: Any, tell: Tell = nobody) -> Result | Fault | Lost:
        """Call a task here."""
        return task(WorkerContext(tell=tell), *arguments)

    def close(self) -> None:
        """Do nothing."""


class WorkerProcess:
    """A slot with a worker process, which is replaced when it is lost."""

    def __init__(self, folder: Path, number: int, limits: Limits, stop: threading.Event) -> None:
        self.note = folder / f"{number}.case"
        self.limits, self.stop = limits, stop
        self.process: Process | None = None

    def run(self, task: Callable[..., Result | Fault], *arguments: Any, tell: Tell = nobody) -> Result | Fault | Lost:
        """Call a task in the worker process; watch it until it is done, dead, or stuck on one case."""
        self.note.unlink(missing_ok=True)
        process = self.process or Process(self.note, self.limits.memory)
        self.process = process
        try:
            process.send(encoded_call(task.__name__, arguments))
            while isinstance(found := self._watch(process), bytes):
                kind, answer = decoded_answer(found, {FAULT: Fault, WHOLE: promised(task), PART: Cell})
                if kind != PART:
                    whole: Result | Fault = answer
                    return whole
                tell(answer)
        except Malformed as error:
            return self._lost(process, Verdict.CRASH, f"the worker's answer is none: {error}")
        except OSError:
            found = None
        if found is not None:
            return self._lost(process, *found)
        status = process.end()
        return self._lost(process, Verdict.CRASH, _death(status, self.limits.memory))

    def _watch(self, process: Process) -> bytes | tuple[Verdict, str] | None:
        """Return the answer of a worker, or how it was lost; None where it died."""
        watch = _Watch(time.monotonic())
        while True:
            if self.stop.is_set():
                self.close()
                raise Interrupted
            answer = process.answer(POLL)
            if answer is not None:
                return answer
            if process.gone:
                return None
            problem = watch.look(read_note(self.note, with_case=False), self.limits.timeout)
            if problem is not None:
                return problem

    def _lost(self, process: Process, verdict: Verdict, message: str) -> Lost:
        self.close()
        note = read_note(self.note, with_case=True)
        said = process.last_line()
        text = f"{message}; its last output: {said}" if said else message
        if note is None or note.law == LOADING:
            return Lost(verdict, text)
        return Lost(verdict, text, note.law, note.case, note.cases)

    def close(self) -> None:
        """Stop the worker process, with all that it started."""
        if self.process is not None:
            process, self.process = self.process, None
            process.end()


@dataclass(slots=True)
class _Watch:
    """Looks at a task's note: does it go on?"""

    since: float
    seen: tuple[int, str] = (-1, "")

    def look(self, note: Note | None, limit: float) -> tuple[Verdict, str] | None:
        """Return how the task is lost, or None while it goes on."""
        now = time.monotonic()
        seen = (-1, "") if note is None else (note.begun, note.law)
        if seen != self.seen:
            self.seen, self.since = seen, now
        begun, law = seen
        if law == LOADING:
            if now - self.since > limit:
                return Verdict.TIMEOUT, f"the target was not loaded after {limit:g} s (--timeout)"
        elif begun <= 0:
            if now - self.since > max(OWN_WORK, limit):
                return Verdict.TIMEOUT, f"no case after {max(OWN_WORK, limit):g} s"
        elif now - self.since > limit:
            return Verdict.TIMEOUT, f"no end after {limit:g} s"
        return None


def _death(status: int | str, memory: int) -> str:
    if isinstance(status, str):
        return f"the process died of {status}"
    if status == OUT_OF_MEMORY:
        return f"the process ran out of memory (limit: {memory / 2**30:.3g} GiB)"
    return f"the process exited with status {status}"
