"""The text report: a summary table, what was not judged, what is known, and each violation in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from gradlaw.messages import first_line
from gradlaw.reports.causes import Cause, addresses_text, causes
from gradlaw.reports.cells import asked, clause_of, fails, is_rounding, keyword, law_of, said
from gradlaw.reports.code import case_text
from gradlaw_spec import Address, Cell, Verdict

STYLES: Final = {
    Verdict.PASS: "green",
    Verdict.VIOLATION: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.UNSUPPORTED: "dim",
    Verdict.KNOWN: "yellow",
    Verdict.FIXED: "bold green",
    Verdict.STALE: "yellow",
    Verdict.CRASH: "bold red",
    Verdict.TIMEOUT: "bold red",
}
SHORT: Final = {Verdict.INCONCLUSIVE: "inconcl.", Verdict.UNSUPPORTED: "unsupp."}


def report_text(console: Console, cells: Sequence[Cell], *, strict: bool) -> None:
    """Print the report of a run."""
    console.print(summary_table(cells))
    _grouped(console, cells, Verdict.UNSUPPORTED, "Unsupported")
    partly = (replace(cell, message=cell.refused, verdict=Verdict.UNSUPPORTED) for cell in cells if cell.refused)
    _grouped(console, partly, Verdict.UNSUPPORTED, "Partly unsupported (some cases are refused)")
    _grouped(console, cells, Verdict.INCONCLUSIVE, "Inconclusive")
    for verdict, title in ((Verdict.KNOWN, "Known"), (Verdict.FIXED, "Fixed"), (Verdict.STALE, "Stale")):
        _grouped(console, cells, verdict, title)
    rounding = [cell for cell in cells if is_rounding(cell) and not strict]
    if rounding:
        _rounding(console, rounding)
    # What a MUST forbids comes last: nearest to where a terminal ends up.
    found = causes(cells, (cell for cell in cells if cell.verdict.is_bad and cell not in rounding))
    for cause in reversed(found):
        console.print()
        print_cell(console, cause.worst)
    if any(len(cause.cells) > 1 for cause in found):
        _causes(console, found)
    console.print()
    if wide := undecided(cells):
        console.print(Text(wide, style="dim"))
    console.print(verdict_line(cells, strict=strict))


def summary_table(cells: Sequence[Cell]) -> Table:
    """Return how many cells of each law have which verdict."""
    present = [verdict for verdict in Verdict if any(cell.verdict is verdict for cell in cells)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("law")
    for verdict in present:
        table.add_column(SHORT.get(verdict, verdict.value), justify="right", style=STYLES[verdict])
    rows: dict[str, Counter[Verdict]] = {}
    for cell in cells:
        law = law_of(cell)
        name = law if keyword(cell) == "MUST" else f"{law} (SHOULD)"
        rows.setdefault(name, Counter())[cell.verdict] += 1
    for name, counts in sorted(rows.items()):
        table.add_row(name, *(str(counts[verdict] or "") for verdict in present))
    if len(rows) > 1:
        total = Counter(cell.verdict for cell in cells)
        table.add_row("all", *(str(total[verdict]) for verdict in present), style="bold")
    return table


def _grouped(console: Console, cells: Iterable[Cell], verdict: Verdict, title: str) -> None:
    """Print the cells of a verdict, those with one reason together."""
    reasons: dict[str, dict[str, list[Address]]] = {}
    missing: dict[str, list[str]] = {}
    for cell in cells:
        if cell.verdict is verdict:
            address = Address.parse(cell.address)
            subject = address.subject
            reason = first_line(cell.message)
            if reason.endswith(f" has no {subject}"):
                missing.setdefault(reason.removesuffix(subject), []).append(subject)
            else:
                reasons.setdefault(reason, {}).setdefault(subject, []).append(address)
    if not reasons and not missing:
        return
    console.print()
    console.print(Text(title, style=STYLES[verdict]))
    for reason, lacked in missing.items():
        console.print(_indented(f"{reason}{', '.join(dict.fromkeys(lacked))}", 2))
    for reason, subjects in reasons.items():
        console.print(_indented(reason, 2))
        alike: dict[str, list[str]] = {}
        for subject, found in subjects.items():
            alike.setdefault(_compact(found), []).append(subject)
        for addresses, named in alike.items():
            console.print(_indented(f"{', '.join(named)}: {addresses}", 4, "dim"))


def _rounding(console: Console, cells: Iterable[Cell]) -> None:
    """Print what is wrong in the last digits alone, a line a subject."""
    subjects: dict[str, list[Cell]] = {}
    for cell in cells:
        subjects.setdefault(Address.parse(cell.address).subject, []).append(cell)
    console.print()
    console.print(Text("Rounding (the last digits, or an underflow: fails with --strict)", style=STYLES[Verdict.STALE]))
    for subject, found in subjects.items():
        units = [cell.finding.ulps for cell in found if cell.finding is not None]
        far = f"{max(units):.2g} ulps" if units and max(units) >= 1 else "less than 1 ulp"
        addresses = [Address.parse(cell.address) for cell in found]
        console.print(_indented(f"{subject}, {far}: {_compact(addresses)}", 2))


def _causes(console: Console, found: Sequence[Cause]) -> None:
    """Print what is to blame, each with what it shows and the cells that follow from it."""
    console.print()
    count = "1 cause" if len(found) == 1 else f"{len(found)} causes, the worst first"
    console.print(Text(f"{count} (above, the worst cell of each; all with --html)", style="bold"))
    for cause in found:
        console.print(_indented(cause.heading, 2, STYLES[cause.worst.verdict]))
        console.print(_indented(first_line(cause.worst.message), 4))
        if rest := cause.cells[1:]:
            cells = "1 cell more" if len(rest) == 1 else f"{len(rest)} cells more"
            console.print(_indented(f"{cells}: {addresses_text(rest)}", 4, "dim"))


def _indented(text: str, indent: int, style: str = "") -> Padding:
    return Padding(Text(text, style=style), (0, 0, 0, indent), expand=False)


def _compact(addresses: Sequence[Address]) -> str:
    """Write law and dtype of addresses with each dtype once, where a dtype has the same laws as another too."""
    by_dtype: dict[str, list[str]] = {}
    for address in addresses:
        by_dtype.setdefault(address.dtype, []).append(address.law)
    by_laws: dict[tuple[str, ...], list[str]] = {}
    for dtype, laws in by_dtype.items():
        by_laws.setdefault(tuple(laws), []).append(dtype)
    parts = []
    for same, dtypes in by_laws.items():
        named = ", ".join(same) if len(same) <= 6 else f"{len(same)} laws"
        parts.append(f"{named} @ {', '.join(dtypes)}")
    return "; ".join(parts)


def print_cell(console: Console, cell: Cell) -> None:
    """Print one cell in full: address, clause, program with its values, message and script."""
    style = STYLES[cell.verdict if asked(cell) == "MUST" else Verdict.STALE]
    console.print(Rule(Text(f"{said(cell)}: {cell.address}", style=style), align="left"))
    console.print(Text(clause_of(cell)))
    if cell.witness is not None:
        console.print()
        _code(console, case_text(cell.witness.case).splitlines())
    console.print()
    console.print(Text(cell.message))
    if cell.script:
        console.print("\nTo see it, as the law ran it:\n")
        _code(console, cell.script.splitlines())


def _code(console: Console, lines: Iterable[str]) -> None:
    """Print lines that are to be copied: they are never broken."""
    for line in lines:
        console.print(f"    {escape(line)}", soft_wrap=True, highlight=False)


def verdict_line(cells: Sequence[Cell], *, strict: bool) -> Text:
    """Return the last line: how many cells, and what is wrong."""
    counts = Counter(cell.verdict for cell in cells)
    said = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
    tolerated = sum(cell.verdict.is_bad and not fails(cell, strict=strict) for cell in cells)
    note = f" ({tolerated} of a SHOULD: fails with --strict)" if tolerated else ""
    failed = any(fails(cell, strict=strict) for cell in cells)
    return Text(f"{len(cells)} cells: {said}{note}", style="bold red" if failed else "bold green")


def undecided(cells: Iterable[Cell]) -> str:
    """Return the share of all points at which the set was too wide to say anything; empty where there is none."""
    counts = [(cell.inconclusive, cell.points) for cell in cells]
    wide, points = sum(one for one, _ in counts), sum(other for _, other in counts)
    return f"undecided: {100 * wide / points:.2g} % of {points} points" if wide else ""
