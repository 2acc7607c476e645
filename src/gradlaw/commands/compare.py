"""``gradlaw compare``: engines side by side, or what changed from one report of an engine to the next."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from gradlaw.commands import NO_VIOLATION, VIOLATIONS
from gradlaw.commands.files import absolute, check_files, write_files
from gradlaw.formats import rendered
from gradlaw.formats.matrix.text import print_matrix
from gradlaw.formats.reading import read_report
from gradlaw.reports.matrix import make_matrix
from gradlaw.reports.regression import make_regression, regression_text


def compare_reports(paths: tuple[Path, ...], files: Mapping[str, Path]) -> int:
    """Print the matrix of reports, or what changed where two are of one engine; write files; return the exit status."""
    check_files(files)
    files = absolute(files)
    reports = tuple((path, read_report(path)) for path in paths)
    matrix = make_matrix(reports)
    write_files(files, lambda name: rendered("matrix", name, matrix))
    console = Console(file=sys.stdout, highlight=False)
    for path, report in reports:
        if not report.finished:
            console.print(Text(f"{path}: the run did not finish; what is missing was not judged\n"), soft_wrap=True)
    names = [report.target.name for _, report in reports]
    if len(names) != 2 or names[0] != names[1]:
        print_matrix(console, matrix)
        return NO_VIOLATION
    found = make_regression(reports[0][1], reports[1][1])
    regression_text(console, found)
    return VIOLATIONS if found.fails else NO_VIOLATION
