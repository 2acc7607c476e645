"""``gradlaw check``: a target's cells run, their report is printed, and its files are written."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import MappingProxyType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from gradlaw import __version__
from gradlaw.commands import NO_VIOLATION, VIOLATIONS
from gradlaw.commands.files import absolute, check_files, write_files
from gradlaw.formats import rendered, renderer
from gradlaw.known import KnownDeviation, known_of, load_known
from gradlaw.reports.cells import fails, says_something
from gradlaw.reports.report import Engine, Report, make_report
from gradlaw.reports.text import report_text
from gradlaw.requests import Limits, Request
from gradlaw.running.journal import Journal, journal_of, run_key
from gradlaw.running.session import OwnFault, Session, UsageError
from gradlaw.running.worker import Plan
from gradlaw.targets.loading import BUILT_IN
from gradlaw_properties import Settings
from gradlaw_spec import SPEC_VERSION, Cell, SpecError


def list_addresses(request: Request, limits: Limits) -> int:
    """Print the addresses that a request asks for; return the exit status."""
    request.check()
    with Session(request.target, Settings(), limits) as session:
        for unit in _planned(session, request).units:
            print("\n".join(unit.addresses))
    return NO_VIOLATION


def check_target(request: Request, settings: Settings, limits: Limits, reports: Mapping[str, Path]) -> int:
    """Check a target, print the report, write its files (by format); return the exit status."""
    request.check()
    if request.resume and "json" not in reports:
        raise SpecError("check", "--resume without --json", "the report to go on with", "Add --json FILE.")
    check_files(reports)
    reports = absolute(reports)
    for name in reports:  # one that cannot be written is told before the run
        renderer("report", name)
    shipped = known_of(request.target) if request.target in BUILT_IN else ()
    known = load_known(request.known) if request.known else shipped
    console = Console(file=sys.stdout, highlight=False)
    with Session(request.target, settings, limits, known) as session:
        plan = _planned(session, request)
        seed = "no seed" if settings.fuzz else f"seed {settings.seed}"
        console.print(Text(f"gradlaw {__version__}, law book {SPEC_VERSION}: {plan.name} {plan.version}, {seed}\n"))
        for remark in engine_of(plan).remarks:
            console.print(Text(f"{remark}\n"))
        journal = _journal(request, plan, settings, known, reports)
        finished = {} if journal is None else dict(journal.cells)
        try:
            cells = _run(session, plan, console, finished, journal)
        except (KeyboardInterrupt, OwnFault, UsageError) as error:
            if isinstance(error, UsageError) and not finished:
                raise
            # The other formats would look as if the run had come to its end.
            files = {name: file for name, file in reports.items() if name == "json"}
            _write(files, _report(plan, settings, tuple(finished.values()), finished=False), request)
            number = sum(len(unit.laws) for unit in plan.units)
            print(f"gradlaw: {len(finished)} of {number} cells were finished", file=sys.stderr)
            raise
    report = _report(plan, settings, cells)
    report_text(console, report.cells, strict=request.strict)
    _write(reports, report, request)
    if journal is not None:
        journal.close(finished=True)
    if any(fails(cell, strict=request.strict) for cell in cells):
        return VIOLATIONS
    if not any(says_something(cell) for cell in cells):
        cure = "Look above for what is unsupported, and why."
        raise SpecError("check", "no point that could be judged", "at least one", cure)
    return NO_VIOLATION


def _planned(session: Session, request: Request) -> Plan:
    """Return the plan of a request; raise SpecError where it has no cell."""
    plan = session.plan(request)
    if not plan.units:
        raise request.nothing_to_check(plan.name)
    return plan


def _journal(
    request: Request,
    plan: Plan,
    settings: Settings,
    known: tuple[KnownDeviation, ...],
    reports: Mapping[str, Path],
) -> Journal | None:
    """Return the journal of a run, beside its report in JSON; None where it has none."""
    place = reports.get("json")
    if place is not None and (place.is_file() or not place.exists()):
        path = journal_of(place)
        return Journal.start(path, run_key(request.target, plan, settings, known), resume=request.resume)
    return None


def _run(
    session: Session, plan: Plan, console: Console, finished: dict[str, Cell], journal: Journal | None
) -> tuple[Cell, ...]:
    """Run a plan, with a progress bar on a terminal; cells are put into ``finished`` and the journal as they end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    lock = Lock()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        total = sum(len(unit.laws) for unit in plan.units)
        task = progress.add_task("cells", total=total, completed=len(finished))

        def on_cell(cell: Cell) -> None:
            with lock:
                finished[cell.address] = cell
                progress.update(task, completed=len(finished))
                if journal is not None:
                    journal.add(cell)

        return session.check(plan, on_cell, MappingProxyType(dict(finished)))


def engine_of(plan: Plan) -> Engine:
    """Return what a report says of the target of a plan."""
    return Engine(plan.name, plan.version, dict(plan.accuracies), plan.found)


def _report(plan: Plan, settings: Settings, cells: Sequence[Cell], *, finished: bool = True) -> Report:
    seed = None if settings.fuzz else settings.seed
    return make_report(__version__, engine_of(plan), seed, cells, finished=finished)


def _write(files: Mapping[str, Path], report: Report, request: Request) -> None:
    """Write the files of a report."""
    write_files(files, lambda name: rendered("report", name, report, strict=request.strict))
