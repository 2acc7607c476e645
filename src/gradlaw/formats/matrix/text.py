"""The matrix as plain text: 80 columns have room for four engines."""

from __future__ import annotations

from io import StringIO
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradlaw.reports.cells import GLYPHS, printable
from gradlaw.reports.matrix import Entry, Matrix
from gradlaw.reports.text import SHORT, STYLES

FORMAT: Final = "Plain text, as it is printed."
WIDTH: Final = 100


def render(matrix: Matrix) -> str:
    """Return the matrix of all laws as lines of text."""
    written = StringIO()
    print_matrix(Console(file=written, width=WIDTH, highlight=False, color_system=None), matrix)
    return written.getvalue()


def print_matrix(console: Console, matrix: Matrix) -> None:
    """Print the matrix of all laws."""
    for note in matrix.notes:
        console.print(Text(f"Note: {printable(note)}"))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for engine in matrix.engines:
        lines = (engine.name, engine.version, engine.file)
        table.add_column(Text("\n".join(printable(line) for line in lines if line)), overflow="fold")
    for subject, entries in matrix.rows.items():
        table.add_row(Text(printable(subject)), *(_short(entry) for entry in entries))
    console.print(table)
    console.print(Text("\nThe worst verdict of each primitive's cells, and how many have it.", style="dim"))


def _short(entry: Entry | None) -> Text:
    if entry is None:
        return Text("")
    worst, count = entry.counts[0]
    return Text(f"{GLYPHS[worst]} {SHORT.get(worst, worst.value)} {count}", style=STYLES[worst])
