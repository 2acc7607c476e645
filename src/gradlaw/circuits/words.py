"""What is said of a step in words: its pattern, and whether equal operands share."""

from __future__ import annotations

from gradlaw.circuits.flow import Part
from gradlaw_spec import Step, load_primitives


def pattern_text(step: Step) -> str:
    """Return the backward-flow pattern of a step in words: ``add distributes``."""
    return load_primitives()[step.primitive].pattern.replace("-", " ")


def tie_text(part: Part) -> str:
    """Say that equal operands share, where they do: a formula of the page takes one side there."""
    between = part.local is not None and bool(((part.local > 0) & (part.local < 1)).any())
    return " (equal ones share)" if between and "where(" in part.formula else ""
