"""What a kernel is called with beside arrays, kept inside of a case: layouts, options, numbers, how its result is used.

A case has arrays alone, so the settings are JSON in an array of bytes, under a name of their own: a witness keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
import numpy as np

from gradlaw_spec import Array, Case, SpecError

SETTINGS: Final = "settings_"
"""The data name of a case's settings."""
COTANGENT: Final = "cotangent"
"""What the layout of the cotangents is kept under."""


@dataclass(frozen=True)
class Settings:
    """How a kernel is called."""

    layouts: Mapping[str, str] = field(default_factory=dict)
    """The memory layout of inputs and ``cotangent``; contiguous where it is not named."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments, given to the definition and to the kernel."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """The inputs that are Python floats."""
    shared: str = ""
    """An input h that is used beside the kernel too: the outputs are f(h) and h."""


def is_own(case: Case) -> bool:
    """Whether a case is one of a user's own kernel."""
    return SETTINGS in case.values


def without_settings(case: Case) -> Case:
    """Return a case of the mathematics alone."""
    data = tuple(name for name in case.program.data if name != SETTINGS)
    values = {name: value for name, value in case.values.items() if name != SETTINGS}
    return replace(case, program=replace(case.program, data=data), values=values)


def written_settings(settings: Settings) -> Array:
    """Write settings as an array; raise SpecError for an option that JSON has not."""
    try:
        text = msgspec.json.encode(settings)
    except (TypeError, ValueError) as error:
        expected = "numbers, strings, booleans, None and lists of them"
        raise SpecError("options", f"options={settings.options!r}", expected, f"{error}") from None
    return np.frombuffer(text, dtype=np.uint8).astype(np.int64)


def read_settings(values: Mapping[str, Array]) -> Settings:
    """Read the settings of a case's values; those that are not there are the plain ones."""
    written = values.get(SETTINGS)
    return Settings() if written is None else msgspec.json.decode(written.astype(np.uint8).tobytes(), type=Settings)
