"""The case in flight: a worker notes it before it runs, so that one that dies can be told of.

The note is a small file that outlives the process: a header (process, how often a law began, how many cases began,
length, law), then the case in JSON.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from gradlaw_spec import Case, SpecError, decode_case, encode_case

HEADER: Final = struct.Struct(">QQQQ64s")
MOST: Final = 2**24
"""Bytes of a note that are read: a target can write into the file as well."""
LOADING: Final = "(loading)"
"""What stands for the law while the target is loaded."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a file says: the process, how often a law began, how many cases, the law, and the case if there is one."""

    process: int
    begun: int
    cases: int
    law: str = ""
    case: Case | None = None


def case_key(case: Case) -> str:
    """Return a name of a case that is the same for every law and in every process."""
    return sha256(encode_case(case)).hexdigest()


def nothing_refused(case: Case) -> str:
    """Refuse no case."""
    return ""


@dataclass(slots=True)
class Heartbeat:
    """The child's side: notes each case before it runs, and says whether it is to be refused.

    ``refuse`` maps a case to the reason why the target must not run it, or to nothing. Without a path the
    note stays in memory.
    """

    path: Path | None = None
    refuse: Callable[[Case], str] = nothing_refused
    law: str = ""
    case: Case | None = None
    refusal: str = ""
    begun: int = 0
    cases: int = 0
    _file: BinaryIO | None = field(default=None, init=False)
    _length: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.path is not None:
            self._file = self.path.open("r+b" if self.path.exists() else "w+b", buffering=0)
            self._write_header()

    def __call__(self, case: Case, law: str) -> None:
        """Note a case and its law, before it runs."""
        fresh = self.case is not case
        self.case, self.law = case, law
        self.begun += 1
        if fresh:
            self.cases += 1
            self.refusal = self.refuse(case)
        if self._file is not None:
            if fresh:
                text = encode_case(case)
                self._length = len(text)
                self._file.seek(HEADER.size)
                self._file.write(text)
            self._write_header()

    def mark(self, stage: str) -> None:
        """Note what is done before any case."""
        self.law = stage
        if self._file is not None:
            self._write_header()

    def _write_header(self) -> None:
        assert self._file is not None
        self._file.seek(0)
        self._file.write(HEADER.pack(os.getpid(), self.begun, self.cases, self._length, self.law.encode()[:64]))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def read_note(path: Path, *, with_case: bool) -> Note | None:
    """Read the parent's side of a note; None where nothing, or nothing whole, has been written."""
    try:
        content = _head(path, MOST if with_case else HEADER.size)
    except OSError:
        return None
    if len(content) < HEADER.size:
        return None
    process, begun, cases, length, law = HEADER.unpack(content[: HEADER.size])
    name = law.rstrip(b"\0").decode(errors="replace")
    if not with_case or not length:
        return Note(process, begun, cases, name)
    try:
        case = decode_case(content[HEADER.size : HEADER.size + length])
    except SpecError:  # the process died while it wrote
        return Note(process, begun, cases, name)
    return Note(process, begun, cases, name, case)


def _head(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)
