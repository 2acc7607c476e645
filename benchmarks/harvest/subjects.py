"""What a function of a package is judged as: its definition, how it is called, and what is declared of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Subject:
    """A function of a package, with its definition."""

    name: str
    definition: Callable[..., Any]
    kernel: Any
    signature: str
    declared: Mapping[str, Any] = field(default_factory=dict)
    """What else `gradlaw.check` is given."""


def subject(
    name: str, definition: Callable[..., Any], kernel: Any, signature: str = "x: batch d", **declared: Any
) -> Subject:
    return Subject(name, definition, kernel, signature, declared)
