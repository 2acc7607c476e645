"""gradlaw: know whether a gradient is right."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gradlaw.targets import functional_target, load_target, tape_target
from gradlaw_spec import SpecError, Target, Unsupported

__version__ = version("gradlaw")

if TYPE_CHECKING:
    from gradlaw.circuits.explanation import Explanation
    from gradlaw.explaining import explain

__all__ = [
    "Explanation",
    "SpecError",
    "Target",
    "Unsupported",
    "__version__",
    "explain",
    "functional_target",
    "load_target",
    "tape_target",
]


def __getattr__(name: str) -> Any:
    """Import what explains when it is first asked for, so that ``import gradlaw`` stays quick."""
    if name == "explain":
        from gradlaw.explaining import explain

        return explain
    if name == "Explanation":
        from gradlaw.circuits.explanation import Explanation

        return Explanation
    raise AttributeError(f"module 'gradlaw' has no attribute {name!r}")
