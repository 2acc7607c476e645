"""One worker process, as the run holds it: its supervisor, its pipes, and the end of what it prints."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from gradlaw.running import supervisor
from gradlaw.running.wire import Inbox, write_message
from gradlaw_spec.text import one_line

TAIL: Final = 4096
"""Bytes that are kept of what a worker prints."""
PATIENCE: Final = 10.0
"""Seconds that a supervisor may take to clean up."""


class Process:
    """A worker process in a group of its own, which ends with this object, or with the process that holds it."""

    def __init__(self, note: Path, memory: int) -> None:
        answers, answering = os.pipe()
        lives, self._lives = os.pipe()
        self._told, telling = os.pipe()
        command = [sys.executable, "-m", "gradlaw.running.child", str(answering), str(note), str(memory)]
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", supervisor.__file__, str(lives), str(telling), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(answering, lives, telling),
            start_new_session=True,
        )
        for theirs in (answering, lives, telling):
            os.close(theirs)
        self._inbox = Inbox(answers)
        self.gone = False
        self._status: int | str | None = None
        self._tail = b""
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()

    def send(self, content: bytes) -> None:
        """Give the worker a task; raise OSError where it is gone."""
        assert self._supervisor.stdin is not None
        write_message(self._supervisor.stdin.fileno(), content)

    def answer(self, seconds: float) -> bytes | None:
        """Return the worker's answer, if it comes within some seconds; ``gone`` says that none will come."""
        end = time.monotonic() + seconds
        while (found := self._inbox.message()) is None:
            rest = end - time.monotonic()
            if rest <= 0 or not select.select([self._inbox.descriptor], [], [], rest)[0]:
                return None
            if not self._inbox.take():
                self.gone = True
                return None
        return found

    def end(self) -> int | str:
        """End the worker and all that it started; return its exit status, or the signal that it died of."""
        if self._status is None:
            self._status = self._end()
        return self._status

    def _end(self) -> int | str:
        # A worker that is gone has left its status with the supervisor; one that lives is killed when the pipe closes.
        words = self._words(1.0 if self.gone else 0.0)
        os.close(self._lives)
        words = words if len(words) > 1 else [*words, *self._words(PATIENCE)]
        if len(words) < 2 and words:  # the supervisor was killed: the group is left to us
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(int(words[0]), signal.SIGKILL)
        if self._supervisor.poll() is None:
            try:
                self._supervisor.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._supervisor.kill()
                self._supervisor.wait()
        self._reader.join(1.0)
        os.close(self._told)
        os.close(self._inbox.descriptor)
        for stream in (self._supervisor.stdin, self._supervisor.stdout):
            if stream is not None and not (stream is self._supervisor.stdout and self._reader.is_alive()):
                with suppress(OSError):
                    stream.close()
        return _named(int(words[1])) if len(words) > 1 else "SIGKILL"

    def _words(self, seconds: float) -> list[str]:
        """Return what the supervisor said since: the process id of the worker, and its exit status when it has one."""
        said, end = b"", time.monotonic() + seconds
        while select.select([self._told], [], [], max(0.0, end - time.monotonic()))[0]:
            piece = os.read(self._told, 64)
            if not piece:
                break
            said += piece
            if seconds and said.count(b"\n") > 1:
                break
        return said.decode(errors="replace").split()

    def _read_output(self) -> None:
        """Keep the end of what the worker prints, however much that is."""
        assert self._supervisor.stdout is not None
        descriptor = self._supervisor.stdout.fileno()
        with suppress(OSError):
            while piece := os.read(descriptor, 2**16):
                self._tail = (self._tail + piece)[-TAIL:]

    def last_line(self) -> str:
        """Return the last line that the worker printed; or nothing."""
        lines = self._tail.decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return one_line(said[-1], 200) if said else ""


def _named(status: int) -> int | str:
    """Return an exit status, or the name of the signal that stands behind a negative one."""
    if status >= 0:
        return status
    with suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"
