"""Errors that a user can cause and mend."""

from __future__ import annotations

import re


class SpecError(ValueError):
    """A page, program, case or formula that is not what the spec expects.

    The message has one line: where it is, what was found as ``name=value``, what was
    expected, and how to mend it.
    """

    def __init__(self, where: str, found: str, expected: str, cure: str) -> None:
        self.where, self.found, self.expected, self.cure = where, found, expected, cure
        # A place that is shown with a caret ends its line itself.
        start = where if where.endswith("\n") else f"{where}: "
        super().__init__(f"{start}found {found}; expected {expected}. {cure}")


class Unsupported(Exception):
    """An engine does not do what is asked: raised by an adapter, at any place, it is no verdict about the engine.

    The message says what it does not do (``"sum over a tuple of axes"``).
    """


def missing_key(message: str) -> str:
    """Return the key that is missing, where a message of msgspec says so, else nothing."""
    missing = re.fullmatch(r"Object missing required field `(.+)`", message)
    return missing[1] if missing else ""


def expectation(message: str) -> str:
    """Return what a message of msgspec says was expected: "`int`" of "Expected `int`, got `str`"."""
    missing = missing_key(message)
    return f"the key {missing}" if missing else re.sub(r"^Expected (.*?)(, got .*)?$", r"\1", message)
