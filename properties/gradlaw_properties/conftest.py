"""The pytest entry: ``pytest --pyargs gradlaw_properties --target jax`` runs the laws as items."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from gradlaw_properties.examine import Settings, Unit
from gradlaw_spec import Cell, SpecError


class Runner(Protocol):
    """What runs the laws on the target: in processes of its own, so that no target can end pytest."""

    name: str
    units: tuple[Unit, ...]

    def examine(self, unit: Unit) -> tuple[Cell, ...]:
        """Return the cells of a unit."""
        ...


class Hooks:
    """What a plugin adds to the laws as pytest items."""

    @pytest.hookspec(firstresult=True)
    def pytest_gradlaw_known(self, target: str, cell: Cell) -> str | None:
        """Return the reason of a known deviation that explains a violation, or None."""

    @pytest.hookspec(firstresult=True)
    def pytest_gradlaw_runner(self, config: pytest.Config, settings: Settings) -> Runner | None:
        """Return what runs the laws on the target that was asked for; raise SpecError where there is none."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let packages above this one run the target, and say what is known."""
    pluginmanager.add_hookspecs(Hooks)


def option(config: pytest.Config, name: str, default: Any) -> Any:
    """Return an option of the laws, which the plugin ``gradlaw.pytest_plugin`` adds to the command line."""
    return config.getoption(f"gradlaw_{name}", default)


def pytest_generate_tests(metafunc: Any) -> None:
    """Make one item of each cell of the plan; the cells of a unit stay together."""
    if "cell_address" not in metafunc.fixturenames:
        return
    config = metafunc.config
    settings = Settings(option(config, "examples", 50), option(config, "seed", 0))
    try:
        runner = config.hook.pytest_gradlaw_runner(config=config, settings=settings)
    except SpecError as error:
        raise pytest.UsageError(str(error)) from None
    if runner is None:
        raise pytest.UsageError("the laws need the plugin gradlaw.pytest_plugin, which comes with gradlaw")
    items = [
        pytest.param((runner, unit, law), id=address, marks=pytest.mark.xdist_group(f"{unit.subject}@{unit.dtype}"))
        for unit in runner.units
        for law, address in zip(unit.laws, unit.addresses, strict=True)
    ]
    metafunc.parametrize("cell_address", items, scope="session")


@pytest.fixture(scope="session")
def finished() -> dict[Any, Any]:
    """The cells of the units that have run in this process."""
    return {}


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that keeps a unit's cells in one worker (``--dist loadgroup``)."""
    config.addinivalue_line("markers", "xdist_group(name): cells that share one unit's run")
