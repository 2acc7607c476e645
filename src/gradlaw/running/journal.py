"""The journal of a run: each finished cell is appended to a file, so that a run that was killed can go on.

It stands beside the report in JSON, and goes away when that is written. Its first message says which run it is of;
the others are cells, the last one of an address counting. What was cut off in the middle of a message is left out.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Self

from gradlaw import __version__
from gradlaw.known import KnownDeviation
from gradlaw.running.wire import LENGTH, Malformed, decoded, encoded
from gradlaw.running.worker import Plan
from gradlaw_properties import Settings
from gradlaw_spec import SPEC_VERSION, Cell, SpecError
from gradlaw_spec.files import read_plain_file

MOST = 2**30
"""Bytes of a journal that is read."""


def run_key(target: str, plan: Plan, settings: Settings, known: tuple[KnownDeviation, ...]) -> str:
    """Return what two runs have in common that find the same."""
    said = (__version__, SPEC_VERSION, target, plan, settings, known)
    return sha256(b"".join(encoded(_ordered(part)) for part in said)).hexdigest()


def _ordered(part: object) -> object:
    """Return a plan as what is the same in every process; a set has no order."""
    if not isinstance(part, Plan):
        return part
    return (part.name, part.version, sorted(part.primitives), part.units, sorted(part.accuracies.items()))


def journal_of(report: Path) -> Path:
    """Return the place of the journal of a run whose report in JSON is written there."""
    return report.with_name(f"{report.name}.journal")


@dataclass
class Journal:
    """A file that cells are appended to, and the cells that it had."""

    path: Path
    cells: dict[str, Cell]
    descriptor: int

    @classmethod
    def start(cls, path: Path, key: str, *, resume: bool) -> Self:
        """Begin a journal, or go on with one; raise SpecError where it is another run's, or cannot be written."""
        cells, end = _read(path, key) if resume and path.exists() else ({}, 0)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
            os.ftruncate(descriptor, end)
            os.lseek(descriptor, end, os.SEEK_SET)
        except OSError as error:
            raise SpecError(str(path), "no file", "a journal that can be written", f"{error.strerror}.") from None
        journal = cls(path, cells, descriptor)
        if not end:
            journal._append(encoded(key))
        return journal

    def add(self, cell: Cell) -> None:
        """Append a cell; it is there when this returns, whatever becomes of this process."""
        self._append(encoded(cell))

    def _append(self, content: bytes) -> None:
        os.write(self.descriptor, LENGTH.pack(len(content)) + content)

    def close(self, *, finished: bool) -> None:
        """Close the file, and remove it where the run is finished."""
        os.close(self.descriptor)
        if finished:
            self.path.unlink(missing_ok=True)


def _read(path: Path, key: str) -> tuple[dict[str, Cell], int]:
    """Return the cells of a journal, and where its last whole message ends."""
    expected = "the journal of the same run"
    file = BytesIO(read_plain_file(path, expected, MOST))
    cells: dict[str, Cell] = {}
    end = 0
    try:
        while (content := _message(file)) is not None:
            if not end and decoded(content, str) != key:
                cure = "Give the same target, options and versions, or leave out --resume to begin anew."
                raise SpecError(str(path), "the journal of another run", expected, cure)
            if end:
                cell = decoded(content, Cell)
                cells[cell.address] = cell
            end = file.tell()
    except Malformed:  # what follows is no journal any more
        pass
    return cells, end


def _message(file: BytesIO) -> bytes | None:
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size: int = LENGTH.unpack(head)[0]
    content = file.read(size) if size < MOST else b""
    return content if content and len(content) == size else None
