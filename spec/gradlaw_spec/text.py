"""Text of others: what an engine or a file says, made short and safe where it comes in.

Everything behind this module can print, write and compare what it got: no terminal obeys it, and no file refuses it.
"""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 65_536
"""Characters that are kept of what a target says."""
LINE: Final = 300
"""Characters that one line about a mistake may have."""
HIDDEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)
"""Characters that no XML may have, that a terminal obeys, or that make text look other than it is."""


def printable(text: str) -> str:
    """Return a text with every hidden character written as an escape."""
    return HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def tame(said: object, most: int = MOST) -> str:
    """Return what somebody else's object says, as plain text of at most about ``most`` characters.

    An object that cannot say anything (its ``__str__`` raises, or returns no string) is told of by its type.
    """
    try:
        text = str.__str__(said if isinstance(said, str) else str(said))
    except BaseException as error:  # whatever it is, it is the other's
        text = f"<{type_name(said)}, of which str raises {type_name(error)}>"
    whole = len(text)
    # Escapes are up to six times as long as what they stand for.
    kept = printable(text[:most])[:most]
    return kept if whole <= most else f"{kept} … ({whole} characters)"


def type_name(value: object) -> str:
    """Return the name of a value's type, whatever its metaclass says."""
    return printable(type.__dict__["__name__"].__get__(type(value)))[:200]


def error_text(error: BaseException) -> str:
    """Return an error as its type and its message."""
    message = tame(error)
    return f"{type_name(error)}: {message}" if message else type_name(error)


def one_line(text: str, most: int = LINE) -> str:
    """Return a text as one line of at most so many characters; what is cut out is the middle of it."""
    line = " ".join(printable(text).split())
    if len(line) <= most:
        return line
    half = (most - 3) // 2
    return f"{line[:half]} … {line[-half:]}"
