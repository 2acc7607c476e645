"""The plugin behind ``pytest --pyargs gradlaw_properties --target NAME``: its options, and what is known.

pytest reads options before it looks into packages that ``--pyargs`` names, so they are added here, and only where that
package is asked for: other sessions keep their own ``--target``.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gradlaw_spec import Cell

if TYPE_CHECKING:
    from gradlaw_properties import Settings, Unit


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the laws to a session that runs them."""
    if "PYTEST_XDIST_WORKER" not in os.environ and not any("gradlaw_properties" in item for item in sys.argv):
        return
    group = parser.getgroup("gradlaw", "laws of backpropagation")
    add = group.addoption
    add("--target", dest="gradlaw_target", default="reference", help="the target on trial (gradlaw targets)")
    add("--address", dest="gradlaw_address", action="append", default=[], help="such as tanh/linearity@float64")
    add("--law-dtype", dest="gradlaw_dtype", default=None, help="only this dtype")
    add("--law-level", dest="gradlaw_level", default=None, help="only this level")
    add("--law-examples", dest="gradlaw_examples", type=int, default=50, help="cases a primitive and dtype (50)")
    add("--law-seed", dest="gradlaw_seed", type=int, default=0, help="the seed (0)")
    add("--law-timeout", dest="gradlaw_timeout", type=float, default=60.0, help="seconds a case may take (60)")
    add("--law-strict", dest="gradlaw_strict", action="store_true", help="laws that SHOULD hold fail too")


class WorkerRunner:
    """Runs the laws on a target in a worker process."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        from gradlaw.requests import Limits, Request, default_memory
        from gradlaw.running.session import Session, UsageError

        option: Any = config.getoption  # each has the type that its definition gives it
        request = Request(
            target=option("gradlaw_target"),
            addresses=tuple(option("gradlaw_address")),
            level=option("gradlaw_level"),
            dtype=option("gradlaw_dtype"),
        )
        request.check()
        limits = Limits(jobs=1, timeout=option("gradlaw_timeout"), memory=default_memory())
        self._session = Session(request.target, settings, limits)
        self._session.__enter__()
        config.add_cleanup(lambda: self._session.__exit__(None, None, None))
        try:
            plan = self._session.plan(request)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        self._plan = plan
        self.name, self.units = plan.name, plan.units

    def examine(self, unit: Unit) -> tuple[Cell, ...]:
        """Return the cells of a unit; a target that takes its process down is a crash in them."""
        return self._session.check(replace(self._plan, units=(unit,)))


@pytest.hookimpl(optionalhook=True)
def pytest_gradlaw_runner(config: pytest.Config, settings: Settings) -> WorkerRunner:
    """Return what runs the laws on the target that was asked for."""
    return WorkerRunner(config, settings)


@pytest.hookimpl(optionalhook=True)
def pytest_gradlaw_known(target: str, cell: Cell) -> str | None:
    """Return the reason of the known deviation of a target that explains a cell."""
    from gradlaw.known import explains, known_of

    entry = explains(known_of(target), cell)
    return None if entry is None else entry.deviation.reason
