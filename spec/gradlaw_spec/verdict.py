"""The nouns Verdict, Finding and Cell: the verdict of one law on one subject in one dtype, and what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from gradlaw_spec.case import Witness


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

    @property
    def is_bad(self) -> bool:
        """Whether it says that a law does not hold."""
        return self in (Verdict.VIOLATION, Verdict.CRASH, Verdict.TIMEOUT)


class Severity(StrEnum):
    """How far from right a violation is, as far as it is proved; the worst first."""

    WRONG = "wrong"
    """inf or nan, a shape, a dtype, a sign, an error that is raised, or more than half of the dtype's digits."""
    INACCURATE = "inaccurate"
    """More than five bits."""
    DIGITS = "digits"
    """The last five bits, or an underflow: a SHOULD, whatever the law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One element outside of its admissible set.

    ``what`` names the array and ``index`` the element; ``got`` is the engine's number, ``low`` and ``high`` are the
    ends of the set, each rounded to the nearest float64. ``width`` and ``distance`` (from the nearer end, negative
    where ``got`` is below) are measured before that rounding, since a set may be narrower than float64 can tell;
    ``distance`` is nan where it cannot be measured. ``ulps`` is the distance in units of the dtype on trial, at the
    larger of the two numbers (below the smallest normal number: in units of that); infinite for inf and nan.
    """

    what: str
    index: tuple[int, ...]
    got: float
    low: float
    high: float
    width: float
    distance: float
    ulps: float = math.inf
    severity: Severity = Severity.WRONG


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One finished cell: ``address`` is ``subject/law@dtype``.

    ``examples`` counts cases, ``points`` judged gradient or value elements, ``inconclusive`` those of
    them whose admissible set was too wide to say anything; ``seconds`` is wall time; ``message`` says
    what was found; ``witness`` is the shrunk case that shows it and ``script`` a program that shows it;
    ``finding`` is what the message says of one element, as data (no report in JSON has it); ``severity`` is that of a
    violation, None of another verdict; ``cause`` is the primitive whose fault a wrong program shows. ``refused`` says
    why an engine does not take some of the cases, which then judge nothing.
    """

    address: str
    verdict: Verdict
    examples: int = 0
    points: int = 0
    inconclusive: int = 0
    seconds: float = 0.0
    clause: str = ""
    message: str = ""
    witness: Witness | None = None
    script: str = ""
    finding: Finding | None = None
    severity: Severity | None = None
    cause: str = ""
    refused: str = ""
