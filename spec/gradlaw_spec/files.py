"""Files that somebody gives: read where they are plain files of a sane size, refused in one line where not."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from gradlaw_spec.errors import SpecError

MOST: Final = 16 * 2**20
"""Bytes of a file that is read, where nothing else is said."""


def read_plain_file(path: Path, expected: str, most: int = MOST) -> bytes:
    """Return the bytes of a file; raise SpecError where it is none, cannot be read, or is larger than ``most``.

    A pipe or a device would never end, so neither is read.
    """
    where = str(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise SpecError(where, "no readable file", expected, f"{error.strerror}.") from None
    except ValueError:
        raise SpecError(where, "no file's name", expected, "Name a file.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SpecError(where, "no plain file", expected, "Name a plain file.")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise SpecError(where, f"more than {most} bytes", expected, "Name a smaller file.")
    return content
