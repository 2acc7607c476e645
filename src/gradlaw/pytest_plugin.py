"""The plugin behind ``pytest --pyargs gradlaw_properties --target NAME``: its options, and what is known.

pytest reads options before it looks into packages that ``--pyargs`` names, so they are added here, and only where that
package is asked for: other sessions keep their own ``--target``.
"""

from __future__ import annotations

import os
import sys

import pytest

from gradlaw_spec import Cell


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
    add("--law-strict", dest="gradlaw_strict", action="store_true", help="laws that SHOULD hold fail too")


@pytest.hookimpl(optionalhook=True)
def pytest_gradlaw_known(target: str, cell: Cell) -> str | None:
    """Return the reason of the known deviation of a target that explains a cell."""
    from gradlaw.known import explains, known_of

    entry = explains(known_of(target), cell)
    return None if entry is None else entry.deviation.reason
