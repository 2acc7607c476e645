"""What every report says of a cell: its law, level and keyword, whether it fails a run, and its text made safe."""

from __future__ import annotations

from typing import Final

from gradlaw_properties import clause_text
from gradlaw_spec import Address, Cell, Severity, Verdict, load_laws, load_primitives
from gradlaw_spec.text import printable as printable

IN_FULL: Final = tuple(verdict for verdict in Verdict if verdict.is_bad)
"""The verdicts that say that a law does not hold."""
ORDER: Final = (
    Verdict.VIOLATION,
    Verdict.CRASH,
    Verdict.TIMEOUT,
    Verdict.KNOWN,
    Verdict.STALE,
    Verdict.INCONCLUSIVE,
    Verdict.UNSUPPORTED,
    Verdict.FIXED,
    Verdict.PASS,
)
"""The verdicts, the worst first."""
FROM_A_LIST: Final = (Verdict.KNOWN, Verdict.FIXED, Verdict.STALE)
"""What a list of known deviations says of a cell, whether or not a point was judged."""
GLYPHS: Final = {
    Verdict.PASS: "✓",
    Verdict.VIOLATION: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.UNSUPPORTED: "–",
    Verdict.KNOWN: "◆",
    Verdict.FIXED: "★",
    Verdict.STALE: "○",
    Verdict.CRASH: "!",
    Verdict.TIMEOUT: "…",
}


def subject_of(cell: Cell) -> str:
    """Return what a cell's law was asked of: a primitive's name, or ``program``."""
    return Address.parse(cell.address).subject


def law_of(cell: Cell) -> str:
    """Return the law of a cell's address."""
    return Address.parse(cell.address).law


def dtype_of(cell: Cell) -> str:
    """Return the dtype of a cell's address."""
    return Address.parse(cell.address).dtype


def level_of(cell: Cell) -> str:
    """Return the level of a cell's primitive; random programs are their own."""
    page = load_primitives().get(subject_of(cell))
    return subject_of(cell) if page is None else page.level


def keyword(cell: Cell) -> str:
    """Return MUST, SHOULD or MAY, as the cell's law says."""
    law = load_laws().get(law_of(cell))
    return "MUST" if law is None else law.keyword


def clause_of(cell: Cell) -> str:
    """Return the keyword, id and text of the clause that a cell is about, in one line."""
    return f"{keyword(cell)} {cell.clause}: {clause_text(cell)}"


def said(cell: Cell) -> str:
    """Return a cell's verdict, with the severity of a violation."""
    return f"{cell.verdict.value}, {cell.severity.value}" if cell.severity else cell.verdict.value


def is_rounding(cell: Cell) -> bool:
    """Whether a violation is one of the last digits alone: told, and a SHOULD whatever the law."""
    return cell.severity is Severity.DIGITS


def asked(cell: Cell) -> str:
    """Return the cell's keyword, and SHOULD where only the last digits are wrong."""
    return "SHOULD" if is_rounding(cell) else keyword(cell)


def fails(cell: Cell, *, strict: bool) -> bool:
    """Whether a cell makes a run fail: a law that MUST hold does not, or with ``strict`` one that SHOULD."""
    return cell.verdict.is_bad and (strict or asked(cell) == "MUST")


def says_something(cell: Cell) -> bool:
    """Whether a cell tells of its engine: a point was decided, something is wrong, or a list knows of it."""
    return cell.points > cell.inconclusive or cell.verdict.is_bad or cell.verdict in FROM_A_LIST


def rank(cell: Cell) -> tuple[int, bool, int]:
    """Return where a cell comes in a list that has the worst first: by verdict, MUST, and severity."""
    severities = list(Severity)
    severity = severities.index(cell.severity) if cell.severity else 0
    return ORDER.index(cell.verdict), asked(cell) != "MUST", severity
