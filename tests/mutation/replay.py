"""Replay defects of this project's own source, one at a time, and say which of them the tests do not see.

``python tests/mutation/replay.py [--only WORD ...] [--jobs N]``: each entry of ``defects.toml`` is planted in a copy of
the source tree, and its own few tests run against that. A defect that lets them pass has survived.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DEFECTS: Final = Path(__file__).with_name("defects.toml")
SOURCES: Final = ("spec", "reference_impl", "properties", "src")
"""The folders that are put on Python's path."""
COPIED: Final = (*SOURCES, "known", "tests", "pyproject.toml")
TIMEOUT: Final = 180.0
"""Seconds that the tests of one defect may take; a defect that makes them hang is seen."""
NO_TESTS: Final = (3, 4, 5)
"""pytest's exit statuses where no test has said anything."""
SURVIVED, STALE, BROKEN, EQUIVALENT, KILLED = "survived", "stale", "broken", "equivalent", "killed"
FAILING: Final = (SURVIVED, STALE, BROKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A mistake in one place of the source, and the tests that should see it.

    ``old`` occurs once in ``file``, and ``new`` stands in its place; ``breaks`` says what is wrong then. Where nothing
    is, ``equivalent`` has the proof.
    """

    name: str
    file: str
    old: str
    new: str
    breaks: str
    tests: tuple[str, ...] = ()
    equivalent: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a defect."""

    defect: Defect
    outcome: str
    seconds: float
    seen_by: str = ""


def read_defects(path: Path = DEFECTS) -> tuple[Defect, ...]:
    """Read the list; raise TypeError for a key that no defect has."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["defect"]
    return tuple(Defect(**{**table, "tests": tuple(table.get("tests", ()))}) for table in tables)


def chosen(defects: Iterable[Defect], words: Sequence[str]) -> tuple[Defect, ...]:
    """Return the defects whose name or file has one of some words in it; all, without any."""
    return tuple(one for one in defects if not words or any(word in f"{one.name} {one.file}" for word in words))


def copied(root: Path, folder: Path) -> Path:
    """Copy what the tests need into a folder."""
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
        else:
            shutil.copy2(root / name, folder / name)
    return folder


def write(path: Path, text: str) -> None:
    """Write a source, and forget what Python has compiled of it: two versions may have one size and second."""
    path.write_text(text, encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink(missing_ok=True)


@contextmanager
def planted(folder: Path, defect: Defect) -> Iterator[None]:
    """Plant a defect in a copy, and mend it afterwards."""
    path = folder / defect.file
    right = path.read_text(encoding="utf-8")
    write(path, right.replace(defect.old, defect.new))
    try:
        yield
    finally:
        write(path, right)


def is_stale(folder: Path, defect: Defect) -> bool:
    """Whether the text of a defect does not occur once any more."""
    path = folder / defect.file
    return not path.is_file() or path.read_text(encoding="utf-8").count(defect.old) != 1


def run_tests(folder: Path, tests: Sequence[str], timeout: float | None) -> tuple[int | None, str]:
    """Run tests on a copy, up to the first that fails; return pytest's exit status (None: no end), and its output."""
    path = os.pathsep.join(str(folder / name) for name in SOURCES)
    variables = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *tests],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=timeout)
        return process.returncode, said
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def replay(folder: Path, defect: Defect) -> Replayed:
    """Plant a defect in a copy and run its tests."""
    begin = time.monotonic()
    if is_stale(folder, defect):
        return Replayed(defect, STALE, 0.0)
    if defect.equivalent:
        return Replayed(defect, EQUIVALENT, 0.0)
    with planted(folder, defect):
        status, said = run_tests(folder, defect.tests, TIMEOUT)
    seconds = time.monotonic() - begin
    if status in NO_TESTS:
        return Replayed(defect, BROKEN, seconds)
    seen_by = next((line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))), "no end")
    return Replayed(defect, KILLED, seconds, seen_by) if status != 0 else Replayed(defect, SURVIVED, seconds)


def replayed(defects: Sequence[Defect], jobs: int) -> Iterator[Replayed]:
    """Replay defects, each on the copy of one job; raise SystemExit where the tests fail without any defect."""
    with TemporaryDirectory(prefix="defects-") as scratch:
        folders = SimpleQueue[Path]()
        for number in range(jobs):
            folders.put(copied(ROOT, Path(scratch) / str(number)))

        def run(defect: Defect) -> Replayed:
            folder = folders.get()
            try:
                return replay(folder, defect)
            finally:
                folders.put(folder)

        tests = sorted({test for defect in defects if not defect.equivalent for test in defect.tests})
        folder = folders.get()
        status, said = run_tests(folder, tests, None) if tests else (0, "")
        folders.put(folder)
        if status != 0:
            raise SystemExit(f"{said}\nthe tests fail without any defect")
        with ThreadPoolExecutor(jobs) as threads:
            yield from threads.map(run, defects)


def row(found: Replayed) -> str:
    """Return a defect as a row of a table."""
    defect = found.defect
    breaks = (defect.equivalent or defect.breaks).replace("|", "\\|")
    return f"| {found.outcome} | {defect.name} | {defect.file} | {breaks} | {found.seconds:.1f} s |"


def main() -> int:
    """Replay defects and print a table; return 1 where one has survived, or is none any more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], help="a word of names or files; may be repeated")
    parser.add_argument("--jobs", type=int, default=1, help="how many copies of the source tree work at once")
    asked = parser.parse_args()
    defects = chosen(read_defects(), asked.only)
    print("| outcome | defect | file | what it breaks | time |\n|---|---|---|---|---:|")
    outcomes = []
    for found in replayed(defects, max(1, asked.jobs)):
        outcomes.append(found.outcome)
        print(row(found), flush=True)
    counts = [f"{outcomes.count(name)} {name}" for name in (KILLED, EQUIVALENT, *FAILING)]
    print(f"\n{len(outcomes)} defects: {', '.join(counts)}")
    return int(any(outcome in FAILING for outcome in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
