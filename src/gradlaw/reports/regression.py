"""What a new run of an engine says that an old one did not: what got worse, better, is new, is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from gradlaw.reports.cells import printable, rank, said
from gradlaw.reports.report import Report
from gradlaw_spec import Address, Cell

TITLES: Final = {"worse": "bold red", "better": "bold green", "new": "", "gone": "yellow"}


@dataclass(frozen=True, slots=True)
class Regression:
    """Two reports of one engine, and each cell in which they differ."""

    old: Report
    """The earlier report."""
    new: Report
    """The later report."""
    worse: tuple[Address, ...]
    """Cells whose verdict got worse."""
    better: tuple[Address, ...]
    """Cells whose verdict got better."""
    added: tuple[Address, ...]
    """Cells that the old report has not."""
    gone: tuple[Address, ...]
    """Cells that the new report has not."""
    same: int
    """How many cells have the same verdict in both."""

    @property
    def fails(self) -> bool:
        """Whether a build should stop for it."""
        cells = _by_address(self.new)
        return bool(self.worse) or any(cells[address].verdict.is_bad for address in self.added)


def _by_address(report: Report) -> dict[Address, Cell]:
    return {Address.parse(cell.address): cell for cell in report.cells}


def make_regression(old: Report, new: Report) -> Regression:
    """Return what changed from one report to another of the same engine."""
    before, after = _by_address(old), _by_address(new)
    both = sorted(before.keys() & after.keys())
    moved = [address for address in both if said(before[address]) != said(after[address])]
    worse = {address for address in moved if rank(after[address]) < rank(before[address])}
    return Regression(
        old,
        new,
        worse=tuple(address for address in moved if address in worse),
        better=tuple(address for address in moved if address not in worse),
        added=tuple(sorted(after.keys() - before.keys())),
        gone=tuple(sorted(before.keys() - after.keys())),
        same=len(both) - len(moved),
    )


def regression_text(console: Console, found: Regression) -> None:
    """Print what changed, a line a subject, law and change."""
    before, after = _by_address(found.old), _by_address(found.new)
    old, new = found.old, found.new
    head = f"{old.target.name} {old.target.version} → {new.target.version}"
    head += f" (gradlaw {old.gradlaw} → {new.gradlaw}, law book {old.spec} → {new.spec})"
    console.print(Text(printable(head)), soft_wrap=True)
    groups = {"worse": found.worse, "better": found.better, "new": found.added, "gone": found.gone}
    for title, addresses in groups.items():
        if not addresses:
            continue
        console.print()
        console.print(Text(f"{title.capitalize()} ({len(addresses)})", style=TITLES[title]))
        lines: dict[str, list[str]] = {}
        for address in addresses:
            was, now = before.get(address), after.get(address)
            change = " → ".join(said(cell) for cell in (was, now) if cell is not None)
            name = str(Address(address.subject, address.law))
            lines.setdefault(f"{printable(name)}: {change}", []).append(printable(address.dtype))
        for line, dtypes in lines.items():
            console.print(Padding(Text(f"{line} @ {', '.join(dtypes)}"), (0, 0, 0, 2), expand=False))
    counts = ", ".join(f"{len(addresses)} {title}" for title, addresses in groups.items())
    console.print()
    console.print(Text(f"{len(after)} cells: {counts}, {found.same} the same"))
