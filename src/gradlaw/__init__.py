"""gradlaw: know whether a gradient is right."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

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
    from gradlaw.targets import functional_target, load_target, tape_target
    from gradlaw_spec import SpecError, Target, Unsupported

    __version__: str

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
    "SpecError": ("gradlaw_spec", "SpecError"),
    "Target": ("gradlaw_spec", "Target"),
    "Unsupported": ("gradlaw_spec", "Unsupported"),
    "functional_target": ("gradlaw.targets", "functional_target"),
    "load_target": ("gradlaw.targets", "load_target"),
    "tape_target": ("gradlaw.targets", "tape_target"),
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
"""All that the package has, imported when it is first asked for: module, and name in it."""


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("gradlaw")
    if name not in _LATER:
        raise AttributeError(f"module 'gradlaw' has no attribute {name!r}")
    module, attribute = _LATER[name]
    found = import_module(module)
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
