"""``gradlaw compare``: engines side by side, or what changed from one report of an engine to the next."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from gradlaw.commands import NO_VIOLATION, VIOLATIONS
from gradlaw.commands.files import check_files, write_file
from gradlaw.reports.compare import make_matrix, matrix_html, matrix_markdown, matrix_text, read_report
from gradlaw.reports.regression import make_regression, regression_text


def compare_reports(paths: tuple[Path, ...], html: Path | None, markdown: Path | None) -> int:
    """Print the matrix of reports, or what changed where two are of one engine; write files; return the exit status."""
    files = {name: path for name, path in (("html", html), ("markdown", markdown)) if path is not None}
    check_files(files)
    reports = tuple((path, read_report(path)) for path in paths)
    matrix = make_matrix(reports)
    views = {"html": matrix_html, "markdown": matrix_markdown}
    for name, path in files.items():
        write_file(name, path, views[name](matrix))
    console = Console(file=sys.stdout, highlight=False)
    names = [report.target.name for _, report in reports]
    if len(names) != 2 or names[0] != names[1]:
        matrix_text(console, matrix)
        return NO_VIOLATION
    found = make_regression(reports[0][1], reports[1][1])
    regression_text(console, found)
    return VIOLATIONS if found.fails else NO_VIOLATION
