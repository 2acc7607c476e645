"""The noun Address: where a verdict stands, ``subject/law@dtype``, and patterns of such places."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

PROGRAM: Final = "program"
"""The subject of what is said of random programs, not of one primitive."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A subject (a primitive, or ``program``), a law and a dtype; in a pattern each may be a glob, or empty for any."""

    subject: str = ""
    law: str = ""
    dtype: str = ""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``tanh``, ``tanh/gradient``, ``*/linearity@float32``, ``@float32``, …; what is not named is empty."""
        plain, _, dtype = text.partition("@")
        subject, _, law = plain.partition("/")
        return cls(subject, law, dtype)

    def matches(self, pattern: Address | str) -> bool:
        """Whether each part fits the pattern's."""
        return (Address.parse(pattern) if isinstance(pattern, str) else pattern).fits(self)

    def fits(self, address: Address) -> bool:
        """Whether this pattern fits an address."""
        pairs = ((address.subject, self.subject), (address.law, self.law), (address.dtype, self.dtype))
        return all(fnmatchcase(part, glob or "*") for part, glob in pairs)

    def __str__(self) -> str:
        """Write the address; what is empty is left out."""
        law = f"/{self.law}" if self.law else ""
        dtype = f"@{self.dtype}" if self.dtype else ""
        return f"{self.subject}{law}{dtype}"
