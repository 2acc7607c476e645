"""Slots: each runs one task after the other, in a worker process of its own or in this process.

A worker that dies, exits, hangs or eats memory is told of as `Lost`, with the case that was in flight; a new one
takes its place.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from pebble import ProcessExpired, ProcessPool

from gradlaw.requests import Limits
from gradlaw.running.heartbeat import Note, read_note
from gradlaw.running.worker import OUT_OF_MEMORY, Fault, WorkerContext, send_output
from gradlaw_spec import Case, Verdict

Result = TypeVar("Result")
POLL: Final = 0.1
"""Seconds between two looks at a running task."""
LOADING: Final = 180.0
"""Seconds that a target may take to load."""


class Interrupted(Exception):
    """The run was stopped from outside."""


@dataclass(frozen=True, slots=True)
class Lost:
    """How a task was lost: a crash or a timeout, why, the law and case in heartbeat, and how many cases had begun."""

    verdict: Verdict
    message: str
    law: str = ""
    case: Case | None = None
    cases: int = 0


class Slot(Protocol):
    """Runs one task at a time."""

    def run(self, task: Callable[..., Result | Fault], *arguments: Any) -> Result | Fault | Lost:
        """Call ``task(context, *arguments)``."""
        ...

    def close(self) -> None:
        """Give the slot up."""
        ...


class InProcess:
    """A slot that runs tasks in this process."""

    def run(self, task: Callable[..., Result | Fault], *arguments: Any) -> Result | Fault | Lost:
        """Call a task here."""
        return task(WorkerContext(), *arguments)

    def close(self) -> None:
        """Do nothing."""


class WorkerProcess:
    """A slot with a worker process, which is replaced when it is lost."""

    def __init__(self, folder: Path, number: int, limits: Limits, stop: threading.Event) -> None:
        self.note, self.output = folder / f"{number}.case", folder / f"{number}.output"
        self.limits, self.stop = limits, stop
        self.pool: ProcessPool | None = None

    def run(self, task: Callable[..., Result | Fault], *arguments: Any) -> Result | Fault | Lost:
        """Call a task in the worker process; watch it until it is done, dead, or stuck on one case."""
        pool = self.pool or ProcessPool(
            max_workers=1, context=get_context("spawn"), initializer=send_output, initargs=[self.output]
        )
        self.pool = pool
        self.note.unlink(missing_ok=True)
        context = WorkerContext(self.note, self.output, self.limits.memory)
        future: Future[Result | Fault] = pool.schedule(task, args=(context, *arguments))
        found = self._watch(future)
        if isinstance(found, Lost):
            self.close()
        return found

    def _watch(self, future: Future[Result | Fault]) -> Result | Fault | Lost:
        watch = _Watch(time.monotonic())
        while True:
            if self.stop.is_set():
                self._lost(Verdict.TIMEOUT, "interrupted")
                raise Interrupted
            try:
                return future.result(timeout=POLL)
            except TimeoutError:
                problem = watch.look(read_note(self.note, with_case=False), self.limits.timeout)
                if problem is not None:
                    return self._lost(*problem)
            except ProcessExpired as error:
                return self._lost(Verdict.CRASH, _death(error.exitcode, self.limits.memory))
            except (BrokenProcessPool, CancelledError, OSError) as error:
                return self._lost(Verdict.CRASH, f"the worker process was lost ({type(error).__name__})")

    def _lost(self, verdict: Verdict, message: str) -> Lost:
        note = read_note(self.note, with_case=True)
        if note is not None:
            _kill(note.process)
        said = _last_line(self.output)
        text = f"{message}; its last output: {said}" if said else message
        return Lost(verdict, text) if note is None else Lost(verdict, text, note.law, note.case, note.cases)

    def close(self) -> None:
        """Stop the worker process."""
        if self.pool is not None:
            pool, self.pool = self.pool, None
            with suppress(RuntimeError, OSError):
                pool.stop()
                pool.join()


@dataclass(slots=True)
class _Watch:
    """Looks at a task's note: does it go on, and does its process live?"""

    since: float
    begun: int = -1
    gone: int = 0

    def look(self, note: Note | None, limit: float) -> tuple[Verdict, str] | None:
        """Return how the task is lost, or None while it goes on."""
        now = time.monotonic()
        begun = -1 if note is None else note.begun
        if begun != self.begun:
            self.begun, self.since = begun, now
        if begun <= 0:
            if now - self.since > max(LOADING, limit):
                return Verdict.TIMEOUT, f"the target was not loaded after {max(LOADING, limit):g} s"
        elif now - self.since > limit:
            return Verdict.TIMEOUT, f"no end after {limit:g} s"
        self.gone = self.gone + 1 if note is not None and not _alive(note.process) else 0
        return (Verdict.CRASH, "the process exited with status 0") if self.gone > 3 else None


def _alive(process: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _kill(process: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))


def _death(status: int, memory: int) -> str:
    if status == OUT_OF_MEMORY:
        return f"the process ran out of memory (limit: {memory / 2**30:.3g} GiB)"
    if status < 0:
        with suppress(ValueError):
            return f"the process died of {signal.Signals(-status).name}"
    return f"the process exited with status {status}"


def _last_line(path: Path) -> str:
    try:
        lines = path.read_bytes()[-4096:].decode(errors="replace").split("\n")
    except OSError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    return "".join(letter for letter in said[-1] if letter.isprintable())[:200] if said else ""
