"""The pytest entry: ``pytest --pyargs gradlaw_properties --target jax`` runs the laws as items."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

import pytest

from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import Settings, plan
from gradlaw_spec import Cell, SpecError, Target

GROUP = "gradlaw.targets"
"""Entry points in this group are targets: ``name = package.module:attribute``."""


class Hooks:
    """What a plugin may add to the laws as pytest items."""

    @pytest.hookspec(firstresult=True)
    def pytest_gradlaw_known(self, target: str, cell: Cell) -> str | None:
        """Return the reason of a known deviation that explains a violation, or None."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let packages above this one say what is known."""
    pluginmanager.add_hookspecs(Hooks)


def option(config: pytest.Config, name: str, default: Any) -> Any:
    """Return an option of the laws, which the plugin ``gradlaw.pytest_plugin`` adds to the command line."""
    return config.getoption(f"gradlaw_{name}", default)


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
        target = find_target(option(config, "target", "reference"))
        units = plan(
            target, option(config, "address", []), option(config, "level", None), option(config, "dtype", None)
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
    config = request.config
    return Settings(option(config, "examples", 50), option(config, "seed", 0))


@pytest.fixture(scope="session")
def finished() -> dict[Any, Any]:
    """The cells of the units that have run in this process."""
    return {}


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that keeps a unit's cells in one worker (``--dist loadgroup``)."""
    config.addinivalue_line("markers", "xdist_group(name): cells that share one unit's run")
