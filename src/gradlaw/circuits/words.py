"""What is said of a step in words: its pattern, and whether equal operands share."""

from __future__ import annotations

from gradlaw.circuits.flow import Share
from gradlaw_spec import Step, load_primitives


def pattern_text(step: Step) -> str:
    """Return the backward-flow pattern of a step in words: ``add distributes``."""
    return load_primitives()[step.primitive].pattern.replace("-", " ")


def tie_text(share: Share) -> str:
    """Say that equal operands share, where they do: a formula of the page takes one side there."""
    between = share.local is not None and bool(((share.local > 0) & (share.local < 1)).any())
    return " (equal ones share)" if between and "where(" in share.formula else ""
