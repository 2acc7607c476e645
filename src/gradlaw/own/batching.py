"""Whether a row's value and gradient depend on the batch that it sits in: a law of its own, which a kernel SHOULD keep.

It says nothing of truth: both may be right, and differ in their last digits. A kernel that keeps it gives the same
training run for another split into batches, and the same answer for a request whoever else is served beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from gradlaw.own.kernels import Kernel
from gradlaw.own.settings import SETTINGS, read_settings
from gradlaw.own.signature import Input, names_in
from gradlaw_spec import Array, Case, SpecError

CLAUSE: Final = "SHOULD batch-invariance: a row has the same value and gradient, bit for bit, alone and in any batch"
MOST_ROWS: Final = 4
"""So many rows of a case are run alone."""


def check_axis(inputs: tuple[Input, ...], axis: str | None) -> None:
    """Raise SpecError where an axis is none along which all is in rows: the first one of inputs, and nowhere else."""
    if axis is None:
        return
    first = [one.name for one in inputs if one.axes[:1] == (axis,)]
    lengths = {one.name: (*(one.axes[1:] if one.axes[:1] == (axis,) else one.axes), one.limit) for one in inputs}
    elsewhere = [name for name, found in lengths.items() if any(axis in names_in(length) for length in found)]
    if not first or elsewhere:
        found = f"batch={axis!r}, which is another axis of {elsewhere[0]}" if elsewhere else f"batch={axis!r}"
        raise SpecError(
            "batch", found, "an axis that is the first one of inputs, and no other", "Name the batch's axis."
        )


def difference(kernel: Kernel, axis: str, cases: Iterable[Case]) -> str:
    """Return what the first row is that differs alone and in its batch; nothing where none does."""
    rows = tuple(one.name for one in kernel.inputs if one.axes[:1] == (axis,))
    for case in cases:
        length = len(case.values[rows[0]])
        if length < 2 or read_settings(case.values).shared:
            continue
        whole = _named(kernel, case.values, case.cotangents)
        for row in np.unique(np.linspace(0, length - 1, MOST_ROWS, dtype=int)):
            part = slice(row, row + 1)
            values = {name: array[part] if name in rows else array for name, array in case.values.items()}
            alone = _named(kernel, values, tuple(one[part] for one in case.cotangents))
            for name, found in alone.items():
                of_row = name.startswith("value") or name.removeprefix("gradient of ") in rows
                if of_row and found.tobytes() != whole[name][part].tobytes():
                    return _told(f"{name}, row {row} of {length}", found, whole[name][part])
    return ""


def _named(kernel: Kernel, values: Mapping[str, Array], cotangents: tuple[Array, ...]) -> dict[str, Array]:
    recorded = kernel.record(
        {name: np.array(value) for name, value in values.items() if name != SETTINGS} | {SETTINGS: values[SETTINGS]}
    )
    named = {f"value {place}": one for place, one in enumerate(recorded.outputs)}
    pulled = recorded.pull(tuple(np.array(one) for one in cotangents))
    pairs = zip(kernel.differentiated, pulled, strict=True)
    return {**named, **{f"gradient of {name}": one for name, one in pairs if one is not None}}


def _told(what: str, alone: Array, within: Array) -> str:
    place = np.flatnonzero(alone.ravel() != within.ravel())
    index = int(place[0]) if place.size else 0
    return f"{what}: {alone.ravel()[index]!s} alone, {within.ravel()[index]!s} in the batch"
