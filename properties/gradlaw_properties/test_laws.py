"""Each cell of a target's plan as one pytest item: ``pytest --pyargs gradlaw_properties --target NAME``."""

from __future__ import annotations

from typing import Any

import pytest

from gradlaw_properties.examine import Unit
from gradlaw_properties.laws import all_laws
from gradlaw_spec import Address, Cell, Severity, Verdict, load_clauses


def test_law(
    cell_address: tuple[Any, Unit, str],
    finished: dict[Unit, Any],
    request: pytest.FixtureRequest,
) -> None:
    """The cell's law holds in every example; a SHOULD law only fails a strict run, a known deviation none."""
    runner, unit, law = cell_address
    if unit not in finished:
        finished[unit] = {cell.address: cell for cell in runner.examine(unit)}
    cell: Cell = finished[unit][str(Address(unit.subject, law, unit.dtype))]
    if cell.verdict in (Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE):
        pytest.skip(f"{cell.verdict.value}: {cell.message}")
    if cell.verdict.is_bad:
        known = request.config.hook.pytest_gradlaw_known(target=runner.name, cell=cell)
        if known:
            pytest.xfail(f"known: {known}")
        text = f"{cell.address}: {cell.message}\n{load_clauses()[cell.clause].text}\nwitness: {cell.witness}"
        must = all_laws()[law].page.keyword == "MUST" and cell.severity is not Severity.DIGITS
        if must or request.config.getoption("gradlaw_strict", False):
            pytest.fail(text, pytrace=False)
        pytest.xfail(f"SHOULD: {text}")
