"""What a check could have found: the smallest error that it rejects, and wrong backward passes that would pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from gradlaw_properties.trial import Trial
from gradlaw_reference import Data
from gradlaw_spec import Case, Target

MOST_CASES: Final = 16
"""So many cases are looked at again."""


class PowerWarning(UserWarning):
    """A check would have let a backward pass through that is surely wrong."""


@dataclass(frozen=True)
class Power:
    """What a check of an input's gradient in a dtype could have found.

    ``smallest`` is the smallest relative error of the gradient that some element would have shown, ``typical`` that of
    the median element; both are infinite where no element says anything. ``zeros`` and ``constant`` say that a backward
    which returns zeros, or forgets its cotangent, would have passed.
    """

    input: str
    dtype: str
    smallest: float
    typical: float
    zeros: bool
    constant: bool


def power_of(target: Target, cases: Iterable[Case], dtype_name: str) -> tuple[Power, ...]:
    """Return the power of a check by its cases, for each input that is differentiated."""
    trials = [Trial(target, case) for case in cases]
    if not trials:
        return ()
    names = trials[0].program.inputs
    sets = [trial.truth() for trial in trials]
    ones = [trial.truth(tuple(map(np.ones_like, trial.cotangents))) for trial in trials]
    return tuple(
        _power(name, dtype_name, [one[place] for one in sets], [one[place] for one in ones])
        for place, name in enumerate(names)
    )


def _power(name: str, dtype_name: str, sets: list[Data], ones: list[Data]) -> Power:
    pairs = [pair for one, other in zip(sets, ones, strict=True) for pair in zip(one.flat, other.flat, strict=True)]
    known = [(item, other) for item, other in pairs if item.is_finite()]
    # A gradient in its set that is wrong by this part of itself lies outside, wherever in the set it should have been.
    errors = [float(2 * item.rad() / item.abs_lower()) for item, _ in known if item.abs_lower() > 0]
    return Power(
        input=name,
        dtype=dtype_name,
        smallest=min(errors, default=float("inf")),
        typical=float(np.median(errors)) if errors else float("inf"),
        zeros=all(item.contains(0) for item, _ in known),
        constant=all(item.overlaps(other) for item, other in known if other.is_finite()),
    )
