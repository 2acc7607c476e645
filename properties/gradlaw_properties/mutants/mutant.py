"""The noun Mutant: a wrong engine, how it is made, and where it must be caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradlaw_spec import Target

Keep = list[Any] | None


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong engine: its name, how it is made, and where it must be caught."""

    name: str
    build: Callable[[], Target]
    subject: str = "program"
    dtype: str = "float64"
