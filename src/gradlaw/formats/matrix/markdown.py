"""The matrix as GitHub flavoured Markdown."""

from __future__ import annotations

from typing import Final

from gradlaw.reports.cells import GLYPHS
from gradlaw.reports.markdown import in_table, span
from gradlaw.reports.matrix import Entry, Matrix

FORMAT: Final = "A table in Markdown."


def render(matrix: Matrix) -> bytes:
    """Return the matrix of all laws as a table in GitHub flavoured Markdown, then what is wrong by law."""
    names = [" ".join(in_table(part) for part in (e.name, e.version, e.file) if part) for e in matrix.engines]
    head = f"| | {' | '.join(names)} |\n|---|{'---|' * len(names)}"
    rows = [
        f"| {in_table(subject)} | {' | '.join(map(_counts, entries))} |" for subject, entries in matrix.rows.items()
    ]
    notes = [f"Note: {span(note)}" for note in matrix.notes]
    return ("\n\n".join(("## gradlaw compare", *notes, "\n".join((head, *rows)))) + "\n").encode()


def _counts(entry: Entry | None) -> str:
    if entry is None:
        return ""
    worst, count = entry.counts[0]
    return f"{GLYPHS[worst]} {worst.value} {count} of {entry.total}"
