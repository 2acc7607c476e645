"""The pytest entry: ``pytest --pyargs gradlaw_properties --target jax`` runs the laws as items."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

import pytest

from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import Settings, plan
from gradlaw_spec import SpecError, Target

GROUP = "gradlaw.targets"
"""Entry points in this group are targets: ``name = package.module:attribute``."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the laws."""
    group = parser.getgroup("gradlaw", "laws of backpropagation")
    group.addoption("--target", default="reference", help="the target on trial: an entry point of gradlaw.targets")
    group.addoption("--address", action="append", default=[], help="address pattern such as tanh/linearity@float64")
    group.addoption("--law-dtype", default=None, help="only this dtype")
    group.addoption("--law-level", default=None, help="only this level")
    group.addoption("--law-examples", type=int, default=50, help="examples a unit (default: 50)")
    group.addoption("--law-seed", type=int, default=0, help="the seed (default: 0)")
    group.addoption("--law-strict", action="store_true", help="SHOULD laws fail too")


def find_target(name: str) -> Target:
    """Return a target by its entry point; raise SpecError where there is none of that name."""
    if name == "reference":
        return reference_target()
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        raise SpecError("--target", f"target={name!r}", f"one of {', '.join(sorted(found))}", "Name one of these.")
    target = found[name].load()
    if not isinstance(target, Target):
        raise SpecError("--target", f"{name} is a {type(target).__name__}", "a gradlaw Target", "See CONTRIBUTING.md.")
    return target


def pytest_generate_tests(metafunc: Any) -> None:
    """Make one item of each cell of the plan; the cells of a unit stay together."""
    if "cell_address" not in metafunc.fixturenames:
        return
    config = metafunc.config
    try:
        target = find_target(config.getoption("--target"))
        units = plan(
            target, config.getoption("--address"), config.getoption("--law-level"), config.getoption("--law-dtype")
        )
    except (SpecError, ImportError) as error:
        raise pytest.UsageError(str(error)) from None
    items = [
        pytest.param((target, unit, law), id=address, marks=pytest.mark.xdist_group(f"{unit.subject}@{unit.dtype}"))
        for unit in units
        for law, address in zip(unit.laws, unit.addresses, strict=True)
    ]
    metafunc.parametrize("cell_address", items, scope="session")


@pytest.fixture(scope="session")
def law_settings(request: pytest.FixtureRequest) -> Settings:
    """The search settings of this run."""
    option: Any = request.config.getoption
    return Settings(option("--law-examples"), option("--law-seed"), False, option("--law-strict"))


@pytest.fixture(scope="session")
def finished() -> dict[Any, Any]:
    """The cells of the units that have run in this process."""
    return {}


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that keeps a unit's cells in one worker (``--dist loadgroup``)."""
    config.addinivalue_line("markers", "xdist_group(name): cells that share one unit's run")
