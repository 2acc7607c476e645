"""What a check returns: its cells, how many elements were judged, and what it could have found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradlaw.own.batching import CLAUSE
from gradlaw.own.power import Power
from gradlaw_spec import Cell, dtype


@dataclass(frozen=True)
class Result:
    """What a check found of a kernel that breaks no law; as text, a line for each input and dtype."""

    name: str
    """What the definition is called."""
    cells: Mapping[str, tuple[Cell, ...]]
    """The cells of each dtype, one a law."""
    power: tuple[Power, ...] = field(default=())
    """What could have been found, for each input and dtype."""
    rows: Mapping[str, str] = field(default_factory=dict)
    """For each dtype what differs between a row alone and in a batch, where that was asked; empty: nothing."""

    @property
    def points(self) -> int:
        """How many elements were judged."""
        return sum(cell.points for cells in self.cells.values() for cell in cells)

    @property
    def undecided(self) -> int:
        """How many of them lie in sets that are too wide to say anything."""
        return sum(cell.inconclusive for cells in self.cells.values() for cell in cells)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a wrong backward could do and pass."""
        found = []
        for one in self.power:
            where = f"{self.name}@{one.dtype}: a gradient of {one.input} that"
            if one.zeros:
                found.append(f"{where} is zero everywhere would have passed")
            elif one.constant:
                found.append(f"{where} ignores the cotangent would have passed")
        return tuple(found)

    def __str__(self) -> str:
        share = 100 * self.undecided / max(self.points, 1)
        lines = [f"{self.name}: {self.points} elements judged, {share:.2g} % undecided"]
        for one in self.power:
            least = max(one.smallest, dtype(one.dtype).unit_roundoff)
            small, typical = f"{least:.2g}", f"{max(one.typical, least):.2g}"
            found = f"  gradient of {one.input}@{one.dtype}: a relative error of {small} would have been rejected"
            lines.append(f"{found} (of {typical} at the median element)")
        for name, differs in self.rows.items():
            told = f"{CLAUSE}\n    {differs}" if differs else "rows are bit for bit the same, alone and in a batch"
            lines.append(f"  {name}: {told}")
        return "\n".join((*lines, *(f"  warning: {warning}" for warning in self.warnings)))
