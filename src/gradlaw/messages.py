"""What every message is made of: names that were meant, and the first line of what somebody else said."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def near(name: str, names: Iterable[str]) -> str:
    """Return the cure for a misspelt name: the names that are near it, else all of them."""
    everything = sorted(names)
    found = get_close_matches(name, everything, n=2, cutoff=0.6)
    return f"Did you mean {' or '.join(found)}?" if found else f"Choose one of {', '.join(everything)}."


def first_line(said: object) -> str:
    """Return the first line of a text, or of an error's message; or nothing."""
    return (str(said).splitlines() or [""])[0]


def error_line(error: BaseException) -> str:
    """Return an error as one line: its type, and the first line of its message if there is one."""
    name, line = type(error).__name__, first_line(error)
    return f"{name}: {line}" if line else name
