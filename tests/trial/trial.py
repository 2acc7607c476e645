"""The trial: wrong engines made by changing the syntax of every rule, formula and composition of the reference.

``python tests/trial/trial.py [PRIMITIVE ...] [--seed N ...] [--jobs N] [--minutes M]`` asks gradlaw's own laws about
each, as ``gradlaw check`` does, at its default number of examples. It goes on where an earlier run stopped, and writes
``results/trial/reference.toml`` of all that is known. It returns 1 where an engine lives that is no right one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from sources import all_changed
from summary import read_equivalents, summarised, write
from workers import Task, latest, read, work

from gradlaw_spec import load_primitives

ROOT: Final = Path(__file__).resolve().parents[2]
RESULTS: Final = ROOT / "results" / "trial" / "reference.toml"
"""In a folder of its own: what stands beside it are verdicts, which ``gradlaw compare results/*.toml`` reads."""
SOURCES: Final = ("spec", "reference_impl", "properties", "tests/trial")
SEEDS: Final = (0, 1, 2)


def fingerprint() -> str:
    """Return a name of all that an engine's fate depends on: the law book, the reference, the laws and this trial."""
    text = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".md") and "__pycache__" not in path.parts:
                text.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return text.hexdigest()[:16]


def run(subjects: Sequence[str], seeds: Sequence[int], journal: Path, jobs: int, minutes: float) -> None:
    """Ask about the engines of some primitives, in so many processes, until the time is up."""
    until = time.time() + minutes * 60
    tasks = [Task(subject, seed, journal, until) for seed in seeds for subject in subjects]
    with ProcessPoolExecutor(jobs, max_tasks_per_child=None) as pool:
        waiting = {pool.submit(work, task): task for task in tasks}
        for future in as_completed(waiting):
            task, (asked, whole) = waiting[future], future.result()
            if asked:
                print(f"{task.subject} at seed {task.seed}: {asked} engines{'' if whole else ', and more'}", flush=True)


def main() -> int:
    """Run the trial, or a part of it; write what is known, and say what lives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("primitives", nargs="*", help="which primitives (none: all)")
    parser.add_argument("--seed", type=int, action="append", help="a seed; may be repeated (0, 1 and 2)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (as many as there are cores)")
    parser.add_argument("--minutes", type=float, default=1e6, help="stop after so long; the next run goes on")
    parser.add_argument("--journal", type=Path, help="where notes are kept (.trial/, anew for each version)")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    journal = asked.journal or ROOT / ".trial" / f"{fingerprint()}.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    if unknown := sorted(set(asked.primitives) - load_primitives().keys()):
        parser.error(f"primitives={unknown}; expected names of primitives")
    run(asked.primitives or list(load_primitives()), asked.seed or SEEDS, journal, max(1, asked.jobs), asked.minutes)
    made = {subject: [one.name for one in all_changed(subject)] for subject in load_primitives()}
    summary = summarised(latest(read(journal)).values(), read_equivalents(), made)
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    write(summary, asked.results)
    print(summary.told())
    return int(bool(summary.survivors))


if __name__ == "__main__":
    raise SystemExit(main())
