"""Properties of gradients: strategies that generate cases, laws that judge them, and how both are run."""

from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import Settings, Unit, cells, clause_text, examine, plan, replay
from gradlaw_properties.judge import Outcome, judge

__all__ = [
    "Outcome",
    "Settings",
    "Unit",
    "cells",
    "clause_text",
    "examine",
    "judge",
    "plan",
    "reference_target",
    "replay",
]
