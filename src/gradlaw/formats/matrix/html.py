"""The matrix as one HTML page."""

from __future__ import annotations

from typing import Final

from gradlaw.reports import page
from gradlaw.reports.matrix import ALL, Matrix, differs

FORMAT: Final = "One HTML page, in which one chooses a law."


def render(matrix: Matrix) -> bytes:
    """Return the matrix as a page in which one chooses a law."""
    laws = {law: law if matrix.keywords[law] == "MUST" else f"{law} ({matrix.keywords[law]})" for law in matrix.by_law}
    return page.render(
        "compare.html",
        matrix=matrix,
        everything=ALL,
        laws=laws,
        tables={ALL: matrix.rows, **matrix.by_law},
        differs=differs,
    )
