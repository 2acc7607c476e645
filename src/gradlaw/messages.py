"""What every message is made of: names that were meant, and the first line of what somebody else said."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from gradlaw_spec.text import LINE, one_line, printable, tame, type_name


def near(name: str, names: Iterable[str]) -> str:
    """Return the cure for a misspelt name: the names that are near it, else all of them."""
    everything = sorted(names)
    name = name[:80]  # a longer one is near to none, and would take long to compare
    found = get_close_matches(name, everything, n=2, cutoff=0.6)
    return f"Did you mean {' or '.join(found)}?" if found else f"Choose one of {', '.join(everything)}."


def first_line(said: object) -> str:
    """Return the first line of a text, or of an error's message; or nothing."""
    return (tame(said).splitlines() or [""])[0]


def error_line(error: BaseException) -> str:
    """Return an error as one line: its type, and the first line of its message if there is one."""
    name, line = type_name(error), first_line(error)
    return f"{name}: {line}" if line else name


def mistake_text(message: str) -> str:
    """Return a mistake as it is printed: one line, or a short text with a caret under the place."""
    text = f"gradlaw: {message}"
    lines = [printable(line) for line in text.split("\n")]
    return "\n".join(lines) if len(lines) > 1 and sum(map(len, lines)) <= LINE else one_line(text)
