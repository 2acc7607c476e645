"""The report as a badge: a small SVG that says how many violations there are in how many cells."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from gradlaw.reports.cells import IN_FULL, fails, printable
from gradlaw.reports.report import Report
from gradlaw_spec import Verdict

FORMAT: Final = "A small SVG that says how many violations there are."
LABEL: Final = "gradlaw"
LABEL_COLOUR: Final = "#333333"
COLOURS: Final = {"holds": "#00614a", "tolerated": "#6b4e00", "fails": "#a03c00"}
LETTER: Final = 6.6
"""About how wide a letter is; ``textLength`` makes it exactly that, whichever font there is."""
PAD: Final = 8
BADGE: Final = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-labelledby="title">'
    '<title id="title">{title}</title>'
    '<rect width="{whole}" height="20" rx="3" fill="{label_colour}"/>'
    '<path d="M{left} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1 -3 3h-{inner}z" fill="{colour}"/>'
    '<g fill="#ffffff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
    '<text x="{pad}" y="14" textLength="{label_length}">{label}</text>'
    '<text x="{start}" y="14" textLength="{said_length}">{said}</text>'
    "</g></svg>\n"
)


def render(report: Report, *, strict: bool) -> bytes:
    """Return the badge of a report."""
    said = _said(report)
    label_length, said_length = round(len(LABEL) * LETTER), round(len(said) * LETTER)
    left, right = label_length + 2 * PAD, said_length + 2 * PAD
    target = f"{report.target.name} {report.target.version}"
    drawn = BADGE.format(
        whole=left + right,
        left=left,
        inner=right - 3,
        pad=PAD,
        start=left + PAD,
        label=LABEL,
        label_length=label_length,
        label_colour=LABEL_COLOUR,
        colour=COLOURS[_state(report, strict)],
        said=said,
        said_length=said_length,
        title=printable(f"{LABEL}: {target}: {said}"),
    )
    return drawn.encode("utf-8")


def _said(report: Report) -> str:
    """Return the badge's text; crashes and timeouts are in it only where there are some."""
    counts = [(verdict.value, report.summary[verdict.value]) for verdict in IN_FULL]
    parts = [_counted(count, name) for name, count in counts if count or name == Verdict.VIOLATION.value]
    return ", ".join((*parts, _counted(len(report.cells), "cell")))


def _counted(count: int, name: str) -> str:
    plural = name if count == 1 else f"{name}es" if name.endswith("sh") else f"{name}s"
    return f"{count} {plural}"


def _state(report: Report, strict: bool) -> str:
    if any(fails(cell, strict=strict) for cell in report.cells):
        return "fails"
    return "tolerated" if any(cell.verdict.is_bad for cell in report.cells) else "holds"
