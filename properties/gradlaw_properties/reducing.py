"""Reducing a witness: one element where one shows it, ones for cotangents, and numbers with few digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from gradlaw_properties.judge import Outcome
from gradlaw_spec import DTYPES, Array, Case, Finding, load_primitives

MOST_TRIES = 80
"""Cases that are tried for one witness."""
REPEATED = (4, 16, 32, 64)
"""How often one element is repeated, for engines that compute single numbers in another way than many."""
Shows = Callable[[Case], Outcome | None]
"""What a law finds on a case, if it finds there what the witness shows."""


def reduce_case(case: Case, finding: Finding | None, shows: Shows) -> tuple[Case, Outcome] | None:
    """Return the smallest case found that still shows it, and what the law says of it; None where there is none.

    ``finding`` is the element that is wrong, where the law names one. The first smaller case that shows it is reduced
    further, until none does or the tries are used up.
    """
    tries, best = 0, None
    while True:
        for smaller in _smaller(case, finding):
            tries += 1
            if tries > MOST_TRIES:
                return best
            found = shows(smaller)
            if found is not None:
                case, finding, best = smaller, found.finding, (smaller, found)
                break
        else:
            return best


def _smaller(case: Case, finding: Finding | None) -> Iterator[Case]:
    """Yield simpler cases, the simplest first; each has fewer elements, more ones or fewer digits."""
    yield from _one_element(case, finding)
    for position, cotangent in enumerate(case.cotangents):
        if (cotangent != 1).any():
            ones = list(case.cotangents)
            ones[position] = np.ones_like(cotangent)
            yield replace(case, cotangents=tuple(ones))
    for name, value in case.values.items():
        yield from (replace(case, values={**case.values, name: short}) for short in _shorter(value))
    for position, cotangent in enumerate(case.cotangents):
        for short in _shorter(cotangent):
            yield replace(case, cotangents=(*case.cotangents[:position], short, *case.cotangents[position + 1 :]))


def _one_element(case: Case, finding: Finding | None) -> Iterator[Case]:
    """Yield the case of a single element, where a primitive works element by element and the law names one.

    Behind it come those of the element repeated: an engine may compute single numbers otherwise than many at once.
    """
    page = load_primitives().get(case.subject)
    if page is None or page.shapes != "elementwise" or len(case.program.steps) != 1:
        return
    shape = case.cotangents[0].shape
    if not shape or any(value.ndim > len(shape) for value in case.values.values()):
        return
    named = () if finding is None else finding.index
    index = named if len(named) == len(shape) else (0,) * len(shape)
    if any(place >= length for place, length in zip(index, shape, strict=True)):
        return
    values = {name: np.asarray(np.broadcast_to(value, shape)[index]) for name, value in case.values.items()}
    cotangent = np.asarray(case.cotangents[0][index])
    yield replace(case, values=values, cotangents=(cotangent,))
    for length in REPEATED:
        if length < case.cotangents[0].size:
            several = {name: np.repeat(value, length) for name, value in values.items()}
            yield replace(case, values=several, cotangents=(np.repeat(cotangent, length),))


def _shorter(value: Array) -> Iterator[Array]:
    """Yield arrays of which all numbers have one, two or three digits, where they have more now."""
    if value.dtype.name not in DTYPES or value.size == 0:
        return
    for digits in (1, 2, 3):
        rounded = np.asarray([float(f"{float(x):.{digits - 1}e}") for x in value.ravel()]).reshape(value.shape)
        with np.errstate(over="ignore"):
            short = rounded.astype(value.dtype)
        if _same(short, value):
            return
        if np.isfinite(short.astype(np.float64)).all():
            yield short


def _same(first: Array, second: Array) -> bool:
    return first.tobytes() == second.tobytes()
