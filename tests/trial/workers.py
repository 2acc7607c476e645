"""One primitive after the other, each in a process: its wrong engines are asked about, and what is found is noted."""

from __future__ import annotations

import json
import os
import signal
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from killing import Judge, Seen, drawn, forget, remember
from same_function import Right, compare
from sources import Changed, all_changed

KILLED, LIVES, ENDLESS, UNMADE = "killed", "lives", "no end", "not made"
PROOFS: Final = ("same", "rounding", "inside", "refuses", "partly refuses")
"""What says that a change is none that a law should see."""
SECONDS: Final = 60
"""How long one engine may be asked at one seed; one that does not end is seen."""
FRESH: Final = range(1000, 1010)
"""The seeds of the cases beside those of the laws, at which an engine is compared with the right one."""
FRESH_CASES: Final = 8
Noted = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """A primitive at a seed, where notes go, and when to stop (as `time.time` tells)."""

    subject: str
    seed: int
    journal: Path
    until: float


class _NoEnd(BaseException):
    """An engine takes too long; no ``except Exception`` of what judges it catches this."""


def read(journal: Path) -> list[Noted]:
    """Return what is noted; a line that a run did not finish is none."""
    if not journal.exists():
        return []
    found = []
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def work(task: Task) -> tuple[int, bool]:
    """Ask about the engines of a primitive that nothing is noted of; return how many, and whether all are done."""
    remember()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    notes = [note for note in read(task.journal) if note["subject"] == task.subject]
    done = {note["name"] for note in notes if note["seed"] == task.seed}
    proved = {note["name"]: note for note in notes if note["outcome"] in PROOFS}
    waiting = [one for one in all_changed(task.subject) if one.name not in done]
    asked = 0
    if waiting:
        bench = _Bench(task)
        for one in waiting:
            if time.time() > task.until:
                return asked, False
            _note(task.journal, bench.ask(one, proved.get(one.name)))
            asked += 1
    forget()
    return asked, True


def _note(journal: Path, note: Noted) -> None:
    """Append one line by one write, so that several processes may."""
    line = json.dumps(note, ensure_ascii=False, sort_keys=True) + "\n"
    handle = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


class _Bench:
    """Where the engines of one primitive are asked about at one seed."""

    def __init__(self, task: Task) -> None:
        self.task, self.judge = task, Judge(task.subject, task.seed)
        self.cases = (*self.judge.cases, *(case for seed in FRESH for case in drawn(task.subject, seed, FRESH_CASES)))
        self.rights: dict[str, Right] = {}

    def ask(self, one: Changed, proof: Noted | None) -> Noted:
        """Return what becomes of an engine; what is ``proved`` at another seed holds here too."""
        note: Noted = {"subject": one.subject, "name": one.name, "kind": one.kind, "seed": self.task.seed}
        try:
            with _limited(SECONDS):
                return {**note, **self._ask(one, proof)}
        except _NoEnd:
            return {**note, "outcome": ENDLESS}

    def _ask(self, one: Changed, proof: Noted | None) -> Noted:
        try:
            rules = one.rules()
        except Exception as error:
            return {"outcome": UNMADE, "why": f"{type(error).__name__}: {error}"[:200]}
        right = self.rights.setdefault(one.where, Right(one.right()))
        seen = self.judge.judge(rules, right.rules, one.where, first=True)
        if seen.law:
            return _killed(seen)
        if proof is not None:
            return {"outcome": proof["outcome"], "why": proof["why"]}
        found = compare(rules, right, self.cases)
        if found.outcome in PROOFS and found.outcome != "inside":
            return {"outcome": found.outcome, "why": found.told()}
        later = self.judge.judge(rules, right.rules, one.where, first=False)
        if later.law:
            return _killed(Seen(later.law, later.examples, seen.calls + later.calls, seen.refused, later.message))
        if found.outcome == "inside":
            return {"outcome": "inside", "why": found.told()}
        return {"outcome": LIVES, "why": found.different[:600], "refused": seen.refused}


def _killed(seen: Seen) -> Noted:
    return {
        "outcome": KILLED,
        "law": seen.law,
        "examples": seen.examples,
        "calls": seen.calls,
        "why": seen.message[:120],
    }


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: Any) -> None:
        raise _NoEnd

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def latest(notes: list[Noted]) -> Mapping[tuple[str, int], Noted]:
    """Return the last note of each engine at each seed."""
    return {(note["name"], note["seed"]): note for note in notes}
