"""The noun Verdict, and Cell: the verdict of one law on one subject in one dtype."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gradlaw_spec.case import Case


class Verdict(StrEnum):
    """What is said of a cell. Only ``PASS``, ``KNOWN`` and ``UNSUPPORTED`` are silent."""

    PASS = "pass"
    VIOLATION = "violation"
    INCONCLUSIVE = "inconclusive"
    UNSUPPORTED = "unsupported"
    KNOWN = "known"
    FIXED = "fixed"
    STALE = "stale"
    CRASH = "crash"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One finished cell: ``address`` is ``subject/law@dtype``.

    ``examples`` counts cases, ``points`` judged gradient or value elements, ``inconclusive`` those of
    them whose admissible set was too wide to say anything; ``seconds`` is wall time; ``message`` says
    what was found; ``witness`` is the shrunk case that shows it and ``script`` a program that shows it.
    """

    address: str
    verdict: Verdict
    examples: int
    points: int
    inconclusive: int
    seconds: float
    clause: str
    message: str = ""
    witness: Case | None = None
    script: str = ""
