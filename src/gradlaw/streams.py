"""Standard output and error that nobody may read to the end: ``gradlaw check … | head -1`` is no fault."""

from __future__ import annotations

import io
import os
from typing import TextIO


class _Pipe(io.RawIOBase):
    """A descriptor that is written to as long as somebody reads it, and then to nowhere."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, content: object) -> int:
        """Write bytes; where the reader has left, do nothing from now on."""
        data = memoryview(content)  # type: ignore[arg-type]
        try:
            return os.write(self._descriptor, data)
        except (BrokenPipeError, ConnectionResetError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._descriptor)
            os.close(nowhere)
            return len(data)


def patient(stream: TextIO) -> TextIO:
    """Return a stream like this one that goes on when its reader leaves, and escapes what its encoding has not."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):  # it is no file: a notebook's, a test's
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Pipe(descriptor)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )
