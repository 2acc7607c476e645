"""The supervisor of one worker: it starts it in a process group of its own, and ends all that it left behind.

Run as ``python supervisor.py LIVES STATUS COMMAND …``. LIVES is the end of a pipe of which the run holds the other:
when that closes, however the run ended (kill -9 too), the worker and its children are killed. STATUS is where the
worker's process id is written, and later its exit status. It imports nothing of gradlaw, so that it starts at once.

On Linux it adopts what the worker's children leave behind, in whatever session, and kills them too; elsewhere it
kills the worker's process group.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress

SET_CHILD_SUBREAPER = 36
ROUNDS = 200
"""Looks at what is left: something that starts new processes all the time is killed again and again, not for ever."""


def adopt() -> None:
    """Become the parent of all orphans among the descendants, where the system can (Linux)."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(command: list[str], closed: tuple[int, ...]) -> int:
    """Start a command in a session of its own; return its process id."""
    process = os.fork()
    if process:
        return process
    try:
        os.setsid()
        for descriptor in closed:
            os.close(descriptor)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.execv(command[0], command)
    finally:
        os._exit(127)


def children() -> list[int]:
    """Return the processes whose parent is this one, where the system tells (Linux)."""
    found = []
    with suppress(OSError):
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/children") as file:
                found += [int(word) for word in file.read().split()]
    return found


def sweep(group: int) -> None:
    """Kill a process group, and every orphan that was adopted, until none is left."""
    for _ in range(ROUNDS):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        for process in children():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def watch(lives: int, worker: int, ended: int) -> int | None:
    """Wait until the worker ends, and return its status; None where the run ended before."""
    while True:
        found, status = os.waitpid(worker, os.WNOHANG)
        if found:
            return status
        ready, _, _ = select.select([lives, ended], [], [])
        if lives in ready:
            return None
        os.read(ended, 4096)
        with suppress(ChildProcessError):  # orphans that ended
            for process in children():
                if process != worker:
                    os.waitpid(process, os.WNOHANG)


def main() -> None:
    """Start the worker, wait for it or for the end of the run, and clean up."""
    lives, told = int(sys.argv[1]), int(sys.argv[2])
    # What a terminal or a shell sends is for the run, which ends its workers itself.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    ends, end = os.pipe()
    os.set_blocking(ends, False)
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    adopt()
    worker = start(sys.argv[3:], (lives, told, ends, end))
    for standard in (0, 1, 2):  # the worker alone holds them, so that they close with it
        os.close(standard)
    os.write(told, f"{worker}\n".encode())
    status = watch(lives, worker, ends)
    sweep(worker)
    if status is not None:
        with suppress(OSError):
            os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
