"""Properties of gradients: strategies that generate cases, laws that judge them, and how both are run."""

from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import PROGRAM, Settings, Unit, cells, clause_text, examine, matches, plan, replay
from gradlaw_properties.judge import Outcome, judge

__all__ = [
    "PROGRAM",
    "Outcome",
    "Settings",
    "Unit",
    "cells",
    "clause_text",
    "examine",
    "judge",
    "matches",
    "plan",
    "reference_target",
    "replay",
]
