"""The report as plain text, as ``gradlaw check`` prints it."""

from __future__ import annotations

from io import StringIO
from typing import Final

from rich.console import Console

from gradlaw.reports.cells import printable
from gradlaw.reports.report import Report
from gradlaw.reports.text import report_text

FORMAT: Final = "Plain text, as it is printed."
WIDTH: Final = 100


def render(report: Report, *, strict: bool) -> str:
    """Return a report as lines of text."""
    written = StringIO()
    console = Console(file=written, width=WIDTH, highlight=False, color_system=None)
    seed = "no seed" if report.seed is None else f"seed {report.seed}"
    console.print(f"gradlaw {report.gradlaw}, law book {report.spec}: ", end="", markup=False)
    console.print(f"{report.target.name} {report.target.version}, {seed}\n", markup=False)
    for remark in report.target.remarks:
        console.print(f"{remark}\n", markup=False)
    report_text(console, report.cells, strict=strict)
    return printable(written.getvalue())
