"""The report as one HTML page: what was found, each violation with its number line, script and witness, every cell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markupsafe import Markup

from gradlaw.formats.explanation.svg import case_picture
from gradlaw.messages import first_line
from gradlaw.reports import page
from gradlaw.reports.cells import (
    IN_FULL,
    asked,
    clause_of,
    dtype_of,
    fails,
    law_of,
    level_of,
    rank,
)
from gradlaw.reports.code import case_text
from gradlaw.reports.number_line import number_line, scaled, spoken
from gradlaw.reports.page import anchor, data_url, link
from gradlaw.reports.report import Report
from gradlaw.reports.text import verdict_line
from gradlaw_properties.judge import distance_text
from gradlaw_spec import Case, Cell, Finding, Verdict, encode_witness

FORMAT: Final = "One HTML page that needs no network, to read, filter and search."
MOST_OPEN: Final = 3
"""Where more cells than these are told in full, the reader opens each."""
NOTHING: Final = Markup("")
Draw = Callable[[Case], Markup]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finding as a page shows it."""

    line: Markup
    """The number line."""
    notes: tuple[str, ...]
    """What is not to scale in it."""
    what: str
    """Which output or gradient, and which element."""
    got: str
    """What was given, in words."""
    admissible: str
    """What may be, in words."""
    distance: str
    """How far apart they are, in words."""


@dataclass(frozen=True, slots=True)
class Row:
    """A cell as the table shows it, and as it is filtered."""

    cell: Cell
    """The cell."""
    anchor: str
    """The id of its element."""
    link: str
    """The URL of that element."""
    level: str
    """Its primitive's level."""
    law: str
    """Its law."""
    dtype: str
    """Its dtype."""
    reason: str
    """Why its verdict is not pass, in one line."""
    search: str
    """What is searched, in small letters."""


@dataclass(frozen=True, slots=True)
class Told:
    """A cell that is told in full."""

    row: Row
    """The cell as the table has it."""
    keyword: str
    """Its law's keyword; SHOULD where only the last digits are wrong."""
    clause: Markup
    """The clause that it is about."""
    program: str = ""
    """The program of its witness, as text."""
    picture: Markup = NOTHING
    """The circuit of its witness."""
    drawn: Drawn | None = None
    """Its finding."""
    witness: str = ""
    """Its witness in JSON."""
    file: str = ""
    """What the file of its witness is called."""
    url: str = ""
    """The URL that downloads it."""


def render(report: Report, *, strict: bool, draw: Draw = case_picture) -> bytes:
    """Return the page of a report.

    ``draw`` draws a witness's program; what it returns goes into the page as it is, so it escapes by itself.
    """
    rows = tuple(_row(cell) for cell in report.cells)
    ordered = sorted(rows, key=lambda row: rank(row.cell))
    titled = {"Violations": IN_FULL, "Known deviations": (Verdict.KNOWN,)}
    groups = [
        (title, [_told_in_full(row, draw) for row in ordered if row.cell.verdict in verdicts])
        for title, verdicts in titled.items()
    ]
    groups = [(title, group) for title, group in groups if group]
    return page.render(
        "report.html",
        report=report,
        line=verdict_line(report.cells, strict=strict).plain,
        failed=any(fails(cell, strict=strict) for cell in report.cells),
        groups=groups,
        told_in_full={told.row.anchor for _, group in groups for told in group},
        opened=sum(row.cell.verdict.is_bad for row in rows) <= MOST_OPEN,
        rows=rows,
        filters=_filters(report, rows),
    )


def _row(cell: Cell) -> Row:
    reason = "" if cell.verdict is Verdict.PASS else first_line(cell.message)
    return Row(
        cell=cell,
        anchor=anchor(cell.address),
        link=link(cell.address),
        level=level_of(cell),
        law=law_of(cell),
        dtype=dtype_of(cell),
        reason=reason,
        search=f"{cell.address} {reason}".lower(),
    )


def _filters(report: Report, rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Return what there is to choose from, and how many cells each choice shows."""
    return {
        "verdict": {name: count for name, count in report.summary.items() if count},
        "level": dict(Counter(row.level for row in rows)),
        "law": dict(sorted(Counter(row.law for row in rows).items())),
        "dtype": dict(Counter(row.dtype for row in rows)),
    }


def _told_in_full(row: Row, draw: Draw) -> Told:
    cell, witness = row.cell, row.cell.witness
    drawn = None if cell.finding is None else _drawn(cell.finding)
    if witness is None:
        return Told(row, asked(cell), _inline(clause_of(cell)), drawn=drawn)
    written = encode_witness(witness)
    return Told(
        row=row,
        keyword=asked(cell),
        clause=_inline(clause_of(cell)),
        program=case_text(witness.case),
        picture=draw(witness.case),
        drawn=drawn,
        witness=written.decode("utf-8"),
        file=re.sub(r"[^\w.]+", "-", cell.address) + ".json",
        url=data_url(written),
    )


@cache
def _inline(text: str) -> Markup:
    """Return one line of Markdown rendered; HTML in it stays text."""
    return Markup(MarkdownIt("commonmark", {"html": False}).renderInline(text))


def _drawn(finding: Finding) -> Drawn:
    place = ", ".join(str(i) for i in finding.index)
    ends = f"[{spoken(finding.low)}, {spoken(finding.high)}]"
    single = finding.low == finding.high
    admissible = (
        f"exactly {spoken(finding.low)}" if finding.width == 0 else f"within an ulp of {ends}" if single else ends
    )
    away = distance_text(finding)
    return Drawn(
        line=number_line(finding),
        notes=scaled(finding).notes,
        what=f"{finding.what}[{place}]" if place else finding.what,
        got=spoken(finding.got),
        admissible=admissible,
        distance=away,
    )
