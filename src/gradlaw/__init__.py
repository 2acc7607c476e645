"""gradlaw: know whether a gradient is right."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from gradlaw.targets import functional_target, load_target, tape_target
from gradlaw_spec import SpecError, Target, Unsupported

__version__ = version("gradlaw")

if TYPE_CHECKING:
    from gradlaw.circuits.explanation import Explanation
    from gradlaw.explaining import explain
    from gradlaw.own import xp
    from gradlaw.own.checking import Violation, check
    from gradlaw.own.decorating import checks
    from gradlaw.own.given import assert_gradient
    from gradlaw.own.power import PowerWarning
    from gradlaw.own.recording import record
    from gradlaw.own.tracing.reference import trace

__all__ = [
    "Explanation",
    "PowerWarning",
    "SpecError",
    "Target",
    "Unsupported",
    "Violation",
    "__version__",
    "assert_gradient",
    "check",
    "checks",
    "explain",
    "functional_target",
    "load_target",
    "record",
    "tape_target",
    "trace",
    "xp",
]


_LATER: Final = {
    "explain": ("gradlaw.explaining", "explain"),
    "Explanation": ("gradlaw.circuits.explanation", "Explanation"),
    "assert_gradient": ("gradlaw.own.given", "assert_gradient"),
    "check": ("gradlaw.own.checking", "check"),
    "checks": ("gradlaw.own.decorating", "checks"),
    "Violation": ("gradlaw.own.checking", "Violation"),
    "PowerWarning": ("gradlaw.own.power", "PowerWarning"),
    "record": ("gradlaw.own.recording", "record"),
    "trace": ("gradlaw.own.tracing.reference", "trace"),
    "xp": ("gradlaw.own.xp", ""),
}
"""What is imported when it is first asked for, so that ``import gradlaw`` stays quick: module, and name in it."""


def __getattr__(name: str) -> Any:
    """Import what explains and what checks when it is first asked for."""
    if name not in _LATER:
        raise AttributeError(f"module 'gradlaw' has no attribute {name!r}")
    module, attribute = _LATER[name]
    found = import_module(module)
    return getattr(found, attribute) if attribute else found
