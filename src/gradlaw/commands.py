"""The commands: what ``gradlaw check``, ``replay`` and the lists do once their options are read."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import get_args

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gradlaw import __version__
from gradlaw.addresses import check_addresses, check_witness, nothing_to_check
from gradlaw.known import BAD, known_of, load_known
from gradlaw.reports import writer
from gradlaw.reports.cells import fails
from gradlaw.reports.compare import make_matrix, matrix_html, matrix_markdown, matrix_text, read_report
from gradlaw.reports.json import Engine, Report, make_report
from gradlaw.reports.pages import Rows, print_rows
from gradlaw.reports.text import print_cell, report_text
from gradlaw.runner import Session
from gradlaw.slots import Options
from gradlaw.targets.claims import near
from gradlaw.targets.loading import BUILT_IN
from gradlaw.worker import Plan
from gradlaw_properties import Settings
from gradlaw_spec import DTYPES, SPEC_VERSION, Cell, SpecError, read_case
from gradlaw_spec.primitive import Level

NO_VIOLATION, VIOLATIONS = 0, 1


@dataclass(frozen=True, slots=True)
class Choice:
    """What is checked, and the file of each format of its report."""

    addresses: tuple[str, ...] = ()
    level: str | None = None
    dtype: str | None = None
    dry_run: bool = False
    reports: Mapping[str, Path] = field(default_factory=dict)
    known: Path | None = None

    def check(self) -> None:
        """Raise SpecError where a choice is none of the law book, or a report cannot be written."""
        check_addresses(self.addresses)
        for key, given, names in (("level", self.level, get_args(Level)), ("dtype", self.dtype, tuple(DTYPES))):
            if given is not None and given not in names:
                raise SpecError("check", f"--{key}={given!r}", f"a {key} of the law book", near(given, names))
        check_files(self.reports)


def check_files(files: Mapping[str, Path]) -> None:
    """Raise SpecError where a file cannot be written, or is to be two reports at once."""
    written: dict[Path, str] = {}
    for name, path in files.items():
        found, place = f"--{name}={str(path)!r}", path.resolve()
        if not place.parent.is_dir():
            raise SpecError("report", found, "a file in a folder that exists", "Make the folder.")
        if place.is_dir():
            raise SpecError("report", found, "a file", "That is a folder: name a file in it.")
        if not os.access(place if place.exists() else place.parent, os.W_OK):
            raise SpecError("report", found, "a file that can be written", "Mend its permissions, or name another.")
        if place in written:
            raise SpecError("report", found, f"another file than --{written[place]} has", "Name another.")
        written[place] = name


def write_file(name: str, path: Path, content: bytes) -> None:
    """Write a report's file; raise SpecError where that cannot be done after all."""
    try:
        path.write_bytes(content)
    except OSError as error:
        found = f"--{name}={str(path)!r}"
        raise SpecError("report", found, "a file that can be written", str(error.strerror)) from None


def check_target(target: str, choice: Choice, settings: Settings, options: Options) -> int:
    """Check a target, print the report, write its files; return the exit status."""
    choice.check()
    known = load_known(choice.known) if choice.known else known_of(target) if target in BUILT_IN else ()
    console = Console(file=sys.stdout, highlight=False)
    with Session(target, settings, options, known) as session:
        plan = session.plan(choice.addresses, choice.level, choice.dtype)
        if not plan.units:
            raise nothing_to_check(plan.name, choice.addresses, choice.level, choice.dtype)
        if choice.dry_run:
            for unit in plan.units:
                print("\n".join(unit.addresses))
            return NO_VIOLATION
        seed = "no seed" if settings.fuzz else f"seed {settings.seed}"
        console.print(f"gradlaw {__version__}, law book {SPEC_VERSION}: {plan.name} {plan.version}, {seed}\n")
        finished: list[Cell] = []
        try:
            cells = _run(session, plan, console, finished)
        except KeyboardInterrupt:
            # The other formats would look as if the run had come to its end.
            _write({name: file for name, file in choice.reports.items() if name == "json"}, plan, settings, finished)
            number = sum(len(unit.laws) for unit in plan.units)
            print(f"gradlaw: {len(finished)} of {number} cells were finished", file=sys.stderr)
            raise
    report = _write(choice.reports, plan, settings, cells)
    report_text(console, report.cells, strict=settings.strict)
    return VIOLATIONS if any(fails(cell, strict=settings.strict) for cell in cells) else NO_VIOLATION


def _run(session: Session, plan: Plan, console: Console, finished: list[Cell]) -> tuple[Cell, ...]:
    """Run a plan, with a progress bar on a terminal; cells are put into ``finished`` as their units end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    lock = Lock()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("cells", total=sum(len(unit.laws) for unit in plan.units))

        def on_cells(cells: tuple[Cell, ...]) -> None:
            with lock:
                finished.extend(cells)
                progress.update(task, advance=len(cells))

        return session.check(plan, on_cells)


def _write(files: Mapping[str, Path], plan: Plan, settings: Settings, cells: Sequence[Cell]) -> Report:
    """Make the report of a run, write each of its files, and return it."""
    seed = None if settings.fuzz else settings.seed
    report = make_report(__version__, Engine(plan.name, plan.version), seed, cells)
    for name, path in files.items():
        write_file(name, path, writer(name)(report, strict=settings.strict))
    return report


def compare_reports(paths: tuple[Path, ...], html: Path | None, markdown: Path | None) -> int:
    """Print the matrix of reports, and write its files; return the exit status."""
    files = {name: path for name, path in (("html", html), ("markdown", markdown)) if path is not None}
    check_files(files)
    matrix = make_matrix(tuple((path, read_report(path)) for path in paths))
    views = {"html": matrix_html, "markdown": matrix_markdown}
    for name, path in files.items():
        write_file(name, path, views[name](matrix))
    matrix_text(Console(file=sys.stdout, highlight=False), matrix)
    return NO_VIOLATION


def replay_witness(path: Path, target: str | None, options: Options) -> int:
    """Replay a witness and print its cell; return the exit status."""
    case = read_case(path)
    check_witness(case, str(path))
    chosen = target or case.target
    if not chosen:
        raise SpecError(f"{path}: $.target", "target=''", "the target that it is a witness of", "Give --target.")
    console = Console(file=sys.stdout, highlight=False)
    with Session(chosen, Settings(), options) as session:
        session.plan()
        cell = session.replay(case)
    print_cell(console, cell)
    return VIOLATIONS if cell.verdict in BAD else NO_VIOLATION


def list_rows(rows: Rows, *, as_json: bool) -> int:
    """Print rows as a table or as JSON."""
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode())
    else:
        print_rows(Console(file=sys.stdout, highlight=False), rows)
    return NO_VIOLATION
