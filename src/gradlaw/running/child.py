"""A worker process: it reads tasks, runs them on the target, and writes what came of them.

Run as ``python -m gradlaw.running.child ANSWERS NOTE MEMORY``: the pipe that it answers on, the file of the case in
flight, and a limit in bytes. Tasks come on standard input; what the target prints goes where standard output goes.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from gradlaw.running.wire import FAULT, MOST, PART, WHOLE, decoded_call, encoded, read_message, write_message
from gradlaw.running.worker import TASKS, Fault, WorkerContext, limit_memory


def main() -> None:
    """Work until nobody gives a task any more."""
    answers, note, memory = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    tasks = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.set_inheritable(answers, False)
    home, leave, write = os.getpid(), os._exit, write_message  # what a target may replace
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    limit_memory(memory)
    context = WorkerContext(note, memory, lambda cell: write(answers, encoded((PART, cell))))
    while (message := read_message(tasks)) is not None:
        task, arguments = decoded_call(message, TASKS)
        found = task(context, *arguments)
        content = _answer(found)
        if os.getpid() != home:  # a copy that the target made with os.fork, and that came back to our code
            leave(0)
        write(answers, content)
    leave(0)


def _answer(found: object) -> bytes:
    try:
        content = encoded((FAULT if isinstance(found, Fault) else WHOLE, found))
    except Exception:
        return encoded((FAULT, Fault(traceback.format_exc(), "own")))
    if len(content) > MOST:
        return encoded((FAULT, Fault(f"the answer has {len(content)} bytes; more than {MOST} are not read", "left")))
    return content


if __name__ == "__main__":
    main()
