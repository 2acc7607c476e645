"""``gradlaw compare``: what reports say, side by side."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from gradlaw.commands import NO_VIOLATION
from gradlaw.commands.files import check_files, write_file
from gradlaw.reports.compare import make_matrix, matrix_html, matrix_markdown, matrix_text, read_report


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
