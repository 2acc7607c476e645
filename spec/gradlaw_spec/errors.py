"""Errors that a user can cause and mend."""

from __future__ import annotations


class SpecError(ValueError):
    """A page, program, case or formula that is not what the spec expects.

    The message has one line: where it is, what was found as ``name=value``, what was
    expected, and how to mend it.
    """

    def __init__(self, where: str, found: str, expected: str, cure: str) -> None:
        self.where, self.found, self.expected, self.cure = where, found, expected, cure
        super().__init__(f"{where}: found {found}; expected {expected}. {cure}")
