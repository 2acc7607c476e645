"""The report as GitHub flavoured Markdown, for the summary of a job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gradlaw.reports.causes import addresses_text, causes
from gradlaw.reports.cells import GLYPHS, asked, clause_of, fails, rank, said
from gradlaw.reports.code import case_text
from gradlaw.reports.markdown import fenced, span
from gradlaw.reports.report import Report
from gradlaw_spec import Cell, Verdict

FORMAT: Final = "Markdown for the summary of a job."
MOST_BYTES: Final = 900_000
"""GitHub refuses a summary of more than 1024 KiB."""


def render(report: Report, *, strict: bool) -> bytes:
    """Return a report as Markdown: counts, then what is wrong in full, as much of it as a summary may have."""
    bad = sorted((cell for cell in report.cells if cell.verdict.is_bad), key=rank)
    blocks = list(_opening(report, strict))
    size = sum(len(block.encode()) for block in blocks)
    for number, cell in enumerate(bad):
        block = _cell_block(cell)
        size += len(block.encode())
        if size > MOST_BYTES:
            blocks.append(f"And {len(bad) - number} more, which the other reports have in full.")
            break
        blocks.append(block)
    return ("\n\n".join(blocks) + "\n").encode()


def _opening(report: Report, strict: bool) -> Iterator[str]:
    failed = sum(fails(cell, strict=strict) for cell in report.cells)
    outcome = (
        f"**{failed} of {len(report.cells)} cells fail**" if failed else f"**None of {len(report.cells)} cells fails**"
    )
    yield f"## gradlaw: {span(f'{report.target.name} {report.target.version}')}"
    seed = "no seed" if report.seed is None else f"seed {report.seed}"
    yield f"{outcome}. gradlaw {span(report.gradlaw)}, law book {span(report.spec)}, {seed}."
    for remark in report.target.remarks:
        title, _, text = remark.removesuffix(".").partition(": ")
        yield f"{title}: {span(text)}."
    bad = [cell for cell in report.cells if cell.verdict.is_bad]
    found = causes(report.cells, bad)
    if len(found) < len(bad):
        heading = f"{len(bad)} cells are bad, of {len(found)} {'cause' if len(found) == 1 else 'causes'}:"
        told = (f"- {span(cause.heading)}; {span(addresses_text(cause.cells))}" for cause in found)
        yield "\n".join((heading, "", *told))
    rows = [f"| {GLYPHS[Verdict(name)]} {name} | {count} |" for name, count in report.summary.items() if count]
    yield "\n".join(("| verdict | cells |", "|---|---:|", *rows))


def _cell_block(cell: Cell) -> str:
    tolerated = "" if asked(cell) == "MUST" else f" ({asked(cell)})"
    parts = [f"### {GLYPHS[cell.verdict]} {said(cell)}: {span(cell.address)}{tolerated}", clause_of(cell)]
    if cell.witness is not None:
        parts.append(fenced(case_text(cell.witness.case)))
    parts.append(fenced(cell.message, "text"))
    if cell.script:
        parts += ["To see it, as the law ran it:", fenced(cell.script, "python")]
    return "\n\n".join(parts)
