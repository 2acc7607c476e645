"""gradlaw: know whether a gradient is right."""

from __future__ import annotations

from importlib.metadata import version

from gradlaw.targets import functional_target, load_target, tape_target
from gradlaw_spec import SpecError, Target

__version__ = version("gradlaw")

__all__ = ["SpecError", "Target", "__version__", "functional_target", "load_target", "tape_target"]
